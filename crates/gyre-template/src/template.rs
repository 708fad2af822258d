//! A set of parsed templates, shared by any number of renders.

use std::collections::HashMap;
use std::sync::Arc;

use crate::functions;
use crate::parse::{self, ParseError, Tree};

/// What a look-up of a missing key gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingKey {
    /// No value, printed as `<no value>`.
    #[default]
    Invalid,
    /// The zero of the element type; for maps of any values that is nil.
    Zero,
    /// An error.
    Error,
}

/// Which functions templates may call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Functions {
    /// Go's own.
    Go,
    /// And sprig's without `env`, `expandenv` and `getHostByName`: Argo CD.
    Sprig,
    /// And Helm's.
    #[default]
    Helm,
}

/// Parsed templates by name. Cheap to clone; may be shared between threads.
#[derive(Clone, Debug, Default)]
pub struct Templates {
    trees: HashMap<Arc<str>, Arc<Tree>>,
    functions: Functions,
    missing_key: MissingKey,
}

impl Templates {
    /// An empty set.
    pub fn new(functions: Functions, missing_key: MissingKey) -> Self {
        Self { trees: HashMap::new(), functions, missing_key }
    }

    /// Parses a text and adds it under a name, with the templates that it defines. Later ones replace earlier ones of
    /// the same name, unless they are blank.
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), ParseError> {
        let functions = self.functions;
        let trees = parse::parse(name, text, &|name| functions::find(functions, name).is_some())?;
        for tree in trees {
            if tree.is_blank() && self.trees.contains_key(&tree.name) {
                continue;
            }
            self.trees.insert(tree.name.clone(), Arc::new(tree));
        }
        Ok(())
    }

    /// Is there a template of this name?
    pub fn contains(&self, name: &str) -> bool {
        self.trees.contains_key(name)
    }

    pub(crate) fn tree(&self, name: &str) -> Option<&Arc<Tree>> {
        self.trees.get(name)
    }

    pub(crate) fn functions(&self) -> Functions {
        self.functions
    }

    pub(crate) fn missing_key(&self) -> MissingKey {
        self.missing_key
    }
}
