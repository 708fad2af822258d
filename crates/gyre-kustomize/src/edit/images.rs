//! `set image`.

use serde_json::{Map, Value};

use super::{Fields, list_of};
use crate::error::{Result, fail};

const KEEP: &str = "*";

const FORMATS: &str = "invalid format of image, use one of the following options:
- <image>=<newimage>:<newtag>
- <image>=<newimage>@<digest>
- <image>=<newimage>
- <image>:<newtag>
- <image>@<digest>";

struct Change {
    name: String,
    new_name: String,
    tag: String,
    digest: String,
}

/// Sets images; they end up sorted by name where one is new, as the list is the tool's.
pub(super) fn set(map: &mut Fields, images: &[String]) -> Result<()> {
    let list = list_of(map, "images")?;
    for image in images {
        let change = parse(image)?;
        let found = list
            .iter()
            .position(|found| found.get("name").and_then(Value::as_str) == Some(change.name.as_str()));
        let old = found.map_or(Value::Null, |at| list[at].clone());
        let wanted = change.to_entry(&old);
        match found {
            Some(at) => list[at] = wanted,
            None => list.push(wanted),
        }
    }
    Ok(())
}

fn parse(image: &str) -> Result<Change> {
    let (name, rest) = image.split_once('=').map_or((None, image), |(name, rest)| (Some(name), rest));
    let (new_name, tag, digest) = if let Some((image, digest)) = rest.split_once('@') {
        (image, "", digest)
    } else if let Some((image, tag)) = rest.rsplit_once(':').filter(|(_, tag)| is_tag(tag)) {
        (image, tag, "")
    } else if name.is_some() && !rest.is_empty() {
        (rest, "", "")
    } else {
        return fail(FORMATS);
    };
    let (name, new_name) = name.map_or((new_name, ""), |name| (name, new_name));
    Ok(Change { name: name.into(), new_name: new_name.into(), tag: tag.into(), digest: digest.into() })
}

fn is_tag(tag: &str) -> bool {
    tag == KEEP || tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

impl Change {
    /// The entry of the list; `*` keeps what the old one says.
    fn to_entry(&self, old: &Value) -> Value {
        let mut entry = Map::new();
        entry.insert("name".into(), self.name.as_str().into());
        for (field, text) in [("newName", &self.new_name), ("newTag", &self.tag), ("digest", &self.digest)] {
            let kept = old.get(field).and_then(Value::as_str).unwrap_or_default();
            let text = if text == KEEP { kept } else { text };
            if !text.is_empty() {
                entry.insert(field.into(), text.into());
            }
        }
        Value::Object(entry)
    }
}
