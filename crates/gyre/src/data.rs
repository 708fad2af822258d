//! The data directory: made where it is missing, used by one program at a time.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// A data directory in use.
pub(crate) struct DataDir {
    path: PathBuf,
    /// Removed at the end where it was made for one run.
    temporary: bool,
    /// Held as long as the directory is in use.
    _lock: File,
}

/// The file by which a second program sees that the directory is in use.
const LOCK: &str = "lock";

impl DataDir {
    /// Opens the directory, which is made where it is missing.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let named = || format!("data directory {}", path.display());
        fs::create_dir_all(path)
            .with_context(|| format!("{} cannot be made: give another with --data", named()))?;
        let lock = File::create(path.join(LOCK))
            .with_context(|| format!("{} cannot be written: give another with --data", named()))?;
        if lock.try_lock().is_err() {
            bail!("{} is in use by another gyre: stop it, or give another with --data", named());
        }
        let path = path.canonicalize().with_context(named)?;
        Ok(Self { path, temporary: false, _lock: lock })
    }

    /// A directory for this run only.
    pub(crate) fn temporary() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("gyre-{}", std::process::id()));
        let mut dir = Self::open(&path)?;
        dir.temporary = true;
        Ok(dir)
    }

    /// A path inside.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The directory itself.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// The administrator's token: made up at the first start, kept for the next ones.
pub(crate) fn token(data: &DataDir) -> Result<String> {
    let path = data.join("token");
    if let Ok(token) = fs::read_to_string(&path)
        && !token.trim().is_empty()
    {
        return Ok(token.trim().to_owned());
    }
    let token = made_up_token();
    write_private(&path, &token)?;
    Ok(token)
}

/// Where the certificates of the embedded API are kept.
pub(crate) fn certificates(data: &DataDir) -> PathBuf {
    data.join("tls")
}

/// A token that nobody can guess.
pub(crate) fn made_up_token() -> String {
    let mut bytes = [0_u8; 32];
    // It fails only where the system has no source of randomness, and then nothing else works either.
    let _ = rustls::crypto::ring::default_provider().secure_random.fill(&mut bytes);
    gyre_model::Digest::of(&bytes).hex()
}

/// Writes a file that only its owner may read; a reader never sees half of it.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;

    let failed = || format!("{} cannot be written", path.display());
    let temporary = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    let mut file =
        options.write(true).create(true).truncate(true).mode(0o600).open(&temporary).with_context(failed)?;
    file.write_all(text.as_bytes()).with_context(failed)?;
    fs::rename(&temporary, path).with_context(failed)
}

impl Drop for DataDir {
    fn drop(&mut self) {
        if self.temporary {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
