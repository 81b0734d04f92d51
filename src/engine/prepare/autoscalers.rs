//! Autoscalers that the cluster has: the replicas of what they scale are left to them.

use std::collections::{BTreeSet, HashSet};

use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::engine::{
    desired::{DesiredObject, DesiredState},
    plan::decide::{ChangeAction, Decision},
};
use crate::{
    cluster::{
        Cluster, Force, ListScope, Listing, Live, RequestError, Resource, Served, Tolerated,
    },
    object::{ObjectId, field::part, scale_target},
    ownership::{Path, is_ours, scaled_by},
    plan::FieldSelector,
};

/// Kinds that decide how many replicas something has, and that are asked for.
const AUTOSCALERS: [(&str, &str); 2] = [
    ("autoscaling", "HorizontalPodAutoscaler"),
    ("keda.sh", "ScaledObject"),
];

/// The manager of what a `HorizontalPodAutoscaler` sets.
const CONTROLLER_MANAGER: &str = "kube-controller-manager";

/// An object whose number of replicas is left to others, and what is to be said of that.
pub(crate) type Left = (ObjectId, Option<String>);

/// Leaves the replicas of what is going to be changed to the autoscalers that the cluster has for
/// it, also where no manifest brings them, and to controllers that have scaled it. Returns what was
/// left: then what is wanted is another than it was, and has to be decided about anew.
///
/// Asked is only where something that has replicas is going to be changed, by one LIST for each
/// kind. Other autoscalers are known by what they have done.
pub(crate) async fn leave_replicas(
    (cluster, served): (&Cluster, &Served),
    wanted: &mut DesiredState,
    live: &Live,
    decisions: &[Decision],
    force: Force,
) -> Result<Vec<Left>, RequestError> {
    let changed: Vec<&ObjectId> = decisions
        .iter()
        .filter(|decision| decision.action == ChangeAction::Change)
        .map(|decision| &decision.id)
        .collect();
    let has_replicas =
        |id: &&ObjectId| part(wanted.objects[*id].sent(), "/spec/replicas").is_some();
    let scaled: Vec<&ObjectId> = changed.iter().copied().filter(has_replicas).collect();
    let (targets, all_known) = targets(cluster, served, wanted, &scaled).await?;
    let mut left = Vec::new();
    for id in scaled.into_iter().filter(|id| targets.contains(*id)) {
        wanted.objects[id].leave_replicas();
        left.push((id.clone(), None));
    }
    if force == Force::No {
        let is_gone = |manager: &str| all_known && manager == CONTROLLER_MANAGER;
        for id in changed {
            let scaled = live.object(id).into_iter().flat_map(|live| scaled_by(live));
            for (path, manager) in scaled.filter(|(_, manager)| !is_gone(manager)) {
                left.extend(leave_scaled(&mut wanted.objects[id], &path, &manager));
            }
        }
    }
    Ok(left)
}

/// Leaves what is at `path` of `object` to `manager`, which has scaled it, where the manifest has
/// it.
fn leave_scaled(object: &mut DesiredObject, path: &Path, manager: &str) -> Option<Left> {
    path.get(object.sent())?;
    object.leave(FieldSelector::parse(&path.to_string()).ok()?);
    let remark = format!(
        "`{path}` is left to `{manager}`, which has scaled it; `--force-conflicts` sets it"
    );
    Some((object.object.id.clone(), Some(remark)))
}

/// What the autoscalers in the cluster scale, in the namespaces of `scaled`, and whether all
/// `HorizontalPodAutoscalers` are known.
async fn targets(
    cluster: &Cluster,
    served: &Served,
    wanted: &DesiredState,
    scaled: &[&ObjectId],
) -> Result<(HashSet<ObjectId>, bool), RequestError> {
    if scaled.is_empty() {
        return Ok((HashSet::new(), false));
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
    let targets = staying.filter_map(|(id, autoscaler)| scale_target(&id, autoscaler));
    let all_known = listed.iter().all(|listing| listing.complete);
    Ok((targets.collect(), all_known))
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
