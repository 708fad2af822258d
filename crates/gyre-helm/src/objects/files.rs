//! `.Files`: the files of a chart that are neither templates nor values.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use gyre_go::base64::STANDARD;
use gyre_go::glob::gobwas::Glob;
use gyre_template::{Method, Object, Text, Type, Value, helm};
use serde_json::{Map, Value as Json};

use crate::chart::File;

/// `engine.files`
#[derive(Debug)]
pub(crate) struct Files(BTreeMap<Arc<str>, Arc<[u8]>>);

impl Files {
    pub(crate) fn new(files: &[File]) -> Self {
        Self(files.iter().map(|file| (file.name.clone(), file.content.clone())).collect())
    }

    fn glob(&self, pattern: &str) -> Self {
        // A pattern that cannot be read stands for all files.
        let glob = Glob::parse(pattern, &['/']).ok();
        let fits = |name: &Arc<str>| glob.as_ref().is_none_or(|glob| glob.matches(name));
        Self(
            self.0
                .iter()
                .filter(|(name, _)| fits(name))
                .map(|(name, content)| (name.clone(), content.clone()))
                .collect(),
        )
    }

    /// Names without directories, to texts.
    fn as_yaml(&self, text: impl Fn(&[u8]) -> Value) -> String {
        let pairs =
            self.0.iter().map(|(name, content)| (name.rsplit('/').next().unwrap_or(name), text(content)));
        helm::to_yaml(&Value::map(pairs))
    }

    fn lines(&self, name: &str) -> Value {
        let content = self.0.get(name).map_or(&[][..], |content| content);
        if content.is_empty() {
            return Value::strings::<Text>([]);
        }
        let content = content.strip_suffix(b"\n").unwrap_or(content);
        Value::strings(content.split(|&byte| byte == b'\n'))
    }
}

impl Object for Files {
    fn type_name(&self) -> &'static str {
        "engine.files"
    }

    fn kind(&self) -> &'static str {
        "map"
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str) -> Option<Method> {
        let params: &'static [Type] = match name {
            "Get" | "GetBytes" | "Glob" | "Lines" => &[Type::Str],
            "AsConfig" | "AsSecrets" => &[],
            _ => return None,
        };
        Some(Method { params, variadic: false })
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, String> {
        let path = args.first().and_then(Value::as_bytes).map(String::from_utf8_lossy).unwrap_or_default();
        let content = || self.0.get(&*path).map_or(&[][..], |content| content);
        Ok(match name {
            "Get" => Value::text(content()),
            "GetBytes" => Value::Bytes(content().into()),
            "Glob" => Value::Object(Rc::new(self.glob(&path))),
            "Lines" => self.lines(&path),
            "AsConfig" => Value::text(self.as_yaml(|content| Value::text(content))),
            _ => Value::text(self.as_yaml(|content| Value::text(STANDARD.encode(content)))),
        })
    }

    fn contents(&self) -> Option<Value> {
        Some(Value::map(self.0.iter().map(|(name, content)| (&**name, Value::Bytes((&**content).into())))))
    }

    fn to_json(&self) -> Json {
        let pairs = self.0.iter().map(|(name, content)| (name.to_string(), STANDARD.encode(content).into()));
        Json::Object(pairs.collect::<Map<_, _>>())
    }
}
