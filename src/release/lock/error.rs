//! Why a lock was not taken, or could not be read or freed.

use super::Holder;
use crate::{cluster::RequestError, plan::ReleaseId, release::StoreError};

/// Why a lock was not taken, or could not be read or freed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    /// Another run holds it and is alive, or was not seen dead within the time that the user would
    /// wait.
    #[error("{release} is locked by {holder}")]
    Held { release: ReleaseId, holder: Holder },
    /// The request failed.
    #[error("cannot {what} in namespace `{namespace}`")]
    Request {
        what: &'static str,
        namespace: String,
        source: RequestError,
    },
    /// There is no namespace to keep it in, and none could be made.
    #[error(transparent)]
    Namespace(#[from] StoreError),
}
