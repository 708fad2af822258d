//! The choices of a version from a list that Flux, Argo CD and Helm make.

use super::{Constraints, ConstraintsError, Library, Version, VersionError};
use crate::strconv::quote;

/// Why no version was picked. The texts are those of the tool that picks.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum PickError {
    /// The list is empty (Flux).
    #[error("version list argument cannot be empty")]
    EmptyList,
    /// Nothing in the list fits (Flux).
    #[error("unable to determine latest version from provided list")]
    NothingFits,
    /// The range cannot be read.
    #[error(transparent)]
    Constraints(#[from] ConstraintsError),
    /// The revision is neither a version nor a range (Argo CD).
    #[error("failed to determine semver constraint: {0}")]
    Revision(ConstraintsError),
    /// With a tag prefix the revision has to be a range (Argo CD).
    #[error("tagPrefix {} requires targetRevision to be a semver constraint, but {} is not a valid constraint", quote(.prefix.as_bytes()), quote(.revision.as_bytes()))]
    PrefixNeedsRange {
        /// The prefix of the tags.
        prefix: String,
        /// The revision that was given.
        revision: String,
    },
    /// A tag looks like a version and is none (Argo CD).
    #[error("invalid semver version in tags: {0}")]
    Tag(VersionError),
    /// No tag fits (Argo CD).
    #[error("version matching constraint not found in {0} tags")]
    NoTag(usize),
}

/// Reads a version as Flux does: three parts at least, a leading `v` allowed.
pub fn flux_version(text: &str) -> Result<Version, VersionError> {
    if text.splitn(3, '.').count() < 3 {
        return Err(VersionError::InvalidSemVer);
    }
    Version::parse(text)
}

/// The newest version of a list that fits a range, as a Flux image policy picks it.
pub fn flux_latest<'a>(range: &str, list: impl IntoIterator<Item = &'a str>) -> Result<String, PickError> {
    let range = Constraints::parse(range)?;
    let mut empty = true;
    let mut latest: Option<Version> = None;
    for text in list {
        empty = false;
        let Ok(version) = flux_version(text) else { continue };
        if range.check(&version) && latest.as_ref().is_none_or(|latest| version.compare(latest).is_gt()) {
            latest = Some(version);
        }
    }
    match latest {
        Some(version) => Ok(version.original().to_owned()),
        None if empty => Err(PickError::EmptyList),
        None => Err(PickError::NothingFits),
    }
}

/// Does Argo CD take the revision for a range, and not for one version or a name?
pub fn argo_is_range(revision: &str) -> bool {
    Version::parse_as(revision, Library::V3_4).is_err()
        && Constraints::parse_as(revision, Library::V3_4).is_ok()
}

/// The newest tag that fits a revision, as Argo CD picks it. A revision that is a version or a tag stands for itself. With a
/// prefix only the tags that begin with it count; the prefix is part of the answer.
pub fn argo_latest<'a>(
    revision: &str,
    tags: impl IntoIterator<Item = &'a str>,
    prefix: &str,
) -> Result<String, PickError> {
    if Version::parse_as(revision, Library::V3_4).is_ok() {
        return Ok(format!("{prefix}{revision}"));
    }
    let tags: Vec<&str> = tags.into_iter().collect();
    if tags.iter().any(|tag| tag.strip_prefix(prefix) == Some(revision)) {
        return Ok(format!("{prefix}{revision}"));
    }
    let range = Constraints::parse_as(revision, Library::V3_4).map_err(|why| {
        if prefix.is_empty() {
            PickError::Revision(why)
        } else {
            PickError::PrefixNeedsRange { prefix: prefix.into(), revision: revision.into() }
        }
    })?;
    let tags: Vec<&str> = tags.into_iter().filter_map(|tag| tag.strip_prefix(prefix)).collect();
    let mut latest: Option<Version> = None;
    for tag in &tags {
        let version = match Version::parse_as(tag, Library::V3_4) {
            Ok(version) => version,
            Err(VersionError::InvalidSemVer) => continue,
            Err(why) => return Err(PickError::Tag(why)),
        };
        if range.check(&version) && latest.as_ref().is_none_or(|latest| version.compare(latest).is_gt()) {
            latest = Some(version);
        }
    }
    latest.map_or(Err(PickError::NoTag(tags.len())), |version| Ok(format!("{prefix}{}", version.original())))
}

/// The order in which Helm keeps the versions of a chart in an index: newest first, unreadable ones last.
pub fn helm_sort<T>(list: &mut [T], version: impl Fn(&T) -> &str) {
    let parsed = |one: &T| Version::parse(version(one)).ok();
    list.sort_by(|left, right| match (parsed(left), parsed(right)) {
        (Some(left), Some(right)) => right.compare(&left),
        (left, right) => right.is_some().cmp(&left.is_some()),
    });
}

/// The place of the chart version that Helm takes from a sorted list: the exact text first, else the first that fits.
/// `None` where nothing fits.
pub fn helm_pick<'a>(
    wanted: &str,
    list: impl Iterator<Item = &'a str> + Clone,
) -> Result<Option<usize>, ConstraintsError> {
    let range = Constraints::parse(if wanted.is_empty() { "*" } else { wanted })?;
    if !wanted.is_empty()
        && let Some(place) = list.clone().position(|version| version == wanted)
    {
        return Ok(Some(place));
    }
    let mut list = list;
    Ok(list.position(|version| Version::parse(version).is_ok_and(|version| range.check(&version))))
}
