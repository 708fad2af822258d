//! Reads TOML.

use gyre_go::strconv;
use gyre_go::time::{self, RFC3339_NANO};

use crate::limits::NESTING_MAX;
use crate::text::Text;
use crate::value::{Element, IntKind, List, Map, MapKind, Value};

/// The document as a map, or a complaint with its line.
pub(super) fn parse(text: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(text).map_err(|_| "toml: invalid UTF-8".to_owned())?;
    let mut reader = Reader { text, at: 0, context: Vec::new(), current: String::new() };
    let root = Map::new(MapKind::Any);
    let mut here = root.clone();
    loop {
        reader.blank_lines();
        match reader.peek() {
            None => return Ok(Value::Map(root)),
            Some('[') => here = reader.header(&root)?,
            Some(_) => {
                let table = reader.context.len();
                let path = reader.assignment()?;
                let value = reader.value(0)?;
                reader.insert(&here, &path, value)?;
                reader.context.truncate(table);
                reader.current.clear();
            }
        }
        reader.end_of_line()?;
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// The keys around the present one.
    context: Vec<String>,
    /// The key whose value is read.
    current: String,
}

fn is_bare(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-')
}

/// A letter as Go's `%q` shows it; the end of the text is a NUL there.
fn shown(letter: Option<char>) -> String {
    let rune = letter.map_or(0, |letter| i64::from(letter as u32));
    String::from_utf8_lossy(&gyre_go::fmt::sprintf(b"%q", &[gyre_go::fmt::Arg::Int(rune, "int32")]))
        .into_owned()
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += letter.len_utf8();
        Some(letter)
    }

    fn error<T>(&self, what: &str) -> Result<T, String> {
        let line = self.text[..self.at].matches('\n').count() + 1;
        self.error_in_line(line, what)
    }

    fn error_in_line<T>(&self, line: usize, what: &str) -> Result<T, String> {
        let part = |key: &String| {
            let is_plain = !key.is_empty() && key.chars().all(is_bare);
            if is_plain { key.clone() } else { strconv::quote(key.as_bytes()) }
        };
        let mut key = self.context.iter().map(part).collect::<Vec<_>>().join(".");
        if !self.current.is_empty() {
            if !key.is_empty() {
                key.push('.');
            }
            key.push_str(&self.current);
        }
        if !key.is_empty() {
            key = format!(" (last key {})", strconv::quote(key.as_bytes()));
        }
        Err(format!("toml: line {line}{key}: {what}"))
    }

    /// The same of the line that a line end ends.
    fn error_before_break<T>(&self, what: &str) -> Result<T, String> {
        self.error_in_line(self.text[..self.at].matches('\n').count().max(1), what)
    }

    fn spaces(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.at += 1;
        }
    }

    fn comment(&mut self) {
        if self.peek() == Some('#') {
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    fn blank_lines(&mut self) {
        loop {
            let start = self.at;
            self.spaces();
            self.comment();
            while matches!(self.peek(), Some('\n' | '\r')) {
                self.at += 1;
            }
            if self.at == start {
                return;
            }
        }
    }

    fn end_of_line(&mut self) -> Result<(), String> {
        self.spaces();
        self.comment();
        match self.peek() {
            None | Some('\n' | '\r') => Ok(()),
            Some(letter) => self.error(&format!(
                "expected a top-level item to end with a newline, comment, or EOF, but got '{letter}' instead"
            )),
        }
    }

    /// A key with its `=`; it is the present one then.
    fn assignment(&mut self) -> Result<Vec<String>, String> {
        let path = self.key(false)?;
        self.spaces();
        if let Some((last, parents)) = path.split_last() {
            self.context.extend_from_slice(parents);
            self.current.clone_from(last);
        }
        Ok(path)
    }

    /// A key up to its `=`, or the name of a table up to its `]`.
    fn key(&mut self, in_header: bool) -> Result<Vec<String>, String> {
        let mut path = Vec::new();
        loop {
            self.spaces();
            match self.peek() {
                Some(']') | None if in_header => {
                    return self.error("unexpected end of table name (table names cannot be empty)");
                }
                Some('.') if in_header => {
                    return self.error("unexpected table separator (table names cannot be empty)");
                }
                Some('=') | None if path.is_empty() => {
                    return self.error("unexpected '=': key name appears blank");
                }
                Some('=') | None => return self.error("unexpected '='"),
                Some('.') if path.is_empty() => {
                    return self.error("unexpected '.': keys cannot start with a '.'");
                }
                Some('.') => return self.error("unexpected '.'"),
                Some('"' | '\'') => path.push(self.string()?),
                Some(_) => {
                    let length = self.rest().find(|letter| !is_bare(letter)).unwrap_or(self.rest().len());
                    path.push(self.rest()[..length].to_owned());
                    self.at += length;
                }
            }
            self.spaces();
            match (self.next(), in_header) {
                (Some('.'), _) => {}
                (Some('='), false) => return Ok(path),
                (Some(']'), true) => return Ok(path),
                (None, false) => return self.error("unexpected EOF; expected key separator '='"),
                (letter, false) => {
                    let what = format!("expected '.' or '=', but got {} instead", shown(letter));
                    return if letter == Some('\n') {
                        self.error_before_break(&what)
                    } else {
                        self.error(&what)
                    };
                }
                (letter, true) => {
                    let what =
                        format!("expected '.' or ']' to end table name, but got {} instead", shown(letter));
                    return self.error(&what);
                }
            }
        }
    }

    /// The map at a path, made where it is missing.
    fn descend(&self, from: &Map, path: &[String]) -> Result<Map, String> {
        let mut here = from.clone();
        for key in path {
            let next = match here.value(key.as_bytes()) {
                Some(Value::Map(map)) => map,
                Some(Value::List(list)) => match list.items.borrow().last() {
                    Some(Value::Map(map)) => map.clone(),
                    _ => return self.error(&format!("Key '{key}' has already been defined.")),
                },
                Some(_) => return self.error(&format!("Key '{key}' has already been defined.")),
                None => {
                    let map = Map::new(MapKind::Any);
                    here.set(key.as_str(), Value::Map(map.clone()));
                    map
                }
            };
            here = next;
        }
        Ok(here)
    }

    fn insert(&self, into: &Map, path: &[String], value: Value) -> Result<(), String> {
        let Some((last, parents)) = path.split_last() else { return Ok(()) };
        let into = self.descend(into, parents)?;
        if into.entries.borrow().contains_key(last.as_bytes()) {
            return self.error(&format!("Key '{}' has already been defined.", path.join(".")));
        }
        into.set(Text::from(last.as_str()), value);
        Ok(())
    }

    fn header(&mut self, root: &Map) -> Result<Map, String> {
        let double = self.rest().starts_with("[[");
        self.at += if double { 2 } else { 1 };
        let path = self.key(true)?;
        if double {
            let letter = self.next();
            if letter != Some(']') {
                return self.error(&format!(
                    "expected end of table array name delimiter ']', but got {} instead",
                    shown(letter)
                ));
            }
        }
        self.context.clone_from(&path);
        if !double {
            return self.descend(root, &path);
        }
        let Some((last, parents)) = path.split_last() else { return Ok(root.clone()) };
        let parent = self.descend(root, parents)?;
        let table = Map::new(MapKind::Any);
        match parent.value(last.as_bytes()) {
            Some(Value::List(list)) => list.items.borrow_mut().push(Value::Map(table.clone())),
            Some(_) => {
                return self
                    .error(&format!("Key '{last}' was already created and cannot be used as an array."));
            }
            None => {
                let list =
                    List::of(Element::Object("map[string]interface {}"), vec![Value::Map(table.clone())]);
                parent.set(last.as_str(), Value::List(list));
            }
        }
        Ok(table)
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        if depth > NESTING_MAX {
            return self.error("values nest too deeply");
        }
        self.spaces();
        match self.peek() {
            Some('"' | '\'') => self.string().map(Value::text),
            Some('[') => self.array(depth),
            Some('{') => self.inline_table(depth),
            None => self.error("unexpected EOF; expected value"),
            Some('\n') => self.error("expected value but found '\\n' instead"),
            Some(letter) if !letter.is_alphanumeric() && !matches!(letter, '+' | '-' | '.' | '_') => {
                self.error(&format!("expected value but found {} instead", shown(Some(letter))))
            }
            Some('.') => self.error("floats must start with a digit, not '.'"),
            Some(_) => self.scalar(),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, String> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.blank_lines();
            if self.peek() == Some(']') {
                self.at += 1;
                return Ok(Value::List(List::any(items)));
            }
            items.push(self.value(depth + 1)?);
            self.blank_lines();
            match self.peek() {
                Some(',') => self.at += 1,
                Some(']') => {}
                Some(letter) => {
                    return self.error(&format!(
                        "expected a comma (',') or array terminator (']'), but got '{letter}'"
                    ));
                }
                None => return self.error("unexpected EOF"),
            }
        }
    }

    fn inline_table(&mut self, depth: usize) -> Result<Value, String> {
        self.at += 1;
        let table = Map::new(MapKind::Any);
        let (outer, name) = (self.context.len(), std::mem::take(&mut self.current));
        self.context.push(name.clone());
        loop {
            self.blank_lines();
            if self.peek() == Some('}') {
                self.at += 1;
                self.context.truncate(outer);
                self.current = name;
                return Ok(Value::Map(table));
            }
            let path = self.assignment()?;
            let value = self.value(depth + 1)?;
            self.insert(&table, &path, value)?;
            self.context.truncate(outer + 1);
            self.blank_lines();
            match self.peek() {
                Some(',') => self.at += 1,
                Some('}') => {}
                other => {
                    let other = other.map_or_else(|| "end of file".into(), |letter| format!("'{letter}'"));
                    return self.error(&format!(
                        "expected a comma or an inline table terminator '}}', but got {other} instead"
                    ));
                }
            }
        }
    }

    fn string(&mut self) -> Result<String, String> {
        let mark = self.next().unwrap_or('"');
        let triple: String = [mark; 3].iter().collect();
        let long = self.text[self.at - 1..].starts_with(&triple);
        if long {
            self.at += 2;
            if self.rest().starts_with("\r\n") {
                self.at += 2;
            } else if self.rest().starts_with('\n') {
                self.at += 1;
            }
        }
        let mut out = String::new();
        loop {
            if long && self.rest().starts_with(&triple) {
                self.at += 3;
                // Up to two more marks belong to the text.
                while self.peek() == Some(mark)
                    && self.text[..self.at].ends_with(mark)
                    && out.len() < usize::MAX
                {
                    out.push(mark);
                    self.at += 1;
                }
                return Ok(out);
            }
            match self.next() {
                None => {
                    let marks = if long { &triple[..] } else { &triple[..1] };
                    let mark = if mark == '"' { format!("'{marks}'") } else { format!("\"{marks}\"") };
                    return self.error(&format!("unexpected EOF; expected {mark}"));
                }
                Some('\n') if !long => return self.error_before_break("strings cannot contain newlines"),
                Some(letter) if letter == mark && !long => return Ok(out),
                Some('\\') if mark == '"' => self.escape(&mut out)?,
                Some(letter) => out.push(letter),
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<(), String> {
        let letter = self.next();
        match letter {
            Some('b') => out.push('\u{8}'),
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('f') => out.push('\u{c}'),
            Some('r') => out.push('\r'),
            Some('e') => out.push('\u{1b}'),
            Some('"') => out.push('"'),
            Some('\\') => out.push('\\'),
            Some(mark @ ('u' | 'U')) => {
                let length = if mark == 'u' { 4 } else { 8 };
                let rune = self.rest().get(..length).and_then(|digits| u32::from_str_radix(digits, 16).ok());
                let Some(rune) = rune.and_then(char::from_u32) else {
                    return self.error("invalid Unicode escape");
                };
                out.push(rune);
                self.at += length;
            }
            // A break after a backslash is left out with the space around it.
            Some(' ' | '\t' | '\n' | '\r') => {
                while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
                    self.at += 1;
                }
            }
            Some(letter) => return self.error(&format!("invalid escape in string '\\{letter}'")),
            None => return self.error("unexpected EOF"),
        }
        Ok(())
    }

    fn scalar(&mut self) -> Result<Value, String> {
        let whole = self.rest();
        let mut length = whole.find([',', ']', '}', '#', '\n', '\r', ' ', '\t']).unwrap_or(whole.len());
        // A blank may stand between a date and its time.
        if length == 10
            && whole.as_bytes()[4] == b'-'
            && whole[length..]
                .strip_prefix(' ')
                .is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()))
        {
            length = 11
                + whole[11..].find([',', ']', '}', '#', '\n', '\r', ' ', '\t']).unwrap_or(whole.len() - 11);
        }
        let word = whole[..length].to_owned();
        let value = match word.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "inf" | "+inf" => Value::Float(f64::INFINITY),
            "-inf" => Value::Float(f64::NEG_INFINITY),
            "nan" | "+nan" | "-nan" => Value::Float(f64::NAN),
            _ => match number(&word) {
                Some(value) => value,
                None => {
                    return self.error(&format!(
                        "expected value but found {} instead",
                        strconv::quote(word.as_bytes())
                    ));
                }
            },
        };
        self.at += word.len();
        Ok(value)
    }
}

fn number(word: &str) -> Option<Value> {
    if word.starts_with(|letter: char| letter.is_ascii_digit()) && (word.contains('-') || word.contains(':'))
    {
        for layout in [RFC3339_NANO, "2006-01-02T15:04:05.999999999", "2006-01-02", "15:04:05.999999999"] {
            if let Ok(time) = time::parse(layout, &word.replacen(' ', "T", 1)) {
                return Some(Value::Time(std::rc::Rc::new(time)));
            }
        }
    }
    let plain = word.replace('_', "");
    let digits = plain.trim_start_matches(['+', '-']);
    let leading_zero = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
    if leading_zero || digits.is_empty() || !digits.starts_with(|letter: char| letter.is_ascii_digit()) {
        return None;
    }
    if let Ok(value) = strconv::parse_int(&plain, 0, 64) {
        return Some(Value::Int(value, IntKind::Int64));
    }
    strconv::parse_float(&plain).ok().map(Value::Float)
}
