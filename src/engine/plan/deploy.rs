//! The program of a deployment.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::engine::{
    desired::DesiredState,
    plan::decide::{ChangeAction, Decision, Expansion, has_run, is_run_once},
    plan::hook_steps::discards,
    plan::hooks::is_idle_hook,
    plan::selection::Selection,
    plan::steps::{Removal, push_await_free, push_await_ready, push_cleared, push_removals},
};
use crate::{
    cluster::Live,
    object::{HasKind as _, ObjectId},
    plan::{PhaseId, PhaseSettings},
    release::{Program, Records, StepId, Work},
};

/// The program that carries out `decisions`, phase by phase, waits at the end of each phase until
/// everything in it is ready, and then removes what is no longer wanted.
pub(crate) fn plan_deploy(input: &DeployInput<'_>) -> Program {
    let wanted = input.wanted;
    let mut program = Program::default();
    let mut to_write: HashMap<&ObjectId, &Decision> = input
        .decisions
        .iter()
        .filter(|decision| decision.action != ChangeAction::Keep)
        .map(|decision| (&decision.id, decision))
        .collect();
    let repairs = push_repairs(&mut program, input, &mut to_write);
    let mut ends: HashMap<&str, StepId> = HashMap::new();
    let selected = wanted.phases.iter();
    for phase in selected.filter(|phase| input.runs(&phase.id())) {
        let mut before = phase_ends(wanted, &phase.name, &ends);
        if before.is_empty() {
            before.clone_from(&repairs);
        }
        let end = push_phase(&mut program, input, &phase.id(), &to_write, &before);
        ends.insert(&phase.name, end);
    }
    let phases: Vec<PhaseId> = wanted.phases.iter().map(PhaseSettings::id).collect();
    let mut all: Vec<StepId> = ends.into_values().collect();
    all.sort_unstable();
    let freeing = input
        .decisions
        .iter()
        .flat_map(|decision| &decision.freed_by);
    let gone: BTreeSet<&ObjectId> = freeing.chain(input.dead_webhooks).collect();
    let is_left = |removal: &&Removal| !gone.contains(&removal.id);
    let removals: Vec<Removal> = input.removals.iter().filter(is_left).cloned().collect();
    push_removals(&mut program, &removals, &phases, all, |_| PhaseId::Prune);
    program
}

/// Adds the writes and removals of webhook configurations that refuse what the run writes because
/// nothing answers, takes them out of `to_write`, and returns their steps: everything else comes
/// after them. The API server asks no webhook about them.
fn push_repairs(
    program: &mut Program,
    input: &DeployInput<'_>,
    to_write: &mut HashMap<&ObjectId, &Decision>,
) -> Vec<StepId> {
    let mut steps = Vec::new();
    let phases = input.wanted.phases.iter().map(PhaseSettings::id);
    let holds_any = |phase: &PhaseId| input.objects_of(phase).next().is_some();
    let Some(phase) = phases.into_iter().find(holds_any) else {
        return steps;
    };
    for id in input.dead_webhooks {
        let write = to_write.remove(id).map(|decision| Work::Apply {
            object: id.clone(),
            force: decision.force,
            cleared: decision.cleared.clone(),
        });
        let removal = input.removals.iter().find(|removal| removal.id == *id);
        if let Some(work) = write.or(removal.map(Removal::work)) {
            steps.push(program.push(&phase, Vec::new(), u32::MAX, work));
        }
    }
    steps
}

/// Adds the steps of one phase after `before`: its applies, those of admission webhooks once all
/// that may be behind them is ready, the deletion of hooks that have succeeded, and the wait for all
/// of it, which is returned.
///
/// Jobs are not behind a webhook, and one that installs it waits for its configuration.
/// <https://github.com/kubernetes/ingress-nginx/blob/main/charts/ingress-nginx/templates/admission-webhooks/job-patch/job-patchWebhook.yaml>
fn push_phase(
    program: &mut Program,
    input: &DeployInput<'_>,
    phase: &PhaseId,
    to_write: &HashMap<&ObjectId, &Decision>,
    before: &[StepId],
) -> StepId {
    let wanted = input.wanted;
    let objects: Vec<&ObjectId> = input.objects_of(phase).collect();
    let (last, first): (Vec<&ObjectId>, Vec<&ObjectId>) = objects
        .iter()
        .partition(|id| wanted.objects[**id].order.last);
    let mut after = before.to_vec();
    after.extend(push_applies(
        program, input, phase, &first, to_write, before,
    ));
    if last.iter().any(|id| to_write.contains_key(*id)) {
        let behind = first.into_iter().filter(|id| !is_run_once(id));
        let objects = input.awaited(behind.collect());
        let others_ready = push_await_ready(program, phase, after, objects, false);
        after = push_applies(program, input, phase, &last, to_write, &[others_ready]);
    }
    for discards in discards(wanted, to_write) {
        if discards.phase == *phase {
            after.push(discards.push(program, before));
        }
    }
    let expected = input.expected.iter().filter(|(of, _)| of == phase);
    let mut awaited = input.awaited(objects);
    awaited.extend(expected.map(|(_, definition)| definition.clone()));
    push_await_ready(program, phase, after, awaited, true)
}

/// What the program of a run is made of.
#[derive(Clone, Copy)]
pub(crate) struct DeployInput<'a> {
    /// What is wanted.
    pub(crate) wanted: &'a DesiredState,
    /// What has to be done with each object of the selected phases.
    pub(crate) decisions: &'a [Decision],
    /// What has to go.
    pub(crate) removals: &'a [Removal],
    /// What is there.
    pub(crate) live: &'a Live,
    /// What is remembered of objects.
    pub(crate) records: &'a Records,
    /// What is run.
    pub(crate) selection: &'a Selection,
    /// Webhook configurations that refuse writes because nothing answers.
    pub(crate) dead_webhooks: &'a BTreeSet<ObjectId>,
    /// Definitions that controllers of a phase are expected to create, and that are not there yet.
    pub(crate) expected: &'a [(PhaseId, ObjectId)],
}

impl DeployInput<'_> {
    /// Whether anything is done in `phase`.
    fn runs(&self, phase: &PhaseId) -> bool {
        self.selection.holds_whole(phase) || self.objects_of(phase).next().is_some()
    }

    /// The objects of `phase` that are part of the run.
    fn objects_of(&self, phase: &PhaseId) -> impl Iterator<Item = &ObjectId> {
        let objects = self.wanted.objects.iter();
        let of_phase = objects.filter(move |(_, wanted)| wanted.phase == *phase);
        let selected = of_phase.filter(|(_, wanted)| self.selection.holds_wanted(wanted));
        selected.map(|(id, _)| id)
    }

    /// Those of `ids` that are waited for: not a Job that has run and has removed itself, and no hook
    /// that is not run.
    fn awaited(&self, ids: Vec<&ObjectId>) -> Vec<ObjectId> {
        let decisions = self.decisions.iter();
        let written = decisions
            .clone()
            .filter(|it| it.action != ChangeAction::Keep);
        let written: HashSet<&ObjectId> = written.map(|decision| &decision.id).collect();
        let is_there = |id: &&ObjectId| {
            written.contains(id)
                || self.live.object(id).is_some()
                || !has_run(id, &self.wanted.objects[*id], self.records)
        };
        let idle = decisions.filter(|it| is_idle_hook(&self.wanted.objects[&it.id], it.action));
        let idle: HashSet<&ObjectId> = idle.map(|decision| &decision.id).collect();
        let ids = ids.into_iter().filter(|id| !idle.contains(id));
        ids.filter(is_there).cloned().collect()
    }
}

/// The last steps of the phases that `name` comes after; a phase that is not part of the run hands
/// on its own predecessors.
fn phase_ends(wanted: &DesiredState, name: &str, ends: &HashMap<&str, StepId>) -> Vec<StepId> {
    let mut found = Vec::new();
    let mut pending = vec![name];
    let mut visited = HashSet::new();
    while let Some(current) = pending.pop() {
        let Some(phase) = wanted.phases.iter().find(|phase| phase.name == current) else {
            continue;
        };
        for before in phase
            .after
            .iter()
            .filter(|before| visited.insert(before.as_str()))
        {
            match ends.get(before.as_str()) {
                Some(end) => found.push(*end),
                None => pending.push(before),
            }
        }
    }
    found.sort_unstable();
    found
}

/// Adds the applies of one phase, objects before those that need them, and returns their steps.
fn push_applies(
    program: &mut Program,
    input: &DeployInput<'_>,
    phase: &PhaseId,
    objects: &[&ObjectId],
    to_write: &HashMap<&ObjectId, &Decision>,
    before: &[StepId],
) -> Vec<StepId> {
    let writes: Vec<&Decision> = objects
        .iter()
        .filter_map(|id| to_write.get(*id).copied())
        .collect();
    // What has to be gone first is awaited before the applies are numbered.
    let mut freed = HashMap::new();
    let cleared: HashMap<&ObjectId, Vec<StepId>> = writes
        .iter()
        .map(|decision| {
            let mut steps = push_freeing(program, input, phase, decision, before, &mut freed);
            steps.extend(push_cleared(program, decision, (phase, input.live), before));
            (&decision.id, steps)
        })
        .collect();
    let first = program.steps.len();
    let numbers: HashMap<&ObjectId, StepId> = writes
        .iter()
        .enumerate()
        .map(|(index, decision)| (&decision.id, first + index))
        .collect();
    for decision in &writes {
        let object = &input.wanted.objects[&decision.id];
        let mut after = before.to_vec();
        after.extend(
            object
                .order
                .after
                .iter()
                .filter_map(|needed| numbers.get(needed).copied()),
        );
        after.extend(&cleared[&decision.id]);
        program.push(
            phase,
            after,
            object.order.priority,
            Work::Apply {
                object: decision.id.clone(),
                force: decision.force,
                cleared: decision.cleared.clone(),
            },
        );
    }
    push_expansions(program, phase, &writes, &numbers);
    let last = program.steps.len();
    await_definitions(program, input.wanted, phase, &numbers);
    await_declared(program, input, phase, &numbers, before);
    (first..last).collect()
}

/// Adds the expansions of claims, each after the apply of the StatefulSet that they belong to.
fn push_expansions(
    program: &mut Program,
    phase: &PhaseId,
    writes: &[&Decision],
    numbers: &HashMap<&ObjectId, StepId>,
) {
    for decision in writes {
        for Expansion { claim, size } in &decision.expansions {
            let work = Work::Expand {
                object: claim.clone(),
                size: size.clone(),
            };
            program.push(phase, vec![numbers[&decision.id]], u32::MAX, work);
        }
    }
}

/// Adds the steps after which those are gone that have what the object of `decision` needs for itself,
/// and returns them; `freed` remembers them for others that need the same.
fn push_freeing<'a>(
    program: &mut Program,
    input: &DeployInput<'a>,
    phase: &PhaseId,
    decision: &Decision,
    before: &[StepId],
    freed: &mut HashMap<&'a ObjectId, StepId>,
) -> Vec<StepId> {
    let is_in_the_way = |removal: &&Removal| decision.freed_by.contains(&removal.id);
    let removals = input.removals.iter().filter(is_in_the_way);
    let gone = removals.map(|removal| {
        *freed.entry(&removal.id).or_insert_with(|| {
            let deleted = program.push(phase, before.to_vec(), u32::MAX, removal.work());
            push_await_free(program, phase, vec![deleted], removal.id.clone())
        })
    });
    gone.collect()
}

/// What annotations put after others waits until these are ready, also where they were there before.
fn await_declared(
    program: &mut Program,
    input: &DeployInput<'_>,
    phase: &PhaseId,
    numbers: &HashMap<&ObjectId, StepId>,
    before: &[StepId],
) {
    let mut waiting: BTreeMap<&[ObjectId], Vec<StepId>> = BTreeMap::new();
    for (id, step) in numbers {
        let ready = input.wanted.objects[*id].order.ready.as_slice();
        if !ready.is_empty() {
            waiting.entry(ready).or_default().push(*step);
        }
    }
    let selected: HashSet<&ObjectId> = input.objects_of(phase).collect();
    for (ready, users) in waiting {
        let ready = ready.iter().filter(|id| selected.contains(id));
        let objects = input.awaited(ready.collect());
        let written = objects.iter().filter_map(|id| numbers.get(id).copied());
        let after = before.iter().copied().chain(written).collect();
        let all_ready = push_await_ready(program, phase, after, objects, false);
        for user in users {
            program.steps[user].after.push(all_ready);
        }
    }
}

/// Custom resources wait until the definition of their kind, where it is written in the same phase,
/// is established, and pods until the quotas of their namespace hold.
fn await_definitions(
    program: &mut Program,
    wanted: &DesiredState,
    phase: &PhaseId,
    numbers: &HashMap<&ObjectId, StepId>,
) {
    let mut definitions: Vec<(&ObjectId, StepId)> = numbers
        .iter()
        .filter(|(id, _)| id.is_definition() || id.is_quota())
        .map(|(id, step)| (*id, *step))
        .collect();
    definitions.sort_unstable_by_key(|(_, step)| *step);
    for (definition, step) in definitions {
        let users: Vec<StepId> = numbers
            .iter()
            .filter(|(id, _)| wanted.objects[**id].order.after.contains(definition))
            .map(|(_, step)| *step)
            .collect();
        if users.is_empty() {
            continue;
        }
        let objects = vec![definition.clone()];
        let established = push_await_ready(program, phase, vec![step], objects, false);
        for user in users {
            program.steps[user].after.push(established);
        }
    }
}
