//! Cases of the planners that lead back: to a snapshot, or to what an earlier revision wanted.

use std::{collections::BTreeSet, fmt::Write as _, time::Duration};

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use super::{
    forward::{changes, snapshot},
    objects::{
        Written, desired_state, id, live, manager, phase_of, phases, program as steps, read,
        records, release, time,
    },
};
use crate::{
    cluster::Seen,
    engine::{
        desired::DesiredState,
        observe::{
            storage_versions::Resources,
            unconfirmed_writes::{Evidence, complete},
        },
        phase_plan::PhasePlan,
        plan::{
            irreversible::{exclude_irreversible, exclude_unserved},
            revert::{plan_revert, to_observe},
            rollback::{RollbackInput, RollbackPhases, RollbackPlan, plan_rollback},
            tests::printed,
        },
    },
    object::{ObjectId, RollbackMark},
    release::{ChangeLog, Work},
};

/// When the run of every case began, in seconds.
const BEGAN: u64 = 9;

/// What a case gives to the planner of a rollback.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Rollback {
    phases: IndexMap<String, Vec<String>>,
    /// What was there before.
    snapshot: Written,
    /// What is known to have been done.
    changes: IndexMap<String, String>,
    /// What is there now.
    live: Written,
    /// What is remembered.
    records: Written,
    /// Objects that are `manual`, and those that are to be run again, `rerun`.
    marks: IndexMap<String, RollbackMark>,
    /// What the run was going to do. Where it is given, any of it may have been done without
    /// anybody seeing the answer.
    program: Vec<String>,
    /// What of it is known to have been answered.
    confirmed: Vec<String>,
}

/// The program that puts everything back, and what is said of the rest.
pub(in crate::engine::plan::tests) fn rollback(text: &str) -> String {
    let case: Rollback = read(text);
    let (mut live, snapshot) = (live(&case.live), snapshot(&case.snapshot));
    // All that was touched is looked at.
    let touched = case.snapshot.keys().chain(case.changes.keys());
    for id in touched.map(|name| id(name)) {
        if matches!(live.seen(&id), Seen::Unasked) {
            live.note(id, Seen::Absent);
        }
    }
    let nothing = desired_state(&Written::new(), Vec::new());
    let records = records(&case.records, &nothing, &live);
    let mut done = changes(&case.changes, &snapshot, &live);
    let confirmed: Vec<ObjectId> = case.confirmed.iter().map(|name| id(name)).collect();
    complete(
        &mut done,
        |id| !confirmed.contains(id),
        &Evidence {
            program: &steps(&case.program),
            snapshot: &snapshot,
            live: &live,
            records: &records,
            manager: &manager(),
        },
    );
    let irreversible = exclude_irreversible(&mut done, &snapshot, &live);
    let marks = case.marks.iter();
    let mut plan = plan_rollback(&RollbackInput {
        manager: &manager(),
        phases: &rollback_phases(&case),
        marks: &marks.map(|(name, mark)| (id(name), *mark)).collect(),
        snapshot: &snapshot,
        changes: &done,
        live: &live,
        records: &records,
        began: time(BEGAN).parse().expect("a time"),
    });
    plan.irreversible.extend(irreversible);
    unconfirmed(&done) + &planned(&plan)
}

/// Of what it is not known what was changed.
fn unconfirmed(done: &ChangeLog) -> String {
    let unconfirmed = done.iter().filter(|(_, done)| done.unconfirmed);
    let ids: Vec<ObjectId> = unconfirmed.map(|(id, _)| id.clone()).collect();
    match ids.as_slice() {
        [] => String::new(),
        ids => format!("unconfirmed: {}\n", printed::names(ids)),
    }
}

/// The phases of `case`, with the objects that it puts into them.
fn rollback_phases(case: &Rollback) -> RollbackPhases {
    let plans = phases(&case.phases);
    let written = case.live.iter().chain(&case.snapshot);
    let objects = written.filter(|(_, object)| matches!(object, Value::Object(_)));
    let by_object = objects.map(|(name, object)| (id(name), phase_of(object)));
    RollbackPhases::new(
        plans.iter().map(PhasePlan::planned).collect(),
        by_object.collect(),
        Duration::from_mins(1),
    )
    .ending_with(steps(&case.program).repaired_first())
}

fn planned(plan: &RollbackPlan) -> String {
    is_consistent(plan);
    let notes = [
        ("keep", &plan.retained),
        ("irreversible", &plan.irreversible),
        ("left to others", &plan.by_others),
        ("unknown", &plan.unknown),
    ];
    let notes = notes.map(|(what, notes)| printed::notes(what, notes));
    notes.concat() + &printed::program(&plan.program)
}

/// What is said to be put back and to be removed is what the program does.
fn is_consistent(plan: &RollbackPlan) {
    let written = |means: fn(&Work) -> bool| -> BTreeSet<&ObjectId> {
        let steps = plan.program.steps.iter().map(|step| &step.work);
        steps
            .filter(|work| means(work))
            .filter_map(Work::writes)
            .collect()
    };
    let put_back = written(|work| matches!(work, Work::Restore { .. } | Work::Recreate { .. }));
    assert_eq!(put_back, plan.restored.iter().collect());
    let deleted = written(|work| matches!(work, Work::Delete { .. }));
    let removed: BTreeSet<&ObjectId> = deleted.difference(&put_back).copied().collect();
    assert_eq!(removed, plan.removed.iter().chain(&plan.claims).collect());
}

/// What is said of objects whose kinds are not served any more; all others of `text` are. Nothing
/// defines those of `gone`.
pub(in crate::engine::plan::tests) fn unserved(text: &str, kind: &str, gone: &[&str]) -> String {
    let case: Rollback = read(text);
    let (mut live, snapshot) = (live(&case.live), snapshot(&case.snapshot));
    let mut done = changes(&case.changes, &snapshot, &live);
    for name in gone {
        live.note(id(name), Seen::Absent);
    }
    let served: Resources = done
        .iter()
        .filter(|(id, _)| id.kind != kind)
        .map(|(id, _)| (id.clone(), resource(id)))
        .collect();
    let notes = exclude_unserved(&mut done, &snapshot, &served, &live);
    let left: Vec<ObjectId> = done.iter().map(|(id, _)| id.clone()).collect();
    format!(
        "{}put back: {}\n",
        printed::notes("irreversible", &notes),
        printed::names(&left)
    )
}

fn resource(id: &ObjectId) -> crate::cluster::Resource {
    crate::cluster::Resource {
        group: id.group.clone(),
        version: "v1".to_owned(),
        kind: id.kind.clone(),
        plural: String::new(),
        namespaced: id.namespace.is_some(),
        verbs: Vec::new(),
        has_status: false,
    }
}

/// What a case gives to the planner of a return to an earlier revision.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Revert {
    /// The phases of both.
    phases: IndexMap<String, Vec<String>>,
    /// Phases that only what is wanted now has.
    new_phases: IndexMap<String, Vec<String>>,
    /// What the earlier revision wanted.
    then: Written,
    /// What is wanted now.
    now: Written,
    /// What was wanted by the last revision that succeeded, where that is another one.
    good: Written,
    live: Written,
    records: Written,
    restore_secrets: bool,
}

/// What is wanted in order to go back, and what is not brought back.
pub(in crate::engine::plan::tests) fn revert(text: &str) -> String {
    let case: Revert = read(text);
    let then = desired_state(&case.then, phases(&case.phases));
    let mut later = phases(&case.phases);
    later.extend(
        phases(&case.new_phases)
            .into_iter()
            .filter(|phase| case.new_phases.contains_key(&phase.name)),
    );
    let good = desired_state(&case.good, phases(&case.phases));
    let now = [desired_state(&case.now, later), good];
    let live = live(&case.live);
    let records = records(&case.records, &now[0], &live);
    let plan = plan_revert(&then, &now, &live, &records, case.restore_secrets);
    let observed: Vec<ObjectId> = to_observe(&then, &now).objects.into_keys().collect();
    let mut text = format!("observe: {}\n", printed::names(&observed));
    for (id, object) in &plan.wanted.objects {
        let is_of = |state: &DesiredState| {
            let known = state.objects.get(id);
            known.is_some_and(|known| known.digest() == object.digest())
        };
        let states = [("then", &then), ("now", &now[0]), ("last good", &now[1])];
        let when = states.into_iter().find(|(_, state)| is_of(state));
        let when = when.map_or("never", |(when, _)| when);
        let name = printed::name(id);
        let _ = write!(text, "{name} as {when}, in {}", object.phase);
        if let Some(why) = plan.retained.get(id) {
            let _ = write!(text, ": {why:?}");
        }
        text.push('\n');
    }
    for (id, why) in &plan.retained {
        if !plan.wanted.objects.contains_key(id) {
            let _ = writeln!(text, "not {}: {why:?}", printed::name(id));
        }
    }
    let phases: Vec<String> = plan
        .wanted
        .phases
        .iter()
        .map(|phase| format!("{}{:?}", phase.name, phase.after).replace('"', ""))
        .collect();
    let _ = writeln!(text, "phases: {}", phases.join(" "));
    assert_eq!(plan.wanted.release, release());
    text
}
