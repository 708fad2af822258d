//! Operations on releases, carried out in a cluster of memory: they end as Helm's do, and go on where they were cut off.

use std::collections::BTreeMap;

use gyre_go::time::Time;
use gyre_helm::action::{
    Answer, Change, End, Operation, Options, Refusal, Reuse, Step, Undo, Wish, available, parse, pick, reuse,
};
use gyre_helm::chart::File;
use gyre_helm::ready::{Goal, Verdict, World};
use gyre_helm::release::{NewRelease, Release, Status};
use gyre_helm::render::manifest_text;
use gyre_helm::{Chart, Options as RenderOptions, ParsedChart, Values};
use gyre_merge::merge_patch;
use gyre_model::{GroupVersionKind, Object};
use gyre_template::FixedHost;
use serde_json::{Value, json};

/// A cluster that does everything at once: jobs are done as soon as they exist.
#[derive(Clone, Default)]
struct Cluster {
    objects: BTreeMap<String, Object>,
    records: BTreeMap<i64, Release>,
    time_s: i64,
    /// Jobs that have run, in their order.
    ran: Vec<String>,
}

fn key(object: &Object) -> String {
    object.object_ref().id()
}

fn refused(text: &str) -> Answer {
    Answer { error: Some(text.to_owned().into()), ..Answer::default() }
}

impl Cluster {
    fn now(&self) -> Time {
        Time::from_unix(1_800_000_000 + self.time_s, 0)
    }

    fn history(&self) -> Vec<Release> {
        self.records.values().cloned().collect()
    }

    fn create(&mut self, object: &Object) -> Result<(), Refusal> {
        if self.objects.contains_key(&key(object)) {
            let text = format!("{} \"{}\" already exists", object.kind(), object.name());
            return Err(Refusal { text, exists: true });
        }
        let mut object = object.clone();
        if object.kind() == "Job" {
            self.ran.push(object.name().to_owned());
            let kind = if object.name().contains("bad") { "Failed" } else { "Complete" };
            let condition = json!({ "type": kind, "status": "True", "reason": "BackoffLimitExceeded" });
            object.fields_mut().insert("status".into(), json!({ "conditions": [condition] }));
        }
        self.objects.insert(key(&object), object);
        Ok(())
    }

    fn world(&self) -> World {
        let mut world = World::default();
        self.objects.values().for_each(|object| world.put(object.clone()));
        world
    }

    fn carry_out(&mut self, step: Step) -> Answer {
        self.time_s += 1;
        match step {
            Step::Build(text) => match parse(&text, "ns", &|_: &GroupVersionKind| Some(true)) {
                Ok(objects) => Answer { objects, ..Answer::default() },
                Err(why) => refused(&why.0),
            },
            Step::Look(objects) => {
                let found = objects.iter().filter_map(|one| self.objects.get(&key(one)).cloned());
                Answer { objects: found.collect(), ..Answer::default() }
            }
            Step::Create(objects) => {
                let error = objects.iter().find_map(|object| self.create(object).err());
                Answer { error, ..Answer::default() }
            }
            Step::Update(update) => {
                let mut answer = Answer::default();
                for target in &update.target {
                    let Some(live) = self.objects.get_mut(&key(target)) else {
                        self.create(target).expect("it is new");
                        answer.objects.push(target.clone());
                        continue;
                    };
                    match update.change(target, live) {
                        Ok(Change::Keep) => {}
                        Ok(Change::Replace) => *live = target.clone(),
                        Ok(Change::Merge(patch) | Change::Strategic(patch)) => {
                            let mut value = live.to_value();
                            merge_patch::apply(&mut value, patch);
                            *live = Object::new(value).expect("an object");
                        }
                        Err(why) => return refused(&why),
                    }
                    answer.updated.push(target.clone());
                }
                for old in update.doomed() {
                    self.objects.remove(&key(old));
                }
                answer
            }
            Step::Delete(objects, _) => {
                for object in objects {
                    self.objects.remove(&key(&object));
                }
                Answer::default()
            }
            Step::Wait(goal, _) => match goal.judge(&self.world()) {
                Verdict::Reached => Answer::default(),
                Verdict::Waiting => refused(&goal.expired()),
                Verdict::Failed(why) => refused(&why),
            },
            Step::CreateRecord(release) => {
                if self.records.contains_key(&release.revision()) {
                    return Answer {
                        error: Some(Refusal { text: String::new(), exists: true }),
                        ..Answer::default()
                    };
                }
                self.records.insert(release.revision(), release);
                Answer::default()
            }
            Step::StoreRecord(release) => {
                self.records.insert(release.revision(), release);
                Answer::default()
            }
            Step::DeleteRecord(revision) => {
                self.records.remove(&revision);
                Answer::default()
            }
            Step::RecreatePods(_) | Step::Logs(_) | Step::End(_) => Answer::default(),
        }
    }

    /// Carries an operation out, or so many steps of it.
    fn run(&mut self, operation: &mut Operation, steps_max: usize) -> Option<End> {
        for _ in 0..steps_max {
            let step = operation.next();
            assert_eq!(step, operation.next(), "asking changes nothing");
            if let Step::End(end) = step {
                return Some(end);
            }
            let answer = self.carry_out(step);
            operation.told(answer, self.now());
        }
        None
    }

    fn finish(&mut self, mut operation: Operation) -> End {
        self.run(&mut operation, 1000).expect("it ends")
    }

    /// What can be seen of it, without times.
    fn picture(&self) -> (Vec<String>, Vec<(i64, String)>) {
        let objects = self
            .objects
            .values()
            .map(|object| format!("{} {}", key(object), object.at("/data/num").cloned().unwrap_or_default()));
        let records = self.records.values();
        (objects.collect(), records.map(|one| (one.revision(), one.status().to_owned())).collect())
    }
}

const MAIN: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: main}\ndata: {num: \"{{ .Values.num }}\"}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"only-{{ .Values.num }}\"}\n";
const HOOKS: &str = "{{- range list \"pre-install\" \"post-install\" \"pre-upgrade\" \"post-upgrade\" \"pre-rollback\" \"pre-delete\" }}\n---\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {{ . }}{{ if eq . $.Values.bad }}-bad{{ end }}\n  annotations: {helm.sh/hook: {{ . }}}\n{{- end }}\n";

fn chart() -> Chart {
    let file = |name: &str, text: &str| File { name: name.into(), content: text.as_bytes().into() };
    gyre_helm::chart::load_files(vec![
        file("Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n"),
        file("values.yaml", "num: 1\nbad: none\n"),
        file("templates/main.yaml", MAIN),
        file("templates/hooks.yaml", HOOKS),
    ])
    .expect("a chart")
}

fn values(pairs: Value) -> Values {
    pairs.as_object().cloned().unwrap_or_default()
}

fn release(values: &Values, revision: i64, status: (Status, &str), now: &Time) -> Release {
    let options = RenderOptions { release_name: "web".into(), revision, ..RenderOptions::default() };
    let rendered =
        ParsedChart::new(chart()).render(values, &options, &mut FixedHost::default()).expect("it renders");
    Release::new(NewRelease {
        name: "web",
        namespace: "ns",
        revision,
        chart: &rendered.chart,
        config: Some(values),
        manifest: manifest_text(&rendered, false),
        hooks: &rendered.hooks,
        notes: &rendered.notes,
        status,
        first_deployed: None,
        now,
    })
}

fn install(cluster: &Cluster, values: &Values, options: Options) -> Operation {
    let now = cluster.now();
    let release = release(values, 1, (Status::PendingInstall, "Initial install underway"), &now);
    Operation::install(release, cluster.history(), options, &now)
}

fn upgrade(cluster: &Cluster, values: &Values, options: Options) -> Operation {
    let (now, history) = (cluster.now(), cluster.history());
    let (last, current) = pick("web", &history).expect("there is one");
    let status = (Status::PendingUpgrade, "Preparing upgrade");
    let release = release(values, last.revision() + 1, status, &now);
    Operation::upgrade(release, current.clone(), history.clone(), options, &now)
}

fn installed() -> Cluster {
    let mut cluster = Cluster::default();
    let operation = install(&cluster, &Values::new(), Options::default());
    assert_eq!(cluster.finish(operation), End::default());
    cluster
}

#[test]
fn installs_upgrades_goes_back_and_uninstalls() {
    let mut cluster = installed();
    assert_eq!(cluster.ran, ["pre-install", "post-install"]);
    let main = cluster.objects.values().find(|one| one.name() == "main").expect("it was made");
    assert_eq!(main.label("app.kubernetes.io/managed-by"), Some("Helm"));
    assert_eq!(main.annotation("meta.helm.sh/release-name"), Some("web"));

    let operation = upgrade(&cluster, &values(json!({ "num": 2 })), Options::default());
    assert_eq!(cluster.finish(operation), End::default());
    let (objects, records) = cluster.picture();
    assert!(
        objects.iter().any(|one| one.contains("only-2")) && !objects.iter().any(|one| one.contains("only-1"))
    );
    assert_eq!(records, [(1, "superseded".into()), (2, "deployed".into())]);

    let operation = Operation::rollback(cluster.history(), 0, Options::default(), &cluster.now());
    assert_eq!(cluster.finish(operation.expect("there is one")), End::default());
    assert_eq!(cluster.picture().1[2], (3, "deployed".into()));
    assert_eq!(cluster.records[&3].text("/info/description"), "Rollback to 1");

    let keep = Wish { keep_history: true, ..Wish::default() };
    let operation = Operation::uninstall(cluster.history(), keep, Options::default(), &cluster.now());
    assert_eq!(cluster.finish(operation.expect("there is one")), End::default());
    assert_eq!(cluster.picture().1[2], (3, "uninstalled".into()));
    assert!(cluster.objects.values().all(|one| one.kind() == "Job"), "only hooks stay");
    assert!(available(&cluster.history(), false).is_err());
    assert!(available(&cluster.history(), true).is_ok());

    let operation =
        Operation::uninstall(cluster.history(), Wish::default(), Options::default(), &cluster.now());
    assert_eq!(cluster.finish(operation.expect("there is one")), End::default());
    assert!(cluster.records.is_empty());
}

#[test]
fn failures_are_recorded_in_helms_words() {
    let mut cluster = installed();
    let bad = values(json!({ "num": 3, "bad": "post-upgrade" }));
    let operation = upgrade(&cluster, &bad, Options { atomic: true, ..Options::default() });
    let end = cluster.finish(operation);
    let why = "post-upgrade hooks failed: 1 error occurred:\n\t* job post-upgrade-bad failed: BackoffLimitExceeded\n\n";
    assert_eq!(end.error.as_deref(), Some(why));
    assert_eq!(end.undo, Some(Undo::Rollback(Some(1))));
    assert_eq!(
        end.told("web", Ok(())).as_deref(),
        Some(&*format!("release web failed, and has been rolled back due to atomic being set: {why}"))
    );
    assert_eq!(cluster.picture().1, [(1, "deployed".into()), (2, "failed".into())]);
    assert_eq!(cluster.records[&2].text("/info/description"), format!("Upgrade \"web\" failed: {why}"));

    let mut cluster = Cluster::default();
    let foreign = Object::new(json!({ "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "main", "namespace": "ns" } }));
    cluster.create(&foreign.expect("an object")).expect("it is new");
    let operation = install(&cluster, &Values::new(), Options::default());
    let end = cluster.finish(operation);
    assert_eq!(
        end.error.as_deref(),
        Some(
            "Unable to continue with install: ConfigMap \"main\" in namespace \"ns\" exists and cannot be imported into the current release: invalid ownership metadata; label validation error: missing key \"app.kubernetes.io/managed-by\": must be set to \"Helm\"; annotation validation error: missing key \"meta.helm.sh/release-name\": must be set to \"web\"; annotation validation error: missing key \"meta.helm.sh/release-namespace\": must be set to \"ns\""
        )
    );
    assert!(cluster.records.is_empty(), "nothing was begun");
    let operation = install(&cluster, &Values::new(), Options { take_ownership: true, ..Options::default() });
    assert_eq!(cluster.finish(operation), End::default());
}

#[test]
fn an_operation_that_was_cut_off_anywhere_goes_on() {
    type Begin = fn(&Cluster) -> Operation;
    let begins: [(Cluster, Begin); 3] = [
        (Cluster::default(), |cluster| install(cluster, &Values::new(), Options::default())),
        (installed(), |cluster| upgrade(cluster, &values(json!({ "num": 2 })), Options::default())),
        (
            {
                let mut cluster = installed();
                let operation = upgrade(&cluster, &values(json!({ "num": 2 })), Options::default());
                cluster.finish(operation);
                cluster
            },
            |cluster| {
                let options = Options::default();
                Operation::rollback(cluster.history(), 1, options, &cluster.now()).expect("there is one")
            },
        ),
    ];
    for (before, begin) in begins {
        let mut whole = before.clone();
        let operation = begin(&whole);
        assert_eq!(whole.finish(operation), End::default());
        for steps in 0.. {
            let mut cluster = before.clone();
            let mut operation = begin(&cluster);
            let ended = cluster.run(&mut operation, steps);
            drop(operation);
            let rest = Operation::resume(cluster.history(), Options::default(), &cluster.now());
            let rest = rest.or_else(|| (cluster.picture().1 == before.picture().1).then(|| begin(&cluster)));
            if let Some(rest) = rest {
                assert_eq!(cluster.finish(rest), End::default(), "after {steps} steps");
            }
            assert_eq!(cluster.picture(), whole.picture(), "after {steps} steps");
            if ended.is_some() {
                break;
            }
        }
    }
}

#[test]
fn a_pending_release_is_left_alone_and_old_ones_make_room() {
    let mut cluster = installed();
    let mut operation = upgrade(&cluster, &Values::new(), Options::default());
    cluster.run(&mut operation, 5);
    let pending = "another operation (install/upgrade/rollback) is in progress";
    assert_eq!(pick("web", &cluster.history()).expect_err("it is pending").0, pending);
    cluster.run(&mut operation, 1000);
    for _ in 0..4 {
        let options = Options { history_max: 3, ..Options::default() };
        let operation = upgrade(&cluster, &Values::new(), options);
        assert_eq!(cluster.finish(operation), End::default());
    }
    assert_eq!(cluster.records.keys().copied().collect::<Vec<_>>(), [4, 5, 6]);
    let none = pick("web", &[]).expect_err("there is none");
    assert_eq!(none.0, "\"web\" has no deployed releases");
}

#[test]
fn values_of_the_revision_before() {
    let now = Time::from_unix(1, 0);
    let current = release(&values(json!({ "num": 7 })), 1, (Status::Deployed, ""), &now);
    let given = values(json!({ "bad": "x" }));
    for (how, wanted) in [
        (Reuse::Unless, json!({ "bad": "x" })),
        (Reuse::Reset, json!({ "bad": "x" })),
        (Reuse::All, json!({ "bad": "x", "num": 7.0 })),
        (Reuse::Given, json!({ "bad": "x", "num": 7.0 })),
    ] {
        let mut chart = chart();
        let found = reuse(how, &mut chart, &current, given.clone()).expect("values");
        assert_eq!(Value::Object(found), wanted, "{how:?}");
        assert_eq!(chart.values["num"] == json!(7.0), how == Reuse::All, "{how:?}");
    }
    let found = reuse(Reuse::Unless, &mut chart(), &current, Values::new()).expect("values");
    assert_eq!(Value::Object(found), json!({ "num": 7.0 }));
}

#[test]
fn a_deployment_is_ready_when_its_newest_replica_set_is() {
    let object = |value: Value| Object::new(value).expect("an object");
    let deployment = |ready: i64| {
        object(json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "d", "namespace": "ns", "uid": "u", "generation": ready },
            "spec": { "replicas": 4, "selector": { "matchLabels": { "a": "b" } },
                "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": "25%", "maxSurge": "25%" } },
                "template": { "metadata": { "labels": { "a": "b" } } } },
            "status": { "observedGeneration": ready },
        }))
    };
    let set = |ready: i64| {
        object(json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": { "name": "d-1", "namespace": "ns", "labels": { "a": "b" },
                "ownerReferences": [{ "uid": "u", "controller": true }] },
            "spec": { "template": { "metadata": { "labels": { "a": "b", "pod-template-hash": "1" } } } },
            "status": { "readyReplicas": ready },
        }))
    };
    let goal = Goal::Ready { objects: vec![deployment(1)], jobs: false };
    assert_eq!(goal.watches().len(), 2);
    let mut world = World::default();
    assert_eq!(goal.judge(&world), Verdict::Failed("deployments.apps \"d\" not found".into()));
    world.put(deployment(1));
    assert_eq!(goal.judge(&world), Verdict::Waiting);
    world.put(set(2));
    assert_eq!(goal.judge(&world), Verdict::Waiting);
    world.put(set(3));
    assert_eq!(goal.judge(&world), Verdict::Reached);
}
