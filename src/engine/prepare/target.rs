//! Which revision is gone back to.

use crate::engine::observe::history::ReleaseHistory;
use crate::{
    error::CommandError,
    event::RunOutcome,
    plan::ReleaseId,
    release::{Head, Operation, Revision},
};

/// Where a rollback leads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RollbackTarget {
    /// To what was there before the newest revision: it was not finished, or it is the first good one
    /// and has taken over what was there.
    BeforeRun(u64),
    /// To what this revision wanted.
    Revision(u64),
    /// This revision is what is deployed: there is nothing to do.
    Deployed(u64),
}

/// Where to go back to from what `history` tells; `to`: the revision that was asked for.
pub(crate) fn choose_target(
    release: &ReleaseId,
    history: &ReleaseHistory,
    to: Option<u64>,
) -> Result<RollbackTarget, CommandError> {
    let heads = history.heads.iter();
    let revisions: Vec<&Revision> = heads.map(|head| &head.revision).collect();
    choose_among(release, &revisions, to, history.has_found())
}

fn choose_among(
    release: &ReleaseId,
    revisions: &[&Revision],
    to: Option<u64>,
    has_found: bool,
) -> Result<RollbackTarget, CommandError> {
    let unfinished = revisions.last().filter(|newest| !newest.is_settled());
    let deployed = deployed(revisions);
    match (to, unfinished) {
        (None, Some(newest)) => Ok(RollbackTarget::BeforeRun(newest.number)),
        (Some(number), None) if deployed.is_some_and(|deployed| deployed.number == number) => {
            Ok(RollbackTarget::Deployed(number))
        }
        (Some(number), _) => named(release, revisions, number),
        (None, None) => match (previous(revisions, deployed), deployed) {
            (Some(revision), _) => Ok(RollbackTarget::Revision(revision.number)),
            (None, Some(first)) if has_found && is_first(first, revisions) => {
                Ok(RollbackTarget::BeforeRun(first.number))
            }
            _ => Err(no_earlier(release, revisions, deployed)),
        },
    }
}

/// Whether `deployed` is the newest of all `revisions` that there ever were, and the only good one:
/// what was there before it can be gone back to.
fn is_first(deployed: &Revision, revisions: &[&Revision]) -> bool {
    let is_good = |revision: &&&Revision| revision.outcome == RunOutcome::Succeeded;
    let is_newest = |newest: &&Revision| newest.number == deployed.number;
    !deployed.is_taken_down()
        && revisions.first().is_some_and(|first| first.number == 1)
        && revisions.last().is_some_and(is_newest)
        && revisions.iter().filter(is_good).count() == 1
}

/// The error where there is nothing to go back to.
fn no_earlier(
    release: &ReleaseId,
    revisions: &[&Revision],
    deployed: Option<&Revision>,
) -> CommandError {
    let ReleaseId { plan, environment } = release;
    let error = CommandError::usage(format!(
        "{}; there is no earlier revision that succeeded and differs from that: it has {}",
        standing_of(release, revisions, deployed),
        listed(revisions)
    ));
    error.hint(match deployed {
        Some(deployed) if !deployed.is_taken_down() => {
            format!(
                "to uninstall everything, use `deployctl down {plan} --env {environment}`; it says what was there before the release, \
                 and asks before deleting that"
            )
        }
        _ => format!("`deployctl up {plan} --env {environment}` deploys it"),
    })
}

/// Whether what `heads` are of, oldest first, is deployed: the last revision that ended well, or what
/// was there before those that were rolled back, is there. One that has not ended well since makes
/// no difference.
pub(crate) fn is_standing(heads: &[Head]) -> bool {
    let revisions: Vec<&Revision> = heads.iter().map(|head| &head.revision).collect();
    deployed(&revisions).is_some_and(|deployed| !deployed.is_taken_down())
}

/// What of `release` is deployed, and whether that is what a rollback has led to already. `heads`
/// are its revisions, oldest first.
pub(crate) fn standing(release: &ReleaseId, heads: &[Head]) -> String {
    let revisions: Vec<&Revision> = heads.iter().map(|head| &head.revision).collect();
    standing_of(release, &revisions, deployed(&revisions))
}

fn standing_of(
    release: &ReleaseId,
    revisions: &[&Revision],
    deployed: Option<&Revision>,
) -> String {
    let newest = match revisions.last() {
        Some(newest) if newest.outcome == RunOutcome::RolledBack => {
            format!(": revision {} is rolled back already", newest.number)
        }
        Some(newest) if !newest.is_settled() => format!(
            ", and revision {} has changed it in part ({})",
            newest.number,
            word(newest)
        ),
        _ => String::new(),
    };
    let Some(deployed) = deployed else {
        return match revisions.last() {
            Some(newest) if !newest.is_settled() => format!(
                "{release} is deployed in part by revision {} ({})",
                newest.number,
                word(newest)
            ),
            _ => format!("nothing of {release} is deployed{newest}"),
        };
    };
    let number = deployed.number;
    let what = match deployed.back_to {
        _ if deployed.is_taken_down() => format!("is uninstalled since revision {number}"),
        Some(to) => {
            format!("is rolled back to revision {to} already, which is revision {number} now")
        }
        None => format!("is at revision {number}"),
    };
    format!("{release} {what}{newest}")
}

/// The revision that is deployed: the newest that succeeded, where those after it were rolled back.
/// Removing what nobody remembers left it as it was.
fn deployed<'a>(revisions: &[&'a Revision]) -> Option<&'a Revision> {
    let good = || {
        revisions
            .iter()
            .rev()
            .filter(|revision| revision.outcome == RunOutcome::Succeeded)
    };
    good()
        .find(|revision| revision.by.operation != Operation::PruneOrphans)
        .or_else(|| good().next())
        .copied()
}

/// The last good revision before `deployed` that wanted something else. What is deployed may itself
/// be the outcome of going back: then one before that is meant to which it went. One that has
/// uninstalled everything is gone back to only where it is named: `down` is the command for that.
fn previous<'a>(
    revisions: &[&'a Revision],
    deployed: Option<&'a Revision>,
) -> Option<&'a Revision> {
    let deployed = deployed?;
    let before = deployed.back_to.unwrap_or(deployed.number);
    let good = revisions
        .iter()
        .rev()
        .filter(|revision| revision.outcome == RunOutcome::Succeeded && revision.number < before);
    good.copied()
        .filter(|revision| revision.objects > 0)
        .find(|revision| wanted(revision) != wanted(deployed))
}

/// The chunks of what `revision` wanted: those that hold the same have the same name.
fn wanted(revision: &Revision) -> Vec<&String> {
    revision
        .phases
        .iter()
        .flat_map(|phase| &phase.wanted)
        .collect()
}

fn named(
    release: &ReleaseId,
    revisions: &[&Revision],
    number: u64,
) -> Result<RollbackTarget, CommandError> {
    match revisions.iter().find(|revision| revision.number == number) {
        Some(revision) if revision.outcome == RunOutcome::Succeeded => {
            Ok(RollbackTarget::Revision(number))
        }
        Some(_) => Err(CommandError::usage(format!(
            "revision {number} of {release} did not succeed, so it cannot be restored; there are {}",
            listed(revisions)
        ))),
        None => Err(CommandError::usage(format!(
            "{release} has no revision {number}; there are {}",
            listed(revisions)
        ))
        .hint(format!(
            "`deployctl history {} --env {}` shows them",
            release.plan, release.environment
        ))),
    }
}

/// How `revision` ended.
fn word(revision: &Revision) -> &'static str {
    match revision.outcome {
        RunOutcome::Succeeded if revision.is_taken_down() => "uninstalled",
        RunOutcome::Succeeded => "succeeded",
        RunOutcome::Failed => "failed",
        RunOutcome::Running | RunOutcome::Interrupted => "interrupted",
        RunOutcome::RollingBack => "rollback interrupted",
        RunOutcome::RolledBack => "rolled back",
    }
}

/// `1 (succeeded), 2 (failed)`.
fn listed(revisions: &[&Revision]) -> String {
    let parts: Vec<String> = revisions
        .iter()
        .map(|revision| format!("{} ({})", revision.number, word(revision)))
        .collect();
    parts.join(", ")
}

/// The revisions that can be gone back to, for where one of them cannot be read.
pub(crate) fn others(heads: &[Head], number: u64) -> String {
    let others: Vec<&Revision> = heads
        .iter()
        .map(|head| &head.revision)
        .filter(|revision| revision.number != number)
        .collect();
    listed(&others)
}
