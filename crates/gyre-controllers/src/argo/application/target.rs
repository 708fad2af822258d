//! What the sources of an Application say: revisions and objects.

use std::sync::Arc;

use gyre_api::argo::{ApplicationSpec, Source, TRACKING_ID};
use gyre_model::{FileTree, Object};
use gyre_render::{directory, kustomization};
use gyre_source::{GitError, Remote, Want};

use super::tracking;
use crate::context::Context;

/// What the sources say.
pub(super) struct Target {
    /// Commits, one for each source.
    pub(super) revisions: Vec<String>,
    /// `Directory` or `Kustomize`, one for each source.
    pub(super) types: Vec<&'static str>,
    /// The objects, with their tracking annotation.
    pub(super) objects: Vec<Arc<Object>>,
}

/// Fetches and renders; the error is what `ComparisonError` says.
pub(super) async fn of(cx: &Context, application: &Object, spec: &ApplicationSpec) -> Result<Target, String> {
    let sources: Vec<&Source> =
        if spec.sources.is_empty() { spec.source.iter().collect() } else { spec.sources.iter().collect() };
    let mut target = Target { revisions: Vec::new(), types: Vec::new(), objects: Vec::new() };
    let mut rendered = Vec::new();
    for (index, source) in sources.iter().enumerate() {
        let failed = |why: String| {
            let (number, count) = (index + 1, sources.len());
            format!(
                "Failed to load target state: failed to generate manifest for source {number} of {count}: rpc error: \
                 code = {why}"
            )
        };
        let (revision, kind, objects) = one(cx, source).await.map_err(failed)?;
        target.revisions.push(revision);
        target.types.push(kind);
        rendered.extend(objects);
    }
    for object in rendered {
        target.objects.push(placed(cx, application, spec, object).await);
    }
    Ok(target)
}

async fn one(cx: &Context, source: &Source) -> Result<(String, &'static str, Vec<Object>), String> {
    let unknown = |why: String| format!("Unknown desc = {why}");
    if source.chart.is_some() || source.plugin.is_some() || source.helm.is_some() {
        return Err(unknown("charts and plugins are not supported".into()));
    }
    let mut remote = Remote::open(&source.repo_url);
    remote.allow_file = cx.settings.allow_file_urls;
    let want = Want::Any(source.target_revision.clone().unwrap_or_default());
    let failed = |error: GitError| unknown(git_error(&source.repo_url, &error));
    let revision = cx.sources.resolve(&remote, &want).await.map_err(failed)?;
    let commit = cx.sources.checkout(&remote, &revision).await.map_err(failed)?;
    let path = source.path.clone().unwrap_or_default();
    if path.starts_with('/') {
        return Err(unknown(format!("{path}: app path is absolute")));
    }
    if commit.tree.dir(&path).is_err() {
        return Err(unknown(format!("{path}: app path does not exist")));
    }
    let (tree, source, builds) = (commit.tree.clone(), source.clone(), cx.builds.clone());
    let rendered = tokio::task::spawn_blocking(move || render(&tree, &path, &source, builds.shared()));
    let (kind, objects) = rendered.await.map_err(|error| unknown(error.to_string()))??;
    Ok((revision.hash, kind, objects))
}

fn render(
    tree: &FileTree,
    path: &str,
    source: &Source,
    shared: kustomization::Shared<'_>,
) -> Result<(&'static str, Vec<Object>), String> {
    if source.kustomize.is_some() || kustomization::is_root(tree, path) {
        let built = kustomization::build_plain(tree, path, shared);
        let failed = |why: gyre_render::RenderError| {
            format!(
                "Unknown desc = `kustomize build <path to cached source>/{path}` failed exit status 1: Error: {why}"
            )
        };
        return built.map(|built| ("Kustomize", built.objects)).map_err(failed);
    }
    let options = source.directory.clone().unwrap_or_default();
    let options = directory::Options {
        recurse: options.recurse,
        include: options.include.unwrap_or_default(),
        exclude: options.exclude.unwrap_or_default(),
        any_extension: options.disable_extension_filter,
    };
    let objects = directory::render(tree, path, &options);
    objects.map(|objects| ("Directory", objects)).map_err(|why| format!("FailedPrecondition desc = {why}"))
}

fn git_error(url: &str, error: &GitError) -> String {
    match error {
        GitError::Unreachable(why) => {
            format!("failed to list refs: Get \"{url}/info/refs?service=git-upload-pack\": {why}")
        }
        GitError::Unauthorized(_) => format!("failed to list refs: {error}"),
        GitError::NotFound => "failed to list refs: repository not found".into(),
        _ => error.to_string(),
    }
}

/// The object in its namespace, with its tracking annotation.
async fn placed(
    cx: &Context,
    application: &Object,
    spec: &ApplicationSpec,
    mut object: Object,
) -> Arc<Object> {
    let namespace = spec.destination.namespace.clone().unwrap_or_default();
    // A kind that is not served yet is taken for one that lives in namespaces, unless its definition says otherwise.
    let namespaced = cx.cluster.kind(&object.gvk()).await.map_or(true, |kind| kind.namespaced);
    if !namespaced {
        object.set_namespace("");
    } else if object.namespace().is_empty() {
        object.set_namespace(&namespace);
    }
    let named = if object.namespace().is_empty() { namespace } else { object.namespace().to_owned() };
    let id = tracking::id(application, &object.object_ref(), &named);
    object.set_annotation(TRACKING_ID, &id);
    Arc::new(object)
}
