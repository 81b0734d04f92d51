//! Programs as text: what comes of a case.
//!
//! A step is numbered within its program; behind `←` stand the steps that it comes after.

use std::fmt::Write as _;

use crate::{
    event::ObjectNote,
    object::ObjectId,
    plan::PhaseId,
    release::{Belongings, Program, StepId, Work},
};

/// The name of `id` as cases write it.
pub(super) fn name(id: &ObjectId) -> String {
    match id.namespace.as_deref() {
        None | Some("shop") => format!("{}/{}", id.kind, id.name),
        Some(_) => id.to_string(),
    }
}

pub(super) fn names(ids: &[ObjectId]) -> String {
    let names: Vec<String> = ids.iter().map(name).collect();
    names.join(", ")
}

/// One line for each of `notes`, as `keep Secret/a: it is kept since an earlier run`.
pub(super) fn notes(what: &str, notes: &[ObjectNote]) -> String {
    notes.iter().fold(String::new(), |mut text, note| {
        let _ = writeln!(text, "{what} {}: {}", name(&note.object), note.what);
        text
    })
}

/// The steps of `program` by their phases.
pub(super) fn program(program: &Program) -> String {
    let mut text = String::new();
    let mut phase: Option<&PhaseId> = None;
    for (number, step) in program.steps.iter().enumerate() {
        if phase.replace(&step.phase) != Some(&step.phase) {
            let _ = writeln!(text, "{}", step.phase);
        }
        let _ = writeln!(text, "  {number} {}", line(program, number));
    }
    text
}

fn line(program: &Program, number: StepId) -> String {
    let step = &program.steps[number];
    let mut line = work(&step.work);
    if !matches!(step.priority, 0 | u32::MAX) {
        let _ = write!(line, ", priority {}", step.priority);
    }
    if !step.after.is_empty() {
        let after: Vec<String> = step.after.iter().map(ToString::to_string).collect();
        let _ = write!(line, " ← {}", after.join(" "));
    }
    line
}

fn work(work: &Work) -> String {
    match work {
        Work::Apply { object, force, .. } => {
            format!("apply {}{}", name(object), said(*force, ", forced"))
        }
        Work::Expand { object, size } => format!("expand {} to {size}", name(object)),
        Work::Restore { object } => format!("restore {}", name(object)),
        Work::Recreate { object } => format!("recreate {}", name(object)),
        Work::Delete {
            object,
            uid,
            belongings,
            if_empty,
        } => {
            let belongings = match belongings {
                Belongings::Go => "",
                Belongings::Stay => ", what belongs to it stays",
                Belongings::ClaimsStay => ", its claims stay",
                Belongings::TakenOverStays => ", what it has taken over stays",
            };
            let if_empty = said(*if_empty, " if empty");
            format!("delete{if_empty} {} of uid {uid}{belongings}", name(object))
        }
        Work::Discard { object } => format!("discard {}", name(object)),
        Work::GiveUp { object } => format!("release {}", name(object)),
        Work::RestartPods { object, since } => format!(
            "restart pods of {} since {}",
            name(object),
            since.strftime("%S s")
        ),
        Work::AwaitReady {
            objects,
            ends_phase,
        } => awaited("ready", objects, *ends_phase),
        Work::AwaitGone {
            objects,
            ends_phase,
            required,
        } => format!(
            "{}{}",
            awaited("gone", objects, *ends_phase),
            said(*required, ", required")
        ),
    }
}

/// `await ready ConfigMap/a, ends the phase`.
fn awaited(what: &str, objects: &[ObjectId], ends_phase: bool) -> String {
    let objects = match objects {
        [] => "nothing".to_owned(),
        objects => names(objects),
    };
    format!(
        "await {what}: {objects}{}",
        said(ends_phase, "; phase ends")
    )
}

fn said(holds: bool, words: &str) -> &str {
    if holds { words } else { "" }
}
