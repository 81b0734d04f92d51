use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::wanted::Wanted;
use crate::{
    cluster::{Live, Seen},
    object::ObjectId,
    release::{Program, Records, StepId, Work},
};

/// What has to be done with one wanted object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeAction {
    /// It is not there.
    Create,
    /// It is there and may differ.
    Change,
    /// It is as wanted.
    Keep,
}

/// The decision about one wanted object.
#[derive(Debug, Clone)]
pub(crate) struct Decision {
    /// The object.
    pub(crate) id: ObjectId,
    /// What has to be done.
    pub(crate) action: ChangeAction,
    /// Whether the apply takes over fields that somebody changed at a terminal.
    pub(crate) force: bool,
}

/// The phases that a run is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selection {
    /// All.
    All,
    /// Only these.
    Only(Vec<String>),
}

impl Selection {
    /// Whether `phase` is part of the run.
    pub(crate) fn holds(&self, phase: &str) -> bool {
        match self {
            Selection::All => true,
            Selection::Only(names) => names.iter().any(|name| name == phase),
        }
    }
}

/// Decides for each wanted object of the selected phases what has to be done with it.
///
/// An object is left alone when what is wanted has the digest of what was sent last, and the live object has the uid, our
/// entry and the stored values that were recorded then.
pub(crate) fn decide(wanted: &Wanted, live: &Live, records: &Records, selection: &Selection) -> Vec<Decision> {
    let manager = wanted.release.field_manager();
    let selected = wanted.objects.iter().filter(|(_, object)| selection.holds(&object.phase));
    selected
        .map(|(id, object)| {
            let action = match live.seen(id) {
                Seen::Absent => ChangeAction::Create,
                Seen::Present(there) => {
                    let record = records.get(id).filter(|record| record.wanted == object.digest && record.holds(there, &manager));
                    if record.is_some_and(|_| has_label(there, &wanted.release.label())) {
                        ChangeAction::Keep
                    } else {
                        ChangeAction::Change
                    }
                }
                Seen::Forbidden | Seen::Unasked => ChangeAction::Change,
            };
            Decision { id: id.clone(), action, force: false }
        })
        .collect()
}

fn has_label(object: &Value, label: &str) -> bool {
    object.pointer("/metadata/labels").and_then(|labels| labels.get(label)).is_some()
}

/// The program that carries out `decisions`, phase by phase, and waits at the end of each phase until everything in it is ready.
pub(crate) fn program(wanted: &Wanted, decisions: &[Decision], selection: &Selection) -> Program {
    let mut program = Program::default();
    let to_write: HashMap<&ObjectId, bool> =
        decisions.iter().filter(|decision| decision.action != ChangeAction::Keep).map(|decision| (&decision.id, decision.force)).collect();
    let mut ends: HashMap<&str, StepId> = HashMap::new();
    for phase in wanted.phases.iter().filter(|phase| selection.holds(&phase.name)) {
        let before: Vec<StepId> = phase_ends(wanted, &phase.name, &ends);
        let objects: Vec<&ObjectId> = wanted.objects.iter().filter(|(_, object)| object.phase == phase.name).map(|(id, _)| id).collect();
        let (last, first): (Vec<&ObjectId>, Vec<&ObjectId>) = objects.iter().partition(|id| wanted.objects[**id].last);
        let mut after = before.clone();
        after.extend(push_applies(&mut program, wanted, &phase.name, &first, &to_write, &before));
        if last.iter().any(|id| to_write.contains_key(*id)) {
            let objects = first.into_iter().cloned().collect();
            let others_ready = program.push(&phase.name, after, u32::MAX, Work::AwaitReady { objects, ends_phase: false });
            after = push_applies(&mut program, wanted, &phase.name, &last, &to_write, &[others_ready]);
        }
        let objects = objects.into_iter().cloned().collect();
        let end = program.push(&phase.name, after, u32::MAX, Work::AwaitReady { objects, ends_phase: true });
        ends.insert(&phase.name, end);
    }
    program
}

/// The last steps of the phases that `name` comes after; a phase that is not part of the run hands on its own predecessors.
fn phase_ends(wanted: &Wanted, name: &str, ends: &HashMap<&str, StepId>) -> Vec<StepId> {
    let mut found = Vec::new();
    let mut pending = vec![name];
    let mut visited = HashSet::new();
    while let Some(current) = pending.pop() {
        let Some(phase) = wanted.phases.iter().find(|phase| phase.name == current) else { continue };
        for before in phase.after.iter().filter(|before| visited.insert(before.as_str())) {
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
    wanted: &Wanted,
    phase: &str,
    objects: &[&ObjectId],
    to_write: &HashMap<&ObjectId, bool>,
    before: &[StepId],
) -> Vec<StepId> {
    let first = program.steps.len();
    let writes: Vec<(&ObjectId, bool)> = objects.iter().filter_map(|id| to_write.get(*id).map(|force| (*id, *force))).collect();
    let numbers: HashMap<&ObjectId, StepId> = writes.iter().enumerate().map(|(index, (id, _))| (*id, first + index)).collect();
    for (id, force) in &writes {
        let object = &wanted.objects[*id];
        let mut after = before.to_vec();
        after.extend(object.after.iter().filter_map(|needed| numbers.get(needed).copied()));
        program.push(phase, after, object.priority, Work::Apply { object: (*id).clone(), force: *force });
    }
    let last = program.steps.len();
    await_definitions(program, wanted, phase, &numbers);
    (first..last).collect()
}

/// Custom resources wait until the definition of their kind, where it is written in the same phase, is established.
fn await_definitions(program: &mut Program, wanted: &Wanted, phase: &str, numbers: &HashMap<&ObjectId, StepId>) {
    let definitions: Vec<(&ObjectId, StepId)> =
        numbers.iter().filter(|(id, _)| id.kind == "CustomResourceDefinition").map(|(id, step)| (*id, *step)).collect();
    for (definition, step) in definitions {
        let users: Vec<StepId> =
            numbers.iter().filter(|(id, _)| wanted.objects[**id].after.contains(definition)).map(|(_, step)| *step).collect();
        if users.is_empty() {
            continue;
        }
        let work = Work::AwaitReady { objects: vec![definition.clone()], ends_phase: false };
        let established = program.push(phase, vec![step], u32::MAX, work);
        for user in users {
            program.steps[user].after.push(established);
        }
    }
}
