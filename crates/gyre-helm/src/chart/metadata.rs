//! `Chart.yaml`: read with Go's complaints about types, checked with Helm's rules.

use std::fmt::Write as _;

use gyre_go::strconv::quote;
use gyre_go::utf8::is_space;
use gyre_yaml::yaml_to_json;
use serde_json::{Map, Value};

use crate::error::{HelmError, err};

/// What `Chart.yaml` says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// The name of the chart.
    pub name: String,
    /// A page about it.
    pub home: String,
    /// Where its source is.
    pub sources: Vec<String>,
    /// Its version.
    pub version: String,
    /// One sentence.
    pub description: String,
    /// Words to find it by.
    pub keywords: Vec<String>,
    /// Who keeps it.
    pub maintainers: Vec<Maintainer>,
    /// A picture.
    pub icon: String,
    /// `v1` or `v2`.
    pub api_version: String,
    /// A condition of the chart itself.
    pub condition: String,
    /// Tags of the chart itself.
    pub tags: String,
    /// The version of what it installs.
    pub app_version: String,
    /// Should it no longer be used?
    pub deprecated: bool,
    /// Anything else.
    pub annotations: Map<String, Value>,
    /// Versions of Kubernetes that it is for.
    pub kube_version: String,
    /// The charts that it needs.
    pub dependencies: Vec<Dependency>,
    /// `application` or `library`.
    pub kind: String,
    pub(crate) has_null_maintainer: bool,
    has_null_dependency: bool,
}

/// Who keeps a chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Maintainer {
    /// A name.
    pub name: String,
    /// An address.
    pub email: String,
    /// A page.
    pub url: String,
}

/// A chart that another needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dependency {
    /// The name of the chart.
    pub name: String,
    /// A range of versions.
    pub version: String,
    /// Where it comes from.
    pub repository: String,
    /// Paths of values that switch it on and off.
    pub condition: String,
    /// Names that switch it on and off with others.
    pub tags: Vec<String>,
    /// Is it switched on?
    pub enabled: bool,
    /// Values of it that its parent takes.
    pub import_values: Vec<Value>,
    /// Another name for it.
    pub alias: String,
}

/// What a scalar is where Go wants a text: `version: 1` is "1", `name: n` is "false".
pub(crate) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) if number.is_f64() => {
            Some(gyre_go::strconv::format_float(number.as_f64().unwrap_or(0.0), b'g', None))
        }
        Value::Number(number) => Some(number.to_string()),
        Value::Null => Some(String::new()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Reads fields of a Go struct from JSON, with Go's texts where a type is wrong.
struct Fields<'a> {
    entries: &'a Map<String, Value>,
    go_type: &'static str,
}

fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn mismatch<T>(kind: &str, field: &str, want: &str) -> Result<T, HelmError> {
    err(format!(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {kind} into Go struct field {field} of type {want}"
    ))
}

/// What a `Chart.yaml` says, before Helm's rules are applied.
pub fn read_metadata(content: &[u8]) -> Result<Metadata, HelmError> {
    let mut metadata = Metadata::default();
    metadata.read(content)?;
    Ok(metadata)
}

impl<'a> Fields<'a> {
    /// Go finds fields whatever the case of their letters.
    fn value(&self, key: &str) -> Option<&'a Value> {
        let exact = self.entries.get(key);
        let found = exact
            .or_else(|| self.entries.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, v)| v));
        found.filter(|value| !value.is_null())
    }

    fn path(&self, key: &str) -> String {
        format!("{}.{key}", self.go_type)
    }

    fn text(&self, key: &str, into: &mut String) -> Result<(), HelmError> {
        let Some(value) = self.value(key) else { return Ok(()) };
        match scalar_text(value) {
            Some(text) => {
                *into = text;
                Ok(())
            }
            None => mismatch(json_kind(value), &self.path(key), "string"),
        }
    }

    fn flag(&self, key: &str, into: &mut bool) -> Result<(), HelmError> {
        match self.value(key) {
            None => Ok(()),
            Some(Value::Bool(value)) => {
                *into = *value;
                Ok(())
            }
            Some(other) => mismatch(json_kind(other), &self.path(key), "bool"),
        }
    }

    fn texts(&self, key: &str, into: &mut Vec<String>) -> Result<(), HelmError> {
        let Some(value) = self.value(key) else { return Ok(()) };
        let Value::Array(items) = value else {
            return mismatch(json_kind(value), &self.path(key), "[]string");
        };
        into.clear();
        for item in items {
            match scalar_text(item) {
                Some(text) => into.push(text),
                None => return mismatch(json_kind(item), &self.path(key), "string"),
            }
        }
        Ok(())
    }

    fn items(&self, key: &str, want: &str) -> Result<Option<&'a Vec<Value>>, HelmError> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(other) => mismatch(json_kind(other), &self.path(key), want),
        }
    }
}

impl Metadata {
    /// Reads a file into what is known already: what the file does not name stays.
    pub(super) fn read(&mut self, content: &[u8]) -> Result<(), HelmError> {
        let value = yaml_to_json(content)
            .map_err(|why| HelmError::new(format!("error converting YAML to JSON: {why}")))?;
        let entries = match value {
            Value::Object(entries) => entries,
            Value::Null => return Ok(()),
            other => {
                return err(format!(
                    "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {} into Go value of type chart.Metadata",
                    json_kind(&other)
                ));
            }
        };
        let fields = Fields { entries: &entries, go_type: "Metadata" };
        fields.text("name", &mut self.name)?;
        fields.text("home", &mut self.home)?;
        fields.texts("sources", &mut self.sources)?;
        fields.text("version", &mut self.version)?;
        fields.text("description", &mut self.description)?;
        fields.texts("keywords", &mut self.keywords)?;
        self.read_maintainers(&fields)?;
        fields.text("icon", &mut self.icon)?;
        fields.text("apiVersion", &mut self.api_version)?;
        fields.text("condition", &mut self.condition)?;
        fields.text("tags", &mut self.tags)?;
        fields.text("appVersion", &mut self.app_version)?;
        fields.flag("deprecated", &mut self.deprecated)?;
        self.read_annotations(&fields)?;
        fields.text("kubeVersion", &mut self.kube_version)?;
        self.read_dependencies(&fields)?;
        fields.text("type", &mut self.kind)
    }

    fn read_annotations(&mut self, fields: &Fields<'_>) -> Result<(), HelmError> {
        match fields.value("annotations") {
            None => Ok(()),
            Some(Value::Object(entries)) => {
                for (key, value) in entries {
                    let Some(text) = scalar_text(value) else {
                        return mismatch(json_kind(value), "Metadata.annotations", "string");
                    };
                    self.annotations.insert(key.clone(), Value::String(text));
                }
                Ok(())
            }
            Some(other) => mismatch(json_kind(other), "Metadata.annotations", "map[string]string"),
        }
    }

    fn read_maintainers(&mut self, fields: &Fields<'_>) -> Result<(), HelmError> {
        let Some(items) = fields.items("maintainers", "[]*chart.Maintainer")? else { return Ok(()) };
        self.maintainers.clear();
        for item in items {
            let mut maintainer = Maintainer::default();
            match item {
                Value::Object(entries) => {
                    let fields = Fields { entries, go_type: "Maintainer.maintainers" };
                    fields.text("name", &mut maintainer.name)?;
                    fields.text("email", &mut maintainer.email)?;
                    fields.text("url", &mut maintainer.url)?;
                }
                Value::Null => self.has_null_maintainer = true,
                other => return mismatch(json_kind(other), "Metadata.maintainers", "chart.Maintainer"),
            }
            self.maintainers.push(maintainer);
        }
        Ok(())
    }

    fn read_dependencies(&mut self, fields: &Fields<'_>) -> Result<(), HelmError> {
        let Some(items) = fields.items("dependencies", "[]*chart.Dependency")? else { return Ok(()) };
        self.dependencies.clear();
        for item in items {
            let mut dependency = Dependency::default();
            match item {
                Value::Object(entries) => {
                    let fields = Fields { entries, go_type: "Dependency.dependencies" };
                    fields.text("name", &mut dependency.name)?;
                    fields.text("version", &mut dependency.version)?;
                    fields.text("repository", &mut dependency.repository)?;
                    fields.text("condition", &mut dependency.condition)?;
                    fields.texts("tags", &mut dependency.tags)?;
                    fields.flag("enabled", &mut dependency.enabled)?;
                    if let Some(values) = fields.items("import-values", "[]interface {}")? {
                        dependency.import_values.clone_from(values);
                    }
                    fields.text("alias", &mut dependency.alias)?;
                }
                Value::Null => self.has_null_dependency = true,
                other => return mismatch(json_kind(other), "Metadata.dependencies", "chart.Dependency"),
            }
            self.dependencies.push(dependency);
        }
        Ok(())
    }

    /// Helm's rules.
    pub fn validate(&mut self) -> Result<(), HelmError> {
        let invalid = |text: String| err(format!("validation: {text}"));
        for text in [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ] {
            sanitize(text);
        }
        self.sources.iter_mut().chain(&mut self.keywords).for_each(sanitize);
        if self.api_version.is_empty() {
            return invalid("chart.metadata.apiVersion is required".into());
        }
        if self.name.is_empty() {
            return invalid("chart.metadata.name is required".into());
        }
        let name = quote(self.name.as_bytes());
        if matches!(&*self.name, "." | "..") {
            return invalid(format!("chart.metadata.name {name} is not allowed"));
        }
        if self.name.contains('/') {
            return invalid(format!("chart.metadata.name {name} is invalid"));
        }
        if self.version.is_empty() {
            return invalid("chart.metadata.version is required".into());
        }
        if !is_version(&self.version) {
            return invalid(format!("chart.metadata.version {} is invalid", quote(self.version.as_bytes())));
        }
        if !matches!(&*self.kind, "" | "application" | "library") {
            return invalid("chart.metadata.type must be application or library".into());
        }
        if self.has_null_maintainer {
            return invalid("maintainers must not contain empty or null nodes".into());
        }
        for maintainer in &mut self.maintainers {
            [&mut maintainer.name, &mut maintainer.email, &mut maintainer.url].into_iter().for_each(sanitize);
        }
        if self.has_null_dependency {
            return invalid("dependencies must not contain empty or null nodes".into());
        }
        let mut seen: Vec<String> = Vec::new();
        for dependency in &mut self.dependencies {
            dependency.validate()?;
            let key = if dependency.alias.is_empty() { &dependency.name } else { &dependency.alias };
            if seen.contains(key) {
                let key = quote(key.as_bytes());
                return invalid(format!("more than one dependency with name or alias {key}"));
            }
            seen.push(key.clone());
        }
        Ok(())
    }

    /// As Go's `encoding/json` writes it.
    pub fn to_json(&self) -> Value {
        let mut out = Map::new();
        let mut text = |key: &str, value: &str| {
            if !value.is_empty() {
                out.insert(key.into(), value.into());
            }
        };
        text("name", &self.name);
        text("home", &self.home);
        text("version", &self.version);
        text("description", &self.description);
        text("icon", &self.icon);
        text("apiVersion", &self.api_version);
        text("condition", &self.condition);
        text("tags", &self.tags);
        text("appVersion", &self.app_version);
        text("kubeVersion", &self.kube_version);
        text("type", &self.kind);
        for (key, list) in [("sources", &self.sources), ("keywords", &self.keywords)] {
            if !list.is_empty() {
                out.insert(key.into(), list.clone().into());
            }
        }
        if self.deprecated {
            out.insert("deprecated".into(), true.into());
        }
        if !self.annotations.is_empty() {
            out.insert("annotations".into(), Value::Object(self.annotations.clone()));
        }
        if !self.maintainers.is_empty() {
            out.insert("maintainers".into(), self.maintainers.iter().map(Maintainer::to_json).collect());
        }
        if !self.dependencies.is_empty() {
            out.insert("dependencies".into(), self.dependencies.iter().map(Dependency::to_json).collect());
        }
        Value::Object(out)
    }
}

impl Maintainer {
    pub(crate) fn to_json(&self) -> Value {
        let pairs = [("name", &self.name), ("email", &self.email), ("url", &self.url)];
        pairs
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(key, text)| (key.to_owned(), Value::from(text.as_str())))
            .collect()
    }
}

impl Dependency {
    fn validate(&mut self) -> Result<(), HelmError> {
        [&mut self.name, &mut self.version, &mut self.repository, &mut self.condition]
            .into_iter()
            .for_each(sanitize);
        self.tags.iter_mut().for_each(sanitize);
        let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
        if !self.alias.chars().all(fits) {
            let name = quote(self.name.as_bytes());
            return err(format!("validation: dependency {name} has disallowed characters in the alias"));
        }
        Ok(())
    }

    /// As Go's `encoding/json` writes it.
    pub fn to_json(&self) -> Value {
        let mut out = Map::new();
        out.insert("name".into(), self.name.as_str().into());
        if !self.version.is_empty() {
            out.insert("version".into(), self.version.as_str().into());
        }
        out.insert("repository".into(), self.repository.as_str().into());
        for (key, text) in [("condition", &self.condition), ("alias", &self.alias)] {
            if !text.is_empty() {
                out.insert(key.into(), text.as_str().into());
            }
        }
        if !self.tags.is_empty() {
            out.insert("tags".into(), self.tags.clone().into());
        }
        if self.enabled {
            out.insert("enabled".into(), true.into());
        }
        if !self.import_values.is_empty() {
            out.insert("import-values".into(), Value::Array(self.import_values.clone()));
        }
        Value::Object(out)
    }
}

/// Spaces of any kind become spaces; what is not printable goes.
fn sanitize(text: &mut String) {
    if text.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        return;
    }
    *text = text
        .chars()
        .filter_map(|letter| {
            if is_space(letter) { Some(' ') } else { gyre_go::strconv::is_print(letter).then_some(letter) }
        })
        .collect();
}

fn is_version(text: &str) -> bool {
    gyre_go::semver::Version::parse(text).is_ok() && !text.chars().any(char::is_control)
}

/// The digest that a lock file holds of what a chart asks for and what was found for it.
pub fn lock_digest(wanted: &[Dependency], locked: &[Dependency]) -> String {
    let list = |all: &[Dependency]| all.iter().map(Dependency::go_json).collect::<Vec<_>>().join(",");
    let text = format!("[[{}],[{}]]", list(wanted), list(locked));
    format!("sha256:{}", gyre_model::Digest::of(text.as_bytes()).hex())
}

impl Dependency {
    /// As Go's `encoding/json` writes it, its fields in their order.
    fn go_json(&self) -> String {
        let mut out = String::from("{");
        let mut add = |key: &str, value: &Value| {
            let start = if out.len() == 1 { "" } else { "," };
            out.push_str(start);
            let _ = write!(out, "\"{key}\":");
            write_go(value, &mut out);
        };
        let fields = self.to_json();
        for key in ["name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias"]
        {
            if let Some(value) = fields.get(key) {
                add(key, value);
            }
        }
        out.push('}');
        out
    }
}

/// JSON with the characters escaped that Go escapes for the sake of HTML.
fn write_go(value: &Value, out: &mut String) {
    for letter in value.to_string().chars() {
        match letter {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", letter as u32);
            }
            letter => out.push(letter),
        }
    }
}
