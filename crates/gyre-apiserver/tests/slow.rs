//! Clients that are slow, and clients that are many: bounded time, and the others are served.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

use std::net::SocketAddr;
use std::time::Duration;

use gyre_apiserver::Server;
use gyre_testkit::bench::resident_bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

/// How many idle connections a server has to bear.
const IDLE: usize = 10_000;
/// What all of them may take in memory, both ends together.
const IDLE_BYTES_MAX: u64 = 300 << 20;

async fn listening() -> (Server, SocketAddr) {
    let server = Server::builder().start().unwrap();
    let listening = server.listen(SocketAddr::from(([127, 0, 0, 1], 0)), None).await.unwrap();
    (server, listening.address)
}

/// Sends a text piece by piece, and reads what is answered until the server hangs up or nothing is left to send.
async fn trickle(
    address: SocketAddr,
    pieces: impl Iterator<Item = String>,
    every: Duration,
) -> (String, Duration) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let begin = Instant::now();
    for piece in pieces {
        if stream.write_all(piece.as_bytes()).await.is_err() {
            break;
        }
        sleep(every).await;
    }
    let mut answer = String::new();
    // A server that resets the connection has hung up, too.
    let _ = stream.read_to_string(&mut answer).await;
    (answer, begin.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_head_that_trickles_is_not_waited_for() {
    let (_server, address) = listening().await;
    let head = ["GET /readyz HTTP/1.1\r\n".to_owned()];
    let (answer, time) = trickle(address, head.into_iter(), Duration::ZERO).await;
    assert!(time < Duration::from_secs(60), "{time:?}");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    let lines = std::iter::once("GET /readyz HTTP/1.1\r\n".to_owned())
        .chain((0..100).map(|number| format!("x-{number}: y\r\n")));
    let (answer, time) = trickle(address, lines, Duration::from_secs(1)).await;
    assert!(time < Duration::from_secs(120), "{time:?}");
    assert!(!answer.contains("200 OK"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_is_a_timeout() {
    let (_server, address) = listening().await;
    let head = "POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                content-type: application/json\r\ncontent-length: 1000\r\n\r\n";
    let pieces = std::iter::once(head.to_owned()).chain((0..70).map(|_| "{".to_owned()));
    let (answer, time) = trickle(address, pieces, Duration::from_secs(1)).await;
    assert!(time < Duration::from_secs(120), "{time:?}");
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains(r#""reason":"Timeout""#), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_do_not_hinder_the_others() {
    let (_server, address) = listening().await;
    let own = std::process::id();
    let before = resident_bytes(own);
    let mut idle = Vec::with_capacity(IDLE);
    while idle.len() < IDLE {
        match TcpStream::connect(address).await {
            Ok(stream) => idle.push(stream),
            Err(error) => {
                println!("idle connections: {} of {IDLE}, for {error}", idle.len());
                break;
            }
        }
    }
    // Both ends are in this process, which may not open as many files.
    idle.truncate(idle.len() - idle.len() / 50);
    let begin = std::time::Instant::now();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
    let grown = resident_bytes(own).saturating_sub(before);
    assert!(grown < IDLE_BYTES_MAX, "{grown} bytes for {} connections", idle.len());
}
