//! The audit log: a line of JSON for every request that has been answered (`audit.k8s.io/v1`, level Metadata).

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, SyncSender};

use serde_json::{Value, json};

use crate::auth::User;
use crate::clock;
use crate::limits::AUDIT_QUEUE_MAX;
use crate::request::{Request, Target};

/// Takes lines for the log.
#[derive(Debug)]
pub(crate) struct Audit {
    queue: SyncSender<Value>,
}

/// What was found out about a request on its way.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) user: User,
    pub(crate) impersonated: Option<User>,
    pub(crate) verb: String,
    pub(crate) target: Option<Target>,
    pub(crate) allowed: bool,
}

impl Audit {
    /// Opens a log, which is continued where it exists; `-` is the standard error.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let out: Box<dyn Write + Send> =
            if path.as_os_str() == "-" { Box::new(io::stderr()) } else { Box::new(open(path)?) };
        // bounded: who asks waits where the disk cannot follow, as a lost line would be worse.
        let (queue, lines) = mpsc::sync_channel(AUDIT_QUEUE_MAX);
        std::thread::Builder::new().name("gyre-audit".into()).spawn(move || write_all(&lines, out))?;
        Ok(Self { queue })
    }

    /// Writes the line of a request that came at a time and has been answered at another.
    pub(crate) fn log(&self, id: &str, request: &Request, trace: &Trace, code: u16, times_us: (i64, i64)) {
        let mut uri = request.path.clone();
        if !request.query.raw().is_empty() {
            uri = format!("{uri}?{}", request.query.raw());
        }
        let mut line = json!({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": id,
            "stage": "ResponseComplete", "requestURI": uri, "verb": trace.verb, "user": trace.user.to_json(),
            "userAgent": request.header(http::header::USER_AGENT),
            "responseStatus": {"metadata": {}, "code": code},
            "requestReceivedTimestamp": clock::rfc3339_micro(times_us.0),
            "stageTimestamp": clock::rfc3339_micro(times_us.1),
            "annotations": {
                "authorization.k8s.io/decision": if trace.allowed { "allow" } else { "forbid" },
                "authorization.k8s.io/reason": "",
            },
        });
        if let Some(user) = &trace.impersonated {
            line["impersonatedUser"] = user.to_json();
        }
        if let Some(peer) = request.peer {
            line["sourceIPs"] = json!([peer.to_string()]);
        }
        if let Some(target) = &trace.target {
            line["objectRef"] = reference(target);
        }
        // A writer that could not go on has said so.
        let _ = self.queue.send(line);
    }
}

fn reference(target: &Target) -> Value {
    let fields = [
        ("resource", &target.plural),
        ("namespace", &target.ns),
        ("name", &target.name),
        ("apiGroup", &target.group),
        ("apiVersion", &target.version),
        ("subresource", &target.subresource),
    ];
    let present = fields.into_iter().filter(|(_, value)| !value.is_empty());
    present.map(|(key, value)| (key.to_owned(), Value::from(value.as_str()))).collect()
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Writes lines as they come, and flushes where none waits.
fn write_all(lines: &Receiver<Value>, out: Box<dyn Write + Send>) {
    let mut out = BufWriter::new(out);
    while let Ok(first) = lines.recv() {
        let done = std::iter::once(first)
            .chain(lines.try_iter())
            .try_for_each(|line| writeln!(out, "{line}"))
            .and_then(|()| out.flush());
        if let Err(error) = done {
            eprintln!("the audit log cannot be written any more: {error}");
            return;
        }
    }
}
