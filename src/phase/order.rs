//! The order in which the objects of a phase are written, and what leans on what inside it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use indexmap::IndexMap;

use crate::object::{
    HasKind as _, Object, ObjectId, References, annotated_wave, field::text, runs_to_completion,
};

/// One object of a phase in the order in which the phase writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ordered {
    /// The object.
    pub(crate) id: ObjectId,
    /// Objects of the same phase that are written before it: a Namespace, a CRD (established and
    /// served), what it reads or runs under.
    pub(crate) after: Vec<ObjectId>,
    /// Those of them that must be ready before: annotations say so.
    pub(crate) ready: Vec<ObjectId>,
    /// Objects of the same phase without which it may fail while it starts: what it needs, and whom
    /// it speaks to, directly or by way of others. They say nothing about the order.
    pub(crate) soft_dependencies: Vec<ObjectId>,
    /// What becomes ready slowest, and what that waits for, has the highest number and is started
    /// first.
    pub(crate) priority: u32,
    /// Admission webhooks are written once everything else of the phase is ready: before, they
    /// would refuse what their own server needs to start.
    pub(crate) last: bool,
}

impl Ordered {
    /// An object that is written by itself.
    pub(crate) fn alone(id: ObjectId) -> Self {
        Self {
            id,
            after: Vec::new(),
            ready: Vec::new(),
            soft_dependencies: Vec::new(),
            priority: 0,
            last: false,
        }
    }
}

/// The order inside a phase: each object after all that it waits for, those with the highest
/// priority first.
///
/// `objects` are the objects of one phase. Cycles are broken, always at the same place.
pub(crate) fn order(objects: &[&Object], references: &References) -> Vec<Ordered> {
    let members: HashSet<&ObjectId> = objects.iter().map(|object| &object.id).collect();
    let declared = declared(objects, &members, references);
    let mut after: IndexMap<&ObjectId, Vec<&ObjectId>> = objects
        .iter()
        .map(|object| {
            let mut others = waits_for(object, objects, &members, references);
            let known: HashSet<&ObjectId> = others.iter().copied().collect();
            let declared = declared[&object.id].all();
            others.extend(declared.filter(|other| !known.contains(other)));
            (&object.id, others)
        })
        .collect();
    let sequence = sorted(&mut after, &declared);
    let priorities = priorities(objects, &after, &sequence);
    let soft: SoftDependencies<'_> = objects
        .iter()
        .map(|object| {
            (
                &object.id,
                soft_dependencies(&object.id, &members, references),
            )
        })
        .collect();
    let mut ready = awaited(&after, &declared, &soft);
    sorted_by_priority(&after, &priorities)
        .into_iter()
        .map(|id| Ordered {
            id: id.clone(),
            after: after[id].iter().map(|id| (*id).clone()).collect(),
            ready: ready.remove(id).unwrap_or_default(),
            soft_dependencies: soft[id].clone(),
            priority: priorities[id],
            last: id.is_webhook_configuration(),
        })
        .collect()
}

type SoftDependencies<'a> = HashMap<&'a ObjectId, Vec<ObjectId>>;

/// What must be ready before each object: those of `declared` that are among `after`, as some
/// contradict what objects need, but for what can only become ready once that object is there.
fn awaited<'a>(
    after: &After<'a>,
    declared: &Declared<'a>,
    soft: &SoftDependencies<'a>,
) -> HashMap<&'a ObjectId, Vec<ObjectId>> {
    let mut waits = Waits {
        after,
        soft,
        ready: HashMap::new(),
    };
    for (id, others) in after {
        let others: HashSet<&ObjectId> = others.iter().copied().collect();
        let still = declared[id].all().filter(|other| others.contains(other));
        waits.ready.insert(id, still.collect());
    }
    let mut known: HashMap<&ObjectId, HashSet<&ObjectId>> = HashMap::new();
    for id in after.keys() {
        for other in waits.ready[id].clone() {
            let before = known.entry(other).or_insert_with(|| waits.before(other));
            if before.contains(id) {
                let ready = waits.ready.entry(id).or_default();
                ready.retain(|ready| *ready != other);
                known.clear();
            }
        }
    }
    let owned = |ids: Vec<&ObjectId>| ids.into_iter().cloned().collect();
    let ready = waits.ready.into_iter();
    ready.map(|(id, ids)| (id, owned(ids))).collect()
}

/// What is waited for before objects are written, and before they can become ready.
struct Waits<'a, 'b> {
    after: &'b After<'a>,
    soft: &'b SoftDependencies<'a>,
    ready: HashMap<&'a ObjectId, Vec<&'a ObjectId>>,
}

impl<'a: 'b, 'b> Waits<'a, 'b> {
    /// What must be written before `id` can become ready, other than what comes before it anyway: it
    /// leans on that, or on what waits for that.
    fn before(&self, id: &ObjectId) -> HashSet<&'b ObjectId> {
        // Whether it has to be ready, and not only written.
        let mut open: Vec<(&'b ObjectId, bool)> = self.leant_on(id, true).collect();
        let mut seen: HashSet<(&'b ObjectId, bool)> = HashSet::new();
        while let Some((next, is_ready)) = open.pop() {
            if seen.insert((next, is_ready)) {
                open.extend(self.after[next].iter().map(|other| (*other, false)));
                open.extend(self.ready[next].iter().map(|other| (*other, true)));
                open.extend(self.leant_on(next, is_ready));
            }
        }
        seen.into_iter().map(|(id, _)| id).collect()
    }

    fn leant_on(
        &self,
        id: &ObjectId,
        is_ready: bool,
    ) -> impl Iterator<Item = (&'b ObjectId, bool)> {
        let soft: &'b [ObjectId] = if is_ready { &self.soft[id] } else { &[] };
        soft.iter().map(|other| (other, true))
    }
}

/// What annotations put before an object.
struct DeclaredBefore<'a> {
    /// What they name.
    named: Vec<&'a ObjectId>,
    /// What has a lower number.
    lower: Vec<&'a ObjectId>,
}

impl<'a> DeclaredBefore<'a> {
    fn all(&self) -> impl Iterator<Item = &'a ObjectId> {
        let lower = self.lower.iter().copied();
        let lower = lower.filter(|other| !self.named.contains(other));
        self.named.iter().copied().chain(lower)
    }
}

type Declared<'a> = HashMap<&'a ObjectId, DeclaredBefore<'a>>;

/// What annotations put before each object. Webhooks come last whatever they say.
fn declared<'a>(
    objects: &[&'a Object],
    members: &HashSet<&'a ObjectId>,
    references: &'a References,
) -> Declared<'a> {
    let waves = waves(objects);
    let mut declared = HashMap::new();
    for object in objects {
        let id = &object.id;
        let is_ordered =
            |other: &&ObjectId| !id.is_webhook_configuration() && !other.is_webhook_configuration();
        let named = references.declared_before(id).iter();
        let named = named.filter(|other| members.contains(other));
        let number = annotated_wave(&object.body).unwrap_or_default();
        let lower = waves.range(..number).next_back();
        let lower = lower.into_iter().flat_map(|(_, ids)| ids.iter().copied());
        let before = DeclaredBefore {
            named: named.filter(is_ordered).collect(),
            lower: lower.filter(is_ordered).collect(),
        };
        declared.insert(id, before);
    }
    declared
}

/// The objects by the numbers that annotations give them.
fn waves<'a>(objects: &[&'a Object]) -> BTreeMap<i64, Vec<&'a ObjectId>> {
    let mut waves: BTreeMap<i64, Vec<&ObjectId>> = BTreeMap::new();
    for object in objects {
        let number = annotated_wave(&object.body).unwrap_or_default();
        let waits = !object.id.is_webhook_configuration();
        let members = waves.entry(number).or_default();
        members.extend(waits.then_some(&object.id));
    }
    waves
}

/// Everything among `members` that `id` leans on, directly or by way of others.
fn soft_dependencies(
    id: &ObjectId,
    members: &HashSet<&ObjectId>,
    references: &References,
) -> Vec<ObjectId> {
    let mut seen = HashSet::from([id]);
    let mut open = vec![id];
    while let Some(next) = open.pop() {
        open.extend(
            references
                .soft_dependencies(next)
                .filter(|other| members.contains(other) && seen.insert(other)),
        );
    }
    seen.remove(id);
    let mut found: Vec<ObjectId> = seen.into_iter().cloned().collect();
    found.sort();
    found
}

fn waits_for<'a>(
    object: &'a Object,
    objects: &[&'a Object],
    members: &HashSet<&'a ObjectId>,
    references: &'a References,
) -> Vec<&'a ObjectId> {
    let id = &object.id;
    if id.is_webhook_configuration() {
        return objects
            .iter()
            .map(|other| &other.id)
            .filter(|other| !other.is_webhook_configuration())
            .collect();
    }
    let needs = references.needs(id).iter();
    needs.filter(|need| members.contains(need)).collect()
}

/// Priority of what runs pods.
const WORKLOAD: u32 = 80;

/// How long an object takes to become ready, as a rank.
fn base_priority(object: &Object) -> u32 {
    match (object.id.group.as_str(), object.id.kind.as_str()) {
        ("apps", "StatefulSet") => 100,
        ("batch", "Job") => 90,
        _ if runs_to_completion(&object.body) => 90,
        ("apps", _) | ("", "Pod") | ("argoproj.io", "Rollout") => WORKLOAD,
        ("apiextensions.k8s.io", _) => 70,
        ("apiregistration.k8s.io", _) => 60,
        ("", "PersistentVolumeClaim") | ("networking.k8s.io", "Ingress") => 50,
        ("", "Service") if text(&object.body, "/spec/type") == Some("LoadBalancer") => 50,
        // Custom resources stand for work that a controller does.
        (group, _) if group.contains('.') && !group.ends_with(".k8s.io") => 60,
        _ => 10,
    }
}

type After<'a> = IndexMap<&'a ObjectId, Vec<&'a ObjectId>>;

/// An order in which everything comes after what it waits for. Edges that close a cycle are taken
/// out of `after`, those that only numbers say first, then those of other annotations.
fn sorted<'a>(after: &mut After<'a>, declared: &Declared<'a>) -> Vec<&'a ObjectId> {
    let mut left: BTreeSet<&ObjectId> = after.keys().copied().collect();
    let mut sequence = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let free: Vec<&ObjectId> = left
            .iter()
            .copied()
            .filter(|id| after[*id].iter().all(|other| !left.contains(other)))
            .collect();
        if free.is_empty() {
            let (from, to) = edge_of_cycle(&left, after, declared);
            after[from].retain(|other| *other != to);
        }
        for id in free {
            left.remove(id);
            sequence.push(id);
        }
    }
    sequence
}

/// An edge on a cycle: of those that numbers say, or else annotations, or else of all, the one that
/// leaves the smallest object on it, so that every run breaks it alike.
fn edge_of_cycle<'a>(
    left: &BTreeSet<&'a ObjectId>,
    after: &After<'a>,
    declared: &Declared<'a>,
) -> (&'a ObjectId, &'a ObjectId) {
    let next = |id: &ObjectId| {
        after[id]
            .iter()
            .copied()
            .find(|other| left.contains(other))
            .expect("nothing that is left is free")
    };
    let mut path: Vec<&ObjectId> = Vec::new();
    let mut current = *left.first().expect("only called while something is left");
    while !path.contains(&current) {
        path.push(current);
        current = next(current);
    }
    let start = path.iter().position(|id| *id == current).unwrap_or(0);
    let cycle = path[start..].iter().copied();
    let is_lower = |id: &&ObjectId| declared[*id].lower.contains(&next(id));
    let is_named = |id: &&ObjectId| declared[*id].named.contains(&next(id));
    let lower = cycle.clone().filter(is_lower).min();
    let declared = lower.or(cycle.clone().filter(is_named).min());
    let smallest = declared.or(cycle.min()).unwrap_or(current);
    (smallest, next(smallest))
}

/// The priority of each object: its own, or that of what waits for it where that is higher.
fn priorities<'a>(
    objects: &[&'a Object],
    after: &After<'a>,
    sequence: &[&'a ObjectId],
) -> HashMap<&'a ObjectId, u32> {
    let mut priorities: HashMap<&ObjectId, u32> = objects
        .iter()
        .map(|object| (&object.id, base_priority(object)))
        .collect();
    let others = sequence
        .iter()
        .rev()
        .filter(|id| !id.is_webhook_configuration());
    for id in others {
        let own = priorities[*id];
        for other in &after[*id] {
            let priority = priorities.entry(other).or_default();
            *priority = own.max(*priority);
        }
    }
    priorities
}

/// The final order: of what is free, the highest priority first, then by identity.
fn sorted_by_priority<'a>(
    after: &After<'a>,
    priorities: &HashMap<&'a ObjectId, u32>,
) -> Vec<&'a ObjectId> {
    let mut blocking: HashMap<&ObjectId, Vec<&ObjectId>> = HashMap::new();
    let mut open: HashMap<&ObjectId, usize> = HashMap::new();
    for (id, others) in after {
        open.insert(id, others.len());
        for other in others {
            blocking.entry(other).or_default().push(id);
        }
    }
    let rank = |id: &'a ObjectId| (std::cmp::Reverse(priorities[id]), id);
    let mut free: BTreeSet<_> = after
        .keys()
        .filter(|id| open[**id] == 0)
        .map(|id| rank(id))
        .collect();
    let mut result = Vec::with_capacity(after.len());
    while let Some((_, id)) = free.pop_first() {
        result.push(id);
        for waiting in blocking.remove(id).into_iter().flatten() {
            let count = open.entry(waiting).or_default();
            *count -= 1;
            if *count == 0 {
                free.insert(rank(waiting));
            }
        }
    }
    result
}
