//! Values as messages show whole structs: JSON of the types that Kubernetes works with inside, which have the field names of
//! Go, in the order of Go, with everything that is not set.
//!
//! `shapes.txt` has a type a paragraph: a line `t` and its name, then its fields: the name that is shown, where the value
//! lies in the served version (`^` is a step up), its type (`*` may be missing, `[` list, `{` map, `>` another type), and
//! `o` where it is left out at zero.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::OnceLock;

use serde_json::Value;

use super::unified;

const TEXT: &str = include_str!("shapes.txt");

struct Field {
    shown: &'static str,
    path: &'static str,
    ty: &'static str,
    omitted: bool,
}

fn shapes() -> &'static HashMap<&'static str, Vec<Field>> {
    static SHAPES: OnceLock<HashMap<&'static str, Vec<Field>>> = OnceLock::new();
    SHAPES.get_or_init(|| {
        let mut all: HashMap<&'static str, Vec<Field>> = HashMap::new();
        let mut current = "";
        for line in TEXT.lines() {
            let words: Vec<&'static str> = line.split(' ').collect();
            match words[..] {
                ["t", name] => current = name,
                [shown, path, ty, ref rest @ ..] => {
                    let field = Field { shown, path, ty, omitted: !rest.is_empty() };
                    all.entry(current).or_default().push(field);
                }
                _ => {}
            }
        }
        all
    })
}

/// A value of a type as one line of JSON.
pub(super) fn shown(name: &str, value: &Value) -> String {
    let mut out = Writer { out: String::new(), indent: None };
    out.fields(name, value, &Value::Null, 0);
    out.out
}

/// What differs between two values of a type, with the lines around it.
pub(super) fn difference(name: &str, old: &Value, new: &Value) -> String {
    let lines = |value: &Value| {
        let mut out = Writer { out: String::new(), indent: Some(1) };
        out.fields(name, value, &Value::Null, 0);
        out.out
    };
    unified::diff(&lines(old), &lines(new))
}

struct Writer {
    out: String,
    /// How far each level is moved to the right; all in one line without it.
    indent: Option<usize>,
}

impl Writer {
    fn line(&mut self, depth: usize) {
        if let Some(indent) = self.indent {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(' ', indent * depth));
        }
    }

    fn key(&mut self, key: &str) {
        self.text(key);
        self.out.push_str(if self.indent.is_some() { ": " } else { ":" });
    }

    /// A string with the escapes of Go's encoder, which thinks of HTML.
    fn text(&mut self, text: &str) {
        for char in Value::from(text).to_string().chars() {
            match char {
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    let _ = write!(self.out, "\\u{:04x}", u32::from(char));
                }
                char => self.out.push(char),
            }
        }
    }

    /// Everything between brackets, with commas between.
    fn list<T>(
        &mut self,
        brackets: [char; 2],
        depth: usize,
        items: impl Iterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        self.out.push(brackets[0]);
        let mut any = false;
        for item in items {
            if any {
                self.out.push(',');
            }
            any = true;
            self.line(depth + 1);
            write(self, item);
        }
        if any {
            self.line(depth);
        }
        self.out.push(brackets[1]);
    }

    fn fields(&mut self, name: &str, value: &Value, above: &Value, depth: usize) {
        let fields = shapes().get(name).map_or(&[][..], Vec::as_slice);
        let at = |field: &Field| match field.path.strip_prefix('^') {
            Some(key) => above[key].clone(),
            None => field.path.split('.').fold(value, |value, key| &value[key]).clone(),
        };
        let present = fields.iter().map(|field| (field, at(field)));
        let present = present.filter(|(field, value)| !field.omitted || !is_empty(value));
        self.list(['{', '}'], depth, present, |out, (field, child)| {
            out.key(field.shown);
            out.value(field.ty, &child, value, depth + 1);
        });
    }

    fn value(&mut self, ty: &str, value: &Value, above: &Value, depth: usize) {
        if let Some(ty) = ty.strip_prefix('*').filter(|_| !value.is_null()) {
            return self.value(ty, value, above, depth);
        }
        if let Some(name) = ty.strip_prefix('>') {
            return self.fields(name, value, above, depth);
        }
        match (ty.as_bytes().first(), value) {
            (Some(b'['), Value::Array(items)) => {
                self.list(['[', ']'], depth, items.iter(), |out, item| {
                    out.value(&ty[1..], item, above, depth + 1);
                });
            }
            (Some(b'{'), Value::Object(entries)) => {
                let mut entries: Vec<_> = entries.iter().collect();
                entries.sort_by_key(|it| it.0);
                self.list(['{', '}'], depth, entries.into_iter(), |out, (key, entry)| {
                    out.key(key);
                    out.value(&ty[1..], entry, above, depth + 1);
                });
            }
            (_, Value::String(text)) => self.text(text),
            (_, Value::Null) => self.out.push_str(match ty {
                "str" => "\"\"",
                "num" | "ios" => "0",
                "bool" => "false",
                "qty" => "\"0\"",
                _ => "null",
            }),
            (_, value) => self.out.push_str(&value.to_string()),
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Bool(it) => !it,
        Value::Number(it) => it.as_i64() == Some(0),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn structs_are_shown_whole() {
        let port = json!({"port": 80, "protocol": "TCP", "name": "a<b"});
        assert_eq!(
            shown("core.ServicePort", &port),
            r#"{"Name":"a\u003cb","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}"#
        );
    }

    #[test]
    fn every_type_that_is_named_is_there() {
        let all = shapes();
        for field in all.values().flatten() {
            if let Some((_, name)) = field.ty.split_once('>') {
                assert!(all.contains_key(name), "{name}");
            }
        }
    }

    #[test]
    fn a_difference_has_the_lines_around_it() {
        let (old, new) = (json!({"hostPath": {"path": "/x"}}), json!({"hostPath": {"path": "/y"}}));
        let text = difference("core.PersistentVolumeSource", &old, &new);
        assert!(text.starts_with("@@ -2,7 +2,7 @@\n"), "{text}");
        assert!(text.contains("-  \"Path\": \"/x\",\n+  \"Path\": \"/y\",\n"), "{text}");
    }
}
