//! `metadata.managedFields`: who owns which fields, read from and written to an object.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use super::fields::{Element, Set};

/// Entries of updates are folded together once there are more than this.
const UPDATERS_MAX: usize = 10;
/// The manager that the oldest updates are folded into.
const ANCIENT: &str = "ancient-changes";

/// How a manager came to own its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// By server-side apply.
    Apply,
    /// By any other write.
    Update,
}

impl Operation {
    fn text(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// Tells managers apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ManagerId {
    /// The field manager's name.
    pub name: String,
    /// How it writes.
    pub operation: Operation,
    /// The version it wrote, for updates; an applier is the same in every version.
    pub api_version: String,
    /// The subresource it wrote through, or nothing.
    pub subresource: String,
}

/// What a manager owns.
#[derive(Clone, Debug, PartialEq)]
pub struct Managed {
    /// Its fields.
    pub set: Set,
    /// The version that the fields are of.
    pub api_version: String,
    /// When it last changed something.
    pub time: Option<String>,
}

/// All managers of an object.
pub type Managers = BTreeMap<ManagerId, Managed>;

/// Reads the entries of `metadata.managedFields`; an error tells what is wrong with one.
pub fn decode(list: Option<&Value>) -> Result<Managers, String> {
    let mut managers = Managers::new();
    for entry in list.and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let operation = match entry["operation"].as_str() {
            Some("Apply") => Operation::Apply,
            Some("Update") => Operation::Update,
            other => {
                return Err(format!("invalid operation {:?}", other.unwrap_or_default()));
            }
        };
        let api_version = text("apiVersion");
        let id = ManagerId {
            name: text("manager"),
            operation,
            api_version: if operation == Operation::Apply { String::new() } else { api_version.clone() },
            subresource: text("subresource"),
        };
        let set = Set::from_json(&entry["fieldsV1"])?;
        managers.insert(id, Managed { set, api_version, time: entry["time"].as_str().map(Into::into) });
    }
    Ok(managers)
}

/// The entries of `metadata.managedFields`: appliers first, then by time and name.
pub fn encode(managers: &Managers) -> Vec<Value> {
    let mut entries: Vec<_> = managers.iter().collect();
    entries.sort_by(|(a, left), (b, right)| {
        (a.operation, &left.time, &a.name, &left.api_version, &a.subresource).cmp(&(
            b.operation,
            &right.time,
            &b.name,
            &right.api_version,
            &b.subresource,
        ))
    });
    entries.into_iter().map(|(id, managed)| entry(id, managed)).collect()
}

fn entry(id: &ManagerId, managed: &Managed) -> Value {
    let mut out = Map::new();
    out.insert("apiVersion".into(), json!(managed.api_version));
    out.insert("fieldsType".into(), json!("FieldsV1"));
    out.insert("fieldsV1".into(), managed.set.to_json());
    out.insert("manager".into(), json!(id.name));
    out.insert("operation".into(), json!(id.operation.text()));
    if !id.subresource.is_empty() {
        out.insert("subresource".into(), json!(id.subresource));
    }
    if let Some(time) = &managed.time {
        out.insert("time".into(), json!(time));
    }
    Value::Object(out)
}

/// Takes `managedFields` out of an object.
pub fn strip(object: &mut Value) -> Option<Value> {
    object.get_mut("metadata")?.as_object_mut()?.remove("managedFields")
}

/// An object as it is without its `managedFields`.
pub(super) fn stripped(object: &Value) -> Cow<'_, Value> {
    let (Some(_), Value::Object(fields)) = (held(object), object) else { return Cow::Borrowed(object) };
    let bare = fields.iter().map(|(key, value)| match value {
        Value::Object(metadata) if key == "metadata" => {
            let rest = metadata.iter().filter(|(key, _)| *key != "managedFields");
            (key.clone(), Value::Object(rest.map(|(key, value)| (key.clone(), value.clone())).collect()))
        }
        value => (key.clone(), value.clone()),
    });
    Cow::Owned(Value::Object(bare.collect()))
}

/// The `managedFields` of an object.
pub(super) fn held(object: &Value) -> Option<&Value> {
    object.get("metadata")?.get("managedFields")
}

/// Writes the managers into an object, or nothing where there are none.
pub fn put(object: &mut Value, managers: &Managers) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        if !managers.is_empty() {
            metadata.insert("managedFields".into(), Value::Array(encode(managers)));
        }
    }
}

/// Folds the oldest updates into one entry where there are too many.
pub(super) fn cap(managers: &mut Managers) {
    let updaters = |managers: &Managers| {
        let mut ids: Vec<(Option<String>, ManagerId)> = managers
            .iter()
            .filter(|(id, _)| id.operation == Operation::Update && id.subresource.is_empty())
            .map(|(id, managed)| (managed.time.clone(), id.clone()))
            .collect();
        ids.sort();
        ids
    };
    let ids = updaters(managers);
    if ids.len() <= UPDATERS_MAX {
        return;
    }
    for (_, id) in ids.iter().filter(|(_, id)| id.name != ANCIENT) {
        if updaters(managers).len() <= UPDATERS_MAX {
            break;
        }
        let Some(managed) = managers.remove(id) else { continue };
        let bucket = ManagerId { name: ANCIENT.into(), ..id.clone() };
        match managers.get_mut(&bucket) {
            Some(old) => {
                old.set = old.set.union(&managed.set);
                old.time = old.time.clone().max(managed.time);
            }
            None => {
                managers.insert(bucket, managed);
            }
        }
    }
}

/// Fields of every object that nobody owns.
pub(super) fn unowned() -> &'static Set {
    static UNOWNED: OnceLock<Set> = OnceLock::new();
    UNOWNED.get_or_init(unowned_fields)
}

fn unowned_fields() -> Set {
    let mut set = Set::default();
    let field = |name: &str| Element::Field(name.to_owned());
    for name in ["apiVersion", "kind", "metadata"] {
        set.insert(&[field(name)]);
    }
    let of_metadata = [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    ];
    for name in of_metadata {
        set.insert(&[field("metadata"), field(name)]);
    }
    set
}
