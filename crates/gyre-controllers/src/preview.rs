//! What would happen if an object were reconciled now: the same code up to the plan, and nothing is written.

use std::sync::Arc;

use gyre_model::{Digest, FileTree, GroupVersionKind, Object, ObjectRef};
use gyre_plan::{Observed, Plan, Stale};

use crate::Parts;
use crate::argo::application::Applications;
use crate::context::Context;
use crate::flux::git_repository::{self, GitRepositories};
use crate::flux::kustomization::{self, Kustomizations};
use crate::trees::Files;

/// What would happen.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The plan.
    pub plan: Plan,
    /// Every object that would change, as it is and as it would be.
    pub pairs: Vec<Pair>,
}

/// One object that would change.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The object.
    pub target: ObjectRef,
    /// As it is; `None` where it would be made.
    pub live: Option<Arc<Object>>,
    /// As it would be; `None` where it would be deleted, or is one too many.
    pub merged: Option<Arc<Object>>,
}

impl Preview {
    pub(crate) fn new(plan: Plan, desired: &[(Arc<Object>, Observed)], stale: &[Stale]) -> Self {
        let changed = desired.iter().filter_map(|(object, observed)| {
            let (live, merged) = match observed {
                Observed::Unchanged => return None,
                Observed::Live { live, merged: Ok(merged), .. } => (Some(live), merged),
                Observed::Live { live, merged: Err(_), .. } => (Some(live), object),
                Observed::Absent | Observed::Refused(_) => (None, object),
            };
            let pair =
                Pair { target: object.object_ref(), live: live.cloned(), merged: Some(Arc::clone(merged)) };
            let equal =
                live.is_some_and(|live| gyre_plan::diff(&live.to_value(), &merged.to_value()).is_empty());
            (!equal).then_some(pair)
        });
        let gone = stale.iter().filter(|stale| stale.live.is_some()).map(|stale| Pair {
            target: stale.target.clone(),
            live: stale.live.clone(),
            merged: None,
        });
        Self { pairs: changed.chain(gone).collect(), plan }
    }
}

/// What a reconcile of a Kustomization would do; with `files` instead of its source's.
pub async fn kustomization(parts: Parts, object: Object, files: Option<FileTree>) -> Result<Preview, String> {
    let (cx, _notices) = Context::new(parts);
    let files = match files {
        Some(tree) => {
            let digest = Digest::of(tree.digest().as_bytes());
            Some(Files { revision: "local".into(), digest, tree })
        }
        None => {
            fetch(&cx, &object).await?;
            None
        }
    };
    cx.kustomizations.shelf.stock(object.clone());
    Kustomizations::new(Arc::clone(&cx)).preview(&Arc::new(object), files).await
}

/// What a sync of an Application would do.
pub async fn application(parts: Parts, object: Object) -> Result<Preview, String> {
    let (cx, _notices) = Context::new(parts);
    let projects = GroupVersionKind::parse("argoproj.io/v1alpha1", "AppProject");
    let projects = cx.cluster.list(&projects, None, "").await.map_err(|error| error.to_string())?;
    for project in projects {
        cx.projects.stock(project);
    }
    Applications::new(Arc::clone(&cx)).preview(&Arc::new(object)).await
}

/// Fetches the source of a Kustomization, and what is copied into it.
async fn fetch(cx: &Arc<Context>, object: &Object) -> Result<(), String> {
    let reference = |field: &str| object.text(&format!("/spec/sourceRef/{field}"));
    if reference("kind") != git_repository::KIND {
        return Err(format!(
            "{}/{}: its source is a {}, which cannot be fetched from here: give a directory by --path",
            kustomization::KIND,
            object.name(),
            reference("kind")
        ));
    }
    let namespace = match reference("namespace") {
        "" => object.namespace(),
        namespace => namespace,
    };
    let source = existing(cx, namespace, reference("name")).await?;
    let included = source.at("/spec/include").and_then(serde_json::Value::as_array).cloned();
    let repositories = GitRepositories { cx: Arc::clone(cx) };
    for include in included.unwrap_or_default() {
        let name = include["repository"]["name"].as_str().unwrap_or_default();
        let other = existing(cx, namespace, name).await?;
        repositories.preview(&other).await?;
        cx.git_repositories.shelf.stock(other);
    }
    cx.git_repositories.shelf.stock(source.clone());
    repositories.preview(&source).await?;
    // The files may be newer than the artifact that the status tells of.
    let key = crate::shelf::key(namespace, source.name());
    if let Some(files) = cx.trees.get(git_repository::KIND, &key) {
        let mut source = source;
        let artifact = serde_json::json!({"revision": files.revision, "url": "", "path": "", "digest": "", "lastUpdateTime": ""});
        let status = source.fields_mut().entry("status").or_insert_with(|| serde_json::json!({}));
        status["artifact"] = artifact;
        cx.git_repositories.shelf.stock(source);
    }
    Ok(())
}

async fn existing(cx: &Context, namespace: &str, name: &str) -> Result<Object, String> {
    let gvk = crate::flux::gvk(gyre_api::flux::SOURCE_GROUP, git_repository::KIND);
    let target = ObjectRef::new(gvk, namespace, name);
    let found = cx.cluster.get(&target).await.map_err(|error| error.to_string())?;
    found.ok_or_else(|| format!("{target} does not exist"))
}
