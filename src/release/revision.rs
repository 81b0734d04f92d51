//! A revision: what was wanted, by whom, from where, and what came of it.

use std::time::Duration;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Author, Operation};
use crate::{
    event::{Diagnosis, PhaseOutcome, Proof, RunOutcome},
    plan::{
        Conditions, ExpectedCrd, FailureBudget, OnFailure, PhaseSettings, ReadinessRule, ReleaseId,
    },
    source::UsedTool,
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
    /// The plan that it was made from; `None` where none was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<PlanSource>,
    /// The revision that it goes back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) back_to: Option<u64>,
    /// The interrupted or failed revision that it goes on from: whose snapshot is its way back too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) continues: Option<u64>,
    /// Who went on after it was interrupted. Written first of all, so that whoever made it cannot
    /// write it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) taken_over: Option<Author>,
    /// Context through which it was made.
    pub(crate) context: String,
    /// Where and how the release may be changed, for commands that have no plan.
    #[serde(default)]
    pub(crate) guard: Guard,
    /// When it started.
    pub(crate) started: Timestamp,
    /// When it ended.
    pub(crate) finished: Option<Timestamp>,
    /// How it ended.
    pub(crate) outcome: RunOutcome,
    /// Why it failed, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<String>,
    /// What was found out of that: the pods that showed it, and the end of their logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<Diagnosis>,
    /// Whether only some phases were run.
    #[serde(default)]
    pub(crate) partial: bool,
    /// The phases of the plan and what became of them.
    pub(crate) phases: Vec<PhaseRecord>,
    /// What the plan says about when objects are ready.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) readiness: Vec<ReadinessRule>,
    /// Number of objects wanted.
    pub(crate) objects: usize,
    /// Number of objects that this revision created, changed, and found as wanted.
    pub(crate) changes: Changes,
    /// The plan's `open`, for showing how to reach things without the plan file.
    #[serde(default)]
    pub(crate) access: IndexMap<String, String>,
    /// Chunks that hold the records of all objects.
    pub(crate) records: Vec<String>,
    /// Chunks that hold the records as they were before it, and before the interrupted ones that it
    /// goes on from.
    #[serde(default)]
    pub(crate) base: Vec<String>,
    /// Chunks that hold the program.
    pub(crate) program: Vec<String>,
    /// Chunks that hold the snapshot.
    pub(crate) snapshot: Vec<String>,
    /// Chunks that hold what its charts run where they are deleted or tested.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) hooks: Vec<String>,
    /// Chunks that hold what the runs did that it goes on from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) traces: Vec<String>,
    /// Time limit of the run.
    pub(crate) timeout: Duration,
    /// Time limit of the way back.
    pub(crate) timeout_rollback: Duration,
    /// The name that its release is being given: from now on nothing but that may be done with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) renamed_to: Option<ReleaseId>,
    /// The name that its release had when it was made, where it has another one since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) renamed_from: Option<ReleaseId>,
    /// Whether its release is being given its name, and it is not to be used before that is done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) incomplete: bool,
    /// How it was rolled back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rollback: Option<RollbackRecord>,
}

/// What the plan says about where and how a release may be changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Guard {
    /// Globs of the contexts that its environment may touch; empty: any.
    pub(crate) contexts: Vec<String>,
    /// Whether the release's name must be typed before anything is changed.
    pub(crate) protected: bool,
}

/// The plan that a revision was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlanSource {
    /// The plan file.
    pub(crate) file: String,
    /// The git commit that its folder was at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<String>,
    /// Whether files in its folder, or in those of its sources, differed from that commit.
    #[serde(default)]
    pub(crate) dirty: bool,
    /// The programs that built its sources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tools: Vec<UsedTool>,
    /// The values of its variables; `None` in revisions of programs that did not store them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) variables: Option<IndexMap<String, Value>>,
}

/// How a revision was rolled back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RollbackRecord {
    /// Who did it.
    pub(crate) by: Author,
    /// When it started.
    pub(crate) started: Timestamp,
    /// When it ended.
    pub(crate) finished: Option<Timestamp>,
    /// What it was found to have reached; `None` where it was not finished.
    pub(crate) proof: Option<Proof>,
}

/// How many objects were written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Changes {
    /// Objects that were not there before.
    pub(crate) created: usize,
    /// Objects that are different now.
    pub(crate) changed: usize,
    /// Objects that are not there any more.
    #[serde(default)]
    pub(crate) deleted: usize,
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
    /// Time limit.
    pub(crate) timeout: Duration,
    /// How much failing is tolerated in it.
    #[serde(default)]
    pub(crate) failure_budget: FailureBudget,
    /// What a failure in it does.
    pub(crate) on_failure: OnFailure,
    /// Definitions that its controllers create while they run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) expects: Vec<ExpectedCrd>,
    /// Chunks that hold its objects as they were wanted.
    pub(crate) wanted: Vec<String>,
    /// How it ended; `None` where it was not reached.
    pub(crate) outcome: Option<PhaseOutcome>,
    /// How long it took.
    pub(crate) took: Duration,
}

impl PhaseRecord {
    /// Its settings, of a phase that objects were put into already.
    pub(crate) fn settings(&self) -> PhaseSettings {
        PhaseSettings {
            name: self.name.clone(),
            after: self.after.clone(),
            matches: Vec::new(),
            conditions: Conditions::default(),
            timeout: self.timeout,
            failure_budget: self.failure_budget,
            on_failure: self.on_failure,
            expects: self.expects.clone(),
        }
    }
}

impl Revision {
    /// The newest format that this program knows: that of a release that is being renamed, which
    /// older programs would use as it is.
    pub(crate) const FORMAT: u32 = 3;
    /// The format of a revision with hooks.
    pub(crate) const FORMAT_WITH_HOOKS: u32 = 2;
    /// The format of a revision without hooks that older programs would not heed.
    pub(crate) const FORMAT_WITHOUT_HOOKS: u32 = 1;

    /// The name that its release has and the one that it is being given; `None` where it is not.
    pub(crate) fn renaming(&self) -> Option<(&ReleaseId, &ReleaseId)> {
        match (&self.renamed_to, &self.renamed_from) {
            (Some(to), _) => Some((&self.release, to)),
            (None, Some(from)) if self.incomplete => Some((from, &self.release)),
            _ => None,
        }
    }

    /// Whether the release is taken down with this revision, so that nothing of it is deployed: by
    /// `down`, or by going back to such a revision.
    /// Removing what nobody remembers does not change that.
    pub(crate) fn is_taken_down(&self) -> bool {
        self.objects == 0
            && self.outcome == RunOutcome::Succeeded
            && (self.by.operation.only_removes() || self.by.operation == Operation::Rollback)
    }

    /// Why it failed, without the commands that showed more: they ask for pods that are gone.
    pub(crate) fn past_failure(&self) -> Option<Diagnosis> {
        self.failure.clone().map(|failure| Diagnosis {
            more: Vec::new(),
            ..failure
        })
    }

    /// Why it failed; with the commands that show more where what it wrote was left as it is.
    pub(crate) fn present_failure(&self) -> Option<Diagnosis> {
        match self.rollback {
            Some(_) => self.past_failure(),
            None => self.failure.clone(),
        }
    }

    /// Whether the cluster is as this revision wanted it, or as it was before: nothing is left to
    /// be done about it.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self.outcome, RunOutcome::Succeeded | RunOutcome::RolledBack)
    }
}
