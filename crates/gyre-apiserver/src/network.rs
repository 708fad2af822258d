//! Hands out cluster addresses and node ports of Services.

use std::collections::HashSet;

/// The ports that nodes may open.
pub(crate) const PORTS: std::ops::RangeInclusive<u16> = 30000..=32767;

/// Which addresses and ports are taken.
#[derive(Debug, Default)]
pub(crate) struct Network {
    addresses: HashSet<u16>,
    ports: HashSet<u16>,
    next_address: u16,
    next_port: u16,
}

/// The place of an address in the range `10.0.0.0/16`; `None` outside of it.
pub(crate) fn offset(address: &str) -> Option<u16> {
    let address: std::net::Ipv4Addr = address.parse().ok()?;
    let [a, b, c, d] = address.octets();
    (a == 10 && b == 0).then_some(u16::from(c) << 8 | u16::from(d))
}

impl Network {
    /// A free address.
    pub(crate) fn address(&mut self) -> Option<String> {
        for _ in 0..=u16::MAX {
            self.next_address = self.next_address.wrapping_add(1);
            let at = self.next_address;
            if (10..65_535).contains(&at) && self.addresses.insert(at) {
                return Some(format!("10.0.{}.{}", at >> 8, at & 255));
            }
        }
        None
    }

    /// Takes a given address; false where it is taken.
    pub(crate) fn take_address(&mut self, address: &str) -> bool {
        offset(address).is_none_or(|at| self.addresses.insert(at))
    }

    pub(crate) fn free_address(&mut self, address: &str) {
        if let Some(at) = offset(address) {
            self.addresses.remove(&at);
        }
    }

    /// A free port.
    pub(crate) fn port(&mut self) -> Option<u16> {
        for _ in PORTS {
            self.next_port =
                if PORTS.contains(&(self.next_port + 1)) { self.next_port + 1 } else { *PORTS.start() };
            if self.ports.insert(self.next_port) {
                return Some(self.next_port);
            }
        }
        None
    }

    /// Takes a given port; false where it is taken.
    pub(crate) fn take_port(&mut self, port: u16) -> bool {
        self.ports.insert(port)
    }

    pub(crate) fn free_port(&mut self, port: u16) {
        self.ports.remove(&port);
    }
}
