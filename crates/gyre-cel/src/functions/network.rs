//! Addresses and networks.

use std::net::{IpAddr, Ipv4Addr};

use crate::eval::{Outcome, fail};
use crate::value::Value;

/// An address as `netip.ParseAddr` reads it, or its complaint.
fn address(text: &str) -> Result<IpAddr, String> {
    let refused = |why: &str| Err(format!("ParseAddr({}): {why}", gyre_go::strconv::quote(text.as_bytes())));
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address);
    }
    if !text.contains(':') {
        if text.is_empty() || !text.contains('.') {
            return refused("unable to parse IP");
        }
        let fields: Vec<&str> = text.split('.').collect();
        if fields.iter().any(|it| it.is_empty()) {
            return refused("IPv4 field must have at least one digit");
        }
        if let Some(bad) = text.find(|it: char| !it.is_ascii_digit() && it != '.') {
            return refused(&format!(
                "unexpected character (at {})",
                gyre_go::strconv::quote(&text.as_bytes()[bad..])
            ));
        }
        if fields.iter().any(|it| it.len() > 1 && it.starts_with('0')) {
            return refused("IPv4 field has octet with leading zero");
        }
        if fields.iter().any(|it| it.parse::<u16>().map_or(true, |it| it > 255)) {
            return refused("IPv4 field has value >255");
        }
        return refused(if fields.len() < 4 { "IPv4 address too short" } else { "IPv4 address too long" });
    }
    refused("unable to parse IP")
}

/// An address as Kubernetes' library takes it: no zones, no IPv4 within IPv6.
fn read(text: &str) -> Result<IpAddr, String> {
    let found = address(text).map_err(|why| {
        format!(
            "IP Address {} parse error during conversion from string: {why}",
            gyre_go::strconv::quote(text.as_bytes())
        )
    })?;
    match found {
        IpAddr::V6(it) if it.to_ipv4_mapped().is_some() => Err(format!(
            "IPv4-mapped IPv6 address {} is not allowed",
            gyre_go::strconv::quote(text.as_bytes())
        )),
        other => Ok(other),
    }
}

fn network(text: &str) -> Result<(IpAddr, u8), String> {
    let quoted = gyre_go::strconv::quote(text.as_bytes());
    // compat(k8s.io/apiserver): the complaint is wrapped twice.
    let refused = |why: String| {
        let wrap = "network address parse error during conversion from string: ";
        format!("{wrap}{wrap}{why}")
    };
    let Some((start, bits)) = text.rsplit_once('/') else {
        return Err(refused(format!("netip.ParsePrefix({quoted}): no '/'")));
    };
    let start = address(start).map_err(|why| refused(format!("netip.ParsePrefix({quoted}): {why}")))?;
    let most = if start.is_ipv4() { 32 } else { 128 };
    let shaped = bits == "0" || !bits.starts_with(['0', '+', '-']);
    match bits.parse::<u8>() {
        Ok(bits) if bits <= most && shaped => Ok((start, bits)),
        Ok(_) if shaped => Err(refused(format!("netip.ParsePrefix({quoted}): prefix length out of range"))),
        _ => Err(refused(format!(
            "netip.ParsePrefix({quoted}): bad bits after slash: {}",
            gyre_go::strconv::quote(bits.as_bytes())
        ))),
    }
}

/// The address as bits at the high end, and how many there are.
fn bits(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(it) => (u128::from(u32::from(it)) << 96, 32),
        IpAddr::V6(it) => (u128::from(it), 128),
    }
}

fn mask(length: u8) -> u128 {
    if length == 0 { 0 } else { u128::MAX << (128 - u32::from(length)) }
}

fn holds(network: (IpAddr, u8), inner: IpAddr) -> bool {
    let (a, b) = (bits(network.0), bits(inner));
    a.1 == b.1 && (a.0 ^ b.0) & mask(network.1) == 0
}

fn masked(network: IpAddr, length: u8) -> IpAddr {
    let high = bits(network).0 & mask(length);
    match network {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from((high >> 96) as u32)),
        IpAddr::V6(_) => IpAddr::V6(high.into()),
    }
}

pub(super) fn call(name: &str, args: &[Value]) -> Option<Outcome> {
    let truth = |it: bool| Some(Ok(Value::Bool(it)));
    match (name, args) {
        ("ip", [Value::Text(text)]) => Some(read(text).map_or_else(fail, |it| Ok(Value::Ip(it)))),
        ("isIP", [Value::Text(text)]) => truth(read(text).is_ok()),
        ("ip.isCanonical", [Value::Text(text)]) => {
            Some(read(text).map_or_else(fail, |it| Ok(Value::Bool(it.to_string() == **text))))
        }
        ("cidr", [Value::Text(text)]) => {
            Some(network(text).map_or_else(fail, |(it, bits)| Ok(Value::Cidr(it, bits))))
        }
        ("isCIDR", [Value::Text(text)]) => truth(network(text).is_ok()),
        ("containsIP", [Value::Cidr(start, length), inner]) => Some(match inner {
            Value::Ip(it) => Ok(Value::Bool(holds((*start, *length), *it))),
            Value::Text(text) => {
                read(text).map_or_else(fail, |it| Ok(Value::Bool(holds((*start, *length), it))))
            }
            _ => return None,
        }),
        ("containsCIDR", [Value::Cidr(start, length), inner]) => {
            let inner = match inner {
                Value::Cidr(it, bits) => Ok((*it, *bits)),
                Value::Text(text) => network(text),
                _ => return None,
            };
            Some(inner.map_or_else(fail, |(it, bits)| {
                Ok(Value::Bool(bits >= *length && holds((*start, *length), it)))
            }))
        }
        ("ip", [Value::Cidr(start, _)]) => Some(Ok(Value::Ip(*start))),
        ("masked", [Value::Cidr(start, length)]) => Some(Ok(Value::Cidr(masked(*start, *length), *length))),
        ("prefixLength", [Value::Cidr(_, length)]) => Some(Ok(Value::Int((*length).into()))),
        ("family", [Value::Ip(it)]) => Some(Ok(Value::Int(if it.is_ipv4() { 4 } else { 6 }))),
        ("isUnspecified", [Value::Ip(it)]) => truth(it.is_unspecified()),
        ("isLoopback", [Value::Ip(it)]) => truth(it.is_loopback()),
        ("isLinkLocalMulticast", [Value::Ip(it)]) => truth(link_local_multicast(*it)),
        ("isLinkLocalUnicast", [Value::Ip(it)]) => truth(link_local(*it)),
        ("isGlobalUnicast", [Value::Ip(it)]) => {
            let broadcast = *it == IpAddr::V4(Ipv4Addr::BROADCAST);
            truth(
                !it.is_unspecified()
                    && !it.is_loopback()
                    && !it.is_multicast()
                    && !link_local(*it)
                    && !broadcast,
            )
        }
        _ => None,
    }
}

fn link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => it.is_link_local(),
        IpAddr::V6(it) => it.segments()[0] & 0xffc0 == 0xfe80,
    }
}

fn link_local_multicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => it.octets()[..3] == [224, 0, 0],
        IpAddr::V6(it) => it.segments()[0] & 0xff0f == 0xff02,
    }
}
