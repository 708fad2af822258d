//! Against keys and signatures of GnuPG and Helm, and against what was changed.

use super::*;

/// Within the lives of all keys but one, which was over by then.
const NOW_S: u64 = 1_800_000_000;

/// Keys that GnuPG 2.2.40 made for these tests, and what it and Helm 3.21.4 signed with them.
fn file(name: &str) -> Vec<u8> {
    let place = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pgp").join(name);
    std::fs::read(place).unwrap()
}

fn signed(name: &str) -> Signed {
    Signed::find(&String::from_utf8(file(name)).unwrap()).unwrap()
}

#[test]
fn signatures_of_other_programs() {
    let keyring = Keyring::read(&file("pub.gpg")).unwrap();
    for (name, wanted) in [
        ("rsa.prov", "Rsa Test <rsa@example.com>"),
        ("rsa-helm.prov", "Rsa Test <rsa@example.com>"),
        ("locked.prov", "Rsa Locked (with words) <locked@example.com>"),
        ("ed.prov", "Edward <ed@example.com>"),
        ("p256.prov", "Curve <p256@example.com>"),
        ("sub.prov", "Sub <sub@example.com>"),
    ] {
        let signed = signed(name);
        assert!(signed.text.contains("\n...\nfiles:\n  x-0.1.0.tgz: sha256:"), "{name}");
        let signer = signed.signer(&keyring, NOW_S).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert_eq!(signer.names().collect::<Vec<_>>(), [wanted]);
    }
    let signer = signed("rsa.prov");
    let signer = signer.signer(&keyring, NOW_S).unwrap();
    assert_eq!(signer.fingerprint(), "D195966A06985D19C58A5FB3AFD246948E329B95");
    assert_eq!(signed("old.prov").signer(&keyring, NOW_S).unwrap_err(), PgpError::KeyExpired);
}

#[test]
fn refuses_what_was_changed() {
    let keyring = Keyring::read(&file("pub.gpg")).unwrap();
    for (name, why) in [("rsa.prov", "RSA"), ("ed.prov", "EdDSA"), ("p256.prov", "ECDSA")] {
        let text = String::from_utf8(file(name)).unwrap().replace("version: 0.1.0", "version: 0.1.1");
        let wanted = format!("openpgp: invalid signature: {why} verification failure");
        assert_eq!(Signed::find(&text).unwrap().signer(&keyring, NOW_S).unwrap_err().to_string(), wanted);
    }
    let others = Keyring::read(&file("ed.sec")).unwrap();
    assert_eq!(signed("rsa.prov").signer(&others, NOW_S).unwrap_err(), PgpError::UnknownIssuer);
    let none = Keyring::read(b"").unwrap();
    assert_eq!(signed("rsa.prov").signer(&none, NOW_S).unwrap_err(), PgpError::UnknownIssuer);
    let why = Keyring::read(b"\0\0\0\x20").unwrap_err();
    assert_eq!(why.to_string(), "openpgp: invalid data: tag byte does not have MSB set");
    assert!(Signed::find("nothing").is_none());
}

#[test]
fn signs_what_it_verifies() {
    let public = Keyring::read(&file("pub.gpg")).unwrap();
    let text = "name: x\n- a\n--- \n\n...\nfiles: {}\n";
    for (name, passphrase) in [("rsa", ""), ("locked", "open sesame"), ("ed", ""), ("p256", "")] {
        let keyring = Keyring::read(&file(&format!("{name}.sec"))).unwrap();
        let entity = keyring.named(&format!("<{name}@example.com>")).unwrap().unwrap();
        assert_eq!(entity.is_locked(), Ok(!passphrase.is_empty()));
        let written = Signed::sign(text, entity, Some(passphrase.as_bytes()), NOW_S).unwrap();
        let signed = Signed::find(&written).unwrap();
        assert_eq!(signed.text, "name: x\n- a\n---\n\n...\nfiles: {}\n");
        let signer = signed.signer(&public, NOW_S).unwrap();
        assert_eq!(signer.fingerprint(), entity.fingerprint());
    }
    let keyring = Keyring::read(&file("locked.sec")).unwrap();
    let entity = keyring.named("locked").unwrap().unwrap();
    let why = Signed::sign(text, entity, Some(b"wrong"), NOW_S).unwrap_err();
    assert_eq!(why.to_string(), "openpgp: invalid data: private key checksum failure");
    assert!(public.named("rsa@example.com").unwrap().unwrap().is_locked().is_err());
    assert!(public.named("example.com").is_err());
    assert!(public.named("nobody").unwrap().is_none());
}

#[test]
fn packets_that_hold_nothing() {
    for kind in 0_u8..64 {
        let _ = Keyring::read(&packet::write(kind, &[]));
        let _ = signature::Signature::read(&[kind]);
    }
}
