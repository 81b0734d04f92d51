use std::time::Duration;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Author;
use crate::{
    event::{PhaseOutcome, RunOutcome},
    plan::ReleaseId,
};

/// One attempt at changing a release: what was wanted and what happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Revision {
    /// Version of this format. A program refuses what is newer than it knows.
    pub(crate) format: u32,
    /// Number, from 1.
    pub(crate) number: u64,
    /// The release.
    pub(crate) release: ReleaseId,
    /// Who made it.
    pub(crate) by: Author,
    /// Context through which it was made.
    pub(crate) context: String,
    /// When it started.
    pub(crate) started: Timestamp,
    /// When it ended.
    pub(crate) finished: Option<Timestamp>,
    /// How it ended.
    pub(crate) outcome: RunOutcome,
    /// Why it failed, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<String>,
    /// Whether only some phases were run.
    #[serde(default)]
    pub(crate) partial: bool,
    /// The phases of the plan and what became of them.
    pub(crate) phases: Vec<PhaseRecord>,
    /// Number of objects wanted.
    pub(crate) objects: usize,
    /// Number of objects that this revision created, changed, and found as wanted.
    pub(crate) changes: Changes,
    /// The plan's `open`, for showing how to reach things without the plan file.
    #[serde(default)]
    pub(crate) access: IndexMap<String, String>,
    /// Chunks that hold the records of all objects.
    pub(crate) records: Vec<String>,
    /// Chunks that hold the program.
    pub(crate) program: Vec<String>,
}

/// How many objects were written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Changes {
    /// Objects that were not there before.
    pub(crate) created: usize,
    /// Objects that are different now.
    pub(crate) changed: usize,
    /// Objects that were as wanted.
    pub(crate) unchanged: usize,
}

/// A phase of a revision.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PhaseRecord {
    /// Name.
    pub(crate) name: String,
    /// Phases that it comes after.
    pub(crate) after: Vec<String>,
    /// Number of objects in it.
    pub(crate) objects: usize,
    /// Chunks that hold its objects as they were wanted.
    pub(crate) wanted: Vec<String>,
    /// How it ended; `None` where it was not reached.
    pub(crate) outcome: Option<PhaseOutcome>,
    /// How long it took.
    pub(crate) took: Duration,
}

impl Revision {
    /// The format that this program writes.
    pub(crate) const FORMAT: u32 = 1;
}
