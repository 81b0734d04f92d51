//! What is said of a release whose newest revision is neither completed nor rolled back.

use crate::engine::{
    desired::DesiredState, observe::history::ReleaseHistory, plan::selection::Selection,
};
use crate::{
    error::{CommandError, ExitCode},
    object::ObjectId,
    plan::PhaseId,
    release::{Operation, Revision},
};

/// The command that goes on with what a run of `operation` has begun.
pub(crate) fn forward(operation: Operation) -> &'static str {
    match operation {
        Operation::Remove => "down",
        Operation::PruneOrphans => "prune --orphans",
        Operation::Deploy | Operation::Rollback | Operation::Rename | Operation::Verify => "up",
    }
}

/// Refuses to look for orphans where a run of another command is not finished: what it left is not
/// to be taken for orphans, and it is not settled by removing something else.
pub(crate) fn check_settled(history: &ReleaseHistory) -> Result<(), CommandError> {
    let unsettled = history
        .newest()
        .map(|head| &head.revision)
        .filter(|revision| !revision.is_settled());
    match unsettled.filter(|revision| revision.by.operation != Operation::PruneOrphans) {
        Some(unsettled) => Err(refused(unsettled)),
        None => Ok(()),
    }
}

/// Refuses what does neither go on from `unsettled` nor back.
fn refused(unsettled: &Revision) -> CommandError {
    refusal(
        unsettled,
        "",
        &command(unsettled, forward(unsettled.by.operation)),
    )
}

/// Refuses a run of `selection` where the newest revision may have touched anything else: it would
/// count as settled with this run, and what it left there would be forgotten. `desired` is what is
/// wanted.
pub(crate) fn check_part(
    selection: &Selection,
    desired: &DesiredState,
    history: &ReleaseHistory,
) -> Result<(), CommandError> {
    let Selection::Only(part) = selection else {
        return Ok(());
    };
    // Declared Secrets join what is wanted later; no label is known of them.
    let is_chosen = |id: &ObjectId| match desired.objects.get(id) {
        Some(wanted) => selection.holds_wanted(wanted),
        None => !part.objects.is_empty() && part.labels.is_none() && part.names(id),
    };
    let is_selected = |id: &ObjectId, phase: &PhaseId| {
        selection.holds(phase) && (!selection.is_of_objects() || is_chosen(id))
    };
    let beyond = history.touched_beyond(is_selected);
    let Some((unsettled, beyond)) = history.newest().zip(beyond) else {
        return Ok(());
    };
    let unsettled = &unsettled.revision;
    let goes_on = format!("{} without {}", command(unsettled, "up"), part.flags());
    let what = if selection.is_of_objects() {
        "which is not part of this run"
    } else {
        "which is in none of the named phases"
    };
    let why = format!(", and may have changed {beyond}, {what}");
    Err(refusal(unsettled, &why, &goes_on))
}

fn refusal(unsettled: &Revision, why: &str, goes_on: &str) -> CommandError {
    let Revision {
        number, release, ..
    } = unsettled;
    let message = format!(
        "revision {number} of {release} is neither completed nor rolled back{why}; nothing was changed"
    );
    let goes_back = command(unsettled, "rollback");
    CommandError::new(ExitCode::Refused, message).hint(format!(
        "{goes_on} continues from there, {goes_back} restores what was there before it"
    ))
}

fn command(unsettled: &Revision, name: &str) -> String {
    let release = &unsettled.release;
    format!(
        "`deployctl {name} {} --env {}`",
        release.plan, release.environment
    )
}
