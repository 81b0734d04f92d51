use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use futures::future::join_all;
use jiff::Timestamp;
use serde_json::Value;
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
};

use super::{known::Known, look::Look};
use crate::{
    cluster::{Cluster, RequestError, Resource, WatchScope, Watched},
    object::ObjectId,
    readiness::{self, Surroundings, Verdict, VolumeBinding},
};

/// What the watches brought, joined in memory: the objects that are waited for, and the pods, ReplicaSets, claims and
/// events around them.
pub(super) struct Hub {
    cluster: Cluster,
    label: Option<String>,
    positions: HashMap<Resource, String>,
    objects: Known,
    resources: HashMap<ObjectId, Resource>,
    children: HashMap<String, Arc<Value>>,
    by_owner: HashMap<String, HashSet<String>>,
    bindings: HashMap<String, VolumeBinding>,
    asked_bindings: bool,
    watched: HashSet<(Resource, Option<String>)>,
    tasks: JoinSet<()>,
    sender: UnboundedSender<Watched>,
    receiver: UnboundedReceiver<Watched>,
}

/// Kinds that say why a workload is not ready. They are watched only where something is slow: a healthy release never asks.
const CHILDREN: [(&str, &str, &str, &str); 4] = [
    ("", "v1", "Pod", "pods"),
    ("apps", "v1", "ReplicaSet", "replicasets"),
    ("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    ("events.k8s.io", "v1", "Event", "events"),
];

impl Hub {
    /// A hub that knows what `look` saw, and watches what carries `label`; without one, whole kinds: objects that are put back may not
    /// be ours.
    pub(super) fn new(cluster: Cluster, label: Option<String>, look: &Look) -> Self {
        let (sender, receiver) = unbounded_channel();
        Self {
            cluster,
            positions: if label.is_some() { look.positions.clone() } else { HashMap::new() },
            label,
            objects: look.live.present().map(|(id, object)| (id.clone(), Arc::clone(object))).collect(),
            resources: HashMap::new(),
            children: HashMap::new(),
            by_owner: HashMap::new(),
            bindings: HashMap::new(),
            asked_bindings: false,
            watched: HashSet::new(),
            tasks: JoinSet::new(),
            sender,
            receiver,
        }
    }

    /// Notes the answer to a write of `id`.
    pub(super) fn written(&mut self, id: &ObjectId, object: Value) {
        self.objects.take(id.clone(), Arc::new(object));
    }

    /// Notes that `id` is gone.
    pub(super) fn removed(&mut self, id: &ObjectId) {
        self.objects.remove(id);
    }

    /// The object as it was seen last.
    pub(super) fn object(&self, id: &ObjectId) -> Option<&Arc<Value>> {
        self.objects.get(id)
    }

    /// Judges `id` by what is known now.
    pub(super) fn judge(&self, id: &ObjectId, now: Timestamp) -> Verdict {
        match self.objects.get(id) {
            None => Verdict::absent(),
            Some(object) => self.around(object, now, |surroundings| readiness::judge(object, surroundings)),
        }
    }

    /// Calls `ask` with what belongs to `object`.
    pub(super) fn around<T>(&self, object: &Value, now: Timestamp, ask: impl FnOnce(&Surroundings<'_>) -> T) -> T {
        let family = self.family(object);
        let of_kind = |kind: &str| -> Vec<&Value> { family.iter().copied().filter(|child| kind_of(child) == kind).collect() };
        let is_claim = kind_of(object) == "PersistentVolumeClaim";
        let pods = if is_claim { self.users_of_claim(object) } else { of_kind("Pod") };
        let claims = self.claims_of(&pods);
        let events = self.events_about(object, &family);
        let binding = object.pointer("/spec/storageClassName").and_then(Value::as_str).and_then(|class| self.bindings.get(class)).copied();
        let surroundings = Surroundings { binding, ..Surroundings::none(now) };
        ask(&Surroundings { pods: &pods, replica_sets: &of_kind("ReplicaSet"), claims: &claims, events: &events, ..surroundings })
    }

    /// Everything that `object` owns, directly or through others.
    fn family<'a>(&'a self, object: &'a Value) -> Vec<&'a Value> {
        let mut family = Vec::new();
        let mut owners = vec![uid_of(object)];
        while let Some(owner) = owners.pop() {
            for child in self.by_owner.get(owner).into_iter().flatten().filter_map(|uid| self.children.get(uid)) {
                owners.push(uid_of(child));
                family.push(child.as_ref());
            }
        }
        family
    }

    fn users_of_claim<'a>(&'a self, claim: &'a Value) -> Vec<&'a Value> {
        let name = text(claim, "/metadata/name");
        let mounts = |pod: &Value| {
            let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array).into_iter().flatten();
            volumes.into_iter().any(|volume| text(volume, "/persistentVolumeClaim/claimName") == name)
        };
        self.in_namespace("Pod", text(claim, "/metadata/namespace")).filter(|pod| mounts(pod)).collect()
    }

    fn claims_of<'a>(&'a self, pods: &[&'a Value]) -> Vec<&'a Value> {
        let Some(first) = pods.first() else { return Vec::new() };
        let names: HashSet<&str> = pods
            .iter()
            .flat_map(|pod| pod.pointer("/spec/volumes").and_then(Value::as_array).into_iter().flatten())
            .map(|volume| text(volume, "/persistentVolumeClaim/claimName"))
            .collect();
        let claims = self.in_namespace("PersistentVolumeClaim", text(first, "/metadata/namespace"));
        claims.filter(|claim| names.contains(text(claim, "/metadata/name"))).collect()
    }

    fn events_about<'a>(&'a self, object: &'a Value, family: &[&'a Value]) -> Vec<&'a Value> {
        let about: HashSet<&str> = family.iter().copied().chain([object]).map(uid_of).collect();
        let events = self.in_namespace("Event", text(object, "/metadata/namespace"));
        events.filter(|event| about.contains(text(event, "/regarding/uid"))).collect()
    }

    fn in_namespace<'a>(&'a self, kind: &'a str, namespace: &'a str) -> impl Iterator<Item = &'a Value> {
        self.children
            .values()
            .map(AsRef::as_ref)
            .filter(move |child| kind_of(child) == kind && text(child, "/metadata/namespace") == namespace)
    }

    /// Watches the kind of `id`: by our label over all namespaces, from where the LIST stopped, or in its namespace.
    pub(super) fn follow(&mut self, id: &ObjectId, resource: &Resource) {
        self.resources.entry(id.clone()).or_insert_with(|| resource.clone());
        let position = self.positions.get(resource).cloned();
        let namespace = if position.is_some() { None } else { id.namespace.clone() };
        self.watch(WatchScope { resource: resource.clone(), namespace, selector: self.label.clone() }, position);
    }

    /// Whether a watch brings what happens to `id`.
    pub(super) fn is_followed(&self, id: &ObjectId) -> bool {
        self.resources.contains_key(id)
    }

    /// Watches what belongs to workloads in the namespace of `id`.
    pub(super) async fn follow_children(&mut self, id: &ObjectId) {
        let Some(namespace) = &id.namespace else { return };
        for resource in children() {
            self.watch(WatchScope { resource, namespace: Some(namespace.clone()), selector: None }, None);
        }
        if id.kind == "PersistentVolumeClaim" && !self.asked_bindings {
            self.asked_bindings = true;
            self.ask_bindings().await;
        }
    }

    /// Lists what belongs to workloads in `namespace`, once. What the user may not list stays unknown.
    pub(super) async fn list_children(&mut self, namespace: &str) -> Result<(), RequestError> {
        let resources: Vec<Resource> = children().collect();
        let lists = resources.iter().map(|resource| self.cluster.list(resource, Some(namespace), None));
        for listed in join_all(lists).await {
            match listed {
                Ok(listed) => listed.items.into_iter().for_each(|item| self.note(item)),
                Err(error) if matches!(error.code(), Some(403 | 404)) => {}
                Err(error) => return Err(error),
            }
        }
        self.ask_bindings().await;
        Ok(())
    }

    /// Learns when each StorageClass binds its claims.
    async fn ask_bindings(&mut self) {
        let classes = Resource {
            group: "storage.k8s.io".to_owned(),
            version: "v1".to_owned(),
            kind: "StorageClass".to_owned(),
            plural: "storageclasses".to_owned(),
            namespaced: false,
            verbs: Vec::new(),
        };
        // Without permission nothing is known of the classes, and a claim is waited for until it is bound.
        if let Ok(listed) = self.cluster.list(&classes, None, None).await {
            self.bindings = listed.items.iter().map(|class| (text(class, "/metadata/name").to_owned(), VolumeBinding::of(class))).collect();
        }
    }

    fn watch(&mut self, scope: WatchScope, position: Option<String>) {
        if self.watched.insert((scope.resource.clone(), scope.namespace.clone())) {
            self.tasks.spawn(self.cluster.clone().watch(scope, position, self.sender.clone()));
        }
    }

    /// Waits until a watch says something and takes in all that is there.
    ///
    /// Never returns where nothing is watched.
    pub(super) async fn changed(&mut self) {
        if let Some(watched) = self.receiver.recv().await {
            self.take_in(watched);
        }
        while let Ok(watched) = self.receiver.try_recv() {
            self.take_in(watched);
        }
    }

    fn take_in(&mut self, watched: Watched) {
        match watched {
            Watched::Changed(object) => self.note(object),
            Watched::Gone(object) => self.forget(&object),
            Watched::All(scope, objects) => {
                let known = self.forget_scope(&scope, &objects);
                for object in objects {
                    if identity(&object).is_some_and(|id| known.contains(&id)) {
                        self.take_object(Arc::clone(&object));
                    }
                    self.note(object);
                }
            }
            // What may not be watched stays as it was seen; the phase's time limit ends the wait for it.
            Watched::Forbidden => {}
        }
    }

    fn note(&mut self, object: Arc<Value>) {
        let Some(id) = identity(&object) else { return };
        // A watch may tell of an object, and even that it is ready, before the answer to our own write of it was read.
        if self.is_ours(&object) || self.objects.contains(&id) || self.resources.contains_key(&id) {
            self.take_object(Arc::clone(&object));
        }
        if is_child(&object) {
            let uid = uid_of(&object).to_owned();
            for owner in owners_of(&object) {
                self.by_owner.entry(owner.to_owned()).or_default().insert(uid.clone());
            }
            self.children.insert(uid, object);
        }
    }

    fn is_ours(&self, object: &Value) -> bool {
        let labels = object.pointer("/metadata/labels");
        self.label.as_ref().is_some_and(|label| labels.and_then(|labels| labels.get(label)).is_some())
    }

    fn take_object(&mut self, object: Arc<Value>) {
        if let Some(id) = identity(&object) {
            self.objects.take(id, object);
        }
    }

    fn forget(&mut self, object: &Value) {
        if let Some(id) = identity(object) {
            self.objects.forget(&id, object);
        }
        self.children.remove(uid_of(object));
    }

    /// Forgets everything of a scope before all of it, `list`, is taken in anew. Returns the objects that were known.
    fn forget_scope(&mut self, scope: &WatchScope, list: &[Arc<Value>]) -> HashSet<ObjectId> {
        let mut known = HashSet::new();
        let in_scope = |object: &Value| {
            kind_of(object) == scope.resource.kind
                && scope.namespace.as_ref().is_none_or(|namespace| text(object, "/metadata/namespace") == namespace)
        };
        if scope.selector == self.label {
            let of_kind = |id: &ObjectId| id.kind == scope.resource.kind && id.group == scope.resource.group;
            known = self.objects.forget_all(|id, object| of_kind(id) && in_scope(object), list);
        }
        if scope.selector.is_none() {
            self.children.retain(|_, child| !in_scope(child));
        }
        known
    }
}

/// [`CHILDREN`] as they are served.
fn children() -> impl Iterator<Item = Resource> {
    CHILDREN.iter().map(|(group, version, kind, plural)| Resource {
        group: (*group).to_owned(),
        version: (*version).to_owned(),
        kind: (*kind).to_owned(),
        plural: (*plural).to_owned(),
        namespaced: true,
        verbs: Vec::new(),
    })
}

fn identity(object: &Value) -> Option<ObjectId> {
    ObjectId::of(object)
}

fn is_child(object: &Value) -> bool {
    CHILDREN.iter().any(|(_, _, kind, _)| *kind == kind_of(object)) || kind_of(object) == "Job"
}

fn owners_of(object: &Value) -> impl Iterator<Item = &str> {
    object.pointer("/metadata/ownerReferences").and_then(Value::as_array).into_iter().flatten().map(|owner| text(owner, "/uid"))
}

fn kind_of(object: &Value) -> &str {
    text(object, "/kind")
}

fn uid_of(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
