//! URLs, as Go's `url.ParseRequestURI` reads them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::eval::{Outcome, fail};
use crate::value::{Key, Value};

/// The parts of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    scheme: String,
    host: String,
    path: String,
    query: String,
}

fn read(text: &str) -> Option<Url> {
    if text.is_empty() || text.bytes().any(|it| it < 0x20 || it == 0x7f) {
        return None;
    }
    let scheme_end = text.find(|it: char| !it.is_ascii_alphanumeric() && !"+-.".contains(it));
    let (scheme, rest) = match scheme_end {
        Some(at)
            if at > 0
                && text[at..].starts_with(':')
                && text.starts_with(|it: char| it.is_ascii_alphabetic()) =>
        {
            (text[..at].to_ascii_lowercase(), &text[at + 1..])
        }
        _ => (String::new(), text),
    };
    if !rest.starts_with('/') {
        return None;
    }
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (host, path) = match rest.strip_prefix("//").filter(|_| !scheme.is_empty()) {
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            (&rest[..end], &rest[end..])
        }
        None => ("", rest),
    };
    let host = host.rsplit_once('@').map_or(host, |it| it.1);
    let port = host.rsplit_once(':').map_or("", |it| it.1);
    let bracketed = host.ends_with(']');
    if host.contains(' ') || (!bracketed && !port.chars().all(|it| it.is_ascii_digit())) || !escapes(path) {
        return None;
    }
    Some(Url { scheme, host: host.into(), path: path.into(), query: query.into() })
}

fn escapes(text: &str) -> bool {
    text.split('%').skip(1).all(|it| it.len() >= 2 && it.bytes().take(2).all(|it| it.is_ascii_hexdigit()))
}

fn unescaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digit = |at: usize| bytes.get(at).and_then(|it| (*it as char).to_digit(16));
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 2;
            }
            (b'+', ..) => out.push(b' '),
            (byte, ..) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

impl Url {
    fn port(&self) -> &str {
        match self.host.rsplit_once(':') {
            Some((_, port)) if !port.contains(']') => port,
            _ => "",
        }
    }

    fn host_name(&self) -> &str {
        let host = match self.host.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => host,
            _ => &self.host,
        };
        host.trim_start_matches('[').trim_end_matches(']')
    }

    fn values(&self) -> Value {
        let mut out: BTreeMap<Key, Vec<Value>> = BTreeMap::new();
        for pair in self.query.split('&').filter(|it| !it.is_empty() && !it.contains(';')) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            out.entry(Key::Text(unescaped(key).into())).or_default().push(Value::text(&unescaped(value)));
        }
        Value::Map(Arc::new(out.into_iter().map(|(key, values)| (key, Value::list(values))).collect()))
    }
}

pub(super) fn call(name: &str, args: &[Value]) -> Option<Outcome> {
    Some(Ok(match (name, args) {
        ("isURL", [Value::Text(text)]) => Value::Bool(read(text).is_some()),
        ("url", [Value::Text(text)]) => match read(text) {
            Some(it) => Value::Url(it.into()),
            None => {
                let quoted = gyre_go::strconv::quote(text.as_bytes());
                return Some(fail(format!(
                    "URL parse error during conversion from string: parse {quoted}: invalid URI for request"
                )));
            }
        },
        ("getScheme", [Value::Url(it)]) => Value::text(&it.scheme),
        ("getHost", [Value::Url(it)]) => Value::text(&it.host),
        ("getHostname", [Value::Url(it)]) => Value::text(it.host_name()),
        ("getPort", [Value::Url(it)]) => Value::text(it.port()),
        ("getEscapedPath", [Value::Url(it)]) => Value::text(&it.path),
        ("getQuery", [Value::Url(it)]) => it.values(),
        _ => return None,
    }))
}
