//! Checks that many kinds share.

use std::net::IpAddr;

use serde_json::{Map, Value};

use crate::failure::Cause;
use crate::names;

pub(super) type Causes = Vec<Cause>;

/// The message for what is no address.
const ADDRESS: &str = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const CIDR: &str = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
const PERCENT: &str = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The objects of a list with their places.
pub(crate) fn items<'a>(list: &'a Value, path: &str) -> Vec<(String, &'a Value)> {
    list.as_array().into_iter().flatten().enumerate().map(|(at, it)| (format!("{path}[{at}]"), it)).collect()
}

pub(super) fn not_negative(value: &Value, path: &str, causes: &mut Causes) {
    if value.as_i64().is_some_and(|it| it < 0) {
        causes.push(Cause::invalid(path, value, "must be greater than or equal to 0"));
    }
}

/// One of a closed set of words.
pub(super) fn one_of(value: &Value, allowed: &[&str], path: &str, causes: &mut Causes) {
    if !allowed.contains(&text(value)) {
        causes.push(Cause::unsupported(path, &text(value).into(), allowed));
    }
}

pub(super) fn each(problems: Vec<String>, value: &Value, path: &str, causes: &mut Causes) {
    causes.extend(problems.into_iter().map(|why| Cause::invalid(path, value, &why)));
}

pub(super) fn port_number(value: &Value, path: &str, causes: &mut Causes) {
    if value.as_i64().is_some_and(|it| !(1..=65535).contains(&it)) {
        causes.push(Cause::invalid(path, value, "must be between 1 and 65535, inclusive"));
    }
}

/// A port by number or by name.
pub(super) fn port(value: &Value, path: &str, causes: &mut Causes) {
    match value {
        Value::String(name) => each(names::port_name(name), value, path, causes),
        value => port_number(value, path, causes),
    }
}

pub(super) fn address(value: &Value, path: &str, causes: &mut Causes) {
    if text(value).parse::<IpAddr>().is_err() {
        causes.push(Cause::invalid(path, value, ADDRESS));
    }
}

/// An address that is no address of a machine (ValidateNonSpecialIP).
pub(super) fn not_special(value: &Value, path: &str, causes: &mut Causes) {
    let Ok(address) = text(value).parse::<IpAddr>() else {
        causes.push(Cause::invalid(path, value, "must be a valid IP address"));
        return;
    };
    let (link_local, link_multicast) = match address {
        IpAddr::V4(it) => (it.is_link_local(), it.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(it) => (it.is_unicast_link_local(), it.segments()[0] & 0xff0f == 0xff02),
    };
    let mut wrong = |detail: &str| causes.push(Cause::invalid(path, value, detail));
    if address.is_unspecified() {
        wrong(&format!("may not be unspecified ({})", text(value)));
    }
    if address.is_loopback() {
        wrong("may not be in the loopback range (127.0.0.0/8, ::1/128)");
    }
    if link_local {
        wrong("may not be in the link-local range (169.254.0.0/16, fe80::/10)");
    }
    if link_multicast {
        wrong("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
    }
}

/// The network and the length of a CIDR.
pub(crate) fn parse_cidr(text: &str) -> Option<(IpAddr, u32)> {
    let (address, bits) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let bits: u32 = bits.parse().ok()?;
    (bits <= if address.is_ipv4() { 32 } else { 128 }).then_some((address, bits))
}

pub(super) fn cidr(value: &Value, path: &str, causes: &mut Causes) {
    if parse_cidr(text(value).trim()).is_none() {
        causes.push(Cause::invalid(path, value, CIDR));
    }
}

/// Whether a network lies strictly inside another.
pub(super) fn is_inside(inner: (IpAddr, u32), outer: (IpAddr, u32)) -> bool {
    let bits = |it: IpAddr| match it {
        IpAddr::V4(it) => u128::from(it.to_bits()) << 96,
        IpAddr::V6(it) => it.to_bits(),
    };
    let mask = |length: u32| if length == 0 { 0 } else { u128::MAX << (128 - length) };
    inner.0.is_ipv4() == outer.0.is_ipv4()
        && inner.1 > outer.1
        && bits(inner.0) & mask(outer.1) == bits(outer.0) & mask(outer.1)
}

/// A domain and a path below it (IsDomainPrefixedPath).
pub(super) fn domain_path(name: &str, path: &str, causes: &mut Causes) {
    if name.is_empty() {
        causes.push(Cause::required(path, ""));
        return;
    }
    match name.split_once('/').filter(|(domain, rest)| !domain.is_empty() && !rest.is_empty()) {
        None => {
            let detail = "must be a domain-prefixed path (such as \"acme.io/foo\")";
            causes.push(Cause::invalid(path, &name.into(), detail));
        }
        Some((domain, _)) => each(names::subdomain(domain), &domain.into(), path, causes),
    }
}

/// A count, or a percentage.
pub(super) fn count_or_percent(value: &Value, path: &str, causes: &mut Causes) {
    match value {
        Value::String(it) => {
            let digits =
                it.strip_suffix('%').filter(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()));
            if digits.is_none() {
                causes.push(Cause::invalid(path, value, PERCENT));
            }
        }
        value => not_negative(value, path, causes),
    }
}

pub(super) fn at_most_all(value: &Value, path: &str, causes: &mut Causes) {
    let percent = value.as_str().and_then(|it| it.strip_suffix('%')).and_then(|it| it.parse::<u64>().ok());
    if percent.is_some_and(|it| it > 100) {
        causes.push(Cause::invalid(path, value, "must not be greater than 100%"));
    }
}

/// A label selector of an object.
pub(super) fn selector(selector: &Value, path: &str, causes: &mut Causes) {
    super::labels(&selector["matchLabels"], &format!("{path}.matchLabels"), causes);
    for (at, it) in items(&selector["matchExpressions"], &format!("{path}.matchExpressions")) {
        expression(it, &at, false, true, causes);
    }
}

pub(super) const OPERATOR: &str = "not a valid selector operator";

/// A requirement of a selector. Those of nodes may be `ordered` as well; preferences may have values that no label can have.
pub(super) fn expression(it: &Value, at: &str, ordered: bool, valued: bool, causes: &mut Causes) {
    let values = it["values"].as_array().map_or(0, Vec::len);
    match text(&it["operator"]) {
        "In" | "NotIn" if values == 0 => {
            let detail = "must be specified when `operator` is 'In' or 'NotIn'";
            causes.push(Cause::required(format!("{at}.values"), detail));
        }
        "Exists" | "DoesNotExist" if values > 0 => {
            let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            causes.push(Cause::forbidden(format!("{at}.values"), detail));
        }
        "Gt" | "Lt" if ordered && values != 1 => {
            let detail = "must be specified single value when `operator` is 'Lt' or 'Gt'";
            causes.push(Cause::required(format!("{at}.values"), detail));
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        "Gt" | "Lt" if ordered => {}
        other => causes.push(Cause::invalid(format!("{at}.operator"), &other.into(), OPERATOR)),
    }
    let key = text(&it["key"]);
    each(names::qualified_name(key), &key.into(), &format!("{at}.key"), causes);
    for (at, value) in items(&it["values"], &format!("{at}.values")).into_iter().filter(|_| valued) {
        each(names::label_value(text(value)), value, &at, causes);
    }
}

/// Whether the expressions of a selector can be understood.
pub(super) fn is_readable(selector: &Value) -> bool {
    let mut causes = Vec::new();
    self::selector(selector, "", &mut causes);
    causes.is_empty()
}

/// A value with the field names of Go, as messages about whole structs show it.
pub(super) fn go_names(value: &Value, fields: &[(&str, &str)]) -> Value {
    let mut out = Map::new();
    for (go, json) in fields {
        out.insert((*go).to_owned(), value[*json].clone());
    }
    Value::Object(out)
}

/// An object whose keys keep an order of their own in messages.
pub(super) fn in_order(value: &Value, order: &[&str]) -> String {
    let parts: Vec<String> = order.iter().map(|key| format!("{key:?}:{}", value[*key])).collect();
    format!("{{{}}}", parts.join(","))
}

/// Like [`in_order`], without what is missing.
pub(super) fn present_in_order(value: &Value, order: &[&str]) -> String {
    let present = order.iter().filter(|key| value.get(**key).is_some());
    let parts: Vec<String> = present.map(|key| format!("{key:?}:{}", value[*key])).collect();
    format!("{{{}}}", parts.join(","))
}

/// A label selector as Go writes it.
pub(super) fn shown_selector(selector: &Value) -> String {
    present_in_order(selector, &["matchLabels", "matchExpressions"])
}
