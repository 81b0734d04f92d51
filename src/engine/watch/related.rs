//! What belongs to objects: pods, ReplicaSets, Jobs, claims and events, found by their owners.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use serde_json::Value;

use super::objects::uid_of;
use crate::{
    cluster::WatchScope,
    object::{
        HasKind as _, ManifestView,
        field::{list, text},
    },
};

/// What stands around objects: pods, ReplicaSets, Jobs, claims and events, each found by what it
/// belongs to, and never by a search through all of them: hundreds of workloads may roll out at
/// once.
#[derive(Default)]
pub(crate) struct RelatedObjects {
    by_uid: HashMap<String, Arc<Value>>,
    /// uid of an owner → uids of what it owns.
    owned: HashMap<String, HashSet<String>>,
    /// uid of an object → uids of events about it.
    events: HashMap<String, HashSet<String>>,
    /// Namespace and name of a claim → its uid.
    claims: HashMap<(String, String), String>,
    /// Namespace and name of a claim → uids of the pods that mount it.
    mounted: HashMap<(String, String), HashSet<String>>,
}

impl RelatedObjects {
    /// Takes `child` in, or what has become of it.
    pub(crate) fn note(&mut self, child: Arc<Value>) {
        let uid = uid_of(&child).to_owned();
        for owner in owners(&child) {
            self.owned
                .entry(owner.to_owned())
                .or_default()
                .insert(uid.clone());
        }
        let view = ManifestView(&child);
        if view.is_event() {
            let about = self.events.entry(regarding(&child).to_owned());
            about.or_default().insert(uid.clone());
        } else if view.is_claim() {
            self.claims.insert(place(&child), uid.clone());
        } else if view.is_pod() {
            for claim in mounted_claims(&child) {
                self.mounted.entry(claim).or_default().insert(uid.clone());
            }
        }
        self.by_uid.insert(uid, child);
    }

    /// Forgets `child`.
    pub(crate) fn forget(&mut self, child: &Value) {
        let uid = uid_of(child);
        let Some(known) = self.by_uid.remove(uid) else {
            return;
        };
        for owner in owners(&known) {
            take_out(&mut self.owned, owner, uid);
        }
        let view = ManifestView(&known);
        if view.is_event() {
            take_out(&mut self.events, regarding(&known), uid);
        } else if view.is_claim() {
            // Another claim may have its name by now.
            self.claims.retain(|_, claim| claim != uid);
        } else if view.is_pod() {
            self.mounted.retain(|_, pods| {
                pods.remove(uid);
                !pods.is_empty()
            });
        }
    }

    /// Forgets everything of a kind in a scope.
    pub(crate) fn forget_scope(&mut self, scope: &WatchScope) {
        let gone: Vec<Arc<Value>> = self
            .by_uid
            .values()
            .filter(|child| is_in(scope, child))
            .cloned()
            .collect();
        for child in &gone {
            self.forget(child);
        }
    }

    /// Everything that the object with `uid` owns, directly or through others.
    pub(crate) fn family(&self, uid: &str) -> Vec<&Value> {
        let mut family = Vec::new();
        let mut seen = HashSet::new();
        let mut owners = vec![uid];
        while let Some(owner) = owners.pop() {
            for child in self
                .all(self.owned.get(owner))
                .filter(|child| seen.insert(uid_of(child)))
            {
                owners.push(uid_of(child));
                family.push(child);
            }
        }
        family
    }

    /// The pods that mount `claim`.
    pub(crate) fn users_of(&self, claim: &Value) -> Vec<&Value> {
        self.all(self.mounted.get(&place(claim))).collect()
    }

    /// The claims that `pods` mount.
    pub(crate) fn claims_of<'a>(&'a self, pods: &[&'a Value]) -> Vec<&'a Value> {
        let keys: HashSet<(String, String)> =
            pods.iter().flat_map(|pod| mounted_claims(pod)).collect();
        keys.iter()
            .filter_map(|key| self.by_uid.get(self.claims.get(key)?).map(AsRef::as_ref))
            .collect()
    }

    /// The events about the objects with `uids`.
    pub(crate) fn events_about<'a>(
        &'a self,
        uids: impl Iterator<Item = &'a str>,
    ) -> Vec<&'a Value> {
        uids.flat_map(|uid| self.all(self.events.get(uid)))
            .collect()
    }

    /// The uids of all objects whose verdict may be another one because of `changed`: itself, what
    /// it is about, what it belongs to, and what shares a volume with it.
    pub(crate) fn concerned(&self, changed: &Value) -> HashSet<String> {
        let mut open: Vec<&str> = vec![uid_of(changed)];
        open.extend(owners(changed));
        let view = ManifestView(changed);
        if view.is_event() {
            open.push(regarding(changed));
        } else if view.is_claim() {
            open.extend(self.users_of(changed).into_iter().map(uid_of));
        } else if view.is_pod() {
            let claims = mounted_claims(changed).filter_map(|claim| self.claims.get(&claim));
            open.extend(claims.map(String::as_str));
        }
        let mut concerned = HashSet::new();
        while let Some(uid) = open.pop() {
            if concerned.insert(uid.to_owned()) {
                open.extend(
                    self.by_uid
                        .get(uid)
                        .into_iter()
                        .flat_map(|child| owners(child)),
                );
            }
        }
        concerned
    }

    fn all<'a>(&'a self, uids: Option<&'a HashSet<String>>) -> impl Iterator<Item = &'a Value> {
        uids.into_iter()
            .flatten()
            .filter_map(|uid| self.by_uid.get(uid).map(AsRef::as_ref))
    }
}

fn take_out(index: &mut HashMap<String, HashSet<String>>, key: &str, uid: &str) {
    if let Some(uids) = index.get_mut(key) {
        uids.remove(uid);
        if uids.is_empty() {
            index.remove(key);
        }
    }
}

/// Whether `object` is of the kind, in the namespace and of the name of `scope`.
pub(crate) fn is_in(scope: &WatchScope, object: &Value) -> bool {
    let object = ManifestView(object);
    object.kind() == scope.resource.kind
        && (scope.namespace.is_none() || object.namespace() == scope.namespace.as_deref())
        && scope
            .name
            .as_deref()
            .is_none_or(|name| object.name() == name)
}

/// Namespace and name.
fn place(object: &Value) -> (String, String) {
    let object = ManifestView(object);
    (namespace_of(object), object.name().to_owned())
}

fn namespace_of(object: ManifestView<'_>) -> String {
    object.namespace().unwrap_or_default().to_owned()
}

fn regarding(event: &Value) -> &str {
    text(event, "/regarding/uid").unwrap_or_default()
}

fn owners(object: &Value) -> impl Iterator<Item = &str> {
    ManifestView(object).owners().map(|owner| owner.uid)
}

/// Namespace and name of each claim that `pod` mounts.
fn mounted_claims(pod: &Value) -> impl Iterator<Item = (String, String)> {
    let namespace = namespace_of(ManifestView(pod));
    list(pod, "/spec/volumes")
        .iter()
        .filter_map(|volume| text(volume, "/persistentVolumeClaim/claimName"))
        .map(move |claim| (namespace.clone(), claim.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(kind: &str, uid: &str, owner: &str) -> Value {
        json!({"kind": kind, "metadata": {"uid": uid, "name": uid, "namespace": "shop", "ownerReferences": [{"uid": owner}]}})
    }

    fn related() -> RelatedObjects {
        let mut related = RelatedObjects::default();
        let mut pod = object("Pod", "pod", "set");
        pod["spec"] = json!({"volumes": [{"persistentVolumeClaim": {"claimName": "claim"}}]});
        let mut event = object("Event", "event", "");
        event["regarding"] = json!({"uid": "pod"});
        for child in [
            object("ReplicaSet", "set", "deployment"),
            pod,
            object("PersistentVolumeClaim", "claim", ""),
            event,
        ] {
            related.note(Arc::new(child));
        }
        related
    }

    fn concerned(related: &RelatedObjects, uid: &str) -> Vec<String> {
        let mut concerned: Vec<String> = related
            .concerned(&related.by_uid[uid])
            .into_iter()
            .filter(|uid| !uid.is_empty())
            .collect();
        concerned.sort();
        concerned
    }

    #[test]
    fn what_belongs_together_is_found_from_both_ends() {
        let related = related();
        let family: Vec<&str> = related
            .family("deployment")
            .into_iter()
            .map(uid_of)
            .collect();
        assert_eq!(family, ["set", "pod"]);
        assert_eq!(
            concerned(&related, "event"),
            ["deployment", "event", "pod", "set"]
        );
        assert_eq!(
            concerned(&related, "claim"),
            ["claim", "deployment", "pod", "set"]
        );
        assert_eq!(
            concerned(&related, "pod"),
            ["claim", "deployment", "pod", "set"]
        );
        assert_eq!(related.claims_of(&[&related.by_uid["pod"]]).len(), 1);
        assert_eq!(related.events_about(["pod"].into_iter()).len(), 1);
    }

    #[test]
    fn what_is_gone_is_found_no_more() {
        let mut related = related();
        let pod = Arc::clone(&related.by_uid["pod"]);
        related.forget(&pod);
        assert_eq!(related.family("deployment").len(), 1);
        assert!(related.users_of(&related.by_uid["claim"]).is_empty());
        let claim = Arc::clone(&related.by_uid["claim"]);
        related.forget(&claim);
        assert!(related.claims_of(&[&pod]).is_empty());
    }
}
