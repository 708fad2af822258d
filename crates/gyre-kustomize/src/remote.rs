//! Which texts name a Git repository instead of a directory.

/// Does a path read as the address of a repository? The rules are those of Kustomize: a scheme, a user, or GitHub's
/// host without one; then the path of the repository.
pub fn is_repository(text: &str) -> bool {
    if text.starts_with('/') {
        return false;
    }
    let text = text.split('?').next().unwrap_or_default();
    let text = strip_prefix_ignoring_case(text, "git::").unwrap_or(text);
    let schemes = ["ssh://", "https://", "http://", "file://"];
    let found = schemes.iter().find_map(|scheme| Some((*scheme, strip_prefix_ignoring_case(text, scheme)?)));
    let (scheme, rest) = found.unwrap_or(("", text));
    let (user, rest) = user(rest);
    let lower = rest.to_ascii_lowercase();
    let github = lower.starts_with("github.com/") || lower.starts_with("github.com:");
    let scp = scheme.is_empty() && (!user.is_empty() || github);
    if scheme.is_empty() && !scp {
        return false;
    }
    if scheme == "file://" {
        return has_repository_path(&format!("{user}{rest}"), true);
    }
    let slash = rest.find('/');
    let separator = match (slash, rest.find(':').filter(|_| scp)) {
        (None, colon) => colon,
        (Some(slash), Some(colon)) if colon > 0 && colon < slash => Some(colon),
        (slash, _) => slash,
    };
    let Some(separator) = separator else { return false };
    has_repository_path(&rest[separator + 1..], false)
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

fn has_repository_path(path: &str, whole: bool) -> bool {
    let (repository, inside) = if let Some(at) = path.find("_git/") {
        let rest = &path[at + 5..];
        let name = rest.split('/').next().unwrap_or_default();
        (&path[..at + 5 + name.len()], rest[name.len()..].trim_start_matches('/'))
    } else if let Some(at) = path.find("//") {
        (&path[..at], &path[at + 2..])
    } else if let Some(at) = path.find(".git") {
        (&path[..at + 4], &path[at + 4..])
    } else if whole {
        (path, "")
    } else {
        let Some(first) = path.find('/') else { return false };
        let end = path[first + 1..].find('/').map_or(path.len(), |second| first + 1 + second);
        (&path[..end], path[end..].trim_start_matches('/'))
    };
    let leaves = gyre_model::clean_path(inside.trim_start_matches('/')).is_none();
    !repository.is_empty() && !leaves
}

#[cfg(test)]
mod tests {
    use super::is_repository;

    #[test]
    fn knows_addresses_from_paths() {
        for address in [
            "https://github.com/owner/repo",
            "https://github.com/owner/repo//dir?ref=v1",
            "github.com/owner/repo/dir",
            "git@github.com:owner/repo.git",
            "ssh://git@example.com/owner/repo.git//dir",
            "https://dev.example.com/team/_git/repo",
            "file:///some/where",
        ] {
            assert!(is_repository(address), "{address}");
        }
        for path in ["../base", "base", "/abs/path", "https://example.com/file.yaml", "a@b", "host:8080/x"] {
            assert!(!is_repository(path), "{path}");
        }
    }
}
