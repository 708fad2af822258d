//! Ignore files as go-git and Flux's sourceignore read them. They are close to what git does, and not the same.

use super::path::Pattern as NamePattern;

/// What Flux leaves out of every artifact: version control.
const EXCLUDE_VCS: &[&str] = &[".git/", ".gitignore", ".gitmodules", ".gitattributes"];
/// What Flux leaves out of an artifact unless told otherwise.
const EXCLUDE_DEFAULT: &[&str] = &[
    "*.jpg",
    "*.jpeg",
    "*.gif",
    "*.png",
    "*.wmv",
    "*.flv",
    "*.tar.gz",
    "*.zip",
    ".github/",
    ".circleci/",
    ".travis.yml",
    ".gitlab-ci.yml",
    "appveyor.yml",
    ".drone.yml",
    "cloudbuild.yaml",
    "codeship-services.yml",
    "codeship-steps.yml",
    "**/.goreleaser.yml",
    "**/.sops.yaml",
    "**/.flux.yaml",
];

/// What the patterns say of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    NoMatch,
    /// Leave it out.
    Exclude,
    /// Keep it after all.
    Include,
}

/// One line of an ignore file.
#[derive(Clone, Debug)]
pub struct Pattern {
    domain: Vec<String>,
    elements: Vec<Element>,
    include: bool,
    only_directories: bool,
    has_slash: bool,
}

#[derive(Clone, Debug)]
enum Element {
    Empty,
    /// `**` alone.
    Directories,
    /// `**` beside other letters, which fits nothing.
    Never,
    /// A name; `None` when it is no pattern, which fits nothing either.
    Name(Option<NamePattern>),
}

impl Pattern {
    /// Reads one line. The domain is the directory of the ignore file, split at slashes.
    pub fn parse(line: &str, domain: &[&str]) -> Self {
        let (include, line) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let line = if line.ends_with("\\ ") { line } else { line.trim_end_matches(' ') };
        let (only_directories, line) = line.strip_suffix('/').map_or((false, line), |rest| (true, rest));
        let elements = line
            .split('/')
            .map(|element| match element {
                "" => Element::Empty,
                "**" => Element::Directories,
                _ if line.contains('/') && element.contains("**") => Element::Never,
                name => Element::Name(NamePattern::parse(name).ok()),
            })
            .collect();
        Self {
            domain: domain.iter().map(|&name| name.to_owned()).collect(),
            elements,
            include,
            only_directories,
            has_slash: line.contains('/'),
        }
    }

    /// What the line says of a path.
    pub fn verdict(&self, path: &[&str], is_directory: bool) -> Verdict {
        if path.len() <= self.domain.len() || self.domain.iter().zip(path).any(|(want, name)| want != name) {
            return Verdict::NoMatch;
        }
        let path = &path[self.domain.len()..];
        let fits = if self.has_slash {
            self.fits_path(path, is_directory)
        } else {
            self.fits_name(path, is_directory)
        };
        match (fits, self.include) {
            (false, _) => Verdict::NoMatch,
            (true, true) => Verdict::Include,
            (true, false) => Verdict::Exclude,
        }
    }

    fn fits_name(&self, path: &[&str], is_directory: bool) -> bool {
        let fits = |name: &&str| match &self.elements[0] {
            Element::Name(Some(pattern)) => pattern.matches(name),
            Element::Directories => true,
            Element::Empty => name.is_empty(),
            Element::Name(None) | Element::Never => false,
        };
        let Some(place) = path.iter().position(fits) else { return false };
        !self.only_directories || is_directory || place + 1 < path.len()
    }

    fn fits_path(&self, mut path: &[&str], is_directory: bool) -> bool {
        let mut fits = false;
        let mut skip_directories = false;
        for (index, element) in self.elements.iter().enumerate() {
            match element {
                Element::Empty => skip_directories = false,
                Element::Directories if index + 1 == self.elements.len() => break,
                Element::Directories => skip_directories = true,
                Element::Never | Element::Name(None) => return false,
                Element::Name(Some(pattern)) => {
                    let limit = if skip_directories { path.len() } else { path.len().min(1) };
                    match path[..limit].iter().position(|name| pattern.matches(name)) {
                        Some(place) => {
                            fits = true;
                            path = &path[place + 1..];
                        }
                        // compat(go-git 5.19): after `**` a name that is nowhere ends the path, and what follows in
                        // the pattern decides.
                        None if skip_directories && limit > 0 => {
                            fits = false;
                            path = &path[path.len()..];
                        }
                        None => return false,
                    }
                    skip_directories = false;
                }
            }
        }
        fits && !(self.only_directories && !is_directory && path.is_empty())
    }
}

/// The lines of an ignore file; comments and empty lines are left out.
pub fn parse_file(text: &str, domain: &[&str]) -> Vec<Pattern> {
    text.split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| Pattern::parse(line, domain))
        .collect()
}

/// The patterns for version control that Flux always adds.
pub fn flux_vcs_patterns(domain: &[&str]) -> Vec<Pattern> {
    EXCLUDE_VCS.iter().map(|line| Pattern::parse(line, domain)).collect()
}

/// The patterns that Flux adds where the source sets none of its own.
pub fn flux_default_patterns(domain: &[&str]) -> Vec<Pattern> {
    EXCLUDE_DEFAULT.iter().map(|line| Pattern::parse(line, domain)).collect()
}

/// Is the path left out? Later patterns win.
pub fn is_ignored(patterns: &[Pattern], path: &[&str], is_directory: bool) -> bool {
    let verdicts = patterns.iter().rev().map(|pattern| pattern.verdict(path, is_directory));
    verdicts.into_iter().find(|verdict| *verdict != Verdict::NoMatch) == Some(Verdict::Exclude)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn matching_never_panics(line in "[a-b*?/!#\\[\\] \\\\-]{0,16}", path in "[a-b/]{0,12}") {
            let path: Vec<&str> = path.split('/').collect();
            for pattern in parse_file(&line, &["a"]) {
                let _ = pattern.verdict(&path, true);
            }
        }
    }
}
