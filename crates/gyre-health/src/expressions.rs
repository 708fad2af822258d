//! Health of custom kinds by a user's CEL expressions, as Flux evaluates them (RFC 0009, `fluxcd/pkg/runtime/cel`).

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
