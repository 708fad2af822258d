//! Digests, keys and certificates. What makes keys asks the host.

use std::rc::Rc;

use aes::cipher::block_padding::{NoPadding, Pkcs7};
use aes::cipher::{BlockDecryptMut as _, BlockEncryptMut as _, KeyIvInit as _};
use gyre_go::base64::STANDARD;
use sha2::{Digest as _, Sha256, Sha512};

use super::cast::{display, int, text, utf8};
use crate::exec::Machine;
use crate::functions::{Function, fixed};
use crate::host::{Certificate, CertificateRequest};
use crate::value::{Object, Type, Value};

const S: &[Type] = &[Type::Str];
const SS: &[Type] = &[Type::Str, Type::Str];
const CERTIFICATE: &str = "sprig.certificate";

type Done = Result<Value, String>;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("sha1sum", S, |_, args| Ok(Value::text(hex(&sha1(text(&args[0])))))),
    fixed("sha256sum", S, |_, args| Ok(Value::text(hex(&Sha256::digest(text(&args[0])))))),
    fixed("sha512sum", S, |_, args| Ok(Value::text(hex(&Sha512::digest(text(&args[0])))))),
    fixed("adler32sum", S, |_, args| Ok(Value::text(adler32(text(&args[0])).to_string()))),
    fixed("bcrypt", S, |machine, args| hashed(machine, text(&args[0])).map(Value::text)),
    fixed("htpasswd", SS, htpasswd),
    fixed("derivePassword", &[Type::Uint32, Type::Str, Type::Str, Type::Str, Type::Str], derive_password),
    fixed("genPrivateKey", S, private_key),
    fixed("genCA", &[Type::Str, Type::Int], |machine, args| authority(machine, args, None)),
    fixed("genCAWithKey", &[Type::Str, Type::Int, Type::Str], |machine, args| {
        authority(machine, args, Some(&utf8(&args[2])))
    }),
    fixed("genSelfSignedCert", &[Type::Str, Type::List, Type::List, Type::Int], |machine, args| {
        certificate(machine, args, None, None)
    }),
    fixed(
        "genSelfSignedCertWithKey",
        &[Type::Str, Type::List, Type::List, Type::Int, Type::Str],
        |machine, args| certificate(machine, args, None, Some(&utf8(&args[4]))),
    ),
    fixed(
        "genSignedCert",
        &[Type::Str, Type::List, Type::List, Type::Int, Type::Object(CERTIFICATE)],
        |machine, args| certificate(machine, args, Some(&args[4]), None),
    ),
    fixed(
        "genSignedCertWithKey",
        &[Type::Str, Type::List, Type::List, Type::Int, Type::Object(CERTIFICATE), Type::Str],
        |machine, args| certificate(machine, args, Some(&args[4]), Some(&utf8(&args[5]))),
    ),
    fixed("buildCustomCert", SS, custom_certificate),
    fixed("encryptAES", SS, |machine, args| {
        let mut vector = [0; 16];
        machine.host.random(&mut vector);
        let cipher = cbc::Encryptor::<aes::Aes256>::new(&aes_key(&args[0]).into(), &vector.into());
        let sealed = cipher.encrypt_padded_vec_mut::<Pkcs7>(text(&args[1]));
        Ok(Value::text(STANDARD.encode(&[&vector[..], &sealed].concat())))
    }),
    fixed("decryptAES", SS, |_, args| {
        if text(&args[1]).is_empty() {
            return Ok(Value::text(""));
        }
        let sealed = STANDARD.decode(text(&args[1])).map_err(|why| why.to_string())?;
        let Some((vector, sealed)) = sealed.split_first_chunk::<16>() else {
            return Err("runtime error: slice bounds out of range [:16] with capacity 0".into());
        };
        let cipher = cbc::Decryptor::<aes::Aes256>::new(&aes_key(&args[0]).into(), vector.into());
        // compat(helm 3.21): the last byte is taken for the length of the padding, whatever it says.
        let plain = cipher.decrypt_padded_vec_mut::<NoPadding>(sealed);
        let mut plain = plain.map_err(|_| "crypto/cipher: input not full blocks".to_owned())?;
        let Some(padding) = plain.last().map(|last| usize::from(*last)) else {
            return Err("runtime error: index out of range [-1]".into());
        };
        let Some(length) = plain.len().checked_sub(padding) else {
            let beyond = padding - plain.len();
            return Err(format!("runtime error: slice bounds out of range [:-{beyond}]"));
        };
        plain.truncate(length);
        Ok(Value::text(plain))
    }),
    fixed("getHostByName", S, |_, _| Ok(Value::text(""))),
];

/// Two digits a byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digits = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}

/// The password padded with zeros to 32 bytes.
fn aes_key(password: &Value) -> [u8; 32] {
    let mut key = [0; 32];
    for (slot, byte) in key.iter_mut().zip(text(password)) {
        *slot = *byte;
    }
    key
}

fn adler32(text: &[u8]) -> u32 {
    let (mut low, mut high) = (1_u32, 0_u32);
    for &byte in text {
        low = (low + u32::from(byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    high << 16 | low
}

/// SHA-1, which names things here and protects nothing.
#[expect(clippy::many_single_char_names, reason = "the names of the standard")]
fn sha1(text: &[u8]) -> [u8; 20] {
    let mut state: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    let mut padded = text.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(64), 0);
    if padded.len() - text.len() < 9 {
        padded.resize(padded.len() + 64, 0);
    }
    let length = padded.len();
    padded[length - 8..].copy_from_slice(&(text.len() as u64 * 8).to_be_bytes());
    for block in padded.chunks(64) {
        let mut words = [0_u32; 80];
        for (word, bytes) in words.iter_mut().zip(block.chunks(4)) {
            *word = bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
        }
        for at in 16..80 {
            words[at] = (words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16]).rotate_left(1);
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (at, word) in words.iter().enumerate() {
            let (mix, constant) = match at {
                0..20 => (b & c | !b & d, 0x5a82_7999),
                20..40 => (b ^ c ^ d, 0x6ed9_eba1),
                40..60 => (b & c | b & d | c & d, 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6_u32),
            };
            let next =
                a.rotate_left(5).wrapping_add(mix).wrapping_add(e).wrapping_add(constant).wrapping_add(*word);
            (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
        }
        for (slot, add) in state.iter_mut().zip([a, b, c, d, e]) {
            *slot = slot.wrapping_add(add);
        }
    }
    let mut out = [0; 20];
    for (bytes, word) in out.chunks_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    out
}

/// A bcrypt hash as Go's library writes it, with a salt from the host.
fn hashed(machine: &mut Machine<'_>, password: &[u8]) -> Result<String, String> {
    const COST: u32 = 10;
    let mut salt = [0; 16];
    machine.host.random(&mut salt);
    let hash = bcrypt::hash_with_salt(password, COST, salt).map_err(|why| why.to_string())?;
    Ok(hash.format_for_version(bcrypt::Version::TwoA))
}

fn htpasswd(machine: &mut Machine<'_>, args: &[Value]) -> Done {
    let user = utf8(&args[0]);
    if user.contains(':') {
        return Ok(Value::text(format!("invalid username: {user}")));
    }
    let hash = hashed(machine, text(&args[1]))?;
    Ok(Value::text(format!("{user}:{hash}")))
}

/// HMAC-SHA256.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let pad = |mark: u8| -> Vec<u8> { block.iter().map(|byte| byte ^ mark).collect() };
    let inner = Sha256::digest([&pad(0x36)[..], text].concat());
    Sha256::digest([&pad(0x5c)[..], &inner[..]].concat()).to_vec()
}

/// The templates of the Master Password algorithm.
fn password_templates(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        "long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        "medium" => &["CvcnoCvc", "CvcCvcno"],
        "short" => &["Cvcn"],
        "basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        "pin" => &["nnnn"],
        _ => return None,
    })
}

fn password_letters(mark: u8) -> &'static [u8] {
    match mark {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'A' => b"AEIOUBCDFGHJKLMNPQRSTVWXYZ",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

fn derive_password(_: &mut Machine<'_>, args: &[Value]) -> Done {
    const SEED: &[u8] = b"com.lyndir.masterpassword";
    let kind = utf8(&args[1]);
    let Some(templates) = password_templates(&kind) else {
        return Ok(Value::text(format!("cannot find password template {kind}")));
    };
    let sized = |part: &[u8]| [&(part.len() as u32).to_be_bytes()[..], part].concat();
    let salt = [SEED, &sized(text(&args[3]))[..]].concat();
    let mut key = [0; 64];
    let params = scrypt::Params::new(15, 8, 2, 64).map_err(|why| why.to_string())?;
    scrypt::scrypt(text(&args[2]), &salt, &params, &mut key).map_err(|why| why.to_string())?;
    let counter = (int(&args[0]) as u32).to_be_bytes();
    let seed = hmac(&key, &[SEED, &sized(text(&args[4]))[..], &counter[..]].concat());
    let template = templates[usize::from(seed[0]) % templates.len()];
    let password = template.bytes().zip(&seed[1..]).map(|(mark, byte)| {
        let letters = password_letters(mark);
        letters[usize::from(*byte) % letters.len()] as char
    });
    Ok(Value::text(password.collect::<String>()))
}

fn private_key(machine: &mut Machine<'_>, args: &[Value]) -> Done {
    let algorithm = utf8(&args[0]);
    let known = match &*algorithm {
        "" | "rsa" => "rsa",
        "dsa" | "ecdsa" | "ed25519" => &*algorithm,
        _ => return Ok(Value::text(format!("Unknown type {algorithm}"))),
    };
    machine.host.private_key(known).map(Value::text)
}

/// `sprig.certificate`.
#[derive(Debug)]
struct Pair(Certificate);

impl Object for Pair {
    fn type_name(&self) -> &str {
        CERTIFICATE
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Cert" => Some(Value::text(self.0.certificate.as_str())),
            "Key" => Some(Value::text(self.0.key.as_str())),
            _ => None,
        }
    }

    fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "Cert": self.0.certificate, "Key": self.0.key })
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("Cert", Value::text(self.0.certificate.as_str())), ("Key", Value::text(self.0.key.as_str()))]
    }
}

fn made(machine: &mut Machine<'_>, request: &CertificateRequest<'_>) -> Done {
    machine.host.certificate(request).map(|pair| Value::Object(Rc::new(Pair(pair))))
}

fn authority(machine: &mut Machine<'_>, args: &[Value], key: Option<&str>) -> Done {
    let common_name = utf8(&args[0]);
    let days = int(&args[1]);
    let request = CertificateRequest {
        common_name: &common_name,
        ips: &[],
        dns_names: &[],
        days,
        is_authority: true,
        signer: None,
        key,
    };
    made(machine, &request)
}

fn texts_of(value: &Value) -> Vec<String> {
    match value {
        Value::List(list) => list
            .items
            .borrow()
            .iter()
            .map(|item| String::from_utf8_lossy(&display(item)).into_owned())
            .collect(),
        _ => Vec::new(),
    }
}

fn certificate(machine: &mut Machine<'_>, args: &[Value], signer: Option<&Value>, key: Option<&str>) -> Done {
    let signer = match signer {
        Some(Value::Object(object)) => {
            let field =
                |name: &str| object.field(name).map(|field| utf8(&field).into_owned()).unwrap_or_default();
            Some(Certificate { certificate: field("Cert"), key: field("Key") })
        }
        _ => None,
    };
    let (common_name, ips, dns_names) = (utf8(&args[0]), texts_of(&args[1]), texts_of(&args[2]));
    let request = CertificateRequest {
        common_name: &common_name,
        ips: &ips,
        dns_names: &dns_names,
        days: int(&args[3]),
        is_authority: false,
        signer: signer.as_ref(),
        key,
    };
    made(machine, &request)
}

fn custom_certificate(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let decoded = |value: &Value, what: &str| {
        let bytes = STANDARD.decode(text(value)).map_err(|_| format!("unable to decode base64 {what}"))?;
        let pem = String::from_utf8_lossy(&bytes).into_owned();
        if pem.contains("-----BEGIN ") { Ok(pem) } else { Err(format!("unable to decode {what}")) }
    };
    let certificate = decoded(&args[0], "certificate")?;
    let key = decoded(&args[1], "private key")?;
    Ok(Value::Object(Rc::new(Pair(Certificate { certificate, key }))))
}
