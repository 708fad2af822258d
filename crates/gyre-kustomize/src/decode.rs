//! JSON into typed fields, with the texts of Go's `encoding/json`.
//!
//! Go goes on after a field of a wrong type and reports the first; so does this.

use serde_json::Value;

use crate::node::Texts;

/// How strictly a value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A field that is not known is an error.
    Strict,
    /// Fields that are not known are passed over, and numbers and booleans become texts where texts are wanted
    /// (`sigs.k8s.io/yaml`).
    Lenient,
}

/// Reads one document.
pub(crate) struct Decoder {
    mode: Mode,
    /// The innermost Go struct.
    strukt: &'static str,
    path: Vec<String>,
    problem: Option<String>,
}

/// A type that is read from JSON.
pub(crate) trait FromJson: Default {
    /// The name of the Go type.
    const GO_TYPE: &'static str;

    fn read(decoder: &mut Decoder, value: &Value) -> Self;
}

/// A Go struct: its name and its fields.
pub(crate) trait Fields: Default {
    /// The name of the struct, without its package.
    const NAME: &'static str;
    /// The name with its package.
    const GO_TYPE: &'static str;

    /// Reads the field `name`, which is given in lower case where it did not match exactly. False where there is none.
    fn field(&mut self, decoder: &mut Decoder, name: &str, value: &Value) -> bool;

    /// The fields, as Go's tags write them.
    fn names() -> &'static [&'static str];
}

/// Reads a document; the error is Go's text.
pub(crate) fn decode<T: FromJson>(value: &Value, mode: Mode) -> Result<T, String> {
    let mut decoder = Decoder { mode, strukt: "", path: Vec::new(), problem: None };
    let read = T::read(&mut decoder, value);
    match decoder.problem {
        None => Ok(read),
        Some(problem) => Err(problem),
    }
}

impl Decoder {
    /// Reads a field below a name that Go's error shows.
    pub(crate) fn at<T: FromJson>(&mut self, name: &str, value: &Value) -> T {
        self.path.extend(name.split('.').map(str::to_owned));
        let read = T::read(self, value);
        let parts = name.split('.').count();
        self.path.truncate(self.path.len() - parts);
        read
    }

    fn mismatch(&mut self, value: &Value, wanted: &str) {
        if self.problem.is_some() {
            return;
        }
        let found = match value {
            Value::Null => "null".to_owned(),
            Value::Bool(_) => "bool".to_owned(),
            Value::Number(number) if wanted.starts_with("int") => {
                let float = number.as_f64().filter(|_| number.is_f64());
                let text = float.and_then(|float| gyre_go::json::number(float).ok());
                format!("number {}", text.unwrap_or_else(|| number.to_string()))
            }
            Value::Number(_) => "number".to_owned(),
            Value::String(_) => "string".to_owned(),
            Value::Array(_) => "array".to_owned(),
            Value::Object(_) => "object".to_owned(),
        };
        let place = if self.path.is_empty() {
            "value".to_owned()
        } else {
            format!("struct field {}.{}", self.strukt, self.path.join("."))
        };
        self.problem = Some(format!("json: cannot unmarshal {found} into Go {place} of type {wanted}"));
    }

    fn unknown(&mut self, name: &str) {
        if self.mode == Mode::Strict && self.problem.is_none() {
            self.problem = Some(format!("json: unknown field {name:?}"));
        }
    }
}

/// Reads a struct: fields match exactly or but for case.
pub(crate) fn read_struct<T: Fields>(decoder: &mut Decoder, value: &Value) -> T {
    let mut read = T::default();
    let map = match value {
        Value::Object(map) => map,
        Value::Null => return read,
        other => {
            decoder.mismatch(other, T::GO_TYPE);
            return read;
        }
    };
    let outer = std::mem::replace(&mut decoder.strukt, T::NAME);
    for (name, value) in map {
        let known = T::names();
        let exact = known.iter().find(|known| **known == name);
        let found = exact.or_else(|| known.iter().find(|known| known.eq_ignore_ascii_case(name)));
        match found {
            Some(found) if value.is_null() => {
                let _ = found;
            }
            Some(found) => {
                read.field(decoder, found, value);
            }
            None => decoder.unknown(name),
        }
    }
    decoder.strukt = outer;
    read
}

impl FromJson for String {
    const GO_TYPE: &'static str = "string";

    fn read(decoder: &mut Decoder, value: &Value) -> Self {
        match value {
            Value::String(text) => text.clone(),
            Value::Null => Self::new(),
            Value::Bool(value) if decoder.mode == Mode::Lenient => value.to_string(),
            Value::Number(number) if decoder.mode == Mode::Lenient => number_text(number),
            other => {
                decoder.mismatch(other, Self::GO_TYPE);
                Self::new()
            }
        }
    }
}

/// compat(sigs.k8s.io/yaml): floats are written with the precision of 32 bits.
fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => gyre_go::strconv::format_float32(float as f32, b'g', None),
        _ => number.to_string(),
    }
}

impl FromJson for bool {
    const GO_TYPE: &'static str = "bool";

    fn read(decoder: &mut Decoder, value: &Value) -> Self {
        match value {
            Value::Bool(value) => *value,
            Value::Null => false,
            other => {
                decoder.mismatch(other, Self::GO_TYPE);
                false
            }
        }
    }
}

impl FromJson for i64 {
    const GO_TYPE: &'static str = "int64";

    fn read(decoder: &mut Decoder, value: &Value) -> Self {
        match value {
            Value::Null => 0,
            Value::Number(number) if number.is_i64() => number.as_i64().unwrap_or_default(),
            other => {
                decoder.mismatch(other, Self::GO_TYPE);
                0
            }
        }
    }
}

/// Go's `int`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Int(pub(crate) i64);

impl FromJson for Int {
    const GO_TYPE: &'static str = "int";

    fn read(decoder: &mut Decoder, value: &Value) -> Self {
        match value {
            Value::Number(number) if number.is_i64() => Self(number.as_i64().unwrap_or_default()),
            other => {
                decoder.mismatch(other, Self::GO_TYPE);
                Self(0)
            }
        }
    }
}

impl FromJson for Value {
    const GO_TYPE: &'static str = "interface {}";

    fn read(_: &mut Decoder, value: &Value) -> Self {
        value.clone()
    }
}

impl<T: FromJson> FromJson for Option<T> {
    const GO_TYPE: &'static str = T::GO_TYPE;

    fn read(decoder: &mut Decoder, value: &Value) -> Self {
        if value.is_null() { None } else { Some(T::read(decoder, value)) }
    }
}

impl FromJson for Texts {
    const GO_TYPE: &'static str = "map[string]string";

    fn read(decoder: &mut Decoder, value: &Value) -> Self {
        match value {
            Value::Object(map) => {
                map.iter().map(|(key, value)| (key.clone(), String::read(decoder, value))).collect()
            }
            Value::Null => Self::new(),
            other => {
                decoder.mismatch(other, Self::GO_TYPE);
                Self::new()
            }
        }
    }
}

/// A list, with the name of its Go type.
pub(crate) fn read_list<T: FromJson>(decoder: &mut Decoder, value: &Value, go_type: &str) -> Vec<T> {
    match value {
        Value::Array(items) => items.iter().map(|item| T::read(decoder, item)).collect(),
        Value::Null => Vec::new(),
        other => {
            decoder.mismatch(other, go_type);
            Vec::new()
        }
    }
}

impl FromJson for Vec<String> {
    const GO_TYPE: &'static str = "[]string";

    fn read(decoder: &mut Decoder, value: &Value) -> Self {
        read_list(decoder, value, Self::GO_TYPE)
    }
}

/// Declares a Go struct: its fields with the path that Go's errors show.
macro_rules! go_struct {
    ($(#[$meta:meta])* $name:ident = $go:literal { $($field:ident: $ty:ty = $json:literal $(in $path:literal)?),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        #[allow(clippy::struct_field_names, clippy::struct_excessive_bools, reason = "the names are Go's")]
        pub(crate) struct $name { $(pub(crate) $field: $ty),* }

        impl $crate::decode::Fields for $name {
            const NAME: &'static str = $go;
            const GO_TYPE: &'static str = concat!("types.", $go);

            fn names() -> &'static [&'static str] {
                &[$($json),*]
            }

            fn field(
                &mut self,
                decoder: &mut $crate::decode::Decoder,
                name: &str,
                value: &serde_json::Value,
            ) -> bool {
                match name {
                    $($json => self.$field = decoder.at(concat!($($path, ".",)? $json), value),)*
                    _ => return false,
                }
                true
            }
        }

        impl $crate::decode::FromJson for $name {
            const GO_TYPE: &'static str = concat!("types.", $go);

            fn read(decoder: &mut $crate::decode::Decoder, value: &serde_json::Value) -> Self {
                $crate::decode::read_struct(decoder, value)
            }
        }

        impl $crate::decode::FromJson for Vec<$name> {
            const GO_TYPE: &'static str = concat!("[]types.", $go);

            fn read(decoder: &mut $crate::decode::Decoder, value: &serde_json::Value) -> Self {
                $crate::decode::read_list(
                    decoder,
                    value,
                    <Self as $crate::decode::FromJson>::GO_TYPE,
                )
            }
        }
    };
}
pub(crate) use go_struct;
