//! Bounds of this crate.

/// What a source may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of all files of one revision together.
    pub tree_bytes_max: u64,
    /// Files and links of one revision.
    pub files_max: usize,
    /// Bytes that one fetch may transfer.
    pub pack_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { tree_bytes_max: 512 << 20, files_max: 200_000, pack_bytes_max: 512 << 20 }
    }
}

/// Fetches under way at once.
pub(crate) const FETCHES_AT_ONCE: usize = 4;
/// How deep directories may lie in each other.
pub(crate) const DEPTH_MAX: usize = 100;
/// Packs that a repository in the cache may have before it is fetched anew.
pub(crate) const PACKS_MAX: usize = 100;
/// Checkouts that are kept in memory for each repository.
pub(crate) const CHECKOUTS_KEPT: usize = 4;
/// Archives that are kept of each source: the present and the one before it, for readers that are under way.
pub(crate) const ARCHIVES_KEPT: usize = 2;
/// How much of a server's refusal is told.
pub(crate) const REFUSAL_BYTES_MAX: u64 = 1024;
