//! Texts that are signed and stay readable.

use gyre_go::base64::STANDARD;

use super::keyring::{Entity, Keyring};
use super::{PgpError, packet};
use crate::limits::PGP_LINE_LETTERS;

const START: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE_START: &str = "-----BEGIN PGP SIGNATURE-----";
const SIGNATURE_END: &str = "-----END PGP SIGNATURE-----";
/// What may be named as the hash of a text.
const HASHES: [&str; 6] = ["SHA224", "SHA256", "SHA384", "SHA512", "SHA3-256", "SHA3-512"];

/// A text and its signatures.
#[derive(Debug)]
pub struct Signed {
    /// The text as its author wrote it.
    pub text: String,
    /// The text as it is signed.
    hashed: Vec<u8>,
    signatures: Vec<u8>,
}

impl Signed {
    /// Finds the first signed text of a file; `None` when there is none that is whole.
    pub fn find(file: &str) -> Option<Self> {
        let mut lines = file.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
        lines.by_ref().find(|line| *line == START)?;
        for line in lines.by_ref() {
            if line.trim().is_empty() {
                break;
            }
            let (key, values) = line.split_once(':')?;
            let is_known = |value: &str| HASHES.contains(&value.trim().to_ascii_uppercase().as_str());
            if key.trim() != "Hash" || !values.split(',').all(is_known) {
                return None;
            }
        }
        let mut text = Vec::new();
        loop {
            let line = lines.next()?;
            if line == SIGNATURE_START {
                break;
            }
            text.push(line.strip_prefix("- ").unwrap_or(line).trim_end_matches([' ', '\t']));
        }
        let signatures = armored(lines)?;
        Some(Self { text: text.join("\n"), hashed: text.join("\r\n").into_bytes(), signatures })
    }

    /// Who signed it.
    pub fn signer<'a>(&self, keyring: &'a Keyring, now_s: u64) -> Result<&'a Entity, PgpError> {
        keyring.signer(&self.hashed, &self.signatures, now_s)
    }

    /// Signs a text; gives the file.
    pub fn sign(
        text: &str,
        entity: &Entity,
        passphrase: Option<&[u8]>,
        now_s: u64,
    ) -> Result<String, PgpError> {
        let lines = || text.split('\n').map(|line| line.trim_end_matches([' ', '\t', '\r']));
        let hashed = lines().collect::<Vec<_>>().join("\r\n");
        let signature = entity.sign(hashed.as_bytes(), passphrase, now_s)?;
        let mut out = format!("{START}\nHash: {}\n\n", entity.primary.hash().name());
        for line in lines() {
            if line.starts_with('-') {
                out.push_str("- ");
            }
            out.push_str(line);
            out.push('\n');
        }
        out.push_str(SIGNATURE_START);
        out.push_str("\n\n");
        let encoded = STANDARD.encode(&signature);
        for line in encoded.as_bytes().chunks(PGP_LINE_LETTERS) {
            out.push_str(&String::from_utf8_lossy(line));
            out.push('\n');
        }
        out.push_str(SIGNATURE_END);
        Ok(out)
    }
}

/// The content of an armor whose first line is gone.
fn armored<'a>(mut lines: impl Iterator<Item = &'a str>) -> Option<Vec<u8>> {
    for line in lines.by_ref() {
        if line.trim().is_empty() {
            break;
        }
        line.split_once(": ")?;
    }
    let mut letters = String::new();
    loop {
        let line = lines.next()?.trim();
        if line == SIGNATURE_END {
            break;
        }
        // A sum of the content, which a signature does not need.
        if !line.starts_with('=') {
            letters.push_str(line);
        }
    }
    let content = STANDARD.decode(letters.as_bytes()).ok()?;
    packet::packets(&content).is_ok().then_some(content)
}
