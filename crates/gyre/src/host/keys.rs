//! Keys and certificates that templates ask for, as sprig makes them: RSA keys of 2048 bits where none are given.

use std::convert::Infallible;
use std::net::IpAddr;

use gyre_go::base64::STANDARD;
use gyre_template::{Certificate, CertificateRequest};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, SanType, SerialNumber, SignatureAlgorithm,
    string::Ia5String,
};
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::rand_core::{TryCryptoRng, TryRng};
use rustls::pki_types::PrivatePkcs8KeyDer;

/// Bits of the RSA keys of certificates.
const CERTIFICATE_KEY_BITS: usize = 2048;
/// Bits of an RSA key that is asked for alone.
const KEY_BITS: usize = 4096;

const RSA: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC: [u8; 9] = [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: [u8; 7] = [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
const ED25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];

/// The randomness of the operating system; without it nothing that is meant to be secret may be made.
struct Random(SystemRandom);

impl TryRng for Random {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), Infallible> {
        if self.0.fill(into).is_err() {
            std::process::abort();
        }
        Ok(())
    }
}

impl TryCryptoRng for Random {}

fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut out = vec![tag];
    let length = content.len();
    match length {
        0..=0x7f => out.push(length as u8),
        0x80..=0xff => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend(content);
    out
}

fn pem(kind: &str, content: &[u8]) -> String {
    let text = STANDARD.encode(content);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", lines.join("\n"))
}

/// The kind and the content of the first block of a PEM text.
fn read_pem(text: &str) -> Option<(String, Vec<u8>)> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (kind, rest) = rest.split_once("-----")?;
    let (content, _) = rest.split_once("-----END ")?;
    let packed: String = content.split_whitespace().collect();
    Some((kind.to_owned(), STANDARD.decode(packed.as_bytes()).ok()?))
}

fn holds(content: &[u8], part: &[u8]) -> bool {
    content.windows(part.len()).any(|window| window == part)
}

/// A key as the library takes it, by its PEM.
fn key_pair(text: &str) -> Result<KeyPair, String> {
    let (kind, content) = read_pem(text).ok_or("no PEM data in input")?;
    let version: &[u8] = &[0x02, 0x01, 0x00];
    let wrapped = |algorithm: &[&[u8]]| {
        let algorithm = der(0x30, algorithm);
        der(0x30, &[version, &algorithm, &der(0x04, &[&content])])
    };
    let (pkcs8, algorithm): (Vec<u8>, &'static SignatureAlgorithm) = match &*kind {
        "RSA PRIVATE KEY" => (wrapped(&[&RSA, &[0x05, 0x00]]), &rcgen::PKCS_RSA_SHA256),
        "EC PRIVATE KEY" if holds(&content, &P384) => {
            (wrapped(&[&EC, &P384]), &rcgen::PKCS_ECDSA_P384_SHA384)
        }
        "EC PRIVATE KEY" => (wrapped(&[&EC, &P256]), &rcgen::PKCS_ECDSA_P256_SHA256),
        "PRIVATE KEY" if holds(&content, &RSA) => (content, &rcgen::PKCS_RSA_SHA256),
        "PRIVATE KEY" if holds(&content, &ED25519) => (content, &rcgen::PKCS_ED25519),
        "PRIVATE KEY" if holds(&content, &P384) => (content, &rcgen::PKCS_ECDSA_P384_SHA384),
        "PRIVATE KEY" => (content, &rcgen::PKCS_ECDSA_P256_SHA256),
        other => return Err(format!("invalid private key type {other}")),
    };
    KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(pkcs8), algorithm)
        .map_err(|why| format!("parsing {kind} from PEM: {why}"))
}

fn rsa_key(bits: usize) -> Result<String, String> {
    let failed = |why: &dyn std::fmt::Display| format!("failed to generate private key: {why}");
    let key = RsaPrivateKey::new(&mut Random(SystemRandom::new()), bits).map_err(|why| failed(&why))?;
    let content = key.to_pkcs1_der().map_err(|why| failed(&why))?;
    Ok(pem("RSA PRIVATE KEY", content.as_bytes()))
}

/// One element of DER: its tag, its content, and what follows it.
fn element(text: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = text.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |sum, &digit| sum << 8 | usize::from(digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// The numbers of an object identifier.
fn identifier(content: &[u8]) -> Vec<u64> {
    let mut numbers = Vec::new();
    let mut sum = 0_u64;
    for &byte in content {
        sum = sum << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if numbers.is_empty() {
                let first = (sum / 40).min(2);
                numbers.extend([first, sum - first * 40]);
            } else {
                numbers.push(sum);
            }
            sum = 0;
        }
    }
    numbers
}

/// Whose certificate it is, in the letters that it is written in, and what its key is known by.
fn subject(certificate: &[u8]) -> Option<(DistinguishedName, KeyIdMethod)> {
    let (_, whole, _) = element(certificate)?;
    let (_, body, _) = element(whole)?;
    let mut rest = body;
    if body.first() == Some(&0xa0) {
        rest = element(rest)?.2;
    }
    // The number, the algorithm, the issuer, the time: the subject follows.
    for _ in 0..4 {
        rest = element(rest)?.2;
    }
    let (_, mut sets, rest) = element(rest)?;
    let mut name = DistinguishedName::new();
    while !sets.is_empty() {
        let (_, set, others) = element(sets)?;
        let (_, pair, _) = element(set)?;
        let (_, kind, value) = element(pair)?;
        let (tag, value, _) = element(value)?;
        let value = String::from_utf8(value.to_vec()).ok()?;
        let value = match tag {
            0x13 => DnValue::PrintableString(value.try_into().ok()?),
            0x16 => DnValue::Ia5String(value.try_into().ok()?),
            _ => DnValue::Utf8String(value),
        };
        name.push(DnType::CustomDnType(identifier(kind)), value);
        sets = others;
    }
    // The extension that says what the key is known by: 2.5.29.14.
    const KEY_ID: [u8; 5] = [0x06, 0x03, 0x55, 0x1d, 0x0e];
    let at = rest.windows(KEY_ID.len()).position(|window| window == KEY_ID);
    let id = at.and_then(|at| element(element(&rest[at + KEY_ID.len()..])?.1)).map(|(_, id, _)| id.to_vec());
    Some((name, id.map_or(KeyIdMethod::Sha256, KeyIdMethod::PreSpecified)))
}

/// A new private key as PEM.
pub(super) fn private_key(algorithm: &str) -> Result<String, String> {
    let random = SystemRandom::new();
    let failed = |_| "failed to generate private key".to_owned();
    match algorithm {
        "rsa" => rsa_key(KEY_BITS),
        "ecdsa" => {
            let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random);
            let made = made.map_err(failed)?;
            // The library's own layout: 36 bytes, the key, 5 bytes, the public key.
            let (Some(secret), Some(public)) = (made.as_ref().get(36..68), made.as_ref().get(73..138)) else {
                return Err("failed to generate private key".into());
            };
            let parts: [&[u8]; 4] = [
                &[0x02, 0x01, 0x01],
                &der(0x04, &[secret]),
                &der(0xa0, &[&P256]),
                &der(0xa1, &[&der(0x03, &[&[0x00], public])]),
            ];
            Ok(pem("EC PRIVATE KEY", &der(0x30, &parts)))
        }
        "ed25519" => {
            let made = Ed25519KeyPair::generate_pkcs8(&random).map_err(failed)?;
            let secret = made.as_ref().get(16..48).ok_or("failed to generate private key")?;
            let inner = der(0x04, &[&der(0x04, &[secret])]);
            let parts: [&[u8]; 3] = [&[0x02, 0x01, 0x00], &der(0x30, &[&ED25519]), &inner];
            Ok(pem("PRIVATE KEY", &der(0x30, &parts)))
        }
        other => Err(format!("keys of the kind {other} are not made here: they are no longer safe")),
    }
}

fn names(request: &CertificateRequest<'_>) -> Result<Vec<SanType>, String> {
    let mut all = Vec::new();
    for name in request.dns_names {
        let name = Ia5String::try_from(name.as_str()).map_err(|why| format!("{name}: {why}"))?;
        all.push(SanType::DnsName(name));
    }
    for ip in request.ips {
        let parsed: IpAddr = ip.parse().map_err(|_| format!("error parsing ip: {ip}"))?;
        all.push(SanType::IpAddress(parsed));
    }
    Ok(all)
}

/// A new certificate; `now_s` is the time in seconds since 1970.
pub(super) fn certificate(request: &CertificateRequest<'_>, now_s: i64) -> Result<Certificate, String> {
    let key = match request.key {
        Some(given) => given.to_owned(),
        None => rsa_key(CERTIFICATE_KEY_BITS)?,
    };
    let pair = key_pair(&key).map_err(|why| format!("parsing private key: {why}"))?;
    let mut serial = [0; 16];
    SystemRandom::new().fill(&mut serial).map_err(|_| "no randomness".to_owned())?;
    serial[0] &= 0x7f;
    let start = rcgen::date_time_ymd(1970, 1, 1);
    let at = |seconds: i64| start + std::time::Duration::from_secs(seconds.max(0) as u64);
    let mut params = CertificateParams::default();
    params.not_before = at(now_s);
    params.not_after = at(now_s.saturating_add(request.days.saturating_mul(86_400)).min(253_402_300_799));
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.subject_alt_names = names(request)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, request.common_name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.is_ca = IsCa::ExplicitNoCa;
    if request.is_authority {
        params.key_usages.push(KeyUsagePurpose::KeyCertSign);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    let failed = |why: rcgen::Error| format!("error creating certificate: {why}");
    let made = match request.signer {
        None => params.self_signed(&pair).map_err(failed)?,
        Some(signer) => {
            let (_, content) = read_pem(&signer.certificate).ok_or("unable to decode certificate")?;
            let signing = key_pair(&signer.key).map_err(|why| format!("error parsing private key: {why}"))?;
            let (name, known_by) =
                subject(&content).ok_or("error parsing certificate: decodedSignerCert.Bytes")?;
            let mut authority = CertificateParams::default();
            authority.distinguished_name = name;
            authority.key_identifier_method = known_by;
            let issuer = Issuer::new(authority, signing);
            params.use_authority_key_identifier_extension = true;
            params.signed_by(&pair, &issuer).map_err(failed)?
        }
    };
    Ok(Certificate { certificate: pem("CERTIFICATE", made.der()), key })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier as _;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

    use super::*;

    const NOW_S: i64 = 1_800_000_000;

    fn request<'a>(name: &'a str, dns_names: &'a [String], key: Option<&'a str>) -> CertificateRequest<'a> {
        CertificateRequest {
            common_name: name,
            ips: &[],
            dns_names,
            days: 10,
            is_authority: false,
            signer: None,
            key,
        }
    }

    fn content(certificate: &Certificate) -> CertificateDer<'static> {
        CertificateDer::from(read_pem(&certificate.certificate).unwrap().1)
    }

    #[test]
    fn what_an_authority_signs_is_trusted() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        for algorithm in ["ecdsa", "ed25519"] {
            let key = private_key(algorithm).unwrap();
            let authority = CertificateRequest { is_authority: true, ..request("ca", &[], Some(&key)) };
            let authority = certificate(&authority, NOW_S).unwrap();
            assert_eq!(authority.key, key);
            // One key for both spares the test the making of primes.
            let names = ["web.example.com".to_owned()];
            let leaf = CertificateRequest {
                signer: Some(&authority),
                ips: &["10.0.0.1".to_owned()],
                ..request("web", &names, Some(&key))
            };
            let leaf = certificate(&leaf, NOW_S).unwrap();
            let mut roots = rustls::RootCertStore::empty();
            roots.add(content(&authority)).unwrap();
            let verifier = WebPkiServerVerifier::builder(Arc::new(roots)).build().unwrap();
            let trusts = |name: &'static str, after_s: u64| {
                let name = ServerName::try_from(name).unwrap();
                let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(NOW_S as u64 + after_s));
                verifier.verify_server_cert(&content(&leaf), &[], &name, &[], now).is_ok()
            };
            assert!(trusts("web.example.com", 5) && trusts("10.0.0.1", 9 * 86_400), "{algorithm}");
            assert!(
                !trusts("other.example.com", 5) && !trusts("web.example.com", 11 * 86_400),
                "{algorithm}"
            );
        }
    }

    #[test]
    fn keys_of_rsa_sign_too() {
        let made = certificate(&request("web", &[], None), NOW_S).unwrap();
        assert!(made.key.starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
        let authority = CertificateRequest { signer: Some(&made), ..request("a", &[], Some(&made.key)) };
        assert!(certificate(&authority, NOW_S).is_ok());
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(key_pair("").is_err());
        assert!(key_pair(&pem("RSA PRIVATE KEY", b"no")).is_err());
        assert!(key_pair(&pem("CERTIFICATE", b"no")).is_err());
        assert!(private_key("dsa").is_err());
        let bad = CertificateRequest { ips: &["x".to_owned()], ..request("web", &[], None) };
        let key = private_key("ecdsa").unwrap();
        let bad = CertificateRequest { key: Some(&key), ..bad };
        assert_eq!(certificate(&bad, NOW_S).unwrap_err(), "error parsing ip: x");
    }
}
