//! Stores how a run ended, and trims revisions that are older than is kept.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::engine::{
    diagnose::with_causes, events::Emitter, run::context::Run, run::outcome::Ending,
};
use crate::{
    event::{EventKind, RunOutcome},
    release::{Head, Records, Store, StoreError},
};

/// Revisions that are kept.
const KEPT: usize = 10;

/// Stores how a run ended and what it left, and trims what is older than is kept. `base` is what
/// was remembered of objects before the run, and before the interrupted ones that it went on from.
pub(crate) async fn close_revision(
    run: &Run<'_>,
    mut head: Head,
    base: &Records,
    ending: Ending,
    emitter: &Emitter,
) -> Result<(), StoreError> {
    let Ending {
        outcome,
        cause,
        timings,
        entries,
        rollback,
    } = ending;
    let mut records = run.history.records.clone();
    records.replay(&entries);
    match &rollback {
        Some(rollback) if outcome == RunOutcome::RolledBack => {
            records = rollback.records(base, &records);
        }
        _ => {
            run.pruning.gone.iter().for_each(|id| records.remove(id));
            run.pruning
                .retained
                .iter()
                .for_each(|(id, _)| records.keep(id));
        }
    }
    let revision = &mut head.revision;
    revision.outcome = outcome;
    revision.cause = cause;
    for timing in &timings {
        revision.changes.created += timing.created;
        revision.changes.changed += timing.changed;
        revision.changes.unchanged += timing.unchanged;
        revision.changes.deleted += timing.deleted;
        if let Some(phase) = revision
            .phases
            .iter_mut()
            .find(|phase| timing.name.is_declared_as(&phase.name))
        {
            phase.outcome = timing.outcome;
            phase.took = timing.took;
        }
    }
    conclude(
        run.target.store,
        &run.history.heads,
        head,
        &records,
        emitter,
    )
    .await
}

/// Stores `head`, which says how its run ended, and what is remembered of objects, and trims what
/// is older than is kept. `heads` are the revisions before it, oldest first.
pub(crate) async fn conclude(
    store: &Store,
    heads: &[Head],
    mut head: Head,
    records: &Records,
    emitter: &Emitter,
) -> Result<(), StoreError> {
    head.revision.records = store.write(&store.pack(&records.sorted())).await?;
    head.revision.finished = Some(Timestamp::now());
    store.update(&mut head).await?;
    // The run is over, and its outcome is known to everybody.
    if let Err(error) = trim(store, heads, head).await {
        emitter.emit(EventKind::Noted {
            text: format!(
                "old revisions could not be deleted, and are left for a later run: {}",
                with_causes(&error)
            ),
        });
    }
    Ok(())
}

/// Deletes old revisions, with what only they name.
async fn trim(store: &Store, heads: &[Head], newest: Head) -> Result<(), StoreError> {
    let mut heads = heads.to_vec();
    let unsettled = heads.last().is_some_and(|head| !head.revision.is_settled());
    if heads.len() < KEPT && !unsettled {
        return Ok(());
    }
    let back_to = newest.revision.back_to;
    heads.push(newest);
    let ends: Vec<(u64, RunOutcome)> = heads
        .iter()
        .map(|head| (head.revision.number, head.revision.outcome))
        .collect();
    let old = old(&ends, back_to);
    let (trimmed, kept): (Vec<Head>, Vec<Head>) = heads
        .into_iter()
        .partition(|head| old.contains(&head.revision.number));
    let numbers: Vec<u64> = trimmed.iter().map(|head| head.revision.number).collect();
    store.trim(&numbers, &kept).await
}

/// Which of the revisions, the oldest first, are not kept: never the last good one, nor the one
/// that the newest goes back to.
fn old(revisions: &[(u64, RunOutcome)], back_to: Option<u64>) -> BTreeSet<u64> {
    let last_good = revisions
        .iter()
        .rev()
        .find(|(_, outcome)| *outcome == RunOutcome::Succeeded)
        .map(|(number, _)| *number);
    let spare = revisions.len().saturating_sub(KEPT);
    let old = revisions.iter().take(spare).map(|(number, _)| *number);
    old.filter(|number| Some(*number) != last_good && Some(*number) != back_to)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_good_revision_stays_however_many_failed_after_it() {
        let failed = (3..=20).map(|number| (number, RunOutcome::RolledBack));
        let revisions: Vec<_> = [(1, RunOutcome::Succeeded), (2, RunOutcome::Succeeded)]
            .into_iter()
            .chain(failed)
            .collect();
        let expected: BTreeSet<u64> = [1].into_iter().chain(3..=10).collect();
        assert_eq!(old(&revisions, None), expected);
    }

    #[test]
    fn what_is_gone_back_to_stays() {
        let revisions: Vec<_> = (1..=12)
            .map(|number| (number, RunOutcome::Succeeded))
            .collect();
        assert_eq!(old(&revisions, None), BTreeSet::from([1, 2]));
        assert_eq!(old(&revisions, Some(1)), BTreeSet::from([2]));
    }
}
