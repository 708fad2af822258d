//! Git over HTTPS against real git behind a TLS server with a certificate of its own.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use gyre_model::Secret;
use gyre_source::{Auth, GitError, Limits, Remote, Sources, Want};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// `user:s3cret`, as Basic says it.
const BASIC: &str = "Basic dXNlcjpzM2NyZXQ=";
const BEARER: &str = "Bearer t0ken";

struct Server {
    dir: tempfile::TempDir,
    port: u16,
    certificate: String,
}

fn git(dir: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com"];
    let output = Command::new("git").current_dir(dir).args(identity).args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Server {
    fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        let repository = dir.path().join("apps.git");
        fs::create_dir(&repository).unwrap();
        git(&repository, &["init", "-q", "-b", "main"]);
        fs::write(repository.join("a.yaml"), "kind: A\n").unwrap();
        git(&repository, &["add", "-A"]);
        git(&repository, &["commit", "-qm", "one"]);

        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder().with_no_client_auth();
        let config = Arc::new(config.with_single_cert(vec![made.cert.der().clone()], key).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let root = dir.path().to_owned();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, root) = (Arc::clone(&config), root.clone());
                // A client that does not trust the server hangs up; that is its good right.
                std::thread::spawn(move || answer(&config, stream, &root));
            }
        });
        Self { dir, port, certificate: made.cert.pem() }
    }

    fn remote(&self, auth: Auth) -> Remote {
        let mut remote = Remote::open(&format!("https://localhost:{}/apps.git", self.port));
        remote.auth = auth;
        remote.tls.ca = Some(self.certificate.clone().into_bytes());
        remote
    }
}

/// Answers one request by `git http-backend`, where it comes with credentials.
fn answer(config: &Arc<ServerConfig>, stream: TcpStream, root: &Path) -> std::io::Result<()> {
    let connection = ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    let header = |name: &str| {
        let mut lines = head.iter().filter_map(|line| line.split_once(':'));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    };
    let body = body(&mut stream, &header)?;
    let known = header("authorization").is_some_and(|given| given == BASIC || given == BEARER);
    let text = if known {
        backend(root, &head[0], &header, &body)
    } else {
        let challenge = "www-authenticate: Basic realm=\"x\"";
        format!("HTTP/1.1 401 Unauthorized\r\n{challenge}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .into()
    };
    stream.get_mut().write_all(&text)?;
    stream.get_mut().conn.send_close_notify();
    stream.get_mut().flush()
}

fn body(
    stream: &mut impl std::io::BufRead,
    header: &impl Fn(&str) -> Option<String>,
) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if header("transfer-encoding").is_some() {
        loop {
            let mut size = String::new();
            stream.read_line(&mut size)?;
            let size = u64::from_str_radix(size.trim(), 16).unwrap_or_default();
            stream.by_ref().take(size).read_to_end(&mut body)?;
            stream.read_line(&mut String::new())?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
    let size = header("content-length").and_then(|size| size.parse().ok()).unwrap_or_default();
    stream.by_ref().take(size).read_to_end(&mut body)?;
    Ok(body)
}

fn backend(root: &Path, line: &str, header: &impl Fn(&str) -> Option<String>, body: &[u8]) -> Vec<u8> {
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", header("content-type").unwrap_or_default())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding").unwrap_or_default())
        .env("GIT_PROTOCOL", header("git-protocol").unwrap_or_default())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(body).unwrap();
    let output = child.wait_with_output().unwrap().stdout;
    let end = output.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let mut answer = String::from("HTTP/1.1 200 OK\r\nconnection: close\r\n");
    write!(answer, "{}\r\n", String::from_utf8_lossy(&output[..end])).unwrap();
    write!(answer, "content-length: {}\r\n\r\n", output.len() - end - 4).unwrap();
    [answer.as_bytes(), &output[end + 4..]].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_read_with_a_password_or_a_token() {
    let server = Server::start();
    let cache = tempfile::tempdir().unwrap();
    let sources = Sources::new(cache.path(), Limits::default());
    let basic = Auth::Basic { user: "user".into(), password: Secret::new("s3cret") };
    for auth in [basic, Auth::Bearer(Secret::new("t0ken"))] {
        let remote = server.remote(auth);
        let revision = sources.resolve(&remote, &Want::Branch("main".into())).await.unwrap();
        let commit = sources.checkout(&remote, &revision).await.unwrap();
        assert_eq!(&**commit.tree.read("a.yaml").unwrap(), b"kind: A\n");
    }
    assert!(server.dir.path().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_servers_that_nobody_knows_are_refused() {
    let server = Server::start();
    let cache = tempfile::tempdir().unwrap();
    let sources = Sources::new(cache.path(), Limits::default());
    let want = Want::Branch("main".into());
    let wrong = Auth::Basic { user: "user".into(), password: Secret::new("wrong") };
    for auth in [Auth::None, wrong] {
        let refused = sources.resolve(&server.remote(auth), &want).await;
        assert!(matches!(refused, Err(GitError::Unauthorized(_))), "{refused:?}");
    }
    let mut unknown = server.remote(Auth::Bearer(Secret::new("t0ken")));
    unknown.tls.ca = None;
    let refused = sources.resolve(&unknown, &want).await;
    assert!(
        matches!(&refused, Err(GitError::Unreachable(why)) if why.contains("certificate")),
        "{refused:?}"
    );
    unknown.tls.insecure = true;
    sources.resolve(&unknown, &want).await.unwrap();
}
