//! The program that takes a release down, or removes what nobody remembers.

use std::{collections::BTreeMap, time::Duration};

use crate::engine::{
    desired::DesiredState,
    phase_plan::PhasePlan,
    plan::decide::Decision,
    plan::hook_steps::push_hooks,
    plan::steps::{Removal, push_removals},
};
use crate::{
    cluster::Live,
    object::HasKind as _,
    plan::{PhaseId, PhaseSettings},
    release::Program,
};

/// What a program that only removes is made of.
#[derive(Clone, Copy)]
pub(crate) struct RemovalInput<'a> {
    /// The hooks that are run before and after it, and the phases of what goes.
    pub(crate) wanted: &'a DesiredState,
    /// What has to be done with each of the hooks.
    pub(crate) decisions: &'a [Decision],
    /// What has to go.
    pub(crate) removals: &'a [Removal],
    /// What is there.
    pub(crate) live: &'a Live,
}

/// The program that carries out the removals, the last phase first, with the hooks before and after
/// it. What holds others goes once the hooks have ended that are run in it.
pub(crate) fn plan_removal(input: &RemovalInput<'_>) -> Program {
    let mut program = Program::default();
    let phases: Vec<PhaseId> = input.wanted.phases.iter().map(PhaseSettings::id).collect();
    let in_phase = |removal: &Removal| removal.phase.clone();
    let ends_with_hooks = input
        .wanted
        .objects
        .values()
        .any(|it| it.phase == PhaseId::PostDelete);
    let (last, first): (Vec<Removal>, Vec<Removal>) = input
        .removals
        .iter()
        .cloned()
        .partition(|removal| ends_with_hooks && removal.id.is_container());
    let hooks = (input.wanted, input.decisions, input.live);
    let program = &mut program;
    let after = push_hooks(program, hooks, &PhaseId::PreDelete, Vec::new());
    let after = push_removals(program, &first, &phases, after, in_phase);
    let after = push_hooks(program, hooks, &PhaseId::PostDelete, after);
    push_removals(program, &last, &phases, after, in_phase);
    std::mem::take(program)
}

/// The phases that the program leads through, in the order in which they go, the last one of what is
/// wanted first, between those of its hooks; in each it is waited for at most `patience`.
pub(crate) fn removal_phases(input: &RemovalInput<'_>, patience: Duration) -> Vec<PhasePlan> {
    let mut objects: BTreeMap<PhaseId, usize> = BTreeMap::new();
    let removed = input.removals.iter().map(|removal| &removal.phase);
    let hooks = input.wanted.objects.values().map(|hook| &hook.phase);
    for phase in removed.chain(hooks) {
        *objects.entry(phase.clone()).or_default() += 1;
    }
    let position = |id: &PhaseId| {
        let phases = &input.wanted.phases;
        phases
            .iter()
            .position(|phase| id.is_declared_as(&phase.name))
            .unwrap_or(usize::MAX)
    };
    let mut plans: Vec<PhasePlan> = objects
        .into_iter()
        .map(|(id, objects)| PhasePlan {
            objects,
            is_decisive: matches!(id, PhaseId::PreDelete | PhaseId::PostDelete),
            ..PhasePlan::of(id, patience)
        })
        .collect();
    plans.sort_by_key(|plan| match plan.id {
        PhaseId::PreDelete => (0, std::cmp::Reverse(0)),
        PhaseId::PostDelete => (2, std::cmp::Reverse(0)),
        _ => (1, std::cmp::Reverse(position(&plan.id))),
    });
    plans
}
