//! Charts with flags, against what `helm template` printed.

use std::path::{Path, PathBuf};

use gyre_helm::values::given::Given;
use gyre_helm::{Chart, HelmError, Options, ParsedChart, Shown, Version, release_name, template_text};
use gyre_model::FileTree;
use gyre_template::FixedHost;
use gyre_testkit::conformance;
use serde_json::Value;

struct Case {
    name: String,
    dir: PathBuf,
    args: Vec<String>,
    chart_from: Option<String>,
}

/// `key: <JSON>` per line.
fn case(dir: &Path, name: &str) -> Option<Case> {
    let text = std::fs::read_to_string(dir.join(name).join("case.yaml")).ok()?;
    let field = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))?;
        serde_json::from_str::<Value>(line).ok()
    };
    let args = field("args")?.as_array()?.iter().map(|arg| arg.as_str().unwrap().to_owned()).collect();
    let chart_from = field("chart_from").map(|from| from.as_str().unwrap().to_owned());
    Some(Case { name: name.into(), dir: dir.join(name), args, chart_from })
}

#[derive(Default)]
struct Command {
    positional: Vec<String>,
    given: Given,
    options: Options,
    shown: Shown,
    api_versions: Vec<String>,
    name_template: Option<String>,
}

fn flag(
    command: &mut Command,
    name: &str,
    next: &mut dyn FnMut() -> Result<String, String>,
) -> Result<(), String> {
    let off = |text: &str| text == "false";
    match name {
        "-f" | "--values" => command.given.files.extend(next()?.split(',').map(Into::into)),
        "--set" => command.given.typed.push(next()?),
        "--set-string" => command.given.text.push(next()?),
        "--set-file" => command.given.from_file.push(next()?),
        "--set-json" => command.given.json.push(next()?),
        "--set-literal" => command.given.literal.push(next()?),
        "-s" | "--show-only" => command.shown.only.push(next()?),
        "-n" | "--namespace" => command.options.namespace = next()?,
        "-a" | "--api-versions" => command.api_versions.extend(next()?.split(',').map(Into::into)),
        "--kube-version" => {
            let text = next()?;
            command.options.capabilities.kube_version = gyre_helm::capabilities::KubeVersion::parse(&text)
                .map_err(|why| format!("invalid kube version '{text}': {why}"))?;
        }
        "--name-template" => command.name_template = Some(next()?),
        "--include-crds" => command.shown.include_crds = true,
        "--no-hooks" => command.shown.no_hooks = true,
        "--skip-tests" => command.shown.skip_tests = true,
        "--is-upgrade" => command.options.is_upgrade = true,
        "--skip-schema-validation" => command.options.skip_schema_validation = true,
        "--debug"
        | "--dry-run"
        | "--skip-crds"
        | "--devel"
        | "--create-namespace"
        | "--generate-name"
        | "--dependency-update"
        | "--release-name" => {}
        "--description" | "--timeout" | "--version" | "--output-dir" => {
            next()?;
        }
        other => return Err(format!("unknown flag: {other}")),
    }
    let _ = off;
    Ok(())
}

fn command(args: &[String]) -> Result<Command, String> {
    let mut command = Command::default();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if !arg.starts_with('-') || arg == "-" {
            command.positional.push(arg.clone());
            continue;
        }
        let (name, value) =
            arg.split_once('=').map_or((arg.as_str(), None), |(name, value)| (name, Some(value)));
        let mut inline = value.map(ToOwned::to_owned);
        let mut next = || {
            inline
                .take()
                .or_else(|| rest.next().cloned())
                .ok_or_else(|| format!("flag needs an argument: {name}"))
        };
        flag(&mut command, name, &mut next)?;
    }
    Ok(command)
}

fn tree(dir: &Path) -> FileTree {
    fn add(root: &Path, dir: &Path, builder: &mut gyre_model::FileTreeBuilder) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                add(root, &path, builder);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                builder.add_file(&name, &std::fs::read(&path).unwrap(), false).unwrap();
            }
        }
    }
    let mut builder = gyre_model::FileTreeBuilder::default();
    add(dir, dir, &mut builder);
    builder.build()
}

fn load(case: &Case, name: &str) -> Result<Chart, HelmError> {
    let own = case.dir.join(name);
    let place = match &case.chart_from {
        Some(from) if !own.exists() => case.dir.parent().unwrap().join(from),
        _ => own,
    };
    if place.is_dir() {
        return Chart::from_tree(&tree(&place));
    }
    match std::fs::read(&place) {
        Ok(bytes) => Chart::from_archive(&bytes),
        Err(_) => Err(HelmError::new(format!("path {} not found", gyre_go::strconv::quote(name.as_bytes())))),
    }
}

fn run(case: &Case, version: Version) -> Result<String, String> {
    let mut command = command(&case.args)?;
    let mut host = FixedHost::default();
    let chart = match &command.positional[..] {
        [chart] => {
            if let Some(template) = &command.name_template {
                command.options.release_name =
                    release_name::from_template(template, &mut host).map_err(|why| why.to_string())?;
            }
            chart.clone()
        }
        [name, chart] => {
            command.options.release_name.clone_from(name);
            chart.clone()
        }
        _ => return Err("wrong number of arguments".into()),
    };
    let mut read = |name: &str| {
        std::fs::read(case.dir.join(name)).map_err(|_| format!("open {name}: no such file or directory"))
    };
    let values = command.given.merge(version, &mut read).map_err(|why| why.to_string())?;
    let chart = load(case, &chart).map_err(|why| why.to_string())?;
    release_name::validate(&command.options.release_name).map_err(|why| {
        let name = gyre_go::strconv::quote(command.options.release_name.as_bytes());
        format!("release name {name}: {why}")
    })?;
    command.options.capabilities =
        command.options.capabilities.clone().with_api_versions(&command.api_versions);
    command.options.version = version;
    if version == Version::V4 {
        command.options.capabilities.helm_version = gyre_helm::capabilities::HELM_4.into();
    }
    command.shown.version = version;
    let rendered = ParsedChart::new(chart).render(&values, &command.options, &mut host);
    let rendered = rendered.map_err(|why| why.to_string())?;
    template_text(&rendered, &command.shown).map_err(|why| why.to_string())
}

fn compare(
    case: &Case,
    version: Version,
    wanted: Option<Vec<u8>>,
    error: Option<String>,
) -> Result<(), String> {
    let got = run(case, version);
    match (wanted, got) {
        (Some(wanted), Ok(got)) if wanted == got.as_bytes() => Ok(()),
        (Some(wanted), Ok(got)) => {
            let wanted = String::from_utf8_lossy(&wanted).into_owned();
            let first = wanted.lines().zip(got.lines()).position(|(one, other)| one != other);
            let at = first.unwrap_or_else(|| wanted.lines().count().min(got.lines().count()));
            let show =
                |text: &str| text.lines().skip(at.saturating_sub(2)).take(8).collect::<Vec<_>>().join("\n  ");
            Err(format!(
                "args: {:?}\nline {}\nwant:\n  {}\ngot:\n  {}",
                case.args,
                at + 1,
                show(&wanted),
                show(&got)
            ))
        }
        (Some(_), Err(why)) => Err(format!("args: {:?}\nerror: {why}", case.args)),
        (None, Ok(_)) => Err(format!("args: {:?}\nwant error: {}", case.args, error.unwrap_or_default())),
        (None, Err(_)) => Ok(()),
    }
}

fn check(case: &Case, version: Version) -> Result<(), String> {
    let read = |name: &str| std::fs::read(case.dir.join(name)).ok();
    let text = |name: &str| read(name).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    if version == Version::V4 {
        if let Some(error) = text("expected_v4_error.txt") {
            return compare(case, version, None, Some(error));
        }
        if let Some(wanted) = read("expected_v4.yaml") {
            return compare(case, version, Some(wanted), None);
        }
    }
    compare(case, version, read("expected.yaml"), text("expected_error.txt"))
}

fn cases(set: &str) -> Vec<Case> {
    let Some(dir) = conformance::dir() else {
        println!("{set}: no conformance data here; passed");
        return Vec::new();
    };
    let dir = dir.join("helm");
    let mut names: Vec<String> = std::fs::read_dir(&dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name != "_charts")
        .collect();
    names.sort();
    names.iter().filter_map(|name| case(&dir, name)).collect()
}

#[test]
fn helm() {
    let cases = cases("helm");
    let expected = include_str!("../expected_failures/helm.txt");
    conformance::run("helm", &cases, |case| &case.name, expected, |case| check(case, Version::V3));
}

#[test]
fn helm_4() {
    let cases = cases("helm-4");
    let expected = include_str!("../expected_failures/helm-4.txt");
    conformance::run("helm-4", &cases, |case| &case.name, expected, |case| check(case, Version::V4));
}

/// What Helm says, without its warnings, without the advice to use a flag of the command, and with what Go lists in
/// the order of its maps in one order.
fn comparable(text: &str) -> Vec<String> {
    let text = text.replace("\n\nUse --debug flag to render out invalid YAML", "");
    let text = text.split_once("Error: ").map_or(text.as_str(), |(_, text)| text).trim();
    let mut lines: Vec<String> = text.lines().map(Into::into).collect();
    if text.starts_with("values don't meet the specifications") {
        lines.sort_unstable();
    }
    lines
}

fn check_text(case: &Case) -> Result<(), String> {
    let wanted = std::fs::read_to_string(case.dir.join("expected_error.txt")).unwrap();
    let got = run(case, Version::V3).err().unwrap_or_default();
    if comparable(&wanted) == comparable(&got) {
        return Ok(());
    }
    Err(format!("args: {:?}\nwant: {wanted}\ngot:  {got}", case.args))
}

#[test]
fn helm_error_texts() {
    let mut cases = cases("helm-error-texts");
    cases.retain(|case| case.dir.join("expected_error.txt").exists());
    let expected = include_str!("../expected_failures/helm-error-texts.txt");
    conformance::run("helm-error-texts", &cases, |case| &case.name, expected, check_text);
}
