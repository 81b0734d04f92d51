//! Looks for the owners that wanted objects name by uid.

use std::collections::{BTreeSet, HashMap};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use crate::engine::{
    desired::DesiredObject,
    prepare::context::{PrepareContext, PrepareError},
    prepare::prepared::Prepared,
    prepare::request::Request,
};
use crate::{
    cluster::{Cluster, Live, RequestError, Resource, Seen, Served},
    object::{ManifestView, ObjectId},
    preflight::{self, Finding, FoundOwner, NamedOwner},
};

/// Wanted objects of the selected phases that belong to owners which are not there.
///
/// Asked is only about owners that an object does not have yet: those that it has were there. One
/// that the user may not look at counts as there, and so does one of a kind that the cluster does
/// not serve: the garbage collector cannot tell either.
pub(crate) async fn absent_owners(
    context: PrepareContext<'_>,
    request: &Request<'_>,
    prepared: &Prepared,
) -> Result<Vec<Finding>, PrepareError> {
    let live = &prepared.observation.live;
    let selected = prepared
        .desired
        .objects
        .values()
        .filter(|wanted| request.selection.holds_wanted(wanted));
    let named: Vec<(&DesiredObject, Vec<Named<'_>>)> = selected
        .map(|wanted| (wanted, new_owners(wanted, live, context.served)))
        .filter(|(_, owners)| !owners.is_empty())
        .collect();
    let all = named.iter().flat_map(|(_, owners)| owners);
    let found = look_up(context.cluster, live, all);
    let found = context.answer("cannot look for owners", found).await?;
    let findings = named.iter().filter_map(|(wanted, owners)| {
        let owners: Vec<NamedOwner<'_>> = owners
            .iter()
            .map(|owner| NamedOwner {
                id: owner.id.clone(),
                uid: owner.uid,
                found: match &found[&owner.id] {
                    Found::Nothing => FoundOwner::Nothing,
                    Found::Uid(uid) if uid != owner.uid => FoundOwner::Successor,
                    Found::Uid(_) | Found::Hidden => FoundOwner::Itself,
                },
            })
            .collect();
        preflight::absent_owners(&wanted.object, &owners)
    });
    Ok(findings.collect())
}

/// An owner as a manifest names it.
struct Named<'a> {
    id: ObjectId,
    uid: &'a str,
    resource: &'a Resource,
}

/// What there is under the name of an owner.
enum Found {
    Nothing,
    Uid(String),
    /// The user may not look.
    Hidden,
}

impl Found {
    fn of(object: Option<&Value>) -> Self {
        object.map_or(Self::Nothing, |there| {
            Self::Uid(ManifestView(there).uid().unwrap_or_default().to_owned())
        })
    }
}

/// The owners that `wanted` names and that the object that is there does not have. What belongs to
/// the cluster as a whole and names an owner in a namespace is never collected.
fn new_owners<'a>(wanted: &'a DesiredObject, live: &Live, served: &'a Served) -> Vec<Named<'a>> {
    let there = live.object(&wanted.object.id);
    let has = |uid: &str| {
        let owners = there.map(|there| ManifestView(there).owners());
        owners.into_iter().flatten().any(|owner| owner.uid == uid)
    };
    let owners = ManifestView(&wanted.object.body).owners();
    let new = owners.filter(|owner| !owner.uid.is_empty() && !has(owner.uid));
    new.filter_map(|owner| {
        let resource = served.exact(owner.api_version, owner.kind)?;
        let namespace = wanted.object.id.namespace.clone();
        if resource.namespaced && namespace.is_none() {
            return None;
        }
        Some(Named {
            id: ObjectId {
                group: resource.group.clone(),
                kind: resource.kind.clone(),
                namespace: namespace.filter(|_| resource.namespaced),
                name: owner.name.to_owned(),
            },
            uid: owner.uid,
            resource,
        })
    })
    .collect()
}

/// What there is under the name of each of `owners`, which are asked for where nobody has looked.
async fn look_up<'a>(
    cluster: &Cluster,
    live: &Live,
    owners: impl Iterator<Item = &'a Named<'a>>,
) -> Result<HashMap<ObjectId, Found>, RequestError> {
    let mut found = HashMap::new();
    let mut unasked: Vec<(&ObjectId, &Resource)> = Vec::new();
    let mut named = BTreeSet::new();
    for owner in owners.filter(|owner| named.insert(&owner.id)) {
        match live.seen(&owner.id) {
            Seen::Present(there) => drop(found.insert(owner.id.clone(), Found::of(Some(there)))),
            Seen::Absent => drop(found.insert(owner.id.clone(), Found::Nothing)),
            Seen::Forbidden => drop(found.insert(owner.id.clone(), Found::Hidden)),
            Seen::Unasked => unasked.push((&owner.id, owner.resource)),
        }
    }
    let asked: Vec<(ObjectId, Found)> = stream::iter(unasked)
        .map(|(id, resource)| async move {
            let there = cluster.get(resource, id.namespace.as_deref(), &id.name);
            let found = match there.await {
                Err(error) if error.is_forbidden() => Found::Hidden,
                there => Found::of(there?.as_ref()),
            };
            Ok::<_, RequestError>((id.clone(), found))
        })
        .buffer_unordered(Cluster::PARALLEL)
        .try_collect()
        .await?;
    found.extend(asked);
    Ok(found)
}
