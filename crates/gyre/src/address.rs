//! Addresses to listen on.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result};
use tokio::net::TcpListener;

/// Listens on a port of loopback; 0 takes a free one. `option` is what chooses another port.
pub(crate) async fn listen(port: u16, what: &str, option: &str) -> Result<TcpListener> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address).await.with_context(|| {
        format!("port {port} on 127.0.0.1 for {what} cannot be had: stop what uses it, or choose another with {option}")
    })
}
