//! What the checks without a cluster look at.

use indexmap::IndexMap;
use serde_json::Value;

use crate::{
    object::{
        Object, ObjectId,
        field::{list, part},
        pod_template_path,
    },
    plan::Plan,
};

/// The objects of a plan, and the plan.
pub(crate) struct Wanted<'a> {
    objects: IndexMap<&'a ObjectId, &'a Object>,
    /// The plan.
    pub(crate) plan: &'a Plan,
}

/// A container of an object.
#[derive(Clone, Copy)]
pub(super) struct Container<'a> {
    /// The object.
    pub(super) object: &'a Object,
    /// The container.
    pub(super) body: &'a Value,
}

impl<'a> Wanted<'a> {
    /// The `objects` of `plan`.
    pub(crate) fn new(objects: impl Iterator<Item = &'a Object>, plan: &'a Plan) -> Self {
        Self {
            objects: objects.map(|object| (&object.id, object)).collect(),
            plan,
        }
    }

    /// The objects.
    pub(super) fn objects(&self) -> impl Iterator<Item = &'a Object> {
        self.objects.values().copied()
    }

    /// The object `id`, if it is among them.
    pub(super) fn get(&self, id: &ObjectId) -> Option<&'a Object> {
        self.objects.get(id).copied()
    }

    /// The containers of all pods, each with its JSON pointer in its object.
    pub(super) fn containers(&self) -> impl Iterator<Item = (Container<'a>, String)> {
        self.objects().flat_map(containers)
    }
}

/// Whether the pods of `object` are those that it has written down, of a kind that Kubernetes itself
/// brings: others may give their containers ports and more.
pub(super) fn makes_pods_as_written(object: &Object) -> bool {
    ["", "apps", "batch"].contains(&object.id.group.as_str())
}

fn containers(object: &Object) -> Vec<(Container<'_>, String)> {
    let Some(template) = pod_template_path(&object.body) else {
        return Vec::new();
    };
    let places = ["initContainers", "containers"].map(|key| format!("{template}/spec/{key}"));
    let mut found = Vec::new();
    for place in places {
        for index in 0..list(&object.body, &place).len() {
            let pointer = format!("{place}/{index}");
            let body = part(&object.body, &pointer).expect("the list has it");
            found.push((Container { object, body }, pointer));
        }
    }
    found
}
