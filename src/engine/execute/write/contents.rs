//! What is in a Namespace, or of the kind that a definition defines, and would go with it.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use super::text;
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
    Ok(in_words(held))
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
) -> Result<Vec<ObjectId>, RequestError> {
    let listable = |resource: &&Resource| {
        resource.namespaced
            && !never_counts(&resource.kind)
            && resource.verbs.iter().any(|verb| verb == "list")
    };
    let kinds = served
        .kinds()
        .filter(listable)
        .filter(|resource| served.preferred(&resource.group, &resource.kind) == Some(*resource));
    let lists: Vec<Vec<ObjectId>> = stream::iter(kinds)
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
) -> Result<Vec<ObjectId>, RequestError> {
    match cluster.list_metadata(resource, namespace, None).await {
        Ok(listed) => {
            let objects = listed.items.iter().map(|item| ObjectId {
                group: resource.group.clone(),
                kind: resource.kind.clone(),
                namespace: item
                    .pointer("/metadata/namespace")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
                name: text(item, "/metadata/name").to_owned(),
            });
            Ok(objects
                .filter(|id| !is_made_by_the_system(&id.kind, &id.name))
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
