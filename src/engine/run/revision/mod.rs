//! The revision of a run in the store: opened before the first write, closed with the outcome.

mod close;
mod open;
mod packed;
mod quota;

pub(crate) use close::{close_revision, conclude};
pub(crate) use open::{OpenRevision, open_revision};
