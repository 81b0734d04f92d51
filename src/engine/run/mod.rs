//! One life of a run: begun, executed, rolled back where it fails, verified, recorded.

pub(super) mod came_late;
pub(super) mod cleanup;
pub(super) mod context;
pub(super) mod events;
pub(super) mod execution;
pub(super) mod idle;
pub(super) mod kept;
pub(super) mod lifecycle;
pub(super) mod outcome;
pub(super) mod pending_rollback;
pub(super) mod remaining;
pub(super) mod rename;
pub(super) mod revision;
pub(super) mod rollback;
pub(super) mod rollback_context;
pub(super) mod taken_along;
pub(super) mod testing;
pub(super) mod verify;
pub(super) mod verify_claims;
