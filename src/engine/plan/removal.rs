//! The program that takes a release down, or removes what nobody remembers.

use std::{collections::BTreeMap, time::Duration};

use crate::engine::{
    phase_plan::PhasePlan,
    plan::steps::{Removal, push_removals},
};
use crate::{
    plan::{PhaseId, PhaseSettings},
    release::Program,
};

/// The program that carries out `removals`, the last one of `phases` first.
pub(crate) fn plan_removal(removals: &[Removal], phases: &[PhaseSettings]) -> Program {
    let mut program = Program::default();
    let phases: Vec<PhaseId> = phases.iter().map(PhaseSettings::id).collect();
    let in_phase = |removal: &Removal| removal.phase.clone();
    push_removals(&mut program, removals, &phases, Vec::new(), in_phase);
    program
}

/// The phases that `removals` lead through, in the order in which they go, the last one of `phases`
/// first; in each it is waited for at most `patience`.
pub(crate) fn removal_phases(
    removals: &[Removal],
    phases: &[PhaseSettings],
    patience: Duration,
) -> Vec<PhasePlan> {
    let mut objects: BTreeMap<PhaseId, usize> = BTreeMap::new();
    for removal in removals {
        *objects.entry(removal.phase.clone()).or_default() += 1;
    }
    let position = |id: &PhaseId| {
        phases
            .iter()
            .position(|phase| id.is_declared_as(&phase.name))
            .unwrap_or(usize::MAX)
    };
    let mut plans: Vec<PhasePlan> = objects
        .into_iter()
        .map(|(id, objects)| PhasePlan {
            objects,
            ..PhasePlan::of(id, patience)
        })
        .collect();
    plans.sort_by_key(|plan| std::cmp::Reverse(position(&plan.id)));
    plans
}
