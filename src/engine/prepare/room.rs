//! Whether the cluster has room for what is about to be written: nodes, quotas and limits of the
//! namespaces, a default storage class.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use serde_json::Value;

use crate::engine::{
    desired::DesiredObject,
    plan::decide::{ChangeAction, Decision},
    prepare::context::{PrepareContext, PrepareError},
    prepare::prepared::Prepared,
};
use crate::{
    cluster::{ListScope, RequestError, Seen, Tolerated},
    object::{ContainerDefaults, HasKind as _, ManifestView, ObjectId, pod_spec, scale_target},
    plan::PhaseId,
    preflight::{self, Finding, FoundQuota, Needed},
};

/// What was seen of the cluster's room; `None` is what nobody has to know, or may not be listed.
struct Room {
    nodes: Option<Vec<Arc<Value>>>,
    classes: Option<Vec<Arc<Value>>>,
    quotas: Option<Vec<Arc<Value>>>,
    ranges: Option<Vec<Arc<Value>>>,
}

/// What `decisions` write and the cluster has no room for. Asked is only about what they need.
pub(crate) async fn without_room(
    context: PrepareContext<'_>,
    prepared: &Prepared,
    decisions: &[Decision],
) -> Result<Vec<Finding>, PrepareError> {
    let written: Vec<&Decision> = decisions
        .iter()
        .filter(|decision| decision.action != ChangeAction::Keep)
        .collect();
    let wanted = |decision: &Decision| &prepared.desired.objects[&decision.id];
    let pods: Vec<&DesiredObject> = written
        .iter()
        .map(|decision| wanted(decision))
        .filter(|wanted| preflight::runs_pods(&wanted.object))
        .collect();
    let created = written
        .iter()
        .filter(|decision| decision.action == ChangeAction::Create);
    let open: Vec<&DesiredObject> = created
        .map(|decision| wanted(decision))
        .filter(|wanted| preflight::leaves_class_open(&wanted.object))
        .collect();
    let room = look(context, prepared, &pods, !open.is_empty()).await?;
    let mut findings = Vec::new();
    if let Some(classes) = &room.classes {
        let own = prepared.desired.objects.values();
        let own = own.filter(|wanted| wanted.object.id.is_storage_class());
        let own = own.map(|wanted| wanted.object.body.as_ref());
        let mut all = classes.iter().map(AsRef::as_ref).chain(own);
        if !all.any(preflight::is_default_class) {
            findings.extend(
                open.iter()
                    .map(|wanted| preflight::no_default_class(&wanted.object)),
            );
        }
    }
    let namespaces: BTreeSet<Option<&str>> = pods
        .iter()
        .map(|wanted| wanted.object.id.namespace.as_deref())
        .collect();
    for namespace in namespaces {
        let inside = Namespace::of(namespace, prepared, &room);
        findings.extend(inside.findings((&pods, decisions), &room, prepared));
    }
    Ok(findings)
}

async fn look(
    context: PrepareContext<'_>,
    prepared: &Prepared,
    pods: &[&DesiredObject],
    asks_for_classes: bool,
) -> Result<Room, PrepareError> {
    let nobody = BTreeSet::new();
    let absent = &prepared.observation.absent_namespaces;
    let namespaces: BTreeSet<&str> = pods
        .iter()
        .filter_map(|wanted| wanted.object.id.namespace.as_deref())
        .filter(|namespace| !absent.contains(*namespace))
        .collect();
    let asks_for_nodes = pods
        .iter()
        .any(|wanted| preflight::asks_for_nodes(&wanted.object.body));
    let has_namespaces = !namespaces.is_empty();
    let looked = async {
        futures::try_join!(
            list(context, asks_for_nodes, ("", "Node"), &nobody),
            list(
                context,
                asks_for_classes,
                ("storage.k8s.io", "StorageClass"),
                &nobody
            ),
            list(context, has_namespaces, ("", "ResourceQuota"), &namespaces),
            list(context, has_namespaces, ("", "LimitRange"), &namespaces),
        )
    };
    let (nodes, classes, quotas, ranges) = context
        .answer("cannot look for room in the cluster", looked)
        .await?;
    Ok(Room {
        nodes,
        classes,
        quotas,
        ranges,
    })
}

/// The objects of a kind in `namespaces`, or in all; `None` where they are not asked for, or may not
/// be listed.
async fn list(
    context: PrepareContext<'_>,
    is_asked: bool,
    (group, kind): (&str, &str),
    namespaces: &BTreeSet<&str>,
) -> Result<Option<Vec<Arc<Value>>>, RequestError> {
    let resource = context.served.preferred(group, kind);
    let Some(resource) = resource.filter(|_| is_asked) else {
        return Ok(None);
    };
    let scope = match namespaces.first() {
        Some(only) if namespaces.len() == 1 => ListScope::Namespace(only),
        _ => ListScope::Everywhere {
            otherwise: namespaces,
        },
    };
    let listing = context
        .cluster
        .list_permitted(resource, scope, None, Tolerated::Refused)
        .await?;
    Ok(listing.complete.then_some(listing.items))
}

/// A namespace that pods are written to.
struct Namespace<'a> {
    name: Option<&'a str>,
    /// Its quotas, as they will be.
    quotas: Vec<FoundQuota<'a>>,
    /// Its `LimitRange`s, as they will be.
    ranges: Vec<&'a Value>,
    defaults: ContainerDefaults,
}

impl<'a> Namespace<'a> {
    fn of(name: Option<&'a str>, prepared: &'a Prepared, room: &'a Room) -> Self {
        let wanted = prepared.desired.objects.values();
        let limits = wanted.filter(|wanted| {
            wanted.object.id.is_limit() && wanted.object.id.namespace.as_deref() == name
        });
        let (quotas, ranges): (Vec<_>, Vec<_>) =
            limits.partition(|wanted| wanted.object.id.is_quota());
        let mut bodies: Vec<&Value> = ranges.iter().map(|it| it.object.body.as_ref()).collect();
        bodies.extend(there(name, room.ranges.as_deref(), &ranges).map(|(_, body)| body));
        let mut defaults = ContainerDefaults::default();
        for range in &bodies {
            defaults.add(range);
        }
        Self {
            name,
            quotas: found_quotas(name, &quotas, room),
            ranges: bodies,
            defaults,
        }
    }

    fn findings(
        &self,
        (pods, decisions): (&[&DesiredObject], &[Decision]),
        room: &Room,
        prepared: &Prepared,
    ) -> Vec<Finding> {
        let nodes: Vec<Value> = room
            .nodes
            .iter()
            .flatten()
            .map(|it| it.as_ref().clone())
            .collect();
        let mut findings = Vec::new();
        let inside = pods
            .iter()
            .filter(|wanted| wanted.object.id.namespace.as_deref() == self.name);
        for wanted in inside {
            let object = &wanted.object;
            findings.extend(preflight::out_of_limits(
                object,
                &self.ranges,
                &self.defaults,
            ));
            findings.extend(preflight::no_node(object, &nodes, &self.defaults));
        }
        if !self.quotas.is_empty() {
            let needed = self.needed(prepared, decisions);
            findings.extend(preflight::over_quota(&self.quotas, &needed));
        }
        findings
    }

    /// What the release needs in the namespace, at the most at a time.
    fn needed(&self, prepared: &Prepared, decisions: &[Decision]) -> Needed {
        let wanted = &prepared.desired.objects;
        let scaled: HashMap<ObjectId, (f64, f64)> = wanted
            .iter()
            .filter_map(|(id, autoscaler)| {
                let body = &autoscaler.object.body;
                let between = preflight::scaled_between(id, body)?;
                Some((scale_target(id, body)?, between))
            })
            .collect();
        let live = &prepared.observation.live;
        let written: HashSet<&ObjectId> = decisions
            .iter()
            .filter(|decision| decision.action != ChangeAction::Keep)
            .map(|decision| &decision.id)
            .collect();
        let is_there = |id: &ObjectId| match live.seen(id) {
            Seen::Present(body) => written.contains(id) || !preflight::has_ended(body),
            Seen::Absent => written.contains(id),
            Seen::Unasked | Seen::Forbidden => false,
        };
        let known: HashSet<&ObjectId> = wanted.keys().filter(|id| is_there(id)).collect();
        let mut standing = Needed::default();
        let mut passing: HashMap<Moment<'_>, Needed> = HashMap::new();
        let inside = wanted
            .iter()
            .filter(|(id, _)| id.namespace.as_deref() == self.name && known.contains(id));
        for (id, wanted) in inside {
            let there = live.object(id).map(AsRef::as_ref);
            let bodies = (wanted.object.body.as_ref(), there);
            let needed = match moment(wanted) {
                Some(moment) => passing.entry(moment).or_default(),
                None => &mut standing,
            };
            needed.add(id, bodies, scaled.get(id).copied(), &self.defaults);
        }
        standing.with_peak(passing.into_values())
    }
}

/// When pods that end run: a phase's Jobs together, each hook of a chart alone.
type Moment<'a> = (&'a PhaseId, Option<&'a ObjectId>);

/// When pods of `wanted` run that end; `None` where they stay, or there are none.
fn moment(wanted: &DesiredObject) -> Option<Moment<'_>> {
    let object = &wanted.object;
    pod_spec(&object.body)?;
    let hook = wanted.hook().map(|_| &object.id);
    (hook.is_some() || object.id.is_job()).then_some((&wanted.phase, hook))
}

/// What is `listed` in the namespace `name` and not among what is `wanted`.
fn there<'a>(
    name: Option<&'a str>,
    listed: Option<&'a [Arc<Value>]>,
    wanted: &[&DesiredObject],
) -> impl Iterator<Item = (ObjectId, &'a Value)> {
    let listed = listed.into_iter().flatten().map(AsRef::as_ref);
    let inside = listed.filter(move |body| ManifestView(body).namespace() == name);
    let with_id = inside.filter_map(|body: &'a Value| Some((ObjectId::of(body)?, body)));
    with_id.filter(|(id, _)| !wanted.iter().any(|wanted| wanted.object.id == *id))
}

/// The quotas of the namespace `name`: those that are `wanted`, and others that are there.
fn found_quotas<'a>(
    name: Option<&'a str>,
    wanted: &[&'a DesiredObject],
    room: &'a Room,
) -> Vec<FoundQuota<'a>> {
    let own = wanted.iter().map(|wanted| {
        let object = &wanted.object;
        let mut listed = there(name, room.quotas.as_deref(), &[]);
        let live = listed.find(|(id, _)| *id == object.id);
        FoundQuota {
            id: object.id.clone(),
            body: &object.body,
            used: live
                .map(|(_, live)| preflight::used(live))
                .unwrap_or_default(),
            at: Some(&object.origin),
        }
    });
    let foreign = there(name, room.quotas.as_deref(), wanted).map(|(id, body)| FoundQuota {
        id,
        body,
        used: preflight::used(body),
        at: None,
    });
    own.chain(foreign).collect()
}
