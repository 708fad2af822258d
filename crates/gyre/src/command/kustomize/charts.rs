//! `--enable-helm`: charts that lie beside the kustomization, rendered in process.

use std::time::{SystemTime, UNIX_EPOCH};

use gyre_go::time::Time;
use gyre_kustomize::{Chart, Charts};
use gyre_template::Host;
use ring::rand::{SecureRandom, SystemRandom};

/// Renders charts; what all of them see comes from the command line.
pub(super) struct Local {
    pub(super) seen: gyre_render::charts::Charts,
}

impl Charts for Local {
    fn render(&self, chart: &Chart<'_>) -> Result<String, String> {
        self.seen.render(chart, &mut Machine { random: SystemRandom::new() })
    }
}

/// The time and the randomness of this machine.
struct Machine {
    random: SystemRandom,
}

impl Host for Machine {
    fn now(&mut self) -> Time {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Time::from_unix(now.as_secs() as i64, now.subsec_nanos())
    }

    fn random(&mut self, buffer: &mut [u8]) {
        if self.random.fill(buffer).is_err() {
            // The operating system has no randomness: nothing that is meant to be secret may be made.
            std::process::abort();
        }
    }
}
