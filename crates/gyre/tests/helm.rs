//! `gyre helm` as a user meets it: the real program, a real repository over HTTP.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory") }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gyre"));
        command.args(arguments).current_dir(self.path()).env_clear();
        for name in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "HOME"] {
            command.env(name, self.path().join(name));
        }
        command
    }

    fn run(&self, line: &str) -> Output {
        self.command(&["helm"]).args(line.split(' ')).output().expect("the program runs")
    }

    fn succeeds(&self, line: &str) -> String {
        let output = self.run(line);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{line}: {errors}");
        String::from_utf8(output.stdout).expect("text")
    }

    fn fails(&self, line: &str) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(1), "{line}");
        String::from_utf8(output.stderr).expect("text")
    }
}

#[test]
fn a_new_chart_is_sound() {
    let home = Home::new();
    assert_eq!(home.succeeds("create web"), "Creating web\n");
    let manifest = home.succeeds("template one web --namespace there --set replicaCount=3");
    for wanted in ["kind: Deployment", "  name: one-web\n", "  replicas: 3\n", "\"helm.sh/hook\": test"] {
        assert!(manifest.contains(wanted), "{wanted}: {manifest}");
    }
    assert_eq!(
        home.succeeds("template one web --output-dir= --namespace there --set replicaCount=3"),
        manifest
    );
    let only = home.succeeds("template one web -s templates/service.yaml");
    assert!(only.starts_with("---\n# Source: web/templates/service.yaml\napiVersion: v1\nkind: Service\n"));
    let all = "ingress.enabled=true,httpRoute.enabled=true,autoscaling.enabled=true";
    let all = home.succeeds(&format!("template one web --set {all}"));
    for wanted in ["kind: Ingress", "kind: HTTPRoute", "kind: HorizontalPodAutoscaler"] {
        assert!(all.contains(wanted), "{wanted}");
    }
    let lint = home.succeeds("lint web");
    assert_eq!(
        lint,
        "==> Linting web\n[INFO] Chart.yaml: icon is recommended\n\n1 chart(s) linted, 0 chart(s) failed\n"
    );
    assert!(home.succeeds("show chart web").contains("\nname: web\n"));
    home.succeeds("template one web --output-dir out");
    assert!(home.path().join("out/web/templates/deployment.yaml").exists());
}

#[test]
fn refusals_are_helms() {
    let home = Home::new();
    home.succeeds("create web");
    for (line, wanted) in [
        (
            "template",
            "Error: \"helm template\" requires at least 1 argument\n\nUsage:  helm template [NAME] [CHART] [flags]\n",
        ),
        ("template web --nonsense", "Error: unknown flag: --nonsense\n"),
        (
            "template web -s templates/none.yaml",
            "Error: could not find template templates/none.yaml in chart\n",
        ),
        ("template ./none", "Error: path \"./none\" not found\n"),
        (
            "template none",
            "Error: non-absolute URLs should be in form of repo_name/path_to_chart, got: none\n",
        ),
        (
            "template BAD web",
            "Error: release name \"BAD\": invalid release name, must match regex ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and the length must not be longer than 53\n",
        ),
        ("template web -f none.yaml", "Error: open none.yaml: no such file or directory\n"),
        ("package none", "Error: stat none: no such file or directory\n"),
        ("repo list", "Error: no repositories to show\n"),
        ("search repo x", "Error: no repositories configured\n"),
        ("repo update", "Error: no repositories found. You must add one before updating\n"),
    ] {
        assert_eq!(home.fails(line), wanted, "{line}");
    }
}

#[test]
fn a_chart_is_signed_and_verified_wherever_it_is_taken_in() {
    let home = Home::new();
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gyre-source/tests/pgp");
    let keys = keys.display();
    home.succeeds("create web");
    std::fs::create_dir(home.path().join("served")).unwrap();
    std::fs::write(home.path().join("passphrase"), "open sesame\n").unwrap();
    let signing = format!("--sign --key locked --keyring {keys}/locked.sec");
    let wrong = home.fails(&format!("package web -d served {signing} --passphrase-file web/Chart.yaml"));
    assert_eq!(wrong, "Error: openpgp: invalid data: private key checksum failure\n");
    home.succeeds(&format!("package web -d served {signing} --passphrase-file passphrase"));
    let said = home.succeeds(&format!("verify served/web-0.1.0.tgz --keyring {keys}/pub.gpg"));
    assert!(said.starts_with("Signed by: Rsa Locked (with words) <locked@example.com>\nUsing Key"), "{said}");
    let unknown = home.fails(&format!("verify served/web-0.1.0.tgz --keyring {keys}/ed.sec"));
    assert_eq!(unknown, "Error: openpgp: signature made by unknown entity\n");
    assert!(home.fails("verify served/web-0.1.0.tgz").starts_with("Error: failed to load keyring: open "));

    home.succeeds("package web -d served --version 0.2.0");
    home.succeeds("repo index served");
    let address = serve(home.path().join("served"));
    home.succeeds(&format!("repo add here {address}"));
    let keyring = format!("--verify --keyring {keys}/pub.gpg");
    assert_eq!(home.succeeds(&format!("pull here/web --version 0.1.0 {keyring}")), said);
    assert!(home.path().join("web-0.1.0.tgz.prov").exists());
    assert!(home.fails(&format!("pull here/web {keyring}")).contains("failed to fetch provenance"));
    assert!(home.succeeds("pull here/web --prov").starts_with("WARNING: Verification not found"));
    home.succeeds(&format!("template here/web --version 0.1.0 {keyring}"));
    assert!(home.fails(&format!("template web {keyring}")).contains("unpacked charts cannot be verified"));

    home.succeeds("create outer");
    let chart = home.path().join("outer/Chart.yaml");
    let mut text = std::fs::read_to_string(&chart).unwrap();
    text.push_str("dependencies:\n- {name: web, version: 0.1.x, repository: \"@here\"}\n");
    std::fs::write(&chart, text).unwrap();
    home.succeeds(&format!("dependency update outer {keyring}"));
    assert!(!home.path().join("outer/charts/web-0.1.0.tgz.prov").exists());
    let refused = home.fails(&format!("dependency build outer --verify --keyring {keys}/ed.sec"));
    assert!(refused.contains("signature made by unknown entity"), "{refused}");
}

/// Serves the files of a directory until the test ends.
fn serve(root: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let path = request.split(' ').nth(1).unwrap_or("/").trim_start_matches('/').to_owned();
            let (status, body) = match std::fs::read(root.join(path)) {
                Ok(body) => ("200 OK", body),
                Err(_) => ("404 Not Found", Vec::new()),
            };
            let head =
                format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    address
}

/// The texts are Helm 3.21's, with the place in its code that its log names.
#[test]
fn values_that_do_not_fit_are_warned_of() {
    let home = Home::new();
    home.succeeds("create web");
    let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text).unwrap();
    write("web/values.yaml", "table: {inner: {a: 1}}\nplain: text\nlist: [1]\nfullnameOverride: w\n");
    for name in ["deployment", "hpa", "httproute", "ingress", "service", "serviceaccount"] {
        let _ = std::fs::remove_file(home.path().join(format!("web/templates/{name}.yaml")));
    }
    let _ = std::fs::remove_dir_all(home.path().join("web/templates/tests"));
    let _ = std::fs::remove_file(home.path().join("web/templates/NOTES.txt"));
    write(
        "web/templates/cm.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: {{ .Values | toJson | quote }}}\n",
    );
    write("v.yaml", "table: {inner: flat}\nplain: {x: 1}\nlist: {y: 2}\n");
    let mut chart = std::fs::read_to_string(home.path().join("web/Chart.yaml")).unwrap();
    chart.push_str(
        "dependencies:\n- {name: sub, version: 1.0.0, condition: part, tags: [t], import-values: [x]}\n",
    );
    write("web/Chart.yaml", &chart);
    std::fs::create_dir_all(home.path().join("web/charts/sub")).unwrap();
    write("web/charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.0\n");
    let output = home.run("template web --set part=yes,tags.t=1");
    let told = String::from_utf8(output.stderr).unwrap();
    for wanted in [
        "dependencies.go:95: Warning: Tag 't' for chart sub returned non-bool value\n",
        "dependencies.go:64: Warning: Condition path 'part' for chart sub returned non-bool value\n",
        "dependencies.go:287: Warning: ImportValues missing table: \"exports\" is not a table\n",
    ] {
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
    write("web/Chart.yaml", chart.split("dependencies:").next().unwrap());
    std::fs::remove_dir_all(home.path().join("web/charts")).unwrap();
    let output = home.run("template web -f v.yaml");
    assert!(output.status.success());
    let mut told: Vec<String> = String::from_utf8(output.stderr).unwrap().lines().map(Into::into).collect();
    told.sort();
    let wanted = [
        "coalesce.go:237: warning: skipped value for web.list: Not a table.",
        "coalesce.go:237: warning: skipped value for web.plain: Not a table.",
        "coalesce.go:316: warning: cannot overwrite table with non table for web.table.inner (map[a:1])",
    ];
    assert_eq!(told, wanted);
}

#[test]
fn a_kustomization_takes_charts_from_a_repository() {
    let home = Home::new();
    home.succeeds("create web");
    std::fs::create_dir(home.path().join("served")).unwrap();
    home.succeeds("package web -d served");
    home.succeeds("package web -d served --version 0.2.0");
    home.succeeds("repo index served");
    std::fs::remove_dir_all(home.path().join("web")).unwrap();
    let address = serve(home.path().join("served"));
    let build = |chart: &str| {
        let text = format!("helmCharts:\n- {{name: web, repo: {address}, releaseName: r{chart}}}\n");
        std::fs::write(home.path().join("kustomization.yaml"), text).unwrap();
        home.command(&["build", "--enable-helm", "."]).output().expect("the program runs")
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let built = |chart: &str| {
        let output = build(chart);
        assert!(output.status.success(), "{chart}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    assert!(built("").contains("helm.sh/chart: web-0.2.0\n"));
    assert!(built(", version: 0.1.x").contains("helm.sh/chart: web-0.1.0\n"));
    let values = ", version: 0.1.0, valuesInline: {replicaCount: 7}";
    assert!(built(values).contains("helm.sh/chart: web-0.1.0\n"));
    // What is named exactly is fetched once. Nothing is left beside the kustomization.
    std::fs::remove_dir_all(home.path().join("served")).unwrap();
    assert!(built(values).contains("replicas: 7\n"));
    assert!(!home.path().join("charts").exists());
    let gone = build("");
    assert_eq!(gone.status.code(), Some(1));
    let wanted = format!(
        "chart 'web' cannot be fetched from '{address}': looks like \"{address}\" is not a valid chart repository"
    );
    assert!(text(&gone.stderr).contains(&wanted), "{}", text(&gone.stderr));
}

#[test]
fn a_repository_from_its_making_to_a_dependency() {
    let home = Home::new();
    home.succeeds("create web");
    std::fs::create_dir(home.path().join("served")).unwrap();
    home.succeeds("package web -d served");
    home.succeeds("package web -d served --version 0.2.0");
    home.succeeds("package web -d served --version 0.3.0-rc.1");
    home.succeeds("repo index served");
    let address = serve(home.path().join("served"));
    assert_eq!(
        home.succeeds(&format!("repo add here {address}")),
        "\"here\" has been added to your repositories\n"
    );
    assert!(home.succeeds("repo list").contains(&address));
    assert!(home.succeeds("repo update").ends_with("Update Complete. ⎈Happy Helming!⎈\n"));
    let found = home.succeeds("search repo web");
    assert!(found.contains("here/web\t0.2.0        \t1.16.0     \tA Helm chart for Kubernetes"), "{found}");
    assert_eq!(home.succeeds("search repo web -l --devel").lines().count(), 4);
    home.succeeds("pull here/web --version 0.1.x");
    assert!(home.path().join("web-0.1.0.tgz").exists());
    assert!(home.succeeds("template here/web --devel").contains("helm.sh/chart: web-0.3.0-rc.1"));
    home.succeeds(&format!("pull web --repo {address} --untar --untardir got"));
    let got = std::fs::read_to_string(home.path().join("got/web/Chart.yaml")).unwrap();
    assert!(got.contains("version: 0.2.0"), "{got}");

    home.succeeds("create outer");
    let chart = home.path().join("outer/Chart.yaml");
    let mut text = std::fs::read_to_string(&chart).unwrap();
    text.push_str("dependencies:\n- {name: web, version: 0.x.x, repository: \"@here\"}\n- {name: local, version: \"*\", repository: \"file://../local\"}\n");
    std::fs::write(&chart, text).unwrap();
    home.succeeds("create local");
    assert!(home.fails("template outer").contains("missing in charts/ directory: web, local"));
    assert!(home.succeeds("dependency list outer").contains("missing"));
    let updated = home.succeeds("dependency update outer");
    assert!(updated.contains("Saving 2 charts\nDownloading web from repo "), "{updated}");
    assert!(home.path().join("outer/charts/web-0.2.0.tgz").exists());
    assert!(home.path().join("outer/charts/local-0.1.0.tgz").exists());
    std::fs::remove_dir_all(home.path().join("outer/charts")).unwrap();
    home.succeeds("dependency build outer --skip-refresh");
    let rendered = home.succeeds("template outer");
    assert!(rendered.contains("# Source: outer/charts/web/templates/deployment.yaml"));
    home.succeeds("repo remove here");
    assert!(home.fails("repo list").contains("no repositories to show"));
}
