//! Runs one recorded case against a server of its own, in process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use gyre_apiserver::{Server, Service};
use gyre_go::base64::STANDARD;
use http_body_util::{BodyExt as _, Full};
use regex::Regex;
use serde_json::{Map, Value, json};
use tower_service::Service as _;

use crate::normal::{Seen, difference};

const TOKEN: &str = "admin-token";

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
}

struct Run {
    service: Service,
    seen: Seen,
    vars: HashMap<String, Value>,
}

/// Checks a case; the error lists the differences.
pub(crate) fn check(case: &Value) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let differences = runtime.block_on(run(case));
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n")) }
}

fn fresh_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let letters = b"bcdfghjklmnpqrstvwxz";
    let mut number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut id = String::from("k");
    for _ in 0..8 {
        id.push(letters[usize::try_from(number % 20).unwrap()] as char);
        number = number / 20 + 7;
    }
    id
}

async fn run(case: &Value) -> Vec<String> {
    let server = Server::builder().token(TOKEN).start().unwrap();
    let id = fresh_id();
    let seen = Seen::of(id, case["times"] == "relative");
    let mut run = Run { service: server.open_service(), seen, vars: HashMap::new() };
    if case["namespace"] != false {
        let labels = if case["nsLabels"].is_object() { case["nsLabels"].clone() } else { json!({}) };
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "{{ns}}", "labels": labels}});
        run.send(&json!({"method": "POST", "path": "/api/v1/namespaces", "body": body})).await;
    }
    let mut watches: HashMap<String, Arc<Mutex<Vec<u8>>>> = HashMap::new();
    let mut differences = Vec::new();
    for (index, step) in case["steps"].as_array().unwrap().iter().enumerate() {
        if let Some(ms) = step["sleepMs"].as_u64() {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        let found = run.step(step, &mut watches).await;
        let Some(wanted) = step.get("response").filter(|it| !it.is_null()) else { continue };
        let mut first = wanted.clone();
        let others = first.as_object_mut().and_then(|it| it.remove("alternatives"));
        let mut out = Vec::new();
        difference(&first, &found, "", &mut out);
        let fits_another = others.as_ref().and_then(Value::as_array).is_some_and(|list| {
            list.iter().any(|it| {
                let mut out = Vec::new();
                difference(it, &found, "", &mut out);
                out.is_empty()
            })
        });
        if !fits_another {
            let request = &step["request"];
            let place = format!("step {index} {} {}", request["method"], request["path"]);
            differences.extend(out.into_iter().map(|it| format!("{place} {it}")));
        }
    }
    server.shut_down();
    differences
}

impl Run {
    fn fill(&self, text: &str) -> String {
        let mut out = text.replace("{{ns}}", &self.seen.ns).replace("{{id}}", &self.seen.id);
        while let Some(at) = out.find("{{var:") {
            let Some(end) = out[at..].find("}}") else { break };
            let name = &out[at + 6..at + end];
            let value = self.vars.get(name).map_or_else(
                || format!("UNSET-VAR-{name}"),
                |it| it.as_str().map_or_else(|| it.to_string(), Into::into),
            );
            out.replace_range(at..at + end + 2, &value);
        }
        out
    }

    fn fill_value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => {
                let whole = text.strip_prefix("{{var:").and_then(|it| it.strip_suffix("}}"));
                match whole.filter(|it| !it.contains('}')).and_then(|name| self.vars.get(name)) {
                    Some(value) => value.clone(),
                    None => self.fill(text).into(),
                }
            }
            Value::Array(items) => items.iter().map(|it| self.fill_value(it)).collect(),
            Value::Object(fields) => Value::Object(
                fields.iter().map(|(key, value)| (self.fill(key), self.fill_value(value))).collect(),
            ),
            other => other.clone(),
        }
    }

    fn body(&self, request: &Value) -> Option<Vec<u8>> {
        if let Some(it) = request.get("bodyRepeat") {
            let part = |key: &str| self.fill(it[key].as_str().unwrap_or_default());
            let count = usize::try_from(it["count"].as_u64()?).ok()?;
            let unit = it["unit"].as_str()?.repeat(count);
            return Some(format!("{}{unit}{}", part("prefix"), part("suffix")).into_bytes());
        }
        if let Some(it) = request["bodyText"].as_str() {
            return Some(self.fill(it).into_bytes());
        }
        if let Some(it) = request["bodyBase64"].as_str() {
            return STANDARD.decode(it.as_bytes()).ok();
        }
        request.get("body").map(|it| self.fill_value(it).to_string().into_bytes())
    }

    fn request(&self, request: &Value) -> http::Request<Full<Bytes>> {
        let body = self.body(request);
        let path = self.fill(request["path"].as_str().unwrap());
        // The path goes into the request as a client would send it.
        let uri: String =
            path.chars().map(|it| if it == ' ' { "%20".into() } else { it.to_string() }).collect();
        let mut out = http::Request::builder().method(request["method"].as_str().unwrap()).uri(uri);
        let mut names: Vec<String> = Vec::new();
        for (name, value) in request["headers"].as_object().into_iter().flatten() {
            names.push(name.to_lowercase());
            out = out.header(name.as_str(), self.fill(value.as_str().unwrap_or_default()));
        }
        let has = |name: &str| names.iter().any(|it| it == name);
        if !has("user-agent") {
            out = out.header("User-Agent", "kcheck/1.0");
        }
        if !has("accept") {
            out = out.header("Accept", "application/json");
        }
        if body.is_some() && !has("content-type") && request["noContentType"] != true {
            out = out.header("Content-Type", "application/json");
        }
        out = match request["auth"].as_str() {
            None | Some("admin") => out.header("Authorization", format!("Bearer {TOKEN}")),
            Some("none") => out,
            Some(auth) => match auth.split_once(':') {
                Some(("bearer", token)) => {
                    out.header("Authorization", format!("Bearer {}", self.fill(token)))
                }
                Some((_, raw)) => out.header("Authorization", self.fill(raw)),
                None => out,
            },
        };
        out.body(Full::new(body.unwrap_or_default().into())).unwrap()
    }

    async fn send(&mut self, request: &Value) -> Answer {
        let request = self.request(request);
        let response = self.service.call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let headers = parts.headers.iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let headers = headers.collect();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status.as_u16(), headers, body }
    }

    fn learn(&mut self, request: &Value) {
        if let Some(body) = request.get("body") {
            literals(body, &mut self.seen.literal);
            let prefix = body["metadata"]["generateName"].as_str().unwrap_or_default();
            if !prefix.is_empty() {
                let shown: String = self.seen.string(&self.fill(prefix)).chars().take(58).collect();
                let pattern = format!("({})[bcdfghjklmnpqrstvwxz2456789]{{5}}\\b", regex::escape(&shown));
                self.seen.generated.push(Regex::new(&pattern).unwrap());
            }
        }
    }

    async fn step(&mut self, step: &Value, watches: &mut HashMap<String, Arc<Mutex<Vec<u8>>>>) -> Value {
        let request = &step["request"];
        self.learn(request);
        if let Some(name) = step["watchStart"].as_str() {
            let response = self.service.call(self.request(request)).await.unwrap();
            let status = response.status().as_u16();
            let lines = Arc::new(Mutex::new(Vec::new()));
            watches.insert(name.to_owned(), lines.clone());
            let mut body = response.into_body();
            tokio::spawn(async move {
                while let Some(Ok(frame)) = body.frame().await {
                    if let Some(bytes) = frame.data_ref() {
                        lines.lock().unwrap().extend_from_slice(bytes);
                    }
                }
            });
            return json!({"status": status});
        }
        if let Some(name) = step["watchCollect"].as_str() {
            let lines = watches[name].clone();
            let wanted = step["response"]["events"].as_array().map_or(0, Vec::len);
            let start = Instant::now();
            loop {
                let count = kept(events(&lines.lock().unwrap()), step).len();
                if count >= wanted || start.elapsed() > Duration::from_secs(30) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            tokio::time::sleep(Duration::from_millis(60)).await;
            let found = kept(events(&lines.lock().unwrap()), step);
            let shown: Vec<Value> = found.iter().map(|it| self.seen.value(it, "")).collect();
            return json!({"events": shown});
        }
        let answer = self.poll(step).await;
        if step["stream"] == true && answer.status == 200 {
            let found = kept(events(&answer.body), step);
            let shown: Vec<Value> = found.iter().map(|it| self.seen.value(it, "")).collect();
            return json!({"status": answer.status, "events": shown});
        }
        self.shown(step, &answer)
    }

    async fn poll(&mut self, step: &Value) -> Answer {
        let Some(poll) = step.get("poll") else { return self.send(&step["request"]).await };
        let start = Instant::now();
        loop {
            let answer = self.send(&step["request"]).await;
            let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            let path_fits = match poll.get("pick") {
                Some(path) => pick(&body, &self.fill_value(path)) == self.fill_value(&poll["equals"]),
                None => true,
            };
            if poll["status"] == answer.status && path_fits || start.elapsed() > Duration::from_secs(30) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn shown(&mut self, step: &Value, answer: &Answer) -> Value {
        let mut headers = Map::new();
        let mut warnings: Vec<Value> = Vec::new();
        for (name, value) in &answer.headers {
            match name.as_str() {
                "content-type" => {
                    headers.insert(name.clone(), value.as_str().into());
                }
                "warning" => warnings.push(self.seen.string(value).into()),
                "content-encoding" | "www-authenticate" | "allow" | "location" => {
                    headers.insert(name.clone(), self.seen.string(value).into());
                }
                _ => {}
            }
        }
        if !warnings.is_empty() {
            headers.insert("warning".into(), warnings.into());
        }
        let mut out = json!({"status": answer.status, "headers": headers});
        let mode = step["request"]["bodyMode"].as_str().unwrap_or_default();
        if mode == "prefix" {
            let length = usize::try_from(step["request"]["prefixBytes"].as_u64().unwrap_or(4)).unwrap();
            let bytes = &answer.body[..answer.body.len().min(length)];
            let hex = bytes.iter().fold(String::new(), |out, byte| out + &format!("{byte:02x}"));
            out["bodyPrefixHex"] = hex.into();
            return self.recorded(step, out, None);
        }
        let Ok(body) = serde_json::from_slice::<Value>(&unzipped(answer)) else {
            if mode != "ignore" {
                out["bodyText"] = self.seen.string(&String::from_utf8_lossy(&answer.body)).into();
            }
            return self.recorded(step, out, None);
        };
        if let Some(paths) = step["pick"].as_array() {
            let picked: Vec<Value> = paths
                .iter()
                .map(|path| {
                    let found = pick(&body, &self.fill_value(path));
                    let key =
                        path.as_array().and_then(|it| it.last()).and_then(Value::as_str).unwrap_or_default();
                    self.seen.value(&found, key)
                })
                .collect();
            out["body"] = json!({"pick": picked});
        } else if mode != "ignore" {
            out["body"] = self.seen.value(&body, "");
        }
        self.recorded(step, out, Some(&body))
    }

    /// Saves what later steps need.
    fn recorded(&mut self, step: &Value, out: Value, body: Option<&Value>) -> Value {
        for (name, path) in step["save"].as_object().into_iter().flatten() {
            let path = self.fill_value(path);
            let mut value = body.map_or(Value::Null, |body| pick(body, &path));
            if step["saveB64"] == true
                && let Some(bytes) = value.as_str().and_then(|it| STANDARD.decode(it.as_bytes()).ok())
            {
                value = String::from_utf8_lossy(&bytes).into_owned().into();
            }
            self.vars.insert(name.clone(), value);
        }
        if step["unrecorded"] == true { json!({"status": out["status"]}) } else { out }
    }
}

fn unzipped(answer: &Answer) -> Vec<u8> {
    use std::io::Read as _;
    let zipped = answer.headers.iter().any(|(name, value)| name == "content-encoding" && value == "gzip");
    let mut out = Vec::new();
    if zipped && flate2::read::GzDecoder::new(&answer.body[..]).read_to_end(&mut out).is_ok() {
        return out;
    }
    answer.body.to_vec()
}

fn events(bytes: &[u8]) -> Vec<Value> {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// Bookmarks come when they like: they are dropped, unless the step wants at least one.
fn kept(all: Vec<Value>, step: &Value) -> Vec<Value> {
    let periodic = |it: &Value| {
        it["type"] == "BOOKMARK"
            && it["object"]["metadata"]["annotations"].get("k8s.io/initial-events-end").is_none()
    };
    let last = all.iter().rev().find(|it| periodic(it)).cloned();
    let mut out: Vec<Value> = all.into_iter().filter(|it| !periodic(it)).collect();
    if step["bookmarks"] == "atLeastOne" {
        out.extend(last);
    }
    out
}

fn pick(value: &Value, path: &Value) -> Value {
    let mut value = value;
    for step in path.as_array().into_iter().flatten() {
        let next = match step {
            Value::String(key) => value.get(key.as_str()),
            Value::Number(index) => value.get(usize::try_from(index.as_u64().unwrap_or(0)).unwrap()),
            Value::Object(wanted) => value.as_array().and_then(|list| {
                list.iter().find(|it| wanted.iter().all(|(key, value)| it[key.as_str()] == *value))
            }),
            _ => None,
        };
        match next {
            Some(next) => value = next,
            None => return Value::Null,
        }
    }
    value.clone()
}

fn literals(value: &Value, out: &mut std::collections::BTreeSet<String>) {
    let plain = |it: &Value| it.as_str().map_or_else(|| it.to_string(), Into::into);
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match (key.as_str(), value) {
                    (
                        "clusterIP" | "ip" | "nodePort" | "healthCheckNodePort" | "value",
                        Value::String(_) | Value::Number(_),
                    ) => {
                        out.insert(plain(value));
                    }
                    ("clusterIPs", Value::Array(list)) => out.extend(list.iter().map(plain)),
                    _ => {}
                }
                literals(value, out);
            }
        }
        Value::Array(items) => items.iter().for_each(|it| literals(it, out)),
        _ => {}
    }
}
