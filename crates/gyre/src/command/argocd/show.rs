//! What several commands show of an Application.

use std::collections::BTreeMap;

use anyhow::Result;
use gyre_cluster::Cluster;
use gyre_model::Object;
use serde_json::{Map, Value, json};

use crate::owned::{inventory, nodes};
use crate::resources::{Dialect, kind};
use crate::{table, time};

/// A line of the summary: `Project:            default`.
fn line(name: &str, value: &str) {
    println!("{}", format!("{name:<20}{value}").trim_end());
}

/// All sources.
pub(super) fn sources(app: &Object) -> Vec<Value> {
    match app.at("/spec/sources").and_then(Value::as_array) {
        Some(sources) if !sources.is_empty() => sources.clone(),
        _ => app.at("/spec/source").cloned().into_iter().collect(),
    }
}

/// The project, `default` where none is named.
pub(super) fn project(app: &Object) -> &str {
    match app.text("/spec/project") {
        "" => "default",
        project => project,
    }
}

/// The cluster, by address or name.
pub(super) fn server(app: &Object) -> &str {
    match app.text("/spec/destination/server") {
        "" => app.text("/spec/destination/name"),
        server => server,
    }
}

/// How the Application is synced by itself; `None` where it is not.
pub(super) fn automated(app: &Object) -> Option<&Value> {
    app.at("/spec/syncPolicy/automated").filter(|automated| automated["enabled"] != false)
}

/// The object without what Argo CD's answers leave out.
pub(super) fn bare(app: &Object) -> Value {
    let mut fields: Map<String, Value> = app.fields().clone();
    fields.retain(|field, _| !matches!(field.as_str(), "apiVersion" | "kind"));
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    Value::Object(fields)
}

/// The value as YAML or JSON.
pub(super) fn print_value(value: &Value, format: &str) -> Result<()> {
    match format {
        "json" => println!("{}", serde_json::to_string_pretty(value)?),
        _ => println!("{}", gyre_yaml::write_value(value).trim_end()),
    }
    Ok(())
}

/// The summary; `url` is where the Application has its page, and may be empty.
pub(super) fn summary(app: &Object, url: &str) {
    line("Name:", &format!("{}/{}", app.namespace(), app.name()));
    line("Project:", project(app));
    line("Server:", server(app));
    line("Namespace:", app.text("/spec/destination/namespace"));
    line("URL:", url);
    let sources = sources(app);
    let several = app.at("/spec/sources").is_some();
    println!("{}", if several { "Sources:" } else { "Source:" });
    for source in &sources {
        of_source(source);
    }
    line("SyncWindow:", "Sync Allowed");
    line(
        "Sync Policy:",
        match automated(app) {
            None => "Manual",
            Some(automated) if automated["prune"] == true => "Automated (Prune)",
            Some(_) => "Automated",
        },
    );
    line("Sync Status:", &sync_status(app, sources.first()));
    line("Health Status:", app.text("/status/health/status"));
}

fn of_source(source: &Value) {
    let text = |pointer: &str| source.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    line("- Repo:", text("/repoURL"));
    line("  Target:", text("/targetRevision"));
    let files = source.pointer("/helm/valueFiles").and_then(Value::as_array).into_iter().flatten();
    let files: Vec<&str> = files.filter_map(Value::as_str).collect();
    let more = [
        ("  Path:", text("/path").to_owned()),
        ("  Ref:", text("/ref").to_owned()),
        ("  Helm Values:", files.join(",")),
        ("  Name Prefix:", text("/kustomize/namePrefix").to_owned()),
    ];
    for (name, value) in more.iter().filter(|(_, value)| !value.is_empty()) {
        line(name, value);
    }
}

/// `Synced to main (3e3b4cf)`.
fn sync_status(app: &Object, source: Option<&Value>) -> String {
    let status = app.text("/status/sync/status");
    let wanted = source.and_then(|source| source["targetRevision"].as_str()).unwrap_or_default();
    let mut text = match status {
        "Synced" => format!("{status} to {wanted}"),
        "OutOfSync" => format!("{status} from {wanted}"),
        _ => status.to_owned(),
    };
    let is_hash = matches!(wanted.len(), 7 | 40 | 64) && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let (false, Some(hash)) = (is_hash, app.text("/status/sync/revision").get(..7)) {
        text = format!("{text} ({hash})");
    }
    text
}

/// The conditions as a table, or nothing.
pub(super) fn conditions(app: &Object) {
    let list = app.at("/status/conditions").and_then(Value::as_array);
    let Some(list) = list.filter(|list| !list.is_empty()) else { return };
    let mut rows = vec![["CONDITION", "MESSAGE", "LAST TRANSITION"].map(Into::into).to_vec()];
    for condition in list {
        let text = |field: &str| condition[field].as_str().unwrap_or_default();
        let seen = time::long(text("lastTransitionTime"));
        rows.push(vec![text("type").into(), text("message").into(), seen]);
    }
    print!("\n{}\n", table::columns(&rows));
}

/// What the last operation came to.
pub(super) fn operation(state: &Value) {
    let text = |pointer: &str| state.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if let Some(result) = state.get("syncResult") {
        line("Operation:", "Sync");
        let several = result["revisions"]
            .as_array()
            .map(|list| list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "));
        line("Sync Revision:", &several.unwrap_or_else(|| text("/syncResult/revision").to_owned()));
    }
    line("Phase:", text("/phase"));
    line("Start:", &time::long(text("/startedAt")));
    line("Finished:", &time::long(text("/finishedAt")));
    let end = time::parse(text("/finishedAt")).unwrap_or_else(time::present);
    let seconds = time::seconds_between(text("/startedAt"), &end).unwrap_or(0);
    line("Duration:", &gyre_go::duration::Duration(seconds * 1_000_000_000).to_string());
    if !text("/message").is_empty() {
        line("Message:", text("/message"));
    }
}

/// One resource: what the last operation said of it, and how it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Resource {
    pub(super) group: String,
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) status: String,
    pub(super) health: String,
    pub(super) hook: String,
    pub(super) message: String,
}

impl Resource {
    fn of(value: &Value) -> Self {
        let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
        Self {
            group: text("group"),
            kind: text("kind"),
            namespace: text("namespace"),
            name: text("name"),
            ..Self::default()
        }
    }

    fn key(&self) -> String {
        let Self { group, kind, namespace, name, .. } = self;
        format!("{group}/{kind}/{namespace}/{name}")
    }

    pub(super) fn cells(&self) -> Vec<String> {
        let Self { group, kind, namespace, name, status, health, hook, message } = self.clone();
        vec![group, kind, namespace, name, status, health, hook, message]
    }
}

/// The resources: those of the last operation first, in its order, then the others by name.
pub(super) fn resources(app: &Object) -> Vec<Resource> {
    let list = |pointer: &str| app.at(pointer).and_then(Value::as_array).into_iter().flatten();
    let text = |value: &Value, pointer: &str| {
        value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let mut present: BTreeMap<String, &Value> =
        list("/status/resources").map(|value| (Resource::of(value).key(), value)).collect();
    let mut resources = Vec::new();
    for value in list("/status/operationState/syncResult/resources") {
        let mut resource = Resource::of(value);
        resource.hook = text(value, "/hookType");
        resource.message = text(value, "/message");
        resource.status = text(value, "/hookPhase");
        resource.health = text(value, "/status");
        if let Some(now) = present.get(&resource.key()).filter(|_| resource.hook.is_empty()) {
            resource.status = text(now, "/status");
            resource.health = text(now, "/health/status");
        }
        present.remove(&resource.key());
        resources.push(resource);
    }
    let rest = present.values().map(|now| Resource {
        status: text(now, "/status"),
        health: text(now, "/health/status"),
        ..Resource::of(now)
    });
    resources.extend(rest);
    resources
}

/// The Application with the health of its resources, which its status does not hold.
pub(super) async fn with_health(cluster: &Cluster, app: &Object) -> Result<Object> {
    let mut app = app.clone();
    let nodes = nodes(cluster, inventory(kind("Application")?, &app)).await?;
    let resources = app.fields_mut().get_mut("status").and_then(|status| status.get_mut("resources"));
    let resources = resources.and_then(Value::as_array_mut).into_iter().flatten();
    for (resource, node) in resources.zip(&nodes) {
        let (health, message) = node.health(Dialect::Argo);
        if !health.is_empty() && resource.get("health").is_none() {
            resource["health"] = json!({"status": health, "message": message});
        }
    }
    Ok(app)
}

/// The resources as a table, after an empty line; nothing where there are none.
pub(super) async fn resource_table(cluster: &Cluster, app: &Object) -> Result<String> {
    if app.at("/status/resources/0").is_none() {
        return Ok(String::new());
    }
    let header = ["GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH", "HOOK", "MESSAGE"];
    let mut rows = vec![header.map(Into::into).to_vec()];
    rows.extend(resources(&with_health(cluster, app).await?).iter().map(Resource::cells));
    Ok(format!("\n{}", table::columns(&rows)))
}
