//! What `deployctl status` reads of a release: its revisions, its objects, its lock.

use crate::{
    cli::session::Session,
    engine::{Overview, read_desired_state},
    error::CommandError,
    event::RunOutcome,
    plan::Address,
    release::{Found, Head, Lock, LockError, Records, Revision, Store, StoreError},
};

/// All revisions, oldest first, and what is remembered of objects.
async fn read(store: &Store) -> Result<(Vec<Head>, Records), StoreError> {
    let heads = store.heads().await?;
    let records = match heads.last() {
        Some(newest) => store.records(newest).await?,
        None => Records::default(),
    };
    Ok((heads, records))
}

/// What the last revision left, and the last revision.
pub(super) async fn read_release(
    address: &Address,
    session: &Session,
) -> Result<(Option<Overview>, Option<Revision>), CommandError> {
    let store = session.store(address);
    let read = match read(&store).await {
        // A run that has ended meanwhile has deleted what only the head before named.
        Err(StoreError::Damaged { .. }) => read(&store).await,
        read => read,
    };
    let (heads, records) = read.map_err(|error| session.store_error(&error))?;
    let Some(newest) = heads.last() else {
        return Ok((None, None));
    };
    // What was rolled back left things as the last one before it that succeeded.
    let good = heads
        .iter()
        .rev()
        .find(|head| head.revision.outcome == RunOutcome::Succeeded);
    let head = good
        .filter(|_| newest.revision.outcome == RunOutcome::RolledBack)
        .unwrap_or(newest);
    let overview = Overview::of(
        &session.cluster,
        &session.served,
        head.revision.clone(),
        records,
    )
    .await;
    let mut overview =
        overview.map_err(|error| session.request_error("cannot read the release", &error))?;
    if overview.has_drifted() {
        overview.set_sent(
            read_desired_state(&store, head)
                .await
                .map_err(|error| session.store_error(&error))?,
        );
    }
    Ok((Some(overview), Some(newest.revision.clone())))
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
