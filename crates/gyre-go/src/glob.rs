//! The globs of the Go tools, which differ in `*`, `**`, braces, classes and separators.
//!
//! | module | library | where it is met |
//! |---|---|---|
//! | [`gobwas`] | gobwas/glob | Argo CD's projects, RBAC, include and exclude; Helm's `.Files.Glob` |
//! | [`doublestar`] | bmatcuk/doublestar | Argo CD's generators |
//! | [`path`] | path.Match, filepath.Match | ignore files, `io/fs` |
//! | [`gitignore`] | go-git and Flux's sourceignore | ignore files |
//! | [`helmignore`] | Helm | `.helmignore` |

pub mod doublestar;
pub mod gitignore;
pub mod gobwas;
pub mod helmignore;
pub mod path;
pub mod tree;

/// A pattern that cannot be read; the text is that of `path.ErrBadPattern`.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("syntax error in pattern")]
pub struct BadPattern;
