//! What the sources of an Application say: revisions and objects.

use std::sync::Arc;

use gyre_api::argo::{ApplicationSpec, NAMESPACE, Source, TRACKING_ID};
use gyre_model::{EntryKind, FileTree, GroupVersionKind, Object, ObjectRef};
use gyre_render::kustomization::SHOWN_ROOT;
use gyre_render::{RenderError, directory, kustomization};
use gyre_source::{GitError, Remote, Want};

use super::kustomize::{self, Variables};
use super::tracking;
use crate::context::Context;

/// What the sources say.
pub(super) struct Target {
    /// Commits, one for each source.
    pub(super) revisions: Vec<String>,
    /// `Directory` or `Kustomize`, one for each source.
    pub(super) types: Vec<&'static str>,
    /// The objects, as they were rendered.
    objects: Vec<Object>,
    /// Hooks: objects that are not part of the desired state.
    pub(super) hooks: Vec<String>,
}

/// Is the object one that is applied at a moment of a sync, and not part of the desired state? Helm's `crd-install` is no
/// such moment any more.
fn is_hook(object: &Object) -> bool {
    let helm = object.annotation("helm.sh/hook").unwrap_or("crd-install");
    object.annotation("argocd.argoproj.io/hook").is_some() || helm != "crd-install"
}

/// Fetches and renders; the error is what `ComparisonError` says.
pub(super) async fn of(cx: &Context, application: &Object, spec: &ApplicationSpec) -> Result<Target, String> {
    let sources = spec.all_sources();
    let mut target =
        Target { revisions: Vec::new(), types: Vec::new(), objects: Vec::new(), hooks: Vec::new() };
    for (index, source) in sources.iter().enumerate() {
        let failed = |why: String| {
            let (number, count) = (index + 1, sources.len());
            format!(
                "Failed to load target state: failed to generate manifest for source {number} of {count}: rpc error: \
                 code = {why}"
            )
        };
        let (revision, kind, objects) = one(cx, application, spec, source).await.map_err(failed)?;
        target.revisions.push(revision);
        target.types.push(kind);
        for object in objects {
            if is_hook(&object) {
                target.hooks.push(format!("{}/{}", object.kind(), object.name()));
            } else {
                target.objects.push(object);
            }
        }
    }
    Ok(target)
}

impl Target {
    /// The objects in their namespaces, with their tracking annotation. A sync may bring kinds that were not served before.
    pub(super) async fn placed(
        &self,
        cx: &Context,
        application: &Object,
        spec: &ApplicationSpec,
    ) -> Vec<Arc<Object>> {
        let mut objects = Vec::with_capacity(self.objects.len());
        for object in &self.objects {
            objects.push(placed(cx, application, spec, object.clone()).await);
        }
        objects
    }
}

async fn one(
    cx: &Context,
    application: &Object,
    spec: &ApplicationSpec,
    source: &Source,
) -> Result<(String, &'static str, Vec<Object>), String> {
    let unknown = |why: String| format!("Unknown desc = {why}");
    if source.chart.is_some() || source.plugin.is_some() || source.helm.is_some() {
        return Err(unknown("charts and plugins are not rendered in this version".into()));
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
    if let Some(version) = source.kustomize.as_ref().and_then(|kustomize| kustomize.version.as_deref()) {
        registered(cx, version).await.map_err(unknown)?;
    }
    let variables = variables(application, spec, source, &revision.hash);
    let (tree, source) = (commit.tree.clone(), source.clone());
    let rendered = cx.builds.run(move |shared| render(&tree, &path, &source, &variables, shared)).await;
    let (kind, objects) = rendered.map_err(|error| unknown(error.to_string()))??;
    Ok((revision.hash, kind, objects))
}

fn render(
    tree: &FileTree,
    path: &str,
    source: &Source,
    variables: &Variables,
    shared: kustomization::Shared<'_>,
) -> Result<(&'static str, Vec<Object>), String> {
    let is_chart = tree.kind(&format!("{path}/Chart.yaml")) == Ok(EntryKind::File);
    if is_chart && source.kustomize.is_none() && source.directory.is_none() {
        return Err(
            "Unknown desc = the path holds a chart, and charts are not rendered in this version".into()
        );
    }
    if source.kustomize.is_some() || kustomization::is_root(tree, path) {
        let plain = source.kustomize.clone().unwrap_or_default();
        let tree = kustomize::edit(tree, path, &plain, variables);
        let tree = tree.map_err(|why| format!("Unknown desc = {why}"))?;
        let built = kustomization::build_plain(&tree, path, shared);
        return built.map(|built| ("Kustomize", built.objects)).map_err(|why| build_error(path, &why));
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

/// The error of `kustomize build`, as the peer shows it: the place of the source swallows the closing quote.
fn build_error(path: &str, why: &RenderError) -> String {
    let place = match path.trim_matches(['/', '.']) {
        "" => SHOWN_ROOT.to_owned(),
        _ => format!("{SHOWN_ROOT}/{path}`"),
    };
    let why = match why {
        RenderError::Build(why) => why.clone(),
        other => other.to_string(),
    };
    format!("Unknown desc = `kustomize build {place} failed exit status 1: Error: {why}")
}

/// Is this version of Kustomize one that users have registered? All are rendered by the one that is built in.
async fn registered(cx: &Context, version: &str) -> Result<(), String> {
    if version.is_empty() {
        return Ok(());
    }
    let settings = ObjectRef::new(GroupVersionKind::parse("v1", "ConfigMap"), NAMESPACE, "argocd-cm");
    let settings = cx.cluster.get(&settings).await.ok().flatten();
    let data = settings.as_ref().and_then(|settings| settings.at("/data")?.as_object());
    let known = ["kustomize.path.", "kustomize.version."]
        .iter()
        .any(|prefix| data.is_some_and(|data| data.contains_key(&format!("{prefix}{version}"))));
    if known {
        return Ok(());
    }
    Err(format!("error getting kustomize binary path: kustomize version {version} is not registered"))
}

/// The variables of a build (`docs/user-guide/build-environment.md` of Argo CD).
fn variables(application: &Object, spec: &ApplicationSpec, source: &Source, revision: &str) -> Variables {
    let short = |length: usize| revision.get(..length).unwrap_or(revision).to_owned();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    vec![
        ("ARGOCD_APP_NAME", application.name().to_owned()),
        ("ARGOCD_APP_NAMESPACE", text(&spec.destination.namespace)),
        ("ARGOCD_APP_PROJECT_NAME", spec.project.clone()),
        ("ARGOCD_APP_REVISION", revision.to_owned()),
        ("ARGOCD_APP_REVISION_SHORT", short(7)),
        ("ARGOCD_APP_REVISION_SHORT_8", short(8)),
        ("ARGOCD_APP_SOURCE_REPO_URL", source.repo_url.clone()),
        ("ARGOCD_APP_SOURCE_PATH", text(&source.path)),
        ("ARGOCD_APP_SOURCE_TARGET_REVISION", text(&source.target_revision)),
    ]
}

fn git_error(url: &str, error: &GitError) -> String {
    match error {
        GitError::Unreachable(why) => {
            format!("failed to list refs: Get \"{url}/info/refs?service=git-upload-pack\": {why}")
        }
        GitError::Unauthorized(_) => format!("failed to list refs: {error}"),
        GitError::NoCommit(commit) => format!(
            "failed to initialize repository resources: rpc error: code = Internal desc = Failed to checkout revision \
             {commit}: `git fetch origin {commit} --tags --force --prune` failed exit status 128: fatal: remote error: \
             upload-pack: not our ref {commit}"
        ),
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
    // A definition outlives its Applications, as it does in Argo CD.
    if object.kind() == "CustomResourceDefinition" {
        return Arc::new(object);
    }
    let named = if object.namespace().is_empty() { namespace } else { object.namespace().to_owned() };
    let id = tracking::id(application, &object.object_ref(), &named);
    object.set_annotation(TRACKING_ID, &id);
    Arc::new(object)
}
