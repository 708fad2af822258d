//! Writing, byte for byte as the Go libraries do.
//!
//! `value` writes JSON as `sigs.k8s.io/yaml` (go-yaml v2); `node` writes nodes as go-yaml v3; both lay scalars out
//! with `writer` after `scalar` has looked at them.

pub(crate) mod node;
pub(crate) mod order;
mod scalar;
pub(crate) mod value;
mod writer;
