//! What containers mount: volumes as directories, and as devices.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fields::{Causes, items, one_of, text};
use super::pods::Context;
use super::sources::descending;
use crate::failure::Cause;

/// The mounts and the devices of a container.
pub(super) fn check(container: &Value, path: &str, cx: &Context<'_>, causes: &mut Causes) {
    let (mounts, devices) = (&container["volumeMounts"], &container["volumeDevices"]);
    let has = |list: &Value, key: &str, value: &str| {
        list.as_array().into_iter().flatten().any(|it| it[key] == value)
    };
    let list = format!("{path}.volumeMounts");
    let mut seen = BTreeSet::new();
    for (at, it) in items(mounts, &list) {
        let (name, place) = (text(&it["name"]), text(&it["mountPath"]));
        let volume = cx.volumes.get(name);
        if name.is_empty() {
            causes.push(Cause::required(format!("{at}.name"), ""));
        }
        if volume.is_none() {
            causes.push(Cause::not_found(format!("{at}.name"), &name.into()));
        }
        if place.is_empty() {
            causes.push(Cause::required(format!("{at}.mountPath"), ""));
        }
        if !seen.insert(place) {
            causes.push(Cause::invalid(format!("{at}.mountPath"), &place.into(), "must be unique"));
        }
        if has(devices, "name", name) {
            let detail = "must not already exist in volumeDevices";
            causes.push(Cause::invalid(format!("{at}.name"), &name.into(), detail));
        }
        if has(devices, "devicePath", place) {
            let detail = "must not already exist as a path in volumeDevices";
            causes.push(Cause::invalid(format!("{at}.mountPath"), &place.into(), detail));
        }
        let image = volume.is_some_and(|it| it["image"].is_object());
        inside(it, &at, &list, image, causes);
        propagation(it, container, &list, causes);
    }
    self::devices(devices, mounts, path, cx, causes);
}

/// The part of a volume that is mounted. compat(kube-apiserver): some messages leave out the place of the item.
fn inside(it: &Value, at: &str, list: &str, image: bool, causes: &mut Causes) {
    for key in ["subPath", "subPathExpr"] {
        if image && !text(&it[key]).is_empty() {
            let detail = "not allowed in image volume sources";
            causes.push(Cause::invalid(format!("{at}.{key}"), &it[key], detail));
        }
    }
    descending(&it["subPath"], &format!("{list}.subPath"), causes);
    if !text(&it["subPathExpr"]).is_empty() && !text(&it["subPath"]).is_empty() {
        let detail = "subPathExpr and subPath are mutually exclusive";
        causes.push(Cause::invalid(format!("{at}.subPathExpr"), &it["subPathExpr"], detail));
    }
    descending(&it["subPathExpr"], &format!("{list}.subPathExpr"), causes);
}

fn propagation(it: &Value, container: &Value, list: &str, causes: &mut Causes) {
    let (mode, at) = (&it["mountPropagation"], format!("{list}.mountPropagation"));
    if !mode.is_null() {
        one_of(mode, &["Bidirectional", "HostToContainer", "None"], &at, causes);
        if *mode == "Bidirectional" && container["securityContext"]["privileged"] != true {
            let detail = "Bidirectional mount propagation is available only to privileged containers";
            causes.push(Cause::forbidden(at, detail));
        }
    }
    let at = format!("{list}.recursiveReadOnly");
    match text(&it["recursiveReadOnly"]) {
        "Enabled" | "IfPossible" => {
            if it["readOnly"] != true {
                causes.push(Cause::forbidden(&at, "may only be specified when readOnly is true"));
            }
            if !mode.is_null() && *mode != "None" {
                let detail = "may only be specified when mountPropagation is None or not specified";
                causes.push(Cause::forbidden(at, detail));
            }
        }
        "" | "Disabled" => {}
        _ => one_of(&it["recursiveReadOnly"], &["Disabled", "Enabled", "IfPossible"], &at, causes),
    }
}

fn devices(list: &Value, mounts: &Value, path: &str, cx: &Context<'_>, causes: &mut Causes) {
    let (mut seen, mut places) = (BTreeSet::new(), BTreeSet::new());
    let mounted = |key: &str, value: &str| mounts.as_array().into_iter().flatten().any(|it| it[key] == value);
    for (at, it) in items(list, &format!("{path}.volumeDevices")) {
        let (name, place) = (text(&it["name"]), text(&it["devicePath"]));
        let mut wrong = |key: &str, detail: &str| {
            let value = if key == "name" { name } else { place };
            causes.push(Cause::invalid(format!("{at}.{key}"), &value.into(), detail));
        };
        let volume = cx.volumes.get(name);
        if !name.is_empty() && seen.contains(name) {
            wrong("name", "must be unique");
        }
        let claimed = |it: &&Value| it["persistentVolumeClaim"].is_object() || it["ephemeral"].is_object();
        if volume.is_some_and(|it| !claimed(it)) {
            let detail =
                "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
            wrong("name", detail);
        }
        if places.contains(place) {
            wrong("devicePath", "must be unique");
        }
        if place.split('/').any(|part| part == "..") {
            wrong("devicePath", "can not contain backsteps ('..')");
        }
        if mounted("name", name) {
            wrong("name", "must not already exist in volumeMounts");
        }
        if mounted("mountPath", place) {
            wrong("devicePath", "must not already exist as a path in volumeMounts");
        }
        if name.is_empty() {
            causes.push(Cause::required(format!("{at}.name"), ""));
        }
        if volume.is_none() {
            causes.push(Cause::not_found(format!("{at}.name"), &name.into()));
        }
        if place.is_empty() {
            causes.push(Cause::required(format!("{at}.devicePath"), ""));
        }
        seen.insert(name);
        places.insert(place);
    }
}
