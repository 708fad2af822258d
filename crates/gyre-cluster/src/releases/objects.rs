//! Objects of releases: found out, read, created, updated, deleted.

use std::collections::HashMap;

use futures::StreamExt as _;
use gyre_helm::action::{Answer, Cascade, Change, Refusal, Update, joined, keeps, parse};
use gyre_helm::chart::File;
use gyre_helm::ready::Goal;
use gyre_model::{GroupVersionKind, Object};
use serde_json::Value;

use super::{Releases, answer, refusal};
use crate::limits::REQUESTS_AT_ONCE;
use crate::{ApiError, PatchFormat, Propagation, Write};

/// How long definitions of a chart may take to be known to the API.
const CRDS_WAIT: std::time::Duration = std::time::Duration::from_secs(60);

impl Releases {
    /// The objects of a text.
    pub(super) async fn build(&self, text: &str, namespace: &str) -> Answer {
        match self.objects(text, namespace).await {
            Ok(objects) => Answer { objects, ..Answer::default() },
            Err(why) => answer(Err(why.into())),
        }
    }

    /// The objects of a text: `namespace` is where those live that name none. The error is Helm's.
    pub async fn objects(&self, text: &str, namespace: &str) -> Result<Vec<Object>, String> {
        let named = std::cell::RefCell::new(Vec::new());
        let note = |gvk: &GroupVersionKind| {
            named.borrow_mut().push(gvk.clone());
            Some(true)
        };
        parse(text, namespace, &note).map_err(|why| why.to_string())?;
        let mut known = HashMap::new();
        for gvk in named.into_inner() {
            if known.contains_key(&gvk) {
                continue;
            }
            match self.cluster.kind(&gvk).await {
                Ok(kind) => known.insert(gvk, Some(kind.namespaced)),
                Err(ApiError::NoKind { .. }) => known.insert(gvk, None),
                Err(why) => return Err(why.to_string()),
            };
        }
        let scope = |gvk: &GroupVersionKind| known.get(gvk).copied().flatten();
        parse(text, namespace, &scope).map_err(|why| why.to_string())
    }

    pub(super) async fn look(&self, objects: &[Object]) -> Answer {
        let mut found = Vec::new();
        let reads = futures::stream::iter(objects)
            .map(|object| async move { (object, self.cluster.get(&object.object_ref()).await) });
        let mut reads = reads.buffered(REQUESTS_AT_ONCE);
        while let Some((object, read)) = reads.next().await {
            match read {
                Ok(live) => found.extend(live),
                Err(why) => {
                    return answer(Err(Refusal::from(format!(
                        "could not get information about the resource {} {:?} in namespace {:?}: {why}",
                        object.kind(),
                        object.name(),
                        object.namespace()
                    ))));
                }
            }
        }
        Answer { objects: found, ..Answer::default() }
    }

    async fn create_one(&self, object: &Object) -> Result<(), ApiError> {
        self.cluster.write(&self.grant, Write::Create { object }).await.map(|_| ())
    }

    /// Creates objects: those of one kind at once.
    pub(super) async fn create(&self, objects: &[Object]) -> Result<(), Refusal> {
        let mut refused = Vec::new();
        for kind in objects.chunk_by(|left, right| left.kind() == right.kind()) {
            let writes = futures::stream::iter(kind).map(|object| self.create_one(object));
            let done: Vec<_> = writes.buffered(REQUESTS_AT_ONCE).collect().await;
            refused.extend(done.into_iter().filter_map(Result::err).map(refusal));
        }
        if refused.is_empty() {
            return Ok(());
        }
        let exists = refused.iter().all(|one| one.exists);
        let texts: Vec<String> = refused.into_iter().map(|one| one.text).collect();
        Err(Refusal { text: joined(&texts), exists })
    }

    /// Makes objects what they shall be, one after the other.
    pub(super) async fn update(&self, update: &Update) -> Answer {
        let (mut done, mut refused) = (Answer::default(), Vec::new());
        for target in &update.target {
            let live = match self.cluster.get(&target.object_ref()).await {
                Ok(live) => live,
                Err(why) => {
                    done.error = Some(format!("could not get information about the resource: {why}").into());
                    return done;
                }
            };
            let Some(live) = live else {
                done.objects.push(target.clone());
                if let Err(why) = self.create_one(target).await {
                    done.error = Some(format!("failed to create resource: {why}").into());
                    return done;
                }
                continue;
            };
            let change = match update.change(target, &live) {
                Ok(change) => change,
                Err(why) if why.starts_with("no ") => {
                    done.error = Some(why.into());
                    return done;
                }
                Err(why) => {
                    refused.push(why);
                    continue;
                }
            };
            done.updated.push(target.clone());
            refused.extend(self.change(target, &live, change).await.err());
        }
        if !refused.is_empty() {
            done.error = Some(refused.join(" && ").into());
            return done;
        }
        // What cannot be deleted is left: Helm says nothing of it either.
        for object in update.doomed() {
            let live = self.cluster.get(&object.object_ref()).await.ok().flatten();
            if live.is_some_and(|live| !keeps(&live)) {
                let _ = self.delete_one(object, Propagation::Background).await;
            }
        }
        done
    }

    async fn change(&self, target: &Object, live: &Object, change: Change) -> Result<(), String> {
        let (format, body) = match change {
            Change::Keep => return Ok(()),
            Change::Replace => {
                let mut object = target.clone();
                object.fields_mut()["metadata"]["resourceVersion"] = live.resource_version().into();
                let write = Write::Replace { object: &object };
                return match self.cluster.write(&self.grant, write).await {
                    Ok(_) => Ok(()),
                    Err(why) => Err(format!("failed to replace object: {why}")),
                };
            }
            Change::Merge(body) => (PatchFormat::Merge, body),
            Change::Strategic(body) => (PatchFormat::Strategic, body),
        };
        let write = Write::Patch {
            target: &target.object_ref(),
            subresource: None,
            format,
            body: &body,
            dry_run: false,
        };
        match self.cluster.write(&self.grant, write).await {
            Ok(_) => Ok(()),
            Err(why) => Err(format!("cannot patch {:?} with kind {}: {why}", target.name(), target.kind())),
        }
    }

    async fn delete_one(&self, object: &Object, propagation: Propagation) -> Result<(), ApiError> {
        let delete = Write::Delete { target: &object.object_ref(), propagation, uid: None };
        match self.cluster.write(&self.grant, delete).await {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }

    /// Deletes objects, those of one kind at once; all are tried.
    pub(super) async fn delete(&self, objects: &[Object], cascade: Cascade) -> Result<(), Refusal> {
        let propagation = match cascade {
            Cascade::Background => Propagation::Background,
            Cascade::Foreground => Propagation::Foreground,
            Cascade::Orphan => Propagation::Orphan,
        };
        let mut refused = Vec::new();
        for kind in objects.chunk_by(|left, right| left.kind() == right.kind()) {
            let writes = futures::stream::iter(kind).map(|object| self.delete_one(object, propagation));
            let done: Vec<_> = writes.buffered(REQUESTS_AT_ONCE).collect().await;
            refused.extend(done.into_iter().filter_map(Result::err).map(|why| why.to_string()));
        }
        if refused.is_empty() { Ok(()) } else { Err(refused.join("; ").into()) }
    }

    /// Deletes the pods that objects select.
    pub(super) async fn recreate_pods(&self, objects: &[Object]) -> Result<(), ApiError> {
        let pods = GroupVersionKind::parse("v1", "Pod");
        for object in objects {
            let labels = match object.kind() {
                "ReplicationController" => object.at("/spec/selector"),
                "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" => {
                    object.at("/spec/selector/matchLabels")
                }
                _ => None,
            };
            let Some(Value::Object(labels)) = labels else { continue };
            let pairs =
                labels.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
            let selector = pairs.collect::<Vec<_>>().join(",");
            for pod in self.cluster.list(&pods, Some(object.namespace()), &selector).await? {
                let target = pod.object_ref();
                let uid = Some(pod.uid());
                let delete = Write::Delete { target: &target, propagation: Propagation::Background, uid };
                self.cluster.write(&self.grant, delete).await?;
            }
        }
        Ok(())
    }

    /// Installs the definitions of a chart that are not there yet, and waits until the API knows them.
    pub async fn install_crds(&self, crds: &[(String, File)], namespace: &str) -> Result<(), String> {
        let mut made = Vec::new();
        for (_, file) in crds {
            let failed = |why: String| format!("failed to install CRD {}: {why}", file.name);
            let objects = self.objects(&file.text(), namespace).await.map_err(failed)?;
            match self.create(&objects).await {
                Ok(()) => made.extend(objects),
                Err(why) if why.exists => {}
                Err(why) => return Err(failed(why.text)),
            }
        }
        if made.is_empty() {
            return Ok(());
        }
        let groups: Vec<String> = made.iter().map(|crd| crd.text("/spec/group").to_owned()).collect();
        self.wait(&Goal::Ready { objects: made, jobs: false }, CRDS_WAIT).await?;
        for group in groups {
            self.cluster.forget_kinds(&group).await;
        }
        Ok(())
    }
}
