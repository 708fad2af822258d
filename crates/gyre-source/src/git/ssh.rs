//! SSH as a transport for Git, in process: no `ssh` is started, and only hosts that the credentials name are trusted.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use gix::protocol::transport::Protocol;
use gix::protocol::transport::client::blocking_io::Transport;
use gix::protocol::transport::client::git::ConnectMode;
use gix::protocol::transport::client::git::blocking_io::Connection;
use ring::hmac;
use russh::client::{self, AuthResult, Handle};
use russh::keys::key::PrivateKeyWithHashAlg;
use russh::keys::ssh_key::PublicKey;
use russh::keys::ssh_key::known_hosts::{HostPatterns, KnownHosts, Marker};
use russh::keys::{PublicKeyOrCertificate, decode_secret_key};
use tokio_util::io::SyncIoBridge;

use super::{Auth, GitError, Remote};

/// The port of SSH where an address names none.
const PORT: u16 = 22;
/// The user where an address names none.
const USER: &str = "git";

/// Opens a connection on which Git's upload-pack is spoken. Blocking; for threads that may block.
pub(super) fn connect(remote: &Remote, url: &gix::Url) -> gix::Result<Box<dyn Transport + Send>> {
    // Before the clock is asked for, which who has no key may not have either.
    if !matches!(remote.auth, Auth::Ssh { .. }) {
        return Err(gix::Error::from_error(keyless()));
    }
    let runtime = tokio::runtime::Handle::current();
    let opening = tokio::time::timeout(remote.timeout, open(remote, url));
    let opened = runtime.block_on(opening);
    let (stream, session) = opened
        .map_err(|_| GitError::Timeout(format!("ssh {}", remote.url)))
        .and_then(|opened| opened)
        .map_err(gix::Error::from_error)?;
    let (reader, writer) = tokio::io::split(stream);
    let reader = Held { reader: SyncIoBridge::new_with_handle(reader, runtime.clone()), _session: session };
    let writer = SyncIoBridge::new_with_handle(writer, runtime);
    let host = url.host().map(|host| (host.to_owned(), url.port));
    let path = url.path.clone();
    Ok(Box::new(Connection::new(reader, writer, Protocol::V2, path, host, ConnectMode::Process, false)))
}

fn keyless() -> GitError {
    GitError::Unauthorized("an ssh address needs the fields identity and known_hosts".into())
}

/// Keeps the session open as long as somebody reads.
struct Held<R> {
    reader: R,
    _session: Handle<KnownHost>,
}

impl<R: Read> Read for Held<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

type Stream = russh::ChannelStream<client::Msg>;

async fn open(remote: &Remote, url: &gix::Url) -> Result<(Stream, Handle<KnownHost>), GitError> {
    let Auth::Ssh { identity, passphrase, known_hosts } = &remote.auth else {
        return Err(keyless());
    };
    let key = identity.expose_str().unwrap_or_default();
    let passphrase = passphrase.as_ref().and_then(|secret| secret.expose_str());
    let key = decode_secret_key(key, passphrase)
        .map_err(|error| GitError::Unauthorized(format!("the private key cannot be read: {error}")))?;
    let host = url.host().unwrap_or_default().to_owned();
    let port = url.port.unwrap_or(PORT);
    let unreachable = |error: russh::Error| match error {
        russh::Error::UnknownKey => GitError::Unauthorized(format!("knownhosts: key mismatch for {host}")),
        error => GitError::Unreachable(format!("ssh {host}:{port}: {error}")),
    };
    let known = KnownHost { known_hosts: known_hosts.clone(), host: host.clone(), port };
    let config =
        client::Config { inactivity_timeout: Some(Duration::from_secs(60)), ..client::Config::default() };
    let mut session =
        client::connect(Arc::new(config), (host.as_str(), port), known).await.map_err(unreachable)?;
    let hash = session.best_supported_rsa_hash().await.map_err(unreachable)?.flatten();
    let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
    let user = url.user().unwrap_or(USER).to_owned();
    let answer = session.authenticate_publickey(user, key).await.map_err(unreachable)?;
    if !matches!(answer, AuthResult::Success) {
        return Err(GitError::Unauthorized("ssh: the server does not accept the key".into()));
    }
    let channel = session.channel_open_session().await.map_err(unreachable)?;
    // Servers that do not take the variable answer in an older version of the protocol.
    channel.set_env(false, "GIT_PROTOCOL", "version=2").await.map_err(unreachable)?;
    let path = url.path.to_string().replace('\'', "'\\''");
    channel.exec(true, format!("git-upload-pack '{path}'")).await.map_err(unreachable)?;
    Ok((channel.into_stream(), session))
}

/// Trusts the hosts of a `known_hosts` file.
struct KnownHost {
    known_hosts: Vec<u8>,
    host: String,
    port: u16,
}

impl client::Handler for KnownHost {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else { return Ok(false) };
        Ok(is_known(&String::from_utf8_lossy(&self.known_hosts), &self.host, self.port, key))
    }
}

/// Does the text name this key for this host, and nowhere revoke it? (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)
fn is_known(known_hosts: &str, host: &str, port: u16, key: &PublicKey) -> bool {
    let name = if port == PORT { host.to_owned() } else { format!("[{host}]:{port}") };
    let mut known = false;
    for entry in KnownHosts::new(known_hosts).flatten() {
        if entry.public_key().key_data() != key.key_data() || !names(entry.host_patterns(), &name) {
            continue;
        }
        match entry.marker() {
            Some(Marker::Revoked) => return false,
            Some(Marker::CertAuthority) => {}
            None => known = true,
        }
    }
    known
}

fn names(patterns: &HostPatterns, name: &str) -> bool {
    match patterns {
        HostPatterns::HashedName { salt, hash } => {
            let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
            hmac::verify(&key, name.as_bytes(), hash).is_ok()
        }
        HostPatterns::Patterns(patterns) => {
            let fits = |pattern: &str| gyre_go::glob::path::matches(pattern, name).unwrap_or(pattern == name);
            let denied = |pattern: &String| pattern.strip_prefix('!').is_some_and(fits);
            !patterns.iter().any(denied)
                && patterns
                    .iter()
                    .any(|pattern| pattern == name || (!pattern.starts_with('[') && fits(pattern)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

    #[test]
    fn only_named_hosts_are_known() {
        let key = PublicKey::from_openssh(KEY).unwrap();
        let known = |text: String, host: &str, port: u16| is_known(&text, host, port, &key);
        assert!(known(format!("github.com {KEY}"), "github.com", 22));
        assert!(!known(format!("github.com {KEY}"), "github.com", 2222));
        assert!(known(format!("[git.local]:2222 {KEY}"), "git.local", 2222));
        assert!(known(format!("*.local {KEY}"), "git.local", 22));
        assert!(!known(format!("*.local,!git.local {KEY}"), "git.local", 22));
        assert!(!known(format!("@revoked * {KEY}\n* {KEY}"), "git.local", 22));
        assert!(!known(String::new(), "git.local", 22));
    }

    #[test]
    fn hashed_hosts_are_known() {
        let key = PublicKey::from_openssh(KEY).unwrap();
        // printf git.local | openssl dgst -sha1 -hmac saltsaltsaltsaltsalt -binary | base64
        let line = format!("|1|c2FsdHNhbHRzYWx0c2FsdHNhbHQ=|{HASH} {KEY}");
        assert!(is_known(&line, "git.local", 22, &key));
        assert!(!is_known(&line, "other.local", 22, &key));
    }

    const HASH: &str = "Y/hsZAsUtCYTjkUQg8NSxio93LU=";
}
