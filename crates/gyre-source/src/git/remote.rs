//! Where a repository is, and with which credentials it is read.

use std::time::Duration;

use gyre_model::{Digest, Secret};

/// A repository to read.
#[derive(Clone, Debug)]
pub struct Remote {
    /// `http`, `https`, `ssh` or `file`.
    pub url: String,
    /// Credentials.
    pub auth: Auth,
    /// Trust and identity for `https`.
    pub tls: Tls,
    /// `http`, `https` or `socks5` address of a proxy.
    pub proxy: Option<String>,
    /// How long each operation may take.
    pub timeout: Duration,
    /// May `file` addresses be read?
    pub allow_file: bool,
}

/// Credentials.
#[derive(Clone, Debug, Default)]
pub enum Auth {
    /// None.
    #[default]
    None,
    /// A user and a password, or a token in its place.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A token.
    Bearer(Secret),
    /// A private key, in OpenSSH or PEM form.
    Ssh {
        /// The key.
        identity: Secret,
        /// Its passphrase.
        passphrase: Option<Secret>,
        /// Lines of `known_hosts`.
        known_hosts: Vec<u8>,
    },
}

/// Trust and identity for TLS.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// Certificates, in PEM form, to trust besides the system's.
    pub ca: Option<Vec<u8>>,
    /// A client certificate and its key, in PEM form.
    pub identity: Option<Secret>,
    /// Trust anybody.
    pub insecure: bool,
}

impl Remote {
    /// A repository that anybody may read.
    pub fn open(url: &str) -> Self {
        Self {
            url: url.into(),
            auth: Auth::None,
            tls: Tls::default(),
            proxy: None,
            timeout: Duration::from_secs(60),
            allow_file: false,
        }
    }

    /// Tells apart what is read with different rights: nobody is given what somebody else's credentials fetched.
    pub(crate) fn key(&self) -> Digest {
        let mut text = self.url.clone().into_bytes();
        text.push(0);
        match &self.auth {
            Auth::None => {}
            Auth::Basic { user, password } => {
                text.extend_from_slice(user.as_bytes());
                text.push(0);
                text.extend_from_slice(password.expose());
            }
            Auth::Bearer(token) => text.extend_from_slice(token.expose()),
            Auth::Ssh { identity, .. } => text.extend_from_slice(identity.expose()),
        }
        if let Some(identity) = &self.tls.identity {
            text.push(0);
            text.extend_from_slice(identity.expose());
        }
        Digest::of(&text)
    }
}
