//! The logs of containers, and what is still being written to them.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use crate::api::{Api, Call, Place};
use crate::clock;
use crate::failure::{Failure, Result};
use crate::object;
use crate::response::{Answer, Payload};
use crate::simulation::{LogError, Written, log_of};
use crate::store::Follower;

/// Which lines of a log are asked for, and how they are shown.
#[derive(Clone, Debug, Default)]
struct Options {
    container: String,
    previous: bool,
    timestamps: bool,
    tail: Option<usize>,
    bytes: Option<usize>,
    since_us: Option<i64>,
}

/// A log that is followed until its container ends.
#[derive(Debug)]
pub(crate) struct Tail {
    api: Arc<Api>,
    place: Place,
    uid: String,
    options: Options,
    follower: Option<Follower>,
    ready: Option<Bytes>,
    /// How many lines of the log are out.
    written: usize,
}

impl Api {
    /// Answers a GET of the log of a pod.
    pub(crate) fn log(self: &Arc<Self>, call: &Call<'_>) -> Result<Answer> {
        let place = call.place;
        let pod = self.stored(place).ok_or_else(|| place.not_found())?;
        let query = &call.request.query;
        let number = |key: &str| query.text(key).parse::<usize>().ok();
        let since_s = query.text("sinceSeconds").parse::<i64>().ok();
        let options = Options {
            container: container(place, &pod, query.text("container"))?,
            previous: query.flag("previous"),
            timestamps: query.flag("timestamps"),
            tail: number("tailLines"),
            bytes: number("limitBytes"),
            since_us: since_s
                .map(|seconds| self.clock.now_us() - seconds * 1_000_000)
                .or_else(|| clock::parse(query.text("sinceTime"))),
        };
        if pod["spec"]["nodeName"].as_str().unwrap_or_default().is_empty() {
            // compat(kube-apiserver): there is no node to ask, which is no error.
            return Ok(Answer::of(200, Payload::Text("text/plain", String::new())));
        }
        let (lines, goes_on) = read(place, &pod, &options)?;
        let text = options.show(&lines);
        if !query.flag("follow") || !goes_on {
            return Ok(Answer::of(200, Payload::Text("text/plain", text)));
        }
        let follower = self.store.follow(&place.kind.shelf, object::revision(&pod)).ok();
        let tail = Tail {
            api: self.clone(),
            place: Place { subresource: String::new(), ..place.clone() },
            uid: object::meta(&pod, "uid").to_owned(),
            options,
            follower,
            ready: Some(text.into()),
            written: lines.len(),
        };
        Ok(Answer::of(200, Payload::Tail(Box::new(tail))))
    }
}

/// The container that is meant; a pod with one needs no name of it.
fn container(place: &Place, pod: &Value, given: &str) -> Result<String> {
    let names = |key: &str| -> Vec<String> {
        let list = pod["spec"][key].as_array().into_iter().flatten();
        list.filter_map(|it| it["name"].as_str()).map(Into::into).collect()
    };
    let (main, init) = (names("containers"), names("initContainers"));
    match (given, &main[..]) {
        ("", [only]) => Ok(only.clone()),
        ("", _) => {
            let choose = main.join(" ");
            let more = if init.is_empty() {
                String::new()
            } else {
                format!(" or one of the init containers: [{}]", init.join(" "))
            };
            Err(Failure::bad_request(format!(
                "a container name must be specified for pod {}, choose one of: [{choose}]{more}",
                place.name
            )))
        }
        _ if main.iter().chain(&init).any(|it| it == given) => Ok(given.to_owned()),
        _ => Err(Failure::bad_request(format!("container {given} is not valid for pod {}", place.name))),
    }
}

fn read(place: &Place, pod: &Value, options: &Options) -> Result<(Vec<Written>, bool)> {
    let (name, container) = (&place.name, &options.container);
    log_of(pod, container, options.previous).map_err(|error| match error {
        LogError::Waiting(why) => Failure::bad_request(format!(
            "container {container:?} in pod {name:?} is waiting to start: {why}"
        )),
        LogError::NoPrevious => Failure::bad_request(format!(
            "previous terminated container {container:?} in pod {name:?} not found"
        )),
    })
}

impl Options {
    fn show(&self, lines: &[Written]) -> String {
        let recent: Vec<&Written> =
            lines.iter().filter(|it| self.since_us.is_none_or(|since| it.at_us >= since)).collect();
        let skipped = self.tail.map_or(0, |wanted| recent.len().saturating_sub(wanted));
        let mut out = String::new();
        for it in &recent[skipped..] {
            if self.timestamps {
                out.push_str(&clock::rfc3339_micro(it.at_us));
                out.push(' ');
            }
            out.push_str(&it.line);
            out.push('\n');
        }
        if let Some(most) = self.bytes {
            let end = (0..=most.min(out.len())).rev().find(|at| out.is_char_boundary(*at));
            out.truncate(end.unwrap_or(0));
        }
        out
    }
}

impl Tail {
    /// The next lines, or `None` when the container has ended.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        if let Some(text) = self.ready.take().filter(|it| !it.is_empty()) {
            return Some(text);
        }
        loop {
            let follower = self.follower.as_mut()?;
            if !follower.wait().await {
                return None;
            }
            follower.seen = self.api.store.revision();
            let pod = self.api.stored(&self.place).filter(|it| object::meta(it, "uid") == self.uid)?;
            let (lines, goes_on) = read(&self.place, &pod, &self.options).ok()?;
            if !goes_on {
                self.follower = None;
            }
            let new = lines.get(self.written..).unwrap_or_default();
            if !new.is_empty() || !goes_on {
                self.written = lines.len();
                let all = Options { tail: None, ..self.options.clone() };
                return Some(all.show(new).into()).filter(|it: &Bytes| !it.is_empty());
            }
        }
    }
}
