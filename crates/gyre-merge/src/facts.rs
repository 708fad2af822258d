//! Facts about the built-in kinds of Kubernetes: resources, fields, types, merge keys, list types.
//!
//! They are embedded as text (`facts/builtin.txt`, written by `cargo run -p xtask -- facts DIR`) and read once, when
//! first asked for. Lines that begin with `r` are resources; a line `t <name>` opens a type, and the lines after it are its
//! fields: name, type (`str int32 int64 num bool bytes time micro qty ios any`, `[` list of, `{` map of, `>` reference),
//! then `!` required, `d=` default, `e=` allowed values, `l=` keys of a list map, `set`, `atomic`, `p=strategy:key`,
//! `z` left out at zero, `a` always written, `n` written as null where missing, `g=` Go type, `i=` structs that it is embedded
//! in, `#` field numbers of protobuf.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::schema::{Field, List, ListKind, MapType, Patch, Presence, Scalar, Struct, StructRef, Type};

const TEXT: &str = include_str!("facts/builtin.txt");

/// One resource that a Kubernetes API serves.
#[derive(Clone, Debug)]
pub struct Resource {
    /// API group, empty for the first.
    pub group: &'static str,
    /// Version.
    pub version: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Name in paths.
    pub plural: &'static str,
    /// Name of one.
    pub singular: &'static str,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Short names.
    pub short_names: Vec<&'static str>,
    /// Categories such as `all`.
    pub categories: Vec<&'static str>,
    /// Verbs.
    pub verbs: Vec<&'static str>,
    /// Name of its type.
    pub schema: &'static str,
    /// Subresources.
    pub subresources: Vec<Subresource>,
}

/// A part of a resource with a path of its own.
#[derive(Clone, Debug)]
pub struct Subresource {
    /// Name, such as `status`.
    pub name: &'static str,
    /// Group of what it answers, where it differs from the resource's.
    pub group: &'static str,
    /// Version of what it answers, where it differs.
    pub version: &'static str,
    /// Kind of what it answers.
    pub kind: &'static str,
    /// Verbs.
    pub verbs: Vec<&'static str>,
}

struct Facts {
    resources: Vec<Resource>,
    structs: Vec<Struct>,
    by_name: HashMap<&'static str, u32>,
    by_kind: HashMap<(&'static str, &'static str, &'static str), u32>,
}

fn facts() -> &'static Facts {
    static FACTS: OnceLock<Facts> = OnceLock::new();
    FACTS.get_or_init(|| read(TEXT))
}

/// Every built-in resource, in the order of discovery.
pub fn resources() -> &'static [Resource] {
    &facts().resources
}

/// The type of an object by group, version and kind; `None` for kinds that are not built in.
pub fn kind(group: &str, version: &str, kind: &str) -> Option<Type> {
    let index = facts().by_kind.get(&(group, version, kind)).copied()?;
    Some(Type::Struct(StructRef::Builtin(index)))
}

/// A type by its schema name, such as `io.k8s.api.core.v1.PodSpec`.
pub fn named(name: &str) -> Option<Type> {
    facts().by_name.get(name).map(|index| Type::Struct(StructRef::Builtin(*index)))
}

/// Every type with its name.
pub fn structs() -> &'static [Struct] {
    &facts().structs
}

/// The type of `metadata`.
pub fn object_meta() -> Type {
    named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta").unwrap_or(Type::Any)
}

pub(crate) fn struct_at(index: u32) -> &'static Struct {
    &facts().structs[index as usize]
}

fn read(text: &'static str) -> Facts {
    let mut by_name = HashMap::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("t ") {
            let index = u32::try_from(by_name.len()).unwrap_or(u32::MAX);
            by_name.insert(name.split(' ').next().unwrap_or(name), index);
        }
    }
    let mut resources = Vec::new();
    let mut structs: Vec<Struct> = Vec::with_capacity(by_name.len());
    let mut keyed = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("r ") {
            resources.extend(read_resource(rest));
        } else if let Some(rest) = line.strip_prefix("t ") {
            let mut words = rest.split(' ');
            let name = words.next().unwrap_or_default().to_owned();
            structs.push(Struct { name, atomic: words.next() == Some("atomic"), ..Struct::default() });
        } else if !line.starts_with('#')
            && let Some(current) = structs.last_mut()
            && let Some((name, field, keys)) = read_field(line, &by_name)
        {
            if !keys.is_empty() {
                keyed.push((structs.len() - 1, name.clone(), keys));
                current_field(&mut structs, name, field);
                continue;
            }
            current.fields.insert(name, field);
        }
    }
    for (index, name, keys) in keyed {
        complete_list(&mut structs, index, &name, keys);
    }
    let by_kind = kinds(&resources, &by_name);
    Facts { resources, structs, by_name, by_kind }
}

fn current_field(structs: &mut [Struct], name: String, field: Field) {
    if let Some(current) = structs.last_mut() {
        current.fields.insert(name, field);
    }
}

/// Marks a field whose struct is atomic elsewhere but not here.
const GRANULAR: &str = "granular";

/// Gives a field a copy of its struct that is merged field by field.
fn divide(structs: &mut [Struct], index: usize, name: &str) {
    let Some(Type::Struct(StructRef::Builtin(at))) = structs[index].fields.get(name).map(|it| it.ty.clone())
    else {
        return;
    };
    let mut copy = structs[at as usize].clone();
    copy.atomic = false;
    if let Some(field) = structs[index].fields.get_mut(name) {
        field.ty = Type::Struct(StructRef::Owned(Arc::new(copy)));
    }
}

/// The keys of a list map get the defaults of the item's fields, which may stand further down in the text.
fn complete_list(structs: &mut [Struct], index: usize, name: &str, keys: &'static str) {
    if keys == GRANULAR {
        divide(structs, index, name);
        return;
    }
    let Some(item) = structs[index].fields.get(name).map(|field| field.ty.item().clone()) else { return };
    let default_of = |key: &str| match &item {
        Type::Struct(StructRef::Builtin(at)) => structs
            .get(*at as usize)
            .and_then(|it| it.fields.get(key))
            .and_then(|field| field.default.clone()),
        _ => None,
    };
    let keys = keys.split(',').map(|key| (key.to_owned(), default_of(key))).collect();
    if let Some(field) = structs[index].fields.get_mut(name) {
        field.ty = Type::List(Arc::new(List { item, kind: ListKind::Map(keys) }));
    }
}

fn kinds(
    resources: &[Resource],
    by_name: &HashMap<&'static str, u32>,
) -> HashMap<(&'static str, &'static str, &'static str), u32> {
    let mut found: HashMap<_, _> = resources
        .iter()
        .filter_map(|it| Some(((it.group, it.version, it.kind), *by_name.get(it.schema)?)))
        .collect();
    let others = [
        ("autoscaling", "v1", "Scale", "io.k8s.api.autoscaling.v1.Scale"),
        ("policy", "v1", "Eviction", "io.k8s.api.policy.v1.Eviction"),
        ("authentication.k8s.io", "v1", "TokenRequest", "io.k8s.api.authentication.v1.TokenRequest"),
    ];
    for (group, version, kind, schema) in others {
        found.extend(by_name.get(schema).map(|index| ((group, version, kind), *index)));
    }
    found
}

fn words(list: &'static str) -> Vec<&'static str> {
    if list == "-" { Vec::new() } else { list.split(',').collect() }
}

fn dash(word: &'static str) -> &'static str {
    if word == "-" { "" } else { word }
}

fn read_resource(line: &'static str) -> Option<Resource> {
    let parts: Vec<&'static str> = line.split(' ').collect();
    let [group, version, kind, plural, singular, scope, short, categories, verbs, schema, rest @ ..] =
        &parts[..]
    else {
        return None;
    };
    let subresource = |text: &&'static str| {
        let mut fields = text.splitn(3, '=');
        let (name, of, verbs) = (fields.next()?, fields.next()?, fields.next()?);
        let mut of = of.splitn(3, '/');
        let (group, version, kind) = (of.next()?, of.next()?, of.next()?);
        Some(Subresource { name, group, version, kind, verbs: words(verbs) })
    };
    Some(Resource {
        group: dash(group),
        version,
        kind,
        plural,
        singular: dash(singular),
        namespaced: *scope == "N",
        short_names: words(short),
        categories: words(categories),
        verbs: words(verbs),
        schema: dash(schema),
        subresources: rest.iter().filter_map(subresource).collect(),
    })
}

fn read_field(
    line: &'static str,
    by_name: &HashMap<&'static str, u32>,
) -> Option<(String, Field, &'static str)> {
    let mut parts = line.split(' ');
    let (name, ty) = (parts.next()?, parts.next()?);
    let (mut atomic, mut set, mut keys) = (false, false, "");
    let mut granular = false;
    let mut field = Field::of(Type::Any);
    for word in parts {
        match word.split_once('=') {
            Some(("d", json)) => field.default = serde_json::from_str::<Value>(json).ok(),
            Some(("e", list)) => field.allowed = list.split(',').map(Into::into).collect(),
            Some(("l", list)) => keys = list,
            Some(("g", name)) => field.go_type = Some(name.to_owned()),
            Some(("i", names)) => field.embedded = Some(names.to_owned()),
            Some(("p", patch)) => field.patch = read_patch(patch),
            _ if word.starts_with('#') => {
                field.numbers = word[1..].split('.').filter_map(|it| it.parse().ok()).collect();
            }
            _ => match word {
                "!" => field.required = true,
                "atomic" => atomic = true,
                "set" => set = true,
                "granular" => granular = true,
                "z" => field.presence = Presence::DroppedAtZero,
                "a" => field.presence = Presence::Always,
                "n" => field.presence = Presence::Nullable,
                _ => {}
            },
        }
    }
    field.ty = read_type(ty, by_name, atomic, set);
    Some((name.to_owned(), field, if granular { GRANULAR } else { keys }))
}

fn read_patch(text: &str) -> Patch {
    let (strategies, key) = text.split_once(':').unwrap_or((text, ""));
    Patch {
        merge: strategies.split(',').any(|it| it == "merge"),
        retain_keys: strategies.split(',').any(|it| it == "retainKeys"),
        merge_key: (!key.is_empty()).then(|| key.to_owned()),
    }
}

fn read_type(text: &'static str, by_name: &HashMap<&'static str, u32>, atomic: bool, set: bool) -> Type {
    if let Some(item) = text.strip_prefix('[') {
        // compat(structured-merge-diff): a list without a list type is atomic.
        let kind = if set { ListKind::Set } else { ListKind::Atomic };
        return Type::List(Arc::new(List { item: read_type(item, by_name, false, false), kind }));
    }
    if let Some(value) = text.strip_prefix('{') {
        return Type::Map(Arc::new(MapType { value: read_type(value, by_name, false, false), atomic }));
    }
    if let Some(name) = text.strip_prefix('>') {
        return by_name.get(name).map_or(Type::Any, |index| {
            let it = Type::Struct(StructRef::Builtin(*index));
            if atomic { Type::Map(Arc::new(MapType { value: Type::Any, atomic: true })) } else { it }
        });
    }
    match text {
        "str" => Type::Scalar(Scalar::String),
        "int32" => Type::Scalar(Scalar::Int32),
        "int64" => Type::Scalar(Scalar::Int64),
        "num" => Type::Scalar(Scalar::Number),
        "bool" => Type::Scalar(Scalar::Bool),
        "bytes" => Type::Scalar(Scalar::Bytes),
        "time" => Type::Scalar(Scalar::Time),
        "micro" => Type::Scalar(Scalar::MicroTime),
        "qty" => Type::Scalar(Scalar::Quantity),
        "ios" => Type::Scalar(Scalar::IntOrString),
        _ => Type::Any,
    }
}

/// Group, version and kind of every type that is the root of an object.
pub fn kinds_by_schema() -> BTreeMap<&'static str, Vec<(&'static str, &'static str, &'static str)>> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (gvk, index) in &facts().by_kind {
        found.entry(facts().structs[*index as usize].name.as_str()).or_default().push(*gvk);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_merge_by_name_and_ports_know_their_default_protocol() {
        let pod = kind("", "v1", "Pod").unwrap();
        let spec = pod.field("spec").as_struct().unwrap();
        assert_eq!(spec.fields["containers"].patch.merge_key.as_deref(), Some("name"));
        let container = pod.field("spec").field("containers").item();
        let Type::List(ports) = container.field("ports") else { panic!("ports are a list") };
        assert_eq!(
            ports.kind,
            ListKind::Map(vec![
                ("containerPort".into(), Some(Value::from(0))),
                ("protocol".into(), Some(Value::from("TCP")))
            ])
        );
    }

    #[test]
    fn every_resource_but_the_oldest_has_a_type() {
        let missing: Vec<_> =
            resources().iter().filter(|it| kind(it.group, it.version, it.kind).is_none()).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn a_deployment_has_a_scale() {
        let deployment = resources().iter().find(|it| it.plural == "deployments").unwrap();
        let scale = deployment.subresources.iter().find(|it| it.name == "scale").unwrap();
        assert_eq!((scale.group, scale.version, scale.kind), ("autoscaling", "v1", "Scale"));
    }
}
