//! What the program says where it cannot start, and what it does when nobody reads what it writes.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

fn gyre(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gyre"));
    command.args(arguments).stdin(Stdio::null()).env_remove("KUBECONFIG");
    command
}

/// What a start that fails says: one line.
fn refusal(arguments: &[&str]) -> String {
    let output = gyre(arguments).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

fn up(data: &Path, port: u16) -> String {
    refusal(&["up", "--data", data.to_str().unwrap(), "--port", &port.to_string()])
}

#[test]
fn a_port_that_is_in_use_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let said = up(dir.path(), port);
    assert!(said.contains(&format!("port {port} ")) && said.contains("--port"), "{said}");
    let data = dir.path().to_str().unwrap();
    let said = refusal(&["demo", "--data", data, "--port", "0", "--git-port", &port.to_string()]);
    assert!(said.contains(&format!("port {port} ")) && said.contains("--git-port"), "{said}");
}

#[test]
fn a_data_directory_that_cannot_be_one_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    for data in [file.as_path(), Path::new("/proc/gyre")] {
        let said = up(data, 0);
        assert!(said.contains(data.to_str().unwrap()) && said.contains("--data"), "{said}");
    }
}

#[test]
fn a_data_file_that_is_not_whole_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let api = dir.path().join("api");
    fs::create_dir_all(&api).unwrap();
    let file = api.join("gyre.redb");
    let mut cut = b"redb\x1a\x0a\xa9\x0d\x0a".to_vec();
    cut.resize(5000, 0);
    for content in [&b"garbage"[..], &cut] {
        fs::write(&file, content).unwrap();
        let said = up(dir.path(), 0);
        assert!(said.contains(file.to_str().unwrap()) && said.contains("damaged: move it away"), "{said}");
        assert_eq!(fs::read(&file).unwrap(), content, "the file is left as it is");
    }
}

#[test]
fn a_reader_that_goes_ends_the_command_quietly() {
    for arguments in [&["install", "--export"][..], &["completion", "bash"], &["helm", "env"]] {
        let mut child = gyre(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
}
