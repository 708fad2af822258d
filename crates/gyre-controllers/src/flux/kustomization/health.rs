//! Whether what has been applied is ready.

use std::collections::HashMap;
use std::time::Duration;

use gyre_api::flux::KustomizationSpec;
use gyre_health::Expressions;
use gyre_health::kstatus::Status;
use gyre_model::{GroupVersionKind, ObjectRef};

use crate::context::Context;
use crate::queue::Key;

/// The health of a Kustomization's objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nobody asked.
    Unasked,
    /// All are ready.
    Passed {
        /// How long it took.
        after: Duration,
    },
    /// Some are on their way.
    Waiting {
        /// How long there still is.
        left: Duration,
    },
    /// Some have failed, or time is up.
    Failed {
        /// How long it took.
        after: Duration,
        /// Which, as Flux says it.
        why: String,
    },
}

/// Judges the objects that the spec asks about: all with `wait`, otherwise those of `healthChecks`.
pub(super) async fn judge(
    cx: &Context,
    key: &Key,
    spec: &KustomizationSpec,
    owned: &[ObjectRef],
    waited: Duration,
    timeout: Duration,
) -> Verdict {
    let objects = asked(key, spec, owned);
    if objects.is_empty() {
        return Verdict::Unasked;
    }
    let live = &cx.live;
    live.watch_kinds(&objects);
    let own = match by_expressions(cx, spec, &objects).await {
        Ok(own) => own,
        Err(why) => return Verdict::Failed { after: waited, why },
    };
    let found: Vec<(&ObjectRef, Status)> = objects
        .iter()
        .map(|object| {
            let unknown = if live.knows_kind(object) { Status::NotFound } else { Status::Unknown };
            let status = live.seen(object).map_or(unknown, |seen| seen.status.status);
            (object, own.get(&object.id()).copied().unwrap_or(status))
        })
        .collect();
    if found.iter().all(|(_, status)| *status == Status::Current) {
        return Verdict::Passed { after: waited };
    }
    let wording = |wanted: &dyn Fn(Status) -> bool| {
        let lines = found.iter().filter(|(_, status)| wanted(*status));
        lines.map(|(object, status)| format!("{object} status: '{status}'")).collect::<Vec<_>>().join(", ")
    };
    if found.iter().any(|(_, status)| *status == Status::Failed) {
        let failed = wording(&|status| status == Status::Failed);
        return Verdict::Failed {
            after: waited,
            why: format!("failed early due to stalled resources: [{failed}]"),
        };
    }
    if waited >= timeout {
        let late = wording(&|status| status != Status::Current);
        return Verdict::Failed { after: waited, why: format!("timeout waiting for: [{late}]") };
    }
    Verdict::Waiting { left: timeout.saturating_sub(waited) }
}

/// The health of the objects for whose kinds the spec has expressions, by their ids.
async fn by_expressions(
    cx: &Context,
    spec: &KustomizationSpec,
    objects: &[ObjectRef],
) -> Result<HashMap<String, Status>, String> {
    let mut found = HashMap::new();
    for (index, rule) in spec.health_check_exprs.iter().enumerate() {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let rules = Expressions::new(&rule.current, &text(&rule.failed), &text(&rule.in_progress));
        let rules = rules.map_err(|why| {
            format!("failed to create custom status evaluator for healthchecks[{index}]: {why}")
        })?;
        let gvk = GroupVersionKind::parse(&rule.api_version, &rule.kind);
        cx.live.watch_closely(&gvk);
        for object in objects.iter().filter(|object| object.group_kind() == gvk.group_kind()) {
            if let Ok(Some(live)) = cx.cluster.get(object).await {
                found.insert(object.id(), rules.judge(&live));
            }
        }
    }
    Ok(found)
}

/// The objects that are asked about; never the Kustomization itself, which would wait for itself.
fn asked(key: &Key, spec: &KustomizationSpec, owned: &[ObjectRef]) -> Vec<ObjectRef> {
    let mut objects: Vec<ObjectRef> = if spec.wait {
        owned.to_vec()
    } else {
        spec.health_checks
            .iter()
            .map(|check| {
                let gvk =
                    GroupVersionKind::parse(check.api_version.as_deref().unwrap_or_default(), &check.kind);
                ObjectRef::new(gvk, check.namespace.as_deref().unwrap_or_default(), &check.name)
            })
            .collect()
    };
    objects.retain(|object| {
        object.kind != super::KIND || **key != *format!("{}/{}", object.namespace, object.name)
    });
    objects
}
