//! A directory of plain manifests, read as Argo CD reads it (`reposerver/repository`, findManifests).

use gyre_go::glob::gobwas::Glob;
use gyre_model::{Dir, Entry, EntryKind, FileTree, Object};
use gyre_yaml::{split_documents, yaml_to_json};
use serde_json::Value;

/// Which files of a directory are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Directories inside as well.
    pub recurse: bool,
    /// Only files whose path matches.
    pub include: String,
    /// No files whose path matches.
    pub exclude: String,
    /// Files of any extension.
    pub any_extension: bool,
}

/// Reads every manifest. Files that are not YAML are errors only where they look like manifests; the error is Argo CD's.
pub fn render(tree: &FileTree, path: &str, options: &Options) -> Result<Vec<Object>, String> {
    let dir = tree.dir(path).map_err(|_| format!("{path}: app path does not exist"))?;
    let glob = |pattern: &str| {
        (!pattern.is_empty())
            .then(|| Glob::parse(pattern, &[]).map_err(|error| error.to_string()))
            .transpose()
    };
    let wanted = Wanted { options, include: glob(&options.include)?, exclude: glob(&options.exclude)? };
    let mut files = Vec::new();
    wanted.collect(tree, dir, path, "", &mut files);
    let mut objects = Vec::new();
    for (name, content) in files {
        if name.ends_with(".jsonnet") {
            return Err(format!(
                "Failed to evaluate jsonnet \"{name}\": jsonnet is not evaluated in this version; exclude the file or \
                 render it to YAML"
            ));
        }
        read(&name, &content, &mut objects)?;
    }
    Ok(objects)
}

struct Wanted<'a> {
    options: &'a Options,
    include: Option<Glob>,
    exclude: Option<Glob>,
}

impl Wanted<'_> {
    fn collect(
        &self,
        tree: &FileTree,
        dir: &Dir,
        root: &str,
        path: &str,
        files: &mut Vec<(String, std::sync::Arc<[u8]>)>,
    ) {
        for (name, entry) in dir.entries() {
            let inner = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
            match entry {
                Entry::Dir(inside) if self.options.recurse => self.collect(tree, inside, root, &inner, files),
                Entry::Dir(_) => {}
                Entry::File(file) if self.takes(name, &inner) => {
                    files.push((name.to_owned(), std::sync::Arc::clone(&file.content)));
                }
                Entry::File(_) => {}
                Entry::Symlink(_) => {
                    let whole = format!("{root}/{inner}");
                    if tree.kind(&whole) == Ok(EntryKind::File)
                        && self.takes(name, &inner)
                        && let Ok(content) = tree.read(&whole)
                    {
                        files.push((name.to_owned(), std::sync::Arc::clone(content)));
                    }
                }
            }
        }
    }

    fn takes(&self, name: &str, path: &str) -> bool {
        let known = [".yaml", ".yml", ".json", ".jsonnet"].iter().any(|extension| name.ends_with(extension));
        (known || self.options.any_extension)
            && self.exclude.as_ref().is_none_or(|glob| !glob.matches(path))
            && self.include.as_ref().is_none_or(|glob| glob.matches(path))
    }
}

fn read(name: &str, content: &[u8], objects: &mut Vec<Object>) -> Result<(), String> {
    let failed = |why: String| format!("Failed to unmarshal \"{name}\": {why}");
    let text = String::from_utf8_lossy(content);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if name.ends_with(".json") {
        gyre_go::json::parse_first(text.as_bytes()).map_err(|error| {
            // A stream that ends too early has another name than a text that does.
            let why = error.to_string();
            failed(if why == "unexpected end of JSON input" { "unexpected EOF".into() } else { why })
        })?;
        let value = serde_json::from_str(text).map_err(|error| failed(error.to_string()))?;
        return add(value, objects).map_err(failed);
    }
    let manifest_like = ["apiVersion:", "kind:", "metadata:"].iter().all(|word| text.contains(word));
    let before = objects.len();
    let parts = match split_documents(text) {
        Ok(parts) => parts,
        Err(why) if manifest_like => return Err(failed(format!("failed to unmarshal manifest: {why}"))),
        Err(_) => return Ok(()),
    };
    for part in parts {
        let added = yaml_to_json(part.text.as_bytes())
            .map_err(|error| format!("failed to unmarshal manifest: error converting YAML to JSON: {error}"))
            .and_then(|value| add(value, objects));
        match added {
            Ok(()) => {}
            // One good document before says that the file is meant to be a manifest.
            Err(why) if manifest_like || objects.len() > before => return Err(failed(why)),
            Err(_) => return Ok(()),
        }
    }
    Ok(())
}

/// Adds an object, or the items of a list.
fn add(value: Value, objects: &mut Vec<Object>) -> Result<(), String> {
    if value.is_null() {
        return Ok(());
    }
    let is_list = value.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
    if is_list && let Some(Value::Array(items)) = value.get("items") {
        return items.iter().try_for_each(|item| add(item.clone(), objects));
    }
    match Object::new(value) {
        Ok(object) => {
            objects.push(object);
            Ok(())
        }
        Err(error) => Err(format!("failed to unmarshal manifest: Object '{error}'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";

    fn names(files: &[(&str, &str)], options: &Options) -> Result<usize, String> {
        let tree = FileTree::from_files(files.iter().copied()).unwrap();
        render(&tree, ".", options).map(|objects| objects.len())
    }

    #[test]
    fn takes_what_is_asked_for() {
        let files = [
            ("a.yaml", OBJECT),
            ("b/c.yml", OBJECT),
            ("d.txt", OBJECT),
            ("e.json", "{\"apiVersion\":\"v1\",\"kind\":\"X\"}"),
        ];
        assert_eq!(names(&files, &Options::default()), Ok(2));
        assert_eq!(names(&files, &Options { recurse: true, ..Options::default() }), Ok(3));
        let only = Options { recurse: true, include: "{a,b/*}.y*ml".into(), ..Options::default() };
        assert_eq!(names(&files, &only), Ok(2));
        let without = Options { recurse: true, exclude: "*.json".into(), ..Options::default() };
        assert_eq!(names(&files, &without), Ok(2));
    }

    #[test]
    fn other_yaml_is_passed_over_and_broken_manifests_are_named() {
        assert_eq!(names(&[("a.yaml", OBJECT), ("values.yaml", "a: [")], &Options::default()), Ok(1));
        let broken = format!("{OBJECT}---\na: [\n");
        let error = names(&[("a.yaml", &broken)], &Options::default()).unwrap_err();
        assert!(
            error.starts_with(
                "Failed to unmarshal \"a.yaml\": failed to unmarshal manifest: error converting"
            ),
            "{error}"
        );
    }
}
