//! Security contexts of pods and containers.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::fields::{Causes, in_order, items, one_of, text};
use super::sources::descending;
use crate::failure::Cause;

/// The longest name of a kernel parameter.
const SYSCTL_MAX: usize = 253;
const SYSCTL: &str = "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";

/// A user or a group by its number.
fn number(value: &Value, path: &str, causes: &mut Causes) {
    if value.as_i64().is_some_and(|it| !(0..=i64::from(i32::MAX)).contains(&it)) {
        causes.push(Cause::invalid(path, value, "must be between 0 and 2147483647, inclusive"));
    }
}

/// The context of a pod.
pub(super) fn pod(spec: &Value, path: &str, causes: &mut Causes) {
    let context = &spec["securityContext"];
    let at = |key: &str| format!("{path}.{key}");
    for key in ["fsGroup", "runAsUser", "runAsGroup"] {
        number(&context[key], &at(key), causes);
    }
    for (at, group) in items(&context["supplementalGroups"], &at("supplementalGroups")) {
        number(group, &at, causes);
    }
    if spec["shareProcessNamespace"] == true && spec["hostPID"] == true {
        let detail = "ShareProcessNamespace and HostPID cannot both be enabled";
        causes.push(Cause::invalid(at("shareProcessNamespace"), &true.into(), detail));
    }
    sysctls(spec, &at("sysctls"), causes);
    let word = |key: &str, allowed: [&str; 2], causes: &mut Causes| {
        if !context[key].is_null() {
            one_of(&context[key], &allowed, &at(key), causes);
        }
    };
    word("fsGroupChangePolicy", ["Always", "OnRootMismatch"], causes);
    seccomp(&context["seccompProfile"], &at("seccompProfile"), causes);
    windows(&context["windowsOptions"], &at("windowsOptions"), causes);
    armor(&context["appArmorProfile"], &at("appArmorProfile"), causes);
    word("supplementalGroupsPolicy", ["Merge", "Strict"], causes);
    let change = &context["seLinuxChangePolicy"];
    if !change.is_null() && *change != "MountOption" {
        one_of(change, &["Recursive"], &at("seLinuxChangePolicy"), causes);
    }
}

fn is_sysctl(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    let outer = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= SYSCTL_MAX
        && name.split(['.', '/']).all(|part| {
            let bytes = part.as_bytes();
            bytes.first().is_some_and(outer)
                && bytes.last().is_some_and(outer)
                && bytes.iter().all(|it| inner(*it))
        })
}

fn sysctls(spec: &Value, path: &str, causes: &mut Causes) {
    let mut seen = BTreeSet::new();
    for (at, it) in items(&spec["securityContext"]["sysctls"], path) {
        let (name, at) = (text(&it["name"]), format!("{at}.name"));
        if name.is_empty() {
            causes.push(Cause::required(&at, ""));
        } else if !is_sysctl(name) {
            let detail = format!("must have at most {SYSCTL_MAX} characters and match regex {SYSCTL}");
            causes.push(Cause::invalid(&at, &it["name"], &detail));
        } else if seen.contains(name) {
            causes.push(Cause::duplicate(&at, &it["name"]));
        }
        let plain = name.replace('/', ".");
        let shared = plain.starts_with("kernel.shm")
            || plain.starts_with("kernel.msg")
            || plain == "kernel.sem"
            || plain.starts_with("fs.mqueue.");
        if spec["hostNetwork"] == true && plain.starts_with("net.") {
            causes.push(Cause::invalid(&at, &it["name"], "may not be specified when 'hostNetwork' is true"));
        } else if spec["hostIPC"] == true && shared {
            causes.push(Cause::invalid(&at, &it["name"], "may not be specified when 'hostIPC' is true"));
        }
        seen.insert(name);
    }
}

fn seccomp(profile: &Value, path: &str, causes: &mut Causes) {
    if !profile.is_object() {
        return;
    }
    let at = format!("{path}.type");
    match text(&profile["type"]) {
        "" => causes.push(Cause::required(at, "type is required when seccompProfile is set")),
        _ => one_of(&profile["type"], &["Localhost", "RuntimeDefault", "Unconfined"], &at, causes),
    }
    let (at, held) = (format!("{path}.localhostProfile"), &profile["localhostProfile"]);
    match (profile["type"] == "Localhost", held.is_null()) {
        (true, true) => causes.push(Cause::required(at, "must be set when seccomp type is Localhost")),
        (true, false) => descending(held, &at, causes),
        (false, false) => {
            let shown = super::fields::go_names(
                profile,
                &[("Type", "type"), ("LocalhostProfile", "localhostProfile")],
            );
            let shown = in_order(&shown, &["Type", "LocalhostProfile"]);
            let message = format!("Invalid value: {shown}: can only be set when seccomp type is Localhost");
            causes.push(Cause { reason: "FieldValueInvalid", field: at, message });
        }
        (false, true) => {}
    }
}

fn armor(profile: &Value, path: &str, causes: &mut Causes) {
    if !profile.is_object() {
        return;
    }
    let (at, held) = (format!("{path}.localhostProfile"), &profile["localhostProfile"]);
    match text(&profile["type"]) {
        "Localhost" if text(held).trim() != text(held) => {
            causes.push(Cause::invalid(at, held, "must not be padded with whitespace"));
        }
        "Localhost" if text(held).is_empty() => {
            causes.push(Cause::required(at, "must be set when AppArmor type is Localhost"));
        }
        "Localhost" => {}
        "RuntimeDefault" | "Unconfined" if !held.is_null() => {
            causes.push(Cause::invalid(at, held, "can only be set when AppArmor type is Localhost"));
        }
        "RuntimeDefault" | "Unconfined" => {}
        "" => {
            let detail = "type is required when appArmorProfile is set";
            causes.push(Cause::required(format!("{path}.type"), detail));
        }
        _ => {
            let allowed = ["Localhost", "RuntimeDefault", "Unconfined"];
            causes.push(Cause::unsupported(format!("{path}.type"), &profile["type"], &allowed));
        }
    }
}

/// How long names of Windows may be.
const GMSA_BYTES_MAX: usize = 64 * 1024;
const DOMAIN_MAX: usize = 256;
const USER_MAX: usize = 104;

/// What a process has on Windows.
fn windows(options: &Value, path: &str, causes: &mut Causes) {
    if let Some(name) = options["gmsaCredentialSpecName"].as_str() {
        let at = format!("{path}.gmsaCredentialSpecName");
        super::fields::each(crate::names::subdomain(name), &name.into(), &at, causes);
    }
    let mut wrong = |key: &str, detail: &str| {
        let detail = format!("{key}{detail}");
        causes.push(Cause::invalid(format!("{path}.{key}"), &options[key], &detail));
    };
    match options["gmsaCredentialSpec"].as_str() {
        Some("") => wrong("gmsaCredentialSpec", " cannot be an empty string"),
        Some(spec) if spec.len() > GMSA_BYTES_MAX => {
            wrong("gmsaCredentialSpec", &format!(" size must be under {} KiB", GMSA_BYTES_MAX / 1024));
        }
        _ => {}
    }
    let Some(name) = options["runAsUserName"].as_str() else { return };
    for why in windows_user(name) {
        wrong("runAsUserName", &why);
    }
}

/// Problems of the name of a user on Windows.
fn windows_user(name: &str) -> Vec<String> {
    let alone = |why: &str| vec![why.to_owned()];
    if name.is_empty() {
        return alone(" cannot be an empty string");
    }
    if name.chars().any(|it| it.is_ascii_control()) {
        return alone(" cannot contain control characters");
    }
    if name.matches('\\').count() > 1 {
        return alone(" cannot contain more than one backslash");
    }
    let (domain, user) = name.split_once('\\').map_or((None, name), |(domain, user)| (Some(domain), user));
    let mut out = Vec::new();
    if domain.is_some_and(|it| it.len() >= DOMAIN_MAX) {
        out.push(format!("'s Domain length must be under {DOMAIN_MAX} characters"));
    }
    let part = |it: &str| {
        !it.is_empty() && it.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_'))
    };
    if domain.is_some_and(|it| !it.split('.').all(part)) {
        out.push("'s Domain doesn't match the NetBios nor the DNS format".into());
    }
    if user.is_empty() {
        out.push("'s User cannot be empty".into());
    } else if user.len() > USER_MAX {
        out.push(format!("'s User length must not be longer than {USER_MAX} characters"));
    }
    if user.chars().all(|it| matches!(it, '.' | ' ')) {
        out.push("'s User cannot contain only periods or spaces".into());
    }
    if user.contains(['"', '/', '\\', ':', ';', '|', '=', ',', '+', '*', '?', '<', '>', '@', '[', ']']) {
        out.push("'s User cannot contain the following characters: \"/\\:;|=,+*?<>@[]".into());
    }
    out
}

/// The context of a container.
pub(super) fn container(it: &Value, host_users: bool, path: &str, causes: &mut Causes) {
    if !it.is_object() {
        return;
    }
    for key in ["runAsUser", "runAsGroup"] {
        number(&it[key], &format!("{path}.{key}"), causes);
    }
    let at = format!("{path}.procMount");
    match &it["procMount"] {
        Value::Null => {}
        mount => {
            one_of(mount, &["Default", "Unmasked"], &at, causes);
            if host_users && *mount == "Unmasked" {
                causes.push(Cause::invalid(at, mount, "`hostUsers` must be false to use `Unmasked`"));
            }
        }
    }
    seccomp(&it["seccompProfile"], &format!("{path}.seccompProfile"), causes);
    if it["allowPrivilegeEscalation"] == false {
        let mut refused = |what: &str| {
            let message = format!("Invalid value: {}: {what}", shown(it));
            causes.push(Cause { reason: "FieldValueInvalid", field: path.to_owned(), message });
        };
        if it["privileged"] == true {
            refused("cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
        }
        let added = it["capabilities"]["add"].as_array();
        if added.is_some_and(|list| list.iter().any(|it| it == "CAP_SYS_ADMIN")) {
            refused("cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
        }
    }
    windows(&it["windowsOptions"], &format!("{path}.windowsOptions"), causes);
    armor(&it["appArmorProfile"], &format!("{path}.appArmorProfile"), causes);
}

/// A security context as Go shows it.
fn shown(context: &Value) -> String {
    let order = [
        "Capabilities",
        "Privileged",
        "SELinuxOptions",
        "WindowsOptions",
        "RunAsUser",
        "RunAsGroup",
        "RunAsNonRoot",
        "ReadOnlyRootFilesystem",
        "AllowPrivilegeEscalation",
        "ProcMount",
        "SeccompProfile",
        "AppArmorProfile",
    ];
    let mut named = Map::new();
    for go in order {
        let json = match go {
            "SELinuxOptions" => "seLinuxOptions".to_owned(),
            go => go[..1].to_lowercase() + &go[1..],
        };
        named.insert(go.into(), context[json.as_str()].clone());
    }
    in_order(&Value::Object(named), &order)
}

/// What pods of an operating system cannot have: contexts of another.
pub(super) fn system(spec: &Value, path: &str, causes: &mut Causes) {
    let system = &spec["os"];
    if !system.is_object() {
        return;
    }
    let at = format!("{path}.os");
    let name = text(&system["name"]);
    match name {
        "" => causes.push(Cause::required(format!("{at}.name"), "")),
        "linux" | "windows" => {}
        _ => causes.push(Cause::unsupported(at, &system["name"], &["linux", "windows"])),
    }
    let mut containers = Vec::new();
    for key in ["initContainers", "containers", "ephemeralContainers"] {
        containers.extend(items(&spec[key], &format!("{path}.{key}")));
    }
    let context = &spec["securityContext"];
    let (keys, detail): (&[&str], &str) = match name {
        "linux" => (&["windowsOptions"], "windows options cannot be set for a linux pod"),
        "windows" => (&OF_LINUX_PODS, "cannot be set for a windows pod"),
        _ => return,
    };
    for key in keys {
        let own = matches!(*key, "hostUsers" | "hostPID" | "hostIPC" | "shareProcessNamespace");
        let value = if own { &spec[*key] } else { &context[*key] };
        let off = matches!(*key, "hostPID" | "hostIPC") && *value == false;
        if !value.is_null() && !off {
            let at = if own { format!("{path}.{key}") } else { format!("{path}.securityContext.{key}") };
            causes.push(Cause::forbidden(at, detail));
        }
    }
    let keys = if name == "linux" { keys } else { &OF_LINUX_CONTAINERS };
    for (at, container) in containers {
        for key in keys.iter().filter(|key| !container["securityContext"][**key].is_null()) {
            causes.push(Cause::forbidden(format!("{at}.securityContext.{key}"), detail));
        }
    }
}

const OF_LINUX_PODS: [&str; 15] = [
    "appArmorProfile",
    "seLinuxOptions",
    "hostUsers",
    "hostPID",
    "hostIPC",
    "seccompProfile",
    "fsGroup",
    "fsGroupChangePolicy",
    "sysctls",
    "shareProcessNamespace",
    "runAsUser",
    "runAsGroup",
    "supplementalGroups",
    "supplementalGroupsPolicy",
    "seLinuxChangePolicy",
];

const OF_LINUX_CONTAINERS: [&str; 10] = [
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "capabilities",
    "readOnlyRootFilesystem",
    "privileged",
    "allowPrivilegeEscalation",
    "procMount",
    "runAsUser",
    "runAsGroup",
];
