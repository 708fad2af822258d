//! Finds the manifests of a directory that has no kustomization file (`fluxcd/pkg/kustomize` scanManifests).

use gyre_model::{Dir, Entry};
use gyre_yaml::{Dialect, Document, parse_first, split_documents};
use serde_json::Value;

use crate::RenderError;

/// The names by which kustomize knows its file.
pub(crate) const KUSTOMIZATION_FILES: [&str; 3] =
    ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// The kustomization file of a directory.
pub(crate) fn kustomization_file(dir: &Dir) -> Option<&'static str> {
    KUSTOMIZATION_FILES
        .into_iter()
        .find(|wanted| dir.entries().any(|(name, entry)| name == *wanted && matches!(entry, Entry::File(_))))
}

/// The resources of a directory, relative to it: YAML files, and directories that have a kustomization file. `shown` is
/// the directory's name in messages.
pub(crate) fn resources(dir: &Dir, shown: &str) -> Result<Vec<String>, RenderError> {
    let mut found = Vec::new();
    scan(dir, ".", shown, &mut found)?;
    Ok(found)
}

fn scan(dir: &Dir, path: &str, shown: &str, found: &mut Vec<String>) -> Result<(), RenderError> {
    for (name, entry) in dir.entries() {
        let inner = format!("{path}/{name}");
        match entry {
            Entry::Dir(inside) if kustomization_file(inside).is_some() => found.push(inner),
            Entry::Dir(inside) => scan(inside, &inner, shown, found)?,
            Entry::File(file) if name.ends_with(".yaml") || name.ends_with(".yml") => {
                let file_shown = inner.replacen('.', shown, 1);
                check(&file.content).map_err(|why| RenderError::Decode { file: file_shown, why })?;
                found.push(inner);
            }
            Entry::File(_) | Entry::Symlink(_) => {}
        }
    }
    Ok(())
}

/// Is every document a Kubernetes object, or a list of such?
fn check(content: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(content).map_err(|_| "the file is not UTF-8 text".to_owned())?;
    let parts = split_documents(text)?;
    let several = parts.len() > 1;
    for (index, part) in parts.iter().enumerate() {
        let place = |why: String| {
            if !several {
                return why;
            }
            format!("{why} (document {}, which begins at line {})", index + 1, part.line)
        };
        let document = parse_first(part.text.as_bytes(), Dialect::V3)
            .map_err(|error| place(format!("MalformedYAMLError: {error}")))?;
        let Some(document) = document else { continue };
        check_document(&document).map_err(place)?;
    }
    Ok(())
}

fn check_document(document: &Document) -> Result<(), String> {
    let value = gyre_yaml::node_to_json(&document.root).map_err(|error| error.to_string())?;
    // Kustomize drops what is empty.
    if value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(());
    }
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let shown = || {
        let map = |name: &str| go_map(value.pointer(&format!("/metadata/{name}")));
        format!(
            "{{{{{} {}}} {{{{{} {}}} {} {}}}}}",
            text("/apiVersion"),
            text("/kind"),
            text("/metadata/name"),
            text("/metadata/namespace"),
            map("labels"),
            map("annotations"),
        )
    };
    if !value.is_object() {
        return Err("a document is not a mapping: each has to be a Kubernetes object".into());
    }
    if text("/kind").is_empty() {
        return Err(format!("missing kind in object {}", shown()));
    }
    if text("/metadata/name").is_empty() && !text("/kind").ends_with("List") {
        return Err(format!("missing metadata.name in object {}", shown()));
    }
    Ok(())
}

/// A map as Go prints it.
fn go_map(value: Option<&Value>) -> String {
    let pairs = value.and_then(Value::as_object).into_iter().flatten();
    let pairs: Vec<String> =
        pairs.map(|(key, value)| format!("{key}:{}", value.as_str().unwrap_or_default())).collect();
    format!("map[{}]", pairs.join(" "))
}

#[cfg(test)]
mod tests {
    use gyre_model::FileTree;

    use super::*;

    fn scanned(files: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let tree = FileTree::from_files(files.iter().copied()).unwrap();
        resources(tree.root(), "/src").map_err(|error| error.to_string())
    }

    const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";

    #[test]
    fn files_and_overlays_are_found() {
        let files = [
            ("a.yaml", OBJECT),
            ("notes.txt", "x"),
            ("b/c.yml", OBJECT),
            ("k/kustomization.yaml", "resources: []"),
            ("k/x.yaml", "not: an object"),
        ];
        assert_eq!(scanned(&files).unwrap(), ["./a.yaml", "./b/c.yml", "./k"]);
    }

    #[test]
    fn documents_without_content_are_passed_over() {
        let text = format!("---\n# empty\n---\n{OBJECT}---\n");
        assert_eq!(scanned(&[("a.yaml", &text)]).unwrap(), ["./a.yaml"]);
    }

    #[test]
    fn says_which_document_of_which_file() {
        let three = format!("{OBJECT}---\n{OBJECT}---\na: [1\n");
        let error = scanned(&[("b/x.yaml", &three)]).unwrap_err();
        assert!(
            error.starts_with(
                "failed to decode Kubernetes YAML from /src/b/x.yaml: MalformedYAMLError: yaml: "
            ),
            "{error}"
        );
        assert!(error.ends_with("(document 3, which begins at line 11)"), "{error}");
        let error = scanned(&[("a.yaml", "apiVersion: v1\nmetadata:\n  name: x\n")]).unwrap_err();
        assert!(error.ends_with("missing kind in object {{v1 } {{x } map[] map[]}}"), "{error}");
    }
}
