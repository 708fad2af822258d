//! `registry.example.com:5000/charts/web:1.2.3@sha256:...`

use std::fmt;

use super::OciError;

/// What something in a registry is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    /// The host, with its port where it names one.
    pub registry: String,
    /// The repository.
    pub repository: String,
    /// The tag; empty for none.
    pub tag: String,
    /// The digest; empty for none.
    pub digest: String,
}

fn is_repository(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_name = |part: &str| {
        let bytes = part.as_bytes();
        bytes.first().is_some_and(|&byte| fits(byte))
            && bytes.last().is_some_and(|&byte| fits(byte))
            && bytes.iter().all(|&byte| fits(byte) || b"._-".contains(&byte))
    };
    !text.is_empty() && text.split('/').all(is_name)
}

fn is_tag(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = text.as_bytes();
    bytes.len() <= 128
        && bytes.first().is_some_and(|&byte| fits(byte))
        && bytes.iter().all(|&byte| fits(byte) || b".-".contains(&byte))
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn is_registry(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    !text.is_empty() && text.bytes().all(fits)
}

impl Reference {
    /// Reads a reference, with or without `oci://`. A plus in a tag becomes an underscore: registries take none.
    pub fn parse(text: &str) -> Result<Self, OciError> {
        let invalid = |why: &str| OciError::new(format!("invalid reference: {why}"));
        let text = text.strip_prefix("oci://").unwrap_or(text);
        let (rest, digest) = text.rsplit_once('@').unwrap_or((text, ""));
        let (rest, tag) = match rest.rsplit_once(':') {
            Some((rest, tag)) if !tag.contains('/') && rest.contains('/') => (rest, tag.replace('+', "_")),
            _ => (rest, String::new()),
        };
        let (registry, repository) =
            rest.split_once('/').ok_or_else(|| invalid("missing registry or repository"))?;
        if !is_registry(registry) {
            return Err(invalid(&format!("invalid registry {registry:?}")));
        }
        let repository = repository.trim_end_matches('/');
        if !is_repository(repository) {
            return Err(invalid(&format!("invalid repository {repository:?}")));
        }
        if !tag.is_empty() && !is_tag(&tag) {
            return Err(invalid(&format!("invalid tag {tag:?}")));
        }
        if !digest.is_empty() && !is_digest(digest) {
            return Err(invalid(&format!("invalid digest {digest:?}; expected format: sha256:...")));
        }
        Ok(Self { registry: registry.into(), repository: repository.into(), tag, digest: digest.into() })
    }

    /// What is asked for: the digest, else the tag.
    pub fn object(&self) -> &str {
        if self.digest.is_empty() { &self.tag } else { &self.digest }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.registry, self.repository)?;
        if !self.tag.is_empty() {
            return write!(out, ":{}", self.tag);
        }
        if self.digest.is_empty() { Ok(()) } else { write!(out, "@{}", self.digest) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parts_of_a_reference() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let text = format!("oci://h:5000/a/b:1.0.0+x@{digest}");
        let found = Reference::parse(&text).unwrap();
        assert_eq!((&*found.registry, &*found.repository), ("h:5000", "a/b"));
        assert_eq!((&*found.tag, &*found.digest), ("1.0.0_x", &*digest));
        assert_eq!(found.to_string(), "h:5000/a/b:1.0.0_x");
        assert_eq!(Reference::parse("localhost:5000/a").unwrap().tag, "");
        for bad in ["", "h", "h/", "h/A", "h/a:-", "h/a@sha256:1", "h/../a", "h /a", "h/a//b"] {
            assert!(Reference::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_written(text in "[a-z]{1,5}(:[0-9]{2})?/[a-z]{1,4}(/[a-z]{1,4})?(:[0-9]([0-9.]{0,3}[0-9])?)?") {
            prop_assert_eq!(Reference::parse(&text).unwrap().to_string(), text);
        }

        #[test]
        fn reading_never_panics(text: String) {
            if let Ok(found) = Reference::parse(&text) {
                prop_assert!(!found.repository.contains(".."));
            }
        }
    }
}
