//! Input that is made to cost much: a clear error, soon, and without a file from elsewhere.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gyre_kustomize::{LoadRestrictions, Options, Remote, RemoteError, Repository, Stop, build};
use gyre_model::FileTree;

/// No bad input may take longer, on a slow machine without optimisation.
const TIME_MAX: Duration = Duration::from_secs(300);

const CONFIG_MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\n";

fn tree(files: &[(&str, &str)]) -> FileTree {
    FileTree::from_files(files.iter().copied()).expect("the files make a tree")
}

/// The error of a build, which comes in time.
fn refused(files: &[(&str, &str)]) -> String {
    let tree = tree(files);
    let begin = Instant::now();
    let work = move || build(&Options::default(), &tree, "app").expect_err("a refusal").to_string();
    // The threads that render in `gyre run` have as much; without optimisation more is needed.
    let stack = if cfg!(debug_assertions) { 16 << 20 } else { 2 << 20 };
    let thread = std::thread::Builder::new().stack_size(stack).spawn(work).expect("a thread");
    let error = thread.join().expect("no panic");
    let took = begin.elapsed();
    assert!(took < TIME_MAX, "{took:?}");
    assert!(error.len() < 1 << 20, "an error of {} bytes", error.len());
    error
}

fn with_resource(resource: &str) -> String {
    refused(&[("app/kustomization.yaml", "resources: [r.yaml]"), ("app/r.yaml", resource)])
}

/// Levels of anchors, each of which names the one before it ten times.
fn bomb(first: &str, level: impl Fn(&str) -> String) -> String {
    let mut text = format!("{CONFIG_MAP}l0: &l0 {first}\n");
    for at in 1..12 {
        let before = format!("*l{}", at - 1);
        let ten = vec![before; 10].join(", ");
        let _ = writeln!(text, "l{at}: &l{at} {}", level(&ten));
    }
    text
}

#[test]
fn aliases_that_multiply() {
    let error = with_resource(&bomb("{a: b}", |ten| format!("[{ten}]")));
    assert!(error.contains("excessive aliasing"), "{error}");
}

#[test]
fn aliases_of_many_files_that_multiply() {
    let mut text = format!("{CONFIG_MAP}l0: &l0 {{a: b}}\n");
    for at in 1..6 {
        let ten = vec![format!("*l{}", at - 1); 10].join(", ");
        let _ = writeln!(text, "l{at}: &l{at} [{ten}]");
    }
    let text = |at: usize| text.replace("name: cm", &format!("name: cm{at}"));
    let one = |at: usize| (format!("app/r{at}.yaml"), text(at));
    let mut files: Vec<(String, String)> = (0..30).map(one).collect();
    let names: Vec<String> = (0..30).map(|at| format!("r{at}.yaml")).collect();
    files.push(("app/kustomization.yaml".into(), format!("resources: [{}]", names.join(", "))));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
    let error = refused(&files);
    assert!(error.contains("aliases write out more than 4000000 nodes"), "{error}");
}

#[test]
fn merges_that_multiply() {
    for first in ["{a: b}", "{}"] {
        let error = with_resource(&bomb(first, |ten| format!("{{<<: [{ten}]}}")));
        assert!(error.contains("excessive aliasing"), "{error}");
    }
}

#[test]
fn kustomizations_that_multiply() {
    let text = bomb("{}", |ten| format!("{{<<: [{ten}]}}")).replace(CONFIG_MAP, "");
    refused(&[("app/kustomization.yaml", &text)]);
    let text = bomb("[a]", |ten| format!("[{ten}]")).replace(CONFIG_MAP, "");
    refused(&[("app/kustomization.yaml", &text)]);
}

#[test]
fn anchors_around_anchors() {
    let inside = "- x\n".repeat(40_000);
    let mut text = format!("{CONFIG_MAP}a: ");
    for at in 0..120 {
        let _ = write!(text, "&a{at} [");
    }
    let _ = writeln!(text, "{}{}", inside.replace("- x\n", "x,"), "]".repeat(120));
    let error = with_resource(&text);
    assert!(error.contains("excessive aliasing"), "{error}");
}

#[test]
fn keys_that_repeat() {
    let text = format!("{CONFIG_MAP}data:\n{}", "  k: v\n".repeat(100_000));
    let error = with_resource(&text);
    assert!(error.contains("already defined"), "{error}");
}

#[test]
fn deep_nesting() {
    for (open, close) in [("[", "]"), ("{a: ", "}")] {
        for depth in [300, 20_000] {
            let text = format!("{CONFIG_MAP}a: {}{}\n", open.repeat(depth), close.repeat(depth));
            let error = with_resource(&text);
            assert!(error.contains("exceeded max depth"), "{error}");
        }
    }
    let mut text = CONFIG_MAP.to_owned();
    for depth in 0..5000 {
        let _ = writeln!(text, "{}a:", " ".repeat(depth));
    }
    assert!(with_resource(&text).contains("exceeded max depth"));
    let dashes = format!("{CONFIG_MAP}a:\n{}x\n", "- ".repeat(20_000));
    assert!(with_resource(&dashes).contains("exceeded max depth"));
}

#[test]
fn large_files() {
    let large = format!("{CONFIG_MAP}data:\n  k: {}\n", "x".repeat(100 << 20));
    assert!(with_resource(&large).contains("larger than 64 MiB"));
    let many = format!("{CONFIG_MAP}data: [{}]\n", "1,".repeat(4_100_000));
    assert!(with_resource(&many).contains("more than 4000000 nodes"));
}

#[test]
fn cycles_of_bases_and_components() {
    let error = refused(&[
        ("app/kustomization.yaml", "components: [../one]"),
        ("one/kustomization.yaml", "kind: Component\ncomponents: [../two]"),
        ("two/kustomization.yaml", "kind: Component\ncomponents: [../one]"),
    ]);
    assert!(error.contains("cycle detected"), "{error}");
    for field in ["resources", "components", "transformers", "generators", "validators"] {
        let error = refused(&[("app/kustomization.yaml", &format!("{field}: [.]"))]);
        assert!(error.contains("cycle detected"), "{field}: {error}");
        let kind = if field == "components" { "Component" } else { "Kustomization" };
        let error = refused(&[
            ("app/kustomization.yaml", &format!("{field}: [sub]")),
            ("app/sub/kustomization.yaml", &format!("kind: {kind}\nresources: [../../app]")),
        ]);
        assert!(error.contains("cycle detected"), "{field}: {error}");
    }
}

#[test]
fn bases_that_multiply() {
    // Every level names both of the next one, with other names for each.
    let mut files = vec![("app/kustomization.yaml".to_owned(), "resources: [../a0, ../b0]\n".to_owned())];
    for at in 0..40 {
        for side in ["a", "b"] {
            let next = at + 1;
            files.push((
                format!("{side}{at}/kustomization.yaml"),
                format!("resources: [../a{next}, ../b{next}]\nnamePrefix: {side}\n"),
            ));
        }
    }
    for side in ["a", "b"] {
        let text = format!("configMapGenerator: [{{name: {side}}}]");
        files.push((format!("{side}40/kustomization.yaml"), text));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
    let error = refused(&files);
    assert!(error.contains("the build reads more than 10000 kustomizations"), "{error}");
}

#[test]
fn values_that_are_put_in_again_and_again() {
    let large = format!("{CONFIG_MAP}data: {{v: {}}}\n", "x".repeat(1 << 20));
    let names = "$(V)".repeat(1000);
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{name: c, args: ['{names}']}}]}}\n"
    );
    let source = "vars: [{name: V, objref: {apiVersion: v1, kind: ConfigMap, name: cm}, fieldref: {fieldPath: data.v}}]\n";
    let error = refused(&[
        ("app/kustomization.yaml", &format!("resources: [cm.yaml, pod.yaml]\n{source}")),
        ("app/cm.yaml", &large),
        ("app/pod.yaml", &pod),
    ]);
    assert!(error.contains("variables put in more than"), "{error}");
    let containers: Vec<String> = (0..1000).map(|at| format!("{{name: c{at}, image: i}}")).collect();
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{}]}}\n",
        containers.join(", ")
    );
    let replacements = "replacements: [{source: {kind: ConfigMap, fieldPath: data.v}, targets: [{select: {kind: Pod}, fieldPaths: [spec.containers.*.image]}]}]\n";
    let error = refused(&[
        ("app/kustomization.yaml", &format!("resources: [cm.yaml, pod.yaml]\n{replacements}")),
        ("app/cm.yaml", &large),
        ("app/pod.yaml", &pod),
    ]);
    assert!(error.contains("replacements put in more than"), "{error}");
    let copies: Vec<String> =
        (0..40).map(|at| format!("- {{op: copy, from: /data, path: /data/c{at}}}\n")).collect();
    let patch = format!(
        "patches: [{{target: {{kind: ConfigMap}}, patch: \"{}\"}}]\n",
        copies.concat().replace('\n', "\\n")
    );
    let error = refused(&[
        ("app/kustomization.yaml", &format!("resources: [cm.yaml]\n{patch}")),
        ("app/cm.yaml", &large),
    ]);
    assert!(error.contains("copy"), "{error}");
}

#[test]
fn long_lists_that_are_merged() {
    let ports: Vec<String> = (0..60_000).map(|at| format!("{{containerPort: {at}}}")).collect();
    let pod = |ports: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{name: c, ports: [{ports}]}}]}}\n"
        )
    };
    let error = refused(&[
        ("app/kustomization.yaml", "resources: [pod.yaml]\npatches: [{path: p.yaml}]"),
        ("app/pod.yaml", &pod(&ports.join(", "))),
        ("app/p.yaml", &pod("{containerPort: 1, protocol: TCP}")),
    ]);
    assert!(error.contains("cannot be merged"), "{error}");
}

#[test]
fn links_out_of_the_root() {
    use gyre_model::FileTreeBuilder;

    let mut builder = FileTreeBuilder::default();
    let add = |builder: &mut FileTreeBuilder, path: &str, text: &str| {
        builder.add_file(path, text.as_bytes(), false).expect("a file");
    };
    add(&mut builder, "secret.yaml", CONFIG_MAP);
    add(&mut builder, "outside/kustomization.yaml", "resources: [r.yaml]");
    add(&mut builder, "outside/r.yaml", CONFIG_MAP);
    for (at, (field, target)) in [
        ("resources", "../../secret.yaml"),
        ("resources", "../../../../../etc/passwd"),
        ("resources", "/etc/passwd"),
        ("resources", "link"),
        ("configurations", "../../secret.yaml"),
        ("crds", "../../secret.yaml"),
        ("patchesStrategicMerge", "../../secret.yaml"),
    ]
    .iter()
    .enumerate()
    {
        let text = format!("{field}: [link]\nconfigMapGenerator: [{{name: x}}]\n");
        add(&mut builder, &format!("apps/{at}/kustomization.yaml"), &text);
        builder.add_symlink(&format!("apps/{at}/link"), target).expect("a link");
    }
    let tree = builder.build();
    for at in 0..7 {
        let error = build(&Options::default(), &tree, &format!("apps/{at}")).expect_err("a refusal");
        let told = error.to_string();
        assert!(told.contains("security; file") || told.contains("evalsymlink failure"), "{at}: {told}");
        assert!(!told.contains("root:"), "{at}: {told}");
        // Without restrictions files of the tree may be read, and nothing else.
        let options = Options { load_restrictions: LoadRestrictions::None, ..Options::default() };
        let found = build(&options, &tree, &format!("apps/{at}"));
        assert_eq!(found.is_ok(), at == 0, "{at}: {found:?}");
    }
}

/// A remote file that takes as long as the caller has.
struct Late(Stop);

impl Remote for Late {
    fn file(&self, _: &str) -> Result<Arc<[u8]>, RemoteError> {
        self.0.stop();
        Ok(CONFIG_MAP.as_bytes().into())
    }

    fn repository(&self, _: &Repository) -> Result<FileTree, String> {
        unreachable!("no repository is named")
    }
}

const STOPPED: &str = "the build was stopped: it took longer than it may";

/// Builds end where the caller's time is over: between two files, where nothing else is tried, and before the first.
#[test]
fn builds_are_stopped_between_two_files() {
    let kustomization = "resources: [https://example.com/a.yaml, r.yaml]\n";
    let tree = tree(&[("app/kustomization.yaml", kustomization), ("app/r.yaml", CONFIG_MAP)]);
    let late = Late(Stop::default());
    let options = Options { stop: Some(&late.0), remote: Some(&late), ..Options::default() };
    let error = build(&options, &tree, "app").expect_err("a refusal").to_string();
    let at = "accumulating resources: accumulating resources from 'r.yaml'";
    assert_eq!(error, format!("{at}: {STOPPED}"));
    let error = build(&options, &tree, "app").expect_err("a refusal").to_string();
    assert_eq!(error, STOPPED);
}

/// And in the middle of a long step.
#[test]
fn builds_without_an_end_are_stopped() {
    let mut objects = String::new();
    for at in 0..3000 {
        let _ = write!(objects, "---\n{}", CONFIG_MAP.replace("cm", &format!("c{at}")));
    }
    let one = "- source: {kind: ConfigMap, name: c0}\n  targets:\n  - select: {kind: ConfigMap}\n    fieldPaths: [data.x]\n    options: {create: true}\n";
    let many = format!("resources: [r.yaml]\nreplacements:\n{}", one.repeat(3000));
    let tree = tree(&[("app/kustomization.yaml", &many), ("app/r.yaml", &objects)]);
    let stop = Stop::default();
    let options = Options { stop: Some(&stop), ..Options::default() };
    let error = std::thread::scope(|scope| {
        let built = scope.spawn(|| build(&options, &tree, "app"));
        std::thread::sleep(Duration::from_millis(300));
        stop.stop();
        built.join().expect("no panic").expect_err("a refusal").to_string()
    });
    assert!(error.ends_with(STOPPED), "{error}");
}
