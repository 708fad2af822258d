//! Whether an Application may be: its sources, its destination, its project.

use gyre_api::argo::{AppProjectSpec, ApplicationSpec, Destination, IN_CLUSTER, IN_CLUSTER_NAME, NAMESPACE};
use gyre_go::glob::gobwas::Glob;

use crate::context::Context;
use crate::flux::part;
use crate::shelf::key;

/// The error is what `InvalidSpecError` says.
pub(super) fn check(cx: &Context, spec: &ApplicationSpec) -> Result<(), String> {
    let sources: Vec<_> =
        if spec.sources.is_empty() { spec.source.iter().collect() } else { spec.sources.iter().collect() };
    if sources.is_empty() {
        return Err("spec.source and either spec.source.path or spec.source.chart are required".into());
    }
    for source in &sources {
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
    let project = if spec.project.is_empty() { "default" } else { &spec.project };
    let Some(found) = cx.projects.get(&key(NAMESPACE, project)) else {
        // The default project is there even before anybody has written it.
        return if project == "default" {
            Ok(())
        } else {
            Err(format!("application references project {project} which does not exist"))
        };
    };
    let rules: AppProjectSpec = part(&found, "spec")?;
    for source in &sources {
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
    Glob::parse(pattern, &[]).is_ok_and(|glob| glob.matches(text))
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
