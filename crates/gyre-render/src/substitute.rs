//! Variables in manifests: `${name}` and the shell's ways of changing a value, as Flux substitutes them after a build
//! (`fluxcd/pkg/envsubst`).

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::CharIndices;

use gyre_model::{Digest, Object};

use crate::RenderError;
use crate::kustomization::Rendered;

/// Label or annotation of an object that is left as it is.
const SUBSTITUTE: &str = "kustomize.toolkit.fluxcd.io/substitute";
/// How deep substitutions may stand in each other.
const DEPTH_MAX: usize = 50;

/// Why a text cannot be substituted.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum SubstituteError {
    /// The name of a given variable is none.
    #[error("'{0}' var name is invalid, must match '^[_[:alpha:]][_[:alpha:][:digit:]]*$'")]
    Name(String),
    /// What stands between the braces is not understood.
    #[error("variable substitution failed: {0}")]
    Syntax(&'static str),
    /// A variable is not given, and must be.
    #[error("variable substitution failed: variable not set (strict mode): \"{0}\"")]
    NotSet(String),
}

const BAD: SubstituteError = SubstituteError::Syntax("bad substitution");
const NO_BRACE: SubstituteError = SubstituteError::Syntax("missing closing brace");
const NO_NAME: SubstituteError = SubstituteError::Syntax("unable to parse variable name");
const NO_ARGUMENT: SubstituteError = SubstituteError::Syntax("unable to parse substitution within function");
const NO_DEFAULT: SubstituteError = SubstituteError::Syntax("unable to parse default function");

/// Values by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables {
    values: BTreeMap<String, String>,
    /// Is a variable that is not given an error?
    pub strict: bool,
}

impl Variables {
    /// Adds a variable.
    pub fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.into(), value.into());
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The text with every `${...}` replaced; `$$` is a dollar sign.
    pub fn substitute(&self, text: &str) -> Result<String, SubstituteError> {
        let is_name = |name: &&String| {
            let mut letters = name.chars();
            letters.next().is_some_and(|first| first == '_' || first.is_ascii_alphabetic())
                && letters.all(|letter| letter == '_' || letter.is_ascii_alphanumeric())
        };
        if let Some(bad) = self.values.keys().find(|name| !is_name(name)) {
            return Err(SubstituteError::Name(bad.clone()));
        }
        let mut reader = Reader { text, letters: text.char_indices().peekable(), variables: self };
        let mut out = String::with_capacity(text.len());
        while reader.peek().is_some() {
            if reader.opens() {
                out.push_str(&reader.expression(0)?);
            } else if let Some(letter) = reader.next_unescaped(false) {
                out.push(letter);
            }
        }
        Ok(out)
    }
}

/// The objects with the variables put in.
pub fn objects(rendered: Rendered, variables: &Variables) -> Result<Rendered, RenderError> {
    let mut texts = Vec::with_capacity(rendered.objects.len());
    let mut objects = Vec::with_capacity(rendered.objects.len());
    for object in rendered.objects {
        let text = gyre_yaml::write_value(&object.to_value());
        if [object.label(SUBSTITUTE), object.annotation(SUBSTITUTE)].contains(&Some("disabled")) {
            texts.push(text);
            objects.push(object);
            continue;
        }
        let failed = |why| failed(object.name(), format!("envsubst error: {why}"));
        let changed = variables.substitute(&text).map_err(failed)?;
        if changed == text {
            texts.push(text);
            objects.push(object);
        } else {
            let object = read(object.name(), &changed)?;
            texts.push(gyre_yaml::write_value(&object.to_value()));
            objects.push(object);
        }
    }
    Ok(Rendered { objects, digest: Digest::of(texts.join("---\n").as_bytes()) })
}

/// The error of what is done after a build, at an object.
pub fn failed(name: &str, why: impl std::fmt::Display) -> RenderError {
    RenderError::Invalid(format!("post build failed for '{name}': {why}"))
}

fn read(name: &str, text: &str) -> Result<Object, RenderError> {
    let value = gyre_yaml::yaml_to_json(text.as_bytes());
    let value = value.map_err(|why| {
        failed(name, format!("envsubst error: YAMLToJSON: error converting YAML to JSON: {why}"))
    })?;
    Object::new(value).map_err(|why| failed(name, why))
}

struct Reader<'a> {
    text: &'a str,
    letters: Peekable<CharIndices<'a>>,
    variables: &'a Variables,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<char> {
        self.letters.peek().map(|(_, letter)| *letter)
    }

    fn peek_after(&mut self) -> Option<char> {
        let (at, letter) = *self.letters.peek()?;
        self.text.get(at + letter.len_utf8()..)?.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        self.letters.next().map(|(_, letter)| letter)
    }

    /// Reads `${`, where it comes next.
    fn opens(&mut self) -> bool {
        let opens = self.peek() == Some('$') && self.peek_after() == Some('{');
        if opens {
            self.next();
            self.next();
        }
        opens
    }

    /// The next letter; of two dollar signs, and with `backslash` of a backslash before a slash or a backslash, the second.
    fn next_unescaped(&mut self, backslash: bool) -> Option<char> {
        let escapes = match (self.peek(), self.peek_after()) {
            (Some('$'), Some('$')) => true,
            (Some('\\'), Some('/' | '\\')) => backslash,
            _ => false,
        };
        if escapes {
            self.next();
        }
        self.next()
    }

    /// Letters as long as they are accepted, given their place; none of them begins a substitution.
    fn run(&mut self, accept: impl Fn(char, usize) -> bool) -> String {
        let mut run = String::new();
        while let Some(letter) = self.peek().filter(|letter| accept(*letter, run.len())) {
            run.push(letter);
            self.next();
        }
        run
    }

    /// What follows `${`, up to its closing brace, evaluated.
    fn expression(&mut self, depth: usize) -> Result<String, SubstituteError> {
        if depth > DEPTH_MAX {
            return Err(BAD);
        }
        let is_part = |letter: char, _: usize| letter == '_' || letter.is_alphanumeric();
        if self.peek() == Some('#') {
            self.next();
            let name = self.run(is_part);
            if name.is_empty() {
                return Err(BAD);
            }
            self.closes(BAD)?;
            return Ok(self.value(&name, false)?.len().to_string());
        }
        let name = self.run(is_part);
        if name.is_empty() {
            return Err(NO_NAME);
        }
        match self.peek() {
            Some(':') if !matches!(self.peek_after(), Some('=' | '-' | '?' | '+')) => self.part(&name, depth),
            Some(':' | '=') => self.default(&name, depth),
            Some(',' | '^') => self.casing(&name),
            Some('/') => self.replacement(&name, depth),
            Some(mark @ ('#' | '%')) => self.removal(&name, mark, depth),
            _ => {
                self.closes(NO_BRACE)?;
                Ok(self.value(&name, false)?.to_owned())
            }
        }
    }

    fn closes(&mut self, error: SubstituteError) -> Result<(), SubstituteError> {
        if self.next() == Some('}') { Ok(()) } else { Err(error) }
    }

    fn value(&self, name: &str, may_be_missing: bool) -> Result<&str, SubstituteError> {
        match self.variables.values.get(name) {
            Some(value) => Ok(value),
            None if self.variables.strict && !may_be_missing => Err(SubstituteError::NotSet(name.into())),
            None => Ok(""),
        }
    }

    /// One argument: a substitution, or a text that ends before `end`.
    fn argument(&mut self, end: &[char], escapes: bool, depth: usize) -> Result<String, SubstituteError> {
        if self.opens() {
            return self.expression(depth + 1);
        }
        let mut text = String::new();
        while let Some(letter) = self.peek() {
            let opens = letter == '$' && self.peek_after() == Some('{');
            let escaped =
                escapes && matches!((letter, self.peek_after()), ('$', Some('$')) | ('\\', Some('/' | '\\')));
            if opens || (!escaped && end.contains(&letter)) {
                break;
            }
            let letter = if escapes { self.next_unescaped(true) } else { self.next() };
            text.extend(letter);
        }
        if text.is_empty() { Err(NO_ARGUMENT) } else { Ok(text) }
    }

    /// `${name:offset}`, `${name:offset:length}`
    fn part(&mut self, name: &str, depth: usize) -> Result<String, SubstituteError> {
        self.next();
        let offset = self.argument(&[':', '}'], false, depth)?;
        let length = if self.peek() == Some('}') {
            None
        } else if self.run(|letter, _| letter == ':').is_empty() {
            return Err(BAD);
        } else {
            Some(self.argument(&['}'], false, depth)?)
        };
        self.closes(BAD)?;
        Ok(part_of(self.value(name, false)?, &offset, length.as_deref()))
    }

    /// `${name=word}`, `${name:=word}`, `${name:-word}` and the like: the word where there is no value.
    fn default(&mut self, name: &str, depth: usize) -> Result<String, SubstituteError> {
        let mark = self.next();
        if mark == Some(':') && self.next().is_none() {
            return Err(NO_DEFAULT);
        }
        let mut word = String::new();
        while self.peek() != Some('}') {
            word.push_str(&self.argument(&['}'], false, depth)?);
        }
        self.next();
        let value = self.value(name, true)?;
        Ok(if value.is_empty() { word } else { value.to_owned() })
    }

    /// `${name,}`, `${name,,}`, `${name^}`, `${name^^}`
    fn casing(&mut self, name: &str) -> Result<String, SubstituteError> {
        let mark = self.run(|letter, at| matches!(letter, ',' | '^') && at < 2);
        self.closes(BAD)?;
        let value = self.value(name, false)?;
        let first = |change: fn(char) -> String| {
            let mut letters = value.chars();
            letters.next().map(change).unwrap_or_default() + letters.as_str()
        };
        Ok(match mark.as_str() {
            "," => first(|letter| letter.to_lowercase().collect()),
            ",," => value.to_lowercase(),
            "^" => first(|letter| letter.to_uppercase().collect()),
            "^^" => value.to_uppercase(),
            _ => value.to_owned(),
        })
    }

    /// `${name/pattern/text}`, with `//` for all, `/#` for the beginning, `/%` for the end
    fn replacement(&mut self, name: &str, depth: usize) -> Result<String, SubstituteError> {
        let mark = self
            .run(|letter, at| (at == 0 && letter == '/') || (at == 1 && matches!(letter, '/' | '#' | '%')));
        let from = self.argument(&['/'], true, depth)?;
        if self.run(|letter, _| letter == '/').is_empty() {
            return Err(BAD);
        }
        let to = match self.peek() {
            Some('}') => None,
            _ => Some(self.argument(&['}'], true, depth)?),
        };
        self.closes(BAD)?;
        let value = self.value(name, false)?;
        let text = to.as_deref().unwrap_or_default();
        Ok(match (mark.as_str(), &to) {
            ("//", _) => Some(value.replace(&from, text)),
            ("/", _) => Some(value.replacen(&from, text, 1)),
            ("/#", Some(_)) => value.strip_prefix(&*from).map(|rest| format!("{text}{rest}")),
            ("/%", Some(_)) => value.strip_suffix(&*from).map(|rest| format!("{rest}{text}")),
            _ => None,
        }
        .unwrap_or_else(|| value.to_owned()))
    }

    /// `${name#pattern}`, `${name##pattern}`, `${name%pattern}`, `${name%%pattern}`
    fn removal(&mut self, name: &str, mark: char, depth: usize) -> Result<String, SubstituteError> {
        let marks = self.run(|letter, at| letter == mark && at < 2);
        let pattern = self.argument(&['}'], false, depth)?;
        self.closes(BAD)?;
        let value: Vec<char> = self.value(name, false)?.chars().collect();
        let pattern: Vec<char> = pattern.chars().collect();
        let is_long = marks.len() == 2;
        Ok(if mark == '#' {
            value[matched(&value, &pattern, is_long)..].iter().collect()
        } else {
            let backwards: Vec<char> = value.iter().rev().copied().collect();
            let pattern: Vec<char> = pattern.iter().rev().copied().collect();
            let cut = matched(&backwards, &pattern, is_long);
            value[..value.len() - cut].iter().collect()
        })
    }
}

/// A part of a value by its bytes; what is no number changes nothing.
fn part_of(value: &str, offset: &str, length: Option<&str>) -> String {
    let whole = i64::try_from(value.len()).unwrap_or(i64::MAX);
    let Ok(offset) = offset.parse::<i64>() else { return value.into() };
    let begin = if offset < 0 { (whole + offset).max(0) } else { offset.min(whole) };
    let end = match length.map(str::parse::<i64>) {
        None => whole,
        Some(Err(_)) => return value.into(),
        Some(Ok(length)) => begin.saturating_add(length).clamp(begin, whole),
    };
    let (begin, end) = (usize::try_from(begin).unwrap_or(0), usize::try_from(end).unwrap_or(0));
    String::from_utf8_lossy(&value.as_bytes()[begin..end]).into_owned()
}

/// How many letters at the beginning match the pattern: the fewest, but not none, or the most.
fn matched(value: &[char], pattern: &[char], most: bool) -> usize {
    let mut lengths: Box<dyn Iterator<Item = usize>> =
        if most { Box::new((1..=value.len()).rev()) } else { Box::new(1..=value.len()) };
    lengths.find(|length| fits(&value[..*length], pattern)).unwrap_or(0)
}

/// Does the whole text match? `*` stands for any letters, `?` for one, `[a-c]` and `[^a]` for one of a set.
fn fits(text: &[char], pattern: &[char]) -> bool {
    let (mut at, mut in_pattern) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        if pattern.get(in_pattern) == Some(&'*') {
            star = Some((in_pattern + 1, at));
            in_pattern += 1;
            continue;
        }
        if let Some(width) = one(text[at], &pattern[in_pattern..]) {
            at += 1;
            in_pattern += width;
            continue;
        }
        // bounded: each return lets the last star take one letter more.
        let Some((after, taken)) = star else { return false };
        star = Some((after, taken + 1));
        (in_pattern, at) = (after, taken + 1);
    }
    pattern[in_pattern..].iter().all(|letter| *letter == '*')
}

/// How much of the pattern the letter matches.
fn one(letter: char, pattern: &[char]) -> Option<usize> {
    match pattern {
        [] => None,
        ['?', ..] => Some(1),
        ['\\', escaped, ..] => (*escaped == letter).then_some(2),
        ['[', set @ ..] => {
            let end = set.iter().skip(1).position(|letter| *letter == ']')? + 1;
            let (denied, set) = match &set[..end] {
                ['^', rest @ ..] => (true, rest),
                set => (false, set),
            };
            let mut found = false;
            let mut rest = set;
            while let [low, tail @ ..] = rest {
                rest = match tail {
                    ['-', high, tail @ ..] => {
                        found |= (*low..=*high).contains(&letter);
                        tail
                    }
                    _ => {
                        found |= *low == letter;
                        tail
                    }
                };
            }
            (found != denied).then_some(end + 2)
        }
        [plain, ..] => (*plain == letter).then_some(1),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with(values: &[(&str, &str)]) -> Variables {
        let mut variables = Variables::default();
        for (name, value) in values {
            variables.set(name, value);
        }
        variables
    }

    #[test]
    fn values_are_put_in_and_changed_as_the_shell_does_it() {
        let variables = with(&[
            ("a", "abcdEFGH"),
            ("name", "bash.string.txt"),
            ("path", "/path/to/file"),
            ("more", "xy"),
        ]);
        let cases = [
            ("no $a {a} $", "no $a {a} $"),
            ("${a}-${none}-${more}", "abcdEFGH--xy"),
            ("$${a} $$", "${a} $"),
            ("$$${a}", "$abcdEFGH"),
            ("${#a}", "8"),
            ("${a^} ${a^^} ${a,} ${a,,}", "AbcdEFGH ABCDEFGH abcdEFGH abcdefgh"),
            ("${a:2} ${a:2:3} ${a:-2}", "cdEFGH cdE abcdEFGH"),
            ("${a:9}|${a:0:99}|${a:x}", "|abcdEFGH|abcdEFGH"),
            ("${none:=x y} ${none=z} ${a:-d} ${none:-}", "x y z abcdEFGH "),
            ("${none:=pre${a}-post}", "preabcdEFGH-post"),
            ("${a/EF/-} ${a/EF/}", "abcd-GH abcdGH"),
            ("${path//\\//.} ${path/#\\/path/x} ${path/%file/dir}", ".path.to.file x/to/file /path/to/dir"),
            ("${name#*.} ${name##*.}", "string.txt txt"),
            ("${name%.*} ${name%%.*}", "bash.string bash"),
            ("${path##*/} ${name#[a-c]?}", "file sh.string.txt"),
        ];
        for (given, wanted) in cases {
            assert_eq!(variables.substitute(given).as_deref(), Ok(wanted), "{given}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let mut variables = with(&[("a", "b")]);
        let cases = [
            ("${a", NO_BRACE),
            ("${a-b}", NO_BRACE),
            ("${}", NO_NAME),
            ("${a:=x", NO_ARGUMENT),
            ("${a/x}", BAD),
            ("${#}", BAD),
            ("${a#${a}x}", BAD),
        ];
        for (given, wanted) in cases {
            assert_eq!(variables.substitute(given), Err(wanted), "{given}");
        }
        let deep = "${a=".repeat(1000);
        assert_eq!(variables.substitute(&deep), Err(BAD));
        variables.strict = true;
        assert_eq!(variables.substitute("${none}"), Err(SubstituteError::NotSet("none".into())));
        assert_eq!(variables.substitute("${none:=x}").as_deref(), Ok("x"));
        assert_eq!(with(&[("a-b", "")]).substitute("x"), Err(SubstituteError::Name("a-b".into())));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in r"([a${}:=/#%^,\\*\[\]?é0-9-]|\$\{){0,40}", value in ".{0,10}") {
            let _ = with(&[("a", &value)]).substitute(&text);
        }

        #[test]
        fn text_without_dollars_stays(text in "[^$]*") {
            prop_assert_eq!(Variables::default().substitute(&text), Ok(text));
        }
    }
}
