//! The values that a user gives: files, then the `--set` flags, each kind in its turn.

use super::set::{Grammar, set, set_json_object};
use super::{Values, merge, read_yaml};
use crate::error::HelmError;
use crate::render::Version;

/// What was given, each list in the order of the command line.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// `-f`: the name of each file.
    pub files: Vec<String>,
    /// `--set-json`
    pub json: Vec<String>,
    /// `--set`
    pub typed: Vec<String>,
    /// `--set-string`
    pub text: Vec<String>,
    /// `--set-file`
    pub from_file: Vec<String>,
    /// `--set-literal`
    pub literal: Vec<String>,
}

impl Given {
    /// The values, with files that the caller reads. A whole object after `--set-json` is for Helm 4 alone.
    pub fn merge(
        &self,
        version: Version,
        read: &mut dyn FnMut(&str) -> Result<Vec<u8>, String>,
    ) -> Result<Values, HelmError> {
        let mut values = Values::new();
        for name in &self.files {
            let text = read(name).map_err(HelmError)?;
            let file = read_yaml(&text).map_err(|why| why.within(&format!("failed to parse {name}")))?;
            values = merge(values, file);
        }
        let failed = |flag: &str, why: HelmError| why.within(&format!("failed parsing {flag} data"));
        for text in &self.json {
            let done = if version == Version::V4 && text.trim_start().starts_with('{') {
                set_json_object(text, &mut values)
            } else {
                set(text, Grammar::Json, &mut values)
            };
            done.map_err(|_| HelmError(format!("failed parsing --set-json data {text}")))?;
        }
        for text in &self.typed {
            set(text, Grammar::Typed, &mut values).map_err(|why| failed("--set", why))?;
        }
        for text in &self.text {
            set(text, Grammar::Text, &mut values).map_err(|why| failed("--set-string", why))?;
        }
        for text in &self.from_file {
            let mut content =
                |name: &str| read(name).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            set(text, Grammar::File(&mut content), &mut values).map_err(|why| failed("--set-file", why))?;
        }
        for text in &self.literal {
            set(text, Grammar::Literal, &mut values).map_err(|why| failed("--set-literal", why))?;
        }
        Ok(values)
    }
}
