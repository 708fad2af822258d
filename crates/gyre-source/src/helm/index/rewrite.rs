//! An entry of an index as Helm writes it, straight from its text.
//!
//! Nearly every entry was written by Helm, or nearly as Helm writes: fields in order, short texts, no surprises. Those are
//! copied line by line, folded and quoted anew. [`rewrite`] says `None` of everything else: that has to be parsed.

mod scalar;

use std::borrow::Cow;

use scalar::{is_printable, is_text, write_text};

/// What an entry is known by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// The chart.
    pub name: Box<str>,
    /// Its version.
    pub version: Box<str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Text,
    Flag,
    Time,
    Texts,
    Annotations,
    Maintainers,
    Dependencies,
}

/// The fields of an entry that Helm knows, with what stands there.
fn shape(key: &str) -> Option<Shape> {
    Some(match key {
        "apiVersion" | "appVersion" | "condition" | "description" | "digest" | "home" | "icon"
        | "kubeVersion" | "name" | "tags" | "version" => Shape::Text,
        "deprecated" => Shape::Flag,
        "created" => Shape::Time,
        "keywords" | "sources" | "urls" => Shape::Texts,
        "annotations" => Shape::Annotations,
        "maintainers" => Shape::Maintainers,
        "dependencies" => Shape::Dependencies,
        _ => return None,
    })
}

/// Adds an item of a list of versions to `out`, as Helm writes it; what was added before a `None` is to be taken off again.
pub(super) fn rewrite(item: &str, out: &mut String) -> Option<Named> {
    let indent = item.find('-')? + 2;
    let mut lines = Lines::new(item, indent);
    let (mut named, mut previous, mut required) = (Named::default(), "", 0);
    while let Some(line) = lines.next_at(indent) {
        let (key, value) = pair(line)?;
        // order: Helm's, and none twice.
        if key <= previous {
            return None;
        }
        out.push_str(if previous.is_empty() { "  - " } else { "    " });
        previous = key;
        out.push_str(key);
        out.push(':');
        match shape(key)? {
            Shape::Text => {
                let text = lines.text(value, indent)?;
                write_text(&text, 6, out)?;
                match key {
                    "apiVersion" => required += 1,
                    "name" => named.name = text.into(),
                    "version" => named.version = text.into(),
                    _ => {}
                }
            }
            Shape::Flag if value == " true" => out.push_str(value),
            Shape::Flag => return None,
            Shape::Time => {
                let time = value.strip_prefix(" \"")?.strip_suffix('"').filter(|time| is_time(time))?;
                required += 1;
                out.push_str(" \"");
                out.push_str(time);
                out.push('"');
            }
            Shape::Texts => {
                required += usize::from(key == "urls");
                lines.texts(value, indent, out)?;
            }
            Shape::Annotations => lines.annotations(value, indent, out)?,
            Shape::Maintainers => {
                lines.items(value, indent, &["email", "name", "url"], &[], out)?;
            }
            Shape::Dependencies => {
                const FIELDS: &[&str] = &["condition", "name", "repository", "version"];
                lines.items(value, indent, FIELDS, &["name", "repository"], out)?;
            }
        }
        out.push('\n');
    }
    let is_name = !named.name.is_empty() && !named.name.contains('/') && !matches!(&*named.name, "." | "..");
    let is_version = gyre_go::semver::Version::parse(&named.version).is_ok();
    (lines.present.is_none() && required == 3 && is_name && is_version).then_some(named)
}

/// `key: value`, `key:`; the value keeps its blank.
fn pair(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphabetic());
    (is_key && (value.is_empty() || value.starts_with(' '))).then_some((key, value))
}

/// Is it a time that Go writes as it is written here?
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| {
        bytes.get(from..to).and_then(|part| std::str::from_utf8(part).ok()?.parse::<u8>().ok())
    };
    let within = |from: usize, least: u8, most: u8| {
        number(from, from + 2).is_some_and(|value| (least..=most).contains(&value))
    };
    if bytes.len() < 20 || !bytes[..4].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if marks.iter().any(|&(at, mark)| bytes[at] != mark) || bytes.contains(&b'+') && bytes[19] == b'Z' {
        return false;
    }
    if !(within(5, 1, 12) && within(8, 1, 28) && within(11, 0, 23) && within(14, 0, 59) && within(17, 0, 59))
    {
        return false;
    }
    let mut rest = &text[19..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 || digits > 9 || fraction.as_bytes()[digits - 1] == b'0' {
            return false;
        }
        rest = &fraction[digits..];
    }
    let at = text.len() - rest.len();
    rest == "Z"
        || (rest.len() == 6
            && rest.starts_with(['+', '-'])
            && rest.as_bytes()[3] == b':'
            && &rest[1..] != "00:00"
            && within(at + 1, 0, 23)
            && within(at + 4, 0, 59))
}

/// The lines of an entry.
struct Lines<'t> {
    /// How far the present line is indented, and what it says.
    present: Option<(usize, &'t str)>,
    /// What follows it.
    rest: &'t str,
}

impl<'t> Lines<'t> {
    /// The lines of a text that begins with a dash, up to which its first line is taken for indented.
    fn new(text: &'t str, indent: usize) -> Self {
        let mut lines = Self { present: None, rest: text };
        lines.skip();
        lines.enter(indent);
        lines
    }

    fn peek(&self) -> Option<(usize, &'t str)> {
        self.present
    }

    /// Goes to the next line.
    fn skip(&mut self) {
        if self.rest.is_empty() {
            self.present = None;
            return;
        }
        let end = memchr::memchr(b'\n', self.rest.as_bytes()).unwrap_or(self.rest.len());
        let line = &self.rest[..end];
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        let indent = line.bytes().take_while(|&byte| byte == b' ').count();
        self.present = Some((indent, &line[indent..]));
    }

    /// Takes what follows the dash of the present line for a line that is indented so far.
    fn enter(&mut self, indent: usize) {
        if let Some((found, line)) = self.present {
            self.present = Some((indent, line.get(indent.saturating_sub(found)..).unwrap_or_default()));
        }
    }

    /// The next line, if it is indented so far and no item of a list; an empty one says that this cannot be read.
    fn next_at(&mut self, indent: usize) -> Option<&'t str> {
        let (found, line) = self.peek()?;
        if found < indent || (found == indent && line.starts_with('-')) {
            return None;
        }
        self.skip();
        Some(if found == indent { line } else { "" })
    }

    /// The text behind a key that is indented so far, with the lines that belong to it.
    fn text(&mut self, value: &'t str, indent: usize) -> Option<Cow<'t, str>> {
        let value = value.strip_prefix(' ')?.trim_matches(' ');
        if !is_printable(value) {
            return None;
        }
        match value.bytes().next()? {
            b'"' => {
                let inner = value[1..].strip_suffix('"')?;
                (!inner.contains(['"', '\\'])).then_some(Cow::Borrowed(inner))
            }
            b'\'' => {
                let inner = value[1..].strip_suffix('\'')?;
                (!inner.contains('\'')).then_some(Cow::Borrowed(inner))
            }
            _ => self.plain(value, indent),
        }
    }

    fn plain(&mut self, first: &'t str, indent: usize) -> Option<Cow<'t, str>> {
        if !scalar::is_plain(first) || scalar::begins_with_indicator(first) {
            return None;
        }
        let mut text = Cow::Borrowed(first);
        while let Some((_, line)) = self.peek().filter(|(found, _)| *found > indent) {
            let line = line.trim_matches(' ');
            if line.is_empty() || line.starts_with('#') || !scalar::is_plain(line) {
                return None;
            }
            self.skip();
            let whole = text.to_mut();
            whole.push(' ');
            whole.push_str(line);
        }
        is_text(&text).then_some(text)
    }

    /// Texts, each behind a dash.
    fn texts(&mut self, value: &str, indent: usize, out: &mut String) -> Option<()> {
        let dash = self.list(value, indent)?;
        while let Some((_, line)) =
            self.peek().filter(|(found, line)| *found == dash && line.starts_with('-'))
        {
            self.skip();
            let text = self.text(&line[1..], dash)?;
            out.push_str("\n    -");
            write_text(&text, 6, out)?;
        }
        Some(())
    }

    /// How far the items of a list are indented that begins on the next line.
    fn list(&self, value: &str, indent: usize) -> Option<usize> {
        let (dash, line) = self.peek()?;
        (value.is_empty() && dash >= indent && line.starts_with("- ")).then_some(dash)
    }

    /// Items with a few fields that are texts.
    fn items(
        &mut self,
        value: &str,
        indent: usize,
        fields: &[&str],
        required: &[&str],
        out: &mut String,
    ) -> Option<()> {
        let dash = self.list(value, indent)?;
        let mut names: Vec<Cow<'t, str>> = Vec::new();
        while self.peek().is_some_and(|(found, line)| found == dash && line.starts_with("- ")) {
            self.enter(dash + 2);
            let (mut previous, mut found) = ("", 0);
            while let Some(line) = self.next_at(dash + 2) {
                let (key, value) = pair(line)?;
                if key <= previous || !fields.contains(&key) {
                    return None;
                }
                out.push_str(if previous.is_empty() { "\n    - " } else { "\n      " });
                previous = key;
                out.push_str(key);
                out.push(':');
                let text = self.text(value, dash + 2)?;
                found += usize::from(required.contains(&key));
                if text.is_empty() && key == "repository" {
                    out.push_str(" \"\"");
                } else {
                    write_text(&text, 8, out)?;
                }
                // Helm refuses two of one name.
                if key == "name" && !required.is_empty() {
                    if names.contains(&text) {
                        return None;
                    }
                    names.push(text);
                }
            }
            if previous.is_empty() || found != required.len() {
                return None;
            }
        }
        Some(())
    }

    /// Keys with texts; in an order that is the same by letters and by Helm's rules.
    fn annotations(&mut self, value: &str, indent: usize, out: &mut String) -> Option<()> {
        let (inner, _) = self.peek().filter(|(inner, _)| value.is_empty() && *inner > indent)?;
        let mut previous = "";
        while let Some((_, line)) = self.peek().filter(|(found, _)| *found > indent) {
            let line = self.next_at(inner).filter(|_| !line.is_empty())?;
            let (key, value) = line.split_once(": ")?;
            let is_key = key.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'.' | b'/'))
                && key.starts_with(|letter: char| letter.is_ascii_lowercase());
            if !is_key || !scalar::is_before(previous, key) || !is_text(key) || key.len() > KEY_BYTES_MAX {
                return None;
            }
            previous = key;
            out.push_str("\n      ");
            out.push_str(key);
            out.push(':');
            if value == "|" {
                self.literal(inner, out)?;
            } else {
                let text = self.text(&line[key.len() + 1..], inner)?;
                write_text(&text, 8, out)?;
            }
        }
        Some(())
    }

    /// Lines that are kept as they are.
    fn literal(&mut self, indent: usize, out: &mut String) -> Option<()> {
        let (inner, _) = self.peek().filter(|(inner, line)| *inner > indent && !line.is_empty())?;
        out.push_str(" |");
        while let Some((found, line)) = self.peek().filter(|(found, _)| *found > indent) {
            if found < inner || line.is_empty() || line.ends_with(' ') || !is_printable(line) {
                return None;
            }
            self.skip();
            out.push_str("\n        ");
            out.extend(std::iter::repeat_n(' ', found - inner));
            out.push_str(line);
        }
        // A break more at its end would be a part of it.
        self.peek().is_none_or(|(_, line)| !line.is_empty()).then_some(())
    }
}

/// A key that is longer is written in another way.
const KEY_BYTES_MAX: usize = 100;
