//! Claims of storage, which say whether data is kept.

use std::collections::BTreeSet;

use futures::{StreamExt as _, TryStreamExt as _, future::try_join_all, stream};

use crate::engine::observe::objects::Observation;
use crate::{
    cluster::{Cluster, RequestError, Seen, Served},
    object::ObjectId,
};

/// All PersistentVolumeClaims in `namespaces`; metadata is enough to know them.
pub(crate) async fn claims_in(
    cluster: &Cluster,
    served: &Served,
    namespaces: BTreeSet<&String>,
) -> Result<Vec<ObjectId>, RequestError> {
    let Some(resource) = served.exact("v1", "PersistentVolumeClaim") else {
        return Ok(Vec::new());
    };
    let lists = try_join_all(
        namespaces
            .into_iter()
            .map(|namespace| cluster.list_metadata(resource, Some(namespace), None)),
    )
    .await?;
    let claim = |object: &serde_json::Value| {
        let text = |pointer: &str| {
            object
                .pointer(pointer)
                .and_then(serde_json::Value::as_str)
                .map(str::to_owned)
        };
        let kind = resource.kind.clone();
        Some(ObjectId {
            group: String::new(),
            kind,
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name")?,
        })
    };
    Ok(lists
        .iter()
        .flat_map(|listed| &listed.items)
        .filter_map(|item| claim(item))
        .collect())
}

/// Lists that are under way at once.
const PARALLEL: usize = 16;

/// Adds to `observation` all claims in the namespaces of those of `ids` that say whether data is
/// kept: Secrets and workloads.
pub(crate) async fn observe_claims(
    cluster: &Cluster,
    served: &Served,
    ids: impl Iterator<Item = &ObjectId>,
    observation: &mut Observation,
) -> Result<(), RequestError> {
    let Some(resource) = served.exact("v1", "PersistentVolumeClaim") else {
        return Ok(());
    };
    let concerned = ids.filter(|id| id.kind == "Secret" || id.kind == "StatefulSet");
    let namespaces: BTreeSet<&String> = concerned.filter_map(|id| id.namespace.as_ref()).collect();
    let lists: Vec<_> = namespaces
        .into_iter()
        .map(|namespace| cluster.list(resource, Some(namespace), None))
        .collect();
    let lists: Vec<_> = stream::iter(lists)
        .buffer_unordered(PARALLEL)
        .try_collect()
        .await?;
    for item in lists.into_iter().flat_map(|listed| listed.items) {
        if let Some(id) = ObjectId::of(&item) {
            observation.live.note(id, Seen::Present(item));
        }
    }
    Ok(())
}
