//! Arguments: how many, and of which types.

use super::ExecError;
use super::eval::Callee;
use super::walk::{Place, Slot, State};
use crate::node::{Node, NodeKind};
use crate::value::{Element, IntKind, MapKind, Type, Value};

impl<'t> State<'t, '_, '_> {
    pub(super) fn check_count(
        &self,
        callee: &Callee<'_>,
        args: usize,
        has_last: bool,
    ) -> Result<(), ExecError> {
        let given = args + usize::from(has_last);
        let (name, want) = (callee.name, callee.params.len());
        if callee.variadic {
            if given + 1 < want {
                let want = want - 1;
                return Err(
                    self.error(format!("wrong number of args for {name}: want at least {want} got {args}"))
                );
            }
        } else if given != want {
            return Err(self.error(format!("wrong number of args for {name}: want {want} got {given}")));
        }
        Ok(())
    }

    /// Evaluates the arguments of a call; the first node is what is called.
    pub(super) fn arguments(
        &mut self,
        dot: &Slot,
        callee: &Callee<'t>,
        args: &'t [Node],
        last: Option<Slot>,
    ) -> Result<Vec<Value>, ExecError> {
        let args = args.get(1..).unwrap_or_default();
        self.check_count(callee, args.len(), last.is_some())?;
        let type_at = |index: usize| {
            let params = callee.params;
            params.get(index).or(params.last().filter(|_| callee.variadic)).copied().unwrap_or(Type::Any)
        };
        let mut values = Vec::with_capacity(args.len() + 1);
        for (index, arg) in args.iter().enumerate() {
            values.push(self.argument(dot, type_at(index), arg)?.value);
        }
        if let Some(last) = last {
            let value = self.checked(last, type_at(args.len()))?;
            values.push(value.value);
        }
        // Go's own functions tell no value from a nil; others see a nil in both cases.
        if callee.name != "len" {
            values
                .iter_mut()
                .filter(|value| matches!(value, Value::Invalid))
                .for_each(|value| *value = Value::Nil);
        }
        Ok(values)
    }

    pub(super) fn argument(&mut self, dot: &Slot, want: Type, node: &'t Node) -> Result<Slot, ExecError> {
        self.at(node);
        let value = match &node.kind {
            NodeKind::Dot => dot.clone(),
            NodeKind::Nil => {
                if !want.can_be_nil() {
                    return Err(self.error(format!("cannot assign nil to {}", want.name())));
                }
                return Ok(Slot::plain(if want == Type::Any { Value::Invalid } else { want.nil() }));
            }
            NodeKind::Field(names) => self.fields(dot, dot.clone(), names, node, &[], None)?,
            NodeKind::Variable(_) => self.variable(dot, node, &[], None)?,
            NodeKind::Pipe(pipe) => self.pipe(dot, pipe)?,
            NodeKind::Identifier(name) => {
                self.function(dot, name, Place { at: node.at, shown: node }, &[], None)?
            }
            NodeKind::Chain { .. } => self.chain(dot, node, &[], None)?,
            _ => return self.literal(want, node),
        };
        self.checked(value, want)
    }

    /// A constant as an argument: it has to be one of the type.
    fn literal(&mut self, want: Type, node: &'t Node) -> Result<Slot, ExecError> {
        let expected = |what: &str| format!("expected {what}; found {node}");
        let value = match (want, &node.kind) {
            (Type::Any | Type::Bool, NodeKind::Bool(value)) => Value::Bool(*value),
            (Type::Any, NodeKind::Number(number)) => self.number(number)?,
            (Type::Any | Type::Str, NodeKind::String { text, .. }) => Value::Str(text.clone()),
            (Type::Int, NodeKind::Number(number)) => match number.int {
                Some(value) => Value::int(value),
                None => return Err(self.error(expected("integer"))),
            },
            (Type::Uint32, NodeKind::Number(number)) => match number.uint {
                Some(value) => Value::Int(i64::from(value as u32), IntKind::Int),
                None => return Err(self.error(expected("unsigned integer"))),
            },
            (Type::Float, NodeKind::Number(number)) => match number.float {
                Some(value) => Value::Float(value),
                None => return Err(self.error(expected("float"))),
            },
            (Type::Bool, _) => return Err(self.error(expected("bool"))),
            (Type::Str, _) => return Err(self.error(expected("string"))),
            (Type::Int, _) => return Err(self.error(expected("integer"))),
            (Type::Uint32, _) => return Err(self.error(expected("unsigned integer"))),
            (Type::Float, _) => return Err(self.error(expected("float"))),
            _ => {
                let text = format!("can't handle {node} for arg of type {}", want.name());
                return Err(self.error(text));
            }
        };
        Ok(Slot::plain(value))
    }

    /// Go's `validateType`.
    pub(super) fn checked(&self, slot: Slot, want: Type) -> Result<Slot, ExecError> {
        let fits = match (&slot.value, want) {
            (_, Type::Any) => return Ok(slot),
            (Value::Invalid, _) if want.can_be_nil() => return Ok(Slot::plain(want.nil())),
            (Value::Invalid, _) => {
                return Err(self.error(format!("invalid value; expected {}", want.name())));
            }
            (Value::Str(_), Type::Str)
            | (Value::Bool(_), Type::Bool)
            | (Value::Int(_, IntKind::Int), Type::Int)
            | (Value::Float(_), Type::Float)
            | (Value::Time(_), Type::Time) => true,
            (Value::Map(map), Type::Map) => map.kind != MapKind::Str,
            (Value::List(list), Type::List) => list.element == Element::Any,
            (Value::Object(object), Type::Object(name)) => object.type_name() == name,
            _ => false,
        };
        if fits {
            return Ok(slot);
        }
        Err(self.error(format!(
            "wrong type for value; expected {}; got {}",
            want.name(),
            slot.value.type_name()
        )))
    }
}
