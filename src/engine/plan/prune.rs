//! What becomes of what is no longer wanted.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use crate::engine::{
    desired::DesiredState,
    observe::history::{ReleaseHistory, UnsettledRevision},
    plan::retention::{claims_with_data, is_made_by, needed_by_unbound, retained},
    plan::selection::Selection,
    plan::steps::{Removal, RemovalMode, keep_while_needed, spare_taken_over},
};
use crate::{
    cluster::{Live, Seen},
    object::{
        Definition, HasKind as _, ManifestView, ObjectId, is_unbound_claim, keeping_annotation,
    },
    ownership::{is_ours, is_ours_to_remove, other_appliers, written_at_creation},
    plan::PhaseId,
    release::{Dependent, Operation, Records},
};

/// What has to go because it is no longer wanted, and what becomes of the rest that is no longer
/// wanted.
#[derive(Debug, Default)]
pub(crate) struct PrunePlan {
    /// What has to go.
    pub(crate) removals: Vec<Removal>,
    /// What is not ours, or not there, any more: it is forgotten.
    pub(crate) gone: Vec<ObjectId>,
    /// What is kept, and why.
    pub(crate) retained: Vec<(ObjectId, String)>,
    /// What the user may not look at, so that nothing can be decided about it: it is remembered as
    /// it was.
    pub(crate) hidden: Vec<ObjectId>,
}

impl PrunePlan {
    /// Whether something is kept that `records` does not know as kept.
    pub(crate) fn keeps_more_than(&self, records: &Records) -> bool {
        let is_new = |id: &ObjectId| records.get(id).is_some_and(|record| !record.kept);
        self.retained.iter().any(|(id, _)| is_new(id))
    }

    /// The data that is deleted. A claim that only goes without a volume has none.
    pub(crate) fn data(&self) -> impl Iterator<Item = &ObjectId> {
        let goes = |removal: &&Removal| {
            matches!(
                removal.how,
                RemovalMode::Delete {
                    if_empty: false,
                    ..
                }
            )
        };
        let deleted = self.removals.iter().filter(goes);
        deleted.map(|removal| &removal.id).filter(|id| id.is_data())
    }
}

/// An object that may have to go, with the phase that it belonged to.
pub(crate) type PruneCandidate = (ObjectId, PhaseId);

/// The objects that revisions since the last good one wrote and that are not wanted any more, as far
/// as they are selected.
pub(crate) fn unwanted(
    wanted: &DesiredState,
    history: &ReleaseHistory,
    selection: &Selection,
    live: &Live,
) -> Vec<PruneCandidate> {
    let is_unwanted = |(id, phase): &PruneCandidate| {
        let there = live.object(id).map(AsRef::as_ref);
        !wanted.objects.contains_key(id) && selection.holds_unwanted(phase, there)
    };
    written(history).into_iter().filter(is_unwanted).collect()
}

/// Everything that revisions since the last good one wrote: what they remember; what an interrupted
/// one wrote without anybody seeing it; and what it deleted, which may still be there, or be there
/// again by a way back that was interrupted too.
pub(crate) fn written(history: &ReleaseHistory) -> Vec<PruneCandidate> {
    let mut all: Vec<PruneCandidate> = history.records.phases().collect();
    if let Some(unsettled) = &history.unsettled {
        let forgotten = unsettled
            .traces
            .iter()
            .filter(|(id, _)| history.records.get(id).is_none());
        all.extend(forgotten.map(|(id, _)| (id.clone(), unsettled.phase_of(id))));
    }
    all.sort_unstable();
    all
}

/// What has to be known to decide what becomes of objects that may have to go.
#[derive(Clone, Copy)]
pub(crate) struct PruneInput<'a> {
    /// What is there, with all claims in the namespaces of Secrets and workloads.
    pub(crate) live: &'a Live,
    /// What is remembered of objects.
    pub(crate) records: &'a Records,
    /// What an interrupted run did.
    pub(crate) unsettled: Option<&'a UnsettledRevision>,
    /// Our field manager.
    pub(crate) manager: &'a str,
    /// Whether data goes too.
    pub(crate) delete_data: bool,
    /// Whether objects are waited for that somebody has deleted already.
    pub(crate) await_terminating: bool,
    /// What is done: a rollback gives up what was there before the release.
    pub(crate) operation: Operation,
    /// What is wanted: an object that is served in two groups may be among it under another name.
    pub(crate) wanted: &'a DesiredState,
}

/// Decides what becomes of `candidates`: only what still has our entry, and was made by no
/// controller, goes.
pub(crate) fn plan_prune(mut candidates: Vec<PruneCandidate>, input: &PruneInput<'_>) -> PrunePlan {
    let PruneInput { live, manager, .. } = *input;
    let mut plan = PrunePlan {
        removals: left_behind(&mut candidates, input),
        ..PrunePlan::default()
    };
    let mut to_go: Vec<(ObjectId, PhaseId, &Value)> = Vec::new();
    let wanted = wanted_there(input);
    for (id, phase) in candidates {
        match live.seen(&id) {
            Seen::Forbidden => plan.hidden.push(id),
            Seen::Present(there) if wanted.contains(&stored(&id, there)) => plan.gone.push(id),
            Seen::Present(there)
                if is_ours_to_remove(there, manager)
                    && (input.await_terminating || !ManifestView(there).is_terminating()) =>
            {
                if is_held_by_others(&id, there, input) {
                    plan.removals.push(Removal {
                        id,
                        phase,
                        how: RemovalMode::GiveUp,
                    });
                } else if let Some(annotation) = kept_by(there, input) {
                    plan.retained.push((id, format!("`{annotation}` keeps it")));
                } else {
                    to_go.push((id, phase, there));
                }
            }
            Seen::Present(_) | Seen::Absent | Seen::Unasked => plan.gone.push(id),
        }
    }
    let annotated: Vec<ObjectId> = plan.retained.iter().map(|(id, _)| id.clone()).collect();
    let mut reasons = reasons_to_stay(&to_go, input);
    retain_owned(&mut plan, &to_go, input);
    plan.removals.extend(claims_of(&to_go, input));
    let needed = needed_by_unbound(to_go.iter().map(|(id, _, there)| (id, *there)), live);
    for (id, phase, there) in to_go {
        match reasons.remove(&id) {
            Some(why) => plan.retained.push((id, why)),
            None if plan.removals.iter().any(|removal| removal.id == id) => {}
            None => plan
                .removals
                .push(removal(&id, &phase, there, input.delete_data)),
        }
    }
    // Claims that StatefulSets have made.
    plan.retained.extend(reasons);
    retain_around(&mut plan, &annotated, live);
    if !input.delete_data {
        keep_while_needed(&mut plan.removals, &needed);
    }
    let PrunePlan { removals, gone, .. } = &mut plan;
    spare_taken_over(removals, live, |id, there, _| {
        is_ours(there, manager) && !gone.contains(id)
    });
    plan
}

/// Takes out of `candidates` what belonged to objects that an interrupted run has deleted, and that
/// it was going to delete after them. What an owner that is wanted again adopts stays.
fn left_behind(candidates: &mut Vec<PruneCandidate>, input: &PruneInput<'_>) -> Vec<Removal> {
    let removals = candidates.iter().filter_map(|(id, phase)| {
        let dependent = input.unsettled?.traces.get(id)?.dependent.as_ref()?;
        let there = input.live.object(id)?;
        is_left_behind(there, dependent, input).then(|| Removal::delete(id, phase, there))
    });
    let removals: Vec<Removal> = removals.collect();
    candidates.retain(|(id, _)| !removals.iter().any(|removal| removal.id == *id));
    removals
}

fn is_left_behind(there: &Value, dependent: &Dependent, input: &PruneInput<'_>) -> bool {
    let there = ManifestView(there);
    let is_wanted = input.wanted.objects.contains_key(&dependent.owner);
    let mut owners = there.owners();
    let is_alone = match input.live.seen(&dependent.owner) {
        Seen::Absent => owners.next().is_none(),
        // The garbage collector has not taken it out of all `ownerReferences` yet.
        Seen::Present(owner) if ManifestView(owner).is_terminating() => {
            let uid = ManifestView(owner).uid();
            owners.all(|reference| Some(reference.uid) == uid)
        }
        Seen::Present(_) | Seen::Forbidden | Seen::Unasked => false,
    };
    !is_wanted && is_alone && there.uid() == Some(&dependent.uid)
}

/// Keeps what is forgotten because a controller among what goes has taken it over, and what kept
/// data cannot be opened without: it would go with its owner.
fn retain_owned(
    plan: &mut PrunePlan,
    to_go: &[(ObjectId, PhaseId, &Value)],
    input: &PruneInput<'_>,
) {
    let uids: HashSet<&str> = to_go
        .iter()
        .filter_map(|(_, _, there)| ManifestView(there).uid())
        .collect();
    let is_owned = |there: &Value| {
        let controller = ManifestView(there).controller();
        is_ours(there, input.manager) && controller.is_some_and(|owner| uids.contains(owner.uid))
    };
    let owned = plan.gone.iter().filter_map(|id| {
        let there = input.live.object(id).filter(|there| is_owned(there))?;
        Some((id, there.as_ref()))
    });
    let owned: Vec<(&ObjectId, &Value)> = owned.collect();
    let going = to_go.iter().map(|(id, _, there)| (id, *there));
    let objects = going.chain(owned.iter().copied());
    let claims = claims_with_data(input.live);
    let mut reasons = retained(&objects, &claims, input.delete_data);
    reasons.retain(|id, _| owned.iter().any(|(owned, _)| *owned == id));
    plan.gone.retain(|id| !reasons.contains_key(id));
    plan.retained.extend(reasons);
}

/// Keeps the Namespaces and definitions that hold some of `kept`, instead of finding each time anew
/// that they are not empty.
fn retain_around(plan: &mut PrunePlan, kept: &[ObjectId], live: &Live) {
    let (going, staying): (Vec<Removal>, Vec<Removal>) = std::mem::take(&mut plan.removals)
        .into_iter()
        .partition(|removal| held_in(removal, kept, live).is_none());
    let why = |removal: Removal| {
        let held = held_in(&removal, kept, live)?;
        let why = format!("it holds {held}, which is kept");
        Some((removal.id, why))
    };
    plan.retained.extend(staying.into_iter().filter_map(why));
    plan.removals = going;
}

/// One of `kept` that would go with what `removal` deletes.
fn held_in<'a>(removal: &Removal, kept: &'a [ObjectId], live: &Live) -> Option<&'a ObjectId> {
    let id = Some(&removal.id).filter(|id| id.is_container() && removal.is_deletion())?;
    let defined = live.object(id).and_then(|there| Definition::of(there));
    kept.iter().find(|held| {
        let is_defined = |definition: &Definition<'_>| {
            (definition.group(), definition.kind()) == held.group_and_kind()
        };
        id.is_namespace() && held.namespace.as_ref() == Some(&id.name)
            || defined.as_ref().is_some_and(is_defined)
    })
}

/// Why some of what is `to_go` stays: it holds data, or is needed for that.
fn reasons_to_stay(
    to_go: &[(ObjectId, PhaseId, &Value)],
    input: &PruneInput<'_>,
) -> BTreeMap<ObjectId, String> {
    let claims = claims_with_data(input.live);
    let objects = to_go.iter().map(|(id, _, there)| (id, *there));
    let mut reasons = retained(&objects, &claims, input.delete_data);
    let is_retained = |id: &ObjectId| is_retained_for(id, input.records, &claims);
    for (id, ..) in to_go
        .iter()
        .filter(|(id, ..)| !input.delete_data && is_retained(id))
    {
        reasons.entry(id.clone()).or_insert_with(|| {
            "it is kept since an earlier run, with the data that may need it".to_owned()
        });
    }
    reasons
}

/// What a stored object is known by, whatever the group that it is served in: uid, namespace and
/// name.
type Stored<'a> = (Option<&'a str>, Option<String>, String);

fn stored<'a>(id: &ObjectId, there: &'a Value) -> Stored<'a> {
    let uid = ManifestView(there).uid();
    (uid, id.namespace.clone(), id.name.clone())
}

/// What is wanted and there. An object that has only moved to another group, as an Event or an
/// Ingress may, is the same one under both.
fn wanted_there<'a>(input: &PruneInput<'a>) -> HashSet<Stored<'a>> {
    let wanted = input.wanted.objects.keys();
    let there = wanted.filter_map(|id| Some(stored(id, input.live.object(id)?)));
    there.collect()
}

/// The annotation that keeps `there`, unless it is going already.
fn kept_by(there: &Value, input: &PruneInput<'_>) -> Option<String> {
    let is_going = ManifestView(there).is_terminating();
    keeping_annotation(there, input.operation == Operation::Remove).filter(|_| !is_going)
}

/// Whether `id` was kept by an earlier run for data in its namespace that is still there.
fn is_retained_for(id: &ObjectId, records: &Records, claims: &[ObjectId]) -> bool {
    let was_retained = records.get(id).is_some_and(|record| record.kept);
    was_retained
        && !id.is_container()
        && (id.is_data() || claims.iter().any(|claim| claim.namespace == id.namespace))
}

/// The claims that StatefulSets which go have made, and that go too: all with `delete_data`, else
/// those without a volume. They carry no mark of ours; what somebody applies is decided about on its
/// own.
fn claims_of(to_go: &[(ObjectId, PhaseId, &Value)], input: &PruneInput<'_>) -> Vec<Removal> {
    let delete_data = input.delete_data;
    let sets = || to_go.iter().filter(|(id, ..)| id.is_like_stateful_set());
    let phase_of = |claim: &ObjectId| {
        sets()
            .find(|(id, _, set)| is_made_by(id, set, claim))
            .map(|(_, phase, _)| phase.clone())
    };
    let is_made = |there: &Value| {
        other_appliers(there, input.manager).is_empty()
            && (delete_data || !is_ours_to_remove(there, input.manager))
    };
    let claims = input.live.present().filter(|(id, there)| {
        id.is_claim() && is_made(there) && (delete_data || is_unbound_claim(there))
    });
    let made = claims.filter_map(|(id, there)| Some((id, phase_of(id)?, there)));
    made.map(|(id, phase, there)| removal(id, &phase, there, delete_data))
        .collect()
}

fn removal(id: &ObjectId, phase: &PhaseId, there: &Value, delete_data: bool) -> Removal {
    let mut removal = Removal::delete(id, phase, there);
    if delete_data {
        removal.with_data();
    }
    removal
}

/// Namespaces and definitions that we did not create are given up and not deleted: no record says
/// that they are ours.
pub(crate) fn give_up_foreign(plan: &mut PrunePlan, live: &Live, manager: &str) {
    for removal in &mut plan.removals {
        if removal.id.is_container()
            && live
                .object(&removal.id)
                .is_some_and(|there| !written_at_creation(there, manager))
        {
            removal.how = RemovalMode::GiveUp;
        }
    }
}

/// Whether `id` was there before us, or others apply it too: then only our mark is taken off.
/// Everything else that we own was created by us, or taken over for good, but that whoever goes back
/// to where the release did not have it deletes nothing that is older.
fn is_held_by_others(id: &ObjectId, there: &Value, input: &PruneInput<'_>) -> bool {
    let was_there = match input.records.get(id) {
        Some(record) => !record.created,
        None => input.unsettled.is_some_and(|unsettled| unsettled.found(id)),
    };
    let is_given_back = input.operation == Operation::Rollback
        && input.records.get(id).is_some_and(|record| record.found);
    !ManifestView(there).is_terminating()
        && (id.is_container() && was_there
            || is_given_back
            || !other_appliers(there, input.manager).is_empty())
}
