use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::engine::{
    desired::{DesiredObject, DesiredState},
    plan::removal::{Removal, push_removals},
    plan::volume_expansion::Expansion,
};
use crate::{
    cluster::{Live, Seen},
    object::ObjectId,
    plan::{PhaseId, PhaseSettings},
    release::{Program, Records, StepId, Work},
};

/// What has to be done with one wanted object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeAction {
    /// It is not there.
    Create,
    /// It is there and may differ.
    Change,
    /// It is there, differs in what cannot be changed, and is deleted and created anew.
    Replace,
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
    /// Somebody has deleted what is there; it is created once that is gone.
    pub(crate) terminating: bool,
    /// Claims that become larger with it.
    pub(crate) expansions: Vec<Expansion>,
    /// What else is to be said of it before it is done.
    pub(crate) remark: Option<String>,
}

/// The phases that a run is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selection {
    /// All.
    All,
    /// Only these.
    Only(Vec<String>),
    /// None: what is deployed goes on being wanted.
    Nothing,
}

impl Selection {
    /// Whether `phase` is part of the run.
    pub(crate) fn holds(&self, phase: &PhaseId) -> bool {
        match self {
            Selection::All => true,
            Selection::Only(names) => names.iter().any(|name| phase.is_declared_as(name)),
            Selection::Nothing => false,
        }
    }

    /// Whether the phase that the plan declares under `name` is part of the run.
    pub(crate) fn holds_declared(&self, name: &str) -> bool {
        self.holds(&PhaseId::declared(name))
    }
}

/// Decides for each wanted object of the selected phases what has to be done with it.
///
/// An object is left alone when what is wanted has the digest of what was sent last, and the live
/// object has the uid, our entry and the stored values that were recorded then.
pub(crate) fn decide(
    wanted: &DesiredState,
    live: &Live,
    records: &Records,
    selection: &Selection,
) -> Vec<Decision> {
    let manager = wanted.release.field_manager();
    let selected = wanted
        .objects
        .iter()
        .filter(|(_, object)| selection.holds(&object.phase));
    selected
        .map(|(id, object)| {
            let terminating = live
                .object(id)
                .is_some_and(|there| there.pointer("/metadata/deletionTimestamp").is_some());
            let action = match live.seen(id) {
                // A Job that has done its work is not run again where its time to live has removed
                // it.
                Seen::Absent if has_run(id, object, records) => ChangeAction::Keep,
                Seen::Absent => ChangeAction::Create,
                Seen::Present(_) if terminating => ChangeAction::Create,
                Seen::Present(there) => {
                    let record = records.get(id).filter(|record| {
                        record.wanted == object.digest
                            && !record.kept
                            && record.holds(there, &manager)
                    });
                    if record.is_some_and(|_| has_label(there, &wanted.release.label())) {
                        ChangeAction::Keep
                    } else {
                        ChangeAction::Change
                    }
                }
                Seen::Forbidden | Seen::Unasked => ChangeAction::Change,
            };
            Decision {
                id: id.clone(),
                action,
                force: false,
                terminating,
                expansions: Vec::new(),
                remark: None,
            }
        })
        .collect()
}

/// Whether `id` is a Job that was run as it is wanted, and that removes itself: only of such a one
/// it is remembered that it has run.
/// <https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/>
pub(crate) fn has_run(id: &ObjectId, wanted: &DesiredObject, records: &Records) -> bool {
    id.kind == "Job"
        && records
            .get(id)
            .is_some_and(|record| record.completed && record.wanted == wanted.digest)
}

pub(crate) fn has_label(object: &Value, label: &str) -> bool {
    object
        .pointer("/metadata/labels")
        .and_then(|labels| labels.get(label))
        .is_some()
}

/// The program that carries out `decisions`, phase by phase, waits at the end of each phase until
/// everything in it is ready, and then removes what is no longer wanted.
pub(crate) fn program(changes: &DeployInput<'_>) -> Program {
    let DeployInput {
        wanted,
        decisions,
        removals,
        live,
        records,
        selection,
    } = *changes;
    let mut program = Program::default();
    let to_write: HashMap<&ObjectId, &Decision> = decisions
        .iter()
        .filter(|decision| decision.action != ChangeAction::Keep)
        .map(|decision| (&decision.id, decision))
        .collect();
    let gone =
        |id: &&ObjectId| live.object(id).is_none() && has_run(id, &wanted.objects[*id], records);
    let mut ends: HashMap<&str, StepId> = HashMap::new();
    for phase in wanted
        .phases
        .iter()
        .filter(|phase| selection.holds_declared(&phase.name))
    {
        let id = phase.id();
        let before: Vec<StepId> = phase_ends(wanted, &phase.name, &ends);
        let objects: Vec<&ObjectId> = wanted
            .objects
            .iter()
            .filter(|(_, object)| object.phase == id)
            .map(|(id, _)| id)
            .collect();
        let (last, first): (Vec<&ObjectId>, Vec<&ObjectId>) =
            objects.iter().partition(|id| wanted.objects[**id].last);
        let mut after = before.clone();
        after.extend(push_applies(
            &mut program,
            changes,
            &id,
            &first,
            &to_write,
            &before,
        ));
        if last.iter().any(|id| to_write.contains_key(*id)) {
            let objects = first.into_iter().filter(|id| !gone(id)).cloned().collect();
            let others_ready = program.push(
                &id,
                after,
                u32::MAX,
                Work::AwaitReady {
                    objects,
                    ends_phase: false,
                },
            );
            after = push_applies(
                &mut program,
                changes,
                &id,
                &last,
                &to_write,
                &[others_ready],
            );
        }
        let objects = objects
            .into_iter()
            .filter(|id| !gone(id))
            .cloned()
            .collect();
        let end = program.push(
            &id,
            after,
            u32::MAX,
            Work::AwaitReady {
                objects,
                ends_phase: true,
            },
        );
        ends.insert(&phase.name, end);
    }
    let phases: Vec<PhaseId> = wanted.phases.iter().map(PhaseSettings::id).collect();
    let mut all: Vec<StepId> = ends.into_values().collect();
    all.sort_unstable();
    push_removals(&mut program, removals, &phases, all, |_| PhaseId::Prune);
    program
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
    /// Which phases are run.
    pub(crate) selection: &'a Selection,
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
    changes: &DeployInput<'_>,
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
    let cleared: HashMap<&ObjectId, StepId> = writes
        .iter()
        .filter_map(|decision| {
            Some((
                &decision.id,
                push_clearing(program, changes, phase, decision, before)?,
            ))
        })
        .collect();
    let first = program.steps.len();
    let numbers: HashMap<&ObjectId, StepId> = writes
        .iter()
        .enumerate()
        .map(|(index, decision)| (&decision.id, first + index))
        .collect();
    for decision in &writes {
        let object = &changes.wanted.objects[&decision.id];
        let mut after = before.to_vec();
        after.extend(
            object
                .after
                .iter()
                .filter_map(|needed| numbers.get(needed).copied()),
        );
        after.extend(cleared.get(&decision.id));
        program.push(
            phase,
            after,
            object.priority,
            Work::Apply {
                object: decision.id.clone(),
                force: decision.force,
            },
        );
    }
    for decision in &writes {
        for Expansion { claim, size } in &decision.expansions {
            let after = vec![numbers[&decision.id]];
            program.push(
                phase,
                after,
                u32::MAX,
                Work::Expand {
                    object: claim.clone(),
                    size: size.clone(),
                },
            );
        }
    }
    let last = program.steps.len();
    await_definitions(program, changes.wanted, phase, &numbers);
    (first..last).collect()
}

/// Adds the steps after which the name of an object is free, where it has to be created anew, and
/// returns the last one.
fn push_clearing(
    program: &mut Program,
    changes: &DeployInput<'_>,
    phase: &PhaseId,
    decision: &Decision,
    before: &[StepId],
) -> Option<StepId> {
    let mut after = before.to_vec();
    if decision.action == ChangeAction::Replace {
        let mut removal = Removal::delete(&decision.id, phase, changes.live.object(&decision.id)?);
        removal.orphan_dependents();
        after = vec![program.push(phase, after, u32::MAX, removal.work())];
    } else if !decision.terminating {
        return None;
    }
    let objects = vec![decision.id.clone()];
    Some(program.push(
        phase,
        after,
        u32::MAX,
        Work::AwaitGone {
            objects,
            ends_phase: false,
            required: true,
        },
    ))
}

/// Custom resources wait until the definition of their kind, where it is written in the same phase,
/// is established.
fn await_definitions(
    program: &mut Program,
    wanted: &DesiredState,
    phase: &PhaseId,
    numbers: &HashMap<&ObjectId, StepId>,
) {
    let definitions: Vec<(&ObjectId, StepId)> = numbers
        .iter()
        .filter(|(id, _)| id.kind == "CustomResourceDefinition")
        .map(|(id, step)| (*id, *step))
        .collect();
    for (definition, step) in definitions {
        let users: Vec<StepId> = numbers
            .iter()
            .filter(|(id, _)| wanted.objects[**id].after.contains(definition))
            .map(|(_, step)| *step)
            .collect();
        if users.is_empty() {
            continue;
        }
        let work = Work::AwaitReady {
            objects: vec![definition.clone()],
            ends_phase: false,
        };
        let established = program.push(phase, vec![step], u32::MAX, work);
        for user in users {
            program.steps[user].after.push(established);
        }
    }
}
