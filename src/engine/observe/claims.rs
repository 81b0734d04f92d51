//! Claims of storage, which say whether data is kept.

use std::collections::BTreeSet;

use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::engine::observe::objects::Observation;
use crate::{
    cluster::{Cluster, RequestError, Seen, Served},
    object::{HasKind as _, ObjectId},
};

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
    let concerned = ids.filter(|id| id.is_secret() || id.is_like_stateful_set());
    let namespaces: BTreeSet<&String> = concerned.filter_map(|id| id.namespace.as_ref()).collect();
    let lists: Vec<_> = namespaces
        .into_iter()
        .map(|namespace| cluster.list(resource, Some(namespace), None))
        .collect();
    let lists: Vec<_> = stream::iter(lists)
        .buffer_unordered(Cluster::PARALLEL)
        .try_collect()
        .await?;
    for item in lists.into_iter().flat_map(|listed| listed.items) {
        if let Some(id) = ObjectId::of(&item) {
            observation.live.note(id, Seen::Present(item));
        }
    }
    Ok(())
}

/// [`observe_claims`] where they are only named, as those of StatefulSets are, and decide about
/// nothing else: whoever may not look at them goes on without.
pub(crate) async fn observe_claims_if_permitted(
    cluster: &Cluster,
    served: &Served,
    ids: impl Iterator<Item = &ObjectId>,
    observation: &mut Observation,
) -> Result<(), RequestError> {
    match observe_claims(cluster, served, ids, observation).await {
        Err(error) if error.is_forbidden() => Ok(()),
        observed => observed,
    }
}
