//! Why a repository could not be read. The texts are those that Flux's users see, where Flux has one.

use gyre_model::TreeError;

/// Why a repository could not be read.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum GitError {
    /// The address is not one.
    #[error("{url}: {why}")]
    Url {
        /// The address, without credentials.
        url: String,
        /// What is wrong.
        why: String,
    },
    /// Credentials are missing, or are not accepted.
    #[error("authentication required: {0}")]
    Unauthorized(String),
    /// There is no such repository.
    #[error("repository not found")]
    NotFound,
    /// The repository has no commits.
    #[error("git repository is empty")]
    Empty,
    /// There is no such branch or tag.
    #[error("couldn't find remote ref \"{0}\"")]
    NoRef(String),
    /// No tag fits the range.
    #[error("no match found for semver: {0}")]
    NoVersion(String),
    /// The range is not one.
    #[error("semver parse error: {0}")]
    BadRange(String),
    /// There is no such commit.
    #[error("unable to resolve commit object for '{0}': object not found")]
    NoCommit(String),
    /// The revision is no branch, no tag and no commit.
    #[error("unable to resolve '{0}' to a commit SHA")]
    Unresolved(String),
    /// No answer in time.
    #[error("{0}: context deadline exceeded")]
    Timeout(String),
    /// No connection, or an answer that is none.
    #[error("{0}")]
    Unreachable(String),
    /// The repository is larger than is allowed.
    #[error("{what} is more than the limit of {limit}: exclude what is not needed, or raise the limit")]
    TooLarge {
        /// What is too large.
        what: String,
        /// How much is allowed.
        limit: String,
    },
    /// The files cannot be read.
    #[error("{0}")]
    Tree(#[from] TreeError),
    /// The cache on disk fails.
    #[error("git cache: {0}")]
    Cache(String),
}
