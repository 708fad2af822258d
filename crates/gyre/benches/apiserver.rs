//! The bounds of the embedded API, over TCP and TLS against the release binary, with 32 clients on the same machine.

#![expect(clippy::unwrap_used, reason = "a bench stops where it cannot measure")]

#[path = "apiserver/wire.rs"]
mod wire;

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use gyre_testkit::bench::{Bound, Table, median, middle, resident_bytes};
use serde_json::Value;
use wire::{Connection, Dialer};

const TOKEN: &str = "bench";
const CLIENTS: usize = 32;
const OBJECTS: usize = 50_000;
const WATCHERS: usize = 1000;
const PAGE: usize = 500;
const MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// `gyre apiserver` in a process of its own.
struct Server {
    process: Child,
    dialer: Dialer,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    fn start(data: Option<&Path>) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(env!("CARGO_BIN_EXE_gyre"));
        command.args(["apiserver", "--token", TOKEN, "--listen", &format!("127.0.0.1:{port}")]);
        if let Some(data) = data {
            command.arg("--data").arg(data);
        }
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let authority = lines.find_map(|line| {
            line.unwrap().trim().strip_prefix("certificate-authority-data: ").map(ToOwned::to_owned)
        });
        let pem = gyre_go::base64::STANDARD.decode(authority.unwrap().as_bytes()).unwrap();
        Self { process, dialer: Dialer::new(port, &String::from_utf8(pem).unwrap(), TOKEN) }
    }

    /// The processor time that it has taken so far, in seconds; 0 where the system does not tell.
    fn processor_s(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|it| it.parse::<f64>().ok()).unwrap_or(0.0);
        (ticks(11) + ticks(12)) / 100.0
    }

    fn megabytes(&self) -> f64 {
        resident_bytes(self.process.id()) as f64 / 1e6
    }

    async fn connections(&self, count: usize) -> Vec<Connection> {
        let mut out = Vec::with_capacity(count);
        for _ in 0..count {
            out.push(self.dialer.open().await.unwrap());
        }
        out
    }
}

/// Milliseconds.
fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn main() {
    let mut table = Table::new("apiserver");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    library(&mut table);
    runtime.block_on(async {
        ready(&mut table).await;
        let server = Server::start(None);
        settle(&server).await;
        table.row("memory, empty", server.megabytes(), "MB", Bound::AtMost(30.0));
        requests(&mut table, &server).await;
        pages(&mut table, &server).await;
        watchers(&mut table, &server).await;
        drop(server);
        durable(&mut table).await;
    });
}

/// A server in a test's own process.
fn library(table: &mut Table) {
    let time = median(20, || {
        drop(gyre_apiserver::Server::builder().start().unwrap());
    });
    table.row("a server in process starts (median of 20)", ms(time), "ms", Bound::AtMost(5.0));
}

async fn ready(table: &mut Table) {
    let mut times = Vec::new();
    for _ in 0..9 {
        let begin = Instant::now();
        let server = Server::start(None);
        settle(&server).await;
        times.push(begin.elapsed());
    }
    table.row("gyre apiserver answers /readyz (median of 9)", ms(middle(times)), "ms", Bound::AtMost(50.0));
}

/// Waits until a server says that it is ready.
async fn settle(server: &Server) {
    let mut connection = server.dialer.open().await.unwrap();
    assert_eq!(connection.ask("GET", "/readyz", "", "").await.status, 200);
}

fn map(client: usize, number: usize) -> (String, String) {
    let name = format!("m-{client}-{number}");
    let value = "x".repeat(1024);
    let body = format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}"}},"data":{{"value":"{value}"}}}}"#
    );
    (name, body)
}

#[derive(Clone, Copy, PartialEq)]
enum What {
    Create,
    Get,
    Apply,
}

fn request(connection: &Connection, what: What, client: usize, number: usize) -> Vec<u8> {
    let (name, body) = map(client, number);
    match what {
        What::Create => connection.request("POST", MAPS, "application/json", &body),
        What::Get => connection.request("GET", &format!("{MAPS}/{name}"), "", ""),
        What::Apply => {
            let path = format!("{MAPS}/{name}?fieldManager=bench&force=true");
            connection.request("PATCH", &path, "application/apply-patch+yaml", &body)
        }
    }
}

/// What 32 clients see that ask one after the other.
struct Rate {
    per_second: f64,
    /// The server's processor time for one, which other programs on the machine do not change.
    processor_us: f64,
}

async fn rate(server: &Server, what: What, each: usize) -> Rate {
    let mut tasks = Vec::new();
    let connections = server.connections(CLIENTS).await;
    // The requests are there before the clock runs: the clients share the processors with the server.
    let clients: Vec<_> = connections
        .into_iter()
        .enumerate()
        .map(|(client, connection)| {
            let requests: Vec<_> =
                (0..each).map(|number| request(&connection, what, client, number)).collect();
            (connection, requests)
        })
        .collect();
    let wanted = if what == What::Create { 201 } else { 200 };
    let (begin, processor_s) = (Instant::now(), server.processor_s());
    for (mut connection, requests) in clients {
        tasks.push(tokio::spawn(async move {
            for request in requests {
                assert_eq!(connection.status(&request).await, wanted);
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let count = (CLIENTS * each) as f64;
    Rate {
        per_second: count / begin.elapsed().as_secs_f64(),
        processor_us: (server.processor_s() - processor_s) * 1e6 / count,
    }
}

impl Rate {
    fn rows(&self, table: &mut Table, what: &str, least: f64) {
        table.row(&format!("{what}, 32 clients"), self.per_second, "/s", Bound::AtLeast(least));
        table.row(&format!("{what}, the server's processor time"), self.processor_us, "us", Bound::None);
    }
}

async fn requests(table: &mut Table, server: &Server) {
    let each = OBJECTS.div_ceil(CLIENTS);
    let creates = rate(server, What::Create, each).await;
    creates.rows(table, "creates in memory", 10_000.0);
    table.row("memory with 50,000 ConfigMaps of 1 KB", server.megabytes(), "MB", Bound::AtMost(200.0));
    let gets = rate(server, What::Get, each).await;
    gets.rows(table, "gets", 15_000.0);
    // The first makes the manager known; from then on nothing changes.
    rate(server, What::Apply, 500).await;
    let applies = rate(server, What::Apply, 500).await;
    applies.rows(table, "applies that change nothing", 8000.0);
}

async fn pages(table: &mut Table, server: &Server) {
    let mut connection = server.dialer.open().await.unwrap();
    let begin = Instant::now();
    let (mut path, mut pages) = (format!("{MAPS}?limit={PAGE}"), 0);
    loop {
        let answer = connection.ask("GET", &path, "", "").await;
        assert_eq!(answer.status, 200);
        pages += 1;
        // The metadata comes before the items; reading it all would measure the client.
        let head = String::from_utf8_lossy(&answer.body[..answer.body.len().min(600)]).into_owned();
        let token = head.split_once(r#""continue":""#).and_then(|(_, rest)| rest.split('"').next());
        match token {
            Some(token) => path = format!("{MAPS}?limit={PAGE}&continue={token}"),
            None => break,
        }
    }
    assert!(pages >= OBJECTS / PAGE, "{pages} pages");
    let seconds = begin.elapsed().as_secs_f64();
    table.row("a list of 50,000 in pages of 500", seconds, "s", Bound::AtMost(1.5));
}

/// From the request that changes an object until the last of many watchers has read of it.
async fn watchers(table: &mut Table, server: &Server) {
    let mut writer = server.dialer.open().await.unwrap();
    let path = "/api/v1/namespaces/kube-public/configmaps";
    let body = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"watched"}}"#;
    let made = writer.ask("POST", path, "application/json", body).await;
    let made: Value = serde_json::from_slice(&made.body).unwrap();
    let revision = made["metadata"]["resourceVersion"].as_str().unwrap();
    let watch = format!("{path}?watch=true&resourceVersion={revision}");
    let mut watchers = server.connections(WATCHERS).await;
    for watcher in &mut watchers {
        watcher.send("GET", &watch, "", "").await;
    }
    for watcher in &mut watchers {
        assert_eq!(watcher.head().await.0, 200);
    }
    let mut times = Vec::new();
    for number in 0..9 {
        let mark = format!(r#""mark":"{number}""#);
        let patch = format!(r#"{{"data":{{{mark}}}}}"#);
        let begin = Instant::now();
        writer.send("PATCH", &format!("{path}/watched"), "application/merge-patch+json", &patch).await;
        for watcher in &mut watchers {
            watcher.wait_for(mark.as_bytes()).await;
        }
        times.push(begin.elapsed());
        let (status, length) = writer.head().await;
        assert_eq!(status, 200);
        writer.take(length.unwrap()).await;
    }
    table.row("1,000 watchers see a change (median of 9)", ms(middle(times)), "ms", Bound::AtMost(20.0));
}

async fn durable(table: &mut Table) {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(Some(directory.path()));
    let creates = rate(&server, What::Create, 500).await;
    creates.rows(table, "durable creates", 3000.0);
}
