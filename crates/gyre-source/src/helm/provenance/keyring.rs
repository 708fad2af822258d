//! Keyrings: whose keys they are, and who made a signature.

use std::fmt::Write as _;

use super::key::{PublicKey, hashed};
use super::packet::{
    PUBLIC_KEY, PUBLIC_SUBKEY, Packet, SECRET_KEY, SECRET_SUBKEY, SIGNATURE, USER_ID, packets,
};
use super::signature::{
    CERTIFICATION_REVOCATION, KEY_REVOCATION, PRIMARY_BINDING, SUBKEY_BINDING, SUBKEY_REVOCATION, Signature,
};
use super::{PgpError, structure};

/// May sign.
const SIGNS: u8 = 2;

/// The keys of a file.
#[derive(Debug)]
pub struct Keyring {
    entities: Vec<Entity>,
}

/// Somebody with a key.
#[derive(Debug)]
pub struct Entity {
    pub(super) primary: PublicKey,
    /// What is secret of the key, where that is in the file.
    pub(super) secret: Option<Vec<u8>>,
    identities: Vec<Identity>,
    subkeys: Vec<Subkey>,
    is_revoked: bool,
}

#[derive(Debug)]
struct Identity {
    name: String,
    signature: Signature,
    is_revoked: bool,
}

#[derive(Debug)]
struct Subkey {
    key: PublicKey,
    signature: Signature,
    is_revoked: bool,
}

impl Keyring {
    /// Reads a file of keys in binary. Keys that are not understood are passed over.
    pub fn read(bytes: &[u8]) -> Result<Self, PgpError> {
        let all = packets(bytes)?;
        let is_primary = |packet: &Packet<'_>| matches!(packet.tag, PUBLIC_KEY | SECRET_KEY);
        let mut entities = Vec::new();
        let mut trouble = None;
        let mut rest = all.as_slice();
        while let Some((first, others)) = rest.split_first() {
            let end = others.iter().position(is_primary).unwrap_or(others.len());
            let read = if is_primary(first) {
                Entity::read(first, &others[..end])
            } else {
                structure("first packet was not a public/private key")
            };
            match read {
                Ok(entity) => entities.push(entity),
                Err(why) => trouble = Some(why),
            }
            rest = &others[end..];
        }
        match trouble {
            Some(why) if entities.is_empty() => Err(why),
            _ => Ok(Self { entities }),
        }
    }

    /// The one whose name is this, or contains it; an error when several do.
    pub fn named(&self, name: &str) -> Result<Option<&Entity>, PgpError> {
        let mut found = None;
        let mut is_vague = false;
        for entity in &self.entities {
            for identity in &entity.identities {
                if identity.name == name {
                    return Ok(Some(entity));
                }
                if identity.name.contains(name) {
                    is_vague |= found.is_some();
                    found = Some(entity);
                }
            }
        }
        if is_vague {
            let name = gyre_go::strconv::quote(name.as_bytes());
            return Err(PgpError::Other(format!("more than one key contain the id {name}")));
        }
        Ok(found)
    }

    /// Who signed this text.
    pub(super) fn signer(&self, text: &[u8], signatures: &[u8], now_s: u64) -> Result<&Entity, PgpError> {
        for packet in packets(signatures)? {
            if packet.tag != SIGNATURE {
                return structure("non signature packet found");
            }
            let signature = Signature::read(packet.body)?;
            let Some(issuer) = &signature.issuer else {
                return structure("signature doesn't have an issuer");
            };
            let known: Vec<_> = self.entities.iter().filter_map(|entity| entity.key(issuer)).collect();
            let mut failure = None;
            for (entity, key, subkey) in &known {
                match key.verify(text, &signature) {
                    Ok(()) => return entity.check(*subkey, &signature, now_s).map(|()| *entity),
                    Err(why) => failure = Some(why),
                }
            }
            if let Some(why) = failure {
                return Err(why);
            }
        }
        Err(PgpError::UnknownIssuer)
    }
}

type Found<'a> = (&'a Entity, &'a PublicKey, Option<&'a Subkey>);

impl Entity {
    /// The names that the key vouches for.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.identities.iter().map(|identity| identity.name.as_str())
    }

    /// The fingerprint of the primary key, in capital letters.
    pub fn fingerprint(&self) -> String {
        let mut out = String::new();
        for byte in self.primary.fingerprint {
            let _ = write!(out, "{byte:02X}");
        }
        out
    }

    fn read(first: &Packet<'_>, others: &[Packet<'_>]) -> Result<Self, PgpError> {
        let (primary, secret) = PublicKey::read(first.body)?;
        if !primary.can_sign() {
            return structure("primary key cannot be used for signatures");
        }
        let secret = (first.tag == SECRET_KEY).then(|| secret.to_vec());
        let mut entity =
            Self { primary, secret, identities: Vec::new(), subkeys: Vec::new(), is_revoked: false };
        let mut rest = others;
        while let Some((packet, others)) = rest.split_first() {
            let count = others.iter().take_while(|packet| packet.tag == SIGNATURE).count();
            match packet.tag {
                USER_ID => {
                    entity.identity(packet.body, &others[..count])?;
                    rest = &others[count..];
                }
                PUBLIC_SUBKEY | SECRET_SUBKEY => {
                    entity.subkey(packet.body, &others[..count])?;
                    rest = &others[count..];
                }
                SIGNATURE => {
                    let signature = Signature::read(packet.body)?;
                    if signature.kind == KEY_REVOCATION {
                        if entity.primary.verify(&hashed(&entity.primary.body), &signature).is_err() {
                            return structure("revocation signature signed by alternate key");
                        }
                        entity.is_revoked = true;
                    }
                    rest = others;
                }
                _ => rest = others,
            }
        }
        if entity.identities.is_empty() {
            return structure("v4 entity without any identities");
        }
        Ok(entity)
    }

    fn identity(&mut self, name: &[u8], signatures: &[Packet<'_>]) -> Result<(), PgpError> {
        let mut text = hashed(&self.primary.body);
        text.push(0xb4);
        text.extend_from_slice(&(name.len() as u32).to_be_bytes());
        text.extend_from_slice(name);
        let mut own: Option<Signature> = None;
        let mut is_revoked = false;
        for packet in signatures {
            let Ok(signature) = Signature::read(packet.body) else { continue };
            if !matches!(signature.kind, 0x10..=0x13 | CERTIFICATION_REVOCATION) {
                return structure("user ID signature with wrong type");
            }
            if signature.issuer.as_deref() != Some(self.primary.id()) {
                continue;
            }
            if let Err(why) = self.primary.verify(&text, &signature) {
                return structure(format!("user ID self-signature invalid: {why}"));
            }
            if signature.kind == CERTIFICATION_REVOCATION {
                is_revoked = true;
            } else if own.as_ref().is_none_or(|own| signature.created_s > own.created_s) {
                own = Some(signature);
            }
        }
        if let Some(signature) = own {
            let name = String::from_utf8_lossy(name).into_owned();
            self.identities.push(Identity { name, signature, is_revoked });
        }
        Ok(())
    }

    fn subkey(&mut self, body: &[u8], signatures: &[Packet<'_>]) -> Result<(), PgpError> {
        let (key, _) = PublicKey::read(body)?;
        let text = [hashed(&self.primary.body), hashed(&key.body)].concat();
        let mut own: Option<Signature> = None;
        let mut is_revoked = false;
        for packet in signatures {
            let invalid = |why: PgpError| PgpError::Structure(format!("subkey signature invalid: {why}"));
            let signature = Signature::read(packet.body).map_err(invalid)?;
            if !matches!(signature.kind, SUBKEY_BINDING | SUBKEY_REVOCATION) {
                return structure("subkey signature with wrong type");
            }
            self.primary.verify(&text, &signature).map_err(invalid)?;
            if signature.kind == SUBKEY_REVOCATION {
                is_revoked = true;
                continue;
            }
            if signature.flags.is_some_and(|flags| flags & SIGNS != 0) {
                let Some(known) = &signature.embedded else {
                    return structure(
                        "subkey signature invalid: openpgp: invalid data: signing subkey is missing cross-signature",
                    );
                };
                if known.kind != PRIMARY_BINDING {
                    return structure("subkey signature with wrong type");
                }
                key.verify(&text, known).map_err(|why| {
                    PgpError::Structure(format!("error while verifying cross-signature: {why}"))
                })?;
            }
            if own.as_ref().is_none_or(|own| signature.created_s > own.created_s) {
                own = Some(signature);
            }
        }
        let Some(signature) = own else { return structure("subkey packet not followed by signature") };
        self.subkeys.push(Subkey { key, signature, is_revoked });
        Ok(())
    }

    /// The name that counts: the one that is marked, else the latest.
    fn first_identity(&self) -> Option<&Identity> {
        self.identities
            .iter()
            .max_by_key(|one| (!one.is_revoked, one.signature.is_primary, one.signature.created_s))
    }

    /// The key of an id that may sign.
    fn key(&self, id: &[u8]) -> Option<Found<'_>> {
        let signs = |signature: &Signature| signature.flags.is_some_and(|flags| flags & SIGNS != 0);
        let first = self.first_identity()?;
        if self.primary.id() == id && signs(&first.signature) {
            return Some((self, &self.primary, None));
        }
        let subkey = self.subkeys.iter().find(|subkey| subkey.key.id() == id && signs(&subkey.signature))?;
        Some((self, &subkey.key, Some(subkey)))
    }

    fn check(&self, subkey: Option<&Subkey>, signature: &Signature, now_s: u64) -> Result<(), PgpError> {
        let first = self.first_identity().ok_or(PgpError::UnknownIssuer)?;
        let is_old = |key: &PublicKey, by: &Signature| {
            key.created_s > now_s
                || by.key_lasts_s.is_some_and(|lasts| key.created_s.saturating_add(lasts) < now_s)
        };
        if self.is_revoked || first.is_revoked || subkey.is_some_and(|subkey| subkey.is_revoked) {
            return Err(PgpError::KeyRevoked);
        }
        if is_old(&self.primary, &first.signature)
            || subkey.is_some_and(|subkey| is_old(&subkey.key, &subkey.signature))
        {
            return Err(PgpError::KeyExpired);
        }
        let binding = subkey.map(|subkey| &subkey.signature);
        let known = binding.and_then(|signature| signature.embedded.as_deref());
        let looked_at = [Some(signature), Some(&first.signature), binding, known];
        if looked_at.into_iter().flatten().any(|signature| signature.is_over(now_s)) {
            return Err(PgpError::SignatureExpired);
        }
        Ok(())
    }
}
