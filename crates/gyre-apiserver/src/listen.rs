//! A server on the network: plain HTTP or TLS with a certificate made for it, HTTP/1.1 and HTTP/2.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower_service::Service as _;

use crate::auth::User;
use crate::limits::{CONNECTIONS_MAX, HEAD_SECONDS};
use crate::server::{Server, Service};
use crate::tls::Tls;

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
        let authority_pem = tls.as_ref().map(|it| it.authority_pem().to_owned());
        let acceptor = tls.map(|it| TlsAcceptor::from(it.config()));
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
    // bounded: who comes when all places are taken waits to be let in.
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let place = tokio::select! {
            place = places.clone().acquire_owned() => place,
            _ = stop.wait_for(|stopped| *stopped) => return,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stopped| *stopped) => return,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of descriptors: others must end first.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let served = connection((stream, peer.ip()), acceptor.clone(), service.clone(), stop.clone());
        tokio::spawn(async move {
            served.await;
            drop(place);
        });
    }
}

async fn connection(
    (stream, peer): (TcpStream, IpAddr),
    acceptor: Option<TlsAcceptor>,
    service: Service,
    stop: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    match acceptor {
        None => serve(stream, service.of(Some(peer), None), stop).await,
        Some(acceptor) => {
            let shaken =
                tokio::time::timeout(Duration::from_secs(HEAD_SECONDS), acceptor.accept(stream)).await;
            if let Ok(Ok(stream)) = shaken {
                let certificate = stream.get_ref().1.peer_certificates().and_then(|it| it.first());
                let user = certificate.and_then(|it| User::of_certificate(it));
                serve(stream, service.of(Some(peer), user), stop).await;
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
