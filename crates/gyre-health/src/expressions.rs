//! Health of custom kinds, and readiness of dependencies, by a user's CEL expressions, as Flux evaluates them (RFC 0009,
//! `fluxcd/pkg/runtime/cel`).

use std::collections::BTreeMap;

use gyre_cel::{Env, Program, Type, Value};
use gyre_model::Object;

use crate::kstatus::Status;

/// What one evaluation may cost; the bound of admission policies.
const COST_MAX: u64 = 10_000_000;
/// The parts of objects that expressions name.
const PARTS: [&str; 6] = ["apiVersion", "kind", "metadata", "spec", "status", "data"];

/// The expressions for one kind.
#[derive(Clone, Debug)]
pub struct Expressions {
    in_progress: Option<Program>,
    failed: Option<Program>,
    current: Program,
}

impl Expressions {
    /// Compiles the expressions; an empty one is none. The error names the one that is wrong.
    pub fn new(current: &str, failed: &str, in_progress: &str) -> Result<Self, String> {
        let compile = |name: &str, text: &str| {
            let env = PARTS.iter().fold(Env::new(), |env, part| env.variable(part, Type::Dyn));
            env.compile(text).map_err(|why| {
                format!("failed to parse the expression {name}: failed to parse the CEL expression '{text}': {why}")
            })
        };
        let optional = |name: &str, text: &str| (!text.is_empty()).then(|| compile(name, text)).transpose();
        Ok(Self {
            current: compile("Current", current)?,
            failed: optional("Failed", failed)?,
            in_progress: optional("InProgress", in_progress)?,
        })
    }

    /// Judges an object that exists; what has no value is not known.
    pub fn judge(&self, object: &Object) -> Status {
        let generation = object.at("/metadata/generation").and_then(serde_json::Value::as_i64);
        let observed = object.at("/status/observedGeneration").and_then(serde_json::Value::as_i64);
        if generation.zip(observed).is_some_and(|(generation, observed)| generation != observed) {
            return Status::InProgress;
        }
        let variables: BTreeMap<String, Value> = object
            .fields()
            .iter()
            .filter(|(name, _)| PARTS.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), Value::from_json(value)))
            .collect();
        let rules = [
            (self.in_progress.as_ref(), Status::InProgress),
            (self.failed.as_ref(), Status::Failed),
            (Some(&self.current), Status::Current),
        ];
        for (program, status) in rules {
            let Some(program) = program else { continue };
            match program.run(&variables, COST_MAX).0 {
                Ok(Value::Bool(true)) => return status,
                Ok(Value::Bool(false)) => {}
                _ => return Status::Unknown,
            }
        }
        Status::InProgress
    }
}

/// A condition over objects, each of which has a name in it: `dep.metadata.labels['tier'] == self.metadata.labels['tier']`.
#[derive(Clone, Debug)]
pub struct Condition {
    text: String,
    program: Program,
}

impl Condition {
    /// Compiles it for objects of these names.
    pub fn new(text: &str, names: &[&str]) -> Result<Self, String> {
        let table = || Type::map(Type::String, Type::Dyn);
        let env = names.iter().fold(Env::new(), |env, name| env.variable(name, table()));
        let program =
            env.compile(text).map_err(|why| format!("failed to parse the CEL expression '{text}': {why}"))?;
        if *program.output() != Type::Bool {
            let found = program.output();
            return Err(format!("CEL expression output type mismatch: expected bool, got {found}"));
        }
        Ok(Self { text: text.into(), program })
    }

    /// Whether it holds for these objects.
    pub fn holds(&self, objects: &[(&str, &Object)]) -> Result<bool, String> {
        let variables =
            objects.iter().map(|(name, object)| ((*name).to_owned(), Value::from_json(&object.to_value())));
        match self.program.run(&variables.collect(), COST_MAX).0 {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(_) => Err(format!("failed to evaluate CEL expression as boolean: '{}'", self.text)),
            Err(why) => Err(format!("failed to evaluate the CEL expression '{}': {why}", self.text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_condition_speaks_of_several_objects() {
        let object = |labels: serde_json::Value| {
            Object::new(json!({"apiVersion": "v1", "kind": "X", "metadata": {"name": "x", "labels": labels}}))
                .unwrap()
        };
        let (go, stay) = (object(json!({"go": "yes"})), object(json!({})));
        let condition = Condition::new("dep.metadata.labels['go'] == 'yes'", &["self", "dep"]).unwrap();
        assert_eq!(condition.holds(&[("self", &stay), ("dep", &go)]), Ok(true));
        let why = condition.holds(&[("self", &go), ("dep", &stay)]).unwrap_err();
        assert!(why.starts_with("failed to evaluate the CEL expression 'dep.metadata"), "{why}");
        let why = Condition::new("dep.metadata.name", &["dep"]).unwrap_err();
        assert_eq!(why, "CEL expression output type mismatch: expected bool, got dyn");
        assert!(Condition::new("other.x == 1", &["dep"]).is_err());
    }

    #[test]
    fn the_first_rule_that_holds_counts() {
        let rules = Expressions::new("status.phase == 'Done'", "status.phase == 'Broken'", "").unwrap();
        let judged = |status: serde_json::Value| {
            let object = json!({"apiVersion": "example.com/v1", "kind": "Widget",
                "metadata": {"name": "w", "generation": 2}, "status": status});
            rules.judge(&Object::new(object).unwrap())
        };
        assert_eq!(judged(json!({"phase": "Done"})), Status::Current);
        assert_eq!(judged(json!({"phase": "Done", "observedGeneration": 1})), Status::InProgress);
        assert_eq!(judged(json!({"phase": "Broken", "observedGeneration": 2})), Status::Failed);
        assert_eq!(judged(json!({"phase": "Busy"})), Status::InProgress);
        assert_eq!(judged(json!({})), Status::Unknown);
        let error = Expressions::new("status.phase ==", "", "").unwrap_err();
        assert!(error.starts_with("failed to parse the expression Current: "), "{error}");
    }
}
