//! JSON pointers (RFC 6901) into a document, with the library's own rules for indices.

use serde_json::{Map, Value};

use super::{Flavor, PatchError, PatchErrorKind};

/// How many empty items `add` may put in front of the one it makes.
const PADDING_MAX: i64 = 10_000;

/// A place in a document: the container and the key in it.
pub(super) struct Target<'a> {
    pub(super) container: &'a mut Value,
    pub(super) key: String,
}

fn decode(part: &str) -> String {
    if part.contains('~') {
        // compat: both escapes in one pass, so that `~01` stays `~1`.
        let mut text = String::with_capacity(part.len());
        let mut rest = part;
        while let Some(at) = rest.find('~') {
            text.push_str(&rest[..at]);
            let (character, used) = match rest.as_bytes().get(at + 1) {
                Some(b'1') => ('/', 2),
                Some(b'0') => ('~', 2),
                _ => ('~', 1),
            };
            text.push(character);
            rest = &rest[at + used..];
        }
        text.push_str(rest);
        text
    } else {
        part.to_owned()
    }
}

/// The container that a path's last part belongs to.
///
/// compat(json-patch v5): an empty first part of several leads into `copy`, a copy of the document that is thrown away.
pub(super) fn find<'a>(
    document: &'a mut Value,
    copy: &'a mut Value,
    path: &str,
    flavor: Flavor,
) -> Option<Target<'a>> {
    let Some((parents, key)) = path.rsplit_once('/') else {
        let whole = flavor == Flavor::V5 && path.is_empty();
        return whole.then(|| Target { container: document, key: String::new() });
    };
    let mut parts = parents.split('/').skip(1).peekable();
    let mut container = document;
    if flavor == Flavor::V5 && parts.peek() == Some(&"") {
        parts.next();
        container = copy;
    }
    for part in parts {
        let key = decode(part);
        if flavor == Flavor::V5 && key.is_empty() {
            return None;
        }
        container = match container {
            Value::Object(map) => map.get_mut(&key)?,
            Value::Array(items) => {
                let at = index(&key, items.len()).ok()?;
                items.get_mut(at)?
            }
            _ => return None,
        };
        if !matches!(container, Value::Object(_) | Value::Array(_)) {
            return None;
        }
    }
    Some(Target { container, key: decode(key) })
}

/// An index of a list: negative ones count from its end.
fn index(key: &str, length: usize) -> Result<usize, PatchError> {
    let number = atoi(key)?;
    let length = length as i64;
    let at = if number < 0 { number + length } else { number };
    if at < 0 || at >= length {
        return Err(invalid_index(number));
    }
    Ok(at as usize)
}

fn invalid_index(number: i64) -> PatchError {
    let text = format!("Unable to access invalid index: {number}: invalid index referenced");
    PatchError::new(PatchErrorKind::Inapplicable, text)
}

/// Go's `strconv.Atoi` with its error.
fn atoi(text: &str) -> Result<i64, PatchError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let valid = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if valid => Ok(number),
        _ => {
            let problem = if valid { "value out of range" } else { "invalid syntax" };
            let text = format!("strconv.Atoi: parsing {text:?}: {problem}");
            Err(PatchError::new(PatchErrorKind::Inapplicable, text))
        }
    }
}

/// The member of a container; `Ok(None)` where v4 finds none and says nothing.
pub(super) fn get<'a>(
    container: &'a Value,
    key: &str,
    flavor: Flavor,
) -> Result<Option<&'a Value>, PatchError> {
    match container {
        Value::Object(map) => match map.get(key) {
            None if flavor == Flavor::V5 && !key.is_empty() => {
                Err(super::missing(&format!("unable to get nonexistent key: {key}")))
            }
            found => Ok(found),
        },
        Value::Array(_) if flavor == Flavor::V5 && key.is_empty() => Ok(None),
        Value::Array(items) => index(key, items.len()).map(|at| items.get(at)),
        _ if flavor == Flavor::V5 => Err(expected_object()),
        _ => Ok(None),
    }
}

fn expected_object() -> PatchError {
    PatchError::new(PatchErrorKind::Inapplicable, "invalid value, expected object")
}

impl Target<'_> {
    /// Puts a value in place of the one that is there.
    pub(super) fn set(self, value: Value) -> Result<(), PatchError> {
        match self.container {
            Value::Object(map) => {
                map.insert(self.key, value);
            }
            Value::Array(items) => {
                let at = index(&self.key, items.len())?;
                items[at] = value;
            }
            _ => return Err(expected_object()),
        }
        Ok(())
    }

    /// Puts a value in; into a list before the index.
    pub(super) fn add(self, value: Value) -> Result<(), PatchError> {
        let Value::Array(items) = self.container else { return self.set(value) };
        if self.key == "-" {
            items.push(value);
            return Ok(());
        }
        let number = atoi(&self.key)
            .map_err(|error| error.within(&format!("value was not a proper array index: '{}'", self.key)))?;
        let length = items.len() as i64 + 1;
        let at = if number < 0 { number + length } else { number };
        if at < 0 || at >= length {
            return Err(invalid_index(number));
        }
        items.insert(at as usize, value);
        Ok(())
    }

    /// Takes the value out.
    pub(super) fn remove(self, flavor: Flavor, lenient: bool) -> Result<(), PatchError> {
        match self.container {
            Value::Object(map) => {
                if map.remove(&self.key).is_none() && !lenient {
                    let unable = if flavor == Flavor::V4 { "Unable" } else { "unable" };
                    return Err(super::missing(&format!("{unable} to remove nonexistent key: {}", self.key)));
                }
            }
            Value::Array(items) => match index(&self.key, items.len()) {
                Ok(at) => {
                    items.remove(at);
                }
                Err(error) => {
                    if !(lenient && atoi(&self.key).is_ok()) {
                        return Err(error);
                    }
                }
            },
            _ if flavor == Flavor::V4 => {
                return Err(super::missing(&format!("Unable to remove nonexistent key: {}", self.key)));
            }
            _ => return Err(expected_object()),
        }
        Ok(())
    }
}

/// Makes the containers on the way to a path's last part.
pub(super) fn ensure(document: &mut Value, path: &str) -> Result<(), PatchError> {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let mut container = document;
    for pair in parts.windows(2) {
        let (part, next) = (pair[0], pair[1]);
        let key = decode(part);
        if key.is_empty() {
            return Ok(());
        }
        let there = matches!(get(container, &key, Flavor::V5), Ok(Some(value)) if !value.is_null());
        if !there {
            make(container, part, next)?;
        }
        let made = match &mut *container {
            Value::Object(_) if there => key.clone(),
            Value::Object(_) => part.to_owned(),
            Value::Array(items) if part == "-" => (items.len().saturating_sub(1)).to_string(),
            _ => key.clone(),
        };
        container = match container {
            Value::Object(map) => match map.get_mut(&made) {
                Some(value) => value,
                None => return Ok(()),
            },
            Value::Array(items) => match index(&made, items.len()) {
                Ok(at) => &mut items[at],
                Err(_) => return Ok(()),
            },
            _ => return Ok(()),
        };
        if !matches!(container, Value::Object(_) | Value::Array(_)) {
            return Err(PatchError::new(PatchErrorKind::Inapplicable, "invalid state detected"));
        }
    }
    Ok(())
}

fn make(container: &mut Value, part: &str, next: &str) -> Result<(), PatchError> {
    if let (Value::Array(items), Ok(wanted)) = (&mut *container, atoi(part)) {
        if wanted > PADDING_MAX {
            return Err(invalid_index(wanted));
        }
        while (items.len() as i64) < wanted {
            items.push(Value::Null);
        }
    }
    let value = match atoi(next) {
        Ok(number) if number < -1 => {
            let text = format!(
                "Unable to ensure path for negative index other than -1: {number}: invalid index referenced"
            );
            return Err(PatchError::new(PatchErrorKind::Inapplicable, text));
        }
        Ok(number) if number > PADDING_MAX => return Err(invalid_index(number)),
        Ok(number) => Value::Array(vec![Value::Null; number.max(0) as usize]),
        Err(_) if next == "-" => Value::Array(Vec::new()),
        Err(_) => Value::Object(Map::new()),
    };
    // compat(json-patch v5): the part is added as it is written, escapes and all, and a failure is not looked at.
    let _ = Target { container, key: part.to_owned() }.add(value);
    Ok(())
}
