//! Bodies in YAML.

use serde_json::Value;

use crate::json::Parsed;

/// The text of a value.
pub(crate) fn write(value: &Value) -> String {
    gyre_yaml::write_value(value)
}

/// Reads the first YAML document. A key that occurs twice is told as a duplicate.
pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed, String> {
    let value = gyre_yaml::yaml_to_json(bytes).map_err(|error| error.to_string())?;
    let duplicates = match gyre_yaml::yaml_to_json_strict(bytes) {
        Ok(_) => Vec::new(),
        Err(error) => duplicates(&error.to_string()),
    };
    Ok(Parsed { value, duplicates })
}

/// The lines of an error that tell of keys that occur twice.
fn duplicates(error: &str) -> Vec<String> {
    error.lines().map(str::trim).filter(|line| line.contains("already set in map")).map(Into::into).collect()
}
