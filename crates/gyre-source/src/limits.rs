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
/// Bytes of one file of a chart repository: an index or a chart.
pub(crate) const HELM_FILE_BYTES_MAX: u64 = 512 << 20;
/// How long one file of a chart repository may take; Helm's own limit.
pub(crate) const HELM_TIMEOUT_S: u64 = 120;
/// Bytes of an index that cannot be read piece by piece: one in flow style, or with anchors.
pub(crate) const HELM_WHOLE_INDEX_BYTES_MAX: u64 = 32 << 20;
/// Bytes of one line of an index.
pub(crate) const HELM_LINE_BYTES_MAX: u64 = 8 << 20;
/// How much of a server's refusal is told.
pub(crate) const REFUSAL_BYTES_MAX: u64 = 1024;
/// Bytes of one file that a kustomization takes from an address.
pub(crate) const BASE_FILE_BYTES_MAX: u64 = 64 << 20;
/// How long one of them may take.
pub(crate) const BASE_FILE_TIMEOUT_S: u64 = 60;
/// How deep submodules may lie in each other.
pub(crate) const SUBMODULE_DEPTH_MAX: usize = 8;
/// How many submodules a repository may have, those of its submodules included.
pub(crate) const SUBMODULES_MAX: usize = 100;
/// Bytes of a manifest, a page of tags or a token of a registry.
pub(crate) const OCI_MANIFEST_BYTES_MAX: u64 = 8 << 20;
/// Bytes of a blob.
pub(crate) const OCI_BLOB_BYTES_MAX: u64 = 512 << 20;
/// Pages of tags of one repository.
pub(crate) const OCI_TAG_PAGES_MAX: usize = 1000;
/// Packets of a keyring.
pub(crate) const PGP_PACKETS_MAX: usize = 100_000;
/// Bytes that are hashed to make a key of a passphrase; the most that OpenPGP can ask for.
pub(crate) const PGP_S2K_BYTES_MAX: usize = 65_011_712;
/// Letters of one line of a signature.
pub(crate) const PGP_LINE_LETTERS: usize = 64;
