//! Makes answers comparable: what differs from run to run is replaced by what it is.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value, json};

static UUID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b").unwrap()
});
static TIME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(\d{4})-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?(Z|[+-]\d\d:?\d\d)( UTC)?)?").unwrap()
});
static AGE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(\d+[smhdy])+$").unwrap());
static NODE_PORT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r":3[0-2]\d{3}/").unwrap());
static TEXTS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    [
        (
            r#"(ResourceVersion in precondition: |in object meta: |resource version: |resourceVersion: "?|UID in precondition: )\d{1,20}( \(\d+\))?"#,
            "${1}<rv>",
        ),
        (
            r"the ResourceVersion in the precondition \(\d+\) does not match the ResourceVersion in record \(\d+\)",
            "the ResourceVersion in the precondition (<rv>) does not match the ResourceVersion in record (<rv>)",
        ),
        (r"(/openapi/v3/[^ ]*\?hash=)[0-9A-Fa-f]+", "${1}<hash>"),
        (r#"(IPAddress\.networking\.k8s\.io \\*")[0-9a-f.:]+"#, "${1}<clusterIP>"),
        (r"\bcurrent: \d{2,20}", "current: <rv>"),
        (r#"(\\*"resourceVersion\\*":\\*")\d+"#, "${1}<rv>"),
        (r"(?s)\n[\s\x{a0}]*(core|batch|apps)\.[A-Za-z]+\{.*", "\n<struct diff>"),
    ]
    .map(|(pattern, text)| (Regex::new(pattern).unwrap(), text))
    .into()
});

/// Fields whose value is the server's own.
const OWN: [&str; 14] = [
    "gitVersion",
    "gitCommit",
    "gitTreeState",
    "buildDate",
    "goVersion",
    "compiler",
    "platform",
    "serverAddress",
    "major",
    "minor",
    "emulationMajor",
    "emulationMinor",
    "minCompatibilityMajor",
    "minCompatibilityMinor",
];
const AGES: [&str; 8] =
    ["Age", "Last Seen", "First Seen", "Created At", "Duration", "Last Schedule", "Expires", "Last Schedule"];

/// What a case has seen so far.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    pub(crate) id: String,
    pub(crate) ns: String,
    pub(crate) relative_times: bool,
    /// Strings that the case sent itself.
    pub(crate) literal: BTreeSet<String>,
    pub(crate) generated: Vec<Regex>,
    uids: HashMap<(String, String, String), String>,
    revisions: HashMap<String, Vec<String>>,
    times: HashMap<String, String>,
    names: Vec<(String, String)>,
    addresses: BTreeSet<String>,
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

impl Seen {
    pub(crate) fn of(id: String, relative_times: bool) -> Self {
        Self { ns: format!("t-{id}-ns"), id, relative_times, ..Self::default() }
    }

    pub(crate) fn string(&self, text: &str) -> String {
        let mut out = text.replace(&self.ns, "{{ns}}").replace(&self.id, "{{id}}");
        for (name, shown) in &self.names {
            out = out.replace(name, shown);
        }
        for pattern in &self.generated {
            out = pattern.replace_all(&out, "${1}<gen>").into_owned();
        }
        for address in &self.addresses {
            out = out.replace(address, "<clusterIP>");
        }
        out = UUID.replace_all(&out, "<uid>").into_owned();
        if out.len() >= 19 {
            let near = |found: &Captures<'_>| {
                let year: i32 = found[1].parse().unwrap_or(0);
                if (2025..=2040).contains(&year) { "<time>".to_owned() } else { found[0].to_owned() }
            };
            out = TIME.replace_all(&out, near).into_owned();
            for (pattern, shown) in TEXTS.iter() {
                out = pattern.replace_all(&out, *shown).into_owned();
            }
        }
        out
    }

    fn revision(&mut self, uid: &str, given: &Value) -> Value {
        let Some(revision) = given.as_str().filter(|it| !it.is_empty() && *it != "0") else {
            return given.clone();
        };
        let Ok(number) = revision.parse::<u64>() else { return "<rv:not-numeric>".into() };
        if uid.is_empty() {
            return "<rv>".into();
        }
        let held = self.revisions.entry(uid.to_owned()).or_default();
        match held.last() {
            Some(last) if last == revision => "<rv:same>".into(),
            Some(last) if held.iter().any(|it| it == revision) || number < last.parse().unwrap_or(0) => {
                "<rv:old>".into()
            }
            _ => {
                held.push(revision.to_owned());
                "<rv:new>".into()
            }
        }
    }

    fn metadata(&mut self, kind: &str, metadata: &Map<String, Value>) -> Value {
        let get = |key: &str| metadata.get(key).map_or("", text).to_owned();
        let (prefix, name, uid) = (get("generateName"), get("name"), get("uid"));
        if !prefix.is_empty() && name.starts_with(&prefix) && name.len() == prefix.len() + 5 {
            let shown = format!("{}<gen>", self.string(&prefix));
            self.names.push((name.clone(), shown));
        }
        let mut shown_uid = Value::from("<uid>");
        if !uid.is_empty() && !kind.is_empty() {
            let key = (kind.to_owned(), get("namespace"), name);
            if self.uids.get(&key).is_some_and(|it| *it != uid) {
                shown_uid = "<uid:changed>".into();
            }
            self.uids.insert(key, uid.clone());
        }
        let mut out = Map::new();
        for (key, value) in metadata {
            let shown = match key.as_str() {
                "uid" if !uid.is_empty() => shown_uid.clone(),
                "resourceVersion" => self.revision(&uid, value),
                "continue" if value.as_str().is_some_and(|it| !it.is_empty()) => "<continue>".into(),
                "managedFields" if value.is_array() => self.managed(&uid, value),
                _ => self.value(value, key),
            };
            out.insert(self.string(key), shown);
        }
        Value::Object(out)
    }

    fn managed(&mut self, uid: &str, list: &Value) -> Value {
        let mut out: Vec<Value> = Vec::new();
        for entry in list.as_array().into_iter().flatten() {
            let Value::Object(fields) = entry else {
                out.push(entry.clone());
                continue;
            };
            let mut shown = Map::new();
            for (key, value) in fields {
                let value = match key.as_str() {
                    "time" if self.relative_times => {
                        let parts = ["manager", "operation", "subresource", "apiVersion"];
                        let own: Vec<&str> = parts.iter().map(|it| text(&entry[*it])).collect();
                        let held = self.times.insert(format!("{uid} {own:?}"), text(value).to_owned());
                        if held.as_deref() == value.as_str() {
                            "<time:same>".into()
                        } else {
                            "<time:new>".into()
                        }
                    }
                    "fieldsV1" => self.fields(value),
                    _ if value.is_string() => self.string(text(value)).into(),
                    _ => value.clone(),
                };
                shown.insert(key.clone(), value);
            }
            out.push(Value::Object(shown));
        }
        let order = |it: &Value| {
            let parts =
                ["manager", "operation", "apiVersion", "subresource"].map(|key| text(&it[key]).to_owned());
            (parts, it.to_string())
        };
        out.sort_by_key(order);
        out.into()
    }

    fn fields(&self, value: &Value) -> Value {
        let Value::Object(fields) = value else { return value.clone() };
        let shown = fields.iter().map(|(key, value)| {
            let mut key = self.string(key);
            if let Some((kind @ ("k" | "v"), json)) =
                key.split_once(':').map(|(kind, json)| (kind, json.to_owned()))
                && let Ok(json) = serde_json::from_str::<Value>(&json)
            {
                key = format!("{kind}:{json}");
            }
            (key, self.fields(value))
        });
        Value::Object(shown.collect())
    }

    /// A value under a key, comparable.
    pub(crate) fn value(&mut self, value: &Value, key: &str) -> Value {
        match value {
            Value::String(it) => self.named_string(it, key),
            Value::Array(items) if key == "clusterIPs" => items
                .iter()
                .map(|it| {
                    let given = it == "None" || self.literal.contains(text(it));
                    if given { it.clone() } else { "<clusterIP>".into() }
                })
                .collect(),
            Value::Array(items) => items.iter().map(|it| self.value(it, "")).collect(),
            Value::Object(fields) => self.object(fields),
            other => other.clone(),
        }
    }

    fn named_string(&mut self, it: &str, key: &str) -> Value {
        if key == "storageVersionHash" {
            return "<hash>".into();
        }
        if OWN.contains(&key) {
            return format!("<{key}>").into();
        }
        if matches!(key, "clusterIP" | "ip") && !matches!(it, "" | "None") && !self.literal.contains(it) {
            if it.matches('.').count() == 3 || it.contains(':') {
                self.addresses.insert(it.to_owned());
            }
            return "<clusterIP>".into();
        }
        if key == "token" && it.len() > 60 {
            return "<token>".into();
        }
        self.string(it).into()
    }

    fn object(&mut self, fields: &Map<String, Value>) -> Value {
        let mut fields = fields.clone();
        sort_causes(&mut fields);
        if fields.get("kind").is_some_and(|it| it == "Table")
            && fields.get("rows").is_some_and(Value::is_array)
        {
            return self.table(&fields);
        }
        let kind = fields.get("kind").map_or("", text).to_owned();
        let mut out = Map::new();
        for (key, value) in &fields {
            if key == "metadata"
                && let Value::Object(metadata) = value
            {
                let shown = self.metadata(&kind, metadata);
                out.insert(key.clone(), shown);
                continue;
            }
            let port = matches!(key.as_str(), "nodePort" | "healthCheckNodePort")
                && value.as_u64().is_some_and(|it| (30000..=32767).contains(&it))
                && !self.literal.contains(&value.to_string());
            let shown = if port { "<nodePort>".into() } else { self.value(value, key) };
            out.insert(self.string(key), shown);
        }
        Value::Object(out)
    }

    fn table(&mut self, table: &Map<String, Value>) -> Value {
        let mut out = Value::Object(table.clone());
        let columns = table.get("columnDefinitions").and_then(Value::as_array).cloned().unwrap_or_default();
        for row in out["rows"].as_array_mut().into_iter().flatten() {
            if row["object"].is_object() {
                row["object"] = self.value(&row["object"].clone(), "");
            }
            for (index, cell) in row["cells"].as_array_mut().into_iter().flatten().enumerate() {
                let Some(it) = cell.as_str().map(ToOwned::to_owned) else { continue };
                let column = columns.get(index);
                let name = column.map_or("", |it| text(&it["name"]));
                let dated = column.is_none_or(|it| it["type"] == "date" || AGES.contains(&name));
                *cell = if AGE.is_match(&it) && dated {
                    "<age>".into()
                } else if name == "Cluster-IP"
                    && !matches!(it.as_str(), "None" | "<none>" | "")
                    && !self.literal.contains(&it)
                {
                    "<clusterIP>".into()
                } else if name == "Port(s)" {
                    NODE_PORT.replace_all(&it, ":<nodePort>/").into_owned().into()
                } else {
                    self.string(&it).into()
                };
            }
        }
        if let Some(Value::Object(metadata)) = table.get("metadata") {
            out["metadata"] = self.metadata("", metadata);
        }
        for column in out["columnDefinitions"].as_array_mut().into_iter().flatten() {
            for value in column.as_object_mut().into_iter().flatten().map(|(_, value)| value) {
                if let Some(it) = value.as_str() {
                    *value = self.string(it).into();
                }
            }
        }
        out
    }
}

/// Causes that the reference lists in random order.
fn sort_causes(fields: &mut Map<String, Value>) {
    let group = fields.get("details").map(|it| text(&it["group"]).to_owned()).unwrap_or_default();
    let status = fields.get("kind").is_some_and(|it| it == "Status");
    let Some(causes) = fields.get("details").and_then(|it| it["causes"].as_array()).cloned() else { return };
    if !status {
        return;
    }
    let mut sorted = causes;
    if group.ends_with(".example.com") && sorted.len() > 1 {
        sorted.sort_by_key(|it| (text(&it["field"]).to_owned(), text(&it["message"]).to_owned()));
        let mut texts: Vec<String> = Vec::new();
        for it in &sorted {
            let line = format!("{}: {}", text(&it["field"]), text(&it["message"]));
            if !texts.contains(&line) {
                texts.push(line);
            }
        }
        let message = fields.get("message").map_or("", text);
        if let Some(at) = message.find(" is invalid: [") {
            let message = format!("{} is invalid: [{}]", &message[..at], texts.join(", "));
            fields.insert("message".into(), message.into());
        }
    } else if fields.get("reason").is_some_and(|it| it == "Conflict") {
        sorted.sort_by_key(|it| (text(&it["message"]).to_owned(), text(&it["field"]).to_owned()));
    } else {
        return;
    }
    fields["details"]["causes"] = sorted.into();
}

/// The first difference of two answers, as text.
pub(crate) fn difference(wanted: &Value, found: &Value, path: &str, out: &mut Vec<String>) {
    match (wanted, found) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let path = format!("{path}.{key}");
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => difference(a, b, &path, out),
                    (Some(a), None) => out.push(format!("{path}: missing, expected {a}")),
                    (None, Some(b)) => out.push(format!("{path}: unexpected {b}")),
                    (None, None) => {}
                }
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for at in 0..a.len().max(b.len()) {
                let path = format!("{path}[{at}]");
                match (a.get(at), b.get(at)) {
                    (Some(a), Some(b)) => difference(a, b, &path, out),
                    (Some(a), None) => out.push(format!("{path}: missing, expected {a}")),
                    (_, b) => out.push(format!("{path}: unexpected {}", json!(b))),
                }
            }
        }
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => {}
        (a, b) if a == b => {}
        (a, b) => out.push(format!("{path}: expected {a} got {b}")),
    }
}
