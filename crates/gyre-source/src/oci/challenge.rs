//! What a registry demands: the header `WWW-Authenticate` of an answer 401.

/// What is demanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// A name and a password.
    Basic,
    /// A token of a service.
    Bearer {
        /// Where it is had.
        realm: String,
        /// Of which service.
        service: String,
        /// For what.
        scope: String,
    },
}

/// Reads a header: `Bearer realm="https://auth.example.com/token",service="registry"`.
pub(super) fn parse(header: &str) -> Option<Challenge> {
    let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let (mut realm, mut service, mut scope) = (String::new(), String::new(), String::new());
    for (key, value) in pairs(rest) {
        match key {
            "realm" => realm = value,
            "service" => service = value,
            "scope" => scope = value,
            _ => {}
        }
    }
    (!realm.is_empty()).then_some(Challenge::Bearer { realm, service, scope })
}

/// `key="a value",other=word`
fn pairs(text: &str) -> Vec<(&str, String)> {
    let mut rest = text;
    let mut found = Vec::new();
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.trim_matches([',', ' ']);
        let value;
        if let Some(quoted) = after.strip_prefix('"') {
            let Some(end) = quoted.find('"') else { break };
            value = quoted[..end].to_owned();
            rest = &quoted[end + 1..];
        } else {
            let end = after.find(',').unwrap_or(after.len());
            value = after[..end].trim().to_owned();
            rest = &after[end..];
        }
        found.push((key, value));
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn demands() {
        assert_eq!(parse("Basic realm=\"x\""), Some(Challenge::Basic));
        assert_eq!(
            parse("Bearer realm=\"https://a/t\",service=\"r\", scope=\"repository:a/b:pull,push\""),
            Some(Challenge::Bearer {
                realm: "https://a/t".into(),
                service: "r".into(),
                scope: "repository:a/b:pull,push".into()
            })
        );
        assert_eq!(parse("Digest x=1"), None);
        assert_eq!(parse("Bearer service=a"), None);
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "(Bearer |bearer )?[a-z=\",é ]{0,40}") {
            let _ = parse(&text);
        }
    }
}
