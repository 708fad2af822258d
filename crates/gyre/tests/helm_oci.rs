//! `gyre helm` with a registry: Debian's `docker-registry`, where it is installed.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A port that nobody listens on.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

struct Registry {
    process: Child,
    host: String,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn registry(root: &Path, password_file: Option<&Path>) -> Registry {
    let host = format!("127.0.0.1:{}", free_port());
    let auth = password_file.map_or_else(String::new, |file| {
        format!("auth: {{htpasswd: {{realm: here, path: {}}}}}\n", file.display())
    });
    let config = root.join(format!("{}.yml", password_file.is_some()));
    let data = root.join(format!("data-{}", password_file.is_some()));
    let text = format!(
        "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"{host}\"}}\n{auth}",
        data.display()
    );
    fs::write(&config, text).expect("a file");
    let mut command = Command::new("docker-registry");
    command.arg("serve").arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
    let process = command.spawn().expect("the registry starts");
    let begin = Instant::now();
    while std::net::TcpStream::connect(&host).is_err() {
        assert!(begin.elapsed() < Duration::from_secs(60), "the registry does not answer");
        std::thread::sleep(Duration::from_millis(20));
    }
    Registry { process, host }
}

fn helm(home: &Path, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gyre"));
    command.arg("helm").args(line.split(' ')).current_dir(home).env_clear();
    for name in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "HOME"] {
        command.env(name, home.join(name));
    }
    command.output().expect("the program runs")
}

fn succeeds(home: &Path, line: &str) -> String {
    let output = helm(home, line);
    let text = String::from_utf8([output.stdout, output.stderr].concat()).expect("text");
    assert!(output.status.success(), "{line}: {text}");
    text
}

fn fails(home: &Path, line: &str) -> String {
    let output = helm(home, line);
    assert!(!output.status.success(), "{line}");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn charts_are_pushed_to_and_pulled_from_a_registry() {
    if !gyre_testkit::bench::installed("docker-registry") {
        eprintln!("skipped: docker-registry is not installed");
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let home = directory.path();
    let open = registry(home, None);
    let place = format!("oci://{}/charts", open.host);
    succeeds(home, "create web");
    for version in ["1.0.0", "1.1.0", "2.0.0-rc.1", "1.1.0+build"] {
        succeeds(home, &format!("package web --version {version}"));
        let told = succeeds(home, &format!("push web-{version}.tgz {place} --plain-http"));
        assert!(told.starts_with(&format!(
            "Pushed: {}/charts/web:{}\n",
            open.host,
            version.replace('+', "_")
        )));
    }
    succeeds(home, &format!("pull {place}/web --plain-http --version ~1.0"));
    let pulled = succeeds(home, &format!("pull {place}/web --plain-http -d ."));
    assert!(pulled.contains("\nDigest: sha256:"), "{pulled}");
    let manifest = succeeds(home, &format!("template one {place}/web --version 1.0.0 --plain-http"));
    assert!(manifest.contains("helm.sh/chart: web-1.0.0\n"));
    let why = fails(home, &format!("pull {place}/web:1.0.0 --version 1.1.0 --plain-http"));
    assert_eq!(why, "Error: chart reference and version mismatch: 1.1.0 is not 1.0.0\n");
    let why = fails(home, &format!("pull {place}/web --version >9 --plain-http"));
    assert_eq!(why, "Error: Could not locate a version matching provided version string >9\n");

    let made = home.join("made");
    fs::create_dir_all(made.join("templates")).expect("a directory");
    fs::write(made.join("Chart.yaml"), "apiVersion: v2\nname: made\nversion: 1.0.0\n").expect("a file");
    fs::write(made.join("templates/a.yaml"), "line: {{ htpasswd \"u\" \"secret\" }}\n").expect("a file");
    let rendered = succeeds(home, "template one made");
    let (_, line) = rendered.split_once("line: ").expect("a line");
    fs::write(home.join("passwords"), line).expect("a file");
    let closed = registry(home, Some(&home.join("passwords")));
    let place = format!("oci://{}/charts", closed.host);
    let push = format!("push web-1.0.0.tgz {place} --plain-http");
    assert!(fails(home, &push).ends_with(": basic credential not found\n"));
    assert!(
        fails(home, &format!("registry login {} -u u -p wrong --plain-http", closed.host)).contains("401")
    );
    let told = succeeds(home, &format!("registry login {} -u u -p secret --plain-http", closed.host));
    assert!(told.ends_with("Login Succeeded\n"), "{told}");
    succeeds(home, &push);
    assert!(succeeds(home, &format!("show chart {place}/web --plain-http")).contains("\nname: web\n"));
    succeeds(home, &format!("registry logout {}", closed.host));
    assert!(fails(home, &push).ends_with(": basic credential not found\n"));
}
