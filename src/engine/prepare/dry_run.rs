//! Tries changes without storing them.

use std::collections::BTreeSet;

use futures::{StreamExt as _, stream};
use serde_json::Value;

use crate::engine::{
    desired::DesiredState,
    observe::objects::Observation,
    plan::decide::{ChangeAction, Decision},
    prepare::attempt::{Attempt, Namespaces},
};
use crate::{
    cluster::{Cluster, Force, Served},
    object::{HasKind as _, ObjectId},
    ownership::is_ours,
    preflight::{DryRun, RunObjects, dead_webhook, webhook_in},
};

/// Tries every change without storing it, and marks the decisions whose fields somebody took at a
/// terminal as forced.
pub(crate) async fn dry_runs(
    cluster: &Cluster,
    wanted: &DesiredState,
    served: &Served,
    observation: &Observation,
    decisions: &mut [Decision],
    force: Force,
) -> Vec<DryRun> {
    let namespaces = Namespaces::of(wanted, observation);
    let run = run_objects(wanted, decisions, observation);
    let manager = wanted.release.field_manager();
    stream::iter(decisions.iter_mut())
        .map(|decision| {
            let (namespaces, manager, run) = (&namespaces, manager.as_str(), &run);
            async move {
                let object = &wanted.objects[&decision.id];
                let resource = served.exact(&object.object.api_version, &decision.id.kind);
                let Some(resource) = resource.filter(|_| decision.action != ChangeAction::Keep)
                else {
                    return DryRun::Unasked;
                };
                let live = observation.live.object(&decision.id).map(AsRef::as_ref);
                let attempt = Attempt {
                    cluster,
                    resource,
                    object,
                    manager,
                    live,
                    force,
                    run,
                };
                let is_run_anew = decision.action == ChangeAction::Replace;
                let answer = attempt.answered(decision, namespaces).await;
                // What is deleted first must be known to be taken; of a hook nothing is lost.
                if decision.action == ChangeAction::Replace && !is_run_anew {
                    answer
                } else {
                    attempt.decided(answer)
                }
            }
        })
        .buffered(Cluster::PARALLEL)
        .collect()
        .await
}

/// The objects of the run that carries out `decisions`.
fn run_objects<'a>(
    wanted: &'a DesiredState,
    decisions: &[Decision],
    observation: &'a Observation,
) -> RunObjects<'a> {
    let written = decisions
        .iter()
        .filter(|decision| decision.action != ChangeAction::Keep);
    RunObjects {
        wanted: wanted
            .objects
            .values()
            .map(|wanted| &wanted.object)
            .collect(),
        written: written
            .map(|decision| &wanted.objects[&decision.id].object)
            .collect(),
        rewritten: rewritten_webhooks(wanted, decisions, observation)
            .map(|(_, there)| there)
            .collect(),
    }
}

/// The webhook configurations of the release, as they are, that a run changes or removes.
fn rewritten_webhooks<'a>(
    wanted: &DesiredState,
    decisions: &[Decision],
    observation: &'a Observation,
) -> impl Iterator<Item = (&'a ObjectId, &'a Value)> {
    let manager = wanted.release.field_manager();
    let there = observation.live.present();
    let configurations = there.filter(|(id, _)| id.is_webhook_configuration());
    configurations
        .map(|(id, there)| (id, there.as_ref()))
        .filter(
            move |(id, there)| match decisions.iter().find(|decision| decision.id == **id) {
                Some(decision) => decision.action != ChangeAction::Keep,
                None => !wanted.objects.contains_key(*id) && is_ours(there, &manager),
            },
        )
}

/// Those of the webhook configurations that a run changes or removes for which an object was refused
/// in `tried` because nothing answers.
pub(crate) fn dead_webhooks(
    wanted: &DesiredState,
    decisions: &[Decision],
    observation: &Observation,
    tried: &[DryRun],
) -> BTreeSet<ObjectId> {
    let dead: BTreeSet<&str> = tried
        .iter()
        .filter_map(|tried| match tried {
            DryRun::Undecided(refusal) => dead_webhook(refusal),
            _ => None,
        })
        .collect();
    rewritten_webhooks(wanted, decisions, observation)
        .filter(|(_, there)| dead.iter().any(|name| webhook_in(there, name).is_some()))
        .map(|(id, _)| id.clone())
        .collect()
}
