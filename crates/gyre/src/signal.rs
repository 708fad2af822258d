//! How the program is told to stop.

use tokio::signal::unix::{SignalKind, signal};

/// Waits for Ctrl-C or a termination signal.
pub(crate) async fn stopped() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = tokio::signal::ctrl_c() => done,
        _ = terminate.recv() => Ok(()),
    }
}
