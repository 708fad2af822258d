//! Bases of kustomizations that lie elsewhere, fetched from real git behind `git http-backend`.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use gyre_kustomize::{Options, build};
use gyre_model::FileTree;
use gyre_source::{Bases, Limits, Sources};

const CONFIG_MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cm\n";

fn git(dir: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(dir)
        .args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"])
        .args(["-c", "init.defaultBranch=main"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A server of the repositories in a directory, and of plain files below `/raw/`.
fn serve(root: PathBuf) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let root = root.clone();
            std::thread::spawn(move || answer(stream, &root));
        }
    });
    port
}

fn answer(mut stream: TcpStream, root: &Path) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap().to_owned(), words.next().unwrap_or("/").to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
    let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let answer = match path.strip_prefix("/raw/").map(|name| fs::read(root.join("raw").join(name))) {
        Some(Ok(content)) => [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".as_slice(), &content].concat(),
        Some(Err(_)) => b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n".to_vec(),
        None => {
            let mut child = Command::new("git")
                .arg("http-backend")
                .env("GIT_PROJECT_ROOT", root)
                .env("GIT_HTTP_EXPORT_ALL", "1")
                .env("REQUEST_METHOD", &method)
                .env("PATH_INFO", path)
                .env("QUERY_STRING", query)
                .env("CONTENT_TYPE", header("content-type"))
                .env("GIT_PROTOCOL", header("git-protocol"))
                .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(&body).unwrap();
            let output = child.wait_with_output().unwrap().stdout;
            let text = String::from_utf8_lossy(&output[..output.len().min(200)]).into_owned();
            let status = text.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
            [format!("HTTP/1.1 {status}\r\nConnection: close\r\n").as_bytes(), &output].concat()
        }
    };
    let _ = stream.write_all(&answer);
}

/// Two repositories, one a submodule of the other, and a raw file.
fn world() -> (tempfile::TempDir, u16) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let write = |path: &str, text: &str| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("raw/cm.yaml", CONFIG_MAP);
    write("org/inner/cm.yaml", &CONFIG_MAP.replace("cm", "inner"));
    write("org/inner/kustomization.yaml", "resources: [cm.yaml]\n");
    write("org/outer/app/kustomization.yaml", "resources: [cm.yaml]\nnameSuffix: -one\n");
    write("org/outer/app/cm.yaml", CONFIG_MAP);
    for name in ["inner", "outer"] {
        git(&root.join("org").join(name), &["init", "-q"]);
        git(&root.join("org").join(name), &["add", "."]);
        git(&root.join("org").join(name), &["commit", "-qm", "one"]);
    }
    let bare = |name: &str| {
        let (from, to) = (format!("org/{name}"), format!("org/{name}.git"));
        git(&root, &["clone", "-q", "--bare", &from, &to]);
    };
    bare("inner");
    let outer = root.join("org/outer");
    git(&outer, &["tag", "v1"]);
    git(&outer, &["remote", "add", "origin", &root.join("org/outer.git").to_string_lossy()]);
    git(&outer, &["submodule", "add", "-q", "../inner.git", "sub/inner"]);
    fs::write(outer.join("app/kustomization.yaml"), "resources: [cm.yaml]\nnameSuffix: -two\n").unwrap();
    fs::write(outer.join("kustomization.yaml"), "resources: [sub/inner]\n").unwrap();
    git(&outer, &["add", "."]);
    git(&outer, &["commit", "-qm", "two"]);
    bare("outer");
    let port = serve(root.clone());
    (dir, port)
}

fn render(port: u16, resource: &str) -> Result<String, String> {
    let cache = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let sources = Sources::new(cache.path(), Limits::default());
    let bases = Bases::new(sources, runtime.handle().clone(), false);
    let resource = resource.replace("HOST", &format!("http://127.0.0.1:{port}"));
    let tree =
        FileTree::from_files([("kustomization.yaml", format!("resources: ['{resource}']\n"))]).unwrap();
    let options = Options { shown_root: "/root", remote: Some(&bases), ..Options::default() };
    build(&options, &tree, ".").map(|rendered| rendered.to_yaml()).map_err(|error| error.to_string())
}

#[test]
fn bases_are_fetched_from_elsewhere() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (dir, port) = world();
    let named = |name: &str| CONFIG_MAP.replace("cm", name);
    assert_eq!(render(port, "HOST/raw/cm.yaml"), Ok(named("cm")));
    assert_eq!(render(port, "HOST/org/outer.git//app?ref=v1"), Ok(named("cm-one")));
    assert_eq!(render(port, "git::HOST/org/outer.git//app?ref=main&submodules=false"), Ok(named("cm-two")));
    let head = git(&dir.path().join("org/outer"), &["rev-parse", "HEAD"]);
    assert_eq!(render(port, &format!("HOST/org/outer.git/app?ref={head}&timeout=9s")), Ok(named("cm-two")));
    assert_eq!(render(port, "HOST/org/outer.git//"), Ok(named("inner")), "the submodule is there");
    for address in ["git@127.0.0.1:org/outer", "ssh://git@127.0.0.1/org/outer"] {
        let refused = render(port, &format!("{address}//app")).unwrap_err();
        assert!(
            refused.ends_with("bases are not read over ssh: name the repository's address with https"),
            "{refused}"
        );
    }
    let without = render(port, "HOST/org/outer.git//?submodules=false").unwrap_err();
    assert!(without.contains("sub/inner"), "{without}");
}

#[test]
fn what_cannot_be_fetched_is_told() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (_dir, port) = world();
    let missing = render(port, "HOST/none.yaml").unwrap_err();
    assert!(missing.contains("HTTP Error: status code 404 (Not Found)"), "{missing}");
    let branch = render(port, "HOST/org/outer.git//app?ref=none").unwrap_err();
    assert!(branch.contains("URL is a git repository"), "{branch}");
    assert!(branch.contains(&format!("git fetch --depth=1 http://127.0.0.1:{port}/org/outer.git none")));
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let refused = render(closed, "HOST/org/outer//app?ref=v1").unwrap_err();
    assert!(
        refused.contains(&format!("Get \"http://127.0.0.1:{closed}/org/outer//app?ref=v1\": ")),
        "{refused}"
    );
    let outside = render(port, "HOST/org/outer.git//../app").unwrap_err();
    assert!(!outside.contains("cm"), "{outside}");
}

#[test]
fn a_repository_that_names_itself_is_a_cycle() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (dir, port) = world();
    let outer = dir.path().join("org/outer");
    let address = format!("http://127.0.0.1:{port}/org/outer.git//loop");
    fs::create_dir(outer.join("loop")).unwrap();
    fs::write(outer.join("loop/kustomization.yaml"), format!("resources: ['{address}']\n")).unwrap();
    git(&outer, &["add", "."]);
    git(&outer, &["commit", "-qm", "three"]);
    git(&outer, &["push", "-q", "origin", "main"]);
    let error = render(port, &address).unwrap_err();
    assert!(
        error.contains(&format!("cycle detected: URI '{address}' referenced by previous URI")),
        "{error}"
    );
}
