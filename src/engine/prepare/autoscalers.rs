//! Autoscalers that the cluster has: the replicas of what they scale are left to them.

use std::collections::{BTreeSet, HashSet};

use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::engine::{
    desired::DesiredState,
    plan::decide::{ChangeAction, Decision},
};
use crate::{
    cluster::{Cluster, ListScope, Listing, RequestError, Resource, Served, Tolerated},
    object::{ObjectId, field::part, scale_target},
    ownership::is_ours,
};

/// Kinds that decide how many replicas something has.
const AUTOSCALERS: [(&str, &str); 2] = [
    ("autoscaling", "HorizontalPodAutoscaler"),
    ("keda.sh", "ScaledObject"),
];

/// Leaves the replicas of what is going to be changed to the autoscalers that the cluster has for
/// it, also where no manifest brings them.
///
/// Asked is only where something that has replicas is going to be changed, by one LIST for each
/// kind. Returns whether any were left: then what is wanted is another than it was, and has to be
/// decided about anew.
pub(crate) async fn leave_replicas(
    cluster: &Cluster,
    served: &Served,
    wanted: &mut DesiredState,
    decisions: &[Decision],
) -> Result<bool, RequestError> {
    let changed = decisions
        .iter()
        .filter(|decision| decision.action == ChangeAction::Change);
    let scaled: Vec<ObjectId> = changed
        .map(|decision| &decision.id)
        .filter(|id| part(wanted.objects[*id].sent(), "/spec/replicas").is_some())
        .cloned()
        .collect();
    if scaled.is_empty() {
        return Ok(false);
    }
    let namespaces: BTreeSet<&str> = scaled
        .iter()
        .filter_map(|id| id.namespace.as_deref())
        .collect();
    let kinds: Vec<&Resource> = AUTOSCALERS
        .iter()
        .filter_map(|(group, kind)| served.preferred(group, kind))
        .collect();
    let listed: Vec<Listing> = stream::iter(kinds)
        .map(|kind| list(cluster, kind, &namespaces))
        .buffer_unordered(AUTOSCALERS.len())
        .try_collect()
        .await?;
    let manager = wanted.release.field_manager();
    let autoscalers = listed
        .iter()
        .flat_map(|listing| &listing.items)
        .filter_map(|autoscaler| Some((ObjectId::of(autoscaler)?, autoscaler)));
    // One of ours that is no longer wanted goes with this run.
    let staying = autoscalers.filter(|(id, autoscaler)| {
        wanted.objects.contains_key(id) || !is_ours(autoscaler, &manager)
    });
    let targets: HashSet<ObjectId> = staying
        .filter_map(|(id, autoscaler)| scale_target(&id, autoscaler))
        .collect();
    let mut left = false;
    for id in scaled.iter().filter(|id| targets.contains(*id)) {
        wanted.objects[id].leave_replicas();
        left = true;
    }
    Ok(left)
}

/// The objects of `kind` in `namespaces`. Where they may not be listed there are none: whoever owns
/// the replicas then shows as a conflict.
async fn list(
    cluster: &Cluster,
    kind: &Resource,
    namespaces: &BTreeSet<&str>,
) -> Result<Listing, RequestError> {
    let scope = match namespaces.first() {
        Some(only) if namespaces.len() == 1 => ListScope::Namespace(only),
        _ => ListScope::Everywhere {
            otherwise: namespaces,
        },
    };
    cluster
        .list_permitted(kind, scope, None, Tolerated::Forbidden)
        .await
}
