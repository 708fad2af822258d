//! What an Application's source adds to the kustomization file, edit by edit, in the order and with the error texts of
//! Argo CD (`util/kustomize/kustomize.go`), which runs `kustomize edit`.

use gyre_api::argo::KustomizeSource;
use gyre_model::{FileTree, clean_path};
use gyre_render::kustomization::{Edit, Metadata, SHOWN_ROOT, edited};
use serde_json::Value;

/// Variables that images, labels and annotations may name.
pub(super) type Variables = Vec<(&'static str, String)>;

/// The tree with the edits that the source asks for.
pub(super) fn edit(
    tree: &FileTree,
    path: &str,
    source: &KustomizeSource,
    variables: &Variables,
) -> Result<FileTree, String> {
    let mut tree = tree.clone();
    for (command, edit) in edits(&tree, path, source, variables)? {
        let failed = |why: String| format!("`kustomize edit {command}` failed exit status 1: Error: {why}");
        tree = edited(&tree, path, &edit).map_err(failed)?;
    }
    Ok(tree)
}

type Step = (String, Edit);

fn edits(
    tree: &FileTree,
    path: &str,
    source: &KustomizeSource,
    variables: &Variables,
) -> Result<Vec<Step>, String> {
    let mut steps: Vec<Step> = Vec::new();
    let text = |command: &str, field: &str, text: &Option<String>| {
        let text = text.clone().filter(|text| !text.is_empty())?;
        Some((format!("set {command} -- {text}"), Edit::SetText { field: field.into(), text }))
    };
    steps.extend(text("nameprefix", "namePrefix", &source.name_prefix));
    steps.extend(text("namesuffix", "nameSuffix", &source.name_suffix));
    if !source.images.is_empty() {
        let images: Vec<String> = source.images.iter().map(|image| expand(image, variables)).collect();
        steps.push((format!("set image {}", images.join(" ")), Edit::SetImages(images)));
    }
    if !source.replicas.is_empty() {
        let replicas = source.replicas.iter().map(replica).collect::<Result<Vec<_>, _>>()?;
        steps.push((format!("set replicas {}", replicas.join(" ")), Edit::SetReplicas(replicas)));
    }
    if !source.common_labels.is_empty() {
        steps.push(labels(source, variables));
    }
    if !source.common_annotations.is_empty() {
        steps.push(annotations(source, variables));
    }
    steps.extend(text("namespace", "namespace", &source.namespace));
    steps.extend(source.patches.iter().map(|patch| ("add patch".to_owned(), Edit::AddPatch(patch.clone()))));
    let components = components(tree, path, source)?;
    if !components.is_empty() {
        let (list, what) = ("components".into(), "component".into());
        steps.push((
            format!("add component {}", components.join(" ")),
            Edit::Add { list, what, entries: components },
        ));
    }
    Ok(steps)
}

/// `name=count`
fn replica(replica: &Value) -> Result<String, String> {
    let name = replica.get("name").and_then(Value::as_str).unwrap_or_default();
    let count = match replica.get("count") {
        Some(Value::Number(count)) => count.as_i64(),
        Some(Value::String(count)) => count.parse().ok(),
        _ => None,
    };
    let count = count.ok_or_else(|| format!("expected integer value for count. Received: {replica}"))?;
    Ok(format!("{name}={count}"))
}

fn labels(source: &KustomizeSource, variables: &Variables) -> Step {
    let pairs: Vec<(String, String)> =
        source.common_labels.iter().map(|(name, value)| (name.clone(), expand(value, variables))).collect();
    let force = source.force_common_labels;
    let flags = [
        (force, " --force"),
        (source.label_without_selector, " --without-selector"),
        (source.label_include_templates, " --include-templates"),
    ];
    let command = format!("add label{}{}", given(&flags), shown(&pairs));
    let edit = if source.label_without_selector {
        Edit::AddLabels { labels: pairs, force, include_templates: source.label_include_templates }
    } else {
        Edit::PutMetadata { metadata: Metadata::Labels, pairs, force }
    };
    (command, edit)
}

fn annotations(source: &KustomizeSource, variables: &Variables) -> Step {
    let value = |value: &String| {
        if source.common_annotations_envsubst { expand(value, variables) } else { value.clone() }
    };
    let pairs: Vec<(String, String)> =
        source.common_annotations.iter().map(|(name, text)| (name.clone(), value(text))).collect();
    let force = source.force_common_annotations;
    let command = format!("add annotation{}{}", given(&[(force, " --force")]), shown(&pairs));
    (command, Edit::PutMetadata { metadata: Metadata::Annotations, pairs, force })
}

fn given(flags: &[(bool, &str)]) -> String {
    flags.iter().filter(|(given, _)| *given).map(|(_, flag)| *flag).collect()
}

fn shown(pairs: &[(String, String)]) -> String {
    pairs.iter().flat_map(|(name, value)| [" ", name, ":", value]).collect()
}

/// The components; those that are not there are left out or are an error, as the source says.
fn components(tree: &FileTree, path: &str, source: &KustomizeSource) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for component in &source.components {
        let place = clean_path(format!("{path}/{component}").trim_start_matches('/'));
        if place.as_deref().is_some_and(|place| tree.dir(place).is_ok()) {
            found.push(component.clone());
        } else if !source.ignore_missing_components {
            let place = format!("{SHOWN_ROOT}/{}", place.unwrap_or_default());
            return Err(format!(
                "`kustomize edit add component {}` failed exit status 1: Error: {component} has no match: must build \
                 at directory: not a valid directory: evalsymlink failure on '{place}' : lstat {place}: no such file \
                 or directory",
                source.components.join(" ")
            ));
        }
    }
    Ok(found)
}

/// The text with `$NAME` and `${NAME}` replaced, as Go's `os.Expand` does it; `$$` is a dollar sign, and what is not
/// known is nothing.
fn expand(text: &str, variables: &Variables) -> String {
    let value =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let is_part = |letter: char| letter == '_' || letter.is_ascii_alphanumeric();
        if let Some(inside) = after.strip_prefix('{') {
            let (name, after) = inside.split_once('}').unwrap_or(("", inside));
            out.push_str(value(name));
            rest = after;
        } else if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else {
            let end = after.find(|letter| !is_part(letter)).unwrap_or(after.len());
            let (name, after) = after.split_at(end);
            out.push_str(if name.is_empty() { "$" } else { value(name) });
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_put_in() {
        let variables = vec![("A", "x".to_owned()), ("A_B", "y".to_owned())];
        assert_eq!(expand("$A-${A_B}:$A_B$$ $C. $", &variables), "x-y:y$ . $");
        assert_eq!(expand("${A", &variables), "A");
    }

    #[test]
    fn the_file_is_edited_in_order() {
        let tree = FileTree::from_files([
            ("app/kustomization.yaml", "resources: [a.yaml]\ncommonLabels: {team: a}\n"),
            ("parts/kustomization.yaml", "kind: Component\n"),
        ])
        .unwrap();
        let source = KustomizeSource {
            name_prefix: Some("p-".into()),
            images: vec!["nginx:$TAG".into()],
            components: vec!["../parts".into(), "../none".into()],
            ignore_missing_components: true,
            ..KustomizeSource::default()
        };
        let edited = edit(&tree, "app", &source, &vec![("TAG", "1.2".into())]).unwrap();
        let text = String::from_utf8_lossy(edited.read("app/kustomization.yaml").unwrap()).into_owned();
        for line in ["namePrefix: p-", "newTag: \"1.2\"", "- ../parts"] {
            assert!(text.contains(line), "{line} in {text}");
        }
        let strict = KustomizeSource { ignore_missing_components: false, ..source };
        let error = edit(&tree, "app", &strict, &Vec::new()).unwrap_err();
        assert!(error.contains("`kustomize edit add component ../parts ../none` failed"), "{error}");
        let force = KustomizeSource {
            common_labels: [("team".to_owned(), "b".to_owned())].into(),
            ..KustomizeSource::default()
        };
        let error = edit(&tree, "app", &force, &Vec::new()).unwrap_err();
        assert!(
            error.starts_with("`kustomize edit add label team:b` failed exit status 1: Error: "),
            "{error}"
        );
    }
}
