//! A Git server on loopback for the demo: smart HTTP by the installed `git http-backend`, pushes allowed.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::http::{Answer, serve, text};

/// The largest push, and the largest answer, of the demo's server.
const BODY_BYTES_MAX: usize = 256 << 20;

/// Serves the repositories in `root`. `pushed` hears the name of a repository after a push to it.
pub(crate) fn start(listener: TcpListener, root: PathBuf, pushed: impl Fn(&str) + Send + Sync + 'static) {
    let pushed = Arc::new(pushed);
    serve(listener, move |request: Request<Incoming>| {
        let (root, pushed) = (root.clone(), Arc::clone(&pushed));
        async move {
            let path = request.uri().path().to_owned();
            let answer = match backend(&root, request).await {
                Ok(answer) => answer,
                Err(error) => text(500, format!("{error:#}\n")),
            };
            if let Some(repository) = path.trim_start_matches('/').strip_suffix("/git-receive-pack")
                && answer.status().is_success()
            {
                pushed(repository);
            }
            answer
        }
    });
}

async fn backend(root: &Path, request: Request<Incoming>) -> Result<Answer> {
    let (parts, body) = request.into_parts();
    let header =
        |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
    let Ok(body) = body else { return Ok(text(413, "the push is too large for the demo\n")) };
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", header("content-type"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("git cannot be started: install it (apt-get install git)")?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let body = body.to_bytes();
    let feed = async move {
        if let Some(mut input) = input {
            // The backend may answer before it has read everything.
            let _ = input.write_all(&body).await;
        }
    };
    let drain = async move {
        let mut answer = Vec::new();
        if let Some(output) = output {
            output.take(BODY_BYTES_MAX as u64).read_to_end(&mut answer).await?;
        }
        std::io::Result::Ok(answer)
    };
    let ((), answer) = tokio::join!(feed, drain);
    child.wait().await?;
    cgi(answer?)
}

/// Reads a CGI answer (RFC 3875, section 6): headers, an empty line, the body.
fn cgi(answer: Vec<u8>) -> Result<Answer> {
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .context("git http-backend gave no answer")?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let body = Bytes::from(answer).slice(end + 4..);
    let mut response = text(200, body);
    for line in head.split("\r\n") {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        if name.eq_ignore_ascii_case("status") {
            let code = value.split(' ').next().and_then(|code| code.parse().ok()).unwrap_or(500);
            *response.status_mut() = http::StatusCode::from_u16(code)?;
        } else {
            response
                .headers_mut()
                .insert(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(value)?);
        }
    }
    Ok(response)
}
