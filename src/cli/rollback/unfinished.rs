//! Back to what was there before a run that was not finished.

use super::arguments::Rollback;
use crate::{
    cli::{
        intent::{ChangeRequest, Verb},
        lock_arguments,
        session::Session,
        up::{again, confirm, follow, run_error},
    },
    cluster::{Cluster, Served},
    engine::{Emitter, Ground, PendingRollback, Preview, ReleaseHistory},
    error::{CommandError, ExitCode},
    plan::PhaseId,
    release::{Revision, Store},
    report::{Extent, Output, WayBackView},
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
    let held = rollback
        .arguments
        .run
        .lock
        .acquire(&session, rollback.address, &rollback.by, output)
        .await?;
    let session = session.through(&held);
    let store = rollback.store.through(&session.cluster);
    let result = under_lock(rollback, number, session, &store, output).await;
    lock_arguments::release(held, output).await;
    result
}

async fn under_lock(
    rollback: &Rollback<'_>,
    number: u64,
    mut session: Session,
    store: &Store,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let before = session
        .unless_interrupted(ReleaseHistory::read(store))
        .await?
        .map_err(|error| session.store_error(&error))?;
    let unfinished = read(&before, number, &session, store).await?;
    let ground = ground(rollback, &session.cluster, &session.served, store);
    let preview = session
        .unless_interrupted(unfinished.preview(&ground))
        .await?;
    let preview =
        preview.map_err(|error| session.request_error("cannot read the objects", &error))?;
    let newest = before.newest().map(|head| &head.revision);
    ask(rollback, newest, preview, &session, output)?;

    let before = session
        .unless_interrupted(again::take_over(store, &rollback.by))
        .await?
        .map_err(|error| session.store_error(&error))?;
    let unfinished = read(&before, number, &session, store).await?;
    let ground = self::ground(rollback, &session.cluster, &session.served, store);
    let (sender, events) = tokio::sync::mpsc::unbounded_channel();
    let emitter = Emitter::new(sender);
    let work = unfinished.go_back(&ground, &emitter, &session.stops);
    let Rollback {
        arguments, global, ..
    } = rollback;
    let result = follow::follow(
        work,
        &emitter,
        events,
        &mut session.notices,
        arguments.run.output,
        global.verbose,
        output,
    )
    .await;
    result.map_err(|error| run_error(&error, &session))
}

fn ground<'a>(
    rollback: &Rollback<'_>,
    cluster: &'a Cluster,
    served: &'a Served,
    store: &'a Store,
) -> Ground<'a> {
    Ground {
        cluster,
        served,
        store,
        parallel: rollback.arguments.run.parallel,
        by: rollback.by.clone(),
    }
}

/// The newest revision, where it is still `number` and not finished.
async fn read<'a>(
    before: &'a ReleaseHistory,
    number: u64,
    session: &Session,
    store: &Store,
) -> Result<PendingRollback<'a>, CommandError> {
    let unfinished = session
        .unless_interrupted(PendingRollback::read(before, store))
        .await?
        .map_err(|error| session.store_error(&error))?;
    let is_same = before
        .newest()
        .is_some_and(|newest| newest.revision.number == number);
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
    newest: Option<&Revision>,
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
    let view = WayBackView {
        release: rollback.address.release.to_string(),
        context: session.cluster.context().to_owned(),
        server: session.cluster.server().to_owned(),
        revision: newest.map_or(0, |revision| revision.number),
        phases: newest
            .into_iter()
            .flat_map(|revision| &revision.phases)
            .map(|phase| PhaseId::declared(&phase.name))
            .collect(),
        restored,
        removed,
        kept,
        stays,
        by_others,
    };
    let asks = rollback.arguments.run.yes.is_none();
    let rows = output.stderr_rows().filter(|_| asks);
    output.note(
        view.text(Extent {
            width: output.stderr_width(),
            rows,
            creations: true,
        })
        .trim_end(),
    );
    output.note("");
    let intent = ChangeRequest::plain(
        &rollback.address.release,
        Verb::RollBack,
        rollback.guard.protected,
        rollback.arguments.run.yes.as_deref(),
    );
    confirm::consent(&intent, session.cluster.context())
}
