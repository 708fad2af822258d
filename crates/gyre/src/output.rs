//! What people see when the program fails, and what it does when nobody looks any more.

use std::process::ExitCode;

/// Prints an error with what led to it, in one line, and gives the exit code.
pub(crate) fn failure(error: &anyhow::Error) -> ExitCode {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if !text.ends_with(&cause) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause);
        }
    }
    eprintln!("✗ {text}");
    ExitCode::FAILURE
}

/// Exit code of a program that writes for nobody: what a shell tells of one that the signal for it has ended.
const READER_GONE: i32 = 141;

/// A command whose reader has gone (`gyre get | head -1`) ends, and says nothing of it.
pub(crate) fn end_when_nobody_reads() {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        // What `print!` says where it fails.
        let text = panic.payload().downcast_ref::<String>().map(String::as_str).unwrap_or_default();
        if text.starts_with("failed printing to std") && text.contains("Broken pipe") {
            std::process::exit(READER_GONE);
        }
        told(panic);
    }));
}
