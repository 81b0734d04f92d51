//! Gives a release another name: its marks on its objects, and what is remembered of it.
//!
//! The newest revision says first what the name is going to be, and the old name goes last: whoever
//! was stopped in between goes on from there.

use std::{collections::HashMap, sync::Arc};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use crate::engine::{
    desired::DesiredObject,
    observe::{history::ReleaseHistory, objects::observe, storage_versions},
};
use crate::{
    cluster::{Cluster, RequestError, Resource, Seen, Served},
    error::{CommandError, ExitCode},
    object::{Digest, ObjectId},
    ownership::{ReleaseMarks, Remarking, owners_patch},
    plan::ReleaseId,
    release::{Head, ObjectRecord, Revision, Store, StoreError},
};

/// A release and the name that it is to have.
pub(crate) struct Rename<'a> {
    /// The connection.
    pub(crate) cluster: &'a Cluster,
    /// What it serves.
    pub(crate) served: &'a Served,
    /// The name that it has, and its revisions.
    pub(crate) from: (&'a ReleaseId, &'a Store),
    /// The name that it is to have, and the revisions under it.
    pub(crate) to: (&'a ReleaseId, &'a Store),
}

/// Why a release was not, or not wholly, renamed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RenameError {
    /// The cluster did not answer as it was to.
    #[error("{what}")]
    Request {
        what: &'static str,
        source: RequestError,
    },
    /// Revisions could not be read or stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something stands in the way.
    #[error("{}", .0.message)]
    Refused(CommandError),
}

impl From<CommandError> for RenameError {
    fn from(error: CommandError) -> Self {
        Self::Refused(error)
    }
}

/// What there is to be renamed.
pub(crate) struct Renamed {
    history: ReleaseHistory,
    /// What is there of the objects.
    objects: Vec<(ObjectId, Resource, Arc<Value>)>,
}

impl Renamed {
    /// The newest revision; `None` where nothing is recorded.
    pub(crate) fn newest(&self) -> Option<&Revision> {
        self.history.newest().map(|head| &head.revision)
    }

    /// Number of objects.
    pub(crate) fn objects(&self) -> usize {
        self.objects.len()
    }

    /// Number of revisions.
    pub(crate) fn revisions(&self) -> usize {
        self.history.heads.len()
    }
}

/// So often a write is tried whose object somebody else changes meanwhile.
const ATTEMPTS: usize = 5;

impl Rename<'_> {
    /// Looks at what there is to be renamed. Fails where that is not settled, or the name is taken.
    /// Nothing is written.
    pub(crate) async fn look(&self) -> Result<Renamed, RenameError> {
        let (cluster, served) = (self.cluster, self.served);
        let history = ReleaseHistory::read(self.from.1).await?;
        self.check(&history, &self.to.1.heads().await?)?;
        let records = history.records.phases();
        let ids: Vec<ObjectId> = records.map(|(id, _)| id).collect();
        let unseen = |source| RenameError::Request {
            what: "cannot look at the objects of the release",
            source,
        };
        let kinds = storage_versions::stored_as(cluster, served, ids.iter()).await;
        let readable: Vec<(ObjectId, Resource)> = kinds.map_err(unseen)?.into_iter().collect();
        let observation = observe(cluster, self.from.0, &readable).await;
        let live = observation.map_err(unseen)?.live;
        let remarking = self.remarking();
        let mut objects = Vec::new();
        for (id, resource) in readable {
            match live.seen(&id) {
                Seen::Present(there) if remarking.concerns(there) => {
                    let there = Arc::clone(there);
                    objects.push((id, resource, there));
                }
                Seen::Forbidden | Seen::Unasked => return Err(hidden(&id).into()),
                Seen::Present(_) | Seen::Absent => {}
            }
        }
        Ok(Renamed { history, objects })
    }

    /// Refuses to rename what is not settled, and to take a name that is in use.
    fn check(&self, history: &ReleaseHistory, taken: &[Head]) -> Result<(), CommandError> {
        let (from, to) = (self.from.0, self.to.0);
        let Some(newest) = history.newest().map(|head| &head.revision) else {
            return Ok(());
        };
        match &newest.renamed_to {
            Some(begun) if begun == to => return Ok(()),
            Some(begun) => return Err(interrupted(from, begun)),
            None => {}
        }
        if !newest.is_settled() {
            let message = format!(
                "revision {} of {from} is neither completed nor rolled back; nothing was changed",
                newest.number
            );
            return Err(CommandError::new(ExitCode::Refused, message)
                .hint("complete it with `up`, or roll it back, before the release is renamed"));
        }
        if taken.is_empty() {
            return Ok(());
        }
        let message = format!("{to} has revisions of its own; nothing was changed");
        Err(CommandError::new(ExitCode::Refused, message).hint(format!(
            "choose another name, or delete that release with its history: `deployctl down {to} --purge`"
        )))
    }

    fn remarking(&self) -> Remarking {
        Remarking {
            from: marks(self.from.0),
            to: marks(self.to.0),
        }
    }

    /// Renames `what`, which was looked at under the lock of the release.
    pub(crate) async fn carry_out(&self, what: Renamed) -> Result<(), RenameError> {
        let Renamed {
            mut history,
            objects,
        } = what;
        let from = self.from.1;
        if let Some(newest) = history.heads.last_mut() {
            newest.revision.renamed_to = Some(self.to.0.clone());
            from.update(newest).await?;
            let answers = self.remark(objects).await?;
            self.copy(&history, &answers).await?;
        }
        let (newest, older) = match history.heads.split_last() {
            Some((newest, older)) => (std::slice::from_ref(newest), older),
            None => (&[][..], &[][..]),
        };
        let numbers = |heads: &[Head]| -> Vec<u64> {
            heads.iter().map(|head| head.revision.number).collect()
        };
        // The newest goes last: it says that the others may be on their way.
        from.trim(&numbers(older), newest).await?;
        from.trim(&numbers(newest), &[]).await?;
        Ok(())
    }

    /// Gives every one of `objects` the marks of the new name; returns them as they are stored then.
    async fn remark(
        &self,
        objects: Vec<(ObjectId, Resource, Arc<Value>)>,
    ) -> Result<HashMap<ObjectId, Value>, RenameError> {
        let remarking = &self.remarking();
        let cluster = self.cluster;
        let writes = objects.into_iter().map(|(id, resource, live)| async move {
            let stored = remark(cluster, &resource, &id, &live, remarking).await?;
            Ok::<_, RequestError>((id, stored))
        });
        let written: Result<Vec<_>, RequestError> = stream::iter(writes)
            .buffer_unordered(Cluster::PARALLEL)
            .try_collect()
            .await;
        match written {
            Ok(written) => Ok(written.into_iter().collect()),
            Err(source) => Err(RenameError::Request {
                what: "cannot label all objects anew; the same command goes on from here",
                source,
            }),
        }
    }

    /// Stores every revision under the new name, the oldest first.
    async fn copy(
        &self,
        history: &ReleaseHistory,
        answers: &HashMap<ObjectId, Value>,
    ) -> Result<(), StoreError> {
        // What an attempt before has stored may not be whole.
        let begun = self.to.1.heads().await?;
        let numbers: Vec<u64> = begun.iter().map(|head| head.revision.number).collect();
        self.to.1.trim(&numbers, &[]).await?;
        let deployed = history.deployed().map(|revision| revision.number);
        let newest = history.newest().map(|head| head.revision.number);
        let mut digests = Digests::default();
        for head in &history.heads {
            let is_deployed = Some(head.revision.number) == deployed;
            let wanted = self.copy_wanted(&head.revision).await?;
            if is_deployed {
                digests = wanted.digests;
            }
            let mut revision = self.copied(&head.revision).await?;
            for (phase, names) in revision.phases.iter_mut().zip(wanted.names) {
                phase.wanted = names;
            }
            if Some(head.revision.number) == newest {
                let records = self.records(history, &digests, answers);
                revision.records = self.to.1.write(&self.to.1.pack(&records)).await?;
            }
            self.to.1.create_copy(self.from.1, head, revision).await?;
        }
        Ok(())
    }

    /// Stores what is wanted in each phase of `revision` under the new name.
    async fn copy_wanted(&self, revision: &Revision) -> Result<CopiedWanted, StoreError> {
        let mut copied = CopiedWanted::default();
        for phase in &revision.phases {
            let Relabelled { names, digests } = self.relabelled(&phase.wanted).await?;
            copied.digests.extend(digests);
            copied.names.push(names);
        }
        Ok(copied)
    }

    /// Stores the objects that the chunks called `names` hold under the new name.
    async fn relabelled(&self, names: &[String]) -> Result<Relabelled, StoreError> {
        let mut objects: Vec<DesiredObject> = self.from.1.read(names).await?;
        let mut relabelled = Relabelled::default();
        for object in &mut objects {
            let before = object.digest().clone();
            object.relabel(&self.from.0.label(), &self.to.0.label());
            let digests = (before, object.digest().clone());
            relabelled.digests.insert(object.object.id.clone(), digests);
        }
        if !objects.is_empty() {
            relabelled.names = self.to.1.write(&self.to.1.pack(&objects)).await?;
        }
        Ok(relabelled)
    }

    /// `revision` as one of the new name, with all that it needs but what is wanted.
    async fn copied(&self, revision: &Revision) -> Result<Revision, StoreError> {
        let copy = |names| self.to.1.copy(self.from.1, names);
        let (records, base, program, snapshot, traces) = tokio::try_join!(
            copy(&revision.records),
            copy(&revision.base),
            copy(&revision.program),
            copy(&revision.snapshot),
            copy(&revision.traces),
        )?;
        let hooks = self.relabelled(&revision.hooks).await?;
        Ok(Revision {
            release: self.to.0.clone(),
            renamed_to: None,
            hooks: hooks.names,
            records,
            base,
            program,
            snapshot,
            traces,
            ..revision.clone()
        })
    }

    /// What is remembered of the objects under the new name. What was not as it was remembered is
    /// not so afterwards either.
    fn records(
        &self,
        history: &ReleaseHistory,
        digests: &Digests,
        answers: &HashMap<ObjectId, Value>,
    ) -> Vec<ObjectRecord> {
        let remarking = self.remarking();
        let given = |record: &ObjectRecord| {
            let now = answers.get(&record.id)?;
            if !record.holds(&remarking.undone(now), &remarking.from.manager) {
                return None;
            }
            let wanted = match digests.get(&record.id) {
                Some((before, now)) if *before == record.wanted => now,
                _ => &record.wanted,
            };
            record.given_to(&remarking.to.manager, now, wanted)
        };
        let records = history.records.sorted().into_iter();
        records
            .map(|record| given(record).unwrap_or_else(|| record.clone()))
            .collect()
    }
}

/// The digests of what is wanted, before and afterwards.
type Digests = HashMap<ObjectId, (Digest, Digest)>;

/// Objects as they are stored under the new name.
#[derive(Default)]
struct Relabelled {
    /// The names of the chunks.
    names: Vec<String>,
    digests: Digests,
}

/// What is wanted in each phase, under the new name.
#[derive(Default)]
struct CopiedWanted {
    /// The names of the chunks, by phase.
    names: Vec<Vec<String>>,
    digests: Digests,
}

/// Gives `id`, which is `live`, other marks.
async fn remark(
    cluster: &Cluster,
    resource: &Resource,
    id: &ObjectId,
    live: &Value,
    remarking: &Remarking,
) -> Result<Value, RequestError> {
    let mut live = live.clone();
    for attempt in 1.. {
        match remark_seen(cluster, resource, id, &live, remarking).await {
            Err(error) if attempt < ATTEMPTS && error.is_conflict() => {}
            written => return written,
        }
        let there: Option<Value> = cluster
            .get(resource, id.namespace.as_deref(), &id.name)
            .await?;
        match there {
            Some(there) => live = there,
            None => break,
        }
    }
    Ok(live)
}

async fn remark_seen(
    cluster: &Cluster,
    resource: &Resource,
    id: &ObjectId,
    live: &Value,
    remarking: &Remarking,
) -> Result<Value, RequestError> {
    let manager = &remarking.to.manager;
    let relabelled = match remarking.label_patch(live) {
        Some(patch) => cluster.json_patch(resource, id, &patch, manager).await?,
        None => live.clone(),
    };
    match remarking.owners(&relabelled) {
        Some(owners) => {
            let patch = owners_patch(&relabelled, &owners);
            cluster.json_patch(resource, id, &patch, manager).await
        }
        None => Ok(relabelled),
    }
}

fn marks(release: &ReleaseId) -> ReleaseMarks {
    ReleaseMarks {
        manager: release.field_manager(),
        label: release.label(),
    }
}

/// The refusal of another name, where `from` is being renamed to `to`.
fn interrupted(from: &ReleaseId, to: &ReleaseId) -> CommandError {
    let message =
        format!("{from} is being renamed to {to}, which was interrupted; nothing was changed");
    CommandError::new(ExitCode::Refused, message)
        .hint(format!("`deployctl rename {from} {to}` completes it"))
}

fn hidden(id: &ObjectId) -> CommandError {
    let message = format!("{id} cannot be looked at by this user; nothing was changed");
    CommandError::new(ExitCode::Refused, message)
        .hint("a release is renamed by who may read and write all of its objects")
}
