//! Discovery: which groups, versions and resources there are, in the old form and the aggregated one.

use http::{Method, header};
use serde_json::{Value, json};

use crate::api::Api;
use crate::failure::{Failure, Result};
use crate::registry::{Kind, Registry, Version, api_version};
use crate::request::{Request, weighed};
use crate::response::Answer;

/// The aggregated form that the client prefers over the old one, if it does.
fn aggregated(request: &Request) -> Option<&'static str> {
    for (media, params) in weighed(request.header(header::ACCEPT)) {
        let param = |key: &str| params.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
        match (param("as"), param("g"), param("v")) {
            (Some("APIGroupDiscoveryList"), Some("apidiscovery.k8s.io"), Some("v2")) => return Some("v2"),
            (Some("APIGroupDiscoveryList"), Some("apidiscovery.k8s.io"), Some("v2beta1")) => {
                return Some("v2beta1");
            }
            (None, ..) if media.contains("json") || media == "*/*" => return None,
            _ => {}
        }
    }
    None
}

impl Api {
    pub(super) fn discovery(&self, request: &Request, parts: &[&str]) -> Result<Answer> {
        let registry = self.registry();
        let object = match parts {
            ["api" | "apis"] if aggregated(request).is_some() => {
                let version = aggregated(request).unwrap_or("v2");
                let mut answer = Answer::object(200, all_groups(&registry, parts[0] == "api", version));
                answer.content_type = Some(format!(
                    "application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
                ));
                return only_get(request).map(|()| answer);
            }
            ["api"] => json!({
                "kind": "APIVersions", "versions": ["v1"],
                "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1:6443"}],
            }),
            ["apis"] => {
                let groups: Vec<Value> =
                    registry.groups.iter().filter(|(name, _)| !name.is_empty()).map(group).collect();
                json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
            }
            ["api", version] if registry.serves("", version) => resources(&registry, "", version),
            ["apis", name] => {
                let found = registry.groups.iter().find(|(group, _)| group == name && !group.is_empty());
                let mut object = group(found.ok_or_else(Failure::page_not_found)?);
                object["kind"] = "APIGroup".into();
                object["apiVersion"] = "v1".into();
                object
            }
            ["apis", name, version] if registry.serves(name, version) => resources(&registry, name, version),
            _ => return Err(Failure::page_not_found()),
        };
        only_get(request).map(|()| Answer::object(200, object))
    }

    /// Every path of the root page.
    pub(super) fn paths(&self) -> Vec<String> {
        let registry = self.registry();
        let mut paths: Vec<String> =
            ["/.well-known/openid-configuration", "/api", "/api/v1", "/apis", "/apis/"]
                .map(Into::into)
                .into();
        for (group, versions) in registry.groups.iter().filter(|(name, _)| !name.is_empty()) {
            paths.push(format!("/apis/{group}"));
            paths.extend(versions.iter().map(|version| format!("/apis/{group}/{version}")));
        }
        for path in ["/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/readyz", "/version"] {
            paths.push(path.into());
        }
        paths.sort();
        paths
    }
}

fn only_get(request: &Request) -> Result<()> {
    if matches!(request.method, Method::GET | Method::HEAD) {
        Ok(())
    } else {
        Err(Failure::method_not_allowed())
    }
}

fn group((name, versions): &(String, Vec<String>)) -> Value {
    let entry = |version: &String| json!({"groupVersion": api_version(name, version), "version": version});
    let list: Vec<Value> = versions.iter().map(entry).collect();
    json!({"name": name, "versions": list, "preferredVersion": entry(&versions[0])})
}

fn sorted_kinds<'a>(
    registry: &'a Registry,
    group: &'a str,
    version: &'a str,
) -> Vec<(&'a Kind, &'a Version)> {
    registry.served(group, version).map(|(kind, version)| (&**kind, version)).collect()
}

fn resources(registry: &Registry, group: &str, version: &str) -> Value {
    let mut list = Vec::new();
    for (kind, served) in sorted_kinds(registry, group, version) {
        let mut entry = json!({
            "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind,
            "verbs": served.verbs,
        });
        if !kind.short_names.is_empty() {
            entry["shortNames"] = kind.short_names.clone().into();
        }
        if !kind.categories.is_empty() {
            entry["categories"] = kind.categories.clone().into();
        }
        if served.verbs.iter().any(|it| it == "watch") {
            entry["storageVersionHash"] = storage_hash(kind).into();
        }
        list.push(entry);
        for sub in &served.subresources {
            let mut entry = json!({
                "name": format!("{}/{}", kind.plural, sub.name), "singularName": "", "namespaced": kind.namespaced,
                "kind": sub.kind, "verbs": sub.verbs,
            });
            if !sub.version.is_empty() {
                if !sub.group.is_empty() {
                    entry["group"] = sub.group.clone().into();
                }
                entry["version"] = sub.version.clone().into();
            }
            list.push(entry);
        }
    }
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version(group, version), "resources": list})
}

/// A short digest of group, version and kind that objects are stored in.
fn storage_hash(kind: &Kind) -> String {
    let text = format!("{}/{}/{}", kind.group, kind.storage, kind.kind);
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    gyre_go::base64::STANDARD.encode(&digest.as_ref()[..8])
}

fn all_groups(registry: &Registry, core: bool, list_version: &str) -> Value {
    let items: Vec<Value> = registry
        .groups
        .iter()
        .filter(|(name, _)| name.is_empty() == core)
        .map(|(name, versions)| {
            let versions: Vec<Value> =
                versions.iter().map(|version| version_entry(registry, name, version)).collect();
            let metadata = if name.is_empty() { json!({}) } else { json!({"name": name}) };
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": format!("apidiscovery.k8s.io/{list_version}"), "metadata": {},
        "items": items,
    })
}

fn version_entry(registry: &Registry, group: &str, version: &str) -> Value {
    let kind_of =
        |group: &str, version: &str, kind: &str| json!({"group": group, "version": version, "kind": kind});
    let mut list = Vec::new();
    for (kind, served) in sorted_kinds(registry, group, version) {
        let (own_group, own_version) = if kind.custom.is_some() { (group, version) } else { ("", "") };
        let mut entry = json!({
            "resource": kind.plural, "responseKind": kind_of(own_group, own_version, &kind.kind),
            "scope": if kind.namespaced { "Namespaced" } else { "Cluster" }, "singularResource": kind.singular,
            "verbs": served.verbs,
        });
        if !kind.short_names.is_empty() {
            entry["shortNames"] = kind.short_names.clone().into();
        }
        if !kind.categories.is_empty() {
            entry["categories"] = kind.categories.clone().into();
        }
        let subs: Vec<Value> = served
            .subresources
            .iter()
            .map(|sub| {
                let (sub_group, sub_version) = if sub.version.is_empty() {
                    (own_group, own_version)
                } else {
                    (sub.group.as_str(), sub.version.as_str())
                };
                json!({
                    "subresource": sub.name, "responseKind": kind_of(sub_group, sub_version, &sub.kind), "verbs": sub.verbs,
                })
            })
            .collect();
        if !subs.is_empty() {
            entry["subresources"] = subs.into();
        }
        list.push(entry);
    }
    json!({"version": version, "resources": list, "freshness": "Current"})
}
