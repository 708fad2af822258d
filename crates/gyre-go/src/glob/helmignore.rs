//! `.helmignore`: close to git's ignore files, with rules of its own for `!` and without `**`.

use super::BadPattern;
use super::path::Pattern;

/// Why a `.helmignore` cannot be read. The texts are Helm's.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum RulesError {
    /// `**` in a rule.
    #[error("double-star (**) syntax is not supported")]
    DoubleStar,
    /// A rule that is no pattern.
    #[error(transparent)]
    Pattern(#[from] BadPattern),
}

/// The rules of a `.helmignore`.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    pattern: Pattern,
    negated: bool,
    only_directories: bool,
    whole_path: bool,
}

impl Rules {
    /// Reads a file.
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        let mut rules = Self::default();
        for line in text.strip_prefix('\u{feff}').unwrap_or(text).split('\n') {
            rules.add(line)?;
        }
        Ok(rules)
    }

    /// Adds what Helm always leaves out: hidden files in `templates/`.
    pub fn add_defaults(&mut self) {
        let added = self.add("templates/.?*");
        debug_assert!(added.is_ok());
    }

    fn add(&mut self, line: &str) -> Result<(), RulesError> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if line.contains("**") {
            return Err(RulesError::DoubleStar);
        }
        Pattern::parse(line)?;
        let (negated, line) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let (only_directories, line) = line.strip_suffix('/').map_or((false, line), |rest| (true, rest));
        let whole_path = line.contains('/');
        let pattern = Pattern::parse(line.strip_prefix('/').unwrap_or(line))?;
        self.rules.push(Rule { pattern, negated, only_directories, whole_path });
        Ok(())
    }

    /// Is the path left out? The first rule that says so wins; a rule with `!` leaves out what it does not fit.
    pub fn is_ignored(&self, path: &str, is_directory: bool) -> bool {
        if matches!(path, "" | "." | "./") {
            return false;
        }
        self.rules.iter().any(|rule| {
            let name = if rule.whole_path { path } else { path.rsplit('/').next().unwrap_or(path) };
            let wrong_kind = rule.only_directories && !is_directory;
            if rule.negated {
                wrong_kind || !rule.pattern.matches(name)
            } else {
                !wrong_kind && rule.pattern.matches(name)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reading_never_panics(text in "[a-b*?/!#\\[\\] \n\\\\-]{0,24}", path in "[a-b/]{0,12}") {
            if let Ok(rules) = Rules::parse(&text) {
                let _ = rules.is_ignored(&path, false);
            }
        }
    }
}
