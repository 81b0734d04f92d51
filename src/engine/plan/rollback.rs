//! The way back: a program that puts everything that a run has touched back to its snapshot.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use serde_json::Value;

use crate::engine::{
    phase_plan::PhasePlan,
    plan::decide::is_run_once,
    plan::made_claims::{ChangedSet, MadeClaim},
    plan::retention::{claims_with_data, is_made_by, needed_by_unbound, retained, secrets_of},
    plan::steps::{
        Removal, RemovalMode, intercepts_requests, keep_while_needed, push_await_ready,
        push_removals, push_replaced, spare_taken_over,
    },
};
use crate::{
    cluster::{Live, Seen},
    event::ObjectNote,
    object::{
        HasKind as _, ManifestView, ObjectId, RollbackMark, configuration_read_at_start, exclusive,
        field::{is_true, part},
        is_unbound_claim, pod_spec,
    },
    ownership::{applied_at, is_ours, is_recreated, other_appliers},
    plan::PhaseId,
    readiness::{Surroundings, has_run_to_completion, judge},
    release::{ChangeLog, ObjectChanges, Program, Records, Snapshot, StepId, Work},
};

/// The phases that a way back leads through, and which object belongs to which of them.
#[derive(Debug)]
pub(crate) struct RollbackPhases {
    plans: Vec<PhasePlan>,
    by_object: HashMap<ObjectId, PhaseId>,
    /// What is put back once everything else is done, deletions too.
    last: HashSet<ObjectId>,
}

impl RollbackPhases {
    /// `plans`, the first one first, and after them a phase for what belongs to none of them: one
    /// that has left the plan, for example. `timeout` is its time limit where there are no others.
    pub(crate) fn new(
        mut plans: Vec<PhasePlan>,
        by_object: HashMap<ObjectId, PhaseId>,
        timeout: Duration,
    ) -> Self {
        let longest = plans.iter().map(|phase| phase.timeout).max();
        let mut known = by_object;
        known.retain(|_, phase| plans.iter().any(|plan| plan.id == *phase));
        plans.push(PhasePlan::of(
            PhaseId::Unassigned,
            longest.unwrap_or(timeout),
        ));
        Self {
            plans,
            by_object: known,
            last: HashSet::new(),
        }
    }

    /// The same phases, of which `last` come after all others: webhooks that refused everything until
    /// the run had repaired them.
    pub(crate) fn ending_with<'a>(mut self, last: impl Iterator<Item = &'a ObjectId>) -> Self {
        self.last = last.cloned().collect();
        for id in &self.last {
            self.by_object.remove(id);
        }
        self
    }

    /// The phases, first one first.
    pub(crate) fn plans(&self) -> &[PhasePlan] {
        &self.plans
    }

    /// The phase that `id` is put back in.
    pub(crate) fn of(&self, id: &ObjectId) -> &PhaseId {
        self.by_object.get(id).unwrap_or(&PhaseId::Unassigned)
    }
}

/// What the plan, or annotations, say about how objects are put back.
#[derive(Debug, Default)]
pub(crate) struct RollbackMarks(HashMap<ObjectId, RollbackMark>);

impl RollbackMarks {
    fn is(&self, id: &ObjectId, mark: RollbackMark) -> bool {
        self.0.get(id) == Some(&mark)
    }
}

impl FromIterator<(ObjectId, RollbackMark)> for RollbackMarks {
    fn from_iter<I: IntoIterator<Item = (ObjectId, RollbackMark)>>(marks: I) -> Self {
        Self(marks.into_iter().collect())
    }
}

/// What a way back is planned from.
pub(crate) struct RollbackInput<'a> {
    /// Our field manager.
    pub(crate) manager: &'a str,
    /// The phases of what is taken back.
    pub(crate) phases: &'a RollbackPhases,
    /// How its objects are to be put back.
    pub(crate) marks: &'a RollbackMarks,
    /// What was there before.
    pub(crate) snapshot: &'a Snapshot,
    /// What was done.
    pub(crate) changes: &'a ChangeLog,
    /// What is there now, with the claims in the namespaces concerned.
    pub(crate) live: &'a Live,
    /// What is remembered of objects; some are kept from an earlier time.
    pub(crate) records: &'a Records,
    /// When it began, or the first of those did that it went on from.
    pub(crate) began: Timestamp,
}

/// A program, and what can be said before it runs.
#[derive(Debug, Default)]
pub(crate) struct RollbackPlan {
    pub(crate) program: Program,
    /// Objects that are put back or created again.
    pub(crate) restored: Vec<ObjectId>,
    /// Objects that are deleted.
    pub(crate) removed: Vec<ObjectId>,
    /// Claims that are deleted too, because they never got a volume: StatefulSets have made them.
    pub(crate) claims: Vec<ObjectId>,
    pub(crate) retained: Vec<ObjectNote>,
    pub(crate) irreversible: Vec<ObjectNote>,
    pub(crate) by_others: Vec<ObjectNote>,
    /// Objects of which nobody can say whether they are as they were.
    pub(crate) unknown: Vec<ObjectNote>,
}

/// What is done about one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RollbackAction {
    Restore,
    Recreate,
    /// Deleted first: what has its name now is not what was there.
    Replace,
    Remove,
    Nothing,
    /// Somebody else did something to it.
    LeftToOthers(&'static str),
    Irreversible(&'static str),
    /// Nobody can say what is there.
    Unknown(&'static str),
}

impl RollbackAction {
    /// Whether it leads to the object as it was.
    fn puts_back(self) -> bool {
        matches!(self, Self::Restore | Self::Recreate | Self::Replace)
    }
}

/// What is done about each object that was touched.
type Actions<'a> = BTreeMap<&'a ObjectId, RollbackAction>;

/// Plans the way back in two passes: everything is put back or created again in the order of the
/// phases, each awaited until it is ready; then what was created is deleted, the last phase first.
/// Webhooks that had refused everything until the run repaired them come back after that: they would
/// refuse the deletions too.
pub(crate) fn plan_rollback(input: &RollbackInput<'_>) -> RollbackPlan {
    let mut plan = RollbackPlan::default();
    let actions = input.changes.iter();
    let (late, actions): (Actions<'_>, Actions<'_>) = actions
        .map(|(id, change)| (id, action_for(id, change, input)))
        .partition(|(id, action)| action.puts_back() && input.phases.last.contains(*id));
    let removals = removals(&actions, input, &mut plan);
    report_actions(&actions, &mut plan);
    report_actions(&late, &mut plan);
    let plans = input.phases.plans().iter();
    let phases: Vec<PhaseId> = plans.map(|phase| phase.id.clone()).collect();
    let needed = needed_again(&actions, input);
    let (first, rest): (Vec<Removal>, Vec<Removal>) = removals.into_iter().partition(|removal| {
        intercepts_requests(&removal.id) || has_any(&removal.id, &needed, input)
    });
    let in_phase = |removal: &Removal| removal.phase.clone();
    let program = &mut plan.program;
    let after = push_removals(program, &first, &phases, Vec::new(), in_phase);
    let after = push_put_back(program, &actions, input, after, &rest, !late.is_empty());
    let after = push_removals(program, &rest, &phases, after, in_phase);
    let late: Vec<(&ObjectId, RollbackAction)> = late.into_iter().collect();
    push_phase(program, &PhaseId::Unassigned, &late, input, after, true);
    let deleted = first
        .into_iter()
        .chain(rest)
        .filter(|removal| removal.how != RemovalMode::GiveUp);
    let is_made = |id: &ObjectId| {
        let change = input.changes.get(id);
        change.is_none_or(|change| id.is_claim() && change.created.is_empty())
    };
    (plan.claims, plan.removed) = deleted
        .map(|removal| removal.id)
        .partition(|id| is_made(id));
    plan
}

/// What only one object can have, and what is put back needs again.
fn needed_again(actions: &Actions<'_>, input: &RollbackInput<'_>) -> BTreeSet<String> {
    let put_back = actions.iter().filter(|(_, action)| action.puts_back());
    let before = put_back.filter_map(|(id, _)| input.snapshot.object(id));
    before.flat_map(|before| exclusive(before)).collect()
}

/// Whether `id`, as it is now, has something of `needed`.
fn has_any(id: &ObjectId, needed: &BTreeSet<String>, input: &RollbackInput<'_>) -> bool {
    let now = input.live.object(id);
    now.is_some_and(|now| !exclusive(now).is_disjoint(needed))
}

/// Says in `plan` what is put back, and what is not and why.
fn report_actions(actions: &Actions<'_>, plan: &mut RollbackPlan) {
    for (id, action) in actions {
        let note = |what: &str| ObjectNote {
            object: (*id).clone(),
            what: what.to_owned(),
        };
        match action {
            RollbackAction::LeftToOthers(what) => plan.by_others.push(note(what)),
            RollbackAction::Irreversible(what) => plan.irreversible.push(note(what)),
            RollbackAction::Unknown(what) => plan.unknown.push(note(what)),
            action if action.puts_back() => plan.restored.push((*id).clone()),
            _ => {}
        }
    }
}

/// Adds the steps that put everything back, phase by phase, and returns the last ones. `removals`
/// come later, and what is put back `later` than they: a phase that they lead through as well does
/// not end with it.
///
/// Namespaces and definitions of a phase that the plan does not have any more come back first: what
/// is in them may belong to one that it has.
fn push_put_back(
    program: &mut Program,
    actions: &Actions<'_>,
    input: &RollbackInput<'_>,
    after: Vec<StepId>,
    removals: &[Removal],
    later: bool,
) -> Vec<StepId> {
    let is_early = |id: &ObjectId| id.is_container() && *input.phases.of(id) == PhaseId::Unassigned;
    let members = |phase: &PhaseId, early: bool| -> Vec<(&ObjectId, RollbackAction)> {
        let put_back = actions
            .iter()
            .map(|(id, action)| (*id, *action))
            .filter(|(id, action)| action.puts_back() && is_early(id) == early);
        put_back
            .filter(|(id, _)| input.phases.of(id) == phase)
            .collect()
    };
    let others = &PhaseId::Unassigned;
    let goes_on = |phase: &PhaseId| {
        later && phase == others || removals.iter().any(|removal| removal.phase == *phase)
    };
    let ends = members(others, false).is_empty() && !goes_on(others);
    let mut after = push_phase(program, others, &members(others, true), input, after, ends);
    for phase in input.phases.plans().iter().map(|phase| &phase.id) {
        let ends = !goes_on(phase);
        after = push_phase(program, phase, &members(phase, false), input, after, ends);
    }
    after
}

fn action_for(id: &ObjectId, change: &ObjectChanges, input: &RollbackInput<'_>) -> RollbackAction {
    if input.marks.is(id, RollbackMark::Manual) {
        return RollbackAction::Irreversible("is marked `rollback: manual`");
    }
    if matches!(input.live.seen(id), Seen::Forbidden | Seen::Unasked) {
        return RollbackAction::Unknown("could not be looked at");
    }
    let runs_once = is_run_once(id) && !input.marks.is(id, RollbackMark::Rerun);
    let uid_of = |object| ManifestView(object).uid();
    let ours = |now| uid_of(now).is_some_and(|uid| change.created.iter().any(|ours| ours == uid));
    let is_successor =
        |now| uid_of(now).is_some_and(|uid| change.recreated.as_deref() == Some(uid));
    let is_same = |before, now| uid_of(before) == uid_of(now);
    let is_going = |before, now| {
        ManifestView(now).is_terminating() && (is_same(before, now) || is_successor(now))
    };
    match (input.snapshot.object(id), input.live.object(id)) {
        (None, None) => RollbackAction::Nothing,
        // What it belongs to adopts it, once that is put back.
        (None, Some(_)) if change.dependent.is_some() && change.created.is_empty() => {
            RollbackAction::Nothing
        }
        (None, Some(now)) if ours(now) => RollbackAction::Remove,
        // A StatefulSet had made it, and a rollback that was killed has deleted it.
        (None, Some(_)) if id.is_claim() && change.created.is_empty() && change.deleted => {
            RollbackAction::Nothing
        }
        // Its request may have come late: it is not deleted for that, and not called somebody else's.
        (None, Some(now)) if is_unseen(change) && is_ours(now, input.manager) => {
            RollbackAction::Unknown("is of this release, and nobody saw who created it")
        }
        (None, Some(_)) => RollbackAction::LeftToOthers(
            "was created outside deployctl during the run, and is left as it is",
        ),
        (Some(before), Some(now)) if is_going(before, now) => {
            match action_without(before, change, runs_once) {
                // Once it is gone.
                RollbackAction::Recreate => RollbackAction::Replace,
                other => other,
            }
        }
        // What was sealed can be opened again only by creating it anew.
        (Some(before), Some(now))
            if is_same(before, now) && is_sealed(now) && !is_sealed(before) =>
        {
            RollbackAction::Replace
        }
        (Some(before), Some(now)) if is_same(before, now) => RollbackAction::Restore,
        (Some(_), Some(now)) if is_successor(now) || is_recreated(now, input.manager) => {
            RollbackAction::Recreate
        }
        (Some(_), Some(now)) if ours(now) && runs_once => RollbackAction::Remove,
        (Some(_), Some(now)) if ours(now) => RollbackAction::Replace,
        (Some(_), Some(now)) if is_unseen(change) && is_ours(now, input.manager) => {
            RollbackAction::Unknown("is of this release, and nobody saw who created it")
        }
        (Some(_), Some(_)) => RollbackAction::LeftToOthers(
            "was created again outside deployctl, and is left as it is",
        ),
        (Some(before), None) => action_without(before, change, runs_once),
    }
}

/// Whether an object may have been written, and no answer tells of it.
fn is_unseen(change: &ObjectChanges) -> bool {
    change.unconfirmed && change.created.is_empty() && change.changed.is_empty()
}

/// What is done about the object `before`, which is gone or going.
fn action_without(before: &Value, change: &ObjectChanges, runs_once: bool) -> RollbackAction {
    match change {
        _ if !change.deleted => RollbackAction::LeftToOthers("was deleted outside deployctl"),
        _ if runs_once && has_run_to_completion(before) => {
            RollbackAction::Irreversible("is not restored: it has completed")
        }
        _ if runs_once => RollbackAction::Irreversible("is not restored: it would run again"),
        _ if ManifestView(before).controller().is_some() => RollbackAction::Nothing,
        _ => RollbackAction::Recreate,
    }
}

/// Whether `object` is a ConfigMap or Secret whose contents can no longer be changed.
/// <https://kubernetes.io/docs/concepts/configuration/configmap/#configmap-immutable>
fn is_sealed(object: &Value) -> bool {
    is_true(object, "/immutable")
}

/// What is deleted; what is retained instead is added to `plan`.
fn removals(
    actions: &Actions<'_>,
    input: &RollbackInput<'_>,
    plan: &mut RollbackPlan,
) -> Vec<Removal> {
    let to_go = actions
        .iter()
        .filter(|(_, action)| **action == RollbackAction::Remove);
    let to_go = to_go.filter_map(|(id, _)| Some((*id, input.live.object(id)?.as_ref())));
    let mut retained = retained(&to_go, &claims_with_data(input.live), false);
    let sets = put_back_sets(actions, input);
    retain_added(&mut retained, &sets, &to_go, input);
    for (id, _) in to_go.clone() {
        if input.records.get(id).is_some_and(|record| record.kept) {
            retained
                .entry(id.clone())
                .or_insert_with(|| "it is kept since an earlier run".to_owned());
        }
    }
    plan.retained
        .extend(retained.iter().map(|(id, why)| ObjectNote {
            object: id.clone(),
            what: why.clone(),
        }));
    let going = to_go.filter(|(id, _)| !retained.contains_key(*id));
    let (shared, going): (Vec<_>, Vec<_>) =
        going.partition(|(_, live)| !other_appliers(live, input.manager).is_empty());
    let going = going.into_iter();
    for (id, _) in &shared {
        plan.retained.push(ObjectNote {
            object: (*id).clone(),
            what: "released (label removed): managed by others too".to_owned(),
        });
    }
    for (id, _) in going
        .clone()
        .filter(|(id, _)| is_run_once(id) && input.snapshot.object(id).is_some())
    {
        plan.irreversible.push(ObjectNote {
            object: id.clone(),
            what: "is not restored: it has completed".to_owned(),
        });
    }
    let phase_of = |id: &ObjectId| input.phases.of(id);
    let given_up = shared.iter().map(|(id, _)| Removal {
        id: (*id).clone(),
        phase: phase_of(id).to_owned(),
        how: RemovalMode::GiveUp,
    });
    let deleted = going
        .clone()
        .map(|(id, live)| Removal::delete(id, phase_of(id), live));
    let mut removals: Vec<Removal> = given_up.chain(deleted).collect();
    removals.extend(made_claims(&going, input));
    removals.extend(unbound_added(&sets, input));
    let workloads = going.chain(sets.iter().map(ChangedSet::after));
    keep_while_needed(&mut removals, &needed_by_unbound(workloads, input.live));
    spare_taken_over(&mut removals, input.live, |id, there, owner| {
        let snapshot = input.snapshot;
        snapshot.is_only_taken_over(id, there, Some(owner), input.manager)
    });
    removals
}

/// The claims without a volume that those of `going` have made which are StatefulSets. An older one
/// was there before.
fn made_claims<'a>(
    going: &(impl Iterator<Item = (&'a ObjectId, &'a Value)> + Clone),
    input: &RollbackInput<'_>,
) -> Vec<Removal> {
    let created = |object: &Value| ManifestView(object).created();
    let is_new = |(id, claim): &(&ObjectId, &Arc<Value>)| {
        let is_written = |change: &ObjectChanges| !change.created.is_empty();
        is_unbound_claim(claim) && !input.changes.get(id).is_some_and(is_written)
    };
    let unbound = input.live.present().filter(is_new);
    let made = unbound.filter_map(|(id, claim)| {
        let (set, _) = going
            .clone()
            .find(|(set_id, set)| is_made_by(set_id, set, id) && created(claim) >= created(set))?;
        Some(Removal::delete(id, input.phases.of(set), claim))
    });
    made.collect()
}

/// The StatefulSets that are put back.
fn put_back_sets<'a>(actions: &Actions<'a>, input: &RollbackInput<'a>) -> Vec<ChangedSet<'a>> {
    let put_back = actions.iter().filter(|(_, action)| action.puts_back());
    let sets = put_back.filter_map(|(id, _)| {
        ChangedSet::of(id, input.snapshot.object(id)?, input.live.object(id)?)
    });
    sets.collect()
}

/// The claims that `set` has only got by the run, and that nothing uses once it is put back.
fn added_claims<'a>(
    set: &ChangedSet<'_>,
    input: &RollbackInput<'a>,
) -> impl Iterator<Item = (&'a ObjectId, &'a Value)> {
    let is_written = |id: &ObjectId| {
        let change = input.changes.get(id);
        change.is_some_and(|change| !change.created.is_empty())
    };
    let present = input.live.present();
    let claims = present.map(|(id, claim)| (id, claim.as_ref()));
    claims.filter(move |(id, claim)| {
        set.made((id, claim), input.began) == Some(MadeClaim::Added)
            && !set.stays_used(id, input.manager)
            && !is_written(id)
    })
}

/// Adds to `retained` the claims with data that `sets` have got by the run, and the Secrets of what
/// is `to_go` that these cannot be opened without.
fn retain_added<'a>(
    retained: &mut BTreeMap<ObjectId, String>,
    sets: &[ChangedSet<'_>],
    to_go: &(impl Iterator<Item = (&'a ObjectId, &'a Value)> + Clone),
    input: &RollbackInput<'_>,
) {
    for set in sets {
        let (id, after) = set.after();
        for (claim, there) in added_claims(set, input) {
            if is_unbound_claim(there) {
                continue;
            }
            let why = || format!("it holds data of {id}, as the run has left that");
            retained.entry(claim.clone()).or_insert_with(why);
            let read = secrets_of(id, after);
            for (secret, _) in to_go.clone().filter(|(id, _)| read.contains(*id)) {
                let why = || format!("{id} has read it, whose data on {claim} is kept");
                retained.entry(secret.clone()).or_insert_with(why);
            }
        }
    }
}

/// The claims without a volume that `sets` have got by the run.
fn unbound_added(sets: &[ChangedSet<'_>], input: &RollbackInput<'_>) -> Vec<Removal> {
    let claims = sets.iter().flat_map(|set| {
        let phase = input.phases.of(set.after().0);
        let unbound = added_claims(set, input).filter(|(_, claim)| is_unbound_claim(claim));
        unbound.map(move |(id, claim)| Removal::delete(id, phase, claim))
    });
    claims.collect()
}

/// Adds the steps that put `members` of one phase back, and the wait for them.
fn push_phase(
    program: &mut Program,
    phase: &PhaseId,
    members: &[(&ObjectId, RollbackAction)],
    input: &RollbackInput<'_>,
    before: Vec<StepId>,
    ends_phase: bool,
) -> Vec<StepId> {
    if members.is_empty() {
        return before;
    }
    let mut waves: BTreeMap<u8, Vec<(&ObjectId, RollbackAction)>> = BTreeMap::new();
    for (id, action) in members {
        waves
            .entry(wave(id, input))
            .or_default()
            .push((id, *action));
    }
    let objects: Vec<ObjectId> = waves
        .values()
        .flatten()
        .map(|(id, _)| *id)
        .filter(|id| was_ready(id, input))
        .cloned()
        .collect();
    let mut after = before;
    for members in waves.into_values() {
        let steps = members
            .into_iter()
            .map(|(id, action)| push_action(program, phase, id, action, input, &after));
        after = steps.collect();
    }
    for (object, since) in restarts(members, input) {
        after = vec![program.push(phase, after, u32::MAX, Work::RestartPods { object, since })];
    }
    vec![push_await_ready(program, phase, after, objects, ends_phase)]
}

/// The workloads whose pods have to be replaced, because they read something only when they start
/// that is put back in this phase, each with the time at which it was changed. A workload whose own
/// template is put back gets other pods by that.
fn restarts(
    put_back: &[(&ObjectId, RollbackAction)],
    input: &RollbackInput<'_>,
) -> Vec<(ObjectId, Timestamp)> {
    let changed = put_back.iter().filter(|(id, _)| id.is_configuration());
    let changed: Vec<(&ObjectId, Timestamp)> = changed
        .filter_map(|(id, _)| Some((*id, changed_at(id, input)?)))
        .collect();
    let workloads = input
        .live
        .present()
        .filter(|(id, _)| id.group == "apps" && !is_rolled_out(id, input));
    let mut found: Vec<(ObjectId, Timestamp)> = workloads
        .filter_map(|(id, workload)| {
            let reads = configuration_read_at_start(id, workload).all;
            let since = changed
                .iter()
                .filter(|(id, _)| reads.contains(*id))
                .map(|(_, since)| *since)
                .min()?;
            Some((id.clone(), since))
        })
        .collect();
    found.sort();
    found
}

/// When the run may have changed `id`, which is put back; `None` where it has not. A way back that was
/// killed may have taken our entry away, where nobody had seen that it was written.
fn changed_at(id: &ObjectId, input: &RollbackInput<'_>) -> Option<Timestamp> {
    let applied = applied_at(input.live.object(id)?, input.manager);
    let unseen = || {
        input
            .changes
            .get(id)
            .is_some_and(|change| change.unconfirmed)
    };
    applied.or_else(|| unseen().then_some(input.began))
}

/// Whether the way back changes the template of the workload `id`, or creates it anew.
fn is_rolled_out(id: &ObjectId, input: &RollbackInput<'_>) -> bool {
    let template = |object: Option<&std::sync::Arc<Value>>| {
        object
            .and_then(|object| part(object, "/spec/template"))
            .cloned()
    };
    input.changes.get(id).is_some()
        && template(input.snapshot.object(id)) != template(input.live.object(id))
}

/// When an object of a phase is put back: what stands in the way first, then what holds others, what
/// gives up something that another one may have had, what is read, and what runs.
fn wave(id: &ObjectId, input: &RollbackInput<'_>) -> u8 {
    let has =
        |object: Option<&Arc<Value>>| object.map(|object| exclusive(object)).unwrap_or_default();
    let before = input.snapshot.object(id);
    match before {
        _ if intercepts_requests(id) => 0,
        _ if id.is_container() => 1,
        Some(before) if pod_spec(before).is_some() => 4,
        _ if !has(input.live.object(id)).is_subset(&has(before)) => 2,
        _ => 3,
    }
}

fn push_action(
    program: &mut Program,
    phase: &PhaseId,
    id: &ObjectId,
    action: RollbackAction,
    input: &RollbackInput<'_>,
    after: &[StepId],
) -> StepId {
    let object = id.clone();
    match action {
        RollbackAction::Restore => {
            program.push(phase, after.to_vec(), u32::MAX, Work::Restore { object })
        }
        RollbackAction::Replace => {
            let after = match input.live.object(id) {
                Some(live) => {
                    let mut removal = [Removal::delete(id, phase, live)];
                    spare_taken_over(&mut removal, input.live, |id, there, owner| {
                        let snapshot = input.snapshot;
                        snapshot.is_only_taken_over(id, there, Some(owner), input.manager)
                    });
                    let [removal] = removal;
                    vec![push_replaced(program, removal, after.to_vec())]
                }
                None => after.to_vec(),
            };
            program.push(phase, after, u32::MAX, Work::Recreate { object })
        }
        _ => program.push(phase, after.to_vec(), u32::MAX, Work::Recreate { object }),
    }
}

/// Whether `id` was ready when the snapshot was taken: what was not is not waited for.
fn was_ready(id: &ObjectId, input: &RollbackInput<'_>) -> bool {
    input.snapshot.object(id).is_some_and(|before| {
        !id.is_data() && judge(before, &Surroundings::none(Timestamp::now())).passes()
    })
}
