//! What of a build lies elsewhere: files at addresses, and directories of Git repositories.

use std::sync::Arc;
use std::time::Duration;

use gyre_model::FileTree;

/// How long Git may take where the address does not say it.
const TIMEOUT: Duration = Duration::from_secs(27);

/// Fetches what of a build lies elsewhere, or refuses.
pub trait Remote: Sync {
    /// The content of a file at an `http` or `https` address.
    fn file(&self, url: &str) -> Result<Arc<[u8]>, RemoteError>;

    /// The files of a repository. The error is shown to the user.
    fn repository(&self, repository: &Repository) -> Result<FileTree, String>;
}

/// Why a file was not fetched.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum RemoteError {
    /// The server answered, with something else.
    #[error("HTTP Error: status code {code} ({words})")]
    Status {
        /// The number.
        code: u16,
        /// What it stands for: `Not Found`.
        words: String,
    },
    /// There was no answer.
    #[error("{0}")]
    Failed(String),
}

/// The address of a directory in a Git repository, as a kustomization names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The address of the repository alone.
    pub url: String,
    /// The directory in it; empty for its root.
    pub path: String,
    /// A branch, a tag or a commit; empty for what the repository calls its own.
    pub reference: String,
    /// Are its submodules wanted?
    pub submodules: bool,
    /// How long Git may take.
    pub timeout: Duration,
}

impl Repository {
    /// Reads an address; `None` for what is none. The rules are those of Kustomize: a scheme, a user, or GitHub's host
    /// without one; then the path of the repository, and behind it the path in the repository.
    pub fn parse(text: &str) -> Option<Self> {
        if text.starts_with('/') {
            return None;
        }
        let (text, query) = text.split_once('?').unwrap_or((text, ""));
        let (host, rest, whole) = host(text)?;
        let (repository, path) = split(rest, whole)?;
        let path = path.strip_prefix('/').unwrap_or(path);
        if repository.is_empty() || gyre_model::clean_path(path.trim_start_matches('/')).is_none() {
            return None;
        }
        let mut parsed = Self {
            url: format!("{host}{repository}"),
            path: path.into(),
            reference: String::new(),
            submodules: true,
            timeout: TIMEOUT,
        };
        parsed.read_query(query);
        Some(parsed)
    }

    fn read_query(&mut self, query: &str) {
        // compat(Go): a query with a semicolon or a broken escape is none.
        let Some(pairs) = pairs(query) else { return };
        let value = |name: &str| {
            let found = pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
            found.unwrap_or_default()
        };
        let reference = if value("ref").is_empty() { value("version") } else { value("ref") };
        reference.clone_into(&mut self.reference);
        let timeout = value("timeout");
        let seconds = gyre_go::strconv::atoi(timeout).ok().and_then(|seconds| u64::try_from(seconds).ok());
        if let Some(seconds) = seconds.filter(|seconds| *seconds > 0) {
            self.timeout = Duration::from_secs(seconds);
        } else if let Ok(timeout) = gyre_go::duration::Duration::parse(timeout)
            && timeout.seconds() > 0.0
        {
            self.timeout = Duration::try_from_secs_f64(timeout.seconds()).unwrap_or(TIMEOUT);
        }
        if let Ok(submodules) = gyre_go::strconv::parse_bool(value("submodules")) {
            self.submodules = submodules;
        }
    }
}

/// Does a path read as the address of a repository?
pub fn is_repository(text: &str) -> bool {
    Repository::parse(text).is_some()
}

/// Scheme, user and host as Git is to be given them, what follows, and whether all of that is the repository's path.
fn host(text: &str) -> Option<(String, &str, bool)> {
    let text = strip_prefix_ignoring_case(text, "git::").unwrap_or(text);
    let schemes = ["ssh://", "https://", "http://", "file://"];
    let found = schemes.iter().find_map(|scheme| Some((*scheme, strip_prefix_ignoring_case(text, scheme)?)));
    let (scheme, rest) = found.unwrap_or(("", text));
    if scheme == "file://" {
        return Some((scheme.into(), rest, true));
    }
    let (user, rest) = user(rest);
    let is_github = ["github.com/", "github.com:"].iter().any(|name| has_prefix_ignoring_case(rest, name));
    let scp = scheme.is_empty() && (!user.is_empty() || is_github);
    if scheme.is_empty() && !scp {
        return None;
    }
    let separator = match (rest.find('/'), rest.find(':').filter(|_| scp)) {
        (None, colon) => colon,
        (Some(slash), Some(colon)) if colon > 0 && colon < slash => Some(colon),
        (slash, _) => slash,
    };
    let (host, rest) = rest.split_at(separator? + 1);
    // compat(kustomize): GitHub is asked over https, or over SSH where there is a user.
    let host = match (is_github, scheme == "ssh://" || !user.is_empty()) {
        (true, true) => format!("{user}github.com:"),
        (true, false) => "https://github.com/".into(),
        (false, _) => format!("{scheme}{user}{host}"),
    };
    Some((host, rest, false))
}

fn has_prefix_ignoring_case(text: &str, prefix: &str) -> bool {
    strip_prefix_ignoring_case(text, prefix).is_some()
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

/// `user@` at the start, and what follows.
fn user(text: &str) -> (&str, &str) {
    let Some(at) = text.find('@') else { return ("", text) };
    let name = &text[..at];
    let valid = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
    if valid { text.split_at(at + 1) } else { ("", text) }
}

/// The path of the repository, and the path in it: at `_git/`, at `//`, behind `.git`, or behind two names.
fn split(path: &str, whole: bool) -> Option<(&str, &str)> {
    if let Some(at) = path.find("_git/") {
        let name = path[at + 5..].split('/').next().unwrap_or_default();
        let (repository, inside) = path.split_at(at + 5 + name.len());
        return Some((repository, inside.strip_prefix('/').unwrap_or(inside)));
    }
    if let Some(parts) = path.split_once("//") {
        return Some(parts);
    }
    if let Some(at) = path.find(".git") {
        return Some(path.split_at(at + 4));
    }
    if whole {
        return Some((path, ""));
    }
    let first = path.find('/')?;
    let second = path[first + 1..].find('/').map(|second| first + 1 + second);
    Some(second.map_or((path, ""), |second| (&path[..second], &path[second + 1..])))
}

/// The pairs of a query.
fn pairs(query: &str) -> Option<Vec<(String, String)>> {
    let part = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((unescape(name)?, unescape(value)?))
    };
    if query.contains(';') {
        return None;
    }
    query.split('&').filter(|pair| !pair.is_empty()).map(part).collect()
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [char::from(bytes.next()?), char::from(bytes.next()?)];
                let [high, low] = digits.map(|digit| digit.to_digit(16));
                u8::try_from(high? * 16 + low?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(plain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_addresses_from_paths() {
        for address in [
            "https://github.com/owner/repo",
            "github.com/owner/repo/dir",
            "git@github.com:owner/repo.git",
            "https://dev.example.com/team/_git/repo",
            "file:///some/where",
        ] {
            assert!(is_repository(address), "{address}");
        }
        for path in ["../base", "base", "/abs/path", "https://example.com/file.yaml", "a@b", "host:8080/x"] {
            assert!(!is_repository(path), "{path}");
        }
    }

    #[test]
    fn cuts_addresses_apart() {
        for (address, url, path, reference) in [
            ("https://github.com/a/b//dir/x?ref=v1", "https://github.com/a/b", "dir/x", "v1"),
            ("github.com/a/b/dir?ref=v1", "https://github.com/a/b", "dir", "v1"),
            ("GitHub.com/a/b", "https://github.com/a/b", "", ""),
            ("git@github.com:a/b.git//d", "git@github.com:a/b.git", "d", ""),
            ("ssh://git@github.com/a/b/c", "git@github.com:a/b", "c", ""),
            ("git::https://host/a/b.git/c?version=2", "https://host/a/b.git", "c", "2"),
            ("https://u@dev.azure.com/o/p/_git/r/k/l", "https://u@dev.azure.com/o/p/_git/r", "k/l", ""),
            ("user@host:one/two/three", "user@host:one/two", "three", ""),
            ("file:///srv/git/repo//k", "file:///srv/git/repo", "k", ""),
            ("https://host/a/b?ref=a%2Fb+c&ref=d", "https://host/a/b", "", "a/b c"),
            ("https://host/a/b?ref=a;b", "https://host/a/b", "", ""),
        ] {
            let found = Repository::parse(address).expect(address);
            assert_eq!((&*found.url, &*found.path, &*found.reference), (url, path, reference), "{address}");
        }
        assert_eq!(Repository::parse("https://host/a/b//../c"), None);
    }

    #[test]
    fn reads_what_git_may_do() {
        let of = |query: &str| Repository::parse(&format!("https://h/a/b?{query}")).expect("an address");
        assert_eq!((of("").timeout.as_secs(), of("").submodules), (27, true));
        assert_eq!((of("timeout=61").timeout.as_secs(), of("timeout=2m").timeout.as_secs()), (61, 120));
        assert_eq!((of("timeout=-1").timeout.as_secs(), of("timeout=x").timeout.as_secs()), (27, 27));
        assert!(!of("submodules=false").submodules);
    }
}
