//! `.Chart`, `.Files` and `.Capabilities` as templates see them.

mod chart;
mod files;

use std::rc::Rc;

use gyre_template::{Method, Object, Type, Value};
use serde_json::{Value as Json, json};

pub(crate) use chart::{ChartObject, as_map};
pub(crate) use files::Files;

use crate::capabilities::Capabilities;

/// `*chartutil.Capabilities`
#[derive(Debug)]
pub(crate) struct CapabilitiesObject(pub(crate) Rc<Capabilities>);

impl Object for CapabilitiesObject {
    fn type_name(&self) -> &'static str {
        "*chartutil.Capabilities"
    }

    fn kind(&self) -> &'static str {
        "ptr"
    }

    fn field(&self, name: &str) -> Option<Value> {
        Some(match name {
            "KubeVersion" => Value::Object(Rc::new(KubeVersionObject(self.0.clone()))),
            "APIVersions" => Value::Object(Rc::new(ApiVersions(self.0.clone()))),
            "HelmVersion" => Value::Object(Rc::new(HelmVersion(self.0.clone()))),
            _ => return None,
        })
    }

    fn json_fields(&self) -> Option<Vec<(&str, Value)>> {
        Some(self.fields())
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        ["KubeVersion", "APIVersions", "HelmVersion"]
            .into_iter()
            .filter_map(|name| Some((name, self.field(name)?)))
            .collect()
    }
}

#[derive(Debug)]
struct KubeVersionObject(Rc<Capabilities>);

impl Object for KubeVersionObject {
    fn type_name(&self) -> &'static str {
        "chartutil.KubeVersion"
    }

    fn field(&self, name: &str) -> Option<Value> {
        let version = &self.0.kube_version;
        Some(Value::text(match name {
            "Version" => version.version.as_str(),
            "Major" => version.major.as_str(),
            "Minor" => version.minor.as_str(),
            _ => return None,
        }))
    }

    fn method(&self, name: &str) -> Option<Method> {
        matches!(name, "GitVersion" | "String").then_some(Method { params: &[], variadic: false })
    }

    fn call(&self, _: &str, _: &[Value]) -> Result<Value, String> {
        Ok(Value::text(self.0.kube_version.version.as_str()))
    }

    fn json_fields(&self) -> Option<Vec<(&str, Value)>> {
        Some(
            ["Version", "Major", "Minor"]
                .into_iter()
                .filter_map(|name| Some((name, self.field(name)?)))
                .collect(),
        )
    }

    fn text_in_place(&self) -> Option<String> {
        Some(self.0.kube_version.version.clone())
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        ["Version", "Major", "Minor"].into_iter().filter_map(|name| Some((name, self.field(name)?))).collect()
    }
}

#[derive(Debug)]
struct ApiVersions(Rc<Capabilities>);

impl Object for ApiVersions {
    fn type_name(&self) -> &'static str {
        "chartutil.VersionSet"
    }

    fn kind(&self) -> &'static str {
        "slice"
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str) -> Option<Method> {
        (name == "Has").then_some(Method { params: &[Type::Str], variadic: false })
    }

    fn call(&self, _: &str, args: &[Value]) -> Result<Value, String> {
        let wanted = args[0].as_bytes().unwrap_or_default();
        Ok(Value::Bool(self.0.api_versions.iter().any(|version| version.as_bytes() == wanted)))
    }

    fn contents(&self) -> Option<Value> {
        Some(Value::strings(self.0.api_versions.iter().map(String::as_str)))
    }

    fn to_json(&self) -> Json {
        json!(*self.0.api_versions)
    }
}

#[derive(Debug)]
struct HelmVersion(Rc<Capabilities>);

impl Object for HelmVersion {
    fn type_name(&self) -> &'static str {
        "version.BuildInfo"
    }

    fn field(&self, name: &str) -> Option<Value> {
        Some(Value::text(match name {
            "Version" => self.0.helm_version.as_str(),
            "GitTreeState" if self.0.helm_version.starts_with("v3") => "clean",
            "GitTreeState" => "",
            "GitCommit" | "GoVersion" => "",
            _ => return None,
        }))
    }

    fn to_json(&self) -> Json {
        json!({ "version": self.0.helm_version })
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let named = |name| Some((name, self.field(name)?));
        ["Version", "GitCommit", "GitTreeState", "GoVersion"].into_iter().filter_map(named).collect()
    }
}
