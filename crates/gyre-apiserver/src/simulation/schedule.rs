//! CronJobs: a Job whenever their schedule says so.

use serde_json::{Value, json};

use super::events::Level;
use super::{Cluster, Engine, Item, owner_reference};
use crate::clock;
use crate::object;

/// How far ahead a schedule is searched.
const MINUTES_MAX: i64 = 366 * 24 * 60;

/// The values that one field of a schedule allows.
fn field(text: &str, low: u32, high: u32, names: &[&str]) -> Option<u64> {
    let mut set = 0;
    for part in text.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let step: u32 = step.map_or(Some(1), |it| it.parse().ok().filter(|it| *it > 0))?;
        let value = |text: &str| -> Option<u32> {
            let lower = text.to_ascii_lowercase();
            let named = names.iter().position(|name| *name == lower).and_then(|at| u32::try_from(at).ok());
            named.map(|at| at + low).or_else(|| lower.parse().ok())
        };
        let (from, to) = match range {
            "*" | "?" => (low, high),
            range => match range.split_once('-') {
                Some((from, to)) => (value(from)?, value(to)?),
                None if part.contains('/') => (value(range)?, high),
                None => (value(range)?, value(range)?),
            },
        };
        if from < low || to > high || from > to {
            return None;
        }
        for it in (from..=to).step_by(usize::try_from(step).ok()?) {
            set |= 1u64 << it;
        }
    }
    Some(set)
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// A schedule of five fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    any_day: bool,
    any_weekday: bool,
}

impl Schedule {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = match text.trim() {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            text => text,
        };
        let parts: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = parts[..] else { return None };
        Some(Self {
            minutes: field(minutes, 0, 59, &[])?,
            hours: field(hours, 0, 23, &[])?,
            days: field(days, 1, 31, &[])?,
            months: field(months, 1, 12, &MONTHS)?,
            weekdays: field(weekdays, 0, 6, &DAYS)?,
            any_day: days.starts_with(['*', '?']),
            any_weekday: weekdays.starts_with(['*', '?']),
        })
    }

    fn fits(self, at_us: i64) -> bool {
        let text = clock::rfc3339(at_us);
        let number =
            |from: usize, to: usize| text.get(from..to).and_then(|it| it.parse::<u32>().ok()).unwrap_or(0);
        let weekday = (at_us.div_euclid(86_400_000_000) + 4).rem_euclid(7);
        let has = |set: u64, value: u32| set >> value & 1 == 1;
        let day = has(self.days, number(8, 10));
        let weekday = has(self.weekdays, u32::try_from(weekday).unwrap_or(0));
        let day_fits = if self.any_day || self.any_weekday { day && weekday } else { day || weekday };
        has(self.minutes, number(14, 16))
            && has(self.hours, number(11, 13))
            && has(self.months, number(5, 7))
            && day_fits
    }

    /// The first time after another.
    pub(crate) fn after(self, at_us: i64) -> Option<i64> {
        let minute = 60_000_000;
        let start = (at_us.div_euclid(minute) + 1) * minute;
        (0..MINUTES_MAX).map(|it| start + it * minute).find(|it| self.fits(*it))
    }
}

impl Engine {
    pub(super) fn cron_job(&mut self, cluster: &Cluster<'_>, item: &Item, cron: &Value) {
        let spec = &cron["spec"];
        let jobs = cluster.controlled("jobs.batch", object::meta(cron, "namespace"), cron);
        let is_done = |job: &&Value| {
            job["status"]["conditions"].as_array().is_some_and(|it| {
                it.iter().any(|it| {
                    matches!(it["type"].as_str(), Some("Complete" | "Failed")) && it["status"] == "True"
                })
            })
        };
        trim(cluster, cron, &jobs);
        let active: Vec<&Value> = jobs.iter().filter(|job| !is_done(job)).collect();
        let references: Vec<Value> = active
            .iter()
            .map(|job| {
                json!({
                    "apiVersion": "batch/v1", "kind": "Job", "name": object::meta(job, "name"),
                    "namespace": object::meta(job, "namespace"), "uid": object::meta(job, "uid"),
                })
            })
            .collect();
        cluster.change("batch", "cronjobs", cron, "status", |it| {
            if let Some(status) = it["status"].as_object_mut() {
                if references.is_empty() {
                    status.remove("active");
                } else {
                    status.insert("active".into(), references.clone().into());
                }
            }
        });
        let Some(schedule) = Schedule::parse(spec["schedule"].as_str().unwrap_or_default()) else { return };
        if spec["suspend"] == true {
            return;
        }
        let now = cluster.api.clock.now_us();
        let last = cron["status"]["lastScheduleTime"].as_str().and_then(clock::parse);
        let since = last.or_else(|| clock::parse(object::meta(cron, "creationTimestamp"))).unwrap_or(now);
        let Some(next) = schedule.after(since) else { return };
        if next > now {
            self.at(next, item);
            return;
        }
        // Of the times that were missed only the last one counts.
        let mut due = next;
        while let Some(later) = schedule.after(due).filter(|later| *later <= now) {
            due = later;
        }
        if !active.is_empty() && spec["concurrencyPolicy"] == "Forbid" {
            return;
        }
        if spec["concurrencyPolicy"] == "Replace" {
            for job in &active {
                cluster.delete("batch", "jobs", job);
            }
        }
        start(cluster, cron, due);
        if let Some(later) = schedule.after(due) {
            self.at(later, item);
        }
    }
}

fn start(cluster: &Cluster<'_>, cron: &Value, due: i64) {
    let template = &cron["spec"]["jobTemplate"];
    let name = format!("{}-{}", object::meta(cron, "name"), due / 60_000_000);
    let mut metadata = json!({"name": name, "ownerReferences": owner_reference(cron)});
    for key in ["labels", "annotations"] {
        if let Some(value) = template["metadata"].get(key) {
            metadata[key] = value.clone();
        }
    }
    metadata["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"] = clock::rfc3339(due).into();
    let job =
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template["spec"]});
    if let Some(job) = cluster.create("batch", "jobs", object::meta(cron, "namespace"), job) {
        let message = format!("Created job {}", object::meta(&job, "name"));
        cluster.tell(cron, "cronjob-controller", Level::Normal, "SuccessfulCreate", &message);
    }
    cluster.change("batch", "cronjobs", cron, "status", |it| {
        it["status"]["lastScheduleTime"] = clock::rfc3339(due).into();
    });
}

/// Finished Jobs beyond the limits of the history go, the oldest first.
fn trim(cluster: &Cluster<'_>, cron: &Value, jobs: &[Value]) {
    for (ty, limit) in [("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")] {
        let Some(limit) = cron["spec"][limit].as_u64().and_then(|it| usize::try_from(it).ok()) else {
            continue;
        };
        let mut done: Vec<&Value> = jobs
            .iter()
            .filter(|job| {
                job["status"]["conditions"]
                    .as_array()
                    .is_some_and(|it| it.iter().any(|it| it["type"] == ty && it["status"] == "True"))
            })
            .collect();
        done.sort_by(|a, b| object::meta(b, "creationTimestamp").cmp(object::meta(a, "creationTimestamp")));
        for job in done.into_iter().skip(limit) {
            cluster.delete("batch", "jobs", job);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_time_is_found() {
        let at = |text: &str| clock::parse(text).unwrap();
        let next = |schedule: &str, from: &str| {
            clock::rfc3339(Schedule::parse(schedule).unwrap().after(at(from)).unwrap())
        };
        assert_eq!(next("*/5 * * * *", "2026-01-01T00:03:10Z"), "2026-01-01T00:05:00Z");
        assert_eq!(next("0 4 * * mon", "2026-01-01T00:00:00Z"), "2026-01-05T04:00:00Z");
        assert_eq!(next("@monthly", "2026-01-31T23:59:59Z"), "2026-02-01T00:00:00Z");
        assert!(Schedule::parse("61 * * * *").is_none());
    }
}
