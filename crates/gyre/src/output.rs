//! What people see when the program fails.

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
