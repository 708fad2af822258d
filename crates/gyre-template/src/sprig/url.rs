//! URLs and paths.

use super::cast::{text, utf8};
use super::dicts::{map, string_of};
use crate::builtin::path_escape;
use crate::exec::Machine;
use crate::functions::{Function, fixed};
use crate::value::{Type, Value};

const S: &[Type] = &[Type::Str];

type Done = Result<Value, String>;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("urlParse", S, parse),
    fixed("urlJoin", &[Type::Map], join),
    fixed("base", S, |_, args| Ok(Value::text(base(&utf8(&args[0]))))),
    fixed("dir", S, |_, args| Ok(Value::text(dir(&utf8(&args[0]))))),
    fixed("clean", S, |_, args| Ok(Value::text(clean(&utf8(&args[0]))))),
    fixed("ext", S, |_, args| Ok(Value::text(ext(&utf8(&args[0]))))),
    fixed("isAbs", S, |_, args| Ok(Value::Bool(text(&args[0]).starts_with(b"/")))),
    fixed("osBase", S, |_, args| Ok(Value::text(base(&utf8(&args[0]))))),
    fixed("osDir", S, |_, args| Ok(Value::text(dir(&utf8(&args[0]))))),
    fixed("osClean", S, |_, args| Ok(Value::text(clean(&utf8(&args[0]))))),
    fixed("osExt", S, |_, args| Ok(Value::text(ext(&utf8(&args[0]))))),
    fixed("osIsAbs", S, |_, args| Ok(Value::Bool(text(&args[0]).starts_with(b"/")))),
];

/// `path.Base`.
pub(crate) fn base(path: &str) -> String {
    if path.is_empty() {
        return ".".into();
    }
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { "/".into() } else { trimmed.rsplit('/').next().unwrap_or(trimmed).into() }
}

/// `path.Dir`.
fn dir(path: &str) -> String {
    clean(path.rfind('/').map_or("", |at| &path[..=at]))
}

/// `path.Clean`.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".into(),
        (false, false) => joined,
    }
}

/// `path.Ext`.
fn ext(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rfind('.').map_or_else(String::new, |at| name[at..].into())
}

/// The parts of a URL as `net/url` has them.
#[derive(Default)]
struct Url {
    scheme: String,
    opaque: String,
    user: Option<String>,
    host: String,
    path: String,
    raw_path: String,
    query: String,
    fragment: String,
    omit_host: bool,
}

fn unescape(text: &str) -> Result<String, String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'%' {
            out.push(bytes[at]);
            at += 1;
            continue;
        }
        let digits = bytes.get(at + 1..at + 3).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let Some(digits) = digits else {
            let end = (at + 3).min(bytes.len());
            let shown = gyre_go::strconv::quote(&bytes[at..end]);
            return Err(format!("invalid URL escape {shown}"));
        };
        let digits = std::str::from_utf8(digits).unwrap_or("0");
        out.push(u8::from_str_radix(digits, 16).unwrap_or(0));
        at += 3;
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// The scheme and the rest; no scheme where there is none.
fn scheme_of(text: &str) -> Result<(String, &str), String> {
    for (at, letter) in text.bytes().enumerate() {
        match letter {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".into()),
            b':' => return Ok((text[..at].to_ascii_lowercase(), &text[at + 1..])),
            _ => return Ok((String::new(), text)),
        }
    }
    Ok((String::new(), text))
}

impl Url {
    fn parse(text: &str) -> Result<Self, String> {
        let (body, fragment) = text.split_once('#').unwrap_or((text, ""));
        let mut url = Self::read(body)
            .map_err(|why| format!("parse {}: {why}", gyre_go::strconv::quote(text.as_bytes())))?;
        url.fragment = unescape(fragment)
            .map_err(|why| format!("parse {}: {why}", gyre_go::strconv::quote(text.as_bytes())))?;
        Ok(url)
    }

    fn read(text: &str) -> Result<Self, String> {
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err("net/url: invalid control character in URL".into());
        }
        if text == "*" {
            return Ok(Self { path: "*".into(), ..Self::default() });
        }
        let (scheme, rest) = scheme_of(text)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut url = Self { scheme, query: query.into(), ..Self::default() };
        let mut rest = rest;
        if !rest.starts_with('/') {
            if !url.scheme.is_empty() {
                url.opaque = rest.into();
                return Ok(url);
            }
            if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
                return Err("first path segment in URL cannot contain colon".into());
            }
        }
        if (!url.scheme.is_empty() || !rest.starts_with("///")) && rest.starts_with("//") {
            let end = rest[2..].find('/').map_or(rest.len(), |at| at + 2);
            url.authority(&rest[2..end])?;
            rest = &rest[end..];
        } else if !url.scheme.is_empty() && rest.starts_with('/') {
            url.omit_host = true;
        }
        url.path = unescape(rest)?;
        let plain = escaped_path(&url.path);
        if plain != rest {
            url.raw_path = rest.into();
        }
        Ok(url)
    }

    fn authority(&mut self, authority: &str) -> Result<(), String> {
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        if let Some(user) = user {
            let fits = |letter: char| letter.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(letter);
            if !user.chars().all(fits) {
                return Err("net/url: invalid userinfo".into());
            }
            self.user = Some(user.into());
        }
        if host.starts_with('[') {
            let Some(end) = host.rfind(']') else { return Err("missing ']' in host".into()) };
            check_port(&host[end + 1..])?;
        } else if let Some(at) = host.rfind(':') {
            check_port(&host[at..])?;
        }
        if let Some(bad) = host.chars().find(|letter| " \"<>\\^`{}|".contains(*letter)) {
            let shown = gyre_go::strconv::quote(bad.to_string().as_bytes());
            return Err(format!("invalid character {shown} in host name"));
        }
        self.host = unescape(host)?;
        Ok(())
    }

    fn hostname(&self) -> &str {
        if let Some(rest) = self.host.strip_prefix('[') {
            return rest.split(']').next().unwrap_or(rest);
        }
        match self.host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => &self.host,
        }
    }

    fn write(&self) -> String {
        let mut out = String::new();
        if !self.scheme.is_empty() {
            out.push_str(&self.scheme);
            out.push(':');
        }
        if self.opaque.is_empty() {
            if !self.scheme.is_empty() || !self.host.is_empty() || self.user.is_some() {
                if !self.host.is_empty() || !self.path.is_empty() || self.user.is_some() {
                    out.push_str("//");
                }
                if let Some(user) = &self.user {
                    out.push_str(user);
                    out.push('@');
                }
                out.push_str(&String::from_utf8_lossy(&path_escape(
                    self.host.as_bytes(),
                    b"!$&'()*+,;=:[]<>\"",
                )));
            }
            let path =
                if self.raw_path.is_empty() { escaped_path(&self.path) } else { self.raw_path.clone() };
            if !path.is_empty() && !path.starts_with('/') && !self.host.is_empty() {
                out.push('/');
            }
            if out.is_empty() && path.split('/').next().is_some_and(|segment| segment.contains(':')) {
                out.push_str("./");
            }
            out.push_str(&path);
        } else {
            out.push_str(&self.opaque);
        }
        if !self.query.is_empty() {
            out.push('?');
            out.push_str(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push('#');
            let fragment = path_escape(self.fragment.as_bytes(), b"$&+,/:;=?@!()*");
            out.push_str(&String::from_utf8_lossy(&fragment));
        }
        out
    }
}

fn escaped_path(path: &str) -> String {
    String::from_utf8_lossy(&path_escape(path.as_bytes(), b"$&+,/:;=@")).into_owned()
}

fn check_port(port: &str) -> Result<(), String> {
    let fine = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    if fine {
        return Ok(());
    }
    Err(format!("invalid port {} after host", gyre_go::strconv::quote(port.as_bytes())))
}

fn parse(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let url = Url::parse(&utf8(&args[0])).map_err(|why| format!("unable to parse url: {why}"))?;
    let user = url.user.as_deref().map(user_text).unwrap_or_default();
    Ok(Value::map([
        ("scheme", Value::text(url.scheme.as_str())),
        ("host", Value::text(url.host.as_str())),
        ("hostname", Value::text(url.hostname())),
        ("path", Value::text(url.path.as_str())),
        ("query", Value::text(url.query.as_str())),
        ("opaque", Value::text(url.opaque.as_str())),
        ("fragment", Value::text(url.fragment.as_str())),
        ("userinfo", Value::text(user)),
    ]))
}

/// User and password as `net/url` writes them back.
fn user_text(user: &str) -> String {
    let escape = |part: &str| {
        let plain = unescape(part).unwrap_or_else(|_| part.into());
        String::from_utf8_lossy(&path_escape(plain.as_bytes(), b"$&+,;=")).into_owned()
    };
    match user.split_once(':') {
        Some((name, password)) => format!("{}:{}", escape(name), escape(password)),
        None => escape(user),
    }
}

fn join(_: &mut Machine<'_>, args: &[Value]) -> Done {
    let parts = map(&args[0]);
    let user = string_of(&parts, "userinfo")?;
    let user = if user.is_empty() {
        None
    } else {
        let url = Url::parse(&format!("proto://{user}@host"));
        let url = url.map_err(|why| format!("unable to parse userinfo in dict: {why}"))?;
        url.user.as_deref().map(user_text)
    };
    let url = Url {
        scheme: string_of(&parts, "scheme")?,
        host: string_of(&parts, "host")?,
        path: string_of(&parts, "path")?,
        query: string_of(&parts, "query")?,
        opaque: string_of(&parts, "opaque")?,
        fragment: string_of(&parts, "fragment")?,
        user,
        ..Url::default()
    };
    Ok(Value::text(url.write()))
}
