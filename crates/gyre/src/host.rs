//! The world that templates may ask: the time, randomness.

use std::time::{SystemTime, UNIX_EPOCH};

use gyre_go::time::{Time, Zone};
use gyre_template::Host;
use ring::rand::{SecureRandom, SystemRandom};

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

/// The time that has passed since 1970.
pub(crate) fn since_1970() -> std::time::Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
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
        let now = since_1970();
        Time::from_unix(now.as_secs() as i64, now.subsec_nanos()).in_zone(local_zone())
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
}
