//! Public keys, and whether a signature is theirs.

use ring::{digest, signature as ring_signature};

use super::packet::Reader;
use super::signature::{Hash, Signature};
use super::{PgpError, structure};

const RSA: u8 = 1;
const RSA_SIGN: u8 = 3;
const ECDSA: u8 = 19;
const EDDSA: u8 = 22;
const ED25519: u8 = 27;

const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const ED25519_CURVE: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01];

/// A public key.
#[derive(Clone, Debug)]
pub(super) struct PublicKey {
    /// Its packet, without what is secret.
    pub(super) body: Vec<u8>,
    pub(super) created_s: u64,
    pub(super) algorithm: u8,
    pub(super) numbers: Numbers,
    pub(super) fingerprint: [u8; 20],
}

/// What a key consists of.
#[derive(Clone, Debug)]
pub(super) enum Numbers {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
    /// Not one that signs, or not one that is known.
    Other,
}

impl PublicKey {
    /// Reads a public key, and gives what follows it in the packet.
    pub(super) fn read(packet: &[u8]) -> Result<(Self, &[u8]), PgpError> {
        let mut reader = Reader(packet);
        let version = reader.byte()?;
        if version != 4 {
            return Err(PgpError::Unsupported(format!("public key version {version}")));
        }
        let created_s = reader.number(4)? as u64;
        let algorithm = reader.byte()?;
        let numbers = numbers(algorithm, &mut reader)?;
        let body = packet[..packet.len() - reader.0.len()].to_vec();
        let mut fingerprint = [0; 20];
        let hashed = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &hashed(&body));
        fingerprint.copy_from_slice(hashed.as_ref());
        Ok((Self { body, created_s, algorithm, numbers, fingerprint }, reader.0))
    }

    pub(super) fn id(&self) -> &[u8] {
        &self.fingerprint[12..]
    }

    /// Could it ever sign?
    pub(super) fn can_sign(&self) -> bool {
        matches!(self.algorithm, RSA | RSA_SIGN | 17 | ECDSA | EDDSA | ED25519 | 28)
    }

    /// What it signs with: the library knows one hash for each curve.
    pub(super) fn hash(&self) -> Hash {
        match self.numbers {
            Numbers::P256(_) => Hash::Sha256,
            Numbers::P384(_) => Hash::Sha384,
            _ => Hash::Sha512,
        }
    }

    /// Is the signature of this text, and made with this key?
    pub(super) fn verify(&self, text: &[u8], signature: &Signature) -> Result<(), PgpError> {
        if self.algorithm != signature.algorithm {
            return Err(PgpError::Argument("public key and signature use different algorithms".into()));
        }
        let mut text = text.to_vec();
        text.extend_from_slice(&signature.suffix);
        let failure = |name: &str| PgpError::Signature(format!("{name} verification failure"));
        let numbers = &signature.numbers;
        match (&self.numbers, numbers.as_slice()) {
            (Numbers::Rsa { modulus, exponent }, [number]) => {
                let key = ring_signature::RsaPublicKeyComponents { n: modulus, e: exponent };
                let number = padded(number, modulus.len()).ok_or_else(|| failure("RSA"))?;
                key.verify(rsa(signature.hash), &text, &number).map_err(|_| failure("RSA"))
            }
            (Numbers::P256(point) | Numbers::P384(point), [one, other]) => {
                let (bytes, hash, algorithm, name) = match self.numbers {
                    Numbers::P384(_) => {
                        (48, Hash::Sha384, &ring_signature::ECDSA_P384_SHA384_FIXED, "ECDSA on P-384")
                    }
                    _ => (32, Hash::Sha256, &ring_signature::ECDSA_P256_SHA256_FIXED, "ECDSA on P-256"),
                };
                let numbers = pair(one, other, bytes).ok_or_else(|| failure("ECDSA"))?;
                if signature.hash != hash {
                    return signature.hash.unsupported(name);
                }
                let key = ring_signature::UnparsedPublicKey::new(algorithm, point);
                key.verify(&text, &numbers).map_err(|_| failure("ECDSA"))
            }
            (Numbers::Ed25519(point), [one, other]) => {
                let name = if self.algorithm == EDDSA { "EdDSA" } else { "Ed25519" };
                let numbers = pair(one, other, 32).ok_or_else(|| failure(name))?;
                let key = ring_signature::UnparsedPublicKey::new(&ring_signature::ED25519, point);
                let digest = digest::digest(signature.hash.algorithm(), &text);
                key.verify(digest.as_ref(), &numbers).map_err(|_| failure(name))
            }
            _ => Err(PgpError::Signature("Unsupported public key algorithm used in signature".into())),
        }
    }
}

/// What is hashed of a key.
pub(super) fn hashed(body: &[u8]) -> Vec<u8> {
    let mut out = vec![0x99];
    out.extend_from_slice(&(body.len() as u16).to_be_bytes());
    out.extend_from_slice(body);
    out
}

fn numbers(algorithm: u8, reader: &mut Reader<'_>) -> Result<Numbers, PgpError> {
    let mut skip = |count: usize| -> Result<Numbers, PgpError> {
        for _ in 0..count {
            reader.mpi()?;
        }
        Ok(Numbers::Other)
    };
    match algorithm {
        RSA | 2 | RSA_SIGN => {
            Ok(Numbers::Rsa { modulus: reader.mpi()?.to_vec(), exponent: reader.mpi()?.to_vec() })
        }
        16 | 20 => skip(3),
        17 => skip(4),
        18 | ECDSA | EDDSA => {
            let length = usize::from(reader.byte()?);
            let curve = reader.take(length)?;
            let point = reader.mpi()?;
            if algorithm == 18 {
                let length = usize::from(reader.byte()?);
                reader.take(length)?;
            }
            Ok(match (algorithm, curve) {
                (ECDSA, P256) => Numbers::P256(point.to_vec()),
                (ECDSA, P384) => Numbers::P384(point.to_vec()),
                // The first byte says how the point is written.
                (EDDSA, ED25519_CURVE) if point.len() == 33 => Numbers::Ed25519(point[1..].to_vec()),
                _ => Numbers::Other,
            })
        }
        ED25519 => Ok(Numbers::Ed25519(reader.take(32)?.to_vec())),
        25 => reader.take(32).map(|_| Numbers::Other),
        26 => reader.take(56).map(|_| Numbers::Other),
        28 => reader.take(57).map(|_| Numbers::Other),
        other => Err(PgpError::Unsupported(format!("public key type: {other}"))),
    }
}

fn rsa(hash: Hash) -> &'static ring_signature::RsaParameters {
    match hash {
        Hash::Sha1 => &ring_signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => &ring_signature::RSA_PKCS1_2048_8192_SHA256,
        Hash::Sha384 => &ring_signature::RSA_PKCS1_2048_8192_SHA384,
        Hash::Sha512 => &ring_signature::RSA_PKCS1_2048_8192_SHA512,
    }
}

/// A number with leading zeros; `None` when it is too long.
pub(super) fn padded(number: &[u8], length: usize) -> Option<Vec<u8>> {
    let missing = length.checked_sub(number.len())?;
    Some([vec![0; missing].as_slice(), number].concat())
}

fn pair(one: &[u8], other: &[u8], length: usize) -> Option<Vec<u8>> {
    Some([padded(one, length)?, padded(other, length)?].concat())
}

/// How many numbers a signature has.
pub(super) fn signature_numbers<'a>(
    algorithm: u8,
    reader: &mut Reader<'a>,
) -> Result<Vec<&'a [u8]>, PgpError> {
    match algorithm {
        RSA | RSA_SIGN => Ok(vec![reader.mpi()?]),
        17 | ECDSA | EDDSA => Ok(vec![reader.mpi()?, reader.mpi()?]),
        ED25519 => Ok(vec![reader.take(32)?, reader.take(32)?]),
        28 => Ok(vec![reader.take(57)?, reader.take(57)?]),
        other => structure(format!("signature with public key algorithm {other}")),
    }
}
