use crate::engine::{
    diagnose::{fence, with_causes},
    execute::policy::StopReason,
};
use crate::{
    cluster::{Cluster, RequestError},
    release::StoreError,
};

/// Why a way back did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RollbackError {
    /// A second signal.
    #[error("it was stopped")]
    Stopped,
    /// Nothing may be written any more.
    #[error("{0}")]
    Fenced(String),
    /// What was done could not be noted.
    #[error("{}", with_causes(.0))]
    NotStored(#[from] StoreError),
    /// What is there could not be read.
    #[error("{}", with_causes(.0))]
    NotRead(#[from] RequestError),
}

impl RollbackError {
    /// Why an execution that ended with `stop` did, where `journal` is how writing its journal
    /// ended.
    pub(crate) fn of(
        stop: &StopReason,
        journal: Result<(), StoreError>,
        cluster: &Cluster,
    ) -> Self {
        match (stop, journal) {
            (StopReason::Fenced, journal) => Self::Fenced(fence(journal.as_ref().err(), cluster)),
            (_, Err(error)) => Self::NotStored(error),
            (_, Ok(())) => Self::Stopped,
        }
    }

    /// What is said of it.
    pub(crate) fn message(&self) -> String {
        format!("the rollback was interrupted: {self}")
    }
}
