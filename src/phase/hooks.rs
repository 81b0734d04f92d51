//! Where hooks of charts are run: around the objects of their chart.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{
    assign::{Assignment, Placement, predecessors},
    reason::PhaseReason,
};
use crate::{
    finding::Check,
    object::{ChartPart, HasKind as _, HookStage, ObjectId, PhaseHint, Problem, References},
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

/// Declares that everything of a chart comes after the hooks before it, and of the hooks on one side
/// each after the one before, as Helm runs them; what they need comes first, whatever its weight.
pub(crate) fn declare_hooks(references: &mut References, hints: &HashMap<ObjectId, PhaseHint>) {
    for parts in charts(hints).into_values() {
        if parts.iter().all(|(_, part)| part.hook.is_none()) {
            continue;
        }
        let ranks = ranks(&parts, references);
        for (id, _) in parts.iter().filter(|(id, _)| is_ordered(id)) {
            let lower = parts.iter().filter(|(other, _)| {
                ranks[other] < ranks[id]
                    && is_ordered(other)
                    && !references.needs(other).contains(id)
            });
            let lower: Vec<ObjectId> = lower.map(|(other, _)| (*other).clone()).collect();
            references.declare_before(id, lower);
        }
    }
}

/// The place of each of `parts` in the order of its chart: all with a lower one come before it.
fn ranks<'a>(
    parts: &[(&'a ObjectId, &ChartPart)],
    references: &References,
) -> HashMap<&'a ObjectId, (i8, usize)> {
    let mut ranks: HashMap<&ObjectId, (i8, usize)> =
        parts.iter().map(|(id, _)| (*id, (0, 0))).collect();
    for side in [-1, 1] {
        let hooks = parts.iter().filter(|(_, part)| part.side() == side);
        let mut hooks: Vec<(&ObjectId, &ChartPart)> = hooks.copied().collect();
        hooks.sort_by_key(|(id, part)| part.place(id));
        let hooks: Vec<&ObjectId> = hooks.into_iter().map(|(id, _)| id).collect();
        let (mut sequence, mut met) = (Vec::new(), HashSet::new());
        for id in &hooks {
            add_after_needs(id, &hooks, references, &mut met, &mut sequence);
        }
        let numbers = sequence.into_iter().enumerate();
        ranks.extend(numbers.map(|(number, id)| (id, (side, number))));
    }
    ranks
}

/// Adds `id` to the `sequence`, after those of `hooks` that it needs. Where some need each other, the
/// one that is `met` first comes last.
fn add_after_needs<'a>(
    id: &'a ObjectId,
    hooks: &[&'a ObjectId],
    references: &References,
    met: &mut HashSet<&'a ObjectId>,
    sequence: &mut Vec<&'a ObjectId>,
) {
    if !met.insert(id) {
        return;
    }
    for need in hooks {
        if references.needs(id).contains(need) {
            add_after_needs(need, hooks, references, met, sequence);
        }
    }
    sequence.push(id);
}

/// Moves hooks to the phases of their chart: those before it to the first that has what they need,
/// those after it to the last. What was written down of a hook itself stays. Returns a warning for
/// each that nothing can be said of, since phases of its chart run side by side.
pub(crate) fn place_hooks(
    assignment: &mut Assignment,
    hints: &HashMap<ObjectId, PhaseHint>,
    references: &References,
    phases: &[PhaseSettings],
) -> Vec<Problem> {
    let before = predecessors(phases);
    let mut warnings = Vec::new();
    for parts in charts(hints).into_values() {
        let of_chart: BTreeSet<&ObjectId> = parts.iter().map(|(id, _)| *id).collect();
        let objects = parts
            .iter()
            .filter(|(id, part)| part.hook.is_none() && is_ordered(id));
        let taken: BTreeSet<usize> = objects
            .filter_map(|(id, _)| Some(assignment.placements.get(*id)?.phase))
            .collect();
        for (id, part) in &parts {
            let Some(hook) = &part.hook else { continue };
            let placed = &assignment.placements[*id];
            if placed.reason.is_said_of_object() || placed.reason == PhaseReason::Source {
                continue;
            }
            let has_needs = |phase: &usize| {
                let mut needs = references.needs(id).iter();
                needs.all(|need| {
                    let own = assignment.placements.get(need);
                    let own = own.map(|placement| placement.phase);
                    own.is_none_or(|own| own == *phase || before[*phase][own])
                        || of_chart.contains(need)
                })
            };
            let comes_after = |one: usize, other: usize| one == other || before[one][other];
            let mut taken_in_order = taken.iter().copied();
            let phase = match hook.stage() {
                HookStage::Before => taken_in_order.find(|phase| {
                    let is_beside = |other: &usize| {
                        !comes_after(*other, *phase) && !comes_after(*phase, *other)
                    };
                    has_needs(phase) && !taken.iter().any(is_beside)
                }),
                HookStage::After => taken_in_order
                    .find(|phase| taken.iter().all(|other| comes_after(*phase, *other))),
            };
            match phase {
                Some(phase) => {
                    let reason = PhaseReason::Hook(part.chart.clone());
                    let placement = Placement { phase, reason };
                    assignment.placements.insert((*id).clone(), placement);
                }
                None if taken.len() > 1 => warnings.push(beside(id, part)),
                None => {}
            }
        }
    }
    warnings
}

fn beside(id: &ObjectId, part: &ChartPart) -> Problem {
    let message = format!(
        "no phase is before or after all phases of the chart `{}`, so this hook of it may be run too early",
        part.chart
    );
    Problem::of(Check::UnplacedHook, message)
        .about(id)
        .hint("give the source a `phase`, or put the hook into one by `match`")
}
