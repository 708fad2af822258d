//! `gyre kustomize` as a process. The cases hold what `kustomize` 5.8.1 wrote for the same command lines.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const CASES: &str = include_str!("kustomize/cases.jsonl");
const SHORT: &str = include_str!("kustomize/short.yaml");
const LONG: &str = include_str!("kustomize/long.yaml");

fn run(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gyre"));
    command.arg("kustomize").args(arguments).current_dir(directory);
    command.output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// A directory with some files in it, and a kustomization file unless it is to be made.
fn directory(file: Option<&str>) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let write = |name: &str, content: &str| fs::write(directory.path().join(name), content).expect(name);
    fs::create_dir(directory.path().join("sub")).expect("a directory");
    for name in ["a.yaml", "b.yaml", "c.yaml", "p.yaml", "sub/e.yaml"] {
        let short = name.trim_start_matches("sub/").trim_end_matches(".yaml");
        write(name, &format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {short}\n"));
    }
    write("env", "k=v\n");
    if let Some(file) = file {
        write("kustomization.yaml", if file == "short.yaml" { SHORT } else { LONG });
    }
    directory
}

/// The words of a command line; single quotes keep words together.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut quoted) = (vec![String::new()], false);
    for letter in line.chars() {
        match letter {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().expect("a word").push(other),
        }
    }
    words
}

#[test]
fn edits_and_creates_as_the_peer() {
    for line in CASES.lines() {
        let case: Value = serde_json::from_str(line).expect("a case is JSON");
        let file = case["file"].as_str();
        let directory = directory(file);
        let command = case["command"].as_str().expect("a command");
        let words = words(command);
        let output = run(directory.path(), &words.iter().map(String::as_str).collect::<Vec<_>>());
        let error = text(&output.stderr);
        assert_eq!(output.status.code().map(i64::from), case["exit"].as_i64(), "{command}: {error}");
        if let Some(wanted) = case["error"].as_str() {
            let root = directory.path().canonicalize().expect("a path");
            // What the peer says of usage behind the error was not recorded.
            let error = error.split("\nUsage:").next().unwrap_or_default();
            assert_eq!(error.trim().replace(&*root.to_string_lossy(), "{ROOT}"), wanted, "{command}");
        }
        let before = file.map(|file| if file == "short.yaml" { SHORT } else { LONG });
        let found = fs::read_to_string(directory.path().join("kustomization.yaml")).ok();
        assert_eq!(found.as_deref(), case["text"].as_str().or(before), "{command} {file:?}");
    }
}

/// Command lines with the exit code and the first line of the error that `kustomize` 5.8.1 gave.
const LINES: [(&str, i32, &str); 34] = [
    ("nope", 1, "Error: unknown command \"nope\" for \"kustomize\""),
    ("build --nope=3", 1, "Error: unknown flag: --nope"),
    ("build -xe", 1, "Error: unknown shorthand flag: 'x' in -xe"),
    ("build -e", 1, "Error: flag needs an argument: 'e' in -e"),
    ("build -eA=B", 0, ""),
    ("build -e A=B -e C", 0, ""),
    ("build -e=A", 0, ""),
    ("build --env A --env B=C", 0, ""),
    ("build --env", 1, "Error: flag needs an argument: --env"),
    ("build --enable-helm=true", 0, ""),
    (
        "build --enable-helm=x",
        1,
        "Error: invalid argument \"x\" for \"--enable-helm\" flag: strconv.ParseBool: parsing \"x\": invalid syntax",
    ),
    ("build --as-current-user=T", 0, ""),
    ("build --output", 1, "Error: flag needs an argument: --output"),
    ("build -o", 1, "Error: flag needs an argument: 'o' in -o"),
    ("build --output=", 0, ""),
    ("--stack-trace build", 0, ""),
    ("build --stack-trace=true", 0, ""),
    ("build a b", 1, "Error: specify one path to kustomization.yaml"),
    ("build --network --network-name=x --mount type=bind", 0, ""),
    (
        "build --load-restrictor none",
        1,
        "Error: illegal flag value --load-restrictor none; legal values: [LoadRestrictionsRootOnly LoadRestrictionsNone]",
    ),
    ("build --load-restrictor=", 0, ""),
    ("build --helm-api-versions a,b --helm-kube-version 1.2 --helm-debug --helm-command=h", 0, ""),
    ("edit nope", 0, ""),
    (
        "edit fix --vars=maybe",
        1,
        "Error: invalid argument \"maybe\" for \"--vars\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax",
    ),
    ("edit set nameprefix -x", 1, "Error: unknown shorthand flag: 'x' in -x"),
    ("create -n", 1, "Error: unknown shorthand flag: 'n' in -n"),
    ("edit add patch p.yaml", 1, "Error: must provide either patch or path"),
    ("edit add patch --path p.yaml more words", 0, ""),
    ("version more words", 0, ""),
    ("help", 0, ""),
    ("help edit add", 0, ""),
    ("help nope", 0, "Unknown help topic [`nope`]"),
    ("version --short -o json", 1, "Flag --short has been deprecated, and will be removed in the future."),
    ("version -o", 1, "Error: flag needs an argument: 'o' in -o"),
];

#[test]
fn reads_command_lines_as_the_peer() {
    let directory = directory(Some("short.yaml"));
    for (line, code, error) in LINES {
        let words = words(line);
        let output = run(directory.path(), &words.iter().map(String::as_str).collect::<Vec<_>>());
        let told = text(&output.stderr);
        let first = told.lines().next().unwrap_or_default();
        assert_eq!((output.status.code(), first), (Some(code), error), "{line}");
    }
    let help = run(directory.path(), &["edit", "nope"]);
    assert!(text(&help.stdout).contains("Usage: kustomize edit"), "{}", text(&help.stdout));
    assert_eq!(text(&run(directory.path(), &["help", "edit"]).stdout), text(&help.stdout));
}

#[test]
fn tells_where_a_kustomization_file_cannot_be_read() {
    let directory = directory(None);
    let first = |line: &str| {
        let words = words(line);
        let output = run(directory.path(), &words.iter().map(String::as_str).collect::<Vec<_>>());
        text(&output.stderr).lines().next().unwrap_or_default().to_owned()
    };
    let lines =
        ["edit add configmap x --from-literal=a=b", "edit remove secret x", "edit add resource a.yaml"];
    let missing = "Missing kustomization file 'kustomization.yaml'.";
    for (line, before) in
        lines.iter().zip(["failed to load kustomization file: ", "could not read kustomization file: ", ""])
    {
        assert_eq!(first(line), format!("Error: {before}{missing}"));
    }
    fs::write(directory.path().join("kustomization.yaml"), "nope: 1\n").expect("a file");
    let invalid = "invalid Kustomization: json: unknown field \"nope\"";
    for (line, before) in lines.iter().zip([
        "failed to read kustomization file: ",
        "could not read kustomization file contents: ",
        "",
    ]) {
        assert_eq!(first(line), format!("Error: {before}{invalid}"));
    }
}

#[test]
fn fix_turns_vars_into_replacements() {
    let directory = directory(None);
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).expect(name);
    let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n  containers:\n  - args:\n    - i:$(V)\n    name: c # kept\n";
    write("pod.yaml", pod);
    let vars = "vars:\n- fieldref:\n    fieldPath: metadata.name\n  name: V\n  objref:\n    apiVersion: v1\n    kind: ConfigMap\n    name: a\n";
    let head = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- a.yaml\n- pod.yaml\n";
    write("kustomization.yaml", &format!("{head}{vars}"));
    let before = run(directory.path(), &["build"]);
    let output = run(directory.path(), &["edit", "fix", "--vars"]);
    assert!(output.status.success());
    assert!(!text(&output.stdout).contains("Warning"), "{}", text(&output.stdout));
    let read = |name: &str| fs::read_to_string(directory.path().join(name)).expect(name);
    assert_eq!(read("pod.yaml"), pod.replace("$(V)", "V_PLACEHOLDER"));
    assert_eq!(
        read("kustomization.yaml"),
        format!(
            "{head}replacements:\n- source:\n    fieldPath: metadata.name\n    kind: ConfigMap\n    name: a\n    version: v1\n  targets:\n  - fieldPaths:\n    - spec.containers.0.args.0\n    options:\n      delimiter: ':'\n      index: 1\n    select:\n      kind: Pod\n      name: p\n      version: v1\n"
        )
    );
    assert_eq!(text(&run(directory.path(), &["build"]).stdout), text(&before.stdout));
}

#[test]
fn builds_from_a_disk() {
    let directory = directory(Some("short.yaml"));
    let root = directory.path().canonicalize().expect("a path");
    let output = run(&root, &["build", "-o", "sub"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(root.join("sub/v1_configmap_a.yaml").is_file());
    let outside = "resources:\n- ../a.yaml\n";
    fs::create_dir(root.join("inner")).expect("a directory");
    fs::write(root.join("inner/kustomization.yaml"), outside).expect("a file");
    let refused = text(&run(&root, &["build", "inner"]).stderr);
    assert!(
        refused
            .contains(&format!("security; file '{0}/a.yaml' is not in or below '{0}/inner'", root.display()))
    );
    let allowed = run(&root, &["build", "inner", "--load-restrictor", "LoadRestrictionsNone"]);
    assert_eq!(text(&allowed.stdout), fs::read_to_string(root.join("a.yaml")).expect("a file"));
    let old = "# Warning: 'bases' is deprecated. Please use 'resources' instead. Run 'kustomize edit fix' to update your \
               Kustomization automatically.\nError: accumulating resources: ";
    fs::write(root.join("inner/kustomization.yaml"), "bases:\n- nope\n").expect("a file");
    let failed = text(&run(&root, &["build", "inner"]).stderr);
    assert!(failed.starts_with(old), "{failed}");
    let unknown = run(&root, &["build", "--nope"]);
    assert_eq!(
        (unknown.status.code(), text(&unknown.stderr)),
        (Some(1), "Error: unknown flag: --nope\n".into())
    );
}

#[test]
fn renders_charts_where_they_are_enabled() {
    let directory = directory(None);
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).expect(name);
    fs::create_dir_all(directory.path().join("charts/web/templates")).expect("a directory");
    write("charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n");
    write("charts/web/values.yaml", "color: red\n");
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  c: {{ .Values.color }}\n";
    write("charts/web/templates/cm.yaml", template);
    write("kustomization.yaml", "helmCharts:\n- name: web\n  releaseName: r\n");
    let refused = run(directory.path(), &["build"]);
    assert!(text(&refused.stderr).contains("must specify --enable-helm"), "{}", text(&refused.stderr));
    let output = run(directory.path(), &["build", "--enable-helm"]);
    let wanted = "apiVersion: v1\ndata:\n  c: red\nkind: ConfigMap\nmetadata:\n  name: r\n";
    assert_eq!(text(&output.stdout), wanted, "{}", text(&output.stderr));
}
