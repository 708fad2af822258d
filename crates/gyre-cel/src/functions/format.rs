//! Named formats: what Kubernetes' validators say about a text.

use std::sync::Arc;

use gyre_go::{base64, names};

use super::time;
use crate::eval::{Outcome, fail};
use crate::value::Value;

/// The formats that there are.
pub(crate) const NAMES: [&str; 12] = [
    "dns1123Label",
    "dns1123Subdomain",
    "dns1035Label",
    "qualifiedName",
    "dns1123LabelPrefix",
    "dns1123SubdomainPrefix",
    "dns1035LabelPrefix",
    "labelValue",
    "uri",
    "uuid",
    "byte",
    "date",
];

fn problems(format: &str, text: &str) -> Vec<String> {
    // A prefix may end with a dash, for something follows.
    let whole = || format!("{}a", text.strip_suffix('-').unwrap_or(text));
    let unless = |fits: bool, why: &str| if fits { Vec::new() } else { vec![why.to_owned()] };
    match format {
        "dns1123Label" => names::label(text),
        "dns1123Subdomain" => names::subdomain(text),
        "dns1035Label" => names::label_1035(text),
        "qualifiedName" => names::qualified_name(text),
        "dns1123LabelPrefix" => names::label(&whole()),
        "dns1123SubdomainPrefix" => names::subdomain(&whole()),
        "dns1035LabelPrefix" => names::label_1035(&whole()),
        "labelValue" => names::label_value(text),
        "uri" => unless(
            super::url::call("isURL", &[Value::text(text)]) == Some(Ok(Value::Bool(true))),
            "invalid URI",
        ),
        "uuid" => unless(is_uuid(text), "does not match the UUID format"),
        "byte" => unless(base64::STANDARD.decode(text.as_bytes()).is_ok(), "invalid base64"),
        _ => unless(
            text.len() == 10 && time::timestamp(&format!("{text}T00:00:00Z")).is_some(),
            "invalid date",
        ),
    }
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|it| it.len()).collect();
    lengths == [8, 4, 4, 4, 12] && parts.iter().all(|it| it.bytes().all(|it| it.is_ascii_hexdigit()))
}

pub(super) fn call(name: &str, args: &[Value]) -> Option<Outcome> {
    let known = |name: &str| NAMES.iter().find(|it| **it == name).copied();
    match (name, args) {
        ("format.named", [Value::Text(name)]) => {
            Some(Ok(Value::Optional(known(name).map(|it| Arc::new(Value::Format(it))))))
        }
        ("validate", [Value::Format(format), Value::Text(text)]) => {
            let found = problems(format, text);
            let list = Value::list(found.iter().map(|it| Value::text(it)).collect());
            Some(Ok(Value::Optional((!found.is_empty()).then(|| Arc::new(list)))))
        }
        (_, []) => {
            let format = known(name.strip_prefix("format.")?);
            Some(format.map_or_else(|| fail("no such overload"), |it| Ok(Value::Format(it))))
        }
        _ => None,
    }
}
