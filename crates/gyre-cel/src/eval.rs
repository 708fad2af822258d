//! The interpreter. Every step costs; what costs more than it may is stopped.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::RunError;
use crate::ast::{Expr, Fold, FoldKind, Item, Kind};
use crate::check::children;

use crate::functions;
use crate::limits::ITEMS_MAX;
use crate::value::{Key, Value};

pub(crate) type Outcome = Result<Value, RunError>;

pub(crate) fn fail<T>(text: impl Into<String>) -> Result<T, RunError> {
    Err(RunError::Failed(text.into()))
}

/// Runs an expression, and says what it cost.
pub(crate) fn run(expr: &Expr, variables: &BTreeMap<String, Value>, cost_max: u64) -> (Outcome, u64) {
    let mut machine = Machine { variables, locals: Vec::new(), cost: 0, cost_max };
    let outcome = machine.eval(expr);
    (outcome, machine.cost)
}

/// Computes the conversions of constants, which are refused before anything runs.
pub(crate) fn constants(expr: &Expr) -> Result<(), RunError> {
    const CONVERSIONS: [&str; 8] =
        ["bool", "bytes", "double", "duration", "int", "string", "timestamp", "uint"];
    for below in children(expr) {
        constants(below)?;
    }
    if let Kind::Call { function, target: None, args } = &expr.kind
        && let [Expr { kind: Kind::Literal(value), .. }] = &args[..]
        && CONVERSIONS.contains(&function.as_str())
    {
        functions::call(function, std::slice::from_ref(value))?;
    }
    Ok(())
}

struct Machine<'a> {
    variables: &'a BTreeMap<String, Value>,
    locals: Vec<(&'a str, Value)>,
    cost: u64,
    cost_max: u64,
}

impl<'a> Machine<'a> {
    fn pay(&mut self, cost: u64) -> Result<(), RunError> {
        self.cost = self.cost.saturating_add(cost);
        if self.cost > self.cost_max { Err(RunError::TooCostly) } else { Ok(()) }
    }

    fn eval(&mut self, expr: &'a Expr) -> Outcome {
        self.pay(1)?;
        match &expr.kind {
            Kind::Literal(value) => Ok(value.clone()),
            Kind::Ident(name) => self.ident(name),
            Kind::Select { operand, field, optional } => {
                if let Some(value) = expr.dotted().and_then(|name| self.variables.get(&name)) {
                    return Ok(value.clone());
                }
                let operand = self.eval(operand)?;
                select(&operand, field, *optional)
            }
            Kind::Has { operand, field } => {
                let operand = self.eval(operand)?;
                has(&operand, field).map(Value::Bool)
            }
            Kind::Call { function, target, args } => self.call(function, target.as_deref(), args),
            Kind::List(items) => self.list(items),
            Kind::Map(entries) => self.map(entries),
            Kind::Message { name, fields } => self.message(name, fields),
            Kind::Fold(fold) => self.fold(fold),
            Kind::Bind { var, init, body } => {
                let init = self.eval(init)?;
                self.within(&[(var, init)], body)
            }
            Kind::OptMap { operand, var, body, flat } => match self.eval(operand)? {
                Value::Optional(None) => Ok(Value::Optional(None)),
                Value::Optional(Some(inner)) => {
                    let body = self.within(&[(var, inner.as_ref().clone())], body)?;
                    Ok(if *flat { body } else { Value::Optional(Some(body.into())) })
                }
                _ => fail("no such overload"),
            },
        }
    }

    fn within(&mut self, locals: &[(&'a str, Value)], body: &'a Expr) -> Outcome {
        let before = self.locals.len();
        self.locals.extend_from_slice(locals);
        let outcome = self.eval(body);
        self.locals.truncate(before);
        outcome
    }

    fn ident(&self, name: &str) -> Outcome {
        if let Some((_, value)) = self.locals.iter().rev().find(|(it, _)| *it == name) {
            return Ok(value.clone());
        }
        if let Some(value) = self.variables.get(name) {
            return Ok(value.clone());
        }
        match name {
            "bool" | "int" | "uint" | "double" | "string" | "bytes" | "list" | "map" | "null_type"
            | "type" => Ok(Value::Type(name.into())),
            _ => fail(format!("no such attribute(s): {name}")),
        }
    }

    fn call(&mut self, function: &'a str, target: Option<&'a Expr>, args: &'a [Expr]) -> Outcome {
        match function {
            "_&&_" => return self.logic(args, false),
            "_||_" => return self.logic(args, true),
            "_?_:_" => {
                return match self.eval(&args[0])? {
                    Value::Bool(yes) => self.eval(&args[if yes { 1 } else { 2 }]),
                    _ => fail("no such overload"),
                };
            }
            "or" | "orValue" => {
                if let Some(target) = target {
                    return self.otherwise(function, target, args);
                }
            }
            _ => {}
        }
        let mut values = Vec::with_capacity(args.len() + 1);
        let mut name = None;
        if let Some(target) = target {
            name = target
                .dotted()
                .map(|space| format!("{space}.{function}"))
                .filter(|name| crate::declarations::functions().contains_key(name));
            if name.is_none() {
                values.push(self.eval(target)?);
            }
        }
        for arg in args {
            values.push(self.eval(arg)?);
        }
        self.pay(values.iter().map(Value::size).sum())?;
        functions::call(name.as_deref().unwrap_or(function), &values)
    }

    /// `&&` and `||`: what decides wins over a failure on the other side.
    fn logic(&mut self, args: &'a [Expr], decisive: bool) -> Outcome {
        let mut failed = None;
        for arg in args {
            match self.eval(arg) {
                Ok(Value::Bool(it)) if it == decisive => return Ok(Value::Bool(decisive)),
                Ok(Value::Bool(_)) => {}
                Ok(_) => {
                    failed.get_or_insert(RunError::Failed("no such overload".into()));
                }
                Err(RunError::TooCostly) => return Err(RunError::TooCostly),
                Err(error) => {
                    failed.get_or_insert(error);
                }
            }
        }
        failed.map_or(Ok(Value::Bool(!decisive)), Err)
    }

    fn otherwise(&mut self, function: &str, target: &'a Expr, args: &'a [Expr]) -> Outcome {
        match (self.eval(target)?, args) {
            (Value::Optional(None), [other]) => self.eval(other),
            (Value::Optional(Some(inner)), [_]) => {
                Ok(if function == "or" { Value::Optional(Some(inner)) } else { inner.as_ref().clone() })
            }
            _ => fail("no such overload"),
        }
    }

    /// The value of an element; `None` where it is optional and missing.
    fn element(&mut self, item: &'a Item) -> Result<Option<Value>, RunError> {
        let value = self.eval(&item.expr)?;
        match (item.optional, value) {
            (false, value) => Ok(Some(value)),
            (true, Value::Optional(inner)) => Ok(inner.map(|it| it.as_ref().clone())),
            (true, _) => fail("no such overload"),
        }
    }

    fn list(&mut self, items: &'a [Item]) -> Outcome {
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            out.extend(self.element(item)?);
        }
        Ok(Value::list(out))
    }

    fn map(&mut self, entries: &'a [(Expr, Item)]) -> Outcome {
        let mut out = BTreeMap::new();
        for (key, item) in entries {
            let key = self.eval(key)?;
            let Some(key) = Key::of(&key) else {
                return fail(format!("unsupported key type: {}", key.type_name()));
            };
            if let Some(value) = self.element(item)? {
                out.insert(key, value);
            }
        }
        Ok(Value::Map(Arc::new(out)))
    }

    fn message(&mut self, name: &str, fields: &'a [(String, Expr)]) -> Outcome {
        let mut given = BTreeMap::new();
        for (field, value) in fields {
            given.insert(field.as_str(), self.eval(value)?);
        }
        match name {
            "google.protobuf.Struct" => {
                Ok(given.remove("fields").unwrap_or_else(|| Value::Map(Arc::default())))
            }
            "google.protobuf.ListValue" => {
                Ok(given.remove("values").unwrap_or_else(|| Value::list(Vec::new())))
            }
            "google.protobuf.Value" => Ok(given.into_values().next().unwrap_or(Value::Null)),
            _ => fail(format!("unknown type: {name}")),
        }
    }

    fn fold(&mut self, fold: &'a Fold) -> Outcome {
        let range = self.eval(&fold.range)?;
        let entries: Vec<(Value, Value)> = match &range {
            Value::List(items) => items
                .iter()
                .enumerate()
                .map(|(at, it)| (Value::Int(i64::try_from(at).unwrap_or(i64::MAX)), it.clone()))
                .collect(),
            Value::Map(map) => map.iter().map(|(key, value)| (key.value(), value.clone())).collect(),
            _ => return fail("got 'no such overload', expected iterable type"),
        };
        let is_map = matches!(range, Value::Map(_));
        let (mut failed, mut count) = (None, 0_usize);
        let (mut list, mut map) = (Vec::new(), BTreeMap::new());
        for (key, value) in entries {
            let single = if is_map { key.clone() } else { value.clone() };
            let locals: Vec<(&str, Value)> = match &fold.vars[..] {
                [one] => vec![(one, single.clone())],
                [first, second, ..] => vec![(first, key.clone()), (second, value)],
                [] => Vec::new(),
            };
            if let Some(filter) = &fold.filter
                && !truth(self.within(&locals, filter)?)?
            {
                continue;
            }
            let body = self.within(&locals, &fold.body);
            match fold.kind {
                FoldKind::All | FoldKind::Exists => match body.and_then(truth) {
                    Ok(it) if it == (fold.kind == FoldKind::Exists) => return Ok(Value::Bool(it)),
                    Ok(_) => {}
                    Err(RunError::TooCostly) => return Err(RunError::TooCostly),
                    Err(error) => {
                        failed.get_or_insert(error);
                    }
                },
                FoldKind::ExistsOne => count += usize::from(truth(body?)?),
                FoldKind::Filter => {
                    if truth(body?)? {
                        list.push(single);
                    }
                }
                FoldKind::Map => list.push(body?),
                FoldKind::MapValues => {
                    if let Some(key) = Key::of(&key) {
                        map.insert(key, body?);
                    }
                }
            }
            if list.len() > ITEMS_MAX {
                return Err(RunError::TooCostly);
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        Ok(match fold.kind {
            FoldKind::All => Value::Bool(true),
            FoldKind::Exists => Value::Bool(false),
            FoldKind::ExistsOne => Value::Bool(count == 1),
            FoldKind::Filter | FoldKind::Map => Value::list(list),
            FoldKind::MapValues => Value::Map(Arc::new(map)),
        })
    }
}

fn truth(value: Value) -> Result<bool, RunError> {
    match value {
        Value::Bool(it) => Ok(it),
        _ => fail("no such overload"),
    }
}

fn select(operand: &Value, field: &str, optional: bool) -> Outcome {
    match operand {
        Value::Map(map) => match (map.get(&Key::Text(field.into())), optional) {
            (Some(value), false) => Ok(value.clone()),
            (Some(value), true) => Ok(Value::Optional(Some(Arc::new(value.clone())))),
            (None, true) => Ok(Value::Optional(None)),
            (None, false) => fail(format!("no such key: {field}")),
        },
        Value::Optional(None) => Ok(Value::Optional(None)),
        Value::Optional(Some(inner)) => select(inner, field, true),
        _ => fail("no such overload"),
    }
}

fn has(operand: &Value, field: &str) -> Result<bool, RunError> {
    match operand {
        Value::Map(map) => Ok(map.contains_key(&Key::Text(field.into()))),
        Value::Optional(None) => Ok(false),
        Value::Optional(Some(inner)) => has(inner, field),
        _ => fail("no such overload"),
    }
}
