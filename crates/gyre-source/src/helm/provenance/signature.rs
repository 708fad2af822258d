//! Signatures: what they say, and what they are made of.

use ring::digest;

use super::key::signature_numbers;
use super::packet::{self, Reader, write_mpi};
use super::{PgpError, structure};

pub(super) const TEXT: u8 = 1;
pub(super) const SUBKEY_BINDING: u8 = 0x18;
pub(super) const PRIMARY_BINDING: u8 = 0x19;
pub(super) const KEY_REVOCATION: u8 = 0x20;
pub(super) const SUBKEY_REVOCATION: u8 = 0x28;
pub(super) const CERTIFICATION_REVOCATION: u8 = 0x30;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    pub(super) fn read(number: u8) -> Result<Self, PgpError> {
        match number {
            2 => Ok(Self::Sha1),
            8 => Ok(Self::Sha256),
            9 => Ok(Self::Sha384),
            10 => Ok(Self::Sha512),
            other => Err(PgpError::Unsupported(format!("hash function {other}"))),
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::Sha1 => 2,
            Self::Sha256 => 8,
            Self::Sha384 => 9,
            Self::Sha512 => 10,
        }
    }

    /// As the head of a signed text names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha384 => "SHA384",
            Self::Sha512 => "SHA512",
        }
    }

    pub(super) fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }

    pub(super) fn unsupported<T>(self, with: &str) -> Result<T, PgpError> {
        Err(PgpError::Unsupported(format!("{self:?} with {with}")))
    }
}

/// A signature of version 4.
#[derive(Clone, Debug)]
pub(super) struct Signature {
    pub(super) kind: u8,
    pub(super) algorithm: u8,
    pub(super) hash: Hash,
    /// What is hashed after the text.
    pub(super) suffix: Vec<u8>,
    pub(super) created_s: u64,
    /// For how long it is good, in seconds; for ever where it does not say.
    pub(super) lasts_s: Option<u64>,
    /// For how long the key is good.
    pub(super) key_lasts_s: Option<u64>,
    /// The last eight bytes of the fingerprint of the key that made it.
    pub(super) issuer: Option<Vec<u8>>,
    /// What the key may be used for.
    pub(super) flags: Option<u8>,
    pub(super) is_primary: bool,
    /// That a subkey knows of its primary key.
    pub(super) embedded: Option<Box<Signature>>,
    pub(super) numbers: Vec<Vec<u8>>,
}

impl Signature {
    pub(super) fn read(body: &[u8]) -> Result<Self, PgpError> {
        Self::read_at(body, 0)
    }

    fn read_at(body: &[u8], depth: usize) -> Result<Self, PgpError> {
        let mut reader = Reader(body);
        let version = reader.byte()?;
        if version != 4 {
            return Err(PgpError::Unsupported(format!("signature packet version {version}")));
        }
        let (kind, algorithm, hash) = (reader.byte()?, reader.byte()?, Hash::read(reader.byte()?)?);
        let length = reader.number(2)?;
        let hashed = reader.take(length)?;
        let mut suffix = body[..6 + length].to_vec();
        suffix.extend_from_slice(&[4, 0xff]);
        suffix.extend_from_slice(&((6 + length) as u32).to_be_bytes());
        let length = reader.number(2)?;
        let unhashed = reader.take(length)?;
        reader.take(2)?;
        let numbers = signature_numbers(algorithm, &mut reader)?.into_iter().map(<[u8]>::to_vec).collect();
        let mut signature = Self {
            kind,
            algorithm,
            hash,
            suffix,
            created_s: 0,
            lasts_s: None,
            key_lasts_s: None,
            issuer: None,
            flags: None,
            is_primary: false,
            embedded: None,
            numbers,
        };
        signature.parts(hashed, true, depth)?;
        signature.parts(unhashed, false, depth)?;
        Ok(signature)
    }

    fn parts(&mut self, parts: &[u8], is_hashed: bool, depth: usize) -> Result<(), PgpError> {
        let mut reader = Reader(parts);
        while !reader.0.is_empty() {
            let (kind, body) = reader.subpacket()?;
            let seconds = || Reader(body).number(4).map(|seconds| seconds as u64);
            match kind & 0x7f {
                2 if is_hashed => self.created_s = seconds()?,
                3 if is_hashed => self.lasts_s = Some(seconds()?).filter(|seconds| *seconds > 0),
                9 if is_hashed => self.key_lasts_s = Some(seconds()?).filter(|seconds| *seconds > 0),
                16 if body.len() == 8 => self.issuer = Some(body.to_vec()),
                25 if is_hashed => self.is_primary = body.first().is_some_and(|byte| *byte != 0),
                27 if is_hashed => self.flags = body.first().copied(),
                32 if depth == 0 => self.embedded = Some(Box::new(Self::read_at(body, 1)?)),
                33 if body.len() == 21 && body[0] == 4 && self.issuer.is_none() => {
                    self.issuer = Some(body[13..].to_vec());
                }
                4..=7 | 11 | 12 | 16 | 20..=26 | 28..=35 | 39 => {}
                other if is_hashed && kind & 0x80 != 0 && !matches!(other, 2 | 3 | 9 | 27) => {
                    return Err(PgpError::Unsupported(format!("critical signature subpacket type {other}")));
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn is_over(&self, now_s: u64) -> bool {
        self.lasts_s.is_some_and(|lasts| self.created_s.saturating_add(lasts) < now_s)
    }
}

/// A signature that is about to be made of a text.
pub(super) struct Unsigned {
    head: Vec<u8>,
}

impl Unsigned {
    /// Of a text.
    pub(super) fn new(algorithm: u8, hash: Hash, fingerprint: &[u8; 20], now_s: u64) -> Self {
        let mut head = vec![4, TEXT, algorithm, hash.number(), 0, 29];
        head.extend_from_slice(&[5, 2]);
        head.extend_from_slice(&(now_s as u32).to_be_bytes());
        head.extend_from_slice(&[22, 33, 4]);
        head.extend_from_slice(fingerprint);
        Self { head }
    }

    /// What is hashed after the text.
    pub(super) fn suffix(&self) -> Vec<u8> {
        let mut suffix = self.head.clone();
        suffix.extend_from_slice(&[4, 0xff]);
        suffix.extend_from_slice(&(self.head.len() as u32).to_be_bytes());
        suffix
    }

    /// The packet, once the numbers are known.
    pub(super) fn signed(
        self,
        digest: &[u8],
        issuer: &[u8],
        numbers: &[Vec<u8>],
    ) -> Result<Vec<u8>, PgpError> {
        let [first, second, ..] = digest else { return structure("short digest") };
        let mut body = self.head;
        body.extend_from_slice(&[0, 10, 9, 16]);
        body.extend_from_slice(issuer);
        body.extend_from_slice(&[*first, *second]);
        for number in numbers {
            if body[2] == 27 {
                body.extend_from_slice(number);
            } else {
                write_mpi(number, &mut body);
            }
        }
        Ok(packet::write(packet::SIGNATURE, &body))
    }
}
