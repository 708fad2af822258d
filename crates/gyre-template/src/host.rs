//! What a template may ask of the world. Nothing else reaches it.

use gyre_go::time::{Time, Zone};

/// The world of a template: clock, randomness, keys, the cluster.
pub trait Host {
    /// The time.
    fn now(&mut self) -> Time;
    /// Fills a buffer with random bytes.
    fn random(&mut self, buffer: &mut [u8]);
    /// The zone that times are shown in.
    fn local_zone(&self) -> Zone {
        Zone::Utc
    }
    /// The object that `lookup` asks for, or a list of them; an empty object where there is none.
    fn lookup(&mut self, kind: &LookUp<'_>) -> Result<serde_json::Value, String> {
        let _ = kind;
        Ok(serde_json::Value::Object(serde_json::Map::new()))
    }
    /// Makes a private key, as PEM: `rsa`, `ecdsa`, `dsa`, `ed25519`.
    fn private_key(&mut self, algorithm: &str) -> Result<String, String> {
        Err(format!("no keys are made here: {algorithm}"))
    }
    /// Makes a certificate.
    fn certificate(&mut self, request: &CertificateRequest<'_>) -> Result<Certificate, String> {
        Err(format!("no certificates are made here: {}", request.common_name))
    }
}

/// What `lookup` asks for.
#[derive(Clone, Copy, Debug)]
pub struct LookUp<'a> {
    /// `apps/v1`
    pub api_version: &'a str,
    /// `Deployment`
    pub kind: &'a str,
    /// Empty for all, or for what has none.
    pub namespace: &'a str,
    /// Empty for a list.
    pub name: &'a str,
}

/// A certificate that is asked for.
#[derive(Clone, Copy, Debug)]
pub struct CertificateRequest<'a> {
    /// The common name.
    pub common_name: &'a str,
    /// Addresses it is good for.
    pub ips: &'a [String],
    /// Names it is good for.
    pub dns_names: &'a [String],
    /// How many days from now it is good.
    pub days: i64,
    /// Is it an authority?
    pub is_authority: bool,
    /// Who signs it; itself when none.
    pub signer: Option<&'a Certificate>,
    /// The key as PEM; a new RSA key of 2048 bits when none.
    pub key: Option<&'a str>,
}

/// A certificate and its key, as PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

/// A world that always answers the same: the start of 1970, and random bytes from a counter. For tests, and for renders
/// that have to repeat.
#[derive(Clone, Debug, Default)]
pub struct FixedHost {
    /// The time, in seconds since 1970.
    pub now_s: i64,
    counter: u64,
}

impl Host for FixedHost {
    fn now(&mut self) -> Time {
        Time::from_unix(self.now_s, 0)
    }

    fn random(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            // The mixing step of SplitMix64.
            self.counter = self.counter.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.counter ^ (self.counter >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = ((mixed ^ (mixed >> 27)) >> 56) as u8;
        }
    }
}
