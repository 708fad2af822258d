//! What `helm lint` says of `Chart.yaml`.

use std::sync::LazyLock;

use gyre_go::regexp::Regexp;
use gyre_go::semver::{Constraints, Version};
use gyre_go::strconv::quote;
use gyre_yaml::yaml_to_json;
use serde_json::Value;

use super::{Findings, Severity, Subject};
use crate::chart::{Metadata, read_metadata};

const FILE: &str = "Chart.yaml";

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let read = match &subject.chart_file {
        Ok(content) => read_metadata(content).map_err(|why| why.to_string()).map(|data| (data, *content)),
        Err(why) => Err(why.clone()),
    };
    let (metadata, content) = match read {
        Ok(read) => read,
        Err(why) => {
            findings.check(Severity::Error, FILE, Err(format!("unable to parse YAML\n\t{why}")));
            return;
        }
    };
    let fields = yaml_to_json(content).unwrap_or_default();
    for (severity, result) in [
        (Severity::Error, name(&metadata)),
        (Severity::Error, api_version(&metadata)),
        (Severity::Error, is_text(&fields, "version")),
        (Severity::Error, version(&metadata)),
        (Severity::Error, is_text(&fields, "appVersion")),
        (Severity::Error, maintainers(&metadata)),
        (Severity::Error, sources(&metadata)),
        (Severity::Info, if metadata.icon.is_empty() { Err("icon is recommended".into()) } else { Ok(()) }),
        (Severity::Error, icon(&metadata)),
        (Severity::Error, chart_type(&metadata)),
        (Severity::Error, dependencies(&metadata)),
    ] {
        findings.check(severity, FILE, result);
    }
}

fn name(metadata: &Metadata) -> Result<(), String> {
    if metadata.name.is_empty() {
        return Err("name is required".into());
    }
    if metadata.name.contains('/') {
        return Err(format!("chart name {} is invalid", quote(metadata.name.as_bytes())));
    }
    Ok(())
}

fn api_version(metadata: &Metadata) -> Result<(), String> {
    match &*metadata.api_version {
        "" => Err("apiVersion is required. The value must be either \"v1\" or \"v2\"".into()),
        "v1" | "v2" => Ok(()),
        other => Err(format!("apiVersion '{other}' is not valid. The value must be either \"v1\" or \"v2\"")),
    }
}

fn is_text(fields: &Value, key: &str) -> Result<(), String> {
    let kind = match fields.get(key) {
        None | Some(Value::String(_)) => return Ok(()),
        Some(Value::Null) => "<nil>",
        Some(Value::Bool(_)) => "bool",
        Some(Value::Number(_)) => "float64",
        Some(Value::Array(_)) => "[]interface {}",
        Some(Value::Object(_)) => "map[string]interface {}",
    };
    Err(format!("{key} should be of type string but it's of type {kind}"))
}

fn version(metadata: &Metadata) -> Result<(), String> {
    if metadata.version.is_empty() {
        return Err("version is required".into());
    }
    let Ok(version) = Version::parse(&metadata.version) else {
        return Err(format!("version '{}' is not a valid SemVer", metadata.version));
    };
    match Constraints::parse(">0.0.0-0") {
        Ok(range) if !range.check(&version) => {
            Err(format!("version {} is less than or equal to 0.0.0-0", version.original()))
        }
        _ => Ok(()),
    }
}

static MAIL: LazyLock<Option<Regexp>> = LazyLock::new(|| {
    Regexp::parse(r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?$").ok()
});
static PAGE: LazyLock<Option<Regexp>> = LazyLock::new(|| {
    Regexp::parse(r"^((ftp|tcp|udp|wss?|https?)://)?(\S+(:\S*)?@)?(\[[0-9a-fA-F:.]+\]|localhost|([0-9]{1,3}\.){3}[0-9]{1,3}|([a-zA-Z0-9_]([a-zA-Z0-9_-]*[a-zA-Z0-9_])?\.)*[a-zA-Z0-9_]([a-zA-Z0-9_-]*[a-zA-Z0-9_])?\.[a-zA-Z]{2,}\.?)(:[0-9]{1,5})?((/|\?|#)\S*)?$").ok()
});

fn fits(pattern: Option<&Regexp>, text: &str) -> bool {
    pattern.is_some_and(|pattern| pattern.is_match(text.as_bytes()))
}

/// Does the text begin with a scheme, as an address for a request has to?
fn is_address(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let mut letters = scheme.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '-' | '.'))
        && !rest.is_empty()
        && !text.contains([' ', '\u{7f}'])
        && !text.chars().any(char::is_control)
}

fn maintainers(metadata: &Metadata) -> Result<(), String> {
    if metadata.has_null_maintainer {
        return Err("a maintainer entry is empty".into());
    }
    for maintainer in &metadata.maintainers {
        let name = &maintainer.name;
        if name.is_empty() {
            return Err("each maintainer requires a name".into());
        } else if !maintainer.email.is_empty() && !fits(MAIL.as_ref(), &maintainer.email) {
            return Err(format!("invalid email '{}' for maintainer '{name}'", maintainer.email));
        } else if !maintainer.url.is_empty() && !fits(PAGE.as_ref(), &maintainer.url) {
            return Err(format!("invalid url '{}' for maintainer '{name}'", maintainer.url));
        }
    }
    Ok(())
}

fn sources(metadata: &Metadata) -> Result<(), String> {
    match metadata.sources.iter().find(|source| !is_address(source)) {
        Some(source) => Err(format!("invalid source URL '{source}'")),
        None => Ok(()),
    }
}

fn icon(metadata: &Metadata) -> Result<(), String> {
    if metadata.icon.is_empty() || is_address(&metadata.icon) {
        return Ok(());
    }
    Err(format!("invalid icon URL '{}'", metadata.icon))
}

fn chart_type(metadata: &Metadata) -> Result<(), String> {
    if metadata.kind.is_empty() || metadata.api_version == "v2" {
        return Ok(());
    }
    let version = &metadata.api_version;
    Err(format!("chart type is not valid in apiVersion '{version}'. It is valid in apiVersion 'v2'"))
}

fn dependencies(metadata: &Metadata) -> Result<(), String> {
    if metadata.dependencies.is_empty() || metadata.api_version == "v2" {
        return Ok(());
    }
    let version = &metadata.api_version;
    Err(format!(
        "dependencies are not valid in the Chart file with apiVersion '{version}'. They are valid in apiVersion 'v2'"
    ))
}
