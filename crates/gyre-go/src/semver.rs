//! Versions and version ranges as the Go library Masterminds/semver reads them.
//!
//! Start at [`Version::parse`] and [`Constraints::parse`]; [`pick`] has the choices that Flux, Argo CD and Helm make
//! from lists of tags.

mod constraints;
pub mod pick;

use std::cmp::Ordering;
use std::fmt;

pub use constraints::{Constraints, ConstraintsError};

use crate::limits::VERSION_BYTES_MAX;
use crate::strconv;

/// Which release of the library: Argo CD links 3.4, Flux and Helm link 3.5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Library {
    /// 3.4: no limits on length, versions stand in messages without quotes.
    V3_4,
    /// 3.5: limits on length, versions stand in messages in quotes.
    #[default]
    V3_5,
}

/// Why a version cannot be read. The texts are the library's.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum VersionError {
    /// The text has no shape of a version.
    #[error("invalid semantic version")]
    InvalidSemVer,
    /// Nothing was given.
    #[error("version string empty")]
    Empty,
    /// A character that has no place in a version.
    #[error("invalid characters in version")]
    InvalidCharacters,
    /// A number with a leading zero.
    #[error("version segment starts with 0")]
    SegmentStartsZero,
    /// The part after `+` is wrong.
    #[error("invalid metadata string")]
    InvalidMetadata,
    /// The part after `-` is wrong.
    #[error("invalid prerelease string")]
    InvalidPrerelease,
    /// More bytes than the library reads.
    #[error("version string is too long (max {VERSION_BYTES_MAX} bytes)")]
    TooLong,
    /// A number that 64 bits do not hold.
    #[error("error parsing version segment: {0}")]
    Segment(strconv::NumError),
    /// A number that 64 bits do not hold, as the strict reader says it.
    #[error("{0}")]
    StrictSegment(strconv::NumError),
    /// Adding one to a number that is the largest already.
    #[error("{0} version increment would overflow uint64")]
    Overflow(&'static str),
}

/// One version. Comparing ignores build metadata.
#[derive(Clone, Debug)]
pub struct Version {
    /// The first number.
    pub major: u64,
    /// The second number; zero when not written.
    pub minor: u64,
    /// The third number; zero when not written.
    pub patch: u64,
    /// What follows `-`, or nothing.
    pub prerelease: String,
    /// What follows `+`, or nothing.
    pub metadata: String,
    original: String,
}

impl Version {
    /// Reads a version loosely: a leading `v`, missing parts and leading zeros are allowed.
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        Self::parse_as(text, Library::V3_5)
    }

    /// As [`Version::parse`], the way the given release of the library does it.
    pub fn parse_as(text: &str, library: Library) -> Result<Self, VersionError> {
        if library == Library::V3_5 && text.len() > VERSION_BYTES_MAX {
            return Err(VersionError::TooLong);
        }
        let parts = LooseParts::split(text).ok_or(VersionError::InvalidSemVer)?;
        let number = |digits: &str| strconv::parse_uint(digits, 10, 64).map_err(VersionError::Segment);
        let mut numbers = [0; 3];
        for (slot, digits) in numbers.iter_mut().zip(parts.numbers) {
            *slot = match digits {
                Some(digits) => number(digits)?,
                None => 0,
            };
        }
        if !parts.prerelease.is_empty() {
            check_prerelease(parts.prerelease)?;
        }
        if !parts.metadata.is_empty() {
            check_metadata(parts.metadata)?;
        }
        Ok(Self {
            major: numbers[0],
            minor: numbers[1],
            patch: numbers[2],
            prerelease: parts.prerelease.into(),
            metadata: parts.metadata.into(),
            original: text.into(),
        })
    }

    /// Reads a version by the letter of the specification: three numbers, no `v`.
    pub fn parse_strict(text: &str, library: Library) -> Result<Self, VersionError> {
        if text.is_empty() {
            return Err(VersionError::Empty);
        }
        if library == Library::V3_5 && text.len() > VERSION_BYTES_MAX {
            return Err(VersionError::TooLong);
        }
        let mut parts: Vec<&str> = text.splitn(3, '.').collect();
        if parts.len() != 3 {
            return Err(VersionError::InvalidSemVer);
        }
        let (mut prerelease, mut metadata) = ("", "");
        if let Some((front, back)) = parts[2].split_once('+') {
            check_metadata(back)?;
            (parts[2], metadata) = (front, back);
        }
        if let Some((front, back)) = parts[2].split_once('-') {
            check_prerelease(back)?;
            (parts[2], prerelease) = (front, back);
        }
        for part in &parts {
            if !part.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(VersionError::InvalidCharacters);
            }
            if part.len() > 1 && part.starts_with('0') {
                return Err(VersionError::SegmentStartsZero);
            }
        }
        let number = |digits: &str| strconv::parse_uint(digits, 10, 64).map_err(VersionError::StrictSegment);
        Ok(Self {
            major: number(parts[0])?,
            minor: number(parts[1])?,
            patch: number(parts[2])?,
            prerelease: prerelease.into(),
            metadata: metadata.into(),
            original: text.into(),
        })
    }

    /// The text that was read.
    pub fn original(&self) -> &str {
        &self.original
    }

    /// The order of versions; metadata does not count.
    pub fn compare(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch).cmp(&(other.major, other.minor, other.patch)).then_with(
            || match (self.prerelease.is_empty(), other.prerelease.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => compare_prerelease(&self.prerelease, &other.prerelease),
            },
        )
    }

    /// The next major version.
    pub fn next_major(&self) -> Result<Self, VersionError> {
        let major = self.major.checked_add(1).ok_or(VersionError::Overflow("major"))?;
        Ok(self.with(major, 0, 0, String::new(), String::new()))
    }

    /// The next minor version.
    pub fn next_minor(&self) -> Result<Self, VersionError> {
        let minor = self.minor.checked_add(1).ok_or(VersionError::Overflow("minor"))?;
        Ok(self.with(self.major, minor, 0, String::new(), String::new()))
    }

    /// The next patch version; of a pre-release its release.
    pub fn next_patch(&self) -> Result<Self, VersionError> {
        let step = u64::from(self.prerelease.is_empty());
        let patch = self.patch.checked_add(step).ok_or(VersionError::Overflow("patch"))?;
        Ok(self.with(self.major, self.minor, patch, String::new(), String::new()))
    }

    /// The same version with another pre-release part.
    pub fn with_prerelease(&self, prerelease: &str) -> Result<Self, VersionError> {
        if !prerelease.is_empty() {
            check_prerelease(prerelease)?;
        }
        Ok(self.with(self.major, self.minor, self.patch, prerelease.into(), self.metadata.clone()))
    }

    /// The same version with other build metadata.
    pub fn with_metadata(&self, metadata: &str) -> Result<Self, VersionError> {
        if !metadata.is_empty() {
            check_metadata(metadata)?;
        }
        Ok(self.with(self.major, self.minor, self.patch, self.prerelease.clone(), metadata.into()))
    }

    fn with(&self, major: u64, minor: u64, patch: u64, prerelease: String, metadata: String) -> Self {
        let mut next = Self { major, minor, patch, prerelease, metadata, original: String::new() };
        let prefix = if self.original.starts_with('v') { "v" } else { "" };
        next.original = format!("{prefix}{next}");
        next
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

/// A version cut in its parts, not yet judged.
struct LooseParts<'a> {
    numbers: [Option<&'a str>; 3],
    prerelease: &'a str,
    metadata: &'a str,
}

impl<'a> LooseParts<'a> {
    fn split(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (text, metadata) = match text.split_once('+') {
            Some((front, back)) => (front, is_dotted(back).then_some(back)?),
            None => (text, ""),
        };
        let (text, prerelease) = match text.split_once('-') {
            Some((front, back)) => (front, is_dotted(back).then_some(back)?),
            None => (text, ""),
        };
        let mut numbers = [None; 3];
        let mut pieces = text.split('.');
        for slot in &mut numbers {
            *slot = pieces.next();
        }
        let fine = |piece: &str| !piece.is_empty() && piece.bytes().all(|byte| byte.is_ascii_digit());
        (pieces.next().is_none() && numbers.into_iter().flatten().all(fine)).then_some(Self {
            numbers,
            prerelease,
            metadata,
        })
    }
}

fn is_identifier(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_dotted(text: &str) -> bool {
    text.split('.').all(is_identifier)
}

fn check_prerelease(text: &str) -> Result<(), VersionError> {
    for part in text.split('.') {
        if !is_identifier(part) {
            return Err(VersionError::InvalidPrerelease);
        }
        if part.len() > 1 && part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(VersionError::SegmentStartsZero);
        }
    }
    Ok(())
}

fn check_metadata(text: &str) -> Result<(), VersionError> {
    if is_dotted(text) { Ok(()) } else { Err(VersionError::InvalidMetadata) }
}

fn compare_prerelease(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(left), Some(right)) => compare_part(left, right),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Numbers come before names; numbers by value, names by bytes. A number too long for 64 bits is a name.
fn compare_part(left: &str, right: &str) -> Ordering {
    if left == right {
        return Ordering::Equal;
    }
    let number = |text: &str| if text.starts_with('+') { None } else { text.parse::<u64>().ok() };
    match (number(left), number(right)) {
        (Some(left), Some(right)) if left > right => Ordering::Greater,
        (Some(_), Some(_) | None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => left.cmp(right),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reading_never_panics_and_what_is_read_is_read_again(text in "[v0-9.+a-c-]{0,24}") {
            if let Ok(version) = Version::parse(&text) {
                let again = Version::parse(&version.to_string()).unwrap();
                prop_assert_eq!(version.compare(&again), Ordering::Equal);
            }
            let _ = Version::parse_strict(&text, Library::V3_4);
        }

        #[test]
        fn the_order_is_total(texts in proptest::collection::vec("[0-2](\\.[0-2]){0,2}(-[0-9a-b.]{1,4})?", 3)) {
            let versions: Vec<_> = texts.iter().filter_map(|text| Version::parse(text).ok()).collect();
            if let [a, b, c] = &versions[..] {
                prop_assert_eq!(a.compare(b), b.compare(a).reverse());
                if a.compare(b) == Ordering::Less && b.compare(c) == Ordering::Less {
                    prop_assert_eq!(a.compare(c), Ordering::Less);
                }
            }
        }
    }
}
