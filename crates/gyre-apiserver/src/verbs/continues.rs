//! Continue tokens: where a page of a list ended, for the request of the next one.

use gyre_go::base64::RAW_URL;
use serde_json::{Value, json};

use crate::failure::{Failure, Result};

/// Where a page ended.
pub(super) struct Continue {
    pub(super) revision: u64,
    pub(super) after: String,
}

impl Continue {
    pub(super) fn token(&self) -> String {
        let token = json!({"v": "meta.k8s.io/v1", "rv": self.revision, "start": format!("{}\0", self.after)});
        RAW_URL.encode(token.to_string().as_bytes())
    }

    pub(super) fn read(token: &str) -> Result<Self> {
        let bad = |why: &str| {
            Failure::bad_request(format!("invalid continue token: continue key is not valid: {why}"))
        };
        let bytes = RAW_URL
            .decode(token.trim_end_matches('=').as_bytes())
            .map_err(|corrupt| bad(&corrupt.to_string()))?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|error| bad(&error.to_string()))?;
        let revision = value["rv"].as_i64().unwrap_or_default();
        let start = value["start"].as_str().unwrap_or_default();
        if start.is_empty() {
            return Err(bad("encoded continue key missing start key (v1)"));
        }
        Ok(Self {
            revision: u64::try_from(revision).unwrap_or(0),
            after: start.trim_end_matches('\0').to_owned(),
        })
    }
}

/// The token of the page after an object.
pub(super) fn page_token(revision: u64, after: &str) -> String {
    Continue { revision, after: after.to_owned() }.token()
}
