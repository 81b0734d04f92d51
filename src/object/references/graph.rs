//! Who needs whom among a set of objects: by names, by selectors, by what a Service serves.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;
use serde_json::Value;

use super::{
    declared::DeclaredOrder,
    hosts::services_mentioned,
    named::{Reference, autoscaled, made_secret, named_by, subjects},
    pods::{PodSelector, Workload},
};
use crate::object::{Definition, HasKind as _, Object, ObjectId, Problem, pod_spec};

/// What refers to what among a set of objects. Objects outside the set do not occur.
#[derive(Debug, Clone, Default)]
pub(crate) struct References {
    needs: HashMap<ObjectId, Needs>,
    serves: HashMap<ObjectId, Vec<ObjectId>>,
    /// The Services that the configuration of a workload mentions.
    mentions: HashMap<ObjectId, Vec<ObjectId>>,
    /// What objects are about, which they report on: what an autoscaler scales, and the server of an
    /// aggregated API.
    subjects: HashMap<ObjectId, Vec<ObjectId>>,
    /// What annotations say about the order.
    declared: DeclaredOrder,
}

impl References {
    /// The references between `objects`.
    pub(crate) fn between(objects: &IndexMap<ObjectId, Object>) -> Self {
        let mut needs = needs(objects);
        let serves = serves(objects, &needs);
        let declared = DeclaredOrder::of(objects);
        for (id, before) in &declared.after {
            let needs = needs.entry(id.clone()).or_default();
            for need in before {
                needs.add(need, false);
            }
        }
        Self {
            needs,
            mentions: services_mentioned(objects),
            subjects: reported_on(objects, &serves),
            serves,
            declared,
        }
    }

    /// What annotations say must be ready before `id` is written.
    pub(crate) fn declared_before(&self, id: &ObjectId) -> &[ObjectId] {
        self.declared.after.get(id).map_or(&[], Vec::as_slice)
    }

    /// Says that `before` must be ready before `id` is written, where they are in one phase.
    pub(crate) fn declare_before(&mut self, id: &ObjectId, before: Vec<ObjectId>) {
        let declared = self.declared.after.entry(id.clone()).or_default();
        declared.extend(before);
    }

    /// What is wrong with annotations about the order.
    pub(crate) fn problems(&self) -> &[Problem] {
        &self.declared.problems
    }

    /// What must be there before `id` can work: its namespace, its CRD, what it names and belongs to,
    /// the roles of its `ServiceAccount`, the quotas and limits of its namespace.
    pub(crate) fn needs(&self, id: &ObjectId) -> &[ObjectId] {
        self.needs.get(id).map_or(&[], |needs| needs.all.as_slice())
    }

    /// Whether `id` cannot exist without `need`: the API server refuses it, or a controller deletes
    /// it. Without anything else that it needs it is there and does not become ready.
    pub(crate) fn is_vital(&self, id: &ObjectId, need: &ObjectId) -> bool {
        self.needs
            .get(id)
            .is_some_and(|needs| needs.vital.contains(need))
    }

    /// What `id` cannot do without while it starts, as far as it can be known: what must be there
    /// before it, the workloads behind the Services that its configuration mentions, and what it
    /// reports on.
    pub(crate) fn soft_dependencies(&self, id: &ObjectId) -> impl Iterator<Item = &ObjectId> {
        let services = self.mentions.get(id).into_iter().flatten();
        let mentioned = services.flat_map(|service| self.serves(service));
        let subjects = self.subjects.get(id).into_iter().flatten();
        self.needs(id).iter().chain(mentioned).chain(subjects)
    }

    /// The workloads that `id` is there for: those that read it, run under it, are selected, scaled
    /// or guarded by it.
    pub(crate) fn serves(&self, id: &ObjectId) -> &[ObjectId] {
        self.serves.get(id).map_or(&[], Vec::as_slice)
    }
}

/// What must be there before an object.
#[derive(Debug, Clone, Default)]
struct Needs {
    all: Vec<ObjectId>,
    /// Those of them without which it cannot exist.
    vital: HashSet<ObjectId>,
}

impl Needs {
    fn add(&mut self, need: &ObjectId, is_vital: bool) {
        if is_vital {
            self.vital.insert(need.clone());
        }
        if !self.all.contains(need) {
            self.all.push(need.clone());
        }
    }
}

/// What the needs of one object are looked up in.
struct Index<'a> {
    objects: &'a IndexMap<ObjectId, Object>,
    /// The CRD of each group and kind.
    definitions: HashMap<(&'a str, &'a str), &'a ObjectId>,
    /// The object whose controller makes a Secret.
    makers: HashMap<ObjectId, &'a ObjectId>,
    /// The bindings of each `ServiceAccount`.
    bindings: HashMap<ObjectId, Vec<&'a ObjectId>>,
    /// The quotas and limits of each namespace.
    limits: HashMap<&'a Option<String>, Vec<&'a ObjectId>>,
}

impl<'a> Index<'a> {
    fn of(objects: &'a IndexMap<ObjectId, Object>) -> Self {
        let mut index = Self {
            objects,
            definitions: HashMap::new(),
            makers: HashMap::new(),
            bindings: HashMap::new(),
            limits: HashMap::new(),
        };
        for (id, object) in objects {
            if let Some(defined) = Definition::of(&object.body) {
                index
                    .definitions
                    .insert((defined.group(), defined.kind()), id);
            }
            if let Some(secret) = made_secret(id, &object.body) {
                index.makers.insert(secret, id);
            }
            for account in subjects(id, &object.body) {
                index.bindings.entry(account).or_default().push(id);
            }
            if id.is_limit() {
                index.limits.entry(&id.namespace).or_default().push(id);
            }
        }
        index
    }

    fn needs_of(&self, id: &ObjectId, body: &Value) -> Needs {
        let mut needs = Needs::default();
        let namespace = id.namespace.as_deref().map(ObjectId::namespace);
        if let Some(there) = namespace.filter(|namespace| self.objects.contains_key(namespace)) {
            needs.add(&there, true);
        }
        let kind = (id.group.as_str(), id.kind.as_str());
        if let Some(definition) = self.definitions.get(&kind) {
            needs.add(definition, true);
        }
        for Reference { target, is_vital } in named_by(id, body) {
            if self.objects.contains_key(&target) {
                needs.add(&target, is_vital);
            } else if let Some(maker) = self.makers.get(&target) {
                needs.add(maker, false);
            }
            let bindings = self.bindings.get(&target).into_iter().flatten();
            bindings.for_each(|binding| needs.add(binding, false));
        }
        // Defaults and limits hold only for pods that are made after them.
        let limits = self.limits.get(&id.namespace).into_iter().flatten();
        if pod_spec(body).is_some() {
            limits.for_each(|limit| needs.add(limit, false));
        }
        needs.all.retain(|need| need != id);
        needs
    }
}

fn needs(objects: &IndexMap<ObjectId, Object>) -> HashMap<ObjectId, Needs> {
    let index = Index::of(objects);
    objects
        .iter()
        .map(|(id, object)| (id.clone(), index.needs_of(id, &object.body)))
        .filter(|(_, needs)| !needs.all.is_empty())
        .collect()
}

fn serves(
    objects: &IndexMap<ObjectId, Object>,
    needs: &HashMap<ObjectId, Needs>,
) -> HashMap<ObjectId, Vec<ObjectId>> {
    let workloads: Vec<Workload<'_>> = objects.values().filter_map(Workload::of).collect();
    let mut serves: HashMap<ObjectId, Vec<ObjectId>> = HashMap::new();
    for workload in &workloads {
        for need in needed_by(workload.id, needs) {
            serves
                .entry(need.clone())
                .or_default()
                .push(workload.id.clone());
        }
    }
    for (id, object) in objects {
        let found = served_directly(id, &object.body, &workloads, objects);
        if !found.is_empty() {
            serves.insert(id.clone(), found);
        }
    }
    // Webhooks and aggregated APIs are answered by the workload behind their Service.
    for id in objects.keys().filter(|id| is_answered_by_a_service(id)) {
        let behind: Vec<ObjectId> = needs
            .get(id)
            .into_iter()
            .flat_map(|needs| &needs.all)
            .filter(|need| need.is_service())
            .filter_map(|service| serves.get(service))
            .flatten()
            .cloned()
            .collect();
        if !behind.is_empty() {
            serves.insert(id.clone(), behind);
        }
    }
    serves
}

/// What autoscalers and aggregated APIs among `objects` report on, without which they are not ready.
fn reported_on(
    objects: &IndexMap<ObjectId, Object>,
    serves: &HashMap<ObjectId, Vec<ObjectId>>,
) -> HashMap<ObjectId, Vec<ObjectId>> {
    let reports = objects
        .iter()
        .filter(|(id, object)| id.is_api_service() || autoscaled(id, &object.body).is_some());
    let found = reports.filter_map(|(id, _)| Some((id.clone(), serves.get(id)?.clone())));
    found.collect()
}

fn is_answered_by_a_service(id: &ObjectId) -> bool {
    id.is_webhook_configuration() || id.is_api_service()
}

/// Everything that `workload` needs, directly or by way of something else, but for what the whole
/// phase needs anyway.
fn needed_by<'a>(workload: &ObjectId, needs: &'a HashMap<ObjectId, Needs>) -> Vec<&'a ObjectId> {
    let direct = |id: &ObjectId| needs.get(id).into_iter().flat_map(|needs| &needs.all);
    let mut found: Vec<&ObjectId> = Vec::new();
    let mut seen = HashSet::from([workload]);
    let mut next: Vec<&ObjectId> = direct(workload).collect();
    while let Some(id) = next.pop() {
        if !id.is_container() && seen.insert(id) {
            found.push(id);
            next.extend(direct(id));
        }
    }
    found
}

/// The workloads that an object selects or scales.
fn served_directly(
    id: &ObjectId,
    body: &Value,
    workloads: &[Workload<'_>],
    objects: &IndexMap<ObjectId, Object>,
) -> Vec<ObjectId> {
    if let Some(target) = autoscaled(id, body) {
        return objects
            .get(&target)
            .map(|object| object.id.clone())
            .into_iter()
            .collect();
    }
    PodSelector::of(id, body).map_or_else(Vec::new, |selector| {
        let selected = workloads
            .iter()
            .filter(|workload| selector.selects(workload));
        selected.map(|workload| workload.id.clone()).collect()
    })
}
