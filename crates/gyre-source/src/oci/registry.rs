//! Requests to one registry.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::{Mutex, PoisonError};

use gyre_model::Digest;
use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, LINK, LOCATION, WWW_AUTHENTICATE};
use reqwest::{Method, StatusCode, Url};
use serde_json::Value;

use super::challenge::{self, Challenge};
use super::{Credential, Reference};
use crate::helm::{Access, client};
use crate::limits::{OCI_BLOB_BYTES_MAX, OCI_MANIFEST_BYTES_MAX, OCI_TAG_PAGES_MAX, REFUSAL_BYTES_MAX};

const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Why a registry did not do what it was asked for.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{text}")]
pub struct OciError {
    text: String,
    /// The HTTP status; 0 where there was no answer.
    pub status: u16,
}

impl OciError {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), status: 0 }
    }
}

/// A blob: its kind, digest and size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// Its kind.
    pub media_type: String,
    /// `sha256:...`
    pub digest: String,
    /// Its bytes.
    pub size: u64,
}

impl Descriptor {
    /// What describes some bytes.
    pub fn of(media_type: &str, content: &[u8]) -> Self {
        Self {
            media_type: media_type.into(),
            digest: format!("sha256:{}", Digest::of(content).hex()),
            size: content.len() as u64,
        }
    }

    fn read(value: &Value) -> Option<Self> {
        let text = |key: &str| Some(value.get(key)?.as_str()?.to_owned());
        Some(Self {
            media_type: text("mediaType")?,
            digest: text("digest")?,
            size: value.get("size")?.as_u64()?,
        })
    }
}

/// What an artifact consists of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifest {
    /// What it is.
    pub config: Descriptor,
    /// What it holds.
    pub layers: Vec<Descriptor>,
    /// What is said of it.
    pub annotations: Vec<(String, String)>,
}

impl Manifest {
    /// As it is stored: the keys in the order of the specification's own tools.
    pub fn text(&self) -> String {
        let one = |descriptor: &Descriptor| {
            let media_type = Value::from(&*descriptor.media_type);
            format!(
                "{{\"mediaType\":{media_type},\"digest\":\"{}\",\"size\":{}}}",
                descriptor.digest, descriptor.size
            )
        };
        let layers: Vec<String> = self.layers.iter().map(one).collect();
        let annotations: serde_json::Map<String, Value> =
            self.annotations.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect();
        format!(
            "{{\"schemaVersion\":2,\"config\":{},\"layers\":[{}],\"annotations\":{}}}",
            one(&self.config),
            layers.join(","),
            Value::Object(annotations)
        )
    }

    fn read(content: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(content).ok()?;
        let annotations = value.get("annotations").and_then(Value::as_object);
        let annotations = annotations.into_iter().flatten();
        Some(Self {
            config: Descriptor::read(value.get("config")?)?,
            layers: value.get("layers")?.as_array()?.iter().map(Descriptor::read).collect::<Option<_>>()?,
            annotations: annotations
                .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
                .collect(),
        })
    }
}

/// One registry.
#[derive(Debug)]
pub struct Registry {
    host: String,
    scheme: &'static str,
    client: Client,
    credential: Option<Credential>,
    /// Tokens by what they are for.
    tokens: Mutex<HashMap<String, String>>,
}

impl Registry {
    /// A registry by its host, which is talked to without encryption where `plain_http` says so.
    pub fn new(
        host: &str,
        access: &Access,
        credential: Option<Credential>,
        plain_http: bool,
    ) -> Result<Self, OciError> {
        let own = Credential {
            username: access.username.clone(),
            password: access.password.clone(),
            ..Credential::default()
        };
        let is_given = !own.username.is_empty() || !own.password.is_empty();
        Ok(Self {
            // What people call docker.io answers elsewhere.
            host: if host == "docker.io" { "registry-1.docker.io".into() } else { host.into() },
            scheme: if plain_http { "http" } else { "https" },
            client: client(access).map_err(|why| OciError::new(why.0))?,
            credential: if is_given { Some(own) } else { credential },
            tokens: Mutex::default(),
        })
    }

    fn url(&self, path: &str) -> Result<Url, OciError> {
        let url = format!("{}://{}/v2/{path}", self.scheme, self.host);
        Url::parse(&url).map_err(|why| OciError::new(format!("{url}: {why}")))
    }

    /// Is this registry there, and does it let us in?
    pub fn ping(&self) -> Result<(), OciError> {
        self.ask(Method::GET, self.url("")?, "", |request| request).map(|_| ())
    }

    /// All tags of a repository.
    pub fn tags(&self, repository: &str) -> Result<Vec<String>, OciError> {
        let mut tags = Vec::new();
        let mut url = self.url(&format!("{repository}/tags/list"))?;
        let scope = format!("repository:{repository}:pull");
        for _ in 0..OCI_TAG_PAGES_MAX {
            let answer = self.ask(Method::GET, url.clone(), &scope, |request| request)?;
            let next = next_page(answer.headers());
            let body: Value = serde_json::from_slice(&content(answer, OCI_MANIFEST_BYTES_MAX)?)
                .map_err(|why| OciError::new(format!("{url}: {why}")))?;
            let page = body.get("tags").and_then(Value::as_array).into_iter().flatten();
            tags.extend(page.filter_map(|tag| tag.as_str().map(ToOwned::to_owned)));
            match next.and_then(|next| url.join(&next).ok()) {
                Some(next) => url = next,
                None => return Ok(tags),
            }
        }
        Err(OciError::new(format!("{url}: more than {OCI_TAG_PAGES_MAX} pages of tags")))
    }

    /// The digest and the content of a manifest.
    pub fn manifest(&self, reference: &Reference) -> Result<(String, Manifest), OciError> {
        let url = self.url(&format!("{}/manifests/{}", reference.repository, reference.object()))?;
        let scope = format!("repository:{}:pull", reference.repository);
        let answer = self.ask(Method::GET, url, &scope, |request| request.header(ACCEPT, MANIFESTS));
        let answer = answer.map_err(|why| match why.status {
            404 => OciError { text: format!("{reference}: not found"), ..why },
            _ => why,
        })?;
        let body = content(answer, OCI_MANIFEST_BYTES_MAX)?;
        let digest = format!("sha256:{}", Digest::of(&body).hex());
        if !reference.digest.is_empty() && reference.digest != digest {
            return Err(OciError::new(format!("{reference}: the content has the digest {digest}")));
        }
        let manifest = Manifest::read(&body);
        let manifest =
            manifest.ok_or_else(|| OciError::new(format!("{reference}: no manifest of an artifact")))?;
        Ok((digest, manifest))
    }

    /// A blob, checked against its digest.
    pub fn blob(&self, repository: &str, blob: &Descriptor) -> Result<Vec<u8>, OciError> {
        if blob.size > OCI_BLOB_BYTES_MAX {
            return Err(OciError::new(format!("{}: more than {OCI_BLOB_BYTES_MAX} bytes", blob.digest)));
        }
        let url = self.url(&format!("{repository}/blobs/{}", blob.digest))?;
        let scope = format!("repository:{repository}:pull");
        let body = content(self.ask(Method::GET, url, &scope, |request| request)?, blob.size)?;
        if Descriptor::of(&blob.media_type, &body) != *blob {
            return Err(OciError::new(format!("{}: the content is not what was described", blob.digest)));
        }
        Ok(body)
    }

    /// Puts a blob there, if it is not there yet.
    pub fn push_blob(&self, repository: &str, body: &[u8]) -> Result<(), OciError> {
        let digest = Descriptor::of("", body).digest;
        let scope = format!("repository:{repository}:pull,push");
        let place = self.url(&format!("{repository}/blobs/{digest}"))?;
        match self.ask(Method::HEAD, place, &scope, |request| request) {
            Ok(_) => return Ok(()),
            Err(why) if why.status != 404 => return Err(why),
            Err(_) => {}
        }
        let begin = self.url(&format!("{repository}/blobs/uploads/"))?;
        let answer = self.ask(Method::POST, begin.clone(), &scope, |request| request)?;
        let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let location = location.ok_or_else(|| OciError::new(format!("{begin}: no place for an upload")))?;
        let mut place = begin.join(location).map_err(|why| OciError::new(format!("{location}: {why}")))?;
        if place.host_str() != begin.host_str() && self.scheme == "https" && place.scheme() != "https" {
            return Err(OciError::new(format!("{place}: uploads without encryption are refused")));
        }
        place.query_pairs_mut().append_pair("digest", &digest);
        let body = body.to_vec();
        self.ask(Method::PUT, place, &scope, |request| {
            request.header(CONTENT_TYPE, "application/octet-stream").body(body.clone())
        })
        .map(|_| ())
    }

    /// Puts a manifest there; its digest.
    pub fn push_manifest(&self, reference: &Reference, manifest: &Manifest) -> Result<String, OciError> {
        let url = self.url(&format!("{}/manifests/{}", reference.repository, reference.object()))?;
        let scope = format!("repository:{}:pull,push", reference.repository);
        let body = manifest.text();
        let digest = Descriptor::of(MANIFEST, body.as_bytes()).digest;
        self.ask(Method::PUT, url, &scope, |request| {
            request.header(CONTENT_TYPE, MANIFEST).body(body.clone())
        })?;
        Ok(digest)
    }

    /// Asks, once more with what the registry demands; an answer that is no success is an error.
    fn ask(
        &self,
        method: Method,
        url: Url,
        scope: &str,
        with: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Response, OciError> {
        let send = |authorization: Option<String>| {
            let mut request = with(self.client.request(method.clone(), url.clone()));
            // Credentials are for the registry, not for where it keeps its blobs.
            if let Some(authorization) = authorization.filter(|_| self.is_own(&url)) {
                request = request.header(AUTHORIZATION, authorization);
            }
            request
                .send()
                .map_err(|why| OciError::new(format!("{method} {url}: {}", crate::helm::reason(&why, &url))))
        };
        let known = self.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(scope).cloned();
        let mut answer = send(known)?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            let mut demands = answer.headers().get_all(WWW_AUTHENTICATE).iter();
            let demand = demands.find_map(|value| challenge::parse(value.to_str().ok()?));
            let authorization = demand.map(|demand| self.authorize(demand, scope)).transpose();
            let authorization = authorization
                .map_err(|why| OciError { text: format!("{method} \"{url}\": {why}"), ..why })?;
            if let Some(authorization) = authorization.flatten() {
                let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
                tokens.insert(scope.into(), authorization.clone());
                drop(tokens);
                answer = send(Some(authorization))?;
            }
        }
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(refusal(&method, &url, answer))
    }

    fn is_own(&self, url: &Url) -> bool {
        self.url("").is_ok_and(|own| {
            (own.host_str(), own.port_or_known_default()) == (url.host_str(), url.port_or_known_default())
        })
    }

    /// What the registry wants to see; `None` where we have nothing to show.
    fn authorize(&self, demand: Challenge, scope: &str) -> Result<Option<String>, OciError> {
        let basic = self.credential.as_ref().filter(|one| !one.username.is_empty());
        match demand {
            Challenge::Basic => {
                let Some(one) = basic else { return Err(OciError::new("basic credential not found")) };
                let pair = format!("{}:{}", one.username, one.password);
                Ok(Some(format!("Basic {}", gyre_go::base64::STANDARD.encode(pair.as_bytes()))))
            }
            Challenge::Bearer { realm, service, scope: wanted } => {
                let scope = if wanted.is_empty() { scope } else { &wanted };
                let mut url = Url::parse(&realm).map_err(|why| OciError::new(format!("{realm}: {why}")))?;
                if self.scheme == "https" && url.scheme() != "https" {
                    return Err(OciError::new(format!("{realm}: tokens without encryption are refused")));
                }
                let refresh = self.credential.as_ref().filter(|one| {
                    !one.refresh_token.is_empty() || one.username.is_empty() && !one.password.is_empty()
                });
                let request = match refresh {
                    Some(one) => {
                        let token =
                            if one.refresh_token.is_empty() { &one.password } else { &one.refresh_token };
                        let form = form(&[
                            ("grant_type", "refresh_token"),
                            ("service", &service),
                            ("client_id", "gyre"),
                            ("scope", scope),
                            ("refresh_token", token),
                        ]);
                        self.client
                            .post(url.clone())
                            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                            .body(form)
                    }
                    None => {
                        for (key, value) in [("service", &*service), ("scope", scope)] {
                            if !value.is_empty() {
                                url.query_pairs_mut().append_pair(key, value);
                            }
                        }
                        let request = self.client.get(url.clone());
                        match basic {
                            Some(one) => request.basic_auth(&one.username, Some(&one.password)),
                            None => request,
                        }
                    }
                };
                let answer = request.send().map_err(|why| unanswered(&why, &url))?;
                if !answer.status().is_success() {
                    return Err(refusal(&Method::GET, &url, answer));
                }
                let body: Value = serde_json::from_slice(&content(answer, OCI_MANIFEST_BYTES_MAX)?)
                    .map_err(|why| OciError::new(format!("{url}: {why}")))?;
                let token = ["token", "access_token"]
                    .iter()
                    .find_map(|key| body.get(*key)?.as_str().filter(|token| !token.is_empty()));
                Ok(token.map(|token| format!("Bearer {token}")))
            }
        }
    }
}

/// A form as it is sent.
fn form(pairs: &[(&str, &str)]) -> String {
    let Ok(mut url) = Url::parse("http://form") else { return String::new() };
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

/// The place of the next page: `<...>; rel="next"`.
fn next_page(headers: &HeaderMap) -> Option<String> {
    let link = headers.get(LINK)?.to_str().ok()?;
    let (place, rest) = link.trim().strip_prefix('<')?.split_once('>')?;
    rest.contains("rel=\"next\"").then(|| place.to_owned())
}

fn content(answer: Response, bytes_max: u64) -> Result<Vec<u8>, OciError> {
    let mut body = Vec::new();
    let url = answer.url().clone();
    let read = answer.take(bytes_max + 1).read_to_end(&mut body);
    read.map_err(|why| OciError::new(format!("{url}: {why}")))?;
    if body.len() as u64 > bytes_max {
        return Err(OciError::new(format!("{url}: more than {bytes_max} bytes")));
    }
    Ok(body)
}

fn unanswered(why: &reqwest::Error, url: &Url) -> OciError {
    OciError::new(format!("Get \"{url}\": {}", crate::helm::reason(why, url)))
}

/// What a registry says besides, as Go shows it.
fn detail(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".into(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(detail).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let pairs = fields.iter().map(|(key, value)| format!("{key}:{}", detail(value)));
            format!("map[{}]", pairs.collect::<Vec<_>>().join(" "))
        }
        other => other.to_string(),
    }
}

fn refusal(method: &Method, url: &Url, answer: Response) -> OciError {
    let status = answer.status();
    let body = content(answer, REFUSAL_BYTES_MAX).unwrap_or_default();
    let errors: Value = serde_json::from_slice(&body).unwrap_or_default();
    let errors = errors.get("errors").and_then(Value::as_array).into_iter().flatten();
    let told: Vec<String> = errors
        .map(|one| {
            let text = |key: &str| one.get(key).and_then(Value::as_str).unwrap_or_default();
            let code = text("code").to_lowercase().replace('_', " ");
            if text("message").is_empty() {
                return code;
            }
            let more = one.get("detail").filter(|more| !more.is_null());
            let more = more.map_or_else(String::new, |more| format!(": {}", detail(more)));
            format!("{code}: {}{more}", text("message"))
        })
        .collect();
    let told = if told.is_empty() {
        status.canonical_reason().unwrap_or_default().to_owned()
    } else {
        told.join("; ")
    };
    let text = format!("{method} \"{url}\": response status code {}: {told}", status.as_u16());
    OciError { text, status: status.as_u16() }
}
