//! Back to what was there before a run that was not finished, or that took over what was there.

use super::arguments::Rollback;
use crate::{
    cli::{consent::Stakes, execution::run_error, run_reporter::RunReporter, session::Session},
    engine::{
        Emitter, PendingRollback, Preview, ReleaseHistory, RollbackOptions, RunTarget,
        roll_back_pending,
    },
    error::{CommandError, ExitCode},
    event::RunOutcome,
    plan::PhaseId,
    release::{Revision, Store},
    report::{Output, WayBackFrom, WayBackView},
};

/// Takes the lock, shows what will be put back, asks, and puts it back. `number` is the revision
/// that was not finished.
pub(super) async fn go_back(
    rollback: &Rollback<'_>,
    number: u64,
    session: Session,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    // Before anything is shown: while its run is still alive, what is there changes all the time.
    let work = async |session, store, output: &mut Output| {
        under_lock(rollback, number, session, &store, output).await
    };
    let lock = &rollback.arguments.run.lock;
    lock.locked(session, rollback.address, &rollback.by, output, work)
        .await
}

async fn under_lock(
    rollback: &Rollback<'_>,
    number: u64,
    mut session: Session,
    store: &Store,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let context = session.context(store);
    let mut history = context
        .history()
        .await
        .map_err(|error| session.prepare_error(error))?;
    let unfinished = read(&mut history, number, &session, store).await?;
    let options = RollbackOptions {
        parallel: rollback.arguments.run.parallel,
        by: rollback.by.clone(),
    };
    let target = RunTarget {
        cluster: &session.cluster,
        served: &session.served,
        store,
    };
    let preview = context
        .answer(
            "cannot read the objects",
            unfinished.preview(target, &options),
        )
        .await
        .map_err(|error| session.prepare_error(error))?;
    ask(rollback, unfinished.revision(), preview, &session, output)?;

    let mut history = context
        .take_over(&rollback.by)
        .await
        .map_err(|error| session.prepare_error(error))?;
    let unfinished = read(&mut history, number, &session, store).await?;
    let Session {
        cluster,
        served,
        notices,
        stops,
    } = &mut session;
    let target = RunTarget {
        cluster,
        served,
        store,
    };
    let work = async |emitter: &Emitter| {
        roll_back_pending(&unfinished, target, &options, emitter, stops).await
    };
    let reporter = RunReporter::new(&rollback.arguments.run, rollback.global, output);
    let result = reporter.follow(notices, work).await;
    result.map_err(|error| run_error(&error, &session))
}

/// The newest revision, where it is still `number`.
async fn read<'a>(
    history: &'a mut ReleaseHistory,
    number: u64,
    session: &Session,
    store: &Store,
) -> Result<PendingRollback<'a>, CommandError> {
    let is_same = history
        .newest()
        .is_some_and(|newest| newest.revision.number == number);
    if is_same {
        session
            .unless_interrupted(history.reopen(store))
            .await?
            .map_err(|error| session.store_error(&error))?;
    }
    let unfinished = session
        .unless_interrupted(PendingRollback::read(history, store))
        .await?
        .map_err(|error| session.store_error(&error))?;
    unfinished.filter(|_| is_same).ok_or_else(|| {
        CommandError::new(
            ExitCode::Refused,
            "another run has changed the release meanwhile; nothing was changed",
        )
        .hint("run the same command again: it starts from the present state")
    })
}

/// Shows what will be put back and asks for consent.
fn ask(
    rollback: &Rollback<'_>,
    newest: &Revision,
    preview: Preview,
    session: &Session,
    output: &mut Output,
) -> Result<(), CommandError> {
    let Preview {
        restored,
        removed,
        kept,
        stays,
        by_others,
    } = preview;
    let deletes = !removed.is_empty();
    let view = WayBackView {
        from: WayBackFrom {
            release: rollback.address.release.to_string(),
            context: session.cluster.context().to_owned(),
            server: session.cluster.server().to_owned(),
            revision: newest.number,
            is_finished: newest.outcome == RunOutcome::Succeeded,
        },
        phases: newest
            .phases
            .iter()
            .map(|phase| PhaseId::declared(&phase.name))
            .collect(),
        restored,
        removed,
        kept,
        stays,
        by_others,
    };
    let consent = rollback.consent(session);
    let extent = consent.extent(true, output);
    output.note(view.text(extent).trim_end());
    output.note("");
    consent.ask(if newest.outcome == RunOutcome::Succeeded && deletes {
        Stakes::Created
    } else {
        Stakes::None
    })
}
