//! The log: for people on standard error, and one JSON object a line, in Flux's shape, in a file or a pod's log.

use std::fs::{File, OpenOptions};
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use crate::time;

/// The name of the file in a data directory.
pub(crate) const FILE: &str = "gyre.log";
/// How large the file grows before it is begun anew; one older one is kept.
const FILE_BYTES_MAX: u64 = 16 << 20;

static LINES: OnceLock<Mutex<LogFile>> = OnceLock::new();

/// Starts the log on standard error; `GYRE_LOG` chooses, `-v` shows more. With `lines`, what goes to standard error is
/// for programs, unless it is a terminal. With `draws`, the command draws what happens itself.
pub(crate) fn start(verbose: u8, lines: bool, draws: bool) {
    let default = match verbose {
        0 if draws => "warn",
        0 => "warn,gyre=info",
        1 => "info,gyre=debug,gyre_controllers=debug,gyre_cluster=debug,gyre_source=debug",
        _ => "debug",
    };
    let chosen = || EnvFilter::try_from_env("GYRE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let all = || EnvFilter::new("warn,gyre=info,gyre_controllers=info");
    let terminal = std::io::stderr().is_terminal();
    let for_people = (terminal || !lines).then(|| {
        tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(terminal)
            .with_filter(chosen())
    });
    let for_programs = (!terminal && lines).then(|| Lines { to_file: false }.with_filter(all()));
    tracing_subscriber::registry()
        .with(for_people)
        .with(for_programs)
        .with(Lines { to_file: true }.with_filter(all()))
        .init();
}

/// From here on the log is kept in a directory too.
pub(crate) fn keep_in(directory: &Path) -> Result<()> {
    let file = LogFile::open(directory.join(FILE))?;
    // A second directory in one process, as tests have, keeps the first.
    let _ = LINES.set(Mutex::new(file));
    Ok(())
}

struct LogFile {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl LogFile {
    fn open(path: PathBuf) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.with_context(|| format!("the log {} cannot be written", path.display()))?;
        let bytes = file.metadata().map(|found| found.len()).unwrap_or(0);
        Ok(Self { path, file, bytes })
    }

    fn write(&mut self, line: &str) -> std::io::Result<()> {
        // bounded: two files of this size.
        if self.bytes > FILE_BYTES_MAX {
            std::fs::rename(&self.path, self.path.with_extension("log.1"))?;
            self.file = OpenOptions::new().create(true).append(true).open(&self.path)?;
            self.bytes = 0;
        }
        self.bytes += line.len() as u64;
        self.file.write_all(line.as_bytes())
    }
}

/// Writes one JSON object a line.
struct Lines {
    to_file: bool,
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let file = self.to_file.then(|| LINES.get());
        if matches!(file, Some(None)) {
            return;
        }
        let mut fields = Fields(Map::new());
        let level = match *event.metadata().level() {
            Level::ERROR | Level::WARN => "error",
            Level::INFO => "info",
            _ => "debug",
        };
        fields.0.insert("level".into(), level.into());
        fields.0.insert("ts".into(), time::present().format("2006-01-02T15:04:05.000Z07:00").into());
        event.record(&mut fields);
        let line = format!("{}\n", Value::Object(fields.0));
        // A log that cannot be written is no reason to stop.
        let _ = match file.flatten() {
            Some(file) => file.lock().unwrap_or_else(PoisonError::into_inner).write(&line),
            None => std::io::stderr().write_all(line.as_bytes()),
        };
    }
}

struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        let name = match field.name() {
            "message" => "msg",
            name => name,
        };
        self.0.insert(name.into(), value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
}
