//! What is in the cluster, compared without the code under test.

mod collect;
mod compare;
mod ignore;

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value};

use super::api::Api;

use self::{collect::Found, ignore::IgnoreList};

/// Which part of the cluster a dump holds: tests run in it side by side.
#[derive(Clone)]
pub(crate) struct Scope {
    /// All namespaces where this is `None`.
    namespaces: Option<Vec<String>>,
    prefixes: Vec<String>,
    /// Namespaces of which only objects with a prefix are held.
    shared: Vec<(String, String)>,
    /// Another API server than that of the shared sandbox.
    api: Option<&'static Api>,
}

impl Scope {
    /// Everything, for a cluster that no other test uses.
    pub(crate) fn cluster() -> Self {
        Self {
            namespaces: None,
            prefixes: vec![String::new()],
            shared: Vec::new(),
            api: None,
        }
    }

    /// Everything in `namespaces`, which need not exist, these namespaces themselves, and the
    /// volumes that are bound to their claims.
    pub(crate) fn namespaces(namespaces: &[&str]) -> Self {
        Self {
            namespaces: Some(namespaces.iter().map(|name| (*name).to_owned()).collect()),
            prefixes: Vec::new(),
            shared: Vec::new(),
            api: None,
        }
    }

    /// The same, with the objects outside of namespaces whose names start with `prefix`.
    pub(crate) fn and_cluster_objects(mut self, prefix: &str) -> Self {
        self.prefixes.push(prefix.to_owned());
        self
    }

    /// The same, with the objects in `namespace` whose names start with `prefix`.
    pub(crate) fn and_objects_in(mut self, namespace: &str, prefix: &str) -> Self {
        self.shared.push((namespace.to_owned(), prefix.to_owned()));
        self
    }

    /// The same, of another API server.
    pub(crate) fn of(mut self, api: &'static Api) -> Self {
        self.api = Some(api);
        self
    }

    fn api(&self) -> &'static Api {
        self.api.unwrap_or_else(Api::shared)
    }

    /// Whether it holds all that is outside of namespaces.
    fn holds_all_cluster_objects(&self) -> bool {
        self.prefixes.iter().any(String::is_empty)
    }

    fn includes(&self, object: &Found) -> bool {
        let ours = |namespace: &str| {
            self.namespaces
                .as_ref()
                .is_none_or(|names| names.iter().any(|name| name == namespace))
        };
        let claimed_by = object
            .value
            .pointer("/spec/claimRef/namespace")
            .and_then(Value::as_str);
        match (&object.namespace, object.kind.as_str()) {
            (Some(namespace), _) => {
                ours(namespace)
                    || self
                        .shared
                        .iter()
                        .any(|(own, prefix)| own == namespace && object.name.starts_with(prefix))
            }
            (None, "Namespace") if ours(&object.name) => true,
            (None, "PersistentVolume") if claimed_by.is_some_and(ours) => true,
            (None, _) => self
                .prefixes
                .iter()
                .any(|prefix| object.name.starts_with(prefix)),
        }
    }
}

/// All of the objects in `scope`, of every kind that can be listed, whole.
pub(crate) fn objects(scope: &Scope) -> Vec<Value> {
    let found = collect::collect(scope).into_iter();
    let with_kind = |object: Found| {
        let mut value = object.value;
        value["kind"] = object.kind.into();
        value
    };
    found
        .filter(|object| scope.includes(object))
        .map(with_kind)
        .collect()
}

/// The objects of every listable kind, by `KIND.GROUP/NAMESPACE/NAME`, as far as they count.
///
/// The ignore list beside this module says which kinds and fields do not. What a controller made of
/// another object (its pods, `ReplicaSets`, `ControllerRevisions`) has generated names and is not
/// compared, but it must have gone where its owner is gone: an object whose owner is not there is a
/// difference to any other dump.
#[derive(Debug, Clone)]
pub(crate) struct Dump {
    objects: BTreeMap<String, Value>,
    orphans: Vec<String>,
}

impl Dump {
    /// What is there now.
    pub(crate) fn of(scope: &Scope) -> Self {
        let ignored = IgnoreList::committed();
        let found = collect::collect(scope);
        let uids: HashSet<&str> = found
            .iter()
            .map(|object| text(&object.value, "/metadata/uid"))
            .collect();
        let in_scope = || found.iter().filter(|object| scope.includes(object));
        let is_orphan =
            |object: &&Found| owners(object).any(|owner| !uids.contains(text(owner, "/uid")));
        let mut orphans: Vec<String> = in_scope().filter(is_orphan).map(Found::identity).collect();
        orphans.sort_unstable();
        let counts = |object: &&Found| {
            !ignored.holds(&object.kind) && !owners(object).any(|owner| owner["controller"] == true)
        };
        let objects = in_scope().filter(counts).map(|object| {
            (
                object.identity(),
                ignored.without(&object.kind, by_owner(&object.value)),
            )
        });
        Self {
            objects: objects.collect(),
            orphans,
        }
    }

    /// The identities of all objects that count.
    pub(crate) fn identities(&self) -> impl Iterator<Item = &str> {
        self.objects.keys().map(String::as_str)
    }

    /// The field at `pointer` of an object, null where it has none; `None` where there is no such
    /// object.
    pub(crate) fn value(&self, identity: &str, pointer: &str) -> Option<&Value> {
        self.objects
            .get(identity)
            .map(|object| object.pointer(pointer).unwrap_or(&Value::Null))
    }

    /// The same without `key` in any map, and without who owns it.
    pub(crate) fn without_key(&self, key: &str) -> Self {
        let mut without = self.clone();
        let owned = format!("f:{key}");
        for object in without.objects.values_mut() {
            forget_keys(object, &[key, &owned]);
        }
        without
    }

    /// The same with the name `to` for `from` everywhere, and without what is drawn or allocated
    /// for each release anew: what another release that is alike looks like. Volumes are named by
    /// chance, and are left out.
    pub(crate) fn as_of_release(&self, from: &str, to: &str) -> Self {
        let counts = |identity: &str| !identity.starts_with("PersistentVolume/");
        let objects = self.objects.iter().filter(|(identity, _)| counts(identity));
        let objects = objects.map(|(identity, object)| {
            let mut object = object.clone();
            forget_what_is_drawn(identity, &mut object);
            let object = serde_json::from_str(&object.to_string().replace(from, to))
                .expect("names are plain text");
            (identity.replace(from, to), object)
        });
        Self {
            objects: objects.collect(),
            orphans: self.orphans.clone(),
        }
    }

    /// What is different in `after`, a line for each object that is new or gone and for each field;
    /// values of Secrets are not shown.
    pub(crate) fn differences(before: &Self, after: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        for (identity, was) in &before.objects {
            match after.objects.get(identity) {
                Some(is) if identity.starts_with("Secret/") => {
                    compare::fields_without_values(identity, was, is, &mut differences);
                }
                Some(is) => compare::fields(identity, was, is, &mut differences),
                None => differences.push(format!("{identity}: it is gone")),
            }
        }
        let new = after
            .objects
            .keys()
            .filter(|identity| !before.objects.contains_key(*identity));
        differences.extend(new.map(|identity| format!("{identity}: it was not there before")));
        differences.extend(
            after
                .orphans
                .iter()
                .map(|identity| format!("{identity}: its owner is gone")),
        );
        differences
    }
}

/// Takes `keys` out of every map in `value`, and maps that held nothing else.
fn forget_keys(value: &mut Value, keys: &[&str]) {
    match value {
        Value::Object(map) => map.retain(|key, inner| {
            let was_empty = inner.as_object().is_some_and(Map::is_empty);
            forget_keys(inner, keys);
            let is_empty = inner.as_object().is_some_and(Map::is_empty);
            !keys.contains(&key.as_str()) && (was_empty || !is_empty)
        }),
        Value::Array(items) => items.iter_mut().for_each(|item| forget_keys(item, keys)),
        _ => {}
    }
}

/// Takes out of `object` what is drawn or allocated anew for each object of its kind.
fn forget_what_is_drawn(identity: &str, object: &mut Value) {
    let drawn: &[&str] = match identity.split('/').next() {
        Some("Service") => &["/spec/clusterIP", "/spec/clusterIPs"],
        Some("PersistentVolumeClaim") => &["/spec/volumeName"],
        Some("Job.batch") => &[
            "/spec/selector",
            "/spec/template/metadata/labels",
            "/metadata/labels",
        ],
        _ => &[],
    };
    for pointer in drawn {
        if let Some(value) = object.pointer_mut(pointer) {
            *value = Value::Null;
        }
    }
    if let Some(values) = object
        .get_mut("data")
        .and_then(Value::as_object_mut)
        .filter(|_| identity.starts_with("Secret/"))
    {
        values.values_mut().for_each(|value| *value = Value::Null);
    }
}

fn owners(object: &Found) -> impl Iterator<Item = &Value> {
    object
        .value
        .pointer("/metadata/ownerReferences")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// `object` with `managedFields` as a map by manager, operation with subresource, and version:
/// their order says only who came last.
fn by_owner(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(Value::Array(entries)) = object
        .pointer_mut("/metadata/managedFields")
        .map(Value::take)
    {
        let mut managers = Value::Object(Map::new());
        for entry in entries {
            let operation = format!(
                "{} {}",
                text(&entry, "/operation"),
                text(&entry, "/subresource")
            )
            .trim_end()
            .to_owned();
            let fields = serde_json::json!({"fields": entry["fieldsV1"], "time": entry["time"]});
            managers[text(&entry, "/manager")][operation][text(&entry, "/apiVersion")] = fields;
        }
        object["metadata"]["managedFields"] = managers;
    }
    object
}
