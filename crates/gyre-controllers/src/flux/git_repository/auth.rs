//! Address and credentials of a GitRepository (`fluxcd/pkg/git` AuthOptions).

use std::time::Duration;

use gyre_api::flux::GitRepositorySpec;
use gyre_cluster::ApiError;
use gyre_model::{GroupVersionKind, Object, ObjectRef, Secret};
use gyre_source::{Auth, Remote, Tls};

use super::status::Blocked;
use crate::context::Context;
use crate::flux::{secret_data, span};

/// How long Git operations may take where the spec does not say.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The repository to read.
pub(super) async fn remote(
    cx: &Context,
    object: &Object,
    spec: &GitRepositorySpec,
) -> Result<Remote, Blocked> {
    let (scheme, rest) = spec.url.split_once("://").unwrap_or_default();
    if !matches!(scheme, "http" | "https" | "ssh" | "file") || rest.is_empty() {
        let why =
            format!("failed to parse url '{}': it has to begin with http://, https:// or ssh://", spec.url);
        return Err(Blocked::stalled("URLInvalid", why));
    }
    let mut remote = Remote::open(&spec.url);
    remote.timeout = spec.timeout.as_deref().and_then(span).unwrap_or(TIMEOUT);
    remote.allow_file = cx.settings.allow_file_urls;
    if let Some(provider) = spec.provider.as_deref().filter(|provider| *provider != "generic") {
        let why = format!("spec.provider: {provider} is not supported, give the credentials in a Secret");
        return Err(Blocked::stalled("InvalidProviderConfiguration", why));
    }
    if let Some(reference) = &spec.proxy_secret_ref {
        let data = secret(cx, object, &reference.name).await?;
        remote.proxy = Some(proxy(&data)?);
    }
    let data = match &spec.secret_ref {
        Some(reference) => secret(cx, object, &reference.name).await?,
        None => Vec::new(),
    };
    credentials(&mut remote, scheme, &data)?;
    Ok(remote)
}

type Data = Vec<(String, Vec<u8>)>;

fn field<'a>(data: &'a Data, names: &[&str]) -> Option<&'a Vec<u8>> {
    names.iter().find_map(|name| {
        data.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value)
    })
}

async fn secret(cx: &Context, object: &Object, name: &str) -> Result<Data, Blocked> {
    let namespace = object.namespace();
    let kind = GroupVersionKind::parse("v1", "Secret");
    let failed = |why: String| {
        let prefix = format!("failed to get secret '{namespace}/{name}'");
        Blocked::authentication(format!("{prefix}: {prefix}: {why}"))
    };
    let found = cx.cluster.get(&ObjectRef::new(kind, namespace, name)).await;
    let found = found
        .map_err(|error: ApiError| failed(error.to_string()))?
        .ok_or_else(|| failed(format!("secrets \"{name}\" not found")))?;
    Ok(secret_data(&found))
}

fn credentials(remote: &mut Remote, scheme: &str, data: &Data) -> Result<(), Blocked> {
    let invalid = |why: &str| {
        Err(Blocked::authentication(format!(
            "failed to configure authentication options: invalid '{scheme}' auth option: {why}"
        )))
    };
    let secret = |names: &[&str]| field(data, names).map(|value| Secret::new(value.clone()));
    if scheme == "ssh" {
        let Some(identity) = secret(&["identity"]) else { return invalid("'identity' is required") };
        let Some(known_hosts) = field(data, &["known_hosts"]) else {
            return invalid("'known_hosts' is required");
        };
        let known_hosts = known_hosts.clone();
        remote.auth = Auth::Ssh { identity, passphrase: secret(&["password"]), known_hosts };
        return Ok(());
    }
    let identity = secret(&["tls.crt", "certFile"]).zip(secret(&["tls.key", "keyFile"]));
    remote.tls = Tls {
        ca: field(data, &["ca.crt", "caFile"]).cloned(),
        identity: identity
            .map(|(certificate, key)| Secret::new([certificate.expose(), b"\n", key.expose()].concat())),
        insecure: false,
    };
    if let Some(token) = secret(&["bearerToken"]) {
        remote.auth = Auth::Bearer(token);
        return Ok(());
    }
    match (field(data, &["username"]), secret(&["password"])) {
        (None, Some(_)) => invalid("'password' requires 'username' to be set"),
        (None, None) => Ok(()),
        (Some(user), password) => {
            let user = String::from_utf8_lossy(user).into_owned();
            remote.auth = Auth::Basic { user, password: password.unwrap_or_default() };
            Ok(())
        }
    }
}

fn proxy(data: &Data) -> Result<String, Blocked> {
    let text = |name: &str| field(data, &[name]).map(|value| String::from_utf8_lossy(value).into_owned());
    let Some(address) = text("address") else {
        return Err(Blocked::authentication(
            "failed to configure proxy options: the proxy's secret has no field address".into(),
        ));
    };
    Ok(match (text("username"), text("password"), address.split_once("://")) {
        (Some(user), password, Some((scheme, rest))) => {
            format!("{scheme}://{user}:{}@{rest}", password.unwrap_or_default())
        }
        _ => address,
    })
}
