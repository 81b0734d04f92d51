//! Revisions: what was wanted, what was there, what happened, and their store in the cluster; the
//! lock under which they are made.

mod author;
mod compression;
mod failure;
mod journal;
mod journal_flusher;
mod labels;
mod lock;
mod operation;
mod program;
mod record;
mod records;
mod revision;
mod room;
mod snapshot;
mod store;

pub(crate) use author::Author;
pub(crate) use failure::stored as stored_failure;
pub(crate) use journal::{ChangeLog, Dependent, JournalEntry, ObjectChanges};
pub(crate) use journal_flusher::JournalFlusher;
pub(crate) use lock::{
    Found, Held, Lock, LockError, LockNotice, LockOptions, Presence, Removal as LockRemoval,
};
pub(crate) use operation::Operation;
pub(crate) use program::{Belongings, Program, StepId, Work};
pub(crate) use record::{ObjectRecord, UnreadBy};
pub(crate) use records::Records;
pub(crate) use revision::{Changes, Guard, PhaseRecord, PlanSource, Revision, RollbackRecord};
pub(crate) use room::Room;
pub(crate) use snapshot::Snapshot;
pub(crate) use store::{Change, Head, Packed, Store, StoreError};
