//! A server on the network: plain HTTP or TLS with a certificate made for it, HTTP/1.1 and HTTP/2.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tower_service::Service as _;

use crate::limits::HEAD_SECONDS;
use crate::server::{Server, Service};

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
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "gyre-ca");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let authority = params.self_signed(&authority_key).map_err(broken)?;
        let issuer = Issuer::new(params, authority_key);
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
        Self::with(
            vec![certificate.der().clone(), authority.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            authority.pem(),
        )
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
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(broken)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(broken)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), authority_pem })
    }

    /// The authority, for clients to trust.
    pub fn authority_pem(&self) -> &str {
        &self.authority_pem
    }
}

/// A listener of a server; it stops with the server.
#[derive(Debug)]
pub struct Listening {
    /// Where it listens.
    pub address: SocketAddr,
    url: String,
    authority_pem: Option<String>,
    task: tokio::task::JoinHandle<()>,
}

impl Listening {
    /// The URL of the server.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A kubeconfig that reaches it.
    pub fn kubeconfig(&self, token: Option<&str>) -> String {
        kubeconfig(&self.url, self.authority_pem.as_deref(), token)
    }

    /// Waits until it has stopped.
    pub async fn stopped(self) {
        // A listener that panicked has stopped as well.
        let _ = self.task.await;
    }
}

/// A kubeconfig with one cluster and one user.
pub fn kubeconfig(url: &str, authority_pem: Option<&str>, token: Option<&str>) -> String {
    let mut cluster = serde_json::json!({"server": url});
    if let Some(pem) = authority_pem {
        cluster["certificate-authority-data"] = gyre_go::base64::STANDARD.encode(pem.as_bytes()).into();
    }
    let mut user = serde_json::json!({});
    if let Some(token) = token {
        user["token"] = token.into();
    }
    let config = serde_json::json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "gyre",
        "clusters": [{"name": "gyre", "cluster": cluster}],
        "users": [{"name": "admin", "user": user}],
        "contexts": [{"name": "gyre", "context": {"cluster": "gyre", "user": "admin"}}],
    });
    crate::yaml::write(&config)
}

impl Server {
    /// Listens on an address: with TLS where a certificate is given, and then who asks is what their token says; plainly
    /// otherwise, and then everybody who reaches it without a token is the administrator unless a token was set.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn listen(&self, address: SocketAddr, tls: Option<Tls>) -> io::Result<Listening> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let open = tls.is_none() && self.api.access.token.is_none();
        let service = if open { self.service() } else { self.open_service() };
        let authority_pem = tls.as_ref().map(|it| it.authority_pem.clone());
        let acceptor = tls.map(|it| TlsAcceptor::from(it.config));
        let task = tokio::spawn(accept(listener, acceptor, service, self.stop.subscribe()));
        Ok(Listening { address, url: format!("{scheme}://{address}"), authority_pem, task })
    }
}

async fn accept(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    service: Service,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stopped| *stopped) => return,
        };
        let Ok((stream, _)) = accepted else {
            // Out of descriptors: others must end first.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        tokio::spawn(connection(stream, acceptor.clone(), service.clone(), stop.clone()));
    }
}

async fn connection(
    stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
    service: Service,
    stop: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    match acceptor {
        None => serve(stream, service, stop).await,
        Some(acceptor) => {
            let shaken =
                tokio::time::timeout(Duration::from_secs(HEAD_SECONDS), acceptor.accept(stream)).await;
            if let Ok(Ok(stream)) = shaken {
                serve(stream, service, stop).await;
            }
        }
    }
}

async fn serve<S>(stream: S, service: Service, mut stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(HEAD_SECONDS));
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(1000);
    let handler = service_fn(move |request| service.clone().call(request));
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), handler);
    // What ends a connection concerns its client alone.
    tokio::select! {
        _ = connection => {}
        _ = stop.wait_for(|stopped| *stopped) => {}
    }
}
