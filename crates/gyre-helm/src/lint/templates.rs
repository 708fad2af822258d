//! What `helm lint` says of templates and of what they render.

use std::sync::LazyLock;

use gyre_go::regexp::Regexp;
use gyre_go::strconv::quote;
use gyre_template::Host;
use gyre_yaml::{Part, split_documents, yaml_to_json};
use serde_json::Value;

use super::{Conditions, Findings, Severity, Subject, deprecated, names};
use crate::capabilities::Capabilities;
use crate::chart::{Chart, scalar_text};
use crate::error::HelmError;
use crate::render::{Options, ParsedChart};
use crate::schema;
use crate::values::Values;
use crate::values::coalesce::coalesce_values;

const DIRECTORY: &str = "templates/";

static CRD_HOOK: LazyLock<Option<Regexp>> =
    LazyLock::new(|| Regexp::parse(r#""?helm\.sh/hook"?:\s+crd-install"#).ok());

pub(super) fn check(
    subject: &Subject<'_>,
    values: &Values,
    conditions: &Conditions,
    host: &mut (dyn Host + Send),
    findings: &mut Findings,
) {
    if subject.templates_is_file {
        findings.check(Severity::Warning, DIRECTORY, Err("not a directory"));
        return;
    }
    let chart = match subject.chart {
        Ok(chart) => chart,
        Err(why) => {
            findings.check(Severity::Error, DIRECTORY, Err(why));
            return;
        }
    };
    let capabilities = match &conditions.kube_version {
        Some(version) => Capabilities { kube_version: version.clone(), ..Capabilities::default() },
        None => Capabilities::default(),
    };
    let options = Options {
        release_name: "test-release".into(),
        namespace: conditions.namespace.clone(),
        revision: 0,
        is_upgrade: true,
        capabilities,
        skip_schema_validation: true,
        lint: true,
        ..Options::default()
    };
    // Charts whose subcharts or values do not fit together are left to the other rules.
    let Ok(coalesced) = switched_values(chart, values) else { return };
    if !conditions.skip_schema_validation
        && let Err(why) = schema::validate(&coalesced.0, &coalesced.1)
    {
        findings.check(Severity::Error, DIRECTORY, Err(why));
        return;
    }
    let rendered = match ParsedChart::new(chart.clone()).render_files(values, &options, host) {
        Ok(rendered) => rendered,
        Err(why) => {
            findings.check(Severity::Error, DIRECTORY, Err(why));
            return;
        }
    };
    for file in chart.templates.iter() {
        let path = &*file.name;
        findings.check(Severity::Error, path, extension(path));
        let text = file.text();
        findings.check(Severity::Warning, path, no_crd_hook(&text));
        findings.check(Severity::Error, path, no_release_time(&text));
        let is_yaml = path.rsplit('/').next().is_some_and(|name| name.ends_with(".yaml"));
        let Some(content) = rendered.get(&format!("{}/{path}", chart.name())).filter(|_| is_yaml) else {
            continue;
        };
        let content = String::from_utf8_lossy(content);
        if !content.trim().is_empty() && !documents(path, &content, &options, findings) {
            return;
        }
    }
}

fn switched_values(chart: &Chart, values: &Values) -> Result<(Chart, Values), HelmError> {
    let mut chart = chart.clone();
    let mut untold = Vec::new();
    crate::dependencies::process(&mut chart, values, crate::render::Version::V3, &mut untold)?;
    let values = coalesce_values(&chart, values, crate::render::Version::V3, &mut untold)?;
    Ok((chart, values))
}

fn extension(path: &str) -> Result<(), String> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rfind('.').map_or("", |at| &name[at..]);
    if matches!(extension, ".yaml" | ".yml" | ".tpl" | ".txt") {
        return Ok(());
    }
    Err(format!("file extension '{extension}' not valid. Valid extensions are .yaml, .yml, .tpl, or .txt"))
}

fn no_crd_hook(text: &str) -> Result<(), &'static str> {
    match &*CRD_HOOK {
        Some(hook) if hook.is_match(text.as_bytes()) => Err(
            "manifest is a crd-install hook. This hook is no longer supported in v3 and all CRDs should also exist the crds/ directory at the top level of the chart",
        ),
        _ => Ok(()),
    }
}

fn no_release_time(text: &str) -> Result<(), &'static str> {
    if !text.contains(".Release.Time") {
        return Ok(());
    }
    Err(".Release.Time has been removed in v3, please replace with the `now` function in your templates")
}

fn top_indent(content: &str) -> Result<(), String> {
    match content.lines().find(|line| !line.trim().is_empty()) {
        Some(line) if line.starts_with([' ', '\t']) => Err(format!(
            "document starts with an illegal indent: {}, which may cause parsing problems",
            quote(line.as_bytes())
        )),
        _ => Ok(()),
    }
}

/// Looks at every document of a rendered file; false where one cannot be read.
fn documents(path: &str, content: &str, options: &Options, findings: &mut Findings) -> bool {
    findings.check(Severity::Warning, path, top_indent(content));
    let parts = split_documents(content).unwrap_or_else(|_| vec![Part { line: 1, text: content }]);
    for part in parts {
        let value = match yaml_to_json(part.text.as_bytes()) {
            Ok(value) => value,
            Err(why) => {
                let why = format!("unable to parse YAML: error converting YAML to JSON: {why}");
                return findings.check(Severity::Error, path, Err(why));
            }
        };
        let Value::Object(fields) = &value else {
            if value.is_null() {
                continue;
            }
            let why = "unable to parse YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal into Go value of type rules.K8sYamlStruct";
            return findings.check(Severity::Error, path, Err(why));
        };
        let field = |key: &str| {
            fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).and_then(|(_, v)| scalar_text(v))
        };
        let (api_version, kind) =
            (field("apiVersion").unwrap_or_default(), field("kind").unwrap_or_default());
        let name = value.pointer("/metadata/name").and_then(scalar_text).unwrap_or_default();
        findings.check(Severity::Warning, path, object_name(&kind, &name));
        if let Some(warning) = deprecated::warning(&api_version, &kind, &options.capabilities.kube_version) {
            findings.check(Severity::Warning, path, Err(warning));
        }
        findings.check(Severity::Error, path, selector(&kind, &name, content));
        findings.check(Severity::Error, path, list_annotations(&kind, &value));
    }
    true
}

fn object_name(kind: &str, name: &str) -> Result<(), String> {
    let shown = quote(name.as_bytes());
    let found: Vec<String> = names::problems(kind, name)
        .into_iter()
        .map(|problem| format!("metadata.name: Invalid value: {shown}: {problem}"))
        .collect();
    let found = match &found[..] {
        [] => return Ok(()),
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    };
    Err(format!("object name does not conform to Kubernetes naming requirements: {shown}: {found}"))
}

fn selector(kind: &str, name: &str, content: &str) -> Result<(), String> {
    let needs_one = matches!(kind, "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet");
    if !needs_one || content.contains("matchLabels") || content.contains("matchExpressions") {
        return Ok(());
    }
    let name = quote(name.as_bytes());
    Err(format!("a {kind} must contain matchLabels or matchExpressions, and {name} does not"))
}

fn list_annotations(kind: &str, value: &Value) -> Result<(), &'static str> {
    let items = value.get("items").and_then(Value::as_array).filter(|_| kind == "List");
    let has_policy = |item: &Value| item.pointer("/metadata/annotations/helm.sh~1resource-policy").is_some();
    if items.is_some_and(|items| items.iter().any(has_policy)) {
        return Err("Annotation 'helm.sh/resource-policy' within List objects are ignored");
    }
    Ok(())
}
