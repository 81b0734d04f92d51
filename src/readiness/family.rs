//! What stands around an object, joined in memory: its pods, its owners, its claims, its
//! events.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;
use serde_json::Value;

use super::surroundings::{Surroundings, VolumeBinding};
use crate::object::{
    HasKind as _, ManifestView,
    field::{list, text},
};

/// What stands around one object, found in memory among all objects that are known. It costs no
/// request.
#[derive(Debug, Default)]
pub(crate) struct Family<'a> {
    pods: Vec<&'a Value>,
    replica_sets: Vec<&'a Value>,
    claims: Vec<&'a Value>,
    events: Arc<[&'a Value]>,
    binding: Option<VolumeBinding>,
}

impl<'a> Family<'a> {
    /// The families of `objects`, in their order.
    pub(crate) fn of_all(objects: &[&'a Value]) -> Vec<Self> {
        let index = Index::new(objects);
        objects.iter().map(|object| index.family(object)).collect()
    }

    /// The surroundings to judge by at `now`.
    pub(crate) fn surroundings(&self, now: Timestamp) -> Surroundings<'_> {
        Surroundings {
            now,
            pods: &self.pods,
            replica_sets: &self.replica_sets,
            claims: &self.claims,
            binding: self.binding,
            events: &self.events,
            has_status_subresource: None,
        }
    }
}

/// Who owns, mounts and tells of what.
struct Index<'a> {
    children: HashMap<OwnerKey<'a>, Vec<&'a Value>>,
    mounting: HashMap<(&'a str, &'a str), Vec<&'a Value>>,
    claims: HashMap<(&'a str, &'a str), &'a Value>,
    storage_classes: Vec<&'a Value>,
    events: Arc<[&'a Value]>,
}

/// An owner by its uid, or, where a partial object has none, by namespace, kind and name.
#[derive(PartialEq, Eq, Hash)]
enum OwnerKey<'a> {
    Uid(&'a str),
    Name(&'a str, &'a str, &'a str),
}

impl<'a> Index<'a> {
    fn new(objects: &[&'a Value]) -> Self {
        let of_kind = |is_of: fn(&ManifestView<'a>) -> bool| {
            objects
                .iter()
                .copied()
                .filter(move |object| is_of(&ManifestView(object)))
        };
        let mut children: HashMap<OwnerKey<'a>, Vec<&'a Value>> = HashMap::new();
        let is_child = |view: &ManifestView<'a>| view.is_pod() || view.is_replica_set();
        for object in of_kind(is_child) {
            for key in owners(object) {
                children.entry(key).or_default().push(object);
            }
        }
        let mut mounting: HashMap<(&'a str, &'a str), Vec<&'a Value>> = HashMap::new();
        for pod in of_kind(ManifestView::is_pod) {
            for claim in mounted_claims(pod) {
                mounting.entry(claim).or_default().push(pod);
            }
        }
        Self {
            children,
            mounting,
            claims: of_kind(ManifestView::is_claim)
                .map(|claim| (place(claim), claim))
                .collect(),
            storage_classes: of_kind(ManifestView::is_storage_class).collect(),
            events: of_kind(ManifestView::is_event).collect(),
        }
    }

    fn family(&self, object: &'a Value) -> Family<'a> {
        if ManifestView(object).is_claim() {
            let pods = self
                .mounting
                .get(&place(object))
                .cloned()
                .unwrap_or_default();
            return Family {
                pods,
                events: Arc::clone(&self.events),
                binding: self.binding(object),
                ..Family::default()
            };
        }
        let (mut pods, replica_sets): (Vec<_>, Vec<_>) = self
            .children(object)
            .into_iter()
            .partition(|child| ManifestView(child).is_pod());
        pods.extend(
            replica_sets
                .iter()
                .flat_map(|replica_set| self.children(replica_set))
                .filter(|child| ManifestView(child).is_pod()),
        );
        let mounting = pods
            .iter()
            .copied()
            .chain(ManifestView(object).is_pod().then_some(object));
        let keys: HashSet<_> = mounting.flat_map(mounted_claims).collect();
        let mut claims: Vec<_> = keys
            .iter()
            .filter_map(|key| self.claims.get(key).copied())
            .collect();
        claims.sort_by_key(|claim| ManifestView(claim).name());
        Family {
            pods,
            replica_sets,
            claims,
            events: Arc::clone(&self.events),
            binding: None,
        }
    }

    fn children(&self, owner: &'a Value) -> Vec<&'a Value> {
        let view = ManifestView(owner);
        let by_name = || {
            let (namespace, name) = place(owner);
            OwnerKey::Name(namespace, view.kind(), name)
        };
        let key = view.uid().map_or_else(by_name, OwnerKey::Uid);
        self.children.get(&key).cloned().unwrap_or_default()
    }

    /// The binding mode of the claim's class, or of the default class where it names none.
    fn binding(&self, claim: &Value) -> Option<VolumeBinding> {
        let is_default = |class: &Value| {
            ManifestView(class).annotation("storageclass.kubernetes.io/is-default-class")
                == Some("true")
        };
        let wanted = text(claim, "/spec/storageClassName");
        let class = self.storage_classes.iter().find(|class| {
            wanted.map_or_else(
                || is_default(class),
                |wanted| wanted == ManifestView(class).name(),
            )
        });
        class.map(|class| VolumeBinding::of(class))
    }
}

/// Namespace and name.
fn place(object: &Value) -> (&str, &str) {
    let view = ManifestView(object);
    (view.namespace().unwrap_or_default(), view.name())
}

/// Both keys of each owner, because the owner itself may have been given without its uid.
fn owners(object: &Value) -> impl Iterator<Item = OwnerKey<'_>> {
    let (namespace, _) = place(object);
    ManifestView(object).owners().flat_map(move |owner| {
        let by_name = OwnerKey::Name(namespace, owner.kind, owner.name);
        let by_uid = Some(OwnerKey::Uid(owner.uid)).filter(|_| !owner.uid.is_empty());
        by_uid.into_iter().chain([by_name])
    })
}

/// Namespace and name of the claims that `pod` mounts.
fn mounted_claims(pod: &Value) -> impl Iterator<Item = (&str, &str)> {
    let (namespace, _) = place(pod);
    list(pod, "/spec/volumes")
        .iter()
        .filter_map(|volume| text(volume, "/persistentVolumeClaim/claimName"))
        .map(move |claim| (namespace, claim))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pods_join_their_deployment_through_its_replica_set_only() {
        let deployment = json!({"kind": "Deployment", "metadata": {"name": "api", "namespace": "shop", "uid": "d"}});
        let replica_set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "api-1", "namespace": "shop", "uid": "r",
            "ownerReferences": [{"kind": "Deployment", "name": "api", "uid": "d"}]}});
        let pod = json!({"kind": "Pod", "metadata": {"name": "api-1-x", "namespace": "shop", "uid": "p",
            "ownerReferences": [{"kind": "ReplicaSet", "name": "api-1", "uid": "r"}]},
            "spec": {"volumes": [{"persistentVolumeClaim": {"claimName": "data"}}]}});
        let stranger = json!({"kind": "Pod", "metadata": {"name": "other", "namespace": "shop",
            "ownerReferences": [{"kind": "ReplicaSet", "name": "api-1", "uid": "of-an-older-one"}]}});
        let claim = json!({"kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "shop"}});
        let families = Family::of_all(&[&deployment, &replica_set, &pod, &stranger, &claim]);
        assert_eq!(families[0].pods, [&pod]);
        assert_eq!(families[0].replica_sets, [&replica_set]);
        assert_eq!(families[0].claims, [&claim]);
        assert_eq!(families[4].pods, [&pod]);
    }

    #[test]
    fn a_claim_without_a_class_binds_as_the_default_class_does() {
        let class = json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "late",
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}, "volumeBindingMode": "WaitForFirstConsumer"});
        let claim = json!({"kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "shop"}});
        let other = json!({"kind": "PersistentVolumeClaim", "metadata": {"name": "more", "namespace": "shop"},
            "spec": {"storageClassName": "unknown"}});
        let families = Family::of_all(&[&class, &claim, &other]);
        assert_eq!(
            families[1].binding,
            Some(VolumeBinding::WaitForFirstConsumer)
        );
        assert_eq!(families[2].binding, None);
    }
}
