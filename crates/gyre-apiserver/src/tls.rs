//! The certificates of a server: made for one run, or kept in a directory so that clients trust the next run as well.
//!
//! In a directory lie `ca.crt` and `ca.key`, an authority that is made once, and `tls.crt` and `tls.key`, a certificate
//! that it signs anew at every start. Where there is no `ca.key`, the other three are somebody's own and used as they are.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

const AUTHORITY: &str = "ca.crt";
const AUTHORITY_KEY: &str = "ca.key";
const CERTIFICATE: &str = "tls.crt";
const CERTIFICATE_KEY: &str = "tls.key";

/// A certificate for a server, with the authority that signed it.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ServerConfig>,
    authority_pem: String,
}

fn broken(error: impl std::fmt::Display) -> io::Error {
    io::Error::other(error.to_string())
}

impl Tls {
    /// Makes an authority and a certificate for these names and addresses.
    ///
    /// # Errors
    /// When a name is none, or a key cannot be made.
    pub fn make(names: &[&str]) -> io::Result<Self> {
        let authority_key = KeyPair::generate().map_err(broken)?;
        let authority_pem = authority().self_signed(&authority_key).map_err(broken)?.pem();
        let (certificate, key) = signed(names, authority_key)?;
        Self::from_pem(&certificate, &key, authority_pem)
    }

    /// Takes the authority of a directory, which is made where it is missing, and a certificate of it for these names and
    /// addresses; or the certificate that somebody put there.
    ///
    /// # Errors
    /// When a file cannot be read, written or understood, and as for [`Tls::make`].
    pub fn kept_in(directory: &Path, names: &[&str]) -> io::Result<Self> {
        let at = |name: &str| directory.join(name);
        let place = |error: io::Error| {
            io::Error::new(error.kind(), format!("certificates in {}: {error}", directory.display()))
        };
        let read = |name: &str| {
            fs::read_to_string(at(name))
                .map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))
        };
        fs::create_dir_all(directory).map_err(place)?;
        if at(CERTIFICATE).exists() && !at(AUTHORITY_KEY).exists() {
            let authority_pem = if at(AUTHORITY).exists() { read(AUTHORITY) } else { read(CERTIFICATE) };
            let (certificate, key) =
                (read(CERTIFICATE).map_err(place)?, read(CERTIFICATE_KEY).map_err(place)?);
            return Self::from_pem(&certificate, &key, authority_pem.map_err(place)?).map_err(place);
        }
        if !at(AUTHORITY_KEY).exists() {
            let key = KeyPair::generate().map_err(broken)?;
            let certificate = authority().self_signed(&key).map_err(broken)?;
            // order: the key last, so that half of a pair is never taken for a whole one.
            write(&at(AUTHORITY), &certificate.pem(), 0o644).map_err(place)?;
            write(&at(AUTHORITY_KEY), &key.serialize_pem(), 0o600).map_err(place)?;
        }
        let authority_pem = read(AUTHORITY).map_err(place)?;
        let authority_key = read(AUTHORITY_KEY)
            .and_then(|it| {
                KeyPair::from_pem(&it).map_err(|error| broken(format!("{AUTHORITY_KEY}: {error}")))
            })
            .map_err(place)?;
        let (certificate, key) = signed(names, authority_key)?;
        write(&at(CERTIFICATE), &certificate, 0o644).map_err(place)?;
        write(&at(CERTIFICATE_KEY), &key, 0o600).map_err(place)?;
        Self::from_pem(&certificate, &key, authority_pem).map_err(place)
    }

    fn from_pem(certificate: &str, key: &str, authority_pem: String) -> io::Result<Self> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate.as_bytes()).collect();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
            .map_err(|error| broken(format!("{CERTIFICATE_KEY}: {error}")))?;
        Self::with(chain.map_err(|error| broken(format!("{CERTIFICATE}: {error}")))?, key, authority_pem)
    }

    /// Uses a given chain and key.
    ///
    /// # Errors
    /// When they do not belong together.
    pub fn with(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        authority_pem: String,
    ) -> io::Result<Self> {
        let provider = Arc::new(ring::default_provider());
        let clients = client_verifier(&authority_pem, &provider)?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(broken)?
            .with_client_cert_verifier(clients)
            .with_single_cert(chain, key)
            .map_err(broken)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), authority_pem })
    }

    /// The authority, for clients to trust.
    pub fn authority_pem(&self) -> &str {
        &self.authority_pem
    }

    pub(crate) fn config(self) -> Arc<ServerConfig> {
        self.config
    }
}

/// Lets clients prove who they are by a certificate that the authority signed; they need not.
fn client_verifier(
    authority_pem: &str,
    provider: &Arc<CryptoProvider>,
) -> io::Result<Arc<dyn ClientCertVerifier>> {
    let mut roots = RootCertStore::empty();
    let authorities = CertificateDer::pem_slice_iter(authority_pem.as_bytes());
    roots.add_parsable_certificates(authorities.filter_map(Result::ok));
    if roots.is_empty() {
        return Ok(WebPkiClientVerifier::no_client_auth());
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .allow_unauthenticated()
        .build()
        .map_err(broken)
}

/// The authority, but for its key. What it signs refers to it by this name and by its key alone.
fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "gyre-ca");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    params
}

/// A certificate for these names and its key, as PEM.
fn signed(names: &[&str], authority_key: KeyPair) -> io::Result<(String, String)> {
    let issuer = Issuer::new(authority(), authority_key);
    let key = KeyPair::generate().map_err(broken)?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "gyre-apiserver");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    for name in names {
        params.subject_alt_names.push(match name.parse() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName((*name).try_into().map_err(broken)?),
        });
    }
    let certificate = params.signed_by(&key, &issuer).map_err(broken)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// Writes a file whole or not at all.
/// Writes a file that is there as a whole or not at all, with this mode.
pub(crate) fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let temporary = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(&temporary)?;
    file.write_all(text.as_bytes())?;
    fs::rename(&temporary, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_of_a_directory_stays() {
        let directory = tempfile::tempdir().unwrap();
        let first = Tls::kept_in(directory.path(), &["127.0.0.1"]).unwrap();
        let second = Tls::kept_in(directory.path(), &["127.0.0.1", "localhost"]).unwrap();
        assert_eq!(first.authority_pem(), second.authority_pem());
    }

    #[test]
    fn own_certificates_are_used_as_they_are() {
        let directory = tempfile::tempdir().unwrap();
        Tls::kept_in(directory.path(), &["127.0.0.1"]).unwrap();
        fs::remove_file(directory.path().join(AUTHORITY_KEY)).unwrap();
        let before = fs::read(directory.path().join(CERTIFICATE)).unwrap();
        Tls::kept_in(directory.path(), &["127.0.0.1"]).unwrap();
        assert_eq!(fs::read(directory.path().join(CERTIFICATE)).unwrap(), before);
    }

    #[test]
    fn a_broken_file_is_named() {
        let directory = tempfile::tempdir().unwrap();
        Tls::kept_in(directory.path(), &["127.0.0.1"]).unwrap();
        fs::write(directory.path().join(AUTHORITY_KEY), "no key").unwrap();
        let error = Tls::kept_in(directory.path(), &["127.0.0.1"]).unwrap_err().to_string();
        assert!(error.contains(AUTHORITY_KEY) && error.contains("certificates in "), "{error}");
    }
}
