//! Which commit is meant: from what a user asks for and the references that a repository has.

use std::fmt;

use gyre_go::semver::Constraints;
use gyre_go::semver::pick::{argo_is_range, argo_latest, flux_version};

use super::GitError;

/// What a user asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Want {
    /// The branch that the repository names as its own.
    Head,
    /// A branch.
    Branch(String),
    /// A tag.
    Tag(String),
    /// The highest tag in a range of versions.
    Semver(String),
    /// A full reference.
    Name(String),
    /// Whatever Argo CD takes a target revision for: `HEAD`, a range of versions, a branch, a tag, a reference, a commit.
    Any(String),
    /// A commit, and the branch that it was asked for with.
    Commit {
        /// 40 hexadecimal digits.
        hash: String,
        /// A branch or a reference, only named in the revision.
        branch: Option<String>,
    },
}

/// A commit, and how it was found. Shown as Flux does: `main@sha1:<hash>`, or `sha1:<hash>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Revision {
    /// `main`, `v1.2.3`, `refs/pull/1/head`; `None` for a bare commit.
    pub name: Option<String>,
    /// 40 hexadecimal digits.
    pub hash: String,
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{name}@")?;
        }
        write!(f, "sha1:{}", self.hash)
    }
}

/// A reference of a remote repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemoteRef {
    /// `HEAD`, `refs/heads/main`.
    pub(crate) name: String,
    /// The commit, behind an annotated tag.
    pub(crate) commit: String,
    /// Where a symbolic reference leads.
    pub(crate) target: Option<String>,
}

/// Finds what is asked for among the references.
pub(crate) fn pick(want: &Want, refs: &[RemoteRef]) -> Result<Revision, GitError> {
    if let Want::Commit { hash, branch } = want {
        return Ok(Revision { name: branch.clone(), hash: hash.clone() });
    }
    if refs.is_empty() {
        return Err(GitError::Empty);
    }
    let by_name = |full: &str, shown: &str| {
        let found = refs.iter().find(|found| found.name == full);
        let found = found.ok_or_else(|| GitError::NoRef(full.into()))?;
        Ok(Revision { name: Some(shown.into()), hash: found.commit.clone() })
    };
    match want {
        Want::Branch(name) => by_name(&format!("refs/heads/{name}"), name),
        Want::Tag(name) => by_name(&format!("refs/tags/{name}"), name),
        // The suffix asks for the commit behind an annotated tag, which is meant anyway.
        Want::Name(name) => by_name(name.strip_suffix("^{}").unwrap_or(name), name),
        Want::Semver(range) => highest(range, refs),
        Want::Any(text) => any(text, refs),
        Want::Head | Want::Commit { .. } => {
            let head = refs.iter().find(|found| found.name == "HEAD").ok_or(GitError::Empty)?;
            let branch = head.target.as_deref().and_then(|target| target.strip_prefix("refs/heads/"));
            Ok(Revision { name: branch.map(Into::into), hash: head.commit.clone() })
        }
    }
}

/// As Argo CD resolves a revision (`util/git`, LsRemote and `util/versions`).
fn any(text: &str, refs: &[RemoteRef]) -> Result<Revision, GitError> {
    if text.is_empty() || text == "HEAD" {
        return pick(&Want::Head, refs);
    }
    let unresolved = || GitError::Unresolved(text.into());
    let tags = refs.iter().filter_map(|found| found.name.strip_prefix("refs/tags/"));
    let named = if argo_is_range(text) {
        argo_latest(text, tags, "").map_err(|_| unresolved())?
    } else {
        text.to_owned()
    };
    let full =
        [format!("refs/heads/{named}"), format!("refs/tags/{named}"), format!("refs/{named}"), named.clone()];
    let found = full.iter().find_map(|name| refs.iter().find(|found| found.name == *name));
    match found {
        Some(found) => Ok(Revision { name: Some(named), hash: found.commit.clone() }),
        None if is_hash(text) => Ok(Revision { name: None, hash: text.into() }),
        None => Err(unresolved()),
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn highest(range: &str, refs: &[RemoteRef]) -> Result<Revision, GitError> {
    let constraints = Constraints::parse(range).map_err(|error| GitError::BadRange(error.to_string()))?;
    let tags = refs.iter().filter_map(|found| Some((found.name.strip_prefix("refs/tags/")?, found)));
    let best = tags
        .filter_map(|(tag, found)| Some((flux_version(tag).ok()?, tag, found)))
        .filter(|(version, ..)| constraints.check(version))
        // Versions that differ in their build metadata only are equal; the later name is taken.
        .max_by(|(left, left_tag, _), (right, right_tag, _)| {
            left.compare(right).then_with(|| left_tag.cmp(right_tag))
        });
    let (_, tag, found) = best.ok_or_else(|| GitError::NoVersion(range.into()))?;
    Ok(Revision { name: Some(tag.into()), hash: found.commit.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refs() -> Vec<RemoteRef> {
        [
            ("HEAD", "a", Some("refs/heads/main")),
            ("refs/heads/main", "a", None),
            ("refs/tags/v1.2.0", "b", None),
            ("refs/tags/v1.10.0", "c", None),
            ("refs/tags/nightly", "d", None),
        ]
        .map(|(name, commit, target)| RemoteRef {
            name: name.into(),
            commit: commit.into(),
            target: target.map(Into::into),
        })
        .to_vec()
    }

    fn picked(want: Want) -> String {
        pick(&want, &refs()).map_or_else(|error| error.to_string(), |revision| revision.to_string())
    }

    #[test]
    fn finds_what_is_asked_for() {
        assert_eq!(picked(Want::Head), "main@sha1:a");
        assert_eq!(picked(Want::Branch("main".into())), "main@sha1:a");
        assert_eq!(picked(Want::Tag("v1.2.0".into())), "v1.2.0@sha1:b");
        assert_eq!(picked(Want::Semver(">=1.0.0".into())), "v1.10.0@sha1:c");
        assert_eq!(picked(Want::Name("refs/tags/nightly".into())), "refs/tags/nightly@sha1:d");
        assert_eq!(picked(Want::Commit { hash: "e".into(), branch: None }), "sha1:e");
        assert_eq!(picked(Want::Any("HEAD".into())), "main@sha1:a");
        assert_eq!(picked(Want::Any("main".into())), "main@sha1:a");
        assert_eq!(picked(Want::Any("v1.*".into())), "v1.10.0@sha1:c");
        assert_eq!(picked(Want::Any("nope".into())), "unable to resolve 'nope' to a commit SHA");
    }

    #[test]
    fn says_what_is_missing() {
        assert_eq!(picked(Want::Branch("gone".into())), "couldn't find remote ref \"refs/heads/gone\"");
        assert_eq!(picked(Want::Semver(">=2.0.0".into())), "no match found for semver: >=2.0.0");
        assert_eq!(pick(&Want::Head, &[]), Err(GitError::Empty));
    }
}
