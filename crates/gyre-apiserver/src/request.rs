//! What a request asks for: its path, query and headers, read the way the Kubernetes API reads them.

use std::net::IpAddr;

use bytes::Bytes;
use http::uri::Authority;
use http::{HeaderMap, Method, header};

use crate::failure::{Failure, Result};

/// Query parameters in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    raw: String,
}

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|it| !it.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (unescape(key, true), unescape(value, true))
        });
        Self { pairs: pairs.collect(), raw: text.to_owned() }
    }

    /// As it was sent.
    pub(crate) fn raw(&self) -> &str {
        &self.raw
    }

    /// The first value of a parameter.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The first value, empty where it is missing.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.get(key).unwrap_or_default()
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// A flag, read as Kubernetes reads it: anything but `false` and `0` is true.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| !value.eq_ignore_ascii_case("false") && value != "0")
    }
}

/// Decodes percent signs; `+` is a space in queries.
pub(crate) fn unescape(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    if !bytes.iter().any(|it| matches!(it, b'%' | b'+')) {
        return text.to_owned();
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |at: usize| bytes.get(at).and_then(|it| (*it as char).to_digit(16));
        match bytes[at] {
            b'%' => {
                if let (Some(high), Some(low)) = (hex(at + 1), hex(at + 2)) {
                    out.push((high * 16 + low) as u8);
                    at += 3;
                    continue;
                }
                out.push(b'%');
            }
            b'+' if plus => out.push(b' '),
            byte => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A request with its body.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Where it was sent to, as HTTP/2 says it.
    pub(crate) authority: Option<Authority>,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Where it came from over the network.
    pub(crate) peer: Option<IpAddr>,
}

impl Request {
    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default()
    }

    /// The host and port that it was sent to.
    pub(crate) fn host(&self) -> &str {
        self.authority.as_ref().map_or_else(|| self.header(header::HOST), Authority::as_str)
    }

    pub(crate) fn content_type(&self) -> &str {
        self.header(header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim()
    }

    /// The field manager of the write: what it says, or the first word of the client's name.
    pub(crate) fn manager(&self) -> String {
        let agent = self.header(header::USER_AGENT).split('/').next().unwrap_or_default();
        match self.query.text("fieldManager") {
            "" if agent.is_empty() => "unknown".to_owned(),
            "" => agent.chars().take(128).collect(),
            manager => manager.to_owned(),
        }
    }

    pub(crate) fn is_dry(&self) -> bool {
        self.query.text("dryRun") == "All"
    }
}

/// What a path names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) ns: String,
    pub(crate) plural: String,
    pub(crate) name: String,
    pub(crate) subresource: String,
    /// What follows the subresource, for proxies.
    pub(crate) rest: Vec<String>,
    /// Whether the path was scoped to a namespace.
    pub(crate) scoped: bool,
}

impl Target {
    /// Reads the path of a resource; `None` where it is another path.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let mut parts: Vec<String> =
            path.strip_prefix('/')?.split('/').map(|part| unescape(part, false)).collect();
        if parts.last().is_some_and(String::is_empty) {
            parts.pop();
        }
        let (group, version, rest) = match parts.first().map(String::as_str)? {
            "api" if parts.len() >= 3 => (String::new(), parts[1].clone(), &parts[2..]),
            "apis" if parts.len() >= 4 => (parts[1].clone(), parts[2].clone(), &parts[3..]),
            _ => return None,
        };
        let mut it = Self { group, version, ..Self::default() };
        let inside = rest.len() > 2 && !matches!(rest[2].as_str(), "status" | "finalize");
        let rest = if rest[0] == "namespaces" && inside {
            it.ns.clone_from(&rest[1]);
            it.scoped = true;
            &rest[2..]
        } else {
            rest
        };
        let mut rest = rest.iter().cloned();
        it.plural = rest.next().unwrap_or_default();
        it.name = rest.next().unwrap_or_default();
        it.subresource = rest.next().unwrap_or_default();
        it.rest = rest.collect();
        if it.plural == "namespaces" && it.group.is_empty() && !it.scoped {
            it.ns.clone_from(&it.name);
        }
        Some(it)
    }
}

/// How an answer is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Plain,
    Table(String),
    Partial,
}

/// The media type of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    Json,
    Yaml,
}

/// What the client accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accept {
    pub(crate) shape: Shape,
    pub(crate) media: Media,
    pub(crate) pretty: bool,
}

const ACCEPTED: [&str; 3] = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];

impl Accept {
    /// Reads the Accept header. Protobuf is answered as JSON, which every client that asks for it also reads.
    pub(crate) fn of(request: &Request, target: Option<&Target>) -> Result<Self> {
        let header = request.header(header::ACCEPT);
        // A watch of a collection is of single objects.
        let named = target.is_none_or(|it| !it.name.is_empty());
        let list = !named && !request.query.flag("watch") && request.method != Method::POST;
        let mut it = Self { shape: Shape::Plain, media: Media::Json, pretty: wants_pretty(request) };
        if matches!(header.trim(), "" | "*/*" | "application/json") {
            return Ok(it);
        }
        let mut known = false;
        for (media, params) in weighed(header) {
            let param =
                |key: &str| params.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
            it.media = match media.as_str() {
                "application/json" | "application/*" | "*/*" => Media::Json,
                "application/vnd.kubernetes.protobuf" => Media::Json,
                "application/yaml" => Media::Yaml,
                _ => continue,
            };
            known = true;
            match (param("as"), param("g"), param("v")) {
                (None, _, _) => it.shape = Shape::Plain,
                (Some("Table"), Some("meta.k8s.io"), Some(version @ ("v1" | "v1beta1"))) => {
                    it.shape = Shape::Table(version.into());
                }
                (Some("PartialObjectMetadata"), Some("meta.k8s.io"), Some("v1")) if !list => {
                    it.shape = Shape::Partial;
                }
                (Some("PartialObjectMetadataList"), Some("meta.k8s.io"), Some("v1")) if list => {
                    it.shape = Shape::Partial;
                }
                _ => continue,
            }
            return Ok(it);
        }
        let mut failure = Failure::not_acceptable(&ACCEPTED);
        if list && wants_single(header) {
            // Resources say which list it was; see `Api::route`.
            failure.headers.push(("x-gyre-single", String::new()));
        }
        if !known {
            // Resources answer media types that nobody serves in words of their own.
            failure.headers.push(("x-gyre-unknown-media", String::new()));
        }
        Err(failure)
    }
}

/// The refusal of a request for a custom resource in protobuf alone, which these never have.
pub(crate) fn check_custom(request: &Request) -> Result<()> {
    let medias = weighed(request.header(header::ACCEPT));
    let binary = |media: &str| media == "application/vnd.kubernetes.protobuf";
    if !medias.is_empty() && medias.iter().all(|(media, _)| binary(media)) {
        return Err(Failure::not_acceptable(&ACCEPTED[..2]));
    }
    Ok(())
}

/// Whether the first representation asked for is the metadata of one object.
fn wants_single(header: &str) -> bool {
    weighed(header).first().is_some_and(|(media, params)| {
        let param = |key: &str| params.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
        media.starts_with("application/")
            && param("as") == Some("PartialObjectMetadata")
            && param("g") == Some("meta.k8s.io")
            && param("v") == Some("v1")
    })
}

fn wants_pretty(request: &Request) -> bool {
    match request.query.get("pretty") {
        Some(value) => !matches!(value, "0" | "false"),
        None => {
            let agent = request.header(header::USER_AGENT);
            agent.starts_with("curl") || agent.starts_with("Wget") || agent.starts_with("Mozilla/5.0")
        }
    }
}

type Clause = (String, Vec<(String, String)>);

/// The clauses of an Accept header, the most wanted first.
pub(crate) fn weighed(header: &str) -> Vec<Clause> {
    let mut clauses: Vec<(f64, Clause)> = Vec::new();
    for clause in header.split(',') {
        let mut parts = clause.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let params: Vec<(String, String)> = parts
            .filter_map(|part| part.split_once('='))
            .map(|(key, value)| (key.trim().to_owned(), value.trim().trim_matches('"').to_owned()))
            .collect();
        let weight = params
            .iter()
            .find(|(key, _)| key == "q")
            .and_then(|(_, value)| value.parse().ok())
            .unwrap_or(1.0);
        clauses.push((weight, (media, params)));
    }
    clauses.sort_by(|a, b| b.0.total_cmp(&a.0));
    clauses.into_iter().map(|(_, clause)| clause).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_name_what_they_should() {
        let of = |path: &str| Target::parse(path).unwrap();
        let pod = of("/api/v1/namespaces/a/pods/b/log");
        assert_eq!(
            (pod.ns.as_str(), pod.plural.as_str(), pod.name.as_str(), pod.subresource.as_str()),
            ("a", "pods", "b", "log")
        );
        let ns = of("/api/v1/namespaces/a/finalize");
        assert_eq!(
            (ns.plural.as_str(), ns.name.as_str(), ns.subresource.as_str()),
            ("namespaces", "a", "finalize")
        );
        let role = of("/apis/rbac.authorization.k8s.io/v1/namespaces/a/roles");
        assert_eq!(
            (role.group.as_str(), role.ns.as_str(), role.plural.as_str()),
            ("rbac.authorization.k8s.io", "a", "roles")
        );
        assert_eq!(Target::parse("/apis/apps/v1"), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,60}") {
            let _ = Target::parse(&text);
            let _ = Query::parse(&text);
            let _ = weighed(&text);
        }
    }
}
