//! Provenance: a text beside a chart, signed with OpenPGP, that names the digest of its archive.
//!
//! Only what signatures need of OpenPGP is here: keyrings in binary, as `gpg --export` and `gpg --export-secret-keys`
//! write them, version 4 keys and signatures with RSA, ECDSA on P-256 and P-384, and Ed25519. The cryptography is
//! ring's. Texts of errors are those of Helm 3.21 and its library.

mod clear;
mod key;
mod keyring;
mod packet;
mod secret;
mod signature;

pub use clear::Signed;
pub use keyring::{Entity, Keyring};

/// Why something cannot be verified or signed.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum PgpError {
    /// Not what OpenPGP allows.
    #[error("openpgp: invalid data: {0}")]
    Structure(String),
    /// Allowed, but not known here.
    #[error("openpgp: unsupported feature: {0}")]
    Unsupported(String),
    /// The signature is not of this text by this key.
    #[error("openpgp: invalid signature: {0}")]
    Signature(String),
    /// A key and what it is used for do not fit.
    #[error("openpgp: invalid argument: {0}")]
    Argument(String),
    /// The keyring has no key that made the signature.
    #[error("openpgp: signature made by unknown entity")]
    UnknownIssuer,
    /// The key is not to be trusted any longer.
    #[error("openpgp: signature made by revoked key")]
    KeyRevoked,
    /// The key's time is over.
    #[error("openpgp: key expired")]
    KeyExpired,
    /// The signature's time is over.
    #[error("openpgp: signature expired")]
    SignatureExpired,
    /// In the words of whoever signs charts.
    #[error("{0}")]
    Other(String),
}

fn structure<T>(what: impl Into<String>) -> Result<T, PgpError> {
    Err(PgpError::Structure(what.into()))
}

#[cfg(test)]
mod tests;
