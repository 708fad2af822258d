//! A directory rendered as Flux renders it: by its kustomization file, or by one that is made for it, with what a
//! custom resource adds (`fluxcd/pkg/kustomize`, Generator and SecureBuild).

pub use gyre_kustomize::{Cache, Edit, Metadata, Remote, Stop};
use gyre_kustomize::{LoadRestrictions, Options, Reorder};
use gyre_model::{Digest, FileTree, Object, clean_path};
use serde_json::{Map, Value};

use crate::RenderError;
use crate::scan::{KUSTOMIZATION_FILES, kustomization_file, resources};

/// What the root of the source is called in messages: users of the peer know the directory that it unpacks to.
// compat(kustomize-controller 1.9): the recordings ks-invalid-yaml and ks-plain name files this way.
const ROOT: &str = "/tmp/kustomization-0";

/// The same for users of Argo CD, which leaves the place out.
pub const SHOWN_ROOT: &str = "<path to cached source>";

/// What a custom resource adds, in kustomize's own words. The lists are added to those of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overlay {
    /// `namespace`, in place of the file's.
    pub namespace: Option<String>,
    /// `namePrefix`, in place of the file's.
    pub name_prefix: Option<String>,
    /// `nameSuffix`, in place of the file's.
    pub name_suffix: Option<String>,
    /// `patches`.
    pub patches: Vec<Value>,
    /// `patchesStrategicMerge`.
    pub patches_strategic_merge: Vec<String>,
    /// `patchesJson6902`.
    pub patches_json6902: Vec<Value>,
    /// `images`: those of the same name are changed.
    pub images: Vec<Map<String, Value>>,
    /// `components`.
    pub components: Vec<String>,
    /// Leave out components that do not exist.
    pub ignore_missing_components: bool,
    /// `buildMetadata`, in place of the file's.
    pub build_metadata: Vec<String>,
}

/// What builds share.
#[derive(Clone, Copy, Default)]
pub struct Shared<'a> {
    /// Parsed files.
    pub cache: Option<&'a Cache>,
    /// What fetches bases that lie elsewhere. Without it they are refused.
    pub remote: Option<&'a dyn Remote>,
    /// What ends a build when its time is over.
    pub stop: Option<&'a Stop>,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// The objects, in kustomize's order.
    pub objects: Vec<Object>,
    /// Of the YAML that kustomize would print.
    pub digest: Digest,
}

impl<'a> Shared<'a> {
    fn options(self) -> Options<'a> {
        Options { cache: self.cache, remote: self.remote, stop: self.stop, ..Options::default() }
    }
}

/// Renders the directory at `path` with what `overlay` adds.
pub fn render(
    tree: &FileTree,
    path: &str,
    overlay: &Overlay,
    shared: Shared<'_>,
) -> Result<Rendered, RenderError> {
    let path = clean_path(path.trim_start_matches('/'))
        .ok_or_else(|| RenderError::NoPath(format!("{ROOT}/{path}")))?;
    let shown = if path.is_empty() { ROOT.to_owned() } else { format!("{ROOT}/{path}") };
    let dir = tree.dir(&path).map_err(|_| RenderError::NoPath(shown.clone()))?;
    let (file, mut fields) = match kustomization_file(dir) {
        Some(file) => (file, read(tree, &path, file, &shown)?),
        None => (KUSTOMIZATION_FILES[0], generated(resources(dir, &shown)?)),
    };
    add(&mut fields, overlay, tree, &path)?;
    let text = gyre_yaml::write_value(&Value::Object(fields));
    let file = if path.is_empty() { file.to_owned() } else { format!("{path}/{file}") };
    let tree =
        tree.with_file(&file, text.as_bytes()).map_err(|error| RenderError::Invalid(error.to_string()))?;
    build(&tree, &path, shared)
}

/// Does the directory have a kustomization file?
pub fn is_root(tree: &FileTree, path: &str) -> bool {
    tree.dir(path).is_ok_and(|dir| kustomization_file(dir).is_some())
}

/// The tree with its kustomization file changed, as `kustomize edit` changes it; the error is kustomize's.
pub fn edited(tree: &FileTree, path: &str, edit: &Edit) -> Result<FileTree, String> {
    let made = gyre_kustomize::edit(tree, path, edit).map_err(|error| error.to_string())?;
    let mut tree = tree.clone();
    for (file, text) in made.files {
        tree = tree.with_file(&file, text.as_bytes()).map_err(|error| error.to_string())?;
    }
    Ok(tree)
}

/// The root has a name: Kustomize refuses an empty one.
fn shown(path: &str) -> &str {
    if path.is_empty() { "." } else { path }
}

/// Renders the directory as `kustomize build` does.
pub fn build_plain(tree: &FileTree, path: &str, shared: Shared<'_>) -> Result<Rendered, RenderError> {
    let options = Options { shown_root: SHOWN_ROOT, ..shared.options() };
    finish(gyre_kustomize::build(&options, tree, shown(path)))
}

fn header() -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("apiVersion".into(), "kustomize.config.k8s.io/v1beta1".into());
    fields.insert("kind".into(), "Kustomization".into());
    fields
}

fn generated(resources: Vec<String>) -> Map<String, Value> {
    let mut fields = header();
    if resources.is_empty() {
        // An empty file is an error to kustomize; one with a namespace is not.
        fields.insert("namespace".into(), "_placeholder".into());
    } else {
        fields.insert("resources".into(), resources.into());
    }
    fields
}

fn read(tree: &FileTree, path: &str, file: &str, shown: &str) -> Result<Map<String, Value>, RenderError> {
    let name = if path.is_empty() { file.to_owned() } else { format!("{path}/{file}") };
    let content = tree.read(&name).map_err(|error| RenderError::Invalid(error.to_string()))?;
    let decode = |why: String| RenderError::Decode { file: format!("{shown}/{file}"), why };
    let value = gyre_yaml::yaml_to_json(content).map_err(|error| decode(error.to_string()))?;
    let mut fields = match value {
        Value::Object(fields) => fields,
        Value::Null => Map::new(),
        _ => return Err(decode("not a mapping".into())),
    };
    for (key, value) in header() {
        fields.entry(key).or_insert(value);
    }
    let empty = fields.get("resources").and_then(Value::as_array).is_none_or(Vec::is_empty);
    if empty && !fields.contains_key("bases") {
        // A file that makes nothing is an error to kustomize; one with build metadata is not.
        fields.insert("buildMetadata".into(), vec!["originAnnotations"].into());
    }
    Ok(fields)
}

fn add(
    fields: &mut Map<String, Value>,
    overlay: &Overlay,
    tree: &FileTree,
    path: &str,
) -> Result<(), RenderError> {
    let texts = [
        ("namespace", &overlay.namespace),
        ("namePrefix", &overlay.name_prefix),
        ("nameSuffix", &overlay.name_suffix),
    ];
    for (field, text) in texts {
        if let Some(text) = text {
            fields.insert(field.into(), text.clone().into());
        }
    }
    append(fields, "patches", overlay.patches.clone());
    append(
        fields,
        "patchesStrategicMerge",
        overlay.patches_strategic_merge.iter().map(|patch| patch.clone().into()).collect(),
    );
    append(fields, "patchesJson6902", overlay.patches_json6902.clone());
    let mut components = Vec::new();
    for component in &overlay.components {
        if !is_local(component) {
            let why = format!("component path '{component}' must be local and relative");
            return Err(RenderError::Invalid(why));
        }
        if overlay.ignore_missing_components && tree.kind(&format!("{path}/{component}")).is_err() {
            continue;
        }
        components.push(component.clone().into());
    }
    append(fields, "components", components);
    add_images(fields, &overlay.images);
    if !overlay.build_metadata.is_empty() {
        fields.insert("buildMetadata".into(), overlay.build_metadata.clone().into());
    }
    Ok(())
}

fn append(fields: &mut Map<String, Value>, field: &str, more: Vec<Value>) {
    if more.is_empty() {
        return;
    }
    let list = fields.entry(field).or_insert_with(|| Value::Array(Vec::new()));
    if !list.is_array() {
        *list = Value::Array(Vec::new());
    }
    if let Value::Array(list) = list {
        list.extend(more);
    }
}

/// Changes the images that the file names already, and adds the others. A tag and a digest choose the version together:
/// setting one takes the other away.
fn add_images(fields: &mut Map<String, Value>, images: &[Map<String, Value>]) {
    for image in images {
        let present = fields
            .get_mut("images")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
            .filter_map(Value::as_object_mut)
            .find(|present| present.get("name") == image.get("name"));
        let Some(present) = present else {
            append(fields, "images", vec![Value::Object(image.clone())]);
            continue;
        };
        if let Some(name) = image.get("newName") {
            present.insert("newName".into(), name.clone());
        }
        if image.contains_key("newTag") || image.contains_key("digest") {
            for field in ["newTag", "digest"] {
                present.remove(field);
                if let Some(value) = image.get(field) {
                    present.insert(field.into(), value.clone());
                }
            }
        }
    }
}

/// Is the path one of this repository? (`fluxcd/pkg/kustomize` IsLocalRelativePath)
fn is_local(path: &str) -> bool {
    const REMOTE: [&str; 8] =
        ["git::", "gh:", "ssh://", "https://", "http://", "git@", "github.com:", "github.com/"];
    let lower = path.to_lowercase();
    let absolute =
        path.starts_with('/') || lower.strip_prefix("file://").is_some_and(|rest| rest.starts_with('/'));
    !absolute && !REMOTE.iter().any(|prefix| lower.len() > prefix.len() && lower.starts_with(prefix))
}

/// Renders as Flux does: any file of the tree may be read, objects stay in the order in which they were read.
fn build(tree: &FileTree, path: &str, shared: Shared<'_>) -> Result<Rendered, RenderError> {
    let options = Options {
        shown_root: ROOT,
        load_restrictions: LoadRestrictions::None,
        reorder: Reorder::None,
        ..shared.options()
    };
    finish(gyre_kustomize::build(&options, tree, shown(path)))
}

fn finish(built: gyre_kustomize::Result<gyre_kustomize::Rendered>) -> Result<Rendered, RenderError> {
    let built = built.map_err(|error| RenderError::Build(error.to_string()))?;
    let digest = Digest::of(built.to_yaml().as_bytes());
    let objects = built.objects.into_iter().map(|value| {
        let shown = gyre_yaml::write_value(&value);
        let named = Object::new(value).ok().filter(|object| !object.name().is_empty());
        // compat(kustomize-controller 1.9): the text of its own check after the build.
        named.ok_or_else(|| {
            RenderError::Invalid(format!(
                "failed to decode Kubernetes apiVersion, kind and name from: {shown}"
            ))
        })
    });
    Ok(Rendered { objects: objects.collect::<Result<_, _>>()?, digest })
}
