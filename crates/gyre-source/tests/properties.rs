//! Signatures and keyrings that are wrong somewhere: they are refused, and nothing else happens.

use gyre_source::helm::{Keyring, Signed};
use proptest::prelude::*;

/// Within the lives of the keys.
const NOW_S: u64 = 1_800_000_000;

fn file(name: &str) -> Vec<u8> {
    let place = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pgp").join(name);
    std::fs::read(place).expect("a file")
}

fn text(name: &str) -> String {
    String::from_utf8(file(name)).expect("text")
}

proptest! {
    #[test]
    fn a_changed_keyring_is_no_disaster(at in 0_usize..8000, byte: u8, cut in 0_usize..8000) {
        for name in ["pub.gpg", "locked.sec"] {
            let mut bytes = file(name);
            let length = bytes.len();
            bytes[at % length] = byte;
            bytes.truncate(length - cut % length / 8);
            if let Ok(keyring) = Keyring::read(&bytes) {
                let _ = Signed::find(&text("rsa.prov")).expect("a signature").signer(&keyring, NOW_S);
                if let Ok(Some(entity)) = keyring.named("locked") {
                    let _ = Signed::sign("a", entity, Some(b"a"), NOW_S);
                }
            }
        }
    }

    #[test]
    fn random_keyrings_are_no_disaster(bytes: Vec<u8>, head in 0x80_u8..) {
        let _ = Keyring::read(&bytes);
        let mut packet = vec![head, bytes.len().min(191) as u8];
        packet.extend(&bytes);
        let _ = Keyring::read(&packet);
    }

    #[test]
    fn a_changed_signature_signs_nothing_else(at in 0_usize..4000, letter in "[ -~\n]") {
        let known = text("rsa.prov");
        let mut changed = known.clone();
        let at = at % changed.len();
        changed.replace_range(at..=at, &letter);
        let keyring = Keyring::read(&file("pub.gpg")).expect("a keyring");
        let before = Signed::find(&known).expect("a signature");
        if let Some(after) = Signed::find(&changed)
            && after.signer(&keyring, NOW_S).is_ok()
        {
            prop_assert_eq!(before.text, after.text);
        }
    }
}
