//! `set image` and `set replicas`: lists that are sorted by name once they are set.

use serde_json::{Map, Value, json};

use super::{Fields, list_of, text_of};
use crate::error::{Result, fail};
use crate::transform::images::split_image;

const KEEP: &str = "*";

const FORMATS: &str = "invalid format of image, use one of the following options:
- <image>=<newimage>:<newtag>
- <image>=<newimage>@<digest>
- <image>=<newimage>:<newtag>@<digest>
- <image>=<newimage>
- <image>:<newtag>
- <image>:<newtag>@<digest>
- <image>@<digest>";

struct Change {
    name: String,
    new_name: String,
    tag: String,
    digest: String,
}

/// Sets images.
pub(super) fn set(map: &mut Fields, images: &[String]) -> Result<()> {
    for image in images {
        let change = parse(image)?;
        put(list_of(map, "images")?, &change.name, |old| change.to_entry(old));
    }
    sort(list_of(map, "images")?);
    Ok(())
}

/// Sets replicas.
pub(super) fn set_replicas(map: &mut Fields, replicas: &[String]) -> Result<()> {
    for replica in replicas {
        let parts: Vec<&str> = replica.split('=').collect();
        let parsed = match parts[..] {
            [name, count] => count.parse::<i64>().ok().map(|count| (name, count)),
            _ => None,
        };
        let Some((name, count)) = parsed else {
            return fail("invalid format of replica, use the following format: <name>=<count>");
        };
        put(list_of(map, "replicas")?, name, |_| json!({"name": name, "count": count}));
    }
    sort(list_of(map, "replicas")?);
    Ok(())
}

/// Makes an entry from the one of its name, in its place.
fn put(list: &mut Vec<Value>, name: &str, make: impl Fn(&Value) -> Value) {
    match list.iter_mut().find(|found| text_of(found, "name") == name) {
        Some(found) => *found = make(found),
        None => list.push(make(&Value::Null)),
    }
}

fn sort(list: &mut [Value]) {
    list.sort_by(|one, two| text_of(one, "name").cmp(text_of(two, "name")));
}

fn parse(image: &str) -> Result<Change> {
    let (key, value) = image.split_once('=').map_or((None, image), |(key, value)| (Some(key), value));
    let (name, tag, digest) = split_image(value);
    let (name, tag, digest) = (name.to_owned(), tag.to_owned(), digest.to_owned());
    if name == image {
        return fail(FORMATS);
    }
    let (name, new_name) = match key.filter(|key| !key.is_empty()) {
        Some(key) => (key.to_owned(), name),
        None => (name, String::new()),
    };
    Ok(Change { name, new_name, tag, digest })
}

impl Change {
    /// The entry of the list; `*` keeps what the old one says.
    fn to_entry(&self, old: &Value) -> Value {
        let mut entry = Map::new();
        entry.insert("name".into(), self.name.as_str().into());
        for (field, text) in [("newName", &self.new_name), ("newTag", &self.tag), ("digest", &self.digest)] {
            let text = if text == KEEP { text_of(old, field) } else { text };
            if !text.is_empty() {
                entry.insert(field.into(), text.into());
            }
        }
        Value::Object(entry)
    }
}
