use super::execute::Stop;
use crate::{
    cluster::{Cluster, RequestError},
    plan::ReleaseId,
    release::StoreError,
};

/// Why a way back did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Halt {
    /// A second signal.
    #[error("it was stopped")]
    Stopped,
    /// The lock was lost: taken over, or not renewed in time because the API server could not be reached.
    #[error("the lock of the release was lost{}", .trouble.as_ref().map_or_else(String::new, |trouble| format!(": {trouble}")))]
    LockLost { trouble: Option<String> },
    /// What was done could not be noted.
    #[error("{}", with_cause(.0))]
    NotStored(#[from] StoreError),
    /// What is there could not be read.
    #[error("{}", with_cause(.0))]
    NotRead(#[from] RequestError),
}

impl Halt {
    /// Why an execution that ended with `stop` did, where `journal` is how writing its journal ended.
    pub(super) fn of(stop: &Stop, journal: Result<(), StoreError>, cluster: &Cluster) -> Self {
        match (stop, journal) {
            (_, Err(error)) => Self::NotStored(error),
            (Stop::Fenced, Ok(())) => Self::LockLost { trouble: cluster.trouble() },
            (_, Ok(())) => Self::Stopped,
        }
    }

    /// What is said of it, with what to do next.
    pub(super) fn told(&self, release: &ReleaseId) -> String {
        let ReleaseId { plan, environment } = release;
        format!(
            "the way back did not come to its end: {self}; `deployctl rollback {plan} --env {environment}` goes on with it, \
             and `deployctl up {plan} --env {environment}` goes on to what is wanted instead"
        )
    }
}

fn with_cause(error: &(dyn std::error::Error + 'static)) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", with_cause(source)),
        None => error.to_string(),
    }
}
