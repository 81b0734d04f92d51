//! What is in a Namespace, or of the kind that a definition defines, and would go with it.

use std::{collections::HashSet, sync::Arc};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use crate::{
    cluster::{Cluster, RequestError, Resource, Served},
    engine::{execute::journal::Left, observe::storage_versions::defined},
    object::{Definition, HasKind as _, ManifestView, ObjectId, Owner},
    ownership::is_ours_to_remove,
};

/// What a Namespace or CustomResourceDefinition `id`, which is `live`, holds that would go with it;
/// `None` where it holds nothing. What `manager` has applied of it is ours.
///
/// What the system itself makes in every namespace does not count. Metadata is enough to know.
pub(super) async fn held_by(
    cluster: &Cluster,
    served: &Served,
    id: &ObjectId,
    live: &Value,
    manager: &str,
) -> Result<Option<Left>, RequestError> {
    let held = if id.is_namespace() {
        // Kinds that came with this run were not served when it began, and anybody may have made
        // objects of them since.
        held_by_namespace(cluster, &cluster.discover().await?, &id.name).await?
    } else if let Some(definition) = Definition::of(live) {
        // A kind that came with this run may be served by now, although it was not when the run
        // began.
        let resource = served
            .preferred(definition.group(), definition.kind())
            .cloned()
            .or_else(|| defined(live));
        match resource {
            Some(resource) => list(cluster, &resource, None).await?,
            None => Vec::new(),
        }
    } else {
        Vec::new()
    };
    let lasting = without_garbage(cluster, served, held).await?;
    let ours = lasting
        .iter()
        .filter(|held| is_ours_to_remove(&held.object, manager))
        .map(|held| held.id.clone())
        .collect();
    let why = in_words(lasting.into_iter().map(|held| held.id).collect());
    Ok(why.map(|why| Left { why, ours }))
}

/// An object that was found, and its metadata.
pub(super) struct Held {
    pub(super) id: ObjectId,
    pub(super) object: Arc<Value>,
}

impl Held {
    /// What it belongs to.
    fn owners(&self) -> impl Iterator<Item = Owner<'_>> {
        ManifestView(&self.object).owners()
    }

    fn uid(&self) -> &str {
        ManifestView(&self.object).uid().unwrap_or_default()
    }
}

/// Those of `held` that the garbage collector is not about to take.
///
/// What a controller makes for an owner that was deleted a moment ago, or what went with it in the
/// background, is there until the collector has noticed: it belongs to nothing that lasts.
/// <https://kubernetes.io/docs/concepts/architecture/garbage-collection/#owners-dependents>
async fn without_garbage(
    cluster: &Cluster,
    served: &Served,
    held: Vec<Held>,
) -> Result<Vec<Held>, RequestError> {
    let mut gone = absent_owners(cluster, served, &held).await?;
    let mut lasting = held;
    loop {
        let (garbage, rest): (Vec<Held>, Vec<Held>) = lasting.into_iter().partition(|held| {
            held.owners().next().is_some() && held.owners().all(|owner| gone.contains(owner.uid))
        });
        lasting = rest;
        if garbage.is_empty() {
            return Ok(lasting);
        }
        gone.extend(garbage.iter().map(|held| held.uid().to_owned()));
    }
}

/// The uids of those owners of `held` that do not exist. What is in `held` itself is not asked for.
async fn absent_owners(
    cluster: &Cluster,
    served: &Served,
    held: &[Held],
) -> Result<HashSet<String>, RequestError> {
    let mut known: HashSet<&str> = held.iter().map(Held::uid).collect();
    let unknown: Vec<(&Held, Owner<'_>)> = held
        .iter()
        .flat_map(|held| held.owners().map(move |owner| (held, owner)))
        .filter(|(_, owner)| known.insert(owner.uid))
        .collect();
    stream::iter(unknown)
        .map(|(held, owner)| async move {
            let namespace = held.id.namespace.as_deref();
            let absent = is_absent(cluster, served, owner, namespace).await?;
            Ok::<_, RequestError>(absent.then(|| owner.uid.to_owned()))
        })
        .buffer_unordered(Cluster::PARALLEL)
        .try_filter_map(|uid| async move { Ok(uid) })
        .try_collect()
        .await
}

/// Whether `owner`, of what lies in `namespace`, is known not to exist. The garbage collector keeps
/// what belongs to an object that it cannot look up, so that counts as being there, and so does
/// what the user may not look at.
async fn is_absent(
    cluster: &Cluster,
    served: &Served,
    owner: Owner<'_>,
    namespace: Option<&str>,
) -> Result<bool, RequestError> {
    let Some(resource) = served.exact(owner.api_version, owner.kind) else {
        return Ok(false);
    };
    if resource.namespaced && namespace.is_none() {
        return Ok(false);
    }
    match cluster.get(resource, namespace, owner.name).await {
        Ok(live) => Ok(live.is_none_or(|live| ManifestView(&live).uid() != Some(owner.uid))),
        Err(error) if error.is_forbidden() => Ok(false),
        Err(error) => Err(error),
    }
}

/// `it holds A, B and 3 more`.
fn in_words(mut held: Vec<ObjectId>) -> Option<String> {
    held.sort_unstable();
    let shown = held
        .iter()
        .take(SHOWN)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    match held.len() {
        0 => None,
        number if number <= SHOWN => Some(format!("it holds {shown}")),
        number => Some(format!("it holds {shown} and {} more", number - SHOWN)),
    }
}

/// So many objects are named.
const SHOWN: usize = 3;

/// Everything in a namespace that counts, with its metadata.
async fn held_by_namespace(
    cluster: &Cluster,
    served: &Served,
    namespace: &str,
) -> Result<Vec<Held>, RequestError> {
    let kinds = listable(served, true);
    let lists: Vec<Vec<Held>> = stream::iter(kinds)
        .map(|kind| list(cluster, kind, Some(namespace)))
        .buffer_unordered(Cluster::PARALLEL)
        .try_collect()
        .await?;
    Ok(lists.into_iter().flatten().collect())
}

/// The kinds of which a LIST tells what counts: those of namespaces, or all.
pub(super) fn listable(served: &Served, namespaced: bool) -> impl Iterator<Item = &Resource> {
    let is_listed = move |resource: &&Resource| {
        (resource.namespaced || !namespaced)
            && !never_counts(&resource.kind)
            && resource.verbs.iter().any(|verb| verb == "list")
    };
    let kinds = served.kinds().filter(is_listed);
    kinds.filter(|resource| served.preferred(&resource.group, &resource.kind) == Some(*resource))
}

/// The objects of a kind that count. A kind that is not served any more has none.
pub(super) async fn list(
    cluster: &Cluster,
    resource: &Resource,
    namespace: Option<&str>,
) -> Result<Vec<Held>, RequestError> {
    match cluster.list_metadata(resource, namespace, None).await {
        Ok(listed) => {
            let objects = listed.items.into_iter().map(|object| Held {
                id: ObjectId {
                    group: resource.group.clone(),
                    kind: resource.kind.clone(),
                    namespace: ManifestView(&object).namespace().map(str::to_owned),
                    name: ManifestView(&object).name().to_owned(),
                },
                object,
            });
            Ok(objects
                .filter(|held| !held.id.is_made_by_the_system())
                .collect())
        }
        Err(error) if error.is_absent() || error.is_not_allowed() => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Whether objects of `kind` are views and leftovers: they go when what they are about is gone.
fn never_counts(kind: &str) -> bool {
    matches!(kind, "Event" | "EndpointSlice" | "Endpoints" | "PodMetrics")
}
