//! Fetches sources and keeps their artifacts.
//!
//! In: an address, credentials and what to look for. Out: a revision and its files as a [`gyre_model::FileTree`].
//! Repositories lie in a cache directory as Git keeps them and are never checked out; any of them may be deleted at
//! any time. Start at [`Sources`].

mod artifact;
mod bases;
mod dial;
mod git;
pub mod helm;
mod ignore;
mod limits;
pub mod oci;
mod store;

pub use artifact::{Archive, archive};
pub use bases::Bases;
pub use git::{Auth, Commit, GitError, Remote, Revision, Sources, Submodule, Tls, Want};
pub use ignore::apply as apply_ignore;
pub use limits::Limits;
pub use store::{ArtifactStore, StoreError, Stored};
