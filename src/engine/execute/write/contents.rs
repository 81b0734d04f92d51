//! What is in a Namespace, or of the kind that a definition defines, and would go with it.

use std::{collections::HashSet, sync::Arc};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use super::{text, uid_of};
use crate::{
    cluster::{Cluster, RequestError, Resource, Served},
    engine::observe::storage_versions::defined,
    object::ObjectId,
};

/// Lists that are under way at once.
const PARALLEL: usize = 16;

/// What a Namespace or CustomResourceDefinition `id`, which is `live`, holds that would go with it,
/// in words; `None` where it holds nothing.
///
/// What the system itself makes in every namespace does not count. Metadata is enough to know.
pub(super) async fn held_by(
    cluster: &Cluster,
    served: &Served,
    id: &ObjectId,
    live: &Value,
) -> Result<Option<String>, RequestError> {
    let held = match id.kind.as_str() {
        "Namespace" => held_by_namespace(cluster, served, &id.name).await?,
        "CustomResourceDefinition" => {
            let (group, kind) = (text(live, "/spec/group"), text(live, "/spec/names/kind"));
            // A kind that came with this run may be served by now, although it was not when the run
            // began.
            match served
                .preferred(group, kind)
                .cloned()
                .or_else(|| defined(live))
            {
                Some(resource) => list(cluster, &resource, None).await?,
                None => Vec::new(),
            }
        }
        _ => Vec::new(),
    };
    let lasting = without_garbage(cluster, served, held).await?;
    Ok(in_words(lasting))
}

/// An object that was found, and its metadata.
struct Held {
    id: ObjectId,
    object: Arc<Value>,
}

impl Held {
    /// What it belongs to.
    fn owners(&self) -> impl Iterator<Item = Owner<'_>> {
        let references = self.object.pointer("/metadata/ownerReferences");
        references
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|reference| Owner {
                api_version: text(reference, "/apiVersion"),
                kind: text(reference, "/kind"),
                name: text(reference, "/name"),
                uid: text(reference, "/uid"),
                namespace: self.id.namespace.as_deref(),
            })
    }
}

#[derive(Clone, Copy)]
struct Owner<'a> {
    api_version: &'a str,
    kind: &'a str,
    name: &'a str,
    uid: &'a str,
    namespace: Option<&'a str>,
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
) -> Result<Vec<ObjectId>, RequestError> {
    let mut gone = absent_owners(cluster, served, &held).await?;
    let mut lasting = held;
    loop {
        let (garbage, rest): (Vec<Held>, Vec<Held>) = lasting.into_iter().partition(|held| {
            held.owners().next().is_some() && held.owners().all(|owner| gone.contains(owner.uid))
        });
        lasting = rest;
        if garbage.is_empty() {
            return Ok(lasting.into_iter().map(|held| held.id).collect());
        }
        gone.extend(garbage.iter().map(|held| uid_of(&held.object).to_owned()));
    }
}

/// The uids of those owners of `held` that do not exist. What is in `held` itself is not asked for.
async fn absent_owners(
    cluster: &Cluster,
    served: &Served,
    held: &[Held],
) -> Result<HashSet<String>, RequestError> {
    let mut known: HashSet<&str> = held.iter().map(|held| uid_of(&held.object)).collect();
    let unknown: Vec<Owner<'_>> = held
        .iter()
        .flat_map(Held::owners)
        .filter(|owner| known.insert(owner.uid))
        .collect();
    stream::iter(unknown)
        .map(|owner| async move {
            let absent = is_absent(cluster, served, owner).await?;
            Ok::<_, RequestError>(absent.then(|| owner.uid.to_owned()))
        })
        .buffer_unordered(PARALLEL)
        .try_filter_map(|uid| async move { Ok(uid) })
        .try_collect()
        .await
}

/// Whether `owner` is known not to exist. The garbage collector keeps what belongs to an object
/// that it cannot look up, so that counts as being there.
async fn is_absent(
    cluster: &Cluster,
    served: &Served,
    owner: Owner<'_>,
) -> Result<bool, RequestError> {
    let Some(resource) = served.exact(owner.api_version, owner.kind) else {
        return Ok(false);
    };
    if resource.namespaced && owner.namespace.is_none() {
        return Ok(false);
    }
    let live = cluster.get(resource, owner.namespace, owner.name).await?;
    Ok(live.is_none_or(|live| uid_of(&live) != owner.uid))
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

async fn held_by_namespace(
    cluster: &Cluster,
    served: &Served,
    namespace: &str,
) -> Result<Vec<Held>, RequestError> {
    let listable = |resource: &&Resource| {
        resource.namespaced
            && !never_counts(&resource.kind)
            && resource.verbs.iter().any(|verb| verb == "list")
    };
    let kinds = served
        .kinds()
        .filter(listable)
        .filter(|resource| served.preferred(&resource.group, &resource.kind) == Some(*resource));
    let lists: Vec<Vec<Held>> = stream::iter(kinds)
        .map(|kind| list(cluster, kind, Some(namespace)))
        .buffer_unordered(PARALLEL)
        .try_collect()
        .await?;
    Ok(lists.into_iter().flatten().collect())
}

/// The objects of a kind that count. A kind that is not served any more has none.
async fn list(
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
                    namespace: object
                        .pointer("/metadata/namespace")
                        .and_then(Value::as_str)
                        .map(str::to_owned),
                    name: text(&object, "/metadata/name").to_owned(),
                },
                object,
            });
            Ok(objects
                .filter(|held| !is_made_by_the_system(&held.id.kind, &held.id.name))
                .collect())
        }
        Err(error) if matches!(error.code(), Some(404 | 405)) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Whether every namespace has such an object, or gets it by itself.
fn is_made_by_the_system(kind: &str, name: &str) -> bool {
    match kind {
        "ConfigMap" => name == "kube-root-ca.crt" || name == "openshift-service-ca.crt",
        "ServiceAccount" => name == "default",
        _ => false,
    }
}

/// Whether objects of `kind` are views and leftovers: they go when what they are about is gone.
fn never_counts(kind: &str) -> bool {
    matches!(kind, "Event" | "EndpointSlice" | "Endpoints" | "PodMetrics")
}
