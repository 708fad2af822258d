//! Registries of the Open Container Initiative: tags, manifests and blobs, read and written over HTTP.
//!
//! A [`Registry`] is one host with what it takes to be let in; a [`Reference`] names something in it. Logging in is the
//! protocol's own: basic authentication, or a token that the registry says where to get.

mod challenge;
mod credentials;
mod reference;
mod registry;

pub use credentials::{Credential, Logins};
pub use reference::Reference;
pub use registry::{Descriptor, Manifest, OciError, Registry};
