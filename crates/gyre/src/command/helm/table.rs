//! Tables as Helm prints them: columns parted by a tab, each padded to its widest cell.

use serde_json::Value;

/// Lines of a table. A cell is cut after `width_max` characters.
pub(super) fn table(rows: &[Vec<String>], width_max: usize) -> String {
    let cut = |cell: &String| match cell.chars().count() {
        count if width_max > 3 && count > width_max => {
            cell.chars().take(width_max - 3).chain("...".chars()).collect()
        }
        _ => cell.clone(),
    };
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(cut).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("\t")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// `-o`: how a result is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    /// For people.
    #[default]
    Table,
    /// One line of JSON.
    Json,
    /// YAML.
    Yaml,
}

/// `-o`, as a flag.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct OutputFlag {
    /// Print the output in this format: table, json, yaml
    #[arg(long, short = 'o', default_value = "table")]
    output: String,
}

impl OutputFlag {
    pub(super) fn format(&self) -> anyhow::Result<Format> {
        match self.output.as_str() {
            "table" => Ok(Format::Table),
            "json" => Ok(Format::Json),
            "yaml" => Ok(Format::Yaml),
            other => {
                anyhow::bail!("invalid argument {other:?} for \"-o, --output\" flag: invalid format type")
            }
        }
    }
}

/// A record: its fields in the order in which Go would write them.
pub(super) type Record = Vec<(&'static str, Value)>;

/// Records in a format that is not a table.
pub(super) fn encoded(records: &[Record], format: Format) -> String {
    if format == Format::Yaml {
        let all = records.iter().map(|record| {
            Value::Object(record.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
        });
        return gyre_yaml::write_value(&Value::Array(all.collect()));
    }
    let all: Vec<String> = records.iter().map(record_json).collect();
    format!("[{}]\n", all.join(","))
}

/// A record as JSON, with the characters escaped that Go escapes.
pub(super) fn record_json(record: &Record) -> String {
    let fields: Vec<String> =
        record.iter().map(|(key, value)| format!("\"{key}\":{}", go_json(value))).collect();
    format!("{{{}}}", fields.join(","))
}

/// JSON as Go writes it.
pub(super) fn go_json(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}
