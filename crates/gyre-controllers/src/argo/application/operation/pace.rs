//! When an Application goes on by itself: retries after failures, heals, each after longer pauses.

use std::time::Duration;

use gyre_api::argo::ApplicationSpec;
use gyre_model::Object;
use jiff::Timestamp;
use serde_json::Value;

use super::super::compare::Comparison;
use super::super::status::Report;
use super::strings;

/// Heals in a row that follow each other at once; the next ones wait longer and longer.
const HEALS_AT_ONCE: i64 = 3;
/// After this long without one, a heal counts as the first again.
const HEALS_FORGOTTEN: Duration = Duration::from_secs(10);
/// The longest pause between two heals or two retries.
const PAUSE_MAX: Duration = Duration::from_secs(180);

/// Was this revision, of this source, the last one that was synced?
pub(super) fn was_attempted(object: &Object, comparison: &Comparison) -> bool {
    let at = |pointer: &str| object.at(&format!("/status/operationState/syncResult{pointer}"));
    let several = object.at("/spec/sources").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    if several {
        return strings(at("/revisions")) == comparison.revisions
            && at("/sources") == object.at("/spec/sources");
    }
    at("/revision").and_then(Value::as_str) == comparison.revisions.first().map(String::as_str)
        && at("/source") == object.at("/spec/source")
}

/// How long ago the last operation ended.
fn since_last(object: &Object, now: Timestamp) -> Duration {
    let finished: Option<Timestamp> = object.text("/status/operationState/finishedAt").parse().ok();
    let seconds = finished.map_or(i64::MAX, |finished| now.as_second() - finished.as_second());
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

/// Goes on after a failure; the number of the retry, or nothing when there are none left or it is too early.
pub(super) fn retry(
    object: &Object,
    spec: &ApplicationSpec,
    revisions: &str,
    report: &mut Report,
) -> Option<i64> {
    let limit =
        spec.sync_policy.as_ref().and_then(|policy| policy.retry.as_ref()).map_or(5, |retry| retry.limit);
    let count = object.at("/status/operationState/retryCount").and_then(Value::as_i64).unwrap_or_default();
    let message = object.text("/status/operationState/message");
    let why = format!("Failed last sync attempt to [{revisions}]: {message}");
    if limit >= 0 && count >= limit {
        report.condition("SyncError", &why);
        return None;
    }
    let pause = Duration::from_secs(5).saturating_mul(1 << count.clamp(0, 10)).min(PAUSE_MAX);
    let left = pause.saturating_sub(since_last(object, report.now()));
    if !left.is_zero() {
        report.condition("SyncError", &why);
        report.look_again(left);
        return None;
    }
    Some(count + 1)
}

/// Undoes what others changed; the number of the heal in a row, or nothing when it is too early.
pub(super) fn heal(object: &Object, report: &mut Report) -> Option<i64> {
    let count = object.at("/status/operationState/operation/sync/autoHealAttemptsCount");
    let since = since_last(object, report.now());
    let count = count.and_then(Value::as_i64).filter(|_| since < HEALS_FORGOTTEN).unwrap_or_default();
    let beyond = count - HEALS_AT_ONCE;
    if beyond >= 0 {
        let pause = Duration::from_secs(2).saturating_mul(1 << beyond.clamp(0, 10)).min(PAUSE_MAX);
        let left = pause.saturating_sub(since);
        if !left.is_zero() {
            report.look_again(left);
            return None;
        }
    }
    Some(count + 1)
}
