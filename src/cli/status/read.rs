//! What `deployctl status` reads of a release: its revisions, its objects, its lock.

use crate::{
    cli::session::Session,
    engine::{Overview, ReleaseHistory, read_desired_state},
    error::CommandError,
    event::RunOutcome,
    plan::Address,
    release::{Found, Lock, LockError, Revision, StoreError},
};

/// What the last revision left, and the last revision.
pub(in crate::cli) async fn read_release(
    address: &Address,
    session: &Session,
) -> Result<(Option<Overview>, Option<Revision>), CommandError> {
    let store = session.store(address);
    let read = match ReleaseHistory::read_to_show(&store).await {
        // A run that has ended meanwhile has deleted what only the head before named.
        Err(StoreError::Damaged { .. }) => ReleaseHistory::read_to_show(&store).await,
        read => read,
    };
    let history = read.map_err(|error| session.store_error(&error))?;
    let Some(newest) = history.newest().map(|head| head.revision.clone()) else {
        return Ok((None, None));
    };
    // What was rolled back left things as the last one before it that succeeded.
    let heads = &history.heads;
    let good = heads
        .iter()
        .rev()
        .find(|head| head.revision.outcome == RunOutcome::Succeeded);
    let head = good
        .filter(|_| newest.outcome == RunOutcome::RolledBack)
        .or(history.newest())
        .cloned();
    let Some(head) = head else {
        return Ok((None, None));
    };
    let overview = Overview::of(
        &session.cluster,
        &session.served,
        head.revision.clone(),
        history,
    )
    .await;
    let mut overview =
        overview.map_err(|error| session.request_error("cannot read the release", &error))?;
    if overview.has_drifted() {
        overview.set_sent(
            read_desired_state(&store, &head)
                .await
                .map_err(|error| session.store_error(&error))?,
        );
    }
    Ok((Some(overview), Some(newest)))
}

/// The lock of the release, where some run holds it.
pub(super) async fn locked(
    address: &Address,
    session: &Session,
) -> Result<Option<Found>, LockError> {
    Lock::find(
        &session.cluster,
        &session.served,
        &address.state_namespace,
        &address.release,
    )
    .await
}
