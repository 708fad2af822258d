//! Secret keys: unlocking them, and signing with them.

use aes::cipher::{BlockEncrypt as _, KeyInit as _};
use aes::{Aes128, Aes192, Aes256, Block};
use ring::rsa::{KeyPair, KeyPairComponents, PublicKeyComponents};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, RSA_PKCS1_SHA512,
};
use ring::{digest, rand};

use super::key::{Numbers, padded};
use super::keyring::Entity;
use super::packet::Reader;
use super::signature::{Hash, Unsigned};
use super::{PgpError, structure};
use crate::limits::PGP_S2K_BYTES_MAX;

const BLOCK: usize = 16;

impl Entity {
    /// Does the secret key need a passphrase? An error where there is no secret key.
    pub fn is_locked(&self) -> Result<bool, PgpError> {
        let Some(secret) = &self.secret else {
            let why = "provided key is not a private key. Try providing a keyring with secret keys";
            return Err(PgpError::Other(why.into()));
        };
        Ok(secret.first().is_some_and(|usage| *usage != 0))
    }

    pub(super) fn sign(
        &self,
        text: &[u8],
        passphrase: Option<&[u8]>,
        now_s: u64,
    ) -> Result<Vec<u8>, PgpError> {
        self.is_locked()?;
        let secret = unlock(self.secret.as_deref().unwrap_or_default(), passphrase.unwrap_or_default())?;
        let key = &self.primary;
        let unsigned = Unsigned::new(key.algorithm, key.hash(), &key.fingerprint, now_s);
        let whole = [text, &unsigned.suffix()].concat();
        let digest = digest::digest(key.hash().algorithm(), &whole);
        let mut reader = Reader(&secret);
        let numbers = match &key.numbers {
            Numbers::Rsa { modulus, exponent } => vec![by_rsa(modulus, exponent, reader, &whole)?],
            Numbers::Ed25519(point) => {
                let seed = if key.algorithm == 27 { reader.take(32)? } else { reader.mpi()? };
                let seed = padded(seed, 32).ok_or_else(|| refused(&"its secret is too long"))?;
                let pair =
                    Ed25519KeyPair::from_seed_and_public_key(&seed, point).map_err(|why| refused(&why))?;
                halves(pair.sign(digest.as_ref()).as_ref())
            }
            Numbers::P256(point) => {
                by_curve(&ECDSA_P256_SHA256_FIXED_SIGNING, 32, point, reader.mpi()?, &whole)?
            }
            Numbers::P384(point) => {
                by_curve(&ECDSA_P384_SHA384_FIXED_SIGNING, 48, point, reader.mpi()?, &whole)?
            }
            Numbers::Other => {
                return Err(PgpError::Unsupported("signing with a key of this kind".into()));
            }
        };
        unsigned.signed(digest.as_ref(), key.id(), &numbers)
    }
}

fn refused(why: &dyn std::fmt::Display) -> PgpError {
    PgpError::Argument(format!("the key cannot sign: {why}"))
}

fn halves(signature: &[u8]) -> Vec<Vec<u8>> {
    let (one, other) = signature.split_at(signature.len() / 2);
    vec![one.to_vec(), other.to_vec()]
}

fn by_rsa(modulus: &[u8], exponent: &[u8], mut secret: Reader<'_>, text: &[u8]) -> Result<Vec<u8>, PgpError> {
    let (d, p, q, inverse) = (secret.mpi()?, secret.mpi()?, secret.mpi()?, secret.mpi()?);
    // order: OpenPGP has the smaller prime first, and the inverse of it; the library the larger one.
    let half = modulus.len() / 2;
    let part = |prime: &[u8]| padded(&remainder(d, &less_one(prime)), half);
    let (Some(by_q), Some(by_p), Some(inverse)) = (part(q), part(p), padded(inverse, half)) else {
        return structure("secret key of another size");
    };
    let components = KeyPairComponents {
        public_key: PublicKeyComponents { n: modulus, e: exponent },
        d,
        p: q,
        q: p,
        dP: by_q.as_slice(),
        dQ: by_p.as_slice(),
        qInv: inverse.as_slice(),
    };
    let pair = KeyPair::from_components(&components).map_err(|why| refused(&why))?;
    let mut number = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA512, &rand::SystemRandom::new(), text, &mut number)
        .map_err(|why| refused(&why))?;
    Ok(number)
}

fn by_curve(
    curve: &'static EcdsaSigningAlgorithm,
    length: usize,
    point: &[u8],
    secret: &[u8],
    text: &[u8],
) -> Result<Vec<Vec<u8>>, PgpError> {
    let random = rand::SystemRandom::new();
    let secret = padded(secret, length).ok_or_else(|| refused(&"its secret is too long"))?;
    let pair = EcdsaKeyPair::from_private_key_and_public_key(curve, &secret, point, &random)
        .map_err(|why| refused(&why))?;
    let signature = pair.sign(&random, text).map_err(|why| refused(&why))?;
    Ok(halves(signature.as_ref()))
}

/// The numbers of a secret key.
fn unlock(secret: &[u8], passphrase: &[u8]) -> Result<Vec<u8>, PgpError> {
    let mut reader = Reader(secret);
    let usage = reader.byte()?;
    if usage == 0 {
        let end = reader.0.len().saturating_sub(2);
        return Ok(reader.0[..end].to_vec());
    }
    if !matches!(usage, 254 | 255) {
        return Err(PgpError::Unsupported(format!("secret keys locked in way {usage}")));
    }
    let cipher = reader.byte()?;
    let key = derive(&mut reader, cipher, passphrase)?;
    let start = reader.take(BLOCK)?;
    let plain = decrypt(cipher, &key, start, reader.0)?;
    let sum = if usage == 254 { 20 } else { 2 };
    let Some((numbers, sum)) = plain.len().checked_sub(sum).map(|end| plain.split_at(end)) else {
        return structure("truncated private key data");
    };
    let is_right = if usage == 254 {
        digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, numbers).as_ref() == sum
    } else {
        let total = numbers.iter().fold(0_u16, |total, byte| total.wrapping_add(u16::from(*byte)));
        total.to_be_bytes() == *sum
    };
    if is_right { Ok(numbers.to_vec()) } else { structure("private key checksum failure") }
}

/// The key that a passphrase stands for.
fn derive(reader: &mut Reader<'_>, cipher: u8, passphrase: &[u8]) -> Result<Vec<u8>, PgpError> {
    let length = match cipher {
        7 => 16,
        8 => 24,
        9 => 32,
        other => return Err(PgpError::Unsupported(format!("cipher {other}"))),
    };
    let way = reader.byte()?;
    if way == 101 {
        return Err(PgpError::Other(
            "openpgp: s2k GNU dummy key: the secret key is not in this keyring".into(),
        ));
    }
    let hash = Hash::read(reader.byte()?)?;
    let (salt, count): (&[u8], usize) = match way {
        0 => (&[], 0),
        1 => (reader.take(8)?, 0),
        3 => {
            let salt = reader.take(8)?;
            let coded = usize::from(reader.byte()?);
            (salt, (16 + (coded & 15)) << ((coded >> 4) + 6))
        }
        other => return Err(PgpError::Unsupported(format!("S2K function: {other}"))),
    };
    let whole = [salt, passphrase].concat();
    let count = count.max(whole.len()).min(PGP_S2K_BYTES_MAX);
    let mut key = Vec::new();
    let mut zeros = 0;
    while key.len() < length {
        let mut context = digest::Context::new(hash.algorithm());
        context.update(&vec![0; zeros]);
        let mut left = count;
        while left > 0 && !whole.is_empty() {
            let part = &whole[..whole.len().min(left)];
            context.update(part);
            left -= part.len();
        }
        key.extend_from_slice(context.finish().as_ref());
        zeros += 1;
    }
    key.truncate(length);
    Ok(key)
}

/// AES in CFB mode.
fn decrypt(cipher: u8, key: &[u8], start: &[u8], text: &[u8]) -> Result<Vec<u8>, PgpError> {
    let broken = |_| PgpError::Structure("key of another length".into());
    let encrypt: Box<dyn Fn(&mut Block)> = match cipher {
        7 => {
            let aes = Aes128::new_from_slice(key).map_err(broken)?;
            Box::new(move |block| aes.encrypt_block(block))
        }
        8 => {
            let aes = Aes192::new_from_slice(key).map_err(broken)?;
            Box::new(move |block| aes.encrypt_block(block))
        }
        _ => {
            let aes = Aes256::new_from_slice(key).map_err(broken)?;
            Box::new(move |block| aes.encrypt_block(block))
        }
    };
    let mut out = Vec::with_capacity(text.len());
    let mut before = start;
    for part in text.chunks(BLOCK) {
        let mut mask = Block::clone_from_slice(before);
        encrypt(&mut mask);
        out.extend(part.iter().zip(&mask).map(|(byte, mask)| byte ^ mask));
        before = part;
    }
    Ok(out)
}

fn less_one(number: &[u8]) -> Vec<u8> {
    let mut number = number.to_vec();
    for byte in number.iter_mut().rev() {
        let (less, is_borrowed) = byte.overflowing_sub(1);
        *byte = less;
        if !is_borrowed {
            break;
        }
    }
    number
}

/// What is left of a number when it is divided by another, bit by bit.
fn remainder(number: &[u8], by: &[u8]) -> Vec<u8> {
    // One byte more than the divisor, for the bit that is shifted out.
    let by = [&[0], by].concat();
    let mut left = vec![0_u8; by.len()];
    for bit in number.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)) {
        let mut carry = bit;
        for byte in left.iter_mut().rev() {
            let next = *byte >> 7;
            *byte = *byte << 1 | carry;
            carry = next;
        }
        if left >= by {
            let mut borrow = false;
            for (byte, less) in left.iter_mut().zip(&by).rev() {
                let (one, first) = byte.overflowing_sub(*less);
                let (two, second) = one.overflowing_sub(u8::from(borrow));
                *byte = two;
                borrow = first || second;
            }
        }
    }
    let start = left.iter().position(|byte| *byte != 0).unwrap_or(left.len());
    left[start..].to_vec()
}
