//! A registry that wants tokens: where they are asked for, who is told the password, what is checked.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use gyre_source::helm::Access;
use gyre_source::oci::{Descriptor, Manifest, Reference, Registry};

/// What was asked: the line of the request, and who asked.
type Asked = Arc<Mutex<Vec<(String, String)>>>;

#[derive(Clone, Default)]
struct Fake {
    blobs: Arc<Mutex<HashMap<String, Vec<u8>>>>,
    asked: Asked,
    host: String,
}

impl Fake {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let host = listener.local_addr().expect("an address").to_string();
        let fake = Self { host, ..Self::default() };
        let served = fake.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let one = served.clone();
                std::thread::spawn(move || one.serve(stream));
            }
        });
        fake
    }

    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream);
        let (mut line, mut length, mut who) = (String::new(), 0, String::new());
        let _ = reader.read_line(&mut line);
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header).unwrap_or(0) == 0 || header == "\r\n" {
                break;
            }
            let (name, value) = header.split_once(':').unwrap_or((&header, ""));
            match &*name.to_lowercase() {
                "content-length" => length = value.trim().parse().unwrap_or(0),
                "authorization" => value.trim().clone_into(&mut who),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        let _ = reader.read_exact(&mut body);
        let line = line.trim_end_matches(" HTTP/1.1\r\n").to_owned();
        self.asked.lock().expect("a lock").push((line.clone(), who.clone()));
        let (status, headers, content) = self.answer(&line, &who, body);
        let head = format!(
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
            content.len()
        );
        let mut stream = reader.into_inner();
        let _ = stream.write_all(head.as_bytes());
        if !line.starts_with("HEAD") {
            let _ = stream.write_all(&content);
        }
    }

    fn answer(&self, line: &str, who: &str, body: Vec<u8>) -> (&'static str, String, Vec<u8>) {
        let (method, path) = line.split_once(' ').unwrap_or((line, ""));
        let mut blobs = self.blobs.lock().expect("a lock");
        if path.starts_with("/token?") {
            // u:secret
            let is_known = who == "Basic dTpzZWNyZXQ=";
            let told = format!("{{\"token\":\"t-{}\"}}", path.contains("push"));
            return if is_known {
                ("200 OK", String::new(), told.into())
            } else {
                ("401 No", String::new(), Vec::new())
            };
        }
        if !who.starts_with("Bearer t-") || method != "GET" && method != "HEAD" && who != "Bearer t-true" {
            let realm = format!("http://{}/token", self.host);
            let demand = format!("WWW-Authenticate: Bearer realm=\"{realm}\",service=\"fake\"\r\n");
            return ("401 Unauthorized", demand, Vec::new());
        }
        match method {
            "POST" => ("202 Accepted", "Location: /upload/1?state=x\r\n".into(), Vec::new()),
            "PUT" => {
                let place = path
                    .split_once("digest=sha256%3A")
                    .map_or_else(|| path.to_owned(), |(_, hex)| format!("/v2/charts/web/blobs/sha256:{hex}"));
                blobs.insert(place, body);
                ("201 Created", String::new(), Vec::new())
            }
            _ if path == "/v2/charts/web/tags/list" => {
                let next = "Link: </v2/charts/web/tags/list?last=b>; rel=\"next\"\r\n";
                ("200 OK", next.into(), b"{\"tags\":[\"a\",\"b\"]}".to_vec())
            }
            _ if path.starts_with("/v2/charts/web/tags/list?last=b") => {
                ("200 OK", String::new(), b"{\"tags\":[\"c\"]}".to_vec())
            }
            _ => match blobs.get(path) {
                Some(content) => ("200 OK", String::new(), content.clone()),
                None => ("404 Not Found", String::new(), Vec::new()),
            },
        }
    }
}

fn registry(fake: &Fake, password: &str) -> Registry {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let access = Access { username: "u".into(), password: password.into(), ..Access::default() };
    Registry::new(&fake.host, &access, None, true).expect("a registry")
}

#[test]
fn an_artifact_is_pushed_and_pulled_with_tokens() {
    let fake = Fake::start();
    let registry = registry(&fake, "secret");
    assert_eq!(registry.tags("charts/web").expect("tags"), ["a", "b", "c"]);
    let reference = Reference::parse(&format!("{}/charts/web:1.0.0", fake.host)).expect("a reference");
    let (config, layer) = (b"{}".to_vec(), vec![7; 1000]);
    registry.push_blob("charts/web", &config).expect("the config is pushed");
    registry.push_blob("charts/web", &layer).expect("the layer is pushed");
    let manifest = Manifest {
        config: Descriptor::of("application/config", &config),
        layers: vec![Descriptor::of("application/layer", &layer)],
        annotations: vec![("key".into(), "a \"value\"".into())],
    };
    let digest = registry.push_manifest(&reference, &manifest).expect("the manifest is pushed");
    assert_eq!(registry.manifest(&reference).expect("the manifest"), (digest, manifest.clone()));
    assert_eq!(registry.blob("charts/web", &manifest.layers[0]).expect("the layer"), layer);
    let asked = fake.asked.lock().expect("a lock");
    let tokens = asked.iter().filter(|(line, _)| line.starts_with("GET /token")).count();
    assert_eq!(tokens, 2, "one token to pull and one to push: {asked:?}");
    assert!(asked.iter().all(|(line, who)| line.starts_with("GET /token") || !who.starts_with("Basic")));
}

#[test]
fn what_is_not_what_was_described_is_refused() {
    let fake = Fake::start();
    let registry = registry(&fake, "secret");
    let wanted = Descriptor::of("x", b"good");
    let place = format!("/v2/charts/web/blobs/{}", wanted.digest);
    for content in [&b"evil"[..], b"good and more", b"goo"] {
        fake.blobs.lock().expect("a lock").insert(place.clone(), content.to_vec());
        assert!(registry.blob("charts/web", &wanted).is_err(), "{content:?}");
    }
    let digest = wanted.digest.clone();
    let reference = Reference::parse(&format!("{}/charts/web@{digest}", fake.host)).expect("a reference");
    fake.blobs.lock().expect("a lock").insert(format!("/v2/charts/web/manifests/{digest}"), b"{}".to_vec());
    let why = registry.manifest(&reference).expect_err("another digest").to_string();
    assert!(why.contains("the content has the digest sha256:"), "{why}");
    let missing = Reference::parse(&format!("{}/charts/web:9", fake.host)).expect("a reference");
    assert_eq!(registry.manifest(&missing).expect_err("none").status, 404);
}

#[test]
fn a_wrong_password_is_told() {
    let fake = Fake::start();
    let why = registry(&fake, "wrong").ping().expect_err("nobody is let in").to_string();
    assert!(why.contains("response status code 401"), "{why}");
}
