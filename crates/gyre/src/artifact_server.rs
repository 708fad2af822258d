//! Serves the archives of artifacts, as source-controller does.

use std::sync::Arc;

use gyre_source::ArtifactStore;
use http::{HeaderValue, Method, Request, header};
use hyper::body::Incoming;
use tokio::net::TcpListener;

use crate::http::{Answer, serve, text};

/// Answers `GET /gitrepository/<namespace>/<name>/<commit>.tar.gz`.
pub(crate) fn start(listener: TcpListener, store: Arc<ArtifactStore>) {
    serve(listener, move |request: Request<Incoming>| {
        let store = Arc::clone(&store);
        async move {
            let path = request.uri().path().trim_start_matches('/').to_owned();
            if request.method() != Method::GET && request.method() != Method::HEAD {
                return text(405, "method not allowed\n");
            }
            if path.is_empty() {
                // Probes ask for it.
                return text(200, "gyre\n");
            }
            let found = tokio::task::spawn_blocking(move || store.read(&path)).await.ok().flatten();
            found.map_or_else(|| text(404, "not found\n"), archive)
        }
    });
}

fn archive(bytes: Vec<u8>) -> Answer {
    let mut answer = text(200, bytes);
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/gzip"));
    answer
}
