//! A tree as an archive: `tar.gz`, the same bytes for the same files.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use gyre_model::{Digest, Dir, Entry, FileTree};

/// An archive in memory.
#[derive(Clone, Debug)]
pub struct Archive {
    /// The bytes of the `tar.gz`.
    pub bytes: Vec<u8>,
    /// Their digest.
    pub digest: Digest,
}

/// Packs the tree as Flux does: a directory entry for each directory, modes 0750, 0600 and 0700, no times, no owners.
pub fn archive(tree: &FileTree) -> io::Result<Archive> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    pack(tree.root(), "./", &mut tar)?;
    let bytes = tar.into_inner()?.finish()?;
    let digest = Digest::of(&bytes);
    Ok(Archive { bytes, digest })
}

fn pack<W: Write>(dir: &Dir, path: &str, tar: &mut tar::Builder<W>) -> io::Result<()> {
    let mut header = header(tar::EntryType::Directory, 0o750, 0);
    tar.append_data(&mut header, path, io::empty())?;
    let prefix = path.strip_prefix("./").unwrap_or(path);
    for (name, entry) in dir.entries() {
        match entry {
            Entry::Dir(inner) => pack(inner, &format!("{prefix}{name}/"), tar)?,
            Entry::File(file) => {
                let mode = if file.executable { 0o700 } else { 0o600 };
                let mut header = self::header(tar::EntryType::Regular, mode, file.content.len() as u64);
                tar.append_data(&mut header, format!("{prefix}{name}"), &*file.content)?;
            }
            Entry::Symlink(_) => {}
        }
    }
    Ok(())
}

fn header(kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn the_same_files_give_the_same_bytes() {
        let tree = FileTree::from_files([("a/b.yaml", "x"), ("c.yaml", "y")]).unwrap();
        let packed = archive(&tree).unwrap();
        assert_eq!(packed.digest, archive(&tree).unwrap().digest);
        let mut listing = Vec::new();
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(&*packed.bytes));
        for entry in tar.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            let mode = entry.header().mode().unwrap();
            listing.push(format!("{mode:04o} {} {text}", String::from_utf8_lossy(&entry.path_bytes())));
        }
        assert_eq!(listing, ["0750 ./ ", "0750 a/ ", "0600 a/b.yaml x", "0600 c.yaml y"]);
    }
}
