//! Why no connection came about, in the words that users of the peers know.

use std::error::Error;
use std::io;

/// The innermost cause, which names what is wrong.
pub(crate) fn reason(error: &(dyn Error + 'static), host: &str, port: u16) -> String {
    let mut text = error.to_string();
    let mut inner = Some(error);
    while let Some(cause) = inner {
        let refused =
            cause.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::ConnectionRefused);
        if refused {
            return format!("dial tcp {host}:{port}: connect: connection refused");
        }
        text = cause.to_string();
        inner = cause.source();
    }
    text
}
