//! ValidatingAdmissionPolicies with their bindings (`k8s.io/apiserver/pkg/admission/plugin/policy/validating`).
//!
//! A policy that is bound and matches a write judges it by expressions over the object, the old object, the request,
//! parameters, the namespace and its own variables. Audit annotations and the authorizer are left out.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use gyre_cel::{CompileError, Env, Program, Type, Value as Cel};
use serde_json::{Map, Value, json};

use crate::api::{Api, Call, Place};
use crate::failure::{Cause, Result};
use crate::limits::{PROGRAMS_MAX, RULE_COST_MAX, RULES_COST_MAX};
use crate::object;
use crate::selectors::LabelSelector;

const GROUP: &str = "admissionregistration.k8s.io";
const BINDINGS: &str = "validatingadmissionpolicybindings.admissionregistration.k8s.io";

/// A write that is judged.
struct Write<'a> {
    call: &'a Call<'a>,
    operation: &'static str,
    object: &'a Value,
    old: &'a Value,
    namespace: Value,
    programs: &'a Programs,
}

/// Whether any policy is bound.
pub(crate) fn any(api: &Api) -> bool {
    api.store.count(BINDINGS) > 0
}

/// Refuses a write that a bound policy denies. `Value::Null` stands for the object of a deletion, and for what was
/// there before a creation.
pub(crate) fn check(
    api: &Api,
    call: &Call<'_>,
    operation: &'static str,
    object: &Value,
    old: &Value,
    warnings: &mut Vec<String>,
) -> Result<()> {
    let (_, bindings) = api.store.list(BINDINGS, "");
    if bindings.is_empty() || call.place.kind.group == GROUP {
        return Ok(());
    }
    let place = call.place;
    let found = if place.ns.is_empty() { None } else { api.store.find("namespaces", &place.ns) };
    let namespace = found.map_or(Value::Null, |entry| object::decode(&entry.bytes));
    let write = Write { call, operation, object, old, namespace, programs: &api.programs };
    for entry in bindings {
        let binding = object::decode(&entry.bytes);
        let name = binding["spec"]["policyName"].as_str().unwrap_or_default();
        let Some(policy) = api.store.find(&format!("validatingadmissionpolicies.{GROUP}"), name) else {
            continue;
        };
        let policy = object::decode(&policy.bytes);
        let matches = &binding["spec"]["matchResources"];
        if !write.matches(&policy["spec"]["matchConstraints"])
            || !(matches.is_null() || write.matches(matches))
        {
            continue;
        }
        for params in write.params(api, &policy, &binding)? {
            judge(&write, &policy, &binding, &params, warnings)?;
        }
    }
    Ok(())
}

impl Write<'_> {
    fn place(&self) -> &Place {
        self.call.place
    }

    /// Whether rules and selectors take in the write.
    fn matches(&self, given: &Value) -> bool {
        let rules = |key: &str| given[key].as_array().into_iter().flatten();
        let named =
            rules("resourceRules").next().is_none() || rules("resourceRules").any(|rule| self.fits(rule));
        if !named || rules("excludeResourceRules").any(|rule| self.fits(rule)) {
            return false;
        }
        let labels = |object: &Value| object["metadata"]["labels"].as_object().cloned();
        let fits = |selector: &Value, labels: Option<Map<String, Value>>| {
            selector.as_object().is_none_or(Map::is_empty)
                || LabelSelector::of(selector).fits_map(labels.as_ref())
        };
        let namespaced = match (self.place().kind.is("", "namespaces"), self.namespace.is_null()) {
            (true, _) => fits(&given["namespaceSelector"], labels(self.present())),
            (false, true) => true,
            (false, false) => fits(&given["namespaceSelector"], labels(&self.namespace)),
        };
        let selector = &given["objectSelector"];
        let one = |object: &Value| !object.is_null() && fits(selector, labels(object));
        namespaced && (one(self.object) || one(self.old))
    }

    fn present(&self) -> &Value {
        if self.object.is_null() { self.old } else { self.object }
    }

    fn fits(&self, rule: &Value) -> bool {
        let place = self.place();
        let any = |key: &str, fits: &dyn Fn(&str) -> bool| {
            rule[key]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .any(|it| it == "*" || fits(it))
        };
        let scoped = match rule["scope"].as_str() {
            Some("Cluster") => !place.kind.namespaced,
            Some("Namespaced") => place.kind.namespaced,
            _ => true,
        };
        let names = rule["resourceNames"].as_array().is_none_or(|names| {
            names.is_empty() || names.iter().any(|it| it == object::meta(self.present(), "name"))
        });
        let resource = |wanted: &str| match wanted.split_once('/') {
            None => wanted == place.kind.plural && place.subresource.is_empty(),
            Some((plural, sub)) => {
                (plural == "*" || plural == place.kind.plural) && (sub == "*" || sub == place.subresource)
            }
        };
        // `*` alone takes in no subresources.
        let every = place.subresource.is_empty()
            && rule["resources"].as_array().is_some_and(|it| it.iter().any(|it| it == "*"));
        let named =
            rule["resources"].as_array().into_iter().flatten().filter_map(Value::as_str).any(resource);
        scoped
            && names
            && any("operations", &|it| it == self.operation)
            && any("apiGroups", &|it| it == place.kind.group)
            // compat(matchPolicy Equivalent): another served version of the kind matches as well.
            && any("apiVersions", &|it| it == place.version || place.kind.version(it).is_some())
            && (every || named)
    }

    /// What a binding hands its policy: one judgement for each.
    fn params(&self, api: &Api, policy: &Value, binding: &Value) -> Result<Vec<Value>> {
        let (kind, reference) = (&policy["spec"]["paramKind"], &binding["spec"]["paramRef"]);
        if kind.is_null() || reference.is_null() {
            return Ok(vec![Value::Null]);
        }
        let (group, _) = crate::registry::split(kind["apiVersion"].as_str().unwrap_or_default());
        let registry = api.registry();
        let found = registry.kinds.iter().find(|it| it.group == group && kind["kind"] == *it.kind);
        let Some(found) = found else {
            let why = format!(
                "failed to find resource referenced by paramKind: '{}, Kind={}'",
                kind["apiVersion"].as_str().unwrap_or_default(),
                kind["kind"].as_str().unwrap_or_default()
            );
            return self.refuse(policy, binding, &why, "").map(|()| Vec::new());
        };
        let ns = match (found.namespaced, reference["namespace"].as_str()) {
            (false, _) => "",
            (true, Some(ns)) => ns,
            (true, None) => &self.place().ns,
        };
        let list: Vec<Value> = match reference["name"].as_str().filter(|it| !it.is_empty()) {
            Some(name) => {
                let entry = api.store.find(&found.shelf, &object::key(ns, name));
                entry.iter().map(|it| object::decode(&it.bytes)).collect()
            }
            None => {
                let prefix = if ns.is_empty() { String::new() } else { format!("{ns}/") };
                let selector = LabelSelector::of(&reference["selector"]);
                let (_, entries) = api.store.list(&found.shelf, &prefix);
                let all = entries.iter().map(|it| object::decode(&it.bytes));
                all.filter(|it| selector.fits_map(it["metadata"]["labels"].as_object())).collect()
            }
        };
        if list.is_empty() && reference["parameterNotFoundAction"] == "Deny" {
            let why = "no params found for policy binding with `Deny` parameterNotFoundAction";
            return self.refuse(policy, binding, why, "").map(|()| list);
        }
        Ok(list)
    }

    fn refuse(&self, policy: &Value, binding: &Value, why: &str, reason: &str) -> Result<()> {
        let (policy, binding) = (object::meta(policy, "name"), object::meta(binding, "name"));
        let message =
            format!("ValidatingAdmissionPolicy '{policy}' with binding '{binding}' denied request: {why}");
        let mut failure = super::forbidden(self.place(), self.present(), &message);
        (failure.code, failure.reason) = match reason {
            "Unauthorized" => (401, "Unauthorized"),
            "Forbidden" => (403, "Forbidden"),
            "RequestEntityTooLarge" => (413, "RequestEntityTooLarge"),
            _ => (422, "Invalid"),
        };
        Err(failure.detail("causes", json!([{"message": message}])))
    }

    /// What the expressions see.
    fn variables(&self, params: &Value) -> BTreeMap<String, Cel> {
        let (place, user) = (self.place(), self.call.user);
        let groups_version = json!({"group": place.kind.group, "version": place.version});
        let with = |key: &str, name: &str| {
            let mut it = groups_version.clone();
            it[key] = name.into();
            it
        };
        let (kind, resource) = (with("kind", &place.kind.kind), with("resource", &place.kind.plural));
        let request = json!({
            "kind": kind, "resource": resource, "subResource": place.subresource,
            "requestKind": kind, "requestResource": resource, "requestSubResource": place.subresource,
            "name": object::meta(self.present(), "name"), "namespace": place.ns, "operation": self.operation,
            "userInfo": {"username": user.name, "uid": user.uid, "groups": user.groups, "extra": user.extra},
            "dryRun": self.call.request.is_dry(),
        });
        [
            ("object", self.object),
            ("oldObject", self.old),
            ("request", &request),
            ("params", params),
            ("namespaceObject", &self.namespace),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Cel::from_json(value)))
        .collect()
    }
}

fn environment() -> Env {
    ["object", "oldObject", "request", "params", "namespaceObject", "variables"]
        .into_iter()
        .fold(Env::new(), |env, name| env.variable(name, Type::Dyn))
}

/// Compiled expressions by their text; a policy is asked again and again.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    held: Mutex<HashMap<String, Arc<Compiled>>>,
}

type Compiled = std::result::Result<Program, String>;

impl Programs {
    fn get(&self, source: &str) -> Arc<Compiled> {
        let held = || self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = held().get(source) {
            return found.clone();
        }
        let compiled = environment().compile(source).map_err(|error| format!("compilation failed: {error}"));
        let compiled = Arc::new(compiled);
        let mut held = held();
        if held.len() >= PROGRAMS_MAX {
            held.clear();
        }
        held.insert(source.to_owned(), compiled.clone());
        compiled
    }
}

/// Runs an expression within what is left to spend.
fn run(
    programs: &Programs,
    source: &str,
    variables: &BTreeMap<String, Cel>,
    budget: &mut u64,
) -> std::result::Result<Cel, String> {
    let compiled = programs.get(source);
    let program = compiled.as_ref().as_ref().map_err(Clone::clone)?;
    let (outcome, cost) = program.run(variables, RULE_COST_MAX.min(*budget));
    *budget = budget.saturating_sub(cost);
    outcome.map_err(|error| format!("expression '{source}' resulted in error: {error}"))
}

fn judge(
    write: &Write<'_>,
    policy: &Value,
    binding: &Value,
    params: &Value,
    warnings: &mut Vec<String>,
) -> Result<()> {
    let (programs, mut budget) = (write.programs, RULES_COST_MAX);
    let spec = &policy["spec"];
    let mut variables = write.variables(params);
    let list = |key: &str| spec[key].as_array().into_iter().flatten();
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let mut own = BTreeMap::new();
    let mut denied: Vec<(String, String)> = Vec::new();
    for condition in list("matchConditions") {
        match run(programs, &text(condition, "expression"), &variables, &mut budget) {
            Ok(Cel::Bool(true)) => {}
            Ok(_) => return Ok(()),
            Err(why) => denied.push((why, String::new())),
        }
    }
    for variable in list("variables") {
        // A variable without a value fails the expressions that name it, and no others.
        if let Ok(value) = run(programs, &text(variable, "expression"), &variables, &mut budget) {
            own.insert(gyre_cel::Key::Text(text(variable, "name").into()), value);
        }
        variables.insert("variables".into(), Cel::Map(own.clone().into()));
    }
    variables.entry("variables".into()).or_insert_with(|| Cel::Map(Arc::default()));
    let ignores = spec["failurePolicy"] == "Ignore";
    if ignores {
        denied.clear();
    }
    for validation in list("validations") {
        let source = text(validation, "expression");
        let reason = text(validation, "reason");
        match run(programs, &source, &variables, &mut budget) {
            Ok(Cel::Bool(true)) => {}
            Ok(_) => {
                let shown = run(programs, &text(validation, "messageExpression"), &variables, &mut budget);
                let message = match (shown, text(validation, "message").trim()) {
                    (Ok(Cel::Text(it)), _) if !it.trim().is_empty() && !it.contains('\n') => {
                        it.trim().to_owned()
                    }
                    (_, "") => format!("failed expression: {}", source.trim()),
                    (_, message) => message.to_owned(),
                };
                denied.push((message, reason));
            }
            Err(_) if ignores => {}
            Err(why) => denied.push((why, String::new())),
        }
    }
    let acts = |action: &str| {
        binding["spec"]["validationActions"].as_array().is_some_and(|it| it.iter().any(|it| it == action))
    };
    for (message, reason) in &denied {
        if acts("Warn") {
            let (policy, binding) = (object::meta(policy, "name"), object::meta(binding, "name"));
            warnings.push(format!(
                "Validation failed for ValidatingAdmissionPolicy '{policy}' with binding '{binding}': {message}"
            ));
        }
        if acts("Deny") {
            write.refuse(policy, binding, message, reason)?;
        }
    }
    Ok(())
}

/// The expressions of a policy that do not compile.
pub(crate) fn problems(spec: &Value, causes: &mut Vec<Cause>) {
    let env = environment();
    let lists = [
        ("validations", "expression"),
        ("validations", "messageExpression"),
        ("matchConditions", "expression"),
        ("variables", "expression"),
        ("auditAnnotations", "valueExpression"),
    ];
    for (list, key) in lists {
        for (index, it) in spec[list].as_array().into_iter().flatten().enumerate() {
            let Some(source) = it[key].as_str().filter(|it| !it.is_empty() && !it.contains("authorizer"))
            else {
                continue;
            };
            let Err(error) = env.compile(source) else { continue };
            let what = match (key, &error) {
                ("messageExpression", _) => "messageExpression compilation failed",
                (_, CompileError::Invalid(_)) => "compilation failed",
                (_, CompileError::Constant(_)) => "program instantiation failed",
            };
            causes.push(Cause::invalid(
                format!("spec.{list}[{index}].{key}"),
                &it[key],
                &format!("{what}: {error}"),
            ));
        }
    }
}
