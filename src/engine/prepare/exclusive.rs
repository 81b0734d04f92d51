//! What a wanted object can only have once another one has it no longer.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::engine::{
    desired::DesiredState,
    plan::decide::{ChangeAction, Decision},
    plan::steps::Removal,
    prepare::context::{PrepareContext, PrepareError},
    prepare::prepared::Prepared,
};
use crate::{
    cluster::{Notice, Refusal},
    object::{HasKind as _, ObjectId, exclusive},
    preflight::{DryRun, described, is_for_exclusive, is_named, webhook_refusal},
};

/// Lets what holds something that a wanted object needs, and is going to be deleted, go before that is
/// written. Returns `tried` without the refusals that are for that.
pub(crate) fn free_first(
    context: PrepareContext<'_>,
    prepared: &Prepared,
    decisions: &mut [Decision],
    tried: Vec<DryRun>,
) -> Vec<DryRun> {
    let tried = decisions.iter_mut().zip(tried);
    let freed = tried.map(|(decision, tried)| {
        let refusal = tried.refusal();
        let needed = needed(decision, &prepared.desired, prepared);
        let is_in_the_way = |removal: &&Removal| {
            let is_alike = removal.id.group_and_kind() == decision.id.group_and_kind();
            let there = prepared.observation.live.object(&removal.id);
            let has = there.is_some_and(|there| !exclusive(there).is_disjoint(&needed));
            let stands = match refusal {
                Some(refusal) if is_for_exclusive(refusal) => has,
                Some(refusal) => has && is_denied_for(&removal.id, refusal),
                // What is tried in another namespace does not show it.
                None => has && decision.id.is_service(),
            };
            is_alike && removal.is_deletion() && stands
        };
        let removals = prepared.pruning.removals.iter();
        let first: Vec<ObjectId> = removals
            .filter(is_in_the_way)
            .map(|removal| removal.id.clone())
            .collect();
        if first.is_empty() {
            return tried;
        }
        decision.freed_by = first;
        tried.into_undecided()
    });
    let freed: Vec<DryRun> = freed.collect();
    for (decision, tried) in decisions.iter().zip(&freed) {
        if let (DryRun::Undecided(refusal), false) = (tried, decision.freed_by.is_empty()) {
            context.cluster.notice(Notice::TriedInTurn {
                object: decision.id.clone(),
                why: described(refusal),
            });
        }
    }
    freed
}

/// Whether a webhook has refused an object because of `other`.
fn is_denied_for(other: &ObjectId, refusal: &Refusal) -> bool {
    webhook_refusal(refusal).is_some_and(|webhook| webhook.has_answered)
        && is_named(other, &refusal.message)
}

/// What the object of `decision` asks for and has not yet.
fn needed(decision: &Decision, desired: &DesiredState, prepared: &Prepared) -> BTreeSet<String> {
    if decision.action == ChangeAction::Keep {
        return BTreeSet::new();
    }
    let live = prepared.observation.live.object(&decision.id);
    let had = live.map(|live| exclusive(live)).unwrap_or_default();
    let wanted = exclusive(desired.objects[&decision.id].sent());
    wanted.difference(&had).cloned().collect()
}

/// Who has what `object`, which is `id`, was refused for by `refusal`, in a sentence, and what to do;
/// `None` where it is refused for something else, or the user may not look.
pub(crate) async fn holder(
    context: PrepareContext<'_>,
    refusal: &Refusal,
    (id, object): (&ObjectId, &Value),
) -> Result<Option<(String, String)>, PrepareError> {
    let resource = context.served.preferred(&id.group, &id.kind);
    let Some(resource) = resource.filter(|_| is_for_exclusive(refusal)) else {
        return Ok(None);
    };
    let wanted = exclusive(object);
    let listed = context.unless_interrupted(context.cluster.list(resource, None, None));
    // Without an answer there is one reason less.
    let Ok(listed) = listed.await? else {
        return Ok(None);
    };
    let mut others = listed.items.iter().filter_map(|other| {
        let other_id = ObjectId::of(other).filter(|other| other != id)?;
        let what = exclusive(other).intersection(&wanted).next()?.clone();
        let remedy = format!("{}, or let {other_id} go without it first", instead(&what));
        Some((format!("{what} is that of {other_id}"), remedy))
    });
    Ok(others.next())
}

/// What to do instead of asking for `what`: to choose another node port instead of `node port 30080`.
fn instead(what: &str) -> String {
    match what.rsplit_once(' ') {
        Some((sort, value)) if value.contains(|digit: char| digit.is_ascii_digit()) => {
            format!("choose another {sort}")
        }
        _ => "leave it out".to_owned(),
    }
}
