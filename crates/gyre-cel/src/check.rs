//! The type checker: finds the overloads that fit, and the type of the whole.

use std::collections::BTreeMap;

use crate::Issue;
use crate::ast::{Expr, Fold, FoldKind, Item, Kind};
use crate::declarations::{Overload, functions};
use crate::types::Type;
use crate::value::Value;

/// The type of an expression, or all that is wrong with it.
pub(crate) fn check(variables: &BTreeMap<String, Type>, expr: &Expr) -> Result<Type, Vec<Issue>> {
    let mut checker =
        Checker { variables, locals: Vec::new(), known: Vec::new(), issues: Vec::new(), uneven: Vec::new() };
    let ty = checker.expr(expr);
    if checker.issues.is_empty() {
        checker.issues = std::mem::take(&mut checker.uneven);
        literals(expr, &mut checker.issues);
    }
    let ty = checker.finish(&ty);
    if checker.issues.is_empty() { Ok(ty) } else { Err(checker.issues) }
}

struct Checker<'a> {
    variables: &'a BTreeMap<String, Type>,
    locals: Vec<(String, Type)>,
    /// What stands for each type that was not known at first.
    known: Vec<Option<Type>>,
    issues: Vec<Issue>,
    /// Lists and maps whose elements differ: an issue only where nothing else is wrong.
    uneven: Vec<Issue>,
}

impl Checker<'_> {
    fn wrong(&mut self, at: usize, text: String) -> Type {
        self.issues.push(Issue::new(at, text));
        Type::Dyn
    }

    fn fresh(&mut self) -> Type {
        self.known.push(None);
        Type::Param(u32::try_from(self.known.len() - 1).unwrap_or(u32::MAX))
    }

    /// The type with all that is known about its parts.
    fn resolve(&self, ty: &Type) -> Type {
        let below = |it: &Type| std::sync::Arc::new(self.resolve(it));
        match ty {
            Type::Param(number) => match self.known.get(*number as usize) {
                Some(Some(it)) => self.resolve(it),
                _ => ty.clone(),
            },
            Type::List(it) => Type::List(below(it)),
            Type::Map(key, value) => Type::Map(below(key), below(value)),
            Type::Optional(it) => Type::Optional(below(it)),
            Type::TypeOf(it) => Type::TypeOf(below(it)),
            other => other.clone(),
        }
    }

    /// As [`Self::resolve`], and what is still open is `dyn`.
    fn finish(&self, ty: &Type) -> Type {
        let below = |it: &Type| std::sync::Arc::new(self.finish(it));
        match self.resolve(ty) {
            Type::Param(_) => Type::Dyn,
            Type::List(it) => Type::List(below(&it)),
            Type::Map(key, value) => Type::Map(below(&key), below(&value)),
            Type::Optional(it) => Type::Optional(below(&it)),
            Type::TypeOf(it) => Type::TypeOf(below(&it)),
            other => other,
        }
    }

    /// Whether a value of one type may stand where another is wanted; open types become known.
    fn fits(&mut self, given: &Type, wanted: &Type) -> bool {
        let (given, wanted) = (self.resolve(given), self.resolve(wanted));
        match (&given, &wanted) {
            (Type::Param(a), Type::Param(b)) if a == b => true,
            (_, Type::Param(number)) => {
                self.known[*number as usize] = Some(given);
                true
            }
            (Type::Param(number), _) => {
                self.known[*number as usize] = Some(wanted);
                true
            }
            (Type::Dyn, _) | (_, Type::Dyn) => true,
            (Type::Null, other) | (other, Type::Null) => other.is_nullable(),
            (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => self.fits(a, b),
            (Type::TypeOf(_), Type::TypeOf(_)) => true,
            (Type::Map(a, x), Type::Map(b, y)) => self.fits(a, b) && self.fits(x, y),
            (a, b) => a == b,
        }
    }

    fn expr(&mut self, expr: &Expr) -> Type {
        match &expr.kind {
            Kind::Literal(value) => literal_type(value),
            Kind::Ident(name) => self.ident(expr.at, name),
            Kind::Select { operand, field, optional } => self.select(expr, operand, field, *optional),
            Kind::Has { operand, field } => {
                let operand = self.expr(operand);
                self.field(expr.at, &operand, field);
                Type::Bool
            }
            Kind::Call { function, target, args } => self.call(expr.at, function, target.as_deref(), args),
            Kind::List(items) => self.list(items),
            Kind::Map(entries) => self.map(entries),
            Kind::Message { name, fields } => {
                for (_, value) in fields {
                    self.expr(value);
                }
                match name.as_str() {
                    "google.protobuf.Struct" => Type::map(Type::String, Type::Dyn),
                    "google.protobuf.Value" => Type::Dyn,
                    "google.protobuf.ListValue" => Type::list(Type::Dyn),
                    _ => self.wrong(expr.at, format!("undeclared reference to '{name}' (in container '')")),
                }
            }
            Kind::Fold(fold) => self.fold(expr.at, fold),
            Kind::Bind { var, init, body } => {
                let ty = self.expr(init);
                self.within(&[(var.clone(), ty)], body)
            }
            Kind::OptMap { operand, var, body, flat } => {
                let ty = self.expr(operand);
                let inner = match self.resolve(&ty) {
                    Type::Optional(it) => it.as_ref().clone(),
                    _ => Type::Dyn,
                };
                let body = self.within(&[(var.clone(), inner)], body);
                if *flat { body } else { Type::optional(body) }
            }
        }
    }

    fn within(&mut self, locals: &[(String, Type)], body: &Expr) -> Type {
        let before = self.locals.len();
        self.locals.extend_from_slice(locals);
        let ty = self.expr(body);
        self.locals.truncate(before);
        ty
    }

    fn ident(&mut self, at: usize, name: &str) -> Type {
        if let Some((_, ty)) = self.locals.iter().rev().find(|(it, _)| it == name) {
            return ty.clone();
        }
        if let Some(ty) = self.variables.get(name) {
            return ty.clone();
        }
        if let Some(denoted) = Type::simple(name) {
            return Type::TypeOf(denoted.into());
        }
        let denoted = match name {
            "list" => Type::list(Type::Dyn),
            "map" => Type::map(Type::Dyn, Type::Dyn),
            "null_type" => Type::Null,
            "type" => Type::TypeOf(Type::Dyn.into()),
            _ => return self.wrong(at, format!("undeclared reference to '{name}' (in container '')")),
        };
        Type::TypeOf(denoted.into())
    }

    fn select(&mut self, expr: &Expr, operand: &Expr, field: &str, optional: bool) -> Type {
        if let Some(name) = expr.dotted()
            && let Some(ty) = self.variables.get(&name).cloned().or_else(|| named_type(&name))
        {
            return ty;
        }
        let operand = self.expr(operand);
        let found = self.field(expr.at, &operand, field);
        if optional && !matches!(found, Type::Optional(_)) { Type::optional(found) } else { found }
    }

    fn field(&mut self, at: usize, operand: &Type, field: &str) -> Type {
        match self.resolve(operand) {
            Type::Dyn | Type::Param(_) => Type::Dyn,
            Type::Map(_, value) => value.as_ref().clone(),
            Type::Object(object) => match object.fields.get(field) {
                Some(ty) => ty.clone(),
                None => self.wrong(at, format!("undefined field '{field}'")),
            },
            Type::Optional(inner) => match self.field(at, &inner, field) {
                it @ Type::Optional(_) => it,
                it => Type::optional(it),
            },
            other => self.wrong(at, format!("type '{}' does not support field selection", other.shown())),
        }
    }

    fn call(&mut self, at: usize, function: &str, target: Option<&Expr>, args: &[Expr]) -> Type {
        if let Some(target) = target {
            if let Some(space) = target.dotted() {
                let name = format!("{space}.{function}");
                if functions().contains_key(&name) {
                    return self.overloaded(at, &name, None, args);
                }
            }
            let given = self.expr(target);
            return self.overloaded(at, function, Some(given), args);
        }
        self.overloaded(at, function, None, args)
    }

    fn overloaded(&mut self, at: usize, function: &str, target: Option<Type>, args: &[Expr]) -> Type {
        let uneven = self.uneven.len();
        let mut given: Vec<Type> = target.iter().cloned().collect();
        for arg in args {
            let ty = self.expr(arg);
            given.push(ty);
        }
        if function == "format" {
            // compat(k8s.io/apiserver): what is formatted may be of several types.
            self.uneven.truncate(uneven);
        }
        let Some(overloads) = functions().get(function) else {
            return self.wrong(at, format!("undeclared reference to '{function}' (in container '')"));
        };
        let mut result: Option<Type> = None;
        for overload in overloads {
            if overload.member != target.is_some() || overload.args.len() != given.len() {
                continue;
            }
            let (wanted, returned) = self.instance(overload);
            let before = self.known.clone();
            if !given.iter().zip(&wanted).all(|(given, wanted)| self.fits(given, wanted)) {
                self.known = before;
                continue;
            }
            let returned = self.resolve(&returned);
            result = Some(match result {
                None => returned,
                Some(first) if self.resolve(&first) == returned => first,
                Some(_) => Type::Dyn,
            });
        }
        if let Some(result) = result {
            return result;
        }
        let shown: Vec<String> = given.iter().map(|it| self.finish(it).shown()).collect();
        let shown = match &target {
            Some(_) => format!("{}.({})", shown[0], shown[1..].join(", ")),
            None => format!("({})", shown.join(", ")),
        };
        self.wrong(at, format!("found no matching overload for '{function}' applied to '{shown}'"))
    }

    /// The types of an overload with open types of its own.
    fn instance(&mut self, overload: &Overload) -> (Vec<Type>, Type) {
        let open = [self.fresh(), self.fresh()];
        (overload.args.iter().map(|it| filled(it, &open)).collect(), filled(&overload.result, &open))
    }

    fn joined(&mut self, held: Option<Type>, ty: Type) -> Type {
        match held {
            None => ty,
            Some(held) if self.fits(&ty, &held) => {
                if self.resolve(&held) == Type::Dyn || self.resolve(&ty) == Type::Dyn {
                    Type::Dyn
                } else {
                    held
                }
            }
            Some(_) => Type::Dyn,
        }
    }

    fn element(&mut self, item: &Item) -> Type {
        let ty = self.expr(&item.expr);
        match (item.optional, self.resolve(&ty)) {
            (true, Type::Optional(inner)) => inner.as_ref().clone(),
            (true, Type::Dyn) => Type::Dyn,
            (true, other) => {
                let text = format!("expected type 'optional_type(dyn)' but found '{}'", other.shown());
                self.wrong(item.expr.at, text)
            }
            (false, _) => ty,
        }
    }

    /// Notes an element that is of another type than the first.
    fn even(&mut self, first: &mut Option<Type>, ty: &Type, at: usize) {
        let ty = self.finish(ty);
        match first {
            None => *first = Some(ty),
            Some(first) if alike(first, &ty) => {}
            Some(first) => {
                let text = format!("expected type '{}' but found '{}'", first.shown(), ty.shown());
                self.uneven.push(Issue::new(at, text));
            }
        }
    }

    fn list(&mut self, items: &[Item]) -> Type {
        let (mut joined, mut first) = (None, None);
        for item in items {
            let ty = self.element(item);
            self.even(&mut first, &ty, item.expr.at);
            joined = Some(self.joined(joined, ty));
        }
        let item = joined.unwrap_or_else(|| self.fresh());
        Type::list(item)
    }

    fn map(&mut self, entries: &[(Expr, Item)]) -> Type {
        let (mut keys, mut values, mut first_key, mut first_value) = (None, None, None, None);
        for (key, item) in entries {
            let ty = self.expr(key);
            self.even(&mut first_key, &ty, key.at);
            keys = Some(self.joined(keys, ty));
            let ty = self.element(item);
            self.even(&mut first_value, &ty, item.expr.at);
            values = Some(self.joined(values, ty));
        }
        let key = keys.unwrap_or_else(|| self.fresh());
        let value = values.unwrap_or_else(|| self.fresh());
        Type::map(key, value)
    }

    fn fold(&mut self, at: usize, fold: &Fold) -> Type {
        let range = self.expr(&fold.range);
        let range = self.resolve(&range);
        let (key, value) = match &range {
            Type::List(item) => (Type::Int, item.as_ref().clone()),
            Type::Map(key, value) => (key.as_ref().clone(), value.as_ref().clone()),
            Type::Dyn | Type::Param(_) => (Type::Dyn, Type::Dyn),
            other => {
                let text = format!(
                    "expression of type '{}' cannot be range of a comprehension (must be list, map, or dynamic)",
                    other.shown()
                );
                return self.wrong(fold.range.at, text);
            }
        };
        let single = if matches!(range, Type::Map(..)) { key.clone() } else { value.clone() };
        let locals: Vec<(String, Type)> = match &fold.vars[..] {
            [one] => vec![(one.clone(), single.clone())],
            [first, second, ..] => vec![(first.clone(), key.clone()), (second.clone(), value)],
            [] => Vec::new(),
        };
        if let Some(filter) = &fold.filter {
            let ty = self.within(&locals, filter);
            self.condition(at, &ty, "_?_:_");
        }
        let body = self.within(&locals, &fold.body);
        match fold.kind {
            FoldKind::Map => Type::list(body),
            FoldKind::MapValues => Type::map(key, body),
            FoldKind::All => self.condition(at, &body, "_&&_"),
            FoldKind::Exists => self.condition(at, &body, "_||_"),
            FoldKind::ExistsOne => self.condition(at, &body, "_?_:_"),
            FoldKind::Filter => {
                self.condition(at, &body, "_?_:_");
                Type::list(single)
            }
        }
    }

    fn condition(&mut self, at: usize, ty: &Type, function: &str) -> Type {
        if !self.fits(ty, &Type::Bool) {
            let shown = self.finish(ty).shown();
            let applied =
                if function == "_?_:_" { format!("{shown}, dyn, dyn") } else { format!("bool, {shown}") };
            self.wrong(at, format!("found no matching overload for '{function}' applied to '({applied})'"));
        }
        Type::Bool
    }
}

/// Whether two types are one, `dyn` within a type being like any.
fn alike(a: &Type, b: &Type) -> bool {
    let within = |a: &Type, b: &Type| *a == Type::Dyn || *b == Type::Dyn || alike(a, b);
    match (a, b) {
        (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => within(a, b),
        (Type::Map(a, x), Type::Map(b, y)) => within(a, b) && within(x, y),
        (a, b) => a == b,
    }
}

fn filled(ty: &Type, open: &[Type; 2]) -> Type {
    match ty {
        Type::Param(number) => open[*number as usize % 2].clone(),
        Type::List(it) => Type::list(filled(it, open)),
        Type::Map(key, value) => Type::map(filled(key, open), filled(value, open)),
        Type::Optional(it) => Type::optional(filled(it, open)),
        Type::TypeOf(it) => Type::TypeOf(filled(it, open).into()),
        other => other.clone(),
    }
}

fn named_type(name: &str) -> Option<Type> {
    let denoted = match name {
        "google.protobuf.Timestamp" => Type::Timestamp,
        "google.protobuf.Duration" => Type::Duration,
        "net.IP" => Type::Opaque("net.IP"),
        "net.CIDR" => Type::Opaque("net.CIDR"),
        _ => return None,
    };
    Some(Type::TypeOf(denoted.into()))
}

fn literal_type(value: &Value) -> Type {
    match value {
        Value::Null => Type::Null,
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Uint(_) => Type::Uint,
        Value::Double(_) => Type::Double,
        Value::Bytes(_) => Type::Bytes,
        _ => Type::String,
    }
}

/// Literals that a function cannot read.
fn literals(expr: &Expr, issues: &mut Vec<Issue>) {
    if let Kind::Call { function, target, args } = &expr.kind {
        let text = |at: usize| match args.get(at).map(|it| (&it.kind, it.at)) {
            Some((Kind::Literal(Value::Text(text)), at)) => Some((text.to_string(), at)),
            _ => None,
        };
        let (bad, place) = match (function.as_str(), text(0)) {
            ("timestamp", Some((text, at))) => (crate::functions::time::timestamp(&text).is_none(), at),
            ("duration", Some((text, at))) => (gyre_go::duration::Duration::parse(&text).is_err(), at),
            ("matches", _) => match text(args.len() - 1) {
                Some((text, at)) => (gyre_go::regexp::Regexp::parse(&text).is_err(), at),
                None => (false, 0),
            },
            _ => (false, 0),
        };
        if bad && (target.is_none() || function == "matches") {
            issues.push(Issue::new(place, format!("invalid {function} argument")));
        }
    }
    for below in children(expr) {
        literals(below, issues);
    }
}

/// The expressions that one is made of.
pub(crate) fn children(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        Kind::Literal(_) | Kind::Ident(_) => Vec::new(),
        Kind::Select { operand, .. } | Kind::Has { operand, .. } => vec![operand],
        Kind::Call { target, args, .. } => target.iter().map(AsRef::as_ref).chain(args).collect(),
        Kind::List(items) => items.iter().map(|it| &it.expr).collect(),
        Kind::Map(entries) => entries.iter().flat_map(|(key, item)| [key, &item.expr]).collect(),
        Kind::Message { fields, .. } => fields.iter().map(|(_, it)| it).collect(),
        Kind::Fold(fold) => [&fold.range].into_iter().chain(&fold.filter).chain([&fold.body]).collect(),
        Kind::Bind { init, body, .. } => vec![init, body],
        Kind::OptMap { operand, body, .. } => vec![operand, body],
    }
}
