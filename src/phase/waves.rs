//! Numbers by which annotations order objects, and that the order of phases contradicts.

use indexmap::IndexMap;

use super::assign::{Assignment, predecessors};
use crate::{
    finding::Check,
    object::{Object, ObjectId, Problem, annotated_wave},
    plan::PhaseSettings,
};

/// A warning where an object with a higher number is in an earlier phase than one with a lower
/// number: phases come first. About the first such pair.
pub(crate) fn contradicted_waves(
    objects: &IndexMap<ObjectId, Object>,
    assignment: &Assignment,
    phases: &[PhaseSettings],
) -> Option<Problem> {
    let before = predecessors(phases);
    let placed = assignment.placements.iter().filter_map(|(id, placement)| {
        Some((placement.phase, annotated_wave(&objects.get(id)?.body)?, id))
    });
    let placed: Vec<(usize, i64, &ObjectId)> = placed.collect();
    let contradicted = placed.iter().find_map(|(phase, wave, id)| {
        let mut earlier = placed.iter();
        let first = earlier.find(|(other, higher, _)| before[*phase][*other] && higher > wave)?;
        Some((*id, *phase, first))
    });
    let (id, phase, (earlier, _, first)) = contradicted?;
    let (own, other) = (&phases[phase].name, &phases[*earlier].name);
    let message = format!(
        "its annotation puts it before {first}, and it comes later: phase `{own}` is after `{other}`"
    );
    let problem = Problem::of(Check::ContradictedWave, message)
        .at(&objects[id].origin)
        .about(id);
    Some(problem.hint("annotations order what is in one phase; put both into one, or leave it so"))
}
