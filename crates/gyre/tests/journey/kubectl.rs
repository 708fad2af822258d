//! kubectl against an embedded API of its own.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long anything may take before a journey gives up.
const STEP_MAX: Duration = Duration::from_secs(60);

/// `gyre apiserver --simulation`, and a directory for kubectl's files.
pub(crate) struct Kube {
    pub(crate) dir: tempfile::TempDir,
    process: Child,
}

/// What a finished kubectl printed.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Drop for Kube {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Words of a line; single quotes hold words together.
fn words(line: &str) -> Vec<String> {
    let (mut out, mut word, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    for char in line.chars() {
        match char {
            '\'' => (quoted, any) = (!quoted, true),
            ' ' if !quoted => {
                if any {
                    out.push(std::mem::take(&mut word));
                }
                any = false;
            }
            _ => {
                word.push(char);
                any = true;
            }
        }
    }
    if any {
        out.push(word);
    }
    out
}

impl Kube {
    /// Starts a server; `None`, with a line that says so, where kubectl is not installed.
    pub(crate) fn start() -> Option<Self> {
        if !gyre_testkit::bench::installed("kubectl") {
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("kubeconfig");
        let process = Command::new(env!("CARGO_BIN_EXE_gyre"))
            .args(["apiserver", "--simulation", "--listen", "127.0.0.1:0"])
            .stdout(fs::File::create(&config).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let kube = Self { dir, process };
        kube.wait("the kubeconfig", |_| fs::read_to_string(&config).is_ok_and(|it| it.contains("token:")));
        Some(kube)
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("kubectl");
        command
            .args(words(line))
            .current_dir(self.path())
            .env("KUBECONFIG", self.path().join("kubeconfig"))
            .env("HOME", self.path())
            .env("KUBE_EDITOR", self.path().join("editor"))
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, line: &str) -> Said {
        let output = self.command(line).output().unwrap();
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs a line that must succeed and print these.
    pub(crate) fn says(&self, line: &str, wanted: &[&str]) -> String {
        let said = self.run(line);
        assert_eq!(said.code, 0, "kubectl {line}: {said:?}");
        for text in wanted {
            assert!(said.out.contains(text), "kubectl {line}: {text:?} is not in {said:?}");
        }
        said.out
    }

    /// Runs a line that must fail with this code and tell these.
    pub(crate) fn fails(&self, line: &str, code: i32, wanted: &[&str]) {
        let said = self.run(line);
        assert_eq!(said.code, code, "kubectl {line}: {said:?}");
        for text in wanted {
            let told = said.err.contains(text) || said.out.contains(text);
            assert!(told, "kubectl {line}: {text:?} is not in {said:?}");
        }
    }

    /// Runs a line again and again until it prints this.
    pub(crate) fn comes_to_say(&self, line: &str, wanted: &str) {
        self.wait(&format!("kubectl {line} says {wanted:?}"), |kube| kube.run(line).out.contains(wanted));
    }

    /// Starts a line, and gives back what it has printed by the time that a text is in it. It is ended then.
    pub(crate) fn until(&self, line: &str, wanted: &str, meanwhile: impl FnOnce(&Self)) -> String {
        let mut child = self.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut text = String::new();
        lines.read_line(&mut text).unwrap();
        meanwhile(self);
        while !text.contains(wanted) {
            if lines.read_line(&mut text).unwrap() == 0 {
                let mut errors = String::new();
                child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
                panic!("kubectl {line} ended: {text:?} {errors:?}");
            }
        }
        let _ = child.kill();
        let _ = child.wait();
        text
    }

    /// Looks until the condition holds.
    pub(crate) fn wait(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let begin = Instant::now();
        while !holds(self) {
            assert!(begin.elapsed() < STEP_MAX, "{what}: not within {} s", STEP_MAX.as_secs());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
