//! What a change is prepared with, and why it could not be.

use std::future::Future;

use tokio_util::sync::CancellationToken;

use crate::engine::observe::history::ReleaseHistory;
use crate::{
    cluster::{Cluster, RequestError, Served},
    error::{CommandError, ExitCode},
    release::{Author, Store, StoreError},
};

/// Where a change is prepared, and what ends that early.
#[derive(Clone, Copy)]
pub(crate) struct PrepareContext<'a> {
    /// The connection.
    pub(crate) cluster: &'a Cluster,
    /// What it serves.
    pub(crate) served: &'a Served,
    /// Where revisions are kept.
    pub(crate) store: &'a Store,
    /// A signal that asks to stop.
    pub(crate) interrupt: &'a CancellationToken,
}

/// Why a change could not be prepared. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrepareError {
    /// A signal came first.
    #[error("interrupted; nothing was changed")]
    Interrupted,
    /// The cluster did not answer.
    #[error("{what}")]
    Request {
        /// What was to be known, as a fragment.
        what: &'static str,
        /// Why it is not.
        source: RequestError,
    },
    /// The revisions could not be read, or the newest could not be taken over.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The revision that is gone back to could not be read.
    #[error("{source}")]
    Target {
        /// Why.
        source: StoreError,
        /// The revisions that there are beside it, in a sentence.
        others: String,
    },
    /// Something stands in the way, or the user does not want it.
    #[error("{}", .0.message)]
    Refused(CommandError),
}

impl From<CommandError> for PrepareError {
    fn from(error: CommandError) -> Self {
        Self::Refused(error)
    }
}

impl PrepareContext<'_> {
    /// Awaits `work`, or ends where a signal comes first.
    pub(crate) async fn unless_interrupted<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> Result<T, PrepareError> {
        let done = self.interrupt.run_until_cancelled(work).await;
        done.ok_or(PrepareError::Interrupted)
    }

    /// Awaits the answer to a request; `what` says what is not known without it.
    pub(crate) async fn answer<T>(
        &self,
        what: &'static str,
        request: impl Future<Output = Result<T, RequestError>>,
    ) -> Result<T, PrepareError> {
        let answer = self.unless_interrupted(request).await?;
        answer.map_err(|source| PrepareError::Request { what, source })
    }

    /// Awaits `work` with the stored revisions.
    pub(crate) async fn stored<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, PrepareError> {
        Ok(self.unless_interrupted(work).await??)
    }

    /// What the revisions before left.
    pub(crate) async fn history(&self) -> Result<ReleaseHistory, PrepareError> {
        let history = self.stored(ReleaseHistory::read(self.store)).await?;
        check_name(&history)?;
        Ok(history)
    }

    /// Reads the revisions, and marks the newest as taken over by `by` where it is not finished:
    /// whoever made it cannot write to it any more.
    pub(crate) async fn take_over(&self, by: &Author) -> Result<ReleaseHistory, PrepareError> {
        let history = self.stored(take_over(self.store, by)).await?;
        check_name(&history)?;
        Ok(history)
    }
}

/// Refuses to do anything with a release that is being given another name.
fn check_name(history: &ReleaseHistory) -> Result<(), PrepareError> {
    let renaming = history.newest().and_then(|head| head.revision.renaming());
    let Some((from, to)) = renaming else {
        return Ok(());
    };
    let message = format!("{from} is being renamed to {to}; nothing was changed");
    let error = CommandError::new(ExitCode::Refused, message)
        .hint(format!("`deployctl rename {from} {to}` completes it"));
    Err(error.into())
}

async fn take_over(store: &Store, by: &Author) -> Result<ReleaseHistory, StoreError> {
    let mut history = ReleaseHistory::read(store).await?;
    if let Some(newest) = history
        .heads
        .last_mut()
        .filter(|head| head.revision.finished.is_none())
    {
        newest.revision.taken_over = Some(by.clone());
        store.update(newest).await?;
        // What the other one wrote until now counts.
        history = ReleaseHistory::read(store).await?;
    }
    Ok(history)
}
