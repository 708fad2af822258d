//! The table that `make bench` prints: one line for a figure, with the bound it is held against.
//!
//! A bench is a program in a crate's `benches/` (with `harness = false`) that calls [`Table::row`]. Figures are read by
//! people: a missed bound is marked, and fails nothing, since machines differ.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// One bench's part of the table.
pub struct Table {
    missed: usize,
}

/// What a figure is held against.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    /// The figure must be at most this.
    AtMost(f64),
    /// The figure must be at least this.
    AtLeast(f64),
    /// Told for comparison only.
    None,
}

/// What a finished process took.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// From its start to its end.
    pub wall: Duration,
    /// The most memory that was resident, in bytes; read every millisecond, so of a very short run less than it was.
    pub resident_bytes: u64,
}

impl Table {
    /// Begins with a headline.
    pub fn new(title: &str) -> Self {
        println!("\n{title}");
        Self { missed: 0 }
    }

    /// One line: what was measured, the figure, its unit, and what it is held against.
    pub fn row(&mut self, what: &str, figure: f64, unit: &str, bound: Bound) {
        let (held, text) = match bound {
            Bound::AtMost(most) => (figure <= most, format!("at most {most} {unit}")),
            Bound::AtLeast(least) => (figure >= least, format!("at least {least} {unit}")),
            Bound::None => (true, String::new()),
        };
        let mark = match (held, text.is_empty()) {
            (_, true) => "",
            (true, _) => "ok",
            (false, _) => "MISSED",
        };
        self.missed += usize::from(!held);
        println!("  {what:<58} {:>14}  {text:<22} {mark}", format!("{} {unit}", short(figure)));
    }

    /// How many bounds were missed so far.
    pub fn missed(&self) -> usize {
        self.missed
    }
}

fn short(figure: f64) -> String {
    match figure.abs() {
        large if large >= 100.0 => format!("{figure:.0}"),
        small if small < 1.0 => format!("{figure:.3}"),
        _ => format!("{figure:.1}"),
    }
}

/// The median time of so many runs of a piece of code, after one that does not count.
pub fn median(runs: usize, mut piece: impl FnMut()) -> Duration {
    piece();
    let times = (0..runs.max(1)).map(|_| {
        let start = Instant::now();
        piece();
        start.elapsed()
    });
    middle(times.collect())
}

/// The one in the middle.
pub fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Runs a program to its end, its output read and thrown away. `None` if it could not be started or failed.
pub fn process(command: &mut Command) -> Option<Run> {
    let start = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let mut output = child.stdout.take()?;
    let reader = std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while output.read(&mut buffer).is_ok_and(|read| read > 0) {}
    });
    let mut resident_bytes = 0;
    let status = loop {
        resident_bytes = resident_bytes.max(peak_resident_bytes(child.id()));
        match child.try_wait().ok()? {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_micros(200)),
        }
    };
    let wall = start.elapsed();
    reader.join().ok()?;
    status.success().then_some(Run { wall, resident_bytes })
}

/// The most memory that a process had resident so far, in bytes; 0 when it is gone or the system does not tell.
pub fn peak_resident_bytes(pid: u32) -> u64 {
    status_kib(pid, "VmHWM:") * 1024
}

/// The memory that a process has resident now, in bytes; 0 when it is gone or the system does not tell.
pub fn resident_bytes(pid: u32) -> u64 {
    status_kib(pid, "VmRSS:") * 1024
}

fn status_kib(pid: u32, key: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|rest| rest.split_whitespace().next()).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

/// Whether a program is on the `PATH`; tells on standard output when it is not.
pub fn installed(program: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|directory| directory.join(program).is_file()));
    if !found {
        println!("  {program} is not installed: its lines are left out");
    }
    found
}
