//! Git repositories: what is there, and the files of one commit.

mod error;
mod fetch;
mod pick;
mod progress;
mod remote;
mod sources;
mod ssh;
mod submodules;
mod tree;

pub use error::GitError;
pub use pick::{Revision, Want};
pub use remote::{Auth, Remote, Tls};
pub use sources::Sources;
pub use tree::{Commit, Submodule};
