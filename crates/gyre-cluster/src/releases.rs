//! Carries the steps of an operation on a Helm release out.
//!
//! What is to be done, and in which order, [`Operation`] says; here requests are sent and watches kept. Start at
//! [`Releases::run`].

mod objects;
mod wait;

use std::sync::Arc;

use gyre_go::time::Time;
use gyre_helm::action::{Answer, End, Operation, Refusal, Step};
use gyre_helm::release::{Release, SECRET_TYPE, Stamp, secret_name};
use gyre_model::{GroupVersionKind, Object, ObjectRef};
use serde_json::Value;

use crate::{ApiError, Cluster, Grant, Propagation, Write};

/// The releases of a cluster.
#[derive(Clone)]
pub struct Releases {
    cluster: Cluster,
    grant: Grant,
    clock: Arc<dyn Fn() -> Time + Send + Sync>,
    log: Arc<dyn Fn(&str) + Send + Sync>,
}

fn refusal(error: ApiError) -> Refusal {
    Refusal { exists: error.reason() == "AlreadyExists", text: error.to_string() }
}

fn answer(result: Result<(), Refusal>) -> Answer {
    Answer { error: result.err(), ..Answer::default() }
}

fn secrets() -> GroupVersionKind {
    GroupVersionKind::parse("v1", "Secret")
}

impl Releases {
    /// The releases of a cluster. `clock` tells the time as records show it; `log` takes the lines of hooks' pods.
    pub fn new(
        cluster: Cluster,
        grant: Grant,
        clock: impl Fn() -> Time + Send + Sync + 'static,
        log: impl Fn(&str) + Send + Sync + 'static,
    ) -> Self {
        Self { cluster, grant, clock: Arc::new(clock), log: Arc::new(log) }
    }

    /// The cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The time.
    pub fn now(&self) -> Time {
        (self.clock)()
    }

    /// The records whose labels match, of one namespace or of all; what cannot be read is left out.
    pub async fn list(&self, namespace: Option<&str>, selector: &str) -> Result<Vec<Release>, ApiError> {
        let found = self.cluster.list(&secrets(), namespace, selector).await?;
        let records = found.into_iter().filter_map(|secret| {
            let secret = secret.to_value();
            let is_record = secret.get("type").is_some_and(|kind| kind == SECRET_TYPE);
            Release::from_secret(&secret).ok().filter(|_| is_record)
        });
        Ok(records.collect())
    }

    /// The revisions of a release, the oldest first.
    pub async fn history(&self, namespace: &str, name: &str) -> Result<Vec<Release>, ApiError> {
        let mut found = self.list(Some(namespace), &format!("name={name},owner=helm")).await?;
        found.sort_by_key(Release::revision);
        Ok(found)
    }

    /// Carries an operation out to its end.
    pub async fn run(&self, operation: &mut Operation) -> End {
        loop {
            let step = operation.next();
            let told = match step {
                Step::End(end) => return end,
                step => self.carry_out(step, operation.release()).await,
            };
            operation.told(told, self.now());
        }
    }

    /// The same; when `cancelled` comes first, the operation ends as failed.
    pub async fn run_until(&self, operation: &mut Operation, cancelled: impl Future<Output = ()>) -> End {
        tokio::select! {
            end = self.run(operation) => return end,
            () = cancelled => {}
        }
        operation.cancel();
        self.run(operation).await
    }

    /// Carries one step out, for the release that it is about.
    pub async fn carry_out(&self, step: Step, release: &Release) -> Answer {
        match step {
            Step::Build(text) => self.build(&text, release.namespace()).await,
            Step::Look(objects) => self.look(&objects).await,
            Step::Create(objects) => answer(self.create(&objects).await),
            Step::Update(update) => self.update(&update).await,
            Step::Delete(objects, cascade) => answer(self.delete(&objects, cascade).await),
            Step::RecreatePods(objects) => answer(self.recreate_pods(&objects).await.map_err(refusal)),
            Step::Wait(goal, timeout) => answer(self.wait(&goal, timeout).await.map_err(Refusal::from)),
            Step::Logs(hook) => answer(self.show_logs(&hook).await.map_err(refusal)),
            Step::CreateRecord(record) => answer(self.store(&record, true).await),
            Step::StoreRecord(record) => answer(self.store(&record, false).await),
            Step::DeleteRecord(revision) => {
                let name = secret_name(release.name(), revision);
                let target = ObjectRef::new(secrets(), release.namespace(), &name);
                let delete =
                    Write::Delete { target: &target, propagation: Propagation::Background, uid: None };
                match self.cluster.write(&self.grant, delete).await {
                    Err(error) if error.is_not_found() => answer(Err("release: not found".to_owned().into())),
                    other => answer(other.map(|_| ()).map_err(refusal)),
                }
            }
            Step::End(_) => Answer::default(),
        }
    }

    async fn store(&self, record: &Release, is_new: bool) -> Result<(), Refusal> {
        let now_s = self.now().unix_s;
        let stamp = if is_new { Stamp::Created(now_s) } else { Stamp::Modified(now_s) };
        let secret = record.secret(stamp).map_err(|why| Refusal::from(why.0))?;
        let object = Object::new(secret).map_err(|why| Refusal::from(why.to_string()))?;
        let write =
            if is_new { Write::Create { object: &object } } else { Write::Replace { object: &object } };
        self.cluster.write(&self.grant, write).await.map(|_| ()).map_err(refusal)
    }

    /// Shows the logs of the pods of a hook, container by container.
    async fn show_logs(&self, hook: &ObjectRef) -> Result<(), ApiError> {
        let pods = GroupVersionKind::parse("v1", "Pod");
        let found = match &*hook.kind {
            "Pod" => self.cluster.get(hook).await?.into_iter().collect(),
            _ => {
                let selector = format!("job-name={}", hook.name);
                self.cluster.list(&pods, Some(&hook.namespace), &selector).await?
            }
        };
        for pod in found {
            let containers = pod.at("/spec/containers").and_then(Value::as_array);
            for container in containers.into_iter().flatten() {
                let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
                (self.log)(&self.pod_log(pod.namespace(), pod.name(), name).await?);
            }
        }
        Ok(())
    }

    /// The log of a container; of the only one for an empty name.
    pub async fn pod_log(&self, namespace: &str, pod: &str, container: &str) -> Result<String, ApiError> {
        let query = if container.is_empty() { String::new() } else { format!("?container={container}") };
        let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}/log{query}");
        Ok(String::from_utf8_lossy(&self.cluster.read(&path).await?).into_owned())
    }
}
