//! Version ranges: `^1.2`, `>=1.0 <2.0 || 3.x`, `1.2 - 1.4`.
//!
//! A range is a list of alternatives (`||`), each a list of comparisons that must all hold. A version with a
//! pre-release part fits only an alternative that names a pre-release itself.

use std::cmp::Ordering;
use std::fmt;
use std::sync::LazyLock;

use regex::Regex;

use super::{Library, Version};
use crate::limits::{CONSTRAINT_BYTES_HARD_MAX, CONSTRAINT_BYTES_MAX, CONSTRAINT_GROUPS_MAX};
use crate::strconv::quote;

/// Why a range cannot be read. The texts are the library's.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConstraintsError {
    /// The text is no range; the text stands in quotes from 3.5 on.
    #[error("improper constraint: {0}")]
    Improper(String),
    /// A version inside the range cannot be read.
    #[error("constraint parser error")]
    Version,
    /// More bytes than the library reads.
    #[error("constraint string is too long (max {0} bytes)")]
    TooLong(usize),
    /// More alternatives than the library reads.
    #[error("too many constraint groups (max {CONSTRAINT_GROUPS_MAX})")]
    TooManyGroups,
}

/// A range of versions.
#[derive(Clone, Debug)]
pub struct Constraints {
    groups: Vec<Group>,
    library: Library,
    /// Do versions with a pre-release part fit even where the range names none?
    pub include_prerelease: bool,
}

#[derive(Clone, Debug)]
struct Group {
    comparisons: Vec<Comparison>,
    names_prerelease: bool,
}

#[derive(Clone, Debug)]
struct Comparison {
    operator: Operator,
    operator_text: String,
    version: Version,
    /// The version as written, `1.x` for instance.
    written: String,
    /// How many of the numbers are written out.
    exact: Exact,
}

/// Which numbers of a comparison's version are free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exact {
    /// `*`: all.
    Nothing,
    /// `1`: minor and patch.
    Major,
    /// `1.2`: patch.
    Minor,
    /// `1.2.3`: none.
    Patch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    Tilde,
    Caret,
}

const VERSION: &str = r"v?([0-9|x|X|\*]+)(\.[0-9|x|X|\*]+)?(\.[0-9|x|X|\*]+)?(-([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?(\+([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?";
const OPERATORS: &str = r"=||!=|>|<|>=|=>|<=|=<|~|~>|\^";
const SPACE: &str = r"[\t\n\f\r ]";

struct Patterns {
    one: Regex,
    range: Regex,
    find: Regex,
    group: Regex,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let pattern = |text: String| Regex::new(&text).expect("the pattern is a constant");
    Patterns {
        one: pattern(format!("^{SPACE}*({OPERATORS}){SPACE}*({VERSION}){SPACE}*$")),
        range: pattern(format!("{SPACE}*({VERSION}){SPACE}+-{SPACE}+({VERSION}){SPACE}*")),
        find: pattern(format!("({OPERATORS}){SPACE}*({VERSION})")),
        group: pattern(format!(
            "^(?:{SPACE}*(?:{OPERATORS}){SPACE}*(?:{VERSION}){SPACE}*)(?:(?:{SPACE}+|,{SPACE}*)(?:{OPERATORS}){SPACE}*(?:{VERSION}){SPACE}*)*$"
        )),
    }
});

impl Constraints {
    /// Reads a range.
    pub fn parse(text: &str) -> Result<Self, ConstraintsError> {
        Self::parse_as(text, Library::V3_5)
    }

    /// Reads a range the way the given release of the library does it.
    pub fn parse_as(text: &str, library: Library) -> Result<Self, ConstraintsError> {
        let limit = if library == Library::V3_5 { CONSTRAINT_BYTES_MAX } else { CONSTRAINT_BYTES_HARD_MAX };
        if text.len() > limit {
            return Err(ConstraintsError::TooLong(limit));
        }
        let text = expand_hyphens(text);
        let groups: Vec<&str> = text.split("||").collect();
        if library == Library::V3_5 && groups.len() > CONSTRAINT_GROUPS_MAX {
            return Err(ConstraintsError::TooManyGroups);
        }
        let groups =
            groups.into_iter().map(|group| Group::parse(group, library)).collect::<Result<_, _>>()?;
        Ok(Self { groups, library, include_prerelease: false })
    }

    /// Does the version fit?
    pub fn check(&self, version: &Version) -> bool {
        self.groups.iter().any(|group| {
            let prerelease = self.include_prerelease || group.names_prerelease;
            group.comparisons.iter().all(|one| one.check(version, prerelease).is_ok())
        })
    }

    /// Does the version fit, and if not, why not?
    pub fn validate(&self, version: &Version) -> Result<(), Vec<String>> {
        let mut reasons = Vec::new();
        let mut told_prerelease = false;
        for group in &self.groups {
            let prerelease = self.include_prerelease || group.names_prerelease;
            let mut fits = true;
            for one in &group.comparisons {
                let Err(why) = one.check(version, prerelease) else { continue };
                fits = false;
                if matches!(why, Misfit::Prerelease) && std::mem::replace(&mut told_prerelease, true) {
                    continue;
                }
                reasons.push(self.explain(&why, version, &one.written));
            }
            if fits {
                return Ok(());
            }
        }
        Err(reasons)
    }

    fn explain(&self, why: &Misfit, version: &Version, written: &str) -> String {
        let mark = |text: String| if self.library == Library::V3_5 { quote(text.as_bytes()) } else { text };
        let (version, written) = (mark(version.to_string()), mark(written.into()));
        match why {
            Misfit::Prerelease => {
                format!(
                    "{version} is a prerelease version and the constraint is only looking for release versions"
                )
            }
            Misfit::MinorOfZero => format!(
                "{version} does not have same minor version as {written}. Expected minor versions to match when constraint major version is 0"
            ),
            Misfit::PatchOfZero => format!(
                "{version} does not equal {written}. Expect version and constraint to equal when major and minor versions are 0"
            ),
            Misfit::Relation(relation) => format!("{version} {relation} {written}"),
        }
    }
}

impl fmt::Display for Constraints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, group) in self.groups.iter().enumerate() {
            if index > 0 {
                f.write_str(" || ")?;
            }
            for (index, one) in group.comparisons.iter().enumerate() {
                if index > 0 {
                    f.write_str(" ")?;
                }
                write!(f, "{}{}", one.operator_text, one.written)?;
            }
        }
        Ok(())
    }
}

/// `1.2 - 1.4` becomes `>= 1.2, <= 1.4 `.
fn expand_hyphens(text: &str) -> String {
    let mut expanded = text.to_owned();
    for found in PATTERNS.range.captures_iter(text) {
        let replacement = format!(">= {}, <= {} ", &found[1], &found[11]);
        expanded = expanded.replacen(&found[0], &replacement, 1);
    }
    expanded
}

impl Group {
    fn parse(text: &str, library: Library) -> Result<Self, ConstraintsError> {
        if !PATTERNS.group.is_match(text) {
            return Err(improper(text, library));
        }
        let comparisons = PATTERNS
            .find
            .find_iter(text)
            .map(|found| Comparison::parse(found.as_str(), library))
            .collect::<Result<Vec<_>, _>>()?;
        let names_prerelease = comparisons.iter().any(|one| !one.version.prerelease.is_empty());
        Ok(Self { comparisons, names_prerelease })
    }
}

fn improper(text: &str, library: Library) -> ConstraintsError {
    let shown = if library == Library::V3_5 { quote(text.as_bytes()) } else { text.into() };
    ConstraintsError::Improper(shown)
}

enum Misfit {
    Prerelease,
    MinorOfZero,
    PatchOfZero,
    Relation(&'static str),
}

fn unless(fits: bool, relation: &'static str) -> Result<(), Misfit> {
    if fits { Ok(()) } else { Err(Misfit::Relation(relation)) }
}

impl Comparison {
    fn parse(text: &str, library: Library) -> Result<Self, ConstraintsError> {
        let found = PATTERNS.one.captures(text).ok_or_else(|| improper(text, library))?;
        let part = |index: usize| found.get(index).map_or("", |part| part.as_str());
        let free = |text: &str| matches!(text.trim_start_matches('.'), "" | "x" | "X" | "*");
        let (exact, version) = if free(part(3)) {
            (Exact::Nothing, format!("0.0.0{}", part(6)))
        } else if free(part(4)) {
            (Exact::Major, format!("{}.0.0{}", part(3), part(6)))
        } else if free(part(5)) {
            (Exact::Minor, format!("{}{}.0{}", part(3), part(4), part(6)))
        } else {
            (Exact::Patch, part(2).to_owned())
        };
        let operator = match part(1) {
            "!=" => Operator::NotEqual,
            ">" => Operator::Greater,
            "<" => Operator::Less,
            ">=" | "=>" => Operator::GreaterEqual,
            "<=" | "=<" => Operator::LessEqual,
            "~" | "~>" => Operator::Tilde,
            "^" => Operator::Caret,
            _ => Operator::Equal,
        };
        Ok(Self {
            operator,
            operator_text: part(1).into(),
            version: Version::parse_as(&version, library).map_err(|_| ConstraintsError::Version)?,
            written: part(2).into(),
            exact,
        })
    }

    fn check(&self, version: &Version, prerelease: bool) -> Result<(), Misfit> {
        if !version.prerelease.is_empty() && !prerelease {
            return Err(Misfit::Prerelease);
        }
        let order = version.compare(&self.version);
        match self.operator {
            Operator::Equal if self.exact == Exact::Patch => {
                unless(order == Ordering::Equal, "is not equal to")
            }
            Operator::Equal | Operator::Tilde => self.check_tilde(version, order),
            Operator::NotEqual => unless(self.differs(version, order), "is equal to"),
            Operator::Greater => unless(self.is_below(version, order), "is less than or equal to"),
            Operator::Less => unless(order == Ordering::Less, "is greater than or equal to"),
            Operator::GreaterEqual => unless(order != Ordering::Less, "is less than"),
            Operator::LessEqual => unless(self.is_not_below(version, order), "is greater than"),
            Operator::Caret => self.check_caret(version, order),
        }
    }

    fn differs(&self, version: &Version, order: Ordering) -> bool {
        if self.exact != Exact::Patch {
            if self.version.major != version.major {
                return true;
            }
            if self.exact == Exact::Major {
                return false;
            }
            if self.version.minor != version.minor {
                return true;
            }
            if self.exact == Exact::Minor {
                return super::compare_prerelease(&version.prerelease, &self.version.prerelease)
                    != Ordering::Equal;
            }
            if self.version.patch != version.patch {
                return true;
            }
        }
        order != Ordering::Equal
    }

    fn is_below(&self, version: &Version, order: Ordering) -> bool {
        match (self.exact, version.major.cmp(&self.version.major)) {
            (Exact::Patch, _) | (Exact::Nothing, Ordering::Equal) => order == Ordering::Greater,
            (_, Ordering::Greater) => true,
            (_, Ordering::Less) | (Exact::Major, Ordering::Equal) => false,
            (Exact::Minor, Ordering::Equal) => version.minor > self.version.minor,
        }
    }

    fn is_not_below(&self, version: &Version, order: Ordering) -> bool {
        if self.exact == Exact::Patch {
            return order != Ordering::Greater;
        }
        match version.major.cmp(&self.version.major) {
            Ordering::Greater => false,
            Ordering::Less => true,
            Ordering::Equal => self.exact == Exact::Major || version.minor <= self.version.minor,
        }
    }

    fn check_tilde(&self, version: &Version, order: Ordering) -> Result<(), Misfit> {
        unless(order != Ordering::Less, "is less than")?;
        let want = &self.version;
        let zero = want.major == 0 && want.minor == 0 && want.patch == 0;
        if zero && matches!(self.exact, Exact::Nothing | Exact::Patch) {
            return Ok(());
        }
        unless(version.major == want.major, "does not have same major version as")?;
        unless(
            version.minor == want.minor || self.exact == Exact::Major,
            "does not have same major and minor version as",
        )
    }

    fn check_caret(&self, version: &Version, order: Ordering) -> Result<(), Misfit> {
        unless(order != Ordering::Less, "is less than")?;
        let want = &self.version;
        if want.major > 0 || self.exact == Exact::Major {
            return unless(version.major == want.major, "does not have same major version as");
        }
        unless(version.major == 0, "does not have same major version as")?;
        if want.minor > 0 || self.exact == Exact::Minor {
            return if version.minor == want.minor { Ok(()) } else { Err(Misfit::MinorOfZero) };
        }
        unless(version.minor == 0, "does not have same minor version as")?;
        if version.patch == want.patch { Ok(()) } else { Err(Misfit::PatchOfZero) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reading_never_panics_and_the_text_reads_again(text in "[v0-9.xX*<>=!~^,| a-b-]{0,24}") {
            if let Ok(range) = Constraints::parse(&text) {
                let version = Version::parse("1.2.3").unwrap();
                let again = Constraints::parse(&range.to_string()).unwrap();
                prop_assert_eq!(range.check(&version), again.check(&version));
                prop_assert_eq!(range.check(&version), range.validate(&version).is_ok());
            }
        }
    }
}
