//! CustomResourceDefinitions themselves: defaults, validation, and the conditions that say that they are served.

use serde_json::{Value, json};

use super::rules;
use crate::failure::Cause;
use crate::names;
use crate::validate::access;

/// Fills in what a definition leaves out.
pub(crate) fn defaults(definition: &mut Value) {
    let spec = &mut definition["spec"];
    if !spec.is_object() {
        return;
    }
    let kind = spec["names"]["kind"].as_str().unwrap_or_default().to_owned();
    let names = &mut spec["names"];
    if names.is_object() {
        if names["singular"].as_str().unwrap_or_default().is_empty() {
            names["singular"] = kind.to_lowercase().into();
        }
        if names["listKind"].as_str().unwrap_or_default().is_empty() && !kind.is_empty() {
            names["listKind"] = format!("{kind}List").into();
        }
    }
    if !spec["conversion"].is_object() {
        spec["conversion"] = json!({"strategy": "None"});
    }
    if let Some(map) = spec.as_object_mut()
        && map.get("preserveUnknownFields") == Some(&Value::Bool(false))
    {
        map.remove("preserveUnknownFields");
    }
}

/// Whether a definition is served.
pub(crate) fn is_established(definition: &Value) -> bool {
    let list = definition["status"]["conditions"].as_array();
    list.is_some_and(|it| it.iter().any(|it| it["type"] == "Established" && it["status"] == "True"))
}

/// The status of a new definition.
pub(crate) fn fresh_status(definition: &Value) -> Value {
    json!({"acceptedNames": {"kind": "", "plural": ""}, "conditions": null, "storedVersions": stored(definition)})
}

fn stored(definition: &Value) -> Vec<Value> {
    let versions = definition["spec"]["versions"].as_array().into_iter().flatten();
    versions.filter(|it| it["storage"] == true).map(|it| it["name"].clone()).collect()
}

/// The names wanted, but for those that are taken, which stay as they were.
fn accepted(mut wanted: Value, held: &Value, taken: &[(&'static str, String)]) -> Value {
    for (reason, name) in taken {
        let key = match *reason {
            "PluralConflict" => "plural",
            "SingularConflict" => "singular",
            "KindConflict" => "kind",
            "ListKindConflict" => "listKind",
            _ => {
                if let Some(list) = wanted["shortNames"].as_array_mut() {
                    list.retain(|it| it != name);
                }
                continue;
            }
        };
        wanted[key] = held[key].clone();
    }
    if wanted["kind"].is_null() {
        wanted["kind"] = "".into();
    }
    wanted
}

/// Writes the status of a definition: its names accepted, but for those that are taken, and it established.
pub(crate) fn conditions(definition: &mut Value, now: &str, taken: &[(&'static str, String)]) {
    let names = definition["spec"]["names"].clone();
    let condition = |ty: &str, status: &str, reason: &str, message: &str| json!({"type": ty, "status": status, "lastTransitionTime": now, "reason": reason, "message": message});
    let names_accepted = match taken.last() {
        Some((reason, name)) => {
            condition("NamesAccepted", "False", reason, &format!("{name:?} is already in use"))
        }
        None => condition("NamesAccepted", "True", "NoConflicts", "no conflicts found"),
    };
    let was = is_established(definition);
    let established = match (taken.is_empty(), was) {
        (true, _) | (false, true) => {
            condition("Established", "True", "InitialNamesAccepted", "the initial names have been accepted")
        }
        (false, false) => condition("Established", "False", "NotAccepted", "not all names are accepted"),
    };
    let held = definition["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let mut list = held.clone();
    for wanted in [names_accepted, established] {
        match list.iter_mut().find(|it| it["type"] == wanted["type"]) {
            Some(it) if it["status"] == wanted["status"] && it["reason"] == wanted["reason"] => {}
            Some(it) => *it = wanted,
            None => list.push(wanted),
        }
    }
    let mut versions = definition["status"]["storedVersions"].as_array().cloned().unwrap_or_default();
    for version in stored(definition) {
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    let mut accepted_names = accepted(names, &definition["status"]["acceptedNames"], taken);
    if let Some(fields) = accepted_names.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    definition["status"] = json!({
        "acceptedNames": accepted_names, "conditions": list, "storedVersions": versions,
    });
}

/// Everything that is wrong with a definition.
pub(crate) fn validate(definition: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let spec = &definition["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (group, plural) = (text(&spec["group"]), text(&spec["names"]["plural"]));
    let wanted = format!("{plural}.{group}");
    if crate::object::meta(definition, "name") != wanted {
        causes.push(Cause::invalid(
            "metadata.name",
            &definition["metadata"]["name"],
            "must be spec.names.plural+\".\"+spec.group",
        ));
    }
    if group.is_empty() {
        causes.push(Cause::required("spec.group", ""));
    } else if let Some(why) = names::subdomain(&group).first() {
        causes.push(Cause::invalid("spec.group", &spec["group"], why));
    } else if !group.contains('.') {
        causes.push(Cause::invalid("spec.group", &spec["group"], "should be a domain with at least one dot"));
    }
    match text(&spec["scope"]).as_str() {
        "" => causes.push(Cause::required("spec.scope", "")),
        "Cluster" | "Namespaced" => {}
        _ => causes.push(Cause::unsupported("spec.scope", &spec["scope"], &["Cluster", "Namespaced"])),
    }
    versions(spec, &mut causes);
    if spec["preserveUnknownFields"] == true {
        let detail = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        causes.push(Cause::invalid("spec.preserveUnknownFields", &true.into(), detail));
    }
    names_of(&spec["names"], &mut causes);
    conversion(&spec["conversion"], &mut causes);
    stored_versions(definition, &mut causes);
    causes
}

fn names_of(given: &Value, causes: &mut Vec<Cause>) {
    let mut check = |key: &str, mixed: bool| {
        let at = format!("spec.names.{key}");
        let text = given[key].as_str().unwrap_or_default();
        if text.is_empty() {
            causes.push(Cause::required(at, ""));
            return;
        }
        let tested = if mixed { text.to_lowercase() } else { text.to_owned() };
        if let Some(why) = names::label_1035(&tested).first() {
            let detail = if mixed {
                format!("may have mixed case, but should otherwise match: {why}")
            } else {
                why.clone()
            };
            causes.push(Cause::invalid(at, &given[key], &detail));
        }
    };
    check("plural", false);
    check("singular", false);
    check("kind", true);
    check("listKind", true);
    for (index, short) in given["shortNames"].as_array().into_iter().flatten().enumerate() {
        for why in names::label_1035(short.as_str().unwrap_or_default()) {
            causes.push(Cause::invalid(format!("spec.names.shortNames[{index}]"), short, &why));
        }
    }
    for (index, category) in given["categories"].as_array().into_iter().flatten().enumerate() {
        for why in names::label_1035(category.as_str().unwrap_or_default()) {
            causes.push(Cause::invalid(format!("spec.names.categories[{index}]"), category, &why));
        }
    }
    if given["kind"] == given["listKind"] && given["kind"].is_string() {
        let detail = "kind and listKind may not be the same";
        causes.push(Cause::invalid("spec.names.listKind", &given["listKind"], detail));
    }
}

fn conversion(given: &Value, causes: &mut Vec<Cause>) {
    let webhook = &given["webhook"];
    let versions = &webhook["conversionReviewVersions"];
    let listed = versions.as_array().is_some_and(|it| !it.is_empty());
    let (client_at, versions_at) =
        ("spec.conversion.webhookClientConfig", "spec.conversion.conversionReviewVersions");
    match given["strategy"].as_str() {
        Some("Webhook") => {
            if webhook["clientConfig"].is_object() {
                access::client(&webhook["clientConfig"], client_at, causes);
            } else {
                causes.push(Cause::required(client_at, "required when strategy is set to Webhook"));
            }
            if listed {
                access::review_versions(versions, versions_at, causes);
            } else {
                causes.push(Cause::required(versions_at, ""));
            }
        }
        strategy => {
            match strategy {
                None if given.is_null() => {}
                Some("None") => {}
                None | Some("") => causes.push(Cause::required("spec.conversion.strategy", "")),
                Some(other) => {
                    let at = "spec.conversion.strategy";
                    causes.push(Cause::unsupported(at, &other.into(), &["None", "Webhook"]));
                }
            }
            let detail = "should not be set when strategy is not set to Webhook";
            if webhook["clientConfig"].is_object() {
                causes.push(Cause::forbidden(client_at, detail));
            }
            if listed {
                causes.push(Cause::forbidden(versions_at, detail));
            }
        }
    }
}

/// The groups of the community are approved by it (`validateAPIApproval`).
pub(crate) fn approval(definition: &Value, causes: &mut Vec<Cause>) {
    const ANNOTATION: &str = "api-approved.kubernetes.io";
    let group = definition["spec"]["group"].as_str().unwrap_or_default();
    let within = |domain: &str| group == domain || group.ends_with(&format!(".{domain}"));
    if !within("k8s.io") && !within("kubernetes.io") {
        return;
    }
    let given = definition["metadata"]["annotations"][ANNOTATION].as_str().unwrap_or_default();
    let at = format!("metadata.annotations[{ANNOTATION}]");
    let must = format!("protected groups must have approval annotation {ANNOTATION:?}");
    let see = "see https://github.com/kubernetes/enhancements/pull/1111";
    let is_address = given
        .split_once("://")
        .is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty() && !rest.starts_with('/'));
    if given.is_empty() {
        causes.push(Cause::required(at, &format!("{must}, {see}")));
    } else if !given.starts_with("unapproved") && !is_address {
        let detail = format!("{must} with either a URL or a reason starting with \"unapproved\", {see}");
        causes.push(Cause::invalid(at, &given.into(), &detail));
    }
}

/// Fields that lists can be narrowed by.
fn selectable(version: &Value, at: &str, causes: &mut Vec<Cause>) {
    let schema = &version["schema"]["openAPIV3Schema"];
    let fields = version["selectableFields"].as_array().map_or(&[][..], Vec::as_slice);
    for (index, field) in fields.iter().enumerate() {
        let at = format!("{at}[{index}].jsonPath");
        let path = field["jsonPath"].as_str().unwrap_or_default();
        if path.is_empty() {
            causes.push(Cause::required(at, ""));
            continue;
        }
        let found = match rules::find(schema, path) {
            Ok(found) => found,
            Err(why) => {
                let detail = format!("is an invalid path: {why}");
                causes.push(Cause::invalid(at, &field["jsonPath"], &detail));
                continue;
            }
        };
        if path.starts_with(".metadata") {
            let detail = "must not point to fields in metadata";
            causes.push(Cause::invalid(at.as_str(), &field["jsonPath"], detail));
        }
        if !matches!(found["type"].as_str(), Some("string" | "boolean" | "integer")) {
            let detail = "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.";
            causes.push(Cause::invalid(at.as_str(), &field["jsonPath"], detail));
        }
        if fields[..index].iter().any(|it| it["jsonPath"] == field["jsonPath"]) {
            causes.push(Cause::duplicate(at, &field["jsonPath"]));
        }
    }
}

/// What the users of an old version are told.
fn deprecation(version: &Value, at: &str, causes: &mut Vec<Cause>) {
    let warning = &version["deprecationWarning"];
    let Some(text) = warning.as_str() else { return };
    let mut wrong = |detail: &str| causes.push(Cause::invalid(at, warning, detail));
    if version["deprecated"] != true {
        wrong("can only be set for deprecated versions");
        return;
    }
    if text.len() > 256 {
        wrong("must be <= 256 characters long");
    }
    if text.is_empty() {
        wrong("must not be an empty string");
    }
    if let Some((index, _)) = text.char_indices().find(|(_, it)| it.is_control()) {
        wrong(&format!(
            "must only contain printable UTF-8 characters; non-printable character found at index {index}"
        ));
    }
}

/// Versions as messages show them: the fields of Go, those of all versions alike lifted out of each.
fn shown_versions(spec: &Value, lifted: bool) -> String {
    let order = [
        ("Name", "name"),
        ("Served", "served"),
        ("Storage", "storage"),
        ("Deprecated", "deprecated"),
        ("DeprecationWarning", "deprecationWarning"),
    ];
    let versions = spec["versions"].as_array().into_iter().flatten().map(|version| {
        let mut parts: Vec<String> = order
            .iter()
            .map(|(go, json)| {
                let value = &version[*json];
                let value = if value.is_null() && *go == "Deprecated" { &Value::Bool(false) } else { value };
                format!("{go:?}:{value}")
            })
            .collect();
        for (go, json) in [
            ("Schema", "schema"),
            ("Subresources", "subresources"),
            ("AdditionalPrinterColumns", "additionalPrinterColumns"),
            ("SelectableFields", "selectableFields"),
        ] {
            let value = if lifted { Value::Null } else { version[json].clone() };
            parts.push(format!("{go:?}:{value}"));
        }
        format!("{{{}}}", parts.join(","))
    });
    format!("[{}]", versions.collect::<Vec<_>>().join(","))
}

fn versions(spec: &Value, causes: &mut Vec<Cause>) {
    let list = spec["versions"].as_array().cloned().unwrap_or_default();
    let alike = |key: &str| list.iter().all(|it| it[key] == list[0][key]);
    // compat(conversion to the internal type): what all versions share stands at the top there.
    let lifted =
        !list.is_empty() && alike("schema") && alike("subresources") && alike("additionalPrinterColumns");
    let mut whole = |detail: &str| {
        let message = format!("Invalid value: {}: {detail}", shown_versions(spec, lifted));
        causes.push(Cause { reason: "FieldValueInvalid", field: "spec.versions".into(), message });
    };
    let name = |it: &Value| it["name"].as_str().unwrap_or_default().to_owned();
    if list.iter().enumerate().any(|(at, it)| list[..at].iter().any(|other| name(other) == name(it))) {
        whole("must contain unique version names");
    }
    if list.iter().filter(|it| it["storage"] == true).count() != 1 {
        whole("must have exactly one version marked as storage version");
    }
    for (index, version) in list.iter().enumerate() {
        for why in names::label_1035(&name(version)) {
            causes.push(Cause::invalid(format!("spec.versions[{index}].name"), &version["name"], &why));
        }
        deprecation(version, &format!("spec.versions[{index}].deprecationWarning"), causes);
        let schema = &version["schema"]["openAPIV3Schema"];
        if !schema.is_object() {
            causes.push(Cause::required(format!("spec.versions[{index}].schema.openAPIV3Schema"), ""));
        }
    }
    if let Some(first) = list.first().filter(|it| !name(it).is_empty())
        && let Some(why) = names::label_1035(&name(first)).first()
    {
        causes.push(Cause::invalid("spec.version", &first["name"], why));
    }
    let shared = if lifted { &list[..list.len().min(1)] } else { &list[..] };
    for (index, version) in shared.iter().enumerate() {
        let at = |key: &str| {
            if lifted { format!("spec.{key}") } else { format!("spec.versions[{index}].{key}") }
        };
        let schema_at =
            if lifted { "spec.validation".to_owned() } else { format!("spec.versions[{index}].schema") };
        let schema = &version["schema"]["openAPIV3Schema"];
        if schema.is_object() {
            super::openapi::check(schema, &format!("{schema_at}.openAPIV3Schema"), causes);
        }
        selectable(version, &at("selectableFields"), causes);
        scale(&version["subresources"]["scale"], &at("subresources.scale"), causes);
        for (column_at, column) in
            version["additionalPrinterColumns"].as_array().into_iter().flatten().enumerate()
        {
            column_of(column, &at(&format!("additionalPrinterColumns[{column_at}]")), causes);
        }
    }
}

fn column_of(column: &Value, at: &str, causes: &mut Vec<Cause>) {
    let kinds = ["boolean", "date", "integer", "number", "string"];
    if column["name"].as_str().unwrap_or_default().is_empty() {
        causes.push(Cause::required(format!("{at}.name"), ""));
    }
    match column["type"].as_str().unwrap_or_default() {
        "" => causes
            .push(Cause::required(format!("{at}.type"), "must be one of boolean,date,integer,number,string")),
        ty if kinds.contains(&ty) => {}
        _ => {
            let detail = "must be one of boolean,date,integer,number,string";
            causes.push(Cause::invalid(format!("{at}.type"), &column["type"], detail));
        }
    }
    let formats = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
    if column["format"].as_str().is_some_and(|it| !it.is_empty() && !formats.contains(&it)) {
        let detail = "must be one of byte,date,date-time,double,float,int32,int64,password";
        causes.push(Cause::invalid(format!("{at}.format"), &column["format"], detail));
    }
    match column["jsonPath"].as_str().unwrap_or_default() {
        "" => causes.push(Cause::required(format!("{at}.JSONPath"), "")),
        path if path.starts_with('.') => {}
        _ => {
            let detail = "must be a simple json path starting with .";
            causes.push(Cause::invalid(format!("{at}.JSONPath"), &column["jsonPath"], detail));
        }
    }
}

fn scale(scale: &Value, at: &str, causes: &mut Vec<Cause>) {
    if !scale.is_object() {
        return;
    }
    for (key, under) in [("specReplicasPath", ".spec"), ("statusReplicasPath", ".status")] {
        let path = scale[key].as_str().unwrap_or_default();
        let field = format!("{at}.{key}");
        if path.is_empty() {
            causes.push(Cause::required(field, ""));
        } else if !path.starts_with('.') {
            causes.push(Cause::invalid(field, &scale[key], "must be a simple json path starting with ."));
        } else if !path.starts_with(&format!("{under}.")) {
            causes.push(Cause::invalid(field, &scale[key], &format!("should be a json path under {under}")));
        }
    }
    label_selector(scale, at, causes);
}

/// The place of the selector of a scaled object.
fn label_selector(scale: &Value, at: &str, causes: &mut Vec<Cause>) {
    let (path, field) = (&scale["labelSelectorPath"], format!("{at}.labelSelectorPath"));
    let Some(text) = path.as_str().filter(|it| !it.is_empty()) else { return };
    if !text.starts_with('.') {
        causes.push(Cause::invalid(field, path, "must be a simple json path starting with ."));
    } else if ![".spec.", ".status."].iter().any(|under| text.starts_with(under)) {
        let detail = "should be a json path under either .spec or .status";
        causes.push(Cause::invalid(field, path, detail));
    }
}

fn stored_versions(definition: &Value, causes: &mut Vec<Cause>) {
    let storage: Vec<String> =
        stored(definition).iter().filter_map(|it| it.as_str().map(Into::into)).collect();
    let held = &definition["status"]["storedVersions"];
    let at = "status.storedVersions";
    let names: Vec<Value> = definition["spec"]["versions"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| it["name"].clone())
        .collect();
    match &storage[..] {
        [] => causes.push(Cause::invalid(at, &Value::Null, "must have at least one stored version")),
        [_] => {
            for (index, version) in held.as_array().into_iter().flatten().enumerate() {
                if !names.contains(version) {
                    let detail = format!(
                        "missing from spec.versions; {} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in {} and removes {} from status.storedVersions",
                        version.as_str().unwrap_or_default(),
                        version.as_str().unwrap_or_default(),
                        version.as_str().unwrap_or_default()
                    );
                    causes.push(Cause::invalid(format!("{at}[{index}]"), version, &detail));
                }
            }
        }
        _ => {
            let first = Value::from(vec![storage[0].clone()]);
            causes.push(Cause::invalid(
                at,
                &first,
                &format!("must have the storage version {}", storage[storage.len() - 1]),
            ));
        }
    }
}

/// Fields of a definition that stay as they are.
pub(crate) fn validate_change(definition: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    for path in
        [&["spec", "scope"][..], &["spec", "group"], &["spec", "names", "kind"], &["spec", "names", "plural"]]
    {
        let (new, held) = (crate::object::at(definition, path), crate::object::at(old, path));
        if new != held && is_established(old) {
            causes.push(Cause::invalid(path.join("."), new, "field is immutable"));
        }
    }
    causes
}
