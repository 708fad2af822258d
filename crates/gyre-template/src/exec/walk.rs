//! Walks over the nodes of a template and writes what they make.

use std::fmt::Display;
use std::sync::Arc;

use gyre_go::strconv::quote;

use super::{ExecError, Machine};
use crate::node::{Branch, List, Node, NodeKind, Pipe};
use crate::parse::Tree;
use crate::text::Text;
use crate::value::{Element, IntKind, MapKind, Value};

/// A value, and whether an `interface {}` holds it: Go's texts name the type of the holder.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slot {
    pub(super) value: Value,
    pub(super) boxed: bool,
}

impl Slot {
    pub(crate) fn plain(value: Value) -> Self {
        Self { value, boxed: false }
    }

    pub(super) fn boxed(value: Value) -> Self {
        Self { value, boxed: true }
    }

    /// The type that a text names.
    pub(super) fn type_name(&self) -> String {
        if self.boxed { "interface {}".into() } else { self.value.type_name() }
    }
}

/// How a list of nodes ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
}

/// The node that an error names.
#[derive(Clone, Copy)]
pub(super) struct Place<'t> {
    pub(super) at: usize,
    pub(super) shown: &'t dyn Display,
}

/// One template being executed.
pub(super) struct State<'t, 'm, 'a> {
    pub(super) machine: &'m mut Machine<'a>,
    pub(super) tree: &'t Tree,
    pub(super) variables: Vec<(Arc<str>, Slot)>,
    pub(super) place: Option<Place<'t>>,
}

/// Executes one template.
pub(super) fn run(
    machine: &mut Machine<'_>,
    tree: &Tree,
    dot: &Slot,
    out: &mut Vec<u8>,
) -> Result<(), ExecError> {
    let mut state = State { machine, tree, variables: vec![("$".into(), dot.clone())], place: None };
    if let Err(why) = state.machine.enter() {
        return Err(state.error(why));
    }
    let done = state.list(dot, &tree.root, out);
    state.machine.leave();
    done.map(|_| ())
}

impl<'t> State<'t, '_, '_> {
    /// An error at the present place, in Go's form.
    pub(super) fn error(&self, what: impl Display) -> ExecError {
        let name = &self.tree.name;
        let Some(place) = self.place else { return ExecError(format!("template: {name}: {what}")) };
        let source = &self.tree.source;
        let before = &source.text[..place.at.min(source.text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1);
        let context = place.shown;
        let name = quote(name.as_bytes());
        ExecError(format!(
            "template: {}:{line}:{column}: executing {name} at <{context}>: {what}",
            source.name
        ))
    }

    pub(super) fn at(&mut self, node: &'t Node) {
        self.place = Some(Place { at: node.at, shown: node });
    }

    fn list(&mut self, dot: &Slot, list: &'t List, out: &mut Vec<u8>) -> Result<Flow, ExecError> {
        for node in &list.nodes {
            let flow = self.node(dot, node, out)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn node(&mut self, dot: &Slot, node: &'t Node, out: &mut Vec<u8>) -> Result<Flow, ExecError> {
        self.at(node);
        if let Err(why) = self.machine.step() {
            return Err(self.error(why));
        }
        match &node.kind {
            NodeKind::Text(text) => self.write(text.bytes(), out)?,
            NodeKind::Action(pipe) => {
                let value = self.pipe(dot, pipe)?;
                if pipe.variables.is_empty() {
                    self.at(node);
                    if let Value::Object(object) = &value.value
                        && pipe.is_place()
                        && let Some(text) = object.text_in_place()
                    {
                        self.write(text.as_bytes(), out)?;
                        return Ok(Flow::Next);
                    }
                    if let Err(why) = self.machine.print(&value.value, out) {
                        return Err(self.error(why));
                    }
                }
            }
            NodeKind::Break => return Ok(Flow::Break),
            NodeKind::Continue => return Ok(Flow::Continue),
            NodeKind::If(branch) => return self.branch(dot, branch, false, out),
            NodeKind::With(branch) => return self.branch(dot, branch, true, out),
            NodeKind::Range(branch) => return self.range(dot, branch, out),
            NodeKind::Template { name, pipe } => {
                let Some(tree) = self.machine.look_up(name) else {
                    return Err(self.error(format!("template {} not defined", quote(name.as_bytes()))));
                };
                // Told of the one that calls, before anything is worked out for what is called.
                if let Err(why) = self.machine.enter() {
                    return Err(self.error(why));
                }
                self.machine.leave();
                let dot = match pipe {
                    Some(pipe) => self.pipe(dot, pipe)?,
                    None => Slot::default(),
                };
                run(self.machine, &tree, &dot, out)?;
            }
            _ => return Err(self.error(format!("unknown node: {node}"))),
        }
        Ok(Flow::Next)
    }

    fn write(&mut self, text: &[u8], out: &mut Vec<u8>) -> Result<(), ExecError> {
        out.extend_from_slice(text);
        self.machine.count(text.len()).map_err(|why| self.error(why))
    }

    fn branch(
        &mut self,
        dot: &Slot,
        branch: &'t Branch,
        is_with: bool,
        out: &mut Vec<u8>,
    ) -> Result<Flow, ExecError> {
        let mark = self.variables.len();
        let value = self.pipe(dot, &branch.pipe)?;
        let flow = if value.value.is_true() {
            self.list(if is_with { &value } else { dot }, &branch.list, out)
        } else {
            branch.otherwise.as_ref().map_or(Ok(Flow::Next), |list| self.list(dot, list, out))
        };
        self.variables.truncate(mark);
        flow
    }

    fn range(&mut self, dot: &Slot, branch: &'t Branch, out: &mut Vec<u8>) -> Result<Flow, ExecError> {
        let outer = self.variables.len();
        let over = self.pipe(dot, &branch.pipe)?.value;
        let over = match &over {
            Value::Object(object) => object.contents().unwrap_or(over),
            _ => over,
        };
        let mark = self.variables.len();
        let mut ran = false;
        if let Value::Int(count, kind) = over {
            if branch.pipe.variables.len() > 1 {
                return Err(self.error(format!("can't use {count} to iterate over more than one variable")));
            }
            for number in 0..count {
                ran = true;
                let item = Slot::plain(Value::Int(number, kind));
                if self.iteration(branch, Slot::default(), &item, mark, out)? == Flow::Break {
                    break;
                }
            }
        } else {
            let Some(pairs) = pairs(&over) else {
                let shown = String::from_utf8_lossy(&over.shown()).into_owned();
                return Err(self.error(format!("range can't iterate over {shown}")));
            };
            for (index, item) in pairs {
                ran = true;
                if self.iteration(branch, index, &item, mark, out)? == Flow::Break {
                    break;
                }
            }
        }
        let mut flow = Flow::Next;
        if !ran && let Some(list) = &branch.otherwise {
            flow = self.list(dot, list, out)?;
        }
        self.variables.truncate(outer);
        Ok(flow)
    }

    fn iteration(
        &mut self,
        branch: &'t Branch,
        index: Slot,
        item: &Slot,
        mark: usize,
        out: &mut Vec<u8>,
    ) -> Result<Flow, ExecError> {
        if let Err(why) = self.machine.step() {
            return Err(self.error(why));
        }
        match &branch.pipe.variables[..] {
            [] => {}
            [only] => self.bind(&branch.pipe, only, item.clone(), mark, 1)?,
            [first, second, ..] => {
                self.bind(&branch.pipe, second, item.clone(), mark, 1)?;
                self.bind(&branch.pipe, first, index, mark, 2)?;
            }
        }
        let flow = self.list(item, &branch.list, out);
        self.variables.truncate(mark);
        match flow? {
            Flow::Break => Ok(Flow::Break),
            Flow::Next | Flow::Continue => Ok(Flow::Next),
        }
    }

    fn bind(
        &mut self,
        pipe: &Pipe,
        name: &Arc<str>,
        value: Slot,
        mark: usize,
        from_end: usize,
    ) -> Result<(), ExecError> {
        if pipe.is_assign {
            self.assign(name, value)?;
        } else if let Some(place) = self.variables[..mark].len().checked_sub(from_end) {
            self.variables[place].1 = value;
        }
        Ok(())
    }

    pub(super) fn assign(&mut self, name: &Arc<str>, value: Slot) -> Result<(), ExecError> {
        let Some((_, slot)) = self.variables.iter_mut().rev().find(|(known, _)| known == name) else {
            return Err(self.error(format!("undefined variable: {name}")));
        };
        *slot = value;
        Ok(())
    }
}

/// Indexes and items of what a `range` runs over; a copy, since the body may change it. `None` where it has none.
fn pairs(over: &Value) -> Option<Vec<(Slot, Slot)>> {
    let numbered = |index: usize| Slot::plain(Value::int(index as i64));
    Some(match over {
        Value::List(list) => {
            let boxed = list.element == Element::Any;
            let items = list.items.borrow();
            items
                .iter()
                .enumerate()
                .map(|(index, item)| (numbered(index), Slot { value: item.clone(), boxed }))
                .collect()
        }
        Value::Bytes(bytes) => {
            let byte = |byte: &u8| Slot::plain(Value::Int(i64::from(*byte), IntKind::Uint8));
            bytes.bytes().iter().enumerate().map(|(index, item)| (numbered(index), byte(item))).collect()
        }
        Value::Map(map) => {
            let boxed = map.kind != MapKind::Str;
            let entries = map.entries.borrow();
            let slot = |(key, value): (&Text, &Value)| {
                (Slot::plain(Value::Str(key.clone())), Slot { value: value.clone(), boxed })
            };
            entries.iter().map(slot).collect()
        }
        Value::Invalid | Value::Nil => Vec::new(),
        _ => return None,
    })
}
