//! Evaluates pipelines, commands, fields and calls.

use std::sync::Arc;

use gyre_go::strconv::quote;

use super::ExecError;
use super::walk::{Place, Slot, State};
use crate::functions::{self, Function};
use crate::node::{Command, Node, NodeKind, Number, Pipe};
use crate::template::MissingKey;
use crate::value::{MapKind, Method, Object, Type, Value};

/// What is called, for its arguments.
pub(super) struct Callee<'t> {
    pub(super) name: &'t str,
    pub(super) params: &'static [Type],
    pub(super) variadic: bool,
    /// The node that an error of the call names.
    pub(super) place: Place<'t>,
}

impl<'t> State<'t, '_, '_> {
    pub(super) fn pipe(&mut self, dot: &Slot, pipe: &'t Pipe) -> Result<Slot, ExecError> {
        self.place = Some(Place { at: pipe.at, shown: pipe });
        let mut value: Option<Slot> = None;
        for command in &pipe.commands {
            let mut next = self.command(dot, command, value.take())?;
            // What an interface holds comes out of it here.
            next.boxed = false;
            if matches!(next.value, Value::Nil) {
                next.value = Value::Invalid;
            }
            value = Some(next);
        }
        let value = value.unwrap_or_default();
        for variable in &pipe.variables {
            if pipe.is_assign {
                self.assign(variable, value.clone())?;
            } else {
                self.variables.push((variable.clone(), value.clone()));
            }
        }
        Ok(value)
    }

    fn command(&mut self, dot: &Slot, command: &'t Command, last: Option<Slot>) -> Result<Slot, ExecError> {
        let first = &command.args[0];
        match &first.kind {
            NodeKind::Field(names) => {
                self.at(first);
                return self.fields(dot, dot.clone(), names, first, &command.args, last);
            }
            NodeKind::Chain { .. } => return self.chain(dot, first, &command.args, last),
            NodeKind::Identifier(name) => {
                self.at(first);
                let place = Place { at: command.at, shown: command };
                return self.function(dot, name, place, &command.args, last);
            }
            NodeKind::Pipe(pipe) => {
                self.no_arguments(&command.args, last.as_ref())?;
                return self.pipe(dot, pipe);
            }
            NodeKind::Variable(_) => return self.variable(dot, first, &command.args, last),
            _ => {}
        }
        self.at(first);
        self.no_arguments(&command.args, last.as_ref())?;
        match &first.kind {
            NodeKind::Bool(value) => Ok(Slot::plain(Value::Bool(*value))),
            NodeKind::Dot => Ok(dot.clone()),
            NodeKind::Nil => Err(self.error("nil is not a command")),
            NodeKind::Number(number) => self.number(number).map(Slot::plain),
            NodeKind::String { text, .. } => Ok(Slot::plain(Value::Str(text.clone()))),
            _ => Err(self.error(format!("can't evaluate command {}", quote(first.to_string().as_bytes())))),
        }
    }

    fn no_arguments(&self, args: &[Node], last: Option<&Slot>) -> Result<(), ExecError> {
        if args.len() > 1 || last.is_some() {
            return Err(self.error(format!("can't give argument to non-function {}", args[0])));
        }
        Ok(())
    }

    /// A number without a type of its own.
    pub(super) fn number(&self, number: &Number) -> Result<Value, ExecError> {
        let is_hex = number.written.trim_start_matches(['+', '-']).to_ascii_lowercase().starts_with("0x")
            && !number.written.contains(['p', 'P']);
        let floats = !is_hex && !number.is_char && number.written.contains(['.', 'e', 'E', 'p', 'P']);
        match (number.float, number.int) {
            (Some(value), _) if floats => Ok(Value::Float(value)),
            (_, Some(value)) => Ok(Value::int(value)),
            _ => Err(self.error(format!("{} overflows int", number.written))),
        }
    }

    pub(super) fn chain(
        &mut self,
        dot: &Slot,
        node: &'t Node,
        args: &'t [Node],
        last: Option<Slot>,
    ) -> Result<Slot, ExecError> {
        self.at(node);
        let NodeKind::Chain { node: inner, fields } = &node.kind else {
            return Err(self.error("internal error: no fields in evalChainNode"));
        };
        if matches!(inner.kind, NodeKind::Nil) {
            return Err(self.error(format!("indirection through explicit nil in {node}")));
        }
        let value = match &inner.kind {
            NodeKind::Pipe(pipe) => self.pipe(dot, pipe)?,
            NodeKind::Identifier(name) => {
                self.at(inner);
                self.function(dot, name, Place { at: inner.at, shown: &**inner }, &[], None)?
            }
            _ => return Err(self.error(format!("can't evaluate field of {inner}"))),
        };
        self.fields(dot, value, fields, node, args, last)
    }

    pub(super) fn variable(
        &mut self,
        dot: &Slot,
        node: &'t Node,
        args: &'t [Node],
        last: Option<Slot>,
    ) -> Result<Slot, ExecError> {
        self.at(node);
        let NodeKind::Variable(names) = &node.kind else { return Ok(Slot::default()) };
        let found = self.variables.iter().rev().find(|(name, _)| *name == names[0]);
        let Some((_, value)) = found else {
            return Err(self.error(format!("undefined variable: {}", names[0])));
        };
        let value = value.clone();
        if names.len() == 1 {
            if !args.is_empty() {
                self.no_arguments(args, last.as_ref())?;
            }
            return Ok(value);
        }
        self.fields(dot, value, &names[1..], node, args, last)
    }

    pub(super) fn fields(
        &mut self,
        dot: &Slot,
        mut value: Slot,
        names: &'t [Arc<str>],
        node: &'t Node,
        args: &'t [Node],
        mut last: Option<Slot>,
    ) -> Result<Slot, ExecError> {
        for (index, name) in names.iter().enumerate() {
            let is_last = index + 1 == names.len();
            let (args, last) = if is_last { (args, last.take()) } else { (&args[..0], None) };
            value = self.field(dot, &value, name, node, args, last)?;
        }
        Ok(value)
    }

    fn field(
        &mut self,
        dot: &Slot,
        receiver: &Slot,
        name: &'t str,
        node: &'t Node,
        args: &'t [Node],
        last: Option<Slot>,
    ) -> Result<Slot, ExecError> {
        let has_arguments = args.len() > 1 || last.is_some();
        match &receiver.value {
            Value::Invalid => {
                if self.machine.templates.missing_key() == MissingKey::Error {
                    let name = quote(name.as_bytes());
                    return Err(self.error(format!("nil data; no entry for key {name}")));
                }
                Ok(Slot::default())
            }
            Value::Nil => Err(self.error(format!("nil pointer evaluating interface {{}}.{name}"))),
            Value::Map(map) => {
                if map.kind == MapKind::Values && matches!(name, "YAML" | "AsMap" | "Table" | "PathValue") {
                    return self.values_method(dot, &receiver.value, name, node, args, last);
                }
                if has_arguments {
                    return Err(self.error(format!("{name} is not a method but has arguments")));
                }
                let boxed = map.kind != MapKind::Str;
                if let Some(value) = map.value(name.as_bytes()) {
                    return Ok(Slot { value, boxed });
                }
                match self.machine.templates.missing_key() {
                    MissingKey::Invalid => Ok(Slot::default()),
                    MissingKey::Zero if boxed => Ok(Slot::boxed(Value::Nil)),
                    MissingKey::Zero => Ok(Slot::plain(Value::text(""))),
                    MissingKey::Error => {
                        Err(self.error(format!("map has no entry for key {}", quote(name.as_bytes()))))
                    }
                }
            }
            Value::Object(object) => {
                let object = object.clone();
                if let Some(method) = object.method(name) {
                    return self.method(dot, &*object, name, method, node, args, last);
                }
                if let Some(value) = object.field(name) {
                    if has_arguments {
                        let text = format!("{name} has arguments but cannot be invoked as function");
                        return Err(self.error(text));
                    }
                    return Ok(Slot::plain(value));
                }
                if let Some(Value::Map(map)) = object.contents() {
                    // What is missing in a map of files is a file of no bytes.
                    let missing = || Slot::plain(Value::Bytes(b""[..].into()));
                    return Ok(map.value(name.as_bytes()).map_or_else(missing, Slot::plain));
                }
                Err(self.error(format!("can't evaluate field {name} in type {}", receiver.type_name())))
            }
            Value::Time(_) | Value::Duration(_) => {
                let Some(method) = crate::time_methods::method(&receiver.value, name) else {
                    return Err(
                        self.error(format!("can't evaluate field {name} in type {}", receiver.type_name()))
                    );
                };
                let place = Place { at: node.at, shown: node };
                let callee = Callee { name, params: method.params, variadic: method.variadic, place };
                let values = self.arguments(dot, &callee, args, last)?;
                let done = crate::time_methods::call(&receiver.value, name, &values);
                self.called(&callee, done)
            }
            _ => Err(self.error(format!("can't evaluate field {name} in type {}", receiver.type_name()))),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what a call of Go's evaluator has")]
    fn method(
        &mut self,
        dot: &Slot,
        object: &dyn Object,
        name: &'t str,
        method: Method,
        node: &'t Node,
        args: &'t [Node],
        last: Option<Slot>,
    ) -> Result<Slot, ExecError> {
        let place = Place { at: node.at, shown: node };
        let callee = Callee { name, params: method.params, variadic: method.variadic, place };
        let values = self.arguments(dot, &callee, args, last)?;
        let done = object.call(name, &values);
        self.called(&callee, done)
    }

    /// The methods of Helm's `chartutil.Values`.
    fn values_method(
        &mut self,
        dot: &Slot,
        values: &Value,
        name: &'t str,
        node: &'t Node,
        args: &'t [Node],
        last: Option<Slot>,
    ) -> Result<Slot, ExecError> {
        const ONE: &[Type] = &[Type::Str];
        let params = if matches!(name, "Table" | "PathValue") { ONE } else { &[] };
        let place = Place { at: node.at, shown: node };
        let callee = Callee { name, params, variadic: false, place };
        let given = self.arguments(dot, &callee, args, last)?;
        let done = crate::helm::values_method(values, name, &given);
        self.called(&callee, done)
    }

    pub(super) fn function(
        &mut self,
        dot: &Slot,
        name: &'t str,
        place: Place<'t>,
        args: &'t [Node],
        last: Option<Slot>,
    ) -> Result<Slot, ExecError> {
        let Some(function) = functions::find(self.machine.templates.functions(), name) else {
            return Err(self.error(format!("{} is not a defined function", quote(name.as_bytes()))));
        };
        let callee = Callee { name, params: function.params, variadic: function.variadic, place };
        if matches!(name, "and" | "or") {
            return self.short_circuit(dot, function, &callee, args, last);
        }
        let values = self.arguments(dot, &callee, args, last)?;
        if let Err(why) = self.machine.step() {
            return Err(self.error(why));
        }
        let mut done = self.machine.run(function, &values);
        if name == "call"
            && let Err(why) = &mut done
            && why.starts_with("non-function")
        {
            // The library names the node; the function knows nothing but its value.
            let named = match (args.get(1), &values[0]) {
                (Some(node), _) => node.to_string(),
                (None, Value::Str(text)) => text.to_string_lossy().into_owned(),
                (None, other) => format!("<{} Value>", other.type_name()),
            };
            *why = format!("non-function {named} of type {}", values[0].type_name());
        }
        self.called(&callee, done)
    }

    fn called(&mut self, callee: &Callee<'t>, done: Result<Value, String>) -> Result<Slot, ExecError> {
        match done {
            Ok(value) => Ok(Slot { boxed: matches!(value, Value::Nil), value }),
            Err(why) => {
                self.place = Some(callee.place);
                Err(self.error(format!("error calling {}: {why}", callee.name)))
            }
        }
    }

    /// `and` and `or` stop at the first argument that decides.
    fn short_circuit(
        &mut self,
        dot: &Slot,
        function: &Function,
        callee: &Callee<'t>,
        args: &'t [Node],
        last: Option<Slot>,
    ) -> Result<Slot, ExecError> {
        let args = args.get(1..).unwrap_or_default();
        self.check_count(callee, args.len(), last.is_some())?;
        let decides = function.name == "or";
        let mut value = Slot::default();
        for arg in args {
            value = self.argument(dot, Type::Any, arg)?;
            if value.value.is_true() == decides {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }
}
