//! What the watches brought, joined in memory.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::join_all;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    bindings::VolumeBindings,
    objects::{ObservedObjects, uid_of},
    related::{RelatedObjects, is_in},
    status_subresources::StatusSubresources,
    watches::Watches,
};
use crate::{
    cluster::{Cluster, Heard, Live, RequestError, Resource, Served, WatchScope, Watched},
    object::{
        HasKind as _, ManifestView, ObjectId, Scope,
        field::{integer, list},
    },
    readiness::{Budget, Rules, Surroundings, Verdict},
};

/// What the watches brought, joined in memory: the objects that are waited for, and the pods,
/// ReplicaSets, claims and events around them.
pub(crate) struct ResourceCache {
    labelled: Option<Labelled>,
    objects: ObservedObjects,
    resources: HashMap<ObjectId, Resource>,
    related: RelatedObjects,
    criteria: Criteria,
    news: Changes,
    watches: Watches,
    /// What others are expected to create: it does not carry our label.
    expected: HashSet<ObjectId>,
}

/// What objects are judged by, beside themselves and what is related to them.
struct Criteria {
    rules: Rules,
    status_subresources: StatusSubresources,
    bindings: VolumeBindings,
}

/// What carries our label.
#[derive(Debug)]
pub(crate) struct Labelled {
    /// The label.
    pub(crate) label: String,
    /// For each kind that was listed by it over all namespaces: where a watch goes on.
    pub(crate) positions: HashMap<Resource, String>,
}

/// Which objects may have another verdict than before, as far as watches tell: time may change
/// verdicts too.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// When the oldest of it was read off the network.
    pub(crate) since: Option<Instant>,
    everything: bool,
    ids: HashSet<ObjectId>,
    uids: HashSet<String>,
}

impl Changes {
    /// Whether it concerns `id`, which is there as `object`.
    pub(crate) fn concerns(&self, id: &ObjectId, object: Option<&Value>) -> bool {
        self.everything
            || self.ids.contains(id)
            || object.is_some_and(|object| self.uids.contains(uid_of(object)))
    }
}

/// Kinds that say why a workload is not ready. They are watched only where something is slow: a
/// healthy release never asks.
const CHILDREN: [(&str, &str, &str, &str); 4] = [
    ("", "v1", "Pod", "pods"),
    ("apps", "v1", "ReplicaSet", "replicasets"),
    ("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    ("events.k8s.io", "v1", "Event", "events"),
];

impl ResourceCache {
    /// A cache that knows `live`, and watches what is `labelled`; without that, whole kinds: objects
    /// that are put back may not be ours.
    pub(crate) fn new(
        cluster: Cluster,
        served: &Served,
        labelled: Option<Labelled>,
        live: &Live,
    ) -> Self {
        Self {
            labelled,
            objects: live
                .present()
                .map(|(id, object)| (id.clone(), Arc::clone(object)))
                .collect(),
            resources: HashMap::new(),
            related: RelatedObjects::default(),
            criteria: Criteria {
                rules: Rules::default(),
                status_subresources: StatusSubresources::of(served),
                bindings: VolumeBindings::default(),
            },
            news: Changes::default(),
            watches: Watches::new(cluster),
            expected: HashSet::new(),
        }
    }

    /// The same cache, which is asked for `expected`, which others create.
    pub(crate) fn expecting(mut self, expected: impl Iterator<Item = ObjectId>) -> Self {
        self.expected.extend(expected);
        self
    }

    /// Whether others are expected to create `id`.
    pub(crate) fn is_expected(&self, id: &ObjectId) -> bool {
        self.expected.contains(id)
    }

    /// The same cache, which judges by `rules` where they fit.
    pub(crate) fn judging_by(mut self, rules: Rules) -> Self {
        self.criteria.rules = rules;
        self
    }

    /// How long `id` may take until it is ready, where a rule says so.
    pub(crate) fn time_for(&self, id: &ObjectId) -> Option<Duration> {
        self.criteria.rules.timeout_for(id)
    }

    /// How often the containers of the pods of `id` were restarted: the highest number.
    pub(crate) fn restarts(&self, id: &ObjectId, now: Timestamp) -> u32 {
        let Some(object) = self.objects.get(id) else {
            return 0;
        };
        self.around(object, now, |surroundings| {
            surroundings
                .pods
                .iter()
                .map(|pod| most_restarts(pod))
                .max()
                .unwrap_or(0)
        })
    }

    /// Notes the answer to a write of `id`.
    pub(crate) fn written(&mut self, id: &ObjectId, object: Value) {
        self.criteria.status_subresources.note(id, &object);
        self.objects.take(id.clone(), Arc::new(object));
    }

    /// Notes that `id` is gone.
    pub(crate) fn removed(&mut self, id: &ObjectId) {
        self.objects.remove(id);
    }

    /// The object as it was seen last.
    pub(crate) fn object(&self, id: &ObjectId) -> Option<&Arc<Value>> {
        self.objects.get(id)
    }

    /// The Job or Pod `id`, where it has done its work, also when it has gone since.
    pub(crate) fn completed(&self, id: &ObjectId) -> Option<&Arc<Value>> {
        self.objects.completed(id)
    }

    /// Judges `id` by what is known now, within the default budget.
    pub(crate) fn judge(&self, id: &ObjectId, now: Timestamp) -> Verdict {
        self.judge_within(id, now, Budget::default())
    }

    /// Judges `id` by what is known now; `budget` says how much failing is tolerated.
    pub(crate) fn judge_within(&self, id: &ObjectId, now: Timestamp, budget: Budget) -> Verdict {
        match self.objects.get(id) {
            None => Verdict::absent(),
            Some(object) => self.around(object, now, |surroundings| {
                self.criteria.rules.judge(object, surroundings, budget)
            }),
        }
    }

    /// Calls `ask` with what belongs to `object`.
    pub(crate) fn around<T>(
        &self,
        object: &Value,
        now: Timestamp,
        ask: impl FnOnce(&Surroundings<'_>) -> T,
    ) -> T {
        let family = self.related.family(uid_of(object));
        let of_kind = |kind: &str| -> Vec<&Value> {
            family
                .iter()
                .copied()
                .filter(|child| ManifestView(child).kind() == kind)
                .collect()
        };
        let pods = if ManifestView(object).is_claim() {
            self.related.users_of(object)
        } else {
            of_kind("Pod")
        };
        let claims = self.related.claims_of(&pods);
        let events = self.related.events_about(
            family
                .iter()
                .copied()
                .chain(claims.iter().copied())
                .chain([object])
                .map(uid_of),
        );
        let binding = self.criteria.bindings.of(object);
        let has_status_subresource = self.criteria.status_subresources.has(object);
        let surroundings = Surroundings {
            binding,
            has_status_subresource,
            ..Surroundings::none(now)
        };
        ask(&Surroundings {
            pods: &pods,
            replica_sets: &of_kind("ReplicaSet"),
            claims: &claims,
            events: &events,
            ..surroundings
        })
    }

    /// Watches the kind of `id`: by our label over all namespaces, from where the LIST stopped, or
    /// in its namespace; only `id` itself where others are expected to create it.
    pub(crate) fn follow(&mut self, id: &ObjectId, resource: &Resource) {
        self.resources
            .entry(id.clone())
            .or_insert_with(|| resource.clone());
        let known = self.objects.get(id);
        self.watches.read_unlistable(id, resource, known);
        if self.expected.contains(id) {
            return self.watches.start(
                WatchScope {
                    resource: resource.clone(),
                    namespace: id.namespace.clone(),
                    selector: None,
                    name: Some(id.name.clone()),
                },
                None,
            );
        }
        let labelled = self.labelled.as_ref();
        let position = labelled.and_then(|labelled| labelled.positions.get(resource).cloned());
        let namespace = if position.is_some() {
            None
        } else {
            id.namespace.clone()
        };
        self.watches.start(
            WatchScope {
                resource: resource.clone(),
                namespace,
                selector: self.label().cloned(),
                name: None,
            },
            position,
        );
    }

    /// Whether a watch brings what happens to `id`.
    pub(crate) fn is_followed(&self, id: &ObjectId) -> bool {
        self.resources.contains_key(id)
    }

    /// Watches what belongs to workloads in the namespace of `id`.
    pub(crate) async fn follow_children(&mut self, id: &ObjectId) {
        let Some(namespace) = &id.namespace else {
            return;
        };
        for resource in children() {
            self.watches.start(
                WatchScope {
                    resource,
                    namespace: Some(namespace.clone()),
                    selector: None,
                    name: None,
                },
                None,
            );
        }
        if id.is_claim() {
            let cluster = self.watches.cluster();
            self.criteria.bindings.ask_once(cluster).await;
        }
    }

    /// Lists what belongs to workloads in `namespace`, once. What the user may not list stays
    /// unknown.
    pub(crate) async fn list_children(&mut self, namespace: &str) -> Result<(), RequestError> {
        let resources: Vec<Resource> = children().collect();
        let cluster = self.watches.cluster();
        let lists = resources
            .iter()
            .map(|resource| cluster.list(resource, Some(namespace), None));
        for listed in join_all(lists).await {
            match listed {
                Ok(listed) => listed.items.iter().for_each(|item| self.note(item)),
                Err(error) if error.is_forbidden() || error.is_absent() => {}
                Err(error) => return Err(error),
            }
        }
        self.criteria.bindings.ask(self.watches.cluster()).await;
        Ok(())
    }

    /// Those of `objects`, which were there, that are not any more: one LIST of their metadata for
    /// each kind and namespace. What the user may not list is taken to be there.
    pub(crate) async fn gone(
        &self,
        objects: Vec<(ObjectId, Resource)>,
    ) -> Vec<(ObjectId, Resource)> {
        let places: HashSet<(Resource, Option<String>)> = objects
            .iter()
            .map(|(id, resource)| (resource.clone(), id.namespace.clone()))
            .collect();
        let (cluster, label) = (self.watches.cluster(), self.label().map(String::as_str));
        let lists = places.into_iter().map(|(resource, namespace)| async move {
            let listed = cluster.list_metadata(&resource, namespace.as_deref(), label);
            Some((
                (resource.clone(), namespace.clone()),
                listed.await.ok()?.items,
            ))
        });
        let listed = join_all(lists).await.into_iter().flatten();
        let listed: HashMap<_, Vec<Arc<Value>>> = listed.collect();
        let is_gone = |(id, resource): &(ObjectId, Resource)| {
            let there = listed.get(&(resource.clone(), id.namespace.clone()));
            let is_it = |there: &Arc<Value>| there["metadata"]["name"] == id.name;
            there.is_some_and(|there| !there.iter().any(is_it))
        };
        objects.into_iter().filter(is_gone).collect()
    }

    /// Whether `id` is there, and is found by our label.
    pub(crate) fn is_labelled(&self, id: &ObjectId) -> bool {
        let is_found = |object: &Arc<Value>| self.labelled.is_none() || self.is_ours(object);
        self.objects.get(id).is_some_and(is_found)
    }

    /// Waits until a watch says something, takes in all that is there, and says what it is about.
    ///
    /// Never returns where nothing is watched.
    pub(crate) async fn changed(&mut self) -> Changes {
        if let Some(heard) = self.watches.next().await {
            self.ingest(heard);
        }
        while let Some(heard) = self.watches.next_at_once() {
            self.ingest(heard);
        }
        std::mem::take(&mut self.news)
    }

    fn ingest(&mut self, heard: Heard) {
        self.news.since.get_or_insert(heard.at);
        match heard.what {
            Watched::Changed(object) => self.note(&object),
            Watched::Gone(object) => self.forget(&object),
            Watched::All(scope, objects) => {
                self.news.everything = true;
                let known = self.forget_scope(&scope, &objects);
                for object in objects {
                    if identity(&object).is_some_and(|id| known.contains(&id)) {
                        self.take_object(Arc::clone(&object));
                    }
                    self.note(&object);
                }
            }
            // Of an expected definition the watch itself hears by what is served.
            Watched::Forbidden(scope) if scope.resource.is_definition() && scope.name.is_some() => {
            }
            Watched::Forbidden(scope) => {
                self.watches.note_unlistable(scope);
                for (id, resource) in &self.resources {
                    let known = self.objects.get(id);
                    self.watches.read_unlistable(id, resource, known);
                }
            }
        }
    }

    fn note(&mut self, object: &Arc<Value>) {
        let Some(id) = identity(object) else { return };
        // A watch may tell of an object, and even that it is ready, before the answer to our own
        // write of it was read.
        if self.is_ours(object) || self.objects.contains(&id) || self.resources.contains_key(&id) {
            self.criteria.status_subresources.note(&id, object);
            self.take_object(Arc::clone(object));
        }
        if is_child(object) {
            self.related.note(Arc::clone(object));
        }
        self.is_news(id, object);
    }

    fn is_news(&mut self, id: ObjectId, object: &Value) {
        if !self.news.everything {
            self.news.uids.extend(self.related.concerned(object));
            self.news.ids.insert(id);
        }
    }

    fn is_ours(&self, object: &Value) -> bool {
        let label = self.label();
        label.is_some_and(|label| ManifestView(object).label(label).is_some())
    }

    fn label(&self) -> Option<&String> {
        self.labelled.as_ref().map(|labelled| &labelled.label)
    }

    fn take_object(&mut self, object: Arc<Value>) {
        if let Some(id) = identity(&object) {
            self.objects.take(id, object);
        }
    }

    fn forget(&mut self, object: &Arc<Value>) {
        let Some(id) = identity(object) else { return };
        self.objects.forget(&id, object);
        self.is_news(id, object);
        self.related.forget(object);
    }

    /// Forgets everything of a scope before all of it, `list`, is taken in anew. Returns the
    /// objects that were known.
    fn forget_scope(&mut self, scope: &WatchScope, list: &[Arc<Value>]) -> HashSet<ObjectId> {
        let mut known = HashSet::new();
        if scope.selector.as_ref() == self.label() {
            let of_kind =
                |id: &ObjectId| id.kind == scope.resource.kind && id.group == scope.resource.group;
            known = self
                .objects
                .forget_all(|id, object| of_kind(id) && is_in(scope, object), list);
        }
        if scope.selector.is_none() {
            self.related.forget_scope(scope);
        }
        known
    }
}

/// The number of restarts of that container of `pod` which was restarted most often.
fn most_restarts(pod: &Value) -> u32 {
    let statuses = ["/status/initContainerStatuses", "/status/containerStatuses"]
        .into_iter()
        .flat_map(|path| list(pod, path));
    let restarts = statuses
        .filter_map(|status| integer(status, "/restartCount"))
        .max()
        .unwrap_or(0);
    u32::try_from(restarts).unwrap_or(u32::MAX)
}

/// [`CHILDREN`] as they are served.
fn children() -> impl Iterator<Item = Resource> {
    CHILDREN.iter().map(|(group, version, kind, plural)| {
        Resource::built_in(group, version, kind, plural, Scope::Namespaced)
    })
}

fn identity(object: &Value) -> Option<ObjectId> {
    ObjectId::of(object)
}

fn is_child(object: &Value) -> bool {
    let object = ManifestView(object);
    let is_listed =
        |(group, _, kind, _): &(&str, &str, &str, &str)| object.group_and_kind() == (group, kind);
    CHILDREN.iter().any(is_listed) || object.is_job()
}
