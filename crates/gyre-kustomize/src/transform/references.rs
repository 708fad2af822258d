//! References to names that have changed.

use std::collections::HashMap;
use std::fmt::Write as _;

use gyre_yaml::{Node, NodeValue, SmolStr, Tag};

use crate::config::Config;
use crate::error::{Error, Result, fail};
use crate::fieldspec::FieldSpec;
use crate::id::{Gvk, ResId};
use crate::node::{self, Kind};
use crate::resmap::ResMap;
use crate::resource::Resource;

/// What is asked about a resource again and again.
struct Facts {
    id: ResId,
    original_namespace: SmolStr,
    /// The kinds that it was, each once.
    was: Vec<Gvk>,
    prefixes: Vec<SmolStr>,
    suffixes: Vec<SmolStr>,
}

impl Facts {
    fn of(resource: &Resource) -> Self {
        let mut was: Vec<Gvk> = Vec::new();
        for id in resource.previous_ids() {
            if !was.contains(&id.gvk) {
                was.reserve_exact(1);
                was.push(id.gvk);
            }
        }
        Self {
            id: resource.id(),
            original_namespace: resource.original_id().effective_namespace().into(),
            was,
            prefixes: resource.memory.prefixes.clone(),
            suffixes: resource.memory.suffixes.clone(),
        }
    }

    fn was(&self, gvk: &Gvk) -> bool {
        self.was.iter().any(|was| was.is_selected(gvk))
    }

    /// Did both get the same prefixes and suffixes last? Those without any may be let through.
    fn same_affixes(&self, other: &Self, allow_empty: bool) -> bool {
        let same = |a: &[SmolStr], b: &[SmolStr]| {
            let (short, long) = if a.len() > b.len() { (b, a) } else { (a, b) };
            if short.is_empty() { allow_empty || long.is_empty() } else { long.ends_with(short) }
        };
        same(&self.prefixes, &other.prefixes) && same(&self.suffixes, &other.suffixes)
    }
}

/// The resources by every name that they had.
struct Names {
    facts: Vec<Facts>,
    by_name: HashMap<SmolStr, Vec<usize>>,
}

/// Writes the new names into all fields that refer to old ones.
pub(crate) fn fix(resources: &mut ResMap, config: &Config) -> Result<()> {
    // Without an old name there is nothing to look for; bindings are checked all the same.
    if resources.list().iter().all(|resource| resource.memory.previous.is_empty()) {
        let bindings = resources.list().iter().filter(|resource| resource.kind() == "RoleBinding");
        return bindings
            .into_iter()
            .try_for_each(|binding| subject_namespaces(&binding.node, &binding.id()).map(drop));
    }
    let facts: Vec<Facts> = resources.list().iter().map(Facts::of).collect();
    let mut by_name: HashMap<SmolStr, Vec<usize>> = HashMap::new();
    for (at, resource) in resources.list().iter().enumerate() {
        for previous in &resource.memory.previous {
            let places = by_name.entry(previous.name.clone()).or_default();
            if places.last() != Some(&at) {
                places.reserve_exact(1);
                places.push(at);
            }
        }
    }
    let names = Names { facts, by_name };
    let originals: Vec<Gvk> = resources.list().iter().map(|resource| resource.original_id().gvk).collect();
    let mut specs: HashMap<Gvk, Vec<(&Gvk, FieldSpec)>> = HashMap::new();
    for (at, gvk) in originals.into_iter().enumerate() {
        let specs = specs.entry(gvk).or_insert_with_key(|gvk| specs_of(config, gvk));
        if specs.is_empty() {
            continue;
        }
        let list = resources.contents_mut();
        let mut referrer = Referrer::new(&names, at, &list[at].node)?;
        for (target, spec) in specs {
            referrer.target = target;
            referrer.is_role = spec.path.ends_with("roleRef/name");
            let result = spec.visit(&mut list[at].node, None, &mut |node: &mut Node| referrer.set(node));
            if let Err(error) = result {
                let error = referrer.detailed(error, list);
                let id = &names.facts[at].id;
                return Err(
                    error.within(format!("updating name reference in '{}' field of '{id}'", spec.path))
                );
            }
        }
    }
    Ok(())
}

/// The fields of a kind that refer to names, each with the kind that it refers to.
fn specs_of<'a>(config: &'a Config, gvk: &Gvk) -> Vec<(&'a Gvk, FieldSpec)> {
    let mut specs = Vec::new();
    for reference in &config.name_references {
        for spec in reference.referrers.iter().filter(|spec| gvk.is_selected(&spec.gvk)) {
            specs.push((&reference.gvk, FieldSpec { gvk: Gvk::default(), ..spec.clone() }));
        }
    }
    specs
}

struct Referrer<'a> {
    names: &'a Names,
    at: usize,
    target: &'a Gvk,
    is_role: bool,
    role: Option<Gvk>,
    /// The namespaces of the service accounts that a role binding names.
    namespaces: Vec<SmolStr>,
    too_many: Vec<usize>,
}

impl<'a> Referrer<'a> {
    fn new(names: &'a Names, at: usize, node: &Node) -> Result<Self> {
        let role = node.get("roleRef").and_then(|role| {
            let group = node::raw_text(role.get("apiGroup")?).into();
            let kind = node::raw_text(role.get("kind")?).into();
            Some(Gvk { group, version: SmolStr::default(), kind })
        });
        let id = &names.facts[at].id;
        let namespaces =
            if id.gvk.kind == "RoleBinding" { subject_namespaces(node, id)? } else { Vec::new() };
        Ok(Self { names, at, target: Gvk::ANY, is_role: false, role, namespaces, too_many: Vec::new() })
    }

    fn facts(&self) -> &'a Facts {
        &self.names.facts[self.at]
    }

    fn set(&mut self, node: &mut Node) -> Result<()> {
        if node::is_null(node) {
            return Ok(());
        }
        match &mut node.value {
            NodeValue::Mapping(_) => self.set_mapping(node),
            NodeValue::Sequence(items) => {
                for item in items.iter_mut().filter(|item| !node::is_null(item)) {
                    match node::kind(item) {
                        Kind::Scalar => self.set_scalar(item)?,
                        Kind::Mapping => self.set_mapping(item)?,
                        Kind::Sequence => {
                            return fail("a list is expected to be either a string or a map of string");
                        }
                    }
                }
                Ok(())
            }
            _ => self.set_scalar(node),
        }
    }

    fn set_scalar(&mut self, node: &mut Node) -> Result<()> {
        let old = node::raw_text(node).to_owned();
        let Some(found) = self.select(&old, |_| true, false)? else { return Ok(()) };
        let new = &found.id.name;
        if *new != old {
            node::set_scalar(node, node::untagged(new.as_str()))?;
        }
        Ok(())
    }

    fn set_mapping(&mut self, node: &mut Node) -> Result<()> {
        let Some(name) = node.get("name") else { return fail("path config error; no 'name' field in node") };
        let old = node::raw_text(name).to_owned();
        let namespace = node.get("namespace").map(|namespace| node::raw_text(namespace).to_owned());
        let names = self.names;
        let cluster = crate::id::NO_NAMESPACE;
        let original = |facts: &Facts, wanted: &str| facts.original_namespace == wanted && wanted != cluster;
        let current =
            |facts: &Facts, wanted: &str| facts.id.effective_namespace() == wanted && wanted != cluster;
        let found = match &namespace {
            None => self.select(&old, |_| true, true)?,
            Some(wanted) => {
                let referable = |facts: &&Facts| self.may_refer(facts);
                if names.facts.iter().filter(referable).any(|facts| original(facts, wanted)) {
                    self.select(&old, |facts| original(facts, wanted), true)?
                } else {
                    self.select(&old, |facts| current(facts, wanted), true)?
                }
            }
        };
        let Some(found) = found else { return Ok(()) };
        if found.id.name == old && found.id.namespace.is_empty() {
            return Ok(());
        }
        node::set_field(node, "name", node::untagged(found.id.name.as_str()));
        if !found.id.namespace.is_empty() {
            node::set_field(node, "namespace", node::untagged(found.id.namespace.as_str()));
        }
        Ok(())
    }

    /// May the referrer refer to this resource at all?
    fn may_refer(&self, other: &Facts) -> bool {
        let id = &self.facts().id;
        id.cluster_scoped
            || other.id.cluster_scoped
            || other.id.same_namespace(id)
            || self.namespaces.contains(&other.id.namespace)
    }

    fn is_near(&self, other: &Facts) -> bool {
        let id = &self.facts().id;
        id.cluster_scoped
            || other.id.cluster_scoped
            || other.id.gvk.kind == "ServiceAccount"
            || id.same_namespace(&other.id)
    }

    /// The one resource that the old name means.
    fn select(
        &mut self,
        old: &str,
        fits: impl Fn(&Facts) -> bool,
        with_namespace: bool,
    ) -> Result<Option<&'a Facts>> {
        let names = self.names;
        let Some(places) = names.by_name.get(old) else { return Ok(None) };
        let role = self.role.as_ref().filter(|_| self.is_role);
        let mut candidates: Vec<usize> = places
            .iter()
            .copied()
            .filter(|&at| {
                let facts = &names.facts[at];
                self.may_refer(facts)
                    && fits(facts)
                    && facts.was(self.target)
                    && role.is_none_or(|role| facts.was(role))
                    && self.is_near(facts)
            })
            .collect();
        if candidates.len() != 1 {
            candidates.retain(|&at| names.facts[at].same_affixes(self.facts(), true));
        }
        if candidates.len() > 1 {
            candidates.retain(|&at| names.facts[at].same_affixes(self.facts(), false));
        }
        let Some(first) = candidates.first().map(|&at| &names.facts[at]) else { return Ok(None) };
        let same = candidates
            .iter()
            .map(|&at| &names.facts[at].id)
            .all(|id| id.name == first.id.name && (!with_namespace || id.namespace == first.id.namespace));
        if same {
            return Ok(Some(first));
        }
        let ids: Vec<String> = candidates.iter().map(|&at| names.facts[at].id.to_string()).collect();
        self.too_many = candidates;
        fail(format!("found multiple possible referrals: {}\n", ids.join(", ")))
    }

    /// The error with the resources that could all be meant.
    fn detailed(&self, error: Error, list: &[Resource]) -> Error {
        if self.too_many.is_empty() {
            return error;
        }
        let mut text =
            format!("\n**** Too many possible referral targets to referrer:\n{}\n", list[self.at].shown());
        for (number, &at) in self.too_many.iter().enumerate() {
            let _ = writeln!(text, "--- possible referral {number}:\n{}", list[at].shown());
        }
        Error { text: format!("{}{text}", error.text), ..error }
    }
}

fn subject_namespaces(node: &Node, id: &ResId) -> Result<Vec<SmolStr>> {
    let subjects = node.get("subjects").and_then(Node::as_sequence).unwrap_or_default();
    let mut namespaces = Vec::new();
    for subject in subjects {
        let is_account = subject.get("kind").is_some_and(|kind| node::raw_text(kind) == "ServiceAccount");
        let Some(namespace) = subject.get("namespace").filter(|_| is_account) else { continue };
        if !matches!(namespace.tag, Tag::Str | Tag::None) {
            return fail(format!("Invalid Input: namespace is blank for resource \"{id}\"\n"));
        }
        namespaces.push(node::raw_text(namespace).into());
    }
    Ok(namespaces)
}
