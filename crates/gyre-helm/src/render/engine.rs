//! Runs the templates of a chart and its subcharts.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use gyre_template::limits::STACK_BYTES;
use gyre_template::{
    ExecError, Functions, Host, Machine, Map, MapKind, MissingKey, ParseError, Templates, Value,
};

use super::{Options, ParsedChart, Version};
use crate::chart::Chart;
use crate::error::{HelmError, err};
use crate::objects::{CapabilitiesObject, ChartObject, Files, as_map};
use crate::values::Values;

/// One template of a chart: its path, the chart it belongs to, and its text.
struct Source<'c> {
    path: Arc<str>,
    chart_path: Arc<str>,
    file: &'c crate::chart::File,
}

/// Every rendered file by its path.
pub(super) fn render(
    parsed: &ParsedChart,
    chart: &Chart,
    values: &Values,
    options: &Options,
    host: &mut (dyn Host + Send),
) -> Result<BTreeMap<String, Vec<u8>>, HelmError> {
    let mut sources = Vec::new();
    collect(chart, chart.name(), &mut sources);
    // order: Helm's: deep paths first, and backwards by name; a template defined twice is the one defined last.
    let depth = |source: &Source<'_>| source.path.matches('/').count();
    sources.sort_by(|left, right| depth(right).cmp(&depth(left)).then_with(|| right.path.cmp(&left.path)));
    let key = sources.iter().map(|source| source.path.clone()).collect();
    let templates = parsed.templates(key, || parse(&sources))?;
    // bounded: templates may call each other some thousand levels deep, which needs more stack than a thread has.
    thread::scope(|scope| {
        let run = || run(&templates, chart, &sources, values, options, host);
        match thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, run) {
            Ok(worker) => worker.join().unwrap_or_else(|_| err("rendering template failed: it panicked")),
            Err(why) => err(format!("rendering template failed: {why}")),
        }
    })
}

fn collect<'c>(chart: &'c Chart, path: &str, sources: &mut Vec<Source<'c>>) {
    let chart_path: Arc<str> = path.into();
    for child in &chart.dependencies {
        collect(child, &format!("{path}/charts/{}", child.name()), sources);
    }
    for file in chart.templates.iter() {
        let is_partial = file.name.rsplit('/').next().is_some_and(|name| name.starts_with('_'));
        if chart.is_library() && !is_partial {
            continue;
        }
        let path = format!("{chart_path}/{}", file.name).into();
        sources.push(Source { path, chart_path: chart_path.clone(), file });
    }
}

fn parse(sources: &[Source<'_>]) -> Result<Templates, HelmError> {
    let mut templates = Templates::new(Functions::Helm, MissingKey::Zero);
    for source in sources {
        templates.add(&source.path, &source.file.text()).map_err(|why| parse_error(&source.path, &why))?;
    }
    Ok(templates)
}

/// Helm shows the place and the last part of the text.
fn parse_error(path: &str, why: &ParseError) -> HelmError {
    let text = why.to_string();
    let parts: Vec<&str> = text.split(": ").collect();
    match parts[..] {
        [_, place, .., last] => HelmError(format!("parse error at ({place}): {last}")),
        _ => HelmError(format!("parse error in ({path}): {text}")),
    }
}

fn exec_error(why: &ExecError) -> HelmError {
    const START: &str = "HELM_ERR_START";
    const END: &str = "HELM_ERR_END";
    let text = &why.0;
    let mut parts = text.splitn(3, ": ");
    let (Some(_), Some(place), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return HelmError(text.clone());
    };
    // The words of the chart's author stand alone.
    match rest.find(START).zip(rest.rfind(END)) {
        Some((start, end)) if start + START.len() <= end => {
            HelmError(format!("execution error at ({place}): {}", &rest[start + START.len()..end]))
        }
        _ => HelmError(text.clone()),
    }
}

fn run(
    templates: &Templates,
    chart: &Chart,
    sources: &[Source<'_>],
    values: &Values,
    options: &Options,
    host: &mut (dyn Host + Send),
) -> Result<BTreeMap<String, Vec<u8>>, HelmError> {
    let mut dots = BTreeMap::new();
    let top = as_values(Value::from_json(&serde_json::Value::Object(values.clone())));
    let shared = Shared {
        release: release(options),
        capabilities: Value::Object(Rc::new(CapabilitiesObject(Rc::new(options.capabilities.clone())))),
        go_names: options.version == Version::V4,
    };
    dot(chart, chart.name(), top, true, &shared, &mut dots);
    let mut machine = Machine::new(templates, host);
    machine.lint = options.lint;
    let mut rendered = BTreeMap::new();
    for source in sources {
        if source.file.name.rsplit('/').next().is_some_and(|name| name.starts_with('_')) {
            continue;
        }
        let Some(dot) = dots.get(&*source.chart_path) else { continue };
        let template = Map::new(MapKind::Values);
        template.set("Name", Value::text(&*source.path));
        template.set("BasePath", Value::text(format!("{}/templates", source.chart_path)));
        dot.set("Template", Value::Map(template));
        let out = machine
            .execute(&source.path, as_values(Value::Map(dot.clone())))
            .map_err(|why| exec_error(&why))?;
        let out = gyre_template::helm::without_no_value(out);
        rendered.insert(source.path.to_string(), out);
    }
    Ok(rendered)
}

pub(super) fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|bytes| String::from_utf8_lossy(bytes.as_bytes()).into_owned())
}

fn as_values(value: Value) -> Value {
    match value {
        Value::Map(map) => Value::Map(Map { kind: MapKind::Values, ..map }),
        other => other,
    }
}

fn release(options: &Options) -> Value {
    Value::map([
        ("Name", Value::text(options.release_name.as_str())),
        ("Namespace", Value::text(options.namespace.as_str())),
        ("IsUpgrade", Value::Bool(options.is_upgrade)),
        ("IsInstall", Value::Bool(!options.is_upgrade)),
        ("Revision", Value::int(options.revision)),
        ("Service", Value::text("Helm")),
    ])
}

/// What all charts of a render share.
struct Shared {
    release: Value,
    capabilities: Value,
    go_names: bool,
}

/// The dot of a chart's templates, and those of its subcharts.
fn dot(
    chart: &Chart,
    path: &str,
    values: Value,
    is_root: bool,
    shared: &Shared,
    dots: &mut BTreeMap<String, Map>,
) -> Value {
    let subcharts = Map::new(MapKind::Any);
    for child in &chart.dependencies {
        let inner = match &values {
            Value::Map(map) => map.value(child.name().as_bytes()),
            _ => None,
        };
        let inner = match inner {
            Some(table @ Value::Map(_)) => as_values(table),
            _ => Value::Map(Map::new(MapKind::Values)),
        };
        let child_path = format!("{path}/charts/{}", child.name());
        subcharts.set(child.name(), dot(child, &child_path, inner, false, shared, dots));
    }
    let map = Map::new(MapKind::Any);
    let metadata = if shared.go_names {
        as_map(&chart.metadata, is_root)
    } else {
        Value::Object(Rc::new(ChartObject { metadata: Rc::new(chart.metadata.clone()), is_root }))
    };
    map.set("Chart", metadata);
    map.set("Files", Value::Object(Rc::new(Files::new(&chart.files))));
    map.set("Release", shared.release.clone());
    map.set("Capabilities", shared.capabilities.clone());
    map.set("Values", values);
    map.set("Subcharts", Value::Map(subcharts));
    dots.insert(path.into(), map.clone());
    Value::Map(map)
}
