//! The nouns of Gyre: what flows from a source to a cluster, without any behaviour that touches the world.

mod digest;
mod file_tree;
mod object;
mod object_ref;
mod secret;

pub use digest::Digest;
pub use file_tree::{Dir, Entry, EntryKind, File, FileTree, FileTreeBuilder, Source, TreeError, clean_path};
pub use object::{Object, ObjectError};
pub use object_ref::{GroupKind, GroupVersionKind, ObjectRef};
pub use secret::Secret;
