//! The world that templates may ask: the time, randomness, keys.

mod keys;

use gyre_go::time::{Time, Zone};
use gyre_template::{Certificate, CertificateRequest, Host};
use ring::rand::{SecureRandom, SystemRandom};

use crate::time;

/// The machine.
#[derive(Debug)]
pub(crate) struct Machine {
    random: SystemRandom,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self { random: SystemRandom::new() }
    }
}

/// Now, in the zone of the machine.
pub(crate) fn local_now() -> Time {
    time::present().in_zone(local_zone())
}

/// The zone of the machine; UTC where it cannot be told.
pub(crate) fn local_zone() -> Zone {
    let name = match std::env::var("TZ") {
        Ok(name) => name,
        Err(_) => std::fs::canonicalize("/etc/localtime")
            .ok()
            .and_then(|path| Some(path.to_str()?.split_once("/zoneinfo/")?.1.to_owned()))
            .unwrap_or_default(),
    };
    if name.is_empty() { Zone::Utc } else { Zone::load(&name).unwrap_or(Zone::Utc) }
}

impl Host for Machine {
    fn now(&mut self) -> Time {
        local_now()
    }

    fn random(&mut self, buffer: &mut [u8]) {
        if self.random.fill(buffer).is_err() {
            // The operating system has no randomness: nothing that is meant to be secret may be made.
            std::process::abort();
        }
    }

    fn local_zone(&self) -> Zone {
        local_zone()
    }

    fn private_key(&mut self, algorithm: &str) -> Result<String, String> {
        keys::private_key(algorithm)
    }

    fn certificate(&mut self, request: &CertificateRequest<'_>) -> Result<Certificate, String> {
        keys::certificate(request, time::present().unix_s)
    }
}
