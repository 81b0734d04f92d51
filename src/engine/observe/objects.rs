//! The one look at what is there, with as few requests as its user is permitted.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use crate::{
    cluster::{Cluster, ListScope, Listing, Live, RequestError, Resource, Seen, Tolerated},
    object::{Digest, HasKind as _, ManifestView, ObjectId},
    ownership::{apply_entry, owned_values},
    plan::ReleaseId,
};

/// What one look at the cluster brought.
#[derive(Debug, Default)]
pub(crate) struct Observation {
    /// The objects.
    pub(crate) live: Live,
    /// For each kind that was listed by our label over all namespaces: where a watch of it goes on.
    pub(crate) positions: HashMap<Resource, String>,
    /// Namespaces that objects are wanted in and that do not exist.
    pub(crate) absent_namespaces: BTreeSet<String>,
    /// Webhook configurations of the release that a dry run was refused for because nothing answers:
    /// they are what has to be repaired first.
    pub(crate) dead_webhooks: BTreeSet<ObjectId>,
    /// What the API server would store of what a run writes, where it has said so.
    pub(crate) answers: BTreeMap<ObjectId, Value>,
}

impl Observation {
    /// Takes what lies in Namespaces among `wanted` that are being deleted for absent: it goes with
    /// them, and is created in their successors.
    pub(crate) fn forget_what_goes<'a>(&mut self, wanted: impl Iterator<Item = &'a ObjectId>) {
        let goes = |id: &&ObjectId| {
            let there = self.live.object(id);
            id.is_namespace() && there.is_some_and(|there| ManifestView(there).is_terminating())
        };
        let going: BTreeSet<String> = wanted.filter(goes).map(|id| id.name.clone()).collect();
        let inside = |id: &&ObjectId| {
            id.namespace
                .as_ref()
                .is_some_and(|namespace| going.contains(namespace))
        };
        let lost: Vec<ObjectId> = self
            .live
            .present()
            .map(|(id, _)| id)
            .filter(inside)
            .cloned()
            .collect();
        for id in lost {
            self.live.note(id, Seen::Absent);
        }
        self.absent_namespaces.extend(going);
    }
}

/// What of an object tells whether it is still as it was decided about: its uid, and a digest of
/// what is ours in it, or of all that is not status where nothing is.
pub(crate) fn fingerprint(live: &Live, id: &ObjectId, manager: &str) -> Option<(String, Digest)> {
    let object = live.object(id)?;
    let uid = ManifestView(object).uid().unwrap_or_default().to_owned();
    let digest = match apply_entry(object, manager) {
        Some(entry) => Digest::of(&owned_values(object, entry)),
        None => Digest::of(&without_status(object)),
    };
    Some((uid, digest))
}

fn without_status(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(map) = object.as_object_mut() {
        map.remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("resourceVersion");
        metadata.remove("managedFields");
    }
    object
}

/// Looks at all objects in `wanted`, each with the kind that it is read as.
///
/// One LIST by our label for each kind finds what is ours. What is not among it is looked up by
/// name, unless its namespace does not exist: only then may it be called absent.
pub(crate) async fn observe(
    cluster: &Cluster,
    release: &ReleaseId,
    wanted: &[(ObjectId, Resource)],
) -> Result<Observation, RequestError> {
    let mut observation = Observation::default();
    list_ours(cluster, release, wanted, &mut observation).await?;
    let missing: Vec<&(ObjectId, Resource)> = wanted
        .iter()
        .filter(|(id, _)| observation.live.object(id).is_none())
        .collect();
    find_absent_namespaces(cluster, &missing, &mut observation).await?;
    look_up(cluster, missing, &mut observation).await?;
    Ok(observation)
}

/// Looks for `named` by name alone, as [`observe`] does for what is not ours; nothing is in
/// `absent_namespaces`.
pub(crate) async fn look_for(
    cluster: &Cluster,
    named: &[(ObjectId, Resource)],
    absent_namespaces: &BTreeSet<String>,
) -> Result<Live, RequestError> {
    let mut observation = Observation {
        absent_namespaces: absent_namespaces.clone(),
        ..Observation::default()
    };
    look_up(cluster, named.iter().collect(), &mut observation).await?;
    Ok(observation.live)
}

async fn list_ours(
    cluster: &Cluster,
    release: &ReleaseId,
    wanted: &[(ObjectId, Resource)],
    observation: &mut Observation,
) -> Result<(), RequestError> {
    let mut kinds: BTreeMap<(String, String, String), (Resource, BTreeSet<&str>)> = BTreeMap::new();
    for (id, resource) in wanted {
        let key = (
            resource.group.clone(),
            resource.kind.clone(),
            resource.version.clone(),
        );
        let entry = kinds
            .entry(key)
            .or_insert_with(|| (resource.clone(), BTreeSet::new()));
        entry.1.extend(id.namespace.as_deref());
    }
    let label = release.label();
    let answers: Vec<_> = stream::iter(kinds.into_values())
        .map(|(resource, namespaces)| list_kind(cluster, resource, namespaces, &label))
        .buffer_unordered(Cluster::PARALLEL)
        .try_collect()
        .await?;
    for (resource, listing) in answers {
        for item in listing.items {
            if let Some(id) = ObjectId::of(&item) {
                observation.live.note(id, Seen::Present(item));
            }
        }
        if let Some(position) = listing.resource_version {
            observation.positions.insert(resource, position);
        }
    }
    Ok(())
}

/// The release's objects of one kind: by one LIST over all namespaces, or one for each namespace
/// where only that is permitted. A kind that is not served yet has none: its definition comes with
/// this release.
async fn list_kind(
    cluster: &Cluster,
    resource: Resource,
    namespaces: BTreeSet<&str>,
    label: &str,
) -> Result<(Resource, Listing), RequestError> {
    let scope = ListScope::Everywhere {
        otherwise: &namespaces,
    };
    let listing = cluster
        .list_permitted(&resource, scope, Some(label), Tolerated::Forbidden)
        .await?;
    Ok((resource, listing))
}

async fn find_absent_namespaces(
    cluster: &Cluster,
    missing: &[&(ObjectId, Resource)],
    observation: &mut Observation,
) -> Result<(), RequestError> {
    let namespaces: BTreeSet<&str> = missing
        .iter()
        .filter_map(|(id, _)| id.namespace.as_deref())
        .collect();
    let namespaces: Vec<String> = namespaces
        .into_iter()
        .filter(|name| {
            observation
                .live
                .object(&ObjectId::namespace(name))
                .is_none()
        })
        .map(str::to_owned)
        .collect();
    let resource = Resource::namespaces();
    let seen: Vec<(String, Seen<Arc<Value>>)> = stream::iter(namespaces)
        .map(|name| {
            let resource = &resource;
            async move { Ok((name.clone(), look_at(cluster, resource, None, &name).await?)) }
        })
        .buffer_unordered(Cluster::PARALLEL)
        .try_collect()
        .await?;
    for (name, seen) in seen {
        if matches!(seen, Seen::Absent) {
            observation.absent_namespaces.insert(name.clone());
        }
        observation.live.note(ObjectId::namespace(&name), seen);
    }
    Ok(())
}

/// Looks up each object that is not ours yet: by name, or by one LIST where many of a kind and
/// namespace are asked for.
async fn look_up(
    cluster: &Cluster,
    missing: Vec<&(ObjectId, Resource)>,
    observation: &mut Observation,
) -> Result<(), RequestError> {
    let mut groups: BTreeMap<Collection<'_>, Vec<&(ObjectId, Resource)>> = BTreeMap::new();
    for entry in missing {
        let (id, _) = entry;
        if id
            .namespace
            .as_ref()
            .is_some_and(|namespace| observation.absent_namespaces.contains(namespace))
        {
            observation.live.note(id.clone(), Seen::Absent);
        } else if observation.live.object(id).is_none() {
            groups
                .entry((&id.group, &id.kind, id.namespace.as_deref()))
                .or_default()
                .push(entry);
        }
    }
    let found: Vec<Vec<Found>> = stream::iter(groups.into_values())
        .map(|group| look_up_group(cluster, group))
        .buffer_unordered(Cluster::PARALLEL)
        .try_collect()
        .await?;
    for (id, seen) in found.into_iter().flatten() {
        observation.live.note(id, seen);
    }
    Ok(())
}

/// Group, kind and namespace: what one LIST answers for.
type Collection<'a> = (&'a str, &'a str, Option<&'a str>);

/// An object, and what was seen of it.
type Found = (ObjectId, Seen<Arc<Value>>);

/// Above this many names of one kind and namespace, one LIST is cheaper than asking for each.
const NAMES: usize = 4;

async fn look_up_group(
    cluster: &Cluster,
    group: Vec<&(ObjectId, Resource)>,
) -> Result<Vec<Found>, RequestError> {
    if group.len() > NAMES {
        let (first, resource) = group[0];
        match cluster
            .list(resource, first.namespace.as_deref(), None)
            .await
        {
            Ok(listed) => {
                let there: HashMap<ObjectId, Arc<Value>> = listed
                    .items
                    .into_iter()
                    .filter_map(|item| ObjectId::of(&item).map(|id| (id, item)))
                    .collect();
                return Ok(group
                    .into_iter()
                    .map(|(id, _)| {
                        (
                            id.clone(),
                            there.get(id).cloned().map_or(Seen::Absent, Seen::Present),
                        )
                    })
                    .collect());
            }
            Err(error) if error.is_forbidden() || error.is_absent() => {}
            Err(error) => return Err(error),
        }
    }
    stream::iter(group)
        .map(|(id, resource)| async move {
            let seen = look_at(cluster, resource, id.namespace.as_deref(), &id.name).await?;
            Ok((id.clone(), seen))
        })
        .buffered(NAMES)
        .try_collect()
        .await
}

async fn look_at(
    cluster: &Cluster,
    resource: &Resource,
    namespace: Option<&str>,
    name: &str,
) -> Result<Seen<Arc<Value>>, RequestError> {
    match cluster.get_served(resource, namespace, name).await {
        Ok(Some(object)) => Ok(Seen::Present(Arc::new(object))),
        Ok(None) => Ok(Seen::Absent),
        Err(error) if error.is_forbidden() => Ok(Seen::Forbidden),
        // Of a kind that is not served, or not in that version, nothing was looked at.
        Err(error) if error.is_unserved() => Ok(Seen::Unasked),
        Err(error) => Err(error),
    }
}
