//! Fetches files of chart repositories, with Helm's rules on who is given credentials.

use std::io::Read as _;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::blocking::Client;
use reqwest::{Certificate, Identity, Url};

use crate::dial;
use crate::limits::{HELM_FILE_BYTES_MAX, HELM_TIMEOUT_S};

/// Why nothing was fetched, in Helm's words where it has them.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct HelmSourceError(pub String);

impl HelmSourceError {
    pub(crate) fn new(text: impl std::fmt::Display) -> Self {
        Self(text.to_string())
    }
}

/// How a repository is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// User of basic authentication; empty for none.
    pub username: String,
    /// Its password.
    pub password: String,
    /// File of the client's certificate.
    pub cert_file: Option<PathBuf>,
    /// File of the certificate's key.
    pub key_file: Option<PathBuf>,
    /// File of certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Trust anybody.
    pub insecure: bool,
    /// Give credentials to other hosts too.
    pub pass_credentials: bool,
}

/// A place of charts: its address, and how it is read.
#[derive(Debug)]
pub struct Remote {
    address: Option<Url>,
    access: Access,
    client: Client,
}

/// Why there was no answer.
pub(crate) fn reason(why: &reqwest::Error, url: &Url) -> String {
    dial::reason(why, url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(0))
}

fn parse(address: &str) -> Result<Url, HelmSourceError> {
    let url = Url::parse(address).map_err(|why| {
        // Go takes it for an address whose protocol has no name.
        let is_relative = why.to_string().starts_with("relative URL");
        HelmSourceError(if is_relative {
            "could not find protocol handler for: ".to_owned()
        } else {
            format!("invalid chart URL format: {address}")
        })
    })?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(HelmSourceError(format!("could not find protocol handler for: {other}"))),
    }
}

/// A client of HTTP that trusts whom it is told to, and shows the certificate that it is given.
pub(crate) fn client(access: &Access) -> Result<Client, HelmSourceError> {
    let read = |path: &PathBuf| {
        std::fs::read(path).map_err(|why| {
            HelmSourceError(format!("can't create TLS config for client: {}: {why}", path.display()))
        })
    };
    let mut builder = Client::builder()
        .user_agent("Helm/3.21.4")
        .timeout(Duration::from_secs(HELM_TIMEOUT_S))
        .danger_accept_invalid_certs(access.insecure);
    if let Some(path) = &access.ca_file {
        for certificate in Certificate::from_pem_bundle(&read(path)?).map_err(HelmSourceError::new)? {
            builder = builder.add_root_certificate(certificate);
        }
    }
    if let (Some(certificate), Some(key)) = (&access.cert_file, &access.key_file) {
        let mut pem = read(certificate)?;
        pem.push(b'\n');
        pem.extend(read(key)?);
        builder = builder.identity(Identity::from_pem(&pem).map_err(HelmSourceError::new)?);
    }
    builder.build().map_err(HelmSourceError::new)
}

impl Remote {
    /// A repository at an address; files elsewhere are given credentials only where `access` says so. Without an address,
    /// every file may see them.
    pub fn new(address: Option<&str>, access: Access) -> Result<Self, HelmSourceError> {
        let client = client(&access)?;
        Ok(Self { address: address.map(parse).transpose()?, access, client })
    }

    /// Fetches one file.
    pub fn get(&self, address: &str) -> Result<Vec<u8>, HelmSourceError> {
        let mut content = Vec::new();
        self.open(address)?
            .take(HELM_FILE_BYTES_MAX + 1)
            .read_to_end(&mut content)
            .map_err(HelmSourceError::new)?;
        if content.len() as u64 > HELM_FILE_BYTES_MAX {
            return Err(HelmSourceError(format!("{address}: more than {HELM_FILE_BYTES_MAX} bytes")));
        }
        Ok(content)
    }

    /// Begins to fetch one file.
    pub fn open(&self, address: &str) -> Result<impl std::io::Read + use<>, HelmSourceError> {
        let url = parse(address)?;
        let same_place = self.address.as_ref().is_none_or(|own| {
            own.scheme() == url.scheme()
                && own.host_str() == url.host_str()
                && own.port_or_known_default() == url.port_or_known_default()
        });
        let mut request = self.client.get(url.clone());
        let has_credentials = !self.access.username.is_empty() && !self.access.password.is_empty();
        if has_credentials && (self.access.pass_credentials || same_place) {
            request = request.basic_auth(&self.access.username, Some(&self.access.password));
        }
        let answer = request
            .send()
            .map_err(|why| HelmSourceError(format!("Get {address:?}: {}", reason(&why, &url))))?;
        let status = answer.status();
        if status.as_u16() != 200 {
            return Err(HelmSourceError(format!(
                "failed to fetch {address} : {} {}",
                status.as_u16(),
                status.canonical_reason().unwrap_or_default()
            )));
        }
        Ok(answer)
    }
}
