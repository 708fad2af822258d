//! Runs parsed templates.
//!
//! [`Machine`] is one render: the templates, the host, the limits. A `State` is one template being executed in it.

mod args;
mod eval;
mod walk;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use gyre_go::strconv::quote;

use crate::functions::Function;
use crate::host::Host;
use crate::limits::{
    BYTES_PER_STEP, DEPTH_MAX, LIST_ITEMS_MAX, OUTPUT_BYTES_MAX, STEPS_MAX, TEXT_BYTES_MAX, WEIGHT_MAX,
};
use crate::parse::Tree;
use crate::template::Templates;
use crate::text::Text;
use crate::value::Value;

/// Why a render stopped.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct ExecError(pub String);

/// Templates that a `tpl` adds to those around it.
#[derive(Debug)]
pub(crate) struct Scope {
    own: HashMap<Arc<str>, Arc<Tree>>,
    outer: Option<Rc<Scope>>,
}

/// One render.
pub struct Machine<'a> {
    pub(crate) templates: &'a Templates,
    /// The world.
    pub host: &'a mut dyn Host,
    /// Are missing required values and `fail` passed over, as `helm lint` does?
    pub lint: bool,
    pub(crate) scope: Option<Rc<Scope>>,
    pub(crate) includes: HashMap<Text, usize>,
    /// What `tpl` has parsed already.
    pub(crate) parsed: HashMap<Text, Rc<Vec<Arc<Tree>>>>,
    steps: u64,
    depth: usize,
    /// The bytes that were written so far, those of included templates too.
    written: usize,
}

impl<'a> Machine<'a> {
    /// A render of templates with a host.
    pub fn new(templates: &'a Templates, host: &'a mut dyn Host) -> Self {
        Self {
            templates,
            host,
            lint: false,
            scope: None,
            includes: HashMap::new(),
            parsed: HashMap::new(),
            steps: 0,
            depth: 0,
            written: 0,
        }
    }

    /// Executes a template: what it writes.
    pub fn execute(&mut self, name: &str, dot: Value) -> Result<Vec<u8>, ExecError> {
        let Some(tree) = self.look_up(name) else {
            return Err(ExecError(format!(
                "template: no template {} associated with template {}",
                quote(name.as_bytes()),
                quote(b"gotpl")
            )));
        };
        self.execute_tree(&tree, dot)
    }

    pub(crate) fn execute_tree(&mut self, tree: &Arc<Tree>, dot: Value) -> Result<Vec<u8>, ExecError> {
        let dot = if matches!(dot, Value::Nil) { Value::Invalid } else { dot };
        let mut out = Vec::new();
        walk::run(self, tree, &walk::Slot::plain(dot), &mut out)?;
        Ok(out)
    }

    pub(crate) fn look_up(&self, name: &str) -> Option<Arc<Tree>> {
        let mut scope = self.scope.as_ref();
        while let Some(inner) = scope {
            if let Some(tree) = inner.own.get(name) {
                return Some(tree.clone());
            }
            scope = inner.outer.as_ref();
        }
        self.templates.tree(name).cloned()
    }

    /// Runs with more templates, which only what is run sees.
    pub(crate) fn with_scope<T>(&mut self, trees: &[Arc<Tree>], run: impl FnOnce(&mut Self) -> T) -> T {
        let mut own = HashMap::new();
        for tree in trees {
            if tree.is_blank() && self.look_up(&tree.name).is_some() && &*tree.name != "gotpl" {
                continue;
            }
            own.insert(tree.name.clone(), tree.clone());
        }
        let outer = self.scope.take();
        self.scope = Some(Rc::new(Scope { own, outer: outer.clone() }));
        let result = run(self);
        self.scope = outer;
        result
    }

    /// Counts one step.
    pub(crate) fn step(&mut self) -> Result<(), String> {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            Err(format!("the template takes more than {STEPS_MAX} steps"))
        } else {
            Ok(())
        }
    }

    /// Runs a function within the limits: what it reads and makes counts as steps too.
    pub(crate) fn run(&mut self, function: &Function, args: &[Value]) -> Result<Value, String> {
        if function.walks {
            self.weigh(args)?;
        }
        let value = (function.run)(self, args)?;
        let made = match &value {
            Value::Str(text) | Value::Bytes(text) => {
                if text.len() >= TEXT_BYTES_MAX {
                    return Err(format!("the text would have more than {TEXT_BYTES_MAX} bytes"));
                }
                text.len()
            }
            Value::List(list) => {
                let length = list.items.borrow().len();
                if length > LIST_ITEMS_MAX {
                    return Err(format!("the list would have more than {LIST_ITEMS_MAX} items"));
                }
                length.saturating_mul(size_of::<Value>())
            }
            _ => 0,
        };
        self.steps += (made / BYTES_PER_STEP) as u64;
        Ok(value)
    }

    /// Counts what walking values takes.
    fn weigh(&mut self, values: &[Value]) -> Result<(), String> {
        let weight = values.iter().fold(0, |sum: usize, value| sum.saturating_add(value.weight(WEIGHT_MAX)));
        if weight > WEIGHT_MAX {
            return Err(format!("the values have more than {WEIGHT_MAX} bytes"));
        }
        self.steps += (weight / BYTES_PER_STEP) as u64;
        Ok(())
    }

    /// Prints a value.
    pub(crate) fn print(&mut self, value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
        if matches!(value, Value::List(_) | Value::Map(_)) {
            self.weigh(std::slice::from_ref(value))?;
        }
        let start = out.len();
        value.print(out);
        self.count(out.len() - start)
    }

    /// Counts bytes that are written.
    pub(crate) fn count(&mut self, bytes: usize) -> Result<(), String> {
        self.written = self.written.saturating_add(bytes);
        if self.written > OUTPUT_BYTES_MAX {
            return Err(format!("the template writes more than {OUTPUT_BYTES_MAX} bytes"));
        }
        Ok(())
    }

    /// Goes one template deeper.
    pub(crate) fn enter(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            self.depth -= 1;
            // Go's words, with its own limit in them.
            return Err("exceeded maximum template depth (100000)".into());
        }
        Ok(())
    }

    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }
}
