//! Revisions: what was wanted, what happened, and their store in the cluster.

mod author;
mod program;
mod record;
mod revision;
mod store;

pub(crate) use author::Author;
pub(crate) use program::{Program, StepId, Work};
pub(crate) use record::{ObjectRecord, Records};
pub(crate) use revision::{Changes, PhaseRecord, Revision};
pub(crate) use store::{Store, StoreError};
