//! What happens during a run, as data. The engine emits events; reporters print them.

use std::{fmt, time::Duration};

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::{
    error::ExitCode,
    object::ObjectId,
    plan::{PhaseId, ReleaseId},
    readiness::{State, Verdict},
};

/// One thing that happened.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Event {
    /// When.
    pub(crate) at: Timestamp,
    /// Number of the event in its run, from 1.
    pub(crate) sequence: u64,
    /// What.
    #[serde(flatten)]
    pub(crate) kind: EventKind,
}

/// What happened. Every variant owns all that it shows; no secret value can be in one.
#[derive(Debug, Clone, Serialize)]
#[serde(
    tag = "event",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub(crate) enum EventKind {
    /// A run starts. `writes` is how many objects it is going to write; without any it only waits
    /// until everything is ready.
    RunStarted {
        #[serde(serialize_with = "as_text")]
        release: ReleaseId,
        revision: u64,
        context: String,
        server: String,
        phases: Vec<PhaseSummary>,
        writes: usize,
        purpose: Purpose,
        deadline: Timestamp,
    },
    /// A phase starts.
    PhaseStarted {
        phase: PhaseId,
        objects: usize,
        #[serde(serialize_with = "as_seconds")]
        timeout: Duration,
    },
    /// A phase is not part of this run.
    PhaseSkipped { phase: PhaseId, why: String },
    /// Another part of the plan is not part of this run.
    PartSkipped { part: String, why: String },
    /// One object was written, or found to be as wanted.
    ObjectWritten {
        phase: PhaseId,
        object: ObjectId,
        result: WriteResult,
        #[serde(serialize_with = "as_seconds")]
        took: Duration,
    },
    /// The verdict about one object changed. `from` is `None` for the first verdict.
    VerdictChanged {
        phase: PhaseId,
        object: ObjectId,
        from: Option<State>,
        to: Verdict,
    },
    /// A request is tried again.
    RequestRetried {
        verb: String,
        object: Option<ObjectId>,
        attempt: u32,
        #[serde(serialize_with = "as_seconds")]
        delay: Duration,
        why: String,
    },
    /// The API server would not take an object before the run has written others: it is tried in
    /// its turn.
    TriedInTurn { object: ObjectId, why: String },
    /// The server sent a `Warning` header; `is_told` where the user was told before the run.
    ServerWarned {
        text: String,
        #[serde(skip)]
        is_told: bool,
    },
    /// A phase ended.
    PhaseFinished {
        phase: PhaseId,
        outcome: PhaseOutcome,
        #[serde(serialize_with = "as_seconds")]
        took: Duration,
    },
    /// Why the run failed.
    FailureExplained { diagnosis: Diagnosis },
    /// What was done is being rolled back: `objects` have to be put back, `deletes` of them
    /// deleted.
    RollbackStarted {
        cause: String,
        objects: usize,
        deletes: usize,
        #[serde(serialize_with = "as_seconds")]
        timeout: Duration,
    },
    /// What the rollback reached, by comparison with the snapshot.
    RollbackProved { proof: Proof },
    /// A Pod that runs to completion has written a line.
    LogWritten {
        phase: PhaseId,
        object: ObjectId,
        container: String,
        line: String,
    },
    /// Something that a user should know of and that does not stop the run.
    Noted { text: String },
    /// The run ended.
    RunFinished {
        outcome: RunOutcome,
        exit: ExitCode,
        #[serde(serialize_with = "as_seconds")]
        took: Duration,
        phases: Vec<PhaseTiming>,
        requests: RequestCounts,
        verdicts: VerdictDelays,
        access: Vec<AccessPoint>,
    },
}

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Purpose {
    /// To bring a plan to the cluster.
    Deploy,
    /// To bring back what an earlier revision wanted.
    BringBack,
    /// To put back what a revision that was not finished has changed.
    PutBack,
    /// To take everything away.
    TakeDown,
    /// To take away what no revision knows of.
    Prune,
    /// To run the tests of charts.
    Verify,
}

/// A phase as it is announced.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PhaseSummary {
    /// Name.
    pub(crate) name: PhaseId,
    /// Number of objects in it.
    pub(crate) objects: usize,
}

/// What a write did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum WriteResult {
    /// It was not there before.
    Created,
    /// It was there and is different now.
    Changed,
    /// It was there as wanted.
    Unchanged,
    /// It was put back as it was before the run.
    Restored,
    /// Its deletion was asked for, or it was gone already.
    Deleted,
    /// It is there, and no longer ours.
    GivenUp,
    /// It was to be deleted, and is left because something is in it.
    Kept,
}

/// How a phase ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PhaseOutcome {
    /// Everything in it is ready.
    Ready,
    /// Everything in it that was to go is gone.
    Gone,
    /// An object in it cannot become ready, or could not be written.
    Failed,
    /// Its time was up.
    TimedOut,
    /// The run was interrupted.
    Interrupted,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RunOutcome {
    /// It has not ended yet, or its program was killed.
    Running,
    /// Every phase is ready.
    Succeeded,
    /// A phase failed or its time was up.
    Failed,
    /// A signal stopped it.
    Interrupted,
    /// It failed or was interrupted, and is being rolled back; or the program that did so was
    /// killed.
    RollingBack,
    /// It failed or was interrupted, and everything is as it was before.
    RolledBack,
}

/// What comparing the cluster with the snapshot showed after a rollback. Holds no values: they may
/// be secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Proof {
    /// Number of objects that are as they were.
    pub(crate) same: usize,
    /// What is not as it was, and should be.
    pub(crate) differences: Vec<ObjectNote>,
    /// Objects that were created and are kept on purpose: data, and what it cannot do without.
    pub(crate) kept: Vec<ObjectNote>,
    /// What cannot or may not be put back, which was known before: Jobs that ran, versions that
    /// moved on.
    pub(crate) stays: Vec<ObjectNote>,
    /// What others changed meanwhile and was left to them.
    pub(crate) by_others: Vec<ObjectNote>,
}

impl Proof {
    /// What is said of objects that are not as they were, and are no differences.
    pub(crate) fn that_stay(&self) -> impl Iterator<Item = &ObjectNote> {
        self.kept.iter().chain(&self.stays).chain(&self.by_others)
    }
}

/// Something to be said about one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ObjectNote {
    /// The object.
    pub(crate) object: ObjectId,
    /// What is to be said of it.
    pub(crate) what: String,
}

/// Why something cannot come up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Diagnosis {
    /// One sentence that says what failed.
    pub(crate) summary: String,
    /// The phase.
    pub(crate) phase: Option<PhaseId>,
    /// The object, its verdict, and what its pods say.
    pub(crate) objects: Vec<ObjectDiagnosis>,
    /// Commands that show more.
    pub(crate) more: Vec<String>,
    /// Whether somebody stopped the run: then there is no cause to mend.
    pub(crate) interrupted: bool,
}

/// Why one object cannot come up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ObjectDiagnosis {
    /// The object.
    pub(crate) object: ObjectId,
    /// Its verdict.
    pub(crate) verdict: Verdict,
    /// The pod that shows the cause, if one does.
    pub(crate) pod: Option<String>,
    /// The container in it.
    pub(crate) container: Option<String>,
    /// The most specific cause found.
    pub(crate) cause: Option<String>,
    /// The last lines of the container's log.
    #[serde(default)]
    pub(crate) log: Vec<String>,
    /// What else keeps the object from being ready.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) further: Vec<FurtherCause>,
}

/// Another cause for which an object cannot come up, in another container or for another reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FurtherCause {
    /// The pod that shows it.
    pub(crate) pod: Option<String>,
    /// The container in it.
    pub(crate) container: Option<String>,
    /// What it is.
    pub(crate) cause: String,
    /// The last lines of the container's log.
    #[serde(default)]
    pub(crate) log: Vec<String>,
}

/// How long a phase took.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PhaseTiming {
    /// Name.
    pub(crate) name: PhaseId,
    /// How it ended; `None` where it did not start.
    pub(crate) outcome: Option<PhaseOutcome>,
    /// Number of objects in it.
    pub(crate) objects: usize,
    /// How many of them were created.
    pub(crate) created: usize,
    /// How many of them were changed.
    pub(crate) changed: usize,
    /// How many of them were as wanted.
    pub(crate) unchanged: usize,
    /// How many objects of the phase were deleted.
    pub(crate) deleted: usize,
    /// How long it took.
    #[serde(serialize_with = "as_seconds")]
    pub(crate) took: Duration,
}

/// Requests sent to the API server, by verb.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestCounts {
    /// Single objects read, discovery included.
    pub(crate) get: u64,
    /// Lists.
    pub(crate) list: u64,
    /// Watches opened.
    pub(crate) watch: u64,
    /// Applies and patches.
    pub(crate) patch: u64,
    /// Objects created by POST, reviews included.
    pub(crate) create: u64,
    /// Objects replaced.
    pub(crate) update: u64,
    /// Objects deleted.
    pub(crate) delete: u64,
    /// Dry runs, which write nothing.
    pub(crate) dry_run: u64,
    /// Requests that were sent again.
    pub(crate) retried: u64,
}

/// How long it took from when an event of a watch was read off the network until the verdict that
/// came of it was told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerdictDelays {
    /// Number of new verdicts that came of an event; others came of an answer to a request, or of
    /// time alone.
    pub(crate) count: usize,
    /// Half of them took at most so long.
    #[serde(serialize_with = "as_seconds")]
    pub(crate) median: Duration,
    /// 99 of 100 took at most so long.
    #[serde(serialize_with = "as_seconds")]
    pub(crate) p99: Duration,
    /// The longest.
    #[serde(serialize_with = "as_seconds")]
    pub(crate) longest: Duration,
}

impl VerdictDelays {
    /// Of `delays`, in any order.
    pub(crate) fn of(delays: &[Duration]) -> Self {
        let mut sorted = delays.to_vec();
        sorted.sort_unstable();
        let at = |percent: usize| {
            sorted
                .get((sorted.len() * percent).div_ceil(100).saturating_sub(1))
                .copied()
                .unwrap_or_default()
        };
        Self {
            count: sorted.len(),
            median: at(50),
            p99: at(99),
            longest: at(100),
        }
    }
}

/// How to reach something that runs.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccessPoint {
    /// Its name in the plan's `open`, or the object's.
    pub(crate) name: String,
    /// An address, or the command that makes it reachable.
    pub(crate) how: String,
}

/// Writes a duration as a number of seconds, to the millisecond.
pub(crate) fn as_seconds<S: Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(seconds(*duration))
}

/// A duration as a number of seconds, to the millisecond.
pub(crate) fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}

/// Writes a value as the text that people see.
pub(crate) fn as_text<S: Serializer>(
    value: &impl fmt::Display,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_summed_up_by_rank() {
        let milliseconds = |from: u64, to: u64| {
            (from..=to)
                .rev()
                .map(Duration::from_millis)
                .collect::<Vec<_>>()
        };
        let of = VerdictDelays::of(&milliseconds(1, 200));
        let expected = |median, p99, longest| {
            (
                Duration::from_millis(median),
                Duration::from_millis(p99),
                Duration::from_millis(longest),
            )
        };
        assert_eq!(
            (of.count, (of.median, of.p99, of.longest)),
            (200, expected(100, 198, 200))
        );
        let one = VerdictDelays::of(&milliseconds(7, 7));
        assert_eq!(
            (one.count, (one.median, one.p99, one.longest)),
            (1, expected(7, 7, 7))
        );
        assert_eq!(VerdictDelays::of(&[]), VerdictDelays::default());
    }
}
