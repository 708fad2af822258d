//! What controllers tell about objects: Events, counted where they come again, and gone after an hour.

use serde_json::{Value, json};

use super::{Cluster, Engine, Item};
use crate::clock;
use crate::limits::EVENT_SECONDS;
use crate::object;

/// How much a told thing matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Normal,
    Warning,
}

impl Cluster<'_> {
    /// Tells that something became of an object, in the name of the component that did it.
    pub(super) fn tell(&self, about: &Value, component: &str, level: Level, reason: &str, message: &str) {
        let ns = match object::meta(about, "namespace") {
            "" => "default",
            ns => ns,
        };
        let level = if level == Level::Normal { "Normal" } else { "Warning" };
        let uid = object::meta(about, "uid");
        let mark = hash(&[uid, component, level, reason, message]);
        let name = format!("{}.{mark:016x}", object::meta(about, "name"));
        let now = self.now();
        if let Some(held) = self.find("events", ns, &name) {
            self.change("", "events", &held, "", |event| {
                event["count"] = (event["count"].as_i64().unwrap_or(1) + 1).into();
                event["lastTimestamp"] = now.clone().into();
            });
            return;
        }
        let event = json!({
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": name},
            "involvedObject": {
                "apiVersion": about["apiVersion"], "kind": about["kind"], "name": object::meta(about, "name"),
                "namespace": object::meta(about, "namespace"), "uid": uid,
                "resourceVersion": object::meta(about, "resourceVersion"),
            },
            "type": level, "reason": reason, "message": message, "count": 1,
            "firstTimestamp": now, "lastTimestamp": now,
            "source": {"component": component}, "reportingComponent": component, "reportingInstance": "",
        });
        // A namespace that ends takes no events any more.
        let _ = self.create("", "events", ns, event);
    }
}

/// FNV-1a over texts and their ends.
fn hash(texts: &[&str]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |state, byte| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Engine {
    /// Events last an hour from when they were last seen.
    pub(super) fn event(&mut self, cluster: &Cluster<'_>, item: &Item, event: &Value) {
        let times = [
            &event["lastTimestamp"],
            &event["series"]["lastObservedTime"],
            &event["eventTime"],
            &event["metadata"]["creationTimestamp"],
        ];
        let Some(last) = times.iter().find_map(|it| clock::parse(it.as_str()?)) else { return };
        let due = last + EVENT_SECONDS * 1_000_000;
        if due <= cluster.api.clock.now_us() {
            cluster.delete("", "events", event);
        } else {
            self.at(due, item);
        }
    }
}
