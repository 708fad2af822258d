//! `argocd app create`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use gyre_api::argo::{FINALIZER, NAMESPACE};
use gyre_cluster::{Cluster, Grant, Write};
use gyre_model::Object;
use serde_json::{Map, Value, json};

use super::{Ending, rpc};
use crate::client::merge;

#[derive(Debug, Args)]
#[command(after_help = "Example:
  argocd app create guestbook --repo https://example.com/apps.git --path guestbook \\
    --dest-namespace default --dest-server https://kubernetes.default.svc --sync-policy auto")]
pub(super) struct Create {
    name: Option<String>,
    /// Filename of Kubernetes manifests for the app
    #[arg(short, long)]
    file: Option<PathBuf>,
    /// Repository URL
    #[arg(long)]
    repo: Option<String>,
    /// Path in repository to the app directory
    #[arg(long)]
    path: Option<String>,
    /// The tracking source branch, tag or commit the application will sync to
    #[arg(long)]
    revision: Option<String>,
    /// Helm Chart name
    #[arg(long)]
    helm_chart: Option<String>,
    /// K8s cluster URL (e.g. https://kubernetes.default.svc)
    #[arg(long)]
    dest_server: Option<String>,
    /// K8s cluster Name (e.g. in-cluster)
    #[arg(long)]
    dest_name: Option<String>,
    /// K8s target namespace
    #[arg(long)]
    dest_namespace: Option<String>,
    /// Application project name
    #[arg(long, default_value = "default")]
    project: String,
    /// Set the sync policy (one of: manual, none, automated, auto, automatic)
    #[arg(long, default_value = "")]
    sync_policy: String,
    /// Add a sync option
    #[arg(long)]
    sync_option: Vec<String>,
    /// Set automatic pruning for automated sync policy
    #[arg(long)]
    auto_prune: bool,
    /// Set self healing for automated sync policy
    #[arg(long)]
    self_heal: bool,
    /// Set allow zero live resources for automated sync policy
    #[arg(long)]
    allow_empty: bool,
    /// Recurse directory
    #[arg(long)]
    directory_recurse: bool,
    /// Glob of the files that are included from the application source path
    #[arg(long)]
    directory_include: Option<String>,
    /// Glob of the files that are excluded from the application source path
    #[arg(long)]
    directory_exclude: Option<String>,
    /// Kustomize nameprefix
    #[arg(long)]
    nameprefix: Option<String>,
    /// Kustomize namesuffix
    #[arg(long)]
    namesuffix: Option<String>,
    /// Kustomize images
    #[arg(long)]
    kustomize_image: Vec<String>,
    /// Kustomize namespace
    #[arg(long)]
    kustomize_namespace: Option<String>,
    /// Labels to apply to the app
    #[arg(short, long)]
    label: Vec<String>,
    /// Set metadata annotations (e.g. example=value)
    #[arg(long)]
    annotations: Vec<String>,
    /// Set deletion finalizer on the application, its resources go with it
    #[arg(long)]
    set_finalizer: bool,
    /// Override an application of the same name whose spec differs
    #[arg(long)]
    upsert: bool,
    /// Validation of repo and cluster; the controller validates
    #[arg(long, default_value = "true", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide = true)]
    validate: bool,
    /// Namespace where the application will be created in
    #[arg(short = 'N', long)]
    app_namespace: Option<String>,
}

pub(super) async fn run(cluster: &Cluster, create: Create) -> Ending {
    for app in applications(&create)? {
        let target = app.object_ref();
        let write = Write::Create { object: &app };
        let action = match cluster.get(&target).await.map_err(rpc)? {
            None => {
                cluster.write(&Grant::own("argocd"), write).await.map_err(rpc)?;
                "created"
            }
            Some(existing) if existing.at("/spec") == app.at("/spec") => "unchanged",
            Some(_) if !create.upsert => bail!(
                "rpc error: code = InvalidArgument desc = existing application spec is different, use upsert flag to force update"
            ),
            Some(existing) => {
                let mut body = json!({"spec": app.at("/spec")});
                if let (Some(old), Some(new)) =
                    (existing.at("/spec").and_then(Value::as_object), body["spec"].as_object_mut())
                {
                    for gone in old.keys().filter(|key| !new.contains_key(*key)).cloned().collect::<Vec<_>>()
                    {
                        new.insert(gone, Value::Null);
                    }
                }
                merge(cluster, &existing, &body).await?;
                "updated"
            }
        };
        println!("application '{}' {action}", target.name);
    }
    Ok(ExitCode::SUCCESS)
}

fn applications(create: &Create) -> Result<Vec<Object>> {
    let mut values = Vec::new();
    if let Some(path) = &create.file {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        for part in gyre_yaml::split_documents(&text).map_err(|error| anyhow::anyhow!("{error}"))? {
            let value = gyre_yaml::yaml_to_json(part.text.as_bytes())
                .with_context(|| format!("{} is not YAML", path.display()))?;
            if !value.is_null() {
                values.push(value);
            }
        }
    } else {
        values.push(json!({"metadata": {}, "spec": spec(create)?}));
    }
    values.into_iter().map(|value| finished(create, value)).collect()
}

fn finished(create: &Create, mut value: Value) -> Result<Object> {
    value["apiVersion"] = "argoproj.io/v1alpha1".into();
    value["kind"] = "Application".into();
    let metadata = &mut value["metadata"];
    if let Some(name) = &create.name {
        metadata["name"] = name.clone().into();
    }
    if metadata["name"].as_str().unwrap_or_default().is_empty() {
        bail!("the application has no name: give one as argument or in the file");
    }
    match &create.app_namespace {
        Some(namespace) => metadata["namespace"] = namespace.clone().into(),
        None if metadata["namespace"].is_null() => metadata["namespace"] = NAMESPACE.into(),
        None => {}
    }
    for (field, pairs) in [("labels", &create.label), ("annotations", &create.annotations)] {
        for pair in pairs {
            let Some((key, text)) = pair.split_once('=') else {
                bail!("expected key=value in {field}, but got {pair:?}")
            };
            metadata[field][key] = text.into();
        }
    }
    if create.set_finalizer {
        metadata["finalizers"] = json!([FINALIZER]);
    }
    // Argo CD's own types write these parts even where they hold nothing.
    value["status"] = json!({
        "health": {}, "sourceHydrator": {}, "summary": {},
        "sync": {"comparedTo": {"destination": {}, "source": {"repoURL": ""}}, "status": ""},
    });
    Ok(Object::new(value)?)
}

fn spec(create: &Create) -> Result<Value> {
    let source = set([
        ("repoURL", create.repo.clone().map(Value::from)),
        ("path", create.path.clone().map(Value::from)),
        ("targetRevision", create.revision.clone().map(Value::from)),
        ("chart", create.helm_chart.clone().map(Value::from)),
        (
            "directory",
            nonempty([
                ("recurse", create.directory_recurse.then_some(true.into())),
                ("include", create.directory_include.clone().map(Value::from)),
                ("exclude", create.directory_exclude.clone().map(Value::from)),
            ]),
        ),
        (
            "kustomize",
            nonempty([
                ("namePrefix", create.nameprefix.clone().map(Value::from)),
                ("nameSuffix", create.namesuffix.clone().map(Value::from)),
                ("namespace", create.kustomize_namespace.clone().map(Value::from)),
                ("images", (!create.kustomize_image.is_empty()).then(|| json!(create.kustomize_image))),
            ]),
        ),
    ]);
    if create.repo.is_none() {
        bail!("the application has no source: give its repository by --repo, or a file by -f");
    }
    let automated = match create.sync_policy.as_str() {
        "" | "none" | "manual" => None,
        "automated" | "automatic" | "auto" => Some(set([
            ("prune", create.auto_prune.then_some(true.into())),
            ("selfHeal", create.self_heal.then_some(true.into())),
            ("allowEmpty", create.allow_empty.then_some(true.into())),
        ])),
        other => bail!("Invalid sync-policy: {other}"),
    };
    if automated.is_none() && (create.auto_prune || create.self_heal || create.allow_empty) {
        bail!(
            "Cannot set --auto-prune, --self-heal or --allow-empty: application not configured with automatic sync"
        );
    }
    Ok(set([
        ("project", Some(create.project.clone().into())),
        ("source", Some(source)),
        (
            "destination",
            Some(set([
                ("server", create.dest_server.clone().map(Value::from)),
                ("name", create.dest_name.clone().map(Value::from)),
                ("namespace", create.dest_namespace.clone().map(Value::from)),
            ])),
        ),
        (
            "syncPolicy",
            nonempty([
                ("automated", automated),
                ("syncOptions", (!create.sync_option.is_empty()).then(|| json!(create.sync_option))),
            ]),
        ),
    ]))
}

/// The fields that have a value.
fn set<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(fields.collect::<Map<_, _>>())
}

/// The fields that have a value; `None` where none has.
fn nonempty<const N: usize>(fields: [(&str, Option<Value>); N]) -> Option<Value> {
    Some(set(fields)).filter(|value| value.as_object().is_some_and(|map| !map.is_empty()))
}
