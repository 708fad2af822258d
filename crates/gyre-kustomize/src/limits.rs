//! The limits of a build.

/// How many files a build may read.
pub const FILES_MAX: usize = 100_000;

/// How many bytes a build may read.
pub const BYTES_MAX: usize = 256 << 20;

/// How many bytes one file may have.
pub const FILE_BYTES_MAX: usize = 64 << 20;

/// How many bytes variables, replacements and `copy` operations may put into resources.
pub const COPIED_BYTES_MAX: usize = 256 << 20;

/// How many nodes the aliases of all files of a build may write out.
pub const ALIASED_NODES_MAX: usize = 4_000_000;

/// How many kustomizations a build may read, one that is named again counted again.
pub const KUSTOMIZATIONS_MAX: usize = 10_000;

/// How deep kustomizations may refer to each other.
pub const DEPTH_MAX: usize = 64;

/// How many resources a build may hold.
pub const RESOURCES_MAX: usize = 500_000;

/// How many bytes of parsed files a cache keeps before it starts anew.
pub const CACHE_BYTES_MAX: usize = 256 << 20;

/// How long a list `create` in a replacement may make.
pub const LIST_ITEMS_MAX: usize = 10_000;

/// How many items a patch and a resource may have together in a list that is merged by keys.
pub const MERGED_ITEMS_MAX: usize = 5_000;
