//! Whether an Application may be: its sources, its destination, its project.

use std::collections::BTreeMap;

use gyre_api::argo::{
    AppProjectSpec, ApplicationSpec, Destination, GROUP, IN_CLUSTER, IN_CLUSTER_NAME, NAMESPACE,
};
use gyre_cluster::{Grant, Write};
use gyre_go::glob::gobwas::Glob;
use gyre_model::{Object, ObjectRef};
use serde_json::json;

use crate::context::Context;
use crate::flux::part;
use crate::shelf::key;

/// The error is what `InvalidSpecError` says.
pub(super) fn check(cx: &Context, spec: &ApplicationSpec) -> Result<(), String> {
    let sources = spec.all_sources();
    if sources.is_empty() {
        return Err("spec.source and either spec.source.path or spec.source.chart are required".into());
    }
    for source in sources {
        let given = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
        if source.repo_url.is_empty()
            || !(given(&source.path) || given(&source.chart) || given(&source.reference))
        {
            return Err(
                "spec.source.repoURL and either spec.source.path or spec.source.chart are required".into()
            );
        }
    }
    destination(&spec.destination)?;
    let Project { name: project, rules: Some(rules) } = Project::of(cx, spec)? else { return Ok(()) };
    for source in sources {
        if !allowed(&rules.source_repos, &source.repo_url) {
            return Err(format!(
                "application repo {} is not permitted in project '{project}'",
                source.repo_url
            ));
        }
    }
    let namespace = spec.destination.namespace.as_deref().unwrap_or_default();
    if !permits(&rules.destinations, namespace) {
        return Err(format!(
            "application destination server '{IN_CLUSTER}' and namespace '{namespace}' do not match any of the allowed \
             destinations in project '{project}'"
        ));
    }
    Ok(())
}

/// Makes the default project where nobody has written it, as Argo CD does when it starts. It is of no consequence where that
/// fails: the project permits everything, as its absence does.
pub(super) async fn default_project(cx: &Context, grant: &Grant, spec: &ApplicationSpec) {
    let is_default = matches!(spec.project.as_str(), "" | "default");
    if !is_default || cx.projects.get(&key(NAMESPACE, "default")).is_some() {
        return;
    }
    let project = Object::new(json!({
        "apiVersion": format!("{GROUP}/v1alpha1"), "kind": "AppProject",
        "metadata": {"name": "default", "namespace": NAMESPACE},
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{"namespace": "*", "server": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        },
    }));
    if let Ok(project) = project
        && let Err(error) = cx.cluster.write(grant, Write::Create { object: &project }).await
    {
        tracing::debug!(%error, "the default project was not made");
    }
}

/// What an Application's project permits.
pub(super) struct Project {
    name: String,
    /// None where nobody has written the default project yet: it permits everything.
    rules: Option<AppProjectSpec>,
}

impl Project {
    /// The project of an Application; the error is what `InvalidSpecError` says.
    pub(super) fn of(cx: &Context, spec: &ApplicationSpec) -> Result<Self, String> {
        let name = if spec.project.is_empty() { "default" } else { &spec.project };
        let rules = match cx.projects.get(&key(NAMESPACE, name)) {
            Some(found) => Some(part(&found, "spec")?),
            None if name == "default" => None,
            None => return Err(format!("application references project {name} which does not exist")),
        };
        Ok(Self { name: name.into(), rules })
    }

    /// May objects of this kind be written?
    pub(super) async fn permits_kind(&self, cx: &Context, object: &ObjectRef) -> bool {
        let Some(rules) = &self.rules else { return true };
        let among = |list: &[BTreeMap<String, String>]| list.iter().any(|rule| fits_kind(rule, object));
        let namespaced = cx.cluster.kind(&object.gvk()).await.map_or(true, |kind| kind.namespaced);
        if namespaced {
            rules.namespace_resource_whitelist.as_deref().is_none_or(among)
                && !among(&rules.namespace_resource_blacklist)
        } else {
            among(&rules.cluster_resource_whitelist) && !among(&rules.cluster_resource_blacklist)
        }
    }

    /// May this object be written? The error is the result of its sync.
    pub(super) async fn permits(&self, cx: &Context, object: &ObjectRef) -> Result<(), String> {
        let ObjectRef { group, kind, namespace, .. } = object;
        if !self.permits_kind(cx, object).await {
            return Err(format!("resource {group}:{kind} is not permitted in project {}", self.name));
        }
        let denied =
            |rules: &AppProjectSpec| !namespace.is_empty() && !permits(&rules.destinations, namespace);
        if self.rules.as_ref().is_some_and(denied) {
            return Err(format!("namespace {namespace} is not permitted in project '{}'", self.name));
        }
        Ok(())
    }
}

/// Is the object of a rule's kind, and of its name where it gives one?
fn fits_kind(rule: &BTreeMap<String, String>, object: &ObjectRef) -> bool {
    let part = |field: &str| rule.get(field).map(String::as_str).unwrap_or_default();
    fits(part("group"), &object.group)
        && fits(part("kind"), &object.kind)
        && (part("name").is_empty() || fits(part("name"), &object.name))
}

fn destination(destination: &Destination) -> Result<(), String> {
    let server = destination.server.as_deref().filter(|server| !server.is_empty());
    let name = destination.name.as_deref().filter(|name| !name.is_empty());
    match (server, name) {
        (Some(server), Some(name)) => {
            Err(format!("application destination can't have both name and server defined: {name} {server}"))
        }
        (None, None) => Err("Destination server missing from app spec".into()),
        (Some(IN_CLUSTER), None) | (None, Some(IN_CLUSTER_NAME)) => Ok(()),
        (None, Some(name)) => Err(format!("there are no clusters with this name: {name}")),
        (Some(server), None) => {
            Err(format!("error getting cluster by server \"{server}\": cluster \"{server}\" not found"))
        }
    }
}

fn fits(pattern: &str, text: &str) -> bool {
    pattern == text || Glob::parse(pattern, &[]).is_ok_and(|glob| glob.matches(text))
}

/// Some pattern fits, and none that begins with `!`.
fn allowed(patterns: &[String], text: &str) -> bool {
    let denied =
        patterns.iter().filter_map(|pattern| pattern.strip_prefix('!')).any(|pattern| fits(pattern, text));
    !denied && patterns.iter().any(|pattern| !pattern.starts_with('!') && fits(pattern, text))
}

fn permits(destinations: &[Destination], namespace: &str) -> bool {
    let here = |destination: &&Destination| {
        let server = destination.server.as_deref().map(|server| server.trim_start_matches('!'));
        let name = destination.name.as_deref();
        server.is_some_and(|server| fits(server, IN_CLUSTER))
            || name.is_some_and(|name| fits(name, IN_CLUSTER_NAME))
    };
    let namespaces: Vec<String> =
        destinations.iter().filter(here).filter_map(|destination| destination.namespace.clone()).collect();
    allowed(&namespaces, namespace)
}
