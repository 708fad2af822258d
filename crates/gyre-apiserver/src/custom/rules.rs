//! Rules of schemas (`x-kubernetes-validations`): compiled with the type that the schema declares, run over objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use gyre_cel::{CompileError, Env, Object, Program, RunError, Type, Value as Cel};
use serde_json::Value;

use super::Schema;
use crate::failure::Cause;
use crate::limits::{RULE_COST_MAX, RULES_COST_MAX};

/// A rule that was compiled.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    program: Arc<Program>,
    message_program: Option<Arc<Program>>,
    message: String,
    reason: String,
    field: String,
    /// Whether it looks at what was there before.
    transition: bool,
    optional_old: bool,
}

/// The type that expressions see.
fn type_of(schema: &Schema, root: bool) -> Type {
    if schema.int_or_string {
        return Type::Dyn;
    }
    match schema.ty.as_str() {
        "string" => match schema.checks["format"].as_str() {
            Some("byte") => Type::Bytes,
            Some("duration") => Type::Duration,
            Some("date" | "date-time") => Type::Timestamp,
            _ => Type::String,
        },
        "integer" => Type::Int,
        "number" => Type::Double,
        "boolean" => Type::Bool,
        "array" => Type::list(schema.items.as_ref().map_or(Type::Dyn, |it| type_of(it, false))),
        "object" => match &schema.additional {
            Some(Some(values)) => Type::map(Type::String, type_of(values, false)),
            Some(None) => Type::map(Type::String, Type::Dyn),
            None if schema.properties.is_empty() && schema.preserve && !root => Type::Dyn,
            None => object_type(schema, root),
        },
        _ => Type::Dyn,
    }
}

fn object_type(schema: &Schema, root: bool) -> Type {
    let mut fields: BTreeMap<String, Type> =
        schema.properties.iter().map(|(name, it)| (gyre_cel::escape(name), type_of(it, false))).collect();
    if root || schema.embedded {
        for name in ["apiVersion", "kind"] {
            fields.insert(name.into(), Type::String);
        }
        let named = ["name", "generateName"].map(|name| (name.to_owned(), Type::String));
        let metadata = Object { name: "selfType.metadata".into(), fields: BTreeMap::from(named) };
        fields.insert("metadata".into(), Type::Object(metadata.into()));
    }
    Type::Object(Object { name: "selfType".into(), fields }.into())
}

fn environment(ty: &Type, optional_old: bool) -> Env {
    let old = if optional_old { Type::Optional(Arc::new(ty.clone())) } else { ty.clone() };
    Env::new().variable("self", ty.clone()).variable("oldSelf", old)
}

/// Whether an expression names `oldSelf`.
fn names_old(source: &str) -> bool {
    source.split(|it: char| !it.is_alphanumeric() && it != '_').any(|word| word == "oldSelf")
}

/// Compiles the rules of a schema and of all below it.
pub(super) fn compile(schema: &mut Schema, root: bool) {
    let given = schema.checks["x-kubernetes-validations"].as_array().cloned().unwrap_or_default();
    if !given.is_empty() {
        let ty = type_of(schema, root);
        schema.rules = given.iter().filter_map(|rule| read(rule, &ty)).collect();
    }
    for child in schema.properties.values_mut() {
        compile(child, false);
    }
    if let Some(items) = &mut schema.items {
        compile(items, false);
    }
    if let Some(Some(values)) = &mut schema.additional {
        compile(values, false);
    }
}

fn read(rule: &Value, ty: &Type) -> Option<Rule> {
    let text = |key: &str| rule[key].as_str().unwrap_or_default();
    let optional_old = rule["optionalOldSelf"] == true;
    let env = environment(ty, optional_old);
    let source = text("rule");
    let message = match text("message").trim() {
        "" => format!("failed rule: {}", source.trim()),
        message => message.to_owned(),
    };
    let message_program =
        rule["messageExpression"].as_str().and_then(|it| env.compile(it).ok()).map(Arc::new);
    Some(Rule {
        // A rule that does not compile was refused with its definition.
        program: env.compile(source).ok()?.into(),
        message_program,
        message,
        reason: text("reason").to_owned(),
        field: text("fieldPath").to_owned(),
        transition: names_old(source),
        optional_old,
    })
}

/// What is wrong with the rules of a schema before they are compiled.
pub(super) fn shapes(openapi: &Value, at: &str, causes: &mut Vec<Cause>) {
    let reasons = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
    for (index, rule) in openapi["x-kubernetes-validations"].as_array().into_iter().flatten().enumerate() {
        let at = |key: &str| format!("{at}.x-kubernetes-validations[{index}].{key}");
        let text = |key: &str| rule[key].as_str().unwrap_or_default();
        let (source, message) = (text("rule").trim(), text("message").trim());
        if source.is_empty() {
            causes.push(Cause::required(at("rule"), "rule is not specified"));
        } else if !text("message").is_empty() && message.is_empty() {
            causes.push(Cause::invalid(at("message"), &rule["message"], "must be non-empty if specified"));
        } else if message.contains('\n') {
            causes.push(Cause::invalid(at("message"), &rule["message"], "must not contain line breaks"));
        } else if source.contains('\n') && message.is_empty() {
            let detail = "message must be specified if rule contains line breaks";
            causes.push(Cause::required(at("message"), detail));
        }
        if !text("messageExpression").is_empty() && text("messageExpression").trim().is_empty() {
            let detail = "messageExpression must be non-empty if specified";
            causes.push(Cause::required(at("messageExpression"), detail));
        }
        if let Some(reason) = rule["reason"].as_str()
            && !reasons.contains(&reason)
        {
            causes.push(Cause::unsupported(at("reason"), &rule["reason"], &reasons));
        }
        let path = text("fieldPath");
        if !path.is_empty() && path.trim().is_empty() {
            causes.push(Cause::invalid(
                at("fieldPath"),
                &rule["fieldPath"],
                "must be non-empty if specified",
            ));
        }
        if path.contains('\n') {
            causes.push(Cause::invalid(at("fieldPath"), &rule["fieldPath"], "must not contain line breaks"));
        }
        if !path.is_empty() && find(openapi, path).is_err() {
            causes.push(Cause::invalid(at("fieldPath"), &rule["fieldPath"], "must be a valid path"));
        }
    }
}

/// The schema that a path of field names leads to: `.a.b`, `.a['b']`. The error is in the words of Kubernetes.
pub(super) fn find<'a>(openapi: &'a Value, path: &str) -> Result<&'a Value, String> {
    let nowhere = || "does not refer to a valid field".to_owned();
    let mut schema = openapi;
    let mut rest = path.trim();
    while !rest.is_empty() {
        let name = if let Some(quoted) = rest.strip_prefix("['") {
            let (name, after) = quoted.split_once("']").ok_or_else(nowhere)?;
            rest = after;
            name
        } else {
            let end = |text: &str| text.find(['.', '[']).unwrap_or(text.len());
            let Some(plain) = rest.strip_prefix('.') else {
                return Err(format!("expected [ or . but got: {}", &rest[..end(rest)]));
            };
            rest = &plain[end(plain)..];
            &plain[..end(plain)]
        };
        schema = match schema["properties"].get(name) {
            Some(property) => property,
            None if schema["additionalProperties"].is_object() => &schema["additionalProperties"],
            None => return Err(nowhere()),
        };
    }
    Ok(schema)
}

/// What is wrong with the expressions of the rules of a schema.
pub(super) fn problems(openapi: &Value, at: &str, root: bool, causes: &mut Vec<Cause>) {
    let Some(given) = openapi["x-kubernetes-validations"].as_array() else { return };
    let ty = type_of(&Schema::read(openapi), root);
    for (index, rule) in given.iter().enumerate() {
        let at = format!("{at}.x-kubernetes-validations[{index}]");
        let env = environment(&ty, rule["optionalOldSelf"] == true);
        let source = rule["rule"].as_str().unwrap_or_default();
        let mut compiled = |source: &str, wanted: &Type, key: &str| {
            if let Err(detail) = expression(&env, source, wanted) {
                causes.push(Cause::invalid_shown(format!("{at}.{key}"), &shown(rule), &detail));
            }
        };
        compiled(source, &Type::Bool, "rule");
        if let Some(message) = rule["messageExpression"].as_str().filter(|it| !it.is_empty()) {
            compiled(message, &Type::String, "messageExpression");
        }
        if !rule["optionalOldSelf"].is_null() && !names_old(source) {
            let detail = "may not be set if oldSelf is not used in rule";
            causes.push(Cause::invalid(format!("{at}.optionalOldSelf"), &rule["optionalOldSelf"], detail));
        }
    }
}

/// A rule as messages show it.
fn shown(rule: &Value) -> String {
    let text = |key: &str| Value::from(rule[key].as_str().unwrap_or_default());
    format!(
        r#"{{"Rule":{},"Message":{},"MessageExpression":{},"Reason":{},"FieldPath":{},"OptionalOldSelf":{}}}"#,
        text("rule"),
        text("message"),
        text("messageExpression"),
        rule["reason"],
        text("fieldPath"),
        rule["optionalOldSelf"]
    )
}

/// Why an expression cannot stand where a value of a type is wanted.
fn expression(env: &Env, source: &str, wanted: &Type) -> Result<(), String> {
    let (what, must) = match wanted {
        Type::Bool => ("", "cel expression must evaluate to a bool"),
        _ => ("messageExpression ", "messageExpression must evaluate to a string"),
    };
    match env.compile(source) {
        Ok(program) if program.output() == wanted || *program.output() == Type::Dyn => Ok(()),
        Ok(_) => Err(must.to_owned()),
        Err(CompileError::Invalid(text)) => Err(format!("{what}compilation failed: {text}")),
        Err(CompileError::Constant(text)) => Err(format!("{what}program instantiation failed: {text}")),
    }
}

/// Runs all rules over an object, where nothing else is wrong with it.
pub(super) fn validate(schema: &Schema, object: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    if !schema.has_rules() {
        return;
    }
    let blocking = ["FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid"];
    if causes.iter().any(|it| blocking.contains(&it.reason)) {
        causes.push(Cause {
            reason: "FieldValueInvalid",
            field: "<nil>".into(),
            message: "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation".into(),
        });
        return;
    }
    let mut run = Run { budget: RULES_COST_MAX, causes };
    run.node(schema, object, old, "", true);
}

struct Run<'a> {
    budget: u64,
    causes: &'a mut Vec<Cause>,
}

impl Run<'_> {
    fn node(&mut self, schema: &Schema, value: &Value, old: Option<&Value>, path: &str, root: bool) {
        if value.is_null() || self.budget == 0 || !schema.has_rules() {
            return;
        }
        if !schema.rules.is_empty() {
            self.rules(schema, value, old, path, root);
        }
        match value {
            Value::Object(fields) => {
                for (name, child) in fields {
                    let before = old.and_then(|it| it.get(name));
                    let joined = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    match (schema.properties.get(name), &schema.additional) {
                        (Some(declared), _) => self.node(declared, child, before, &joined, false),
                        (None, Some(Some(values))) => {
                            self.node(values, child, before, &format!("{path}[{name}]"), false);
                        }
                        _ => {}
                    }
                }
            }
            Value::Array(items) => {
                let Some(declared) = &schema.items else { return };
                for (index, item) in items.iter().enumerate() {
                    let before = old.and_then(|old| same_item(schema, old, item));
                    self.node(declared, item, before, &format!("{path}[{index}]"), false);
                }
            }
            _ => {}
        }
    }

    fn rules(&mut self, schema: &Schema, value: &Value, old: Option<&Value>, path: &str, root: bool) {
        let ty = type_of(schema, root);
        let current = Cel::typed(value, &ty);
        for rule in &schema.rules {
            if self.budget == 0 {
                return;
            }
            // compat(ratcheting): what stays as it was is judged by rules about changes alone.
            if old == Some(value) && !rule.transition {
                continue;
            }
            let before = match (old, rule.optional_old) {
                (Some(old), true) => Some(Cel::Optional(Some(Cel::typed(old, &ty).into()))),
                (Some(old), false) => Some(Cel::typed(old, &ty)),
                (None, true) => Some(Cel::Optional(None)),
                (None, false) if rule.transition => continue,
                (None, false) => None,
            };
            let mut variables = BTreeMap::from([("self".to_owned(), current.clone())]);
            variables.extend(before.map(|it| ("oldSelf".to_owned(), it)));
            self.rule(rule, &variables, schema, path);
        }
    }

    fn rule(&mut self, rule: &Rule, variables: &BTreeMap<String, Cel>, schema: &Schema, path: &str) {
        let (outcome, cost) = rule.program.run(variables, RULE_COST_MAX.min(self.budget));
        self.budget = self.budget.saturating_sub(cost);
        let shown: Value = schema.ty.as_str().into();
        let at = format!("{path}{}", rule.field);
        let at = at.trim_start_matches('.');
        let at = if at.is_empty() { "<nil>" } else { at };
        match outcome {
            Ok(Cel::Bool(true)) => {}
            Ok(Cel::Bool(false)) => {
                let detail = self.message(rule, variables);
                self.causes.push(match rule.reason.as_str() {
                    "FieldValueForbidden" => Cause::forbidden(at, &detail),
                    "FieldValueRequired" => Cause::required(at, &detail),
                    "FieldValueDuplicate" => Cause {
                        reason: "FieldValueDuplicate",
                        field: at.to_owned(),
                        message: format!("Duplicate value: {shown}"),
                    },
                    _ => Cause::invalid(at, &shown, &detail),
                });
            }
            Ok(_) => self.causes.push(Cause::invalid(
                at,
                &shown,
                &format!("cel expression evaluated to a value that is no bool: {}", rule.message),
            )),
            Err(RunError::TooCostly) => {
                self.budget = 0;
                let detail = "validation failed due to running out of cost budget, no further validation rules will be run";
                self.causes.push(Cause::invalid(at, &shown, detail));
            }
            Err(error) => {
                let detail = format!("{error} evaluating rule: {}", rule.message);
                self.causes.push(Cause::invalid(at, &shown, &detail));
            }
        }
    }

    /// What a failed rule says: its expression's text where that is one line, its message otherwise.
    fn message(&mut self, rule: &Rule, variables: &BTreeMap<String, Cel>) -> String {
        let Some(program) = &rule.message_program else { return rule.message.clone() };
        let (outcome, cost) = program.run(variables, RULE_COST_MAX.min(self.budget));
        self.budget = self.budget.saturating_sub(cost);
        match outcome {
            Ok(Cel::Text(text)) if !text.trim().is_empty() && !text.contains('\n') => text.trim().to_owned(),
            _ => rule.message.clone(),
        }
    }
}

/// The item of an old list that is the same one, where the list is told apart by keys.
fn same_item<'a>(schema: &Schema, old: &'a Value, item: &Value) -> Option<&'a Value> {
    if schema.list_type != "map" {
        return None;
    }
    old.as_array()?
        .iter()
        .find(|it| schema.list_keys.iter().all(|key| it[key.as_str()] == item[key.as_str()]))
}
