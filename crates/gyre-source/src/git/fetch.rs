//! Talks Git with a remote repository. Blocking; the only file that sets up a transport.

use std::io::Read as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use gix::bstr::ByteSlice;
use gix::protocol::handshake::Ref;
use gix::protocol::transport::client::blocking_io::Transport;
use gix::protocol::transport::client::blocking_io::http;
use gix::protocol::transport::client::blocking_io::http::reqwest::Options as HttpOptions;
use gix::remote::Direction;
use gix::remote::fetch::Shallow;
use gix::remote::ref_map;
use reqwest::blocking::ClientBuilder;
use reqwest::header::{AUTHORIZATION, HeaderValue};

use super::pick::RemoteRef;
use super::progress::Meter;
use super::{Auth, GitError, Remote};
use crate::dial;
use crate::limits::REFUSAL_BYTES_MAX;

/// The references of a repository; empty where it has no commits.
pub(super) fn list_refs(repo: &gix::Repository, remote: &Remote) -> Result<Vec<RemoteRef>, GitError> {
    let begin = Instant::now();
    if let Some(path) = remote.url.strip_prefix("file://") {
        return local_refs(remote, path);
    }
    let specs = ["HEAD", "+refs/*:refs/remote/*"];
    let found = with_remote(repo, remote, &specs, |connection| {
        let options = ref_map::Options { prefix_from_spec_as_filter_on_remote: false, ..Default::default() };
        connection.ref_map(gix::progress::Discard, options)
    });
    match found {
        Ok((map, _)) => Ok(map.remote_refs.into_iter().map(remote_ref).collect()),
        Err(error) => Err(translate(error, remote, begin)),
    }
}

/// Fetches one commit without its history.
pub(super) fn fetch_commit(
    repo: &gix::Repository,
    remote: &Remote,
    hash: &str,
    pack_bytes_max: u64,
) -> Result<(), GitError> {
    let begin = Instant::now();
    if remote.url.starts_with("file://") {
        return Ok(());
    }
    let stop = Arc::new(AtomicBool::new(false));
    let meter = Meter::new(pack_bytes_max, Arc::clone(&stop));
    let exceeded = meter.exceeded();
    let spec = format!("+{hash}:refs/fetched/{hash}");
    let one = std::num::NonZeroU32::MIN;
    let found = with_remote(repo, remote, &[&spec], |connection| {
        let prepared = connection.prepare_fetch(gix::progress::Discard, ref_map::Options::default())?;
        prepared.with_shallow(Shallow::DepthAtRemote(one)).receive(meter, &stop)
    });
    if exceeded.load(Ordering::Relaxed) {
        return Err(GitError::TooLarge {
            what: "the repository's pack".into(),
            limit: format!("{} MiB", pack_bytes_max >> 20),
        });
    }
    match found {
        Ok(_) => Ok(()),
        Err(error) => {
            let text = chain(&error);
            // What a server says that does not have the commit, or does not give out what no reference leads to.
            if text.contains("not our ref") || text.contains("unadvertised object") {
                return Err(GitError::NoCommit(hash.into()));
            }
            Err(translate(error, remote, begin))
        }
    }
}

fn with_remote<T>(
    repo: &gix::Repository,
    remote: &Remote,
    specs: &[&str],
    talk: impl FnOnce(Connected<'_, '_>) -> gix::Result<T>,
) -> gix::Result<T> {
    let at = repo
        .remote_at_without_url_rewrite(remote.url.as_str())?
        .with_fetch_tags(gix::remote::fetch::Tags::None)
        .with_refspecs(specs.iter().copied(), Direction::Fetch)?;
    let connection = at.to_connection_with_transport(transport(remote)?).with_credentials(|_| Ok(None));
    let backend = Some(Arc::new(Mutex::new(http_options(remote))) as Arc<Mutex<_>>);
    // Without these the connection would take its options from the configuration of the repository.
    talk(connection.with_transport_options(Box::new(http::Options { backend, ..http::Options::default() })))
}

type Connected<'a, 'repo> = gix::remote::Connection<'a, 'a, 'repo, Box<dyn Transport + Send>>;

fn transport(remote: &Remote) -> gix::Result<Box<dyn Transport + Send>> {
    let url = gix::url::parse(remote.url.as_str())?;
    if matches!(url.scheme, gix::url::Scheme::Ssh) {
        return super::ssh::connect(remote, &url);
    }
    let transport = gix::protocol::transport::client::blocking_io::connect::connect(
        url,
        gix::protocol::transport::client::blocking_io::connect::Options {
            version: gix::protocol::transport::Protocol::V2,
            ..Default::default()
        },
    )?;
    Ok(transport)
}

fn http_options(remote: &Remote) -> HttpOptions {
    let (configured, auth) = (remote.clone(), remote.auth.clone());
    HttpOptions {
        configure_client: Some(Box::new(move |builder| configure(builder, &configured))),
        configure_request: authorization(&auth).map(|value| {
            Box::new(move |request: &mut reqwest::blocking::Request| {
                request.headers_mut().insert(AUTHORIZATION, value.clone());
                Ok(())
            }) as Box<_>
        }),
    }
}

fn configure(builder: ClientBuilder, remote: &Remote) -> gix::Result<ClientBuilder> {
    let Remote { tls, proxy, timeout, .. } = remote;
    let mut builder = builder.timeout(*timeout).danger_accept_invalid_certs(tls.insecure).no_proxy();
    if let Some(ca) = &tls.ca {
        for certificate in reqwest::Certificate::from_pem_bundle(ca).map_err(gix::Error::from_error)? {
            builder = builder.add_root_certificate(certificate);
        }
    }
    if let Some(identity) = &tls.identity {
        let identity = reqwest::Identity::from_pem(identity.expose()).map_err(gix::Error::from_error)?;
        builder = builder.identity(identity);
    }
    if let Some(proxy) = proxy {
        builder = builder.proxy(reqwest::Proxy::all(proxy).map_err(gix::Error::from_error)?);
    }
    Ok(builder)
}

/// What the server says to someone whom it does not let in: often the only hint at what is wrong. `other` where it says
/// nothing.
fn refusal(remote: &Remote, other: &str) -> String {
    let said = || {
        remote.url.starts_with("http").then_some(())?;
        let client = configure(ClientBuilder::new(), remote).ok()?.build().ok()?;
        let mut request =
            client.get(format!("{}/info/refs?service=git-upload-pack", remote.url.trim_end_matches('/')));
        if let Some(value) = authorization(&remote.auth) {
            request = request.header(AUTHORIZATION, value);
        }
        let mut body = String::new();
        // bounded: it is for people to read.
        request.send().ok()?.take(REFUSAL_BYTES_MAX).read_to_string(&mut body).ok()?;
        Some(body).filter(|body| !body.trim().is_empty())
    };
    said().unwrap_or_else(|| other.into())
}

fn authorization(auth: &Auth) -> Option<HeaderValue> {
    let text = match auth {
        Auth::None | Auth::Ssh { .. } => return None,
        Auth::Bearer(token) => [b"Bearer ", token.expose()].concat(),
        Auth::Basic { user, password } => {
            let pair = [user.as_bytes(), b":", password.expose()].concat();
            format!("Basic {}", gyre_go::base64::STANDARD.encode(&pair)).into_bytes()
        }
    };
    let mut value = HeaderValue::from_bytes(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn remote_ref(found: Ref) -> RemoteRef {
    let name = |name: &gix::bstr::BString| name.to_str_lossy().into_owned();
    match found {
        Ref::Direct { full_ref_name, object } => {
            RemoteRef { name: name(&full_ref_name), commit: object.to_string(), target: None }
        }
        Ref::Peeled { full_ref_name, object, .. } => {
            RemoteRef { name: name(&full_ref_name), commit: object.to_string(), target: None }
        }
        Ref::Symbolic { full_ref_name, target, object, .. } => {
            RemoteRef { name: name(&full_ref_name), commit: object.to_string(), target: Some(name(&target)) }
        }
        Ref::Unborn { full_ref_name, target } => {
            RemoteRef { name: name(&full_ref_name), commit: String::new(), target: Some(name(&target)) }
        }
    }
}

fn local_refs(remote: &Remote, path: &str) -> Result<Vec<RemoteRef>, GitError> {
    let repo = open_local(remote, path)?;
    let unreadable = |error: gix::Error| GitError::Unreachable(chain(&error));
    let mut refs = Vec::new();
    if let Ok(head) = repo.head_id() {
        let target = repo.head_name().ok().flatten().map(|name| name.as_bstr().to_string());
        refs.push(RemoteRef { name: "HEAD".into(), commit: head.to_string(), target });
    }
    for found in repo.references().map_err(unreadable)?.all().map_err(unreadable)? {
        let Ok(mut found) = found else { continue };
        let name = found.name().as_bstr().to_string();
        if let Ok(commit) = found.peel_to_id() {
            refs.push(RemoteRef { name, commit: commit.to_string(), target: None });
        }
    }
    Ok(refs)
}

/// Opens a repository of this machine, where that is allowed.
pub(super) fn open_local(remote: &Remote, path: &str) -> Result<gix::Repository, GitError> {
    if !remote.allow_file {
        let why = "file addresses are not allowed here".into();
        return Err(GitError::Url { url: remote.url.clone(), why });
    }
    gix::open_opts(Path::new(path), gix::open::Options::isolated()).map_err(|_| GitError::NotFound)
}

fn chain(error: &gix::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}

fn translate(error: gix::Error, remote: &Remote, begin: Instant) -> GitError {
    // What our own transport ended in.
    if let Some(found) = error.downcast_any_ref::<GitError>() {
        return found.clone();
    }
    let text = format!("{error:#} {}", chain(&error));
    let lower = text.to_lowercase();
    if begin.elapsed() >= remote.timeout || lower.contains("timed out") {
        return GitError::Timeout(format!("Get \"{}/info/refs?service=git-upload-pack\"", remote.url));
    }
    if lower.contains("401") || lower.contains("credentials") || lower.contains("authentication") {
        return GitError::Unauthorized(refusal(remote, "unauthorized"));
    }
    if lower.contains("403") {
        return GitError::Unauthorized(refusal(remote, "forbidden"));
    }
    if lower.contains("404") {
        return GitError::NotFound;
    }
    tracing::debug!(%text, "fetch failed");
    let url = reqwest::Url::parse(&remote.url).ok();
    let host = url.as_ref().and_then(reqwest::Url::host_str).unwrap_or_default();
    let port = url.as_ref().and_then(reqwest::Url::port_or_known_default).unwrap_or_default();
    GitError::Unreachable(dial::reason(&error, host, port))
}
