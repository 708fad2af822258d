//! Renders the charts that real Helm rendered, and the rows of functions.

#![expect(clippy::unwrap_used, reason = "a case of another shape has to fail the test")]

#[path = "sets/funcs.rs"]
mod funcs;
#[path = "sets/go.rs"]
mod go;
#[path = "sets/helm.rs"]
mod helm;
