//! Paths that are no objects: discovery, OpenAPI, version, health, metrics.

mod discovery;
mod openapi;

use std::fmt::Write as _;
use std::sync::Arc;

use http::Method;
use serde_json::json;

use crate::api::Api;
use crate::auth::{User, tokens};
use crate::failure::{Failure, Result};
use crate::request::Request;
use crate::response::{Answer, Payload};

/// The version of Kubernetes whose behaviour this is.
const MINOR: &str = "36";
const VERSION: &str = "v1.36.1+gyre";

impl Api {
    /// Answers a path that is no object.
    pub(crate) fn page(self: &Arc<Self>, request: &Request, _user: &User) -> Result<Answer> {
        let path = request.path.as_str();
        if path.starts_with("/api") && path != "/apis" {
            let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
            if parts[0] == "api" || parts[0] == "apis" {
                return self.discovery(request, &parts);
            }
        }
        if request.method != Method::GET && request.method != Method::HEAD {
            return Err(Failure::page_not_found());
        }
        match path {
            "/" => Ok(Answer::object(200, json!({"paths": self.paths()}))),
            "/apis" => self.discovery(request, &["apis"]),
            "/version" | "/version/" => Ok(version()),
            "/healthz" | "/livez" | "/readyz" | "/healthz/ping" | "/readyz/ping" | "/livez/ping" => {
                Ok(Self::health(request))
            }
            "/metrics" => Ok(Answer::of(
                200,
                Payload::Text(
                    "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
                    self.metrics(),
                ),
            )),
            tokens::CONFIGURATION_PATH => {
                Ok(public(json_page("application/json", &tokens::Signer::configuration(request.host()))))
            }
            tokens::KEYS_PATH => {
                Ok(public(json_page("application/jwk-set+json", &self.access.signer.keys())))
            }
            path if path.starts_with("/openapi/") => self.openapi(request),
            path if path.starts_with("/healthz/")
                || path.starts_with("/readyz/")
                || path.starts_with("/livez/") =>
            {
                Ok(Self::health(request))
            }
            _ => Err(missing_path(path)),
        }
    }

    fn health(request: &Request) -> Answer {
        let what = request.path.trim_matches('/').split('/').next().unwrap_or_default();
        let text = if request.query.has("verbose") {
            format!("[+]ping ok\n[+]log ok\n[+]storage ok\n{what} check passed\n")
        } else {
            "ok".into()
        };
        let mut answer = Answer::of(200, Payload::Text("text/plain; charset=utf-8", text));
        answer.headers.push(("x-content-type-options", "nosniff".into()));
        answer
    }

    fn metrics(&self) -> String {
        let registry = self.registry();
        let mut out = String::from(
            "# HELP apiserver_storage_objects Number of stored objects by resource.\n# TYPE apiserver_storage_objects gauge\n",
        );
        for kind in &registry.kinds {
            let name = crate::failure::qualified(&kind.group, &kind.plural);
            let count = self.store.count(&kind.shelf);
            let _ = writeln!(out, "apiserver_storage_objects{{resource=\"{name}\"}} {count}");
        }
        out.push_str("# HELP apiserver_storage_revision The latest revision.\n# TYPE apiserver_storage_revision counter\n");
        let _ = writeln!(out, "apiserver_storage_revision {}", self.store.revision());
        out
    }
}

fn json_page(media: &'static str, content: &serde_json::Value) -> Answer {
    Answer::of(200, Payload::Text(media, content.to_string()))
}

/// What anybody may keep for an hour.
fn public(mut answer: Answer) -> Answer {
    answer.headers.push(("cache-control", "public, max-age=3600".into()));
    answer
}

fn missing_path(path: &str) -> Failure {
    let _ = path;
    Failure::page_not_found()
}

fn version() -> Answer {
    Answer::object(
        200,
        json!({
            "major": "1", "minor": MINOR, "gitVersion": VERSION, "gitCommit": "", "gitTreeState": "clean",
            "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "", "platform": "linux/amd64",
            "emulationMajor": "1", "emulationMinor": MINOR, "minCompatibilityMajor": "1", "minCompatibilityMinor": "35",
        }),
    )
}
