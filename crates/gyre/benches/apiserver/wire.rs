//! An HTTP/1.1 client that costs next to nothing: it shares two cores with the server that it measures.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// What every connection of a bench shares.
#[derive(Clone)]
pub(crate) struct Dialer {
    connector: TlsConnector,
    port: u16,
    token: String,
}

/// A connection that is kept alive.
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    token: String,
    /// Bytes that were read and not yet used.
    held: Vec<u8>,
}

/// An answer: its status, and its body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Dialer {
    /// For a server on this machine whose authority is given as PEM.
    pub(crate) fn new(port: u16, authority_pem: &str, token: &str) -> Self {
        use rustls::pki_types::pem::PemObject as _;
        let mut roots = rustls::RootCertStore::empty();
        for certificate in rustls::pki_types::CertificateDer::pem_slice_iter(authority_pem.as_bytes()) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { connector: TlsConnector::from(Arc::new(config)), port, token: token.to_owned() }
    }

    pub(crate) async fn open(&self) -> std::io::Result<Connection> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let stream = self.connector.connect(ServerName::from(Ipv4Addr::LOCALHOST), stream).await?;
        Ok(Connection { stream, token: self.token.clone(), held: Vec::new() })
    }
}

impl Connection {
    /// The bytes of a request, which can be made before the clock runs.
    pub(crate) fn request(&self, method: &str, path: &str, media: &str, body: &str) -> Vec<u8> {
        let mut text = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n",
            self.token
        );
        if !body.is_empty() {
            let _ = write!(text, "content-type: {media}\r\ncontent-length: {}\r\n", body.len());
        }
        text.push_str("\r\n");
        text.push_str(body);
        text.into_bytes()
    }

    pub(crate) async fn send(&mut self, method: &str, path: &str, media: &str, body: &str) {
        let request = self.request(method, path, media, body);
        self.write(&request).await;
    }

    async fn write(&mut self, request: &[u8]) {
        self.stream.write_all(request).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Sends a request and reads its answer, of which only the status is kept.
    pub(crate) async fn status(&mut self, request: &[u8]) -> u16 {
        self.write(request).await;
        let (status, length) = self.head().await;
        let length = length.unwrap();
        while self.held.len() < length {
            self.more().await;
        }
        self.held.drain(..length);
        status
    }

    pub(crate) async fn ask(&mut self, method: &str, path: &str, media: &str, body: &str) -> Answer {
        self.send(method, path, media, body).await;
        let (status, length) = self.head().await;
        Answer { status, body: self.take(length.unwrap()).await }
    }

    /// The next bytes.
    pub(crate) async fn take(&mut self, length: usize) -> Vec<u8> {
        while self.held.len() < length {
            self.more().await;
        }
        let rest = self.held.split_off(length);
        std::mem::replace(&mut self.held, rest)
    }

    /// The status and the length of the body, which is missing for a stream.
    pub(crate) async fn head(&mut self) -> (u16, Option<usize>) {
        let end = loop {
            if let Some(at) = self.held.windows(4).position(|it| it == b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await;
        };
        let head = std::str::from_utf8(&self.held[..end]).unwrap();
        let length =
            head.split("\r\n").find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        self.held.drain(..end);
        (status, length)
    }

    /// Waits until a stream has sent a text, and forgets everything before.
    pub(crate) async fn wait_for(&mut self, text: &[u8]) {
        loop {
            if let Some(at) = self.held.windows(text.len()).position(|it| it == text) {
                self.held.drain(..at + text.len());
                return;
            }
            self.more().await;
        }
    }

    async fn more(&mut self) {
        assert!(self.stream.read_buf(&mut self.held).await.unwrap() > 0, "the server hung up");
    }
}
