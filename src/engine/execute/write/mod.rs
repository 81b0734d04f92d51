//! Carries out the steps of a program that write.

mod apply;
mod contents;
mod dependents;
mod expand;
mod remove;
mod restart;
mod restore;
mod stuck;

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use backon::{ConstantBuilder, Retryable as _};
use serde_json::Value;

pub(crate) use crate::engine::observe::storage_versions::Resources;
use crate::engine::{desired::DesiredState, execute::journal::JournalWriter};
use crate::{
    cluster::{Cluster, Live, RequestError, Resource, Served},
    event::WriteResult,
    object::{ObjectId, strip_managed_fields},
    plan::ReleaseId,
    release::{ChangeLog, JournalEntry, Records, Snapshot, Work},
};

/// All that is needed for writing.
pub(crate) struct WriteContext<'a> {
    /// The connection; its writes end with the lock.
    pub(crate) cluster: Cluster,
    /// What the objects are written as.
    pub(crate) kinds: Kinds<'a>,
    pub(crate) release: &'a ReleaseId,
    /// What is applied; `None` where nothing is.
    pub(crate) apply: Option<ApplyContext<'a>>,
    /// What was seen last before the first write.
    pub(crate) live: &'a Live,
    /// What was there before.
    pub(crate) snapshot: &'a Snapshot,
    /// What was done: by interrupted runs that are gone on from, or what is put back.
    pub(crate) changes: &'a ChangeLog,
    /// Where it is told what was written.
    pub(crate) journal: JournalWriter,
}

/// What objects are written as.
pub(crate) struct Kinds<'a> {
    pub(crate) served: &'a Served,
    /// The kind that each object is written as.
    pub(crate) resources: Resources,
    /// The kind that each object is stored as, where that is another one: snapshots are read and
    /// put back as this.
    pub(crate) stored_as: Resources,
}

/// What is applied, and how.
pub(crate) struct ApplyContext<'a> {
    pub(crate) desired: &'a DesiredState,
    /// What was remembered before interrupted runs that this one goes on from; `None` where there
    /// are none.
    pub(crate) base: Option<&'a Records>,
    /// Whether fields that others own are taken over.
    pub(crate) force_conflicts: bool,
    /// Webhook configurations that nothing answers and that the run changes or removes first.
    pub(crate) dead_webhooks: &'a BTreeSet<ObjectId>,
}

impl Kinds<'_> {
    /// The kind that `id` is stored as.
    fn stored_as(&self, id: &ObjectId) -> &Resource {
        let known = self.stored_as.get(id).or_else(|| self.resources.get(id));
        // Workloads whose pods are replaced are in no program; they are of kinds that every API
        // server serves.
        known
            .or_else(|| self.served.preferred(&id.group, &id.kind))
            .expect("what is written is of a known kind")
    }
}

/// Writes objects. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Writer<'a> {
    context: Arc<WriteContext<'a>>,
    manager: Arc<str>,
}

/// What a write did.
pub(crate) struct Written {
    pub(crate) object: ObjectId,
    pub(crate) result: WriteResult,
    /// The object as it is stored now, without the list of who owns what; `None` where it is gone.
    pub(crate) stored: Option<Value>,
    pub(crate) took: Duration,
}

/// How often a write is tried again whose object was changed by somebody else in between: status is
/// written all the time.
const CONFLICTS: usize = 20;

impl<'a> Writer<'a> {
    pub(crate) fn new(context: WriteContext<'a>) -> Self {
        let manager = context.release.field_manager().into();
        Self {
            context: Arc::new(context),
            manager,
        }
    }

    /// Objects of its phase without which `id` may fail while it starts.
    pub(crate) fn soft_dependencies(&self, id: &ObjectId) -> &[ObjectId] {
        let apply = self.context.apply.as_ref();
        let wanted = apply.and_then(|apply| apply.desired.objects.get(id));
        wanted.map_or(&[], |wanted| &wanted.order.soft_dependencies)
    }

    /// The connection.
    pub(crate) fn cluster(&self) -> &Cluster {
        &self.context.cluster
    }

    /// The kind that `id` is written as.
    pub(crate) fn resource(&self, id: &ObjectId) -> Option<&Resource> {
        self.context.kinds.resources.get(id)
    }

    /// Notes that the Job `id` has done its work.
    pub(crate) fn note_completed(&self, id: &ObjectId) {
        self.context
            .journal
            .note(JournalEntry::Completed { object: id.clone() });
    }

    /// Notes that the Secret `id` is kept.
    pub(crate) fn note_kept(&self, id: &ObjectId) {
        self.context
            .journal
            .note(JournalEntry::Kept { object: id.clone() });
    }

    /// The kind that `id` is stored as.
    fn stored_as(&self, id: &ObjectId) -> &Resource {
        self.context.kinds.stored_as(id)
    }

    /// Carries out `work`, which writes.
    pub(crate) async fn perform(&self, work: &Work) -> Result<Written, RequestError> {
        let started = Instant::now();
        let object = work
            .writes()
            .cloned()
            .expect("steps that only wait are not performed");
        let (result, stored) = match work {
            Work::Apply {
                object,
                force,
                cleared,
            } => self.apply(object, *force, cleared).await?,
            Work::Restore { object } => self.restore(object).await?,
            Work::Recreate { object } => self.recreate(object).await?,
            Work::Delete {
                object,
                uid,
                belongings,
                if_empty,
            } => self.delete(object, uid, *belongings, *if_empty).await?,
            Work::Discard { object } => self.discard(object).await?,
            Work::GiveUp { object } => self.give_up(object).await?,
            Work::RestartPods { object, since } => self.restart_pods(object, *since).await?,
            Work::Expand { object, size } => self.expand(object, size).await?,
            Work::AwaitReady { .. } | Work::AwaitGone { .. } => {
                unreachable!("steps that only wait are not performed")
            }
        };
        Ok(Written {
            object,
            result,
            stored: stored.map(slim),
            took: started.elapsed(),
        })
    }

    /// The object as it is stored now.
    async fn read(&self, id: &ObjectId) -> Result<Option<Value>, RequestError> {
        self.context
            .cluster
            .get(self.stored_as(id), id.namespace.as_deref(), &id.name)
            .await
    }
}

/// What a step did, and the object as it is stored then.
type WriteOutcome = (WriteResult, Option<Value>);

/// `object` without the list of who owns what: half of its size, and never looked at after the
/// record was made.
fn slim(mut object: Value) -> Value {
    strip_managed_fields(&mut object);
    object
}

/// How long a kind that was just defined may take until it is served.
const SERVED_WITHIN: Duration = Duration::from_secs(10);
/// How long the API server may take until its admission and authorization know what was just
/// written: they learn of it by watches.
const KNOWN_WITHIN: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_millis(200);

/// Writes an object of a kind that is just being defined: the API server may need a moment until it
/// serves that. So it may until it knows a role that a binding gives.
async fn once_served<T, F: Future<Output = Result<T, RequestError>>>(
    write: impl FnMut() -> F,
) -> Result<T, RequestError> {
    let may_pass = |error: &RequestError| error.is_absent() || grants_too_much(error);
    again_while(may_pass, SERVED_WITHIN, write).await
}

/// Whether the user who writes a role or binding does not hold what it grants.
fn grants_too_much(error: &RequestError) -> bool {
    matches!(error, RequestError::Refused(refusal) if refusal.message.contains("permissions not currently held"))
}

/// Writes an object again while it is refused for what may pass, within a time. What the connection
/// itself sends again has had its time.
async fn again_while<T, F: Future<Output = Result<T, RequestError>>>(
    may_pass: impl Fn(&RequestError) -> bool,
    within: Duration,
    write: impl FnMut() -> F,
) -> Result<T, RequestError> {
    let started = Instant::now();
    let pauses = ConstantBuilder::default()
        .with_delay(AGAIN)
        .without_max_times();
    let is_hopeful =
        |error: &RequestError| started.elapsed() < within && !error.is_passing() && may_pass(error);
    write.retry(pauses).when(is_hopeful).await
}

/// Whether `error` says that the object was written by somebody else since it was read.
fn is_outdated(error: &RequestError) -> bool {
    error.is_conflict()
        && !matches!(error, RequestError::Refused(refusal) if refusal.is_ownership_conflict())
}
