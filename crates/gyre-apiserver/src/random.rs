//! Identifiers that nobody can guess: uids, ends of generated names, tokens.

use std::sync::Mutex;
use std::sync::PoisonError;

use ring::rand::{SecureRandom, SystemRandom};

/// Letters of generated names: no vowels, nothing that looks alike.
const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// A source of randomness that asks the system rarely.
#[derive(Debug)]
pub(crate) struct Random {
    system: SystemRandom,
    pool: Mutex<Vec<u8>>,
}

impl Random {
    pub(crate) fn new() -> Self {
        Self { system: SystemRandom::new(), pool: Mutex::default() }
    }

    pub(crate) fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.len() < N {
            let mut fresh = vec![0; 4096];
            // A system without randomness gives zeros, and names that clash are refused.
            let _ = self.system.fill(&mut fresh);
            *pool = fresh;
        }
        let at = pool.len() - N;
        let mut out = [0; N];
        out.copy_from_slice(&pool[at..]);
        pool.truncate(at);
        out
    }

    /// A uid of version 4.
    pub(crate) fn uid(&self) -> String {
        let mut bytes: [u8; 16] = self.bytes();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let mut out = hex(&bytes);
        for at in [8, 13, 18, 23] {
            out.insert(at, '-');
        }
        out
    }

    /// Five letters for the end of a generated name.
    pub(crate) fn suffix(&self) -> String {
        self.bytes::<5>().iter().map(|byte| LETTERS[*byte as usize % LETTERS.len()] as char).collect()
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let mut out = String::with_capacity(bytes.len() * 2 + 4);
    out.extend(digits.map(|it| char::from(DIGITS[usize::from(it)])));
    out
}
