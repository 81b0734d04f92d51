//! Where hooks of charts are run: around the objects of their chart.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    assign::{Assignment, Placement, predecessors},
    reason::PhaseReason,
};
use crate::{
    object::{ChartPart, HasKind as _, HookStage, ObjectId, PhaseHint, References},
    plan::PhaseSettings,
};

/// The objects of each chart, with their parts.
type Charts<'a> = BTreeMap<&'a str, Vec<(&'a ObjectId, &'a ChartPart)>>;

fn charts(hints: &HashMap<ObjectId, PhaseHint>) -> Charts<'_> {
    let mut charts = Charts::new();
    for (id, hint) in hints {
        if let Some(part) = &hint.part {
            charts.entry(&part.chart).or_default().push((id, part));
        }
    }
    for parts in charts.values_mut() {
        parts.sort_by_key(|(id, _)| *id);
    }
    charts
}

/// Whether hooks come before or after it: namespaces and definitions are there first in any case.
fn is_ordered(id: &ObjectId) -> bool {
    !id.is_namespace() && !id.is_definition()
}

/// Declares that everything of a chart comes after the hooks before it, and hooks of a higher weight
/// after those of a lower one.
pub(crate) fn declare_hooks(references: &mut References, hints: &HashMap<ObjectId, PhaseHint>) {
    for parts in charts(hints).into_values() {
        if parts.iter().all(|(_, part)| part.hook.is_none()) {
            continue;
        }
        for (id, part) in parts.iter().filter(|(id, _)| is_ordered(id)) {
            let lower = parts.iter().filter(|(other, of)| {
                of.rank() < part.rank()
                    && is_ordered(other)
                    && !references.needs(other).contains(id)
            });
            let lower: Vec<ObjectId> = lower.map(|(other, _)| (*other).clone()).collect();
            references.declare_before(id, lower);
        }
    }
}

/// Moves hooks to the phases of their chart: those before it to the first that has what they need,
/// those after it to the last. What was written down of a hook itself stays.
pub(crate) fn place_hooks(
    assignment: &mut Assignment,
    hints: &HashMap<ObjectId, PhaseHint>,
    references: &References,
    phases: &[PhaseSettings],
) {
    let before = predecessors(phases);
    for parts in charts(hints).into_values() {
        let of_chart: BTreeSet<&ObjectId> = parts.iter().map(|(id, _)| *id).collect();
        let objects = parts
            .iter()
            .filter(|(id, part)| part.hook.is_none() && is_ordered(id));
        let taken: BTreeSet<usize> = objects
            .filter_map(|(id, _)| Some(assignment.placements.get(*id)?.phase))
            .collect();
        for (id, part) in &parts {
            let Some(hook) = part.hook else { continue };
            let placed = &assignment.placements[*id];
            if placed.reason.is_said_of_object() || placed.reason == PhaseReason::Source {
                continue;
            }
            let is_there = |phase: usize| {
                let mut needs = references.needs(id).iter();
                needs.all(|need| {
                    let own = assignment
                        .placements
                        .get(need)
                        .map(|placement| placement.phase);
                    own.is_none_or(|own| own == phase || before[phase][own])
                        || of_chart.contains(need)
                })
            };
            let phase = match hook.stage {
                HookStage::Before => taken.iter().copied().find(|phase| is_there(*phase)),
                HookStage::After => taken.last().copied(),
            };
            if let Some(phase) = phase {
                let reason = PhaseReason::Hook(part.chart.clone());
                assignment
                    .placements
                    .insert((*id).clone(), Placement { phase, reason });
            }
        }
    }
}
