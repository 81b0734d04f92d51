//! Gives a release another name: its marks on its objects, and what is remembered of it.
//!
//! The newest revision says first what the name is going to be; then everything is recorded under
//! the new name, the objects get its marks, and one write says that it is in use. What is recorded
//! under the old name goes last. Whoever was stopped in between goes on from there.

mod copy;
mod remark;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use remark::Remark;

use crate::engine::observe::{
    history::ReleaseHistory,
    objects::observe,
    orphans::{KnownObjects, orphans},
    storage_versions,
};
use crate::{
    cluster::{Cluster, RequestError, Resource, Seen, Served},
    error::{CommandError, ExitCode},
    object::ObjectId,
    ownership::{ReleaseMarks, Remarking},
    plan::ReleaseId,
    release::{Head, Revision, Store, StoreError},
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
    /// The objects as they are.
    objects: Vec<(ObjectId, Resource, Arc<Value>)>,
    /// Whether they were tried.
    is_tried: bool,
    /// Whether the new name is in use already, and only the old one is still recorded.
    is_committed: bool,
    /// Whether what has the new name had the old one.
    is_done_before: bool,
}

impl Renamed {
    /// Whether what has the new name had the old one before.
    pub(crate) fn was_renamed(&self) -> bool {
        self.is_done_before
    }

    /// The newest revision under the old name; `None` where nothing is recorded under it.
    pub(crate) fn newest(&self) -> Option<&Revision> {
        self.history.newest().map(|head| &head.revision)
    }

    /// Whether the object `id` was tried as it is `there`.
    fn has_tried(&self, id: &ObjectId, there: &Value) -> bool {
        let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
        let known = self.objects.iter().find(|(known, ..)| known == id);
        self.is_tried && known.is_some_and(|(.., known)| version(known) == version(there))
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

impl Rename<'_> {
    /// Looks at what there is to be renamed. Fails where that is not settled, the name is taken, or
    /// it could not be carried out; what was tried in the look `before` and is the same is not tried
    /// again. Nothing is written.
    pub(crate) async fn look(&self, before: Option<&Renamed>) -> Result<Renamed, RenameError> {
        let history = ReleaseHistory::read(self.from.1).await?;
        let copies = self.to.1.heads().await?;
        let is_committed = self.check(&history, &copies)?;
        let is_begun = history
            .newest()
            .is_some_and(|head| head.revision.renamed_to.is_some());
        let objects = if is_committed {
            Vec::new()
        } else {
            self.objects(&history).await?
        };
        let is_tried = !is_begun && !is_committed;
        if is_tried {
            self.check_room(&history).await?;
            self.try_out(&objects, before).await?;
        }
        let is_done_before = copies
            .iter()
            .any(|copy| copy.revision.renamed_from.as_ref() == Some(self.from.0));
        Ok(Renamed {
            history,
            objects,
            is_tried,
            is_committed,
            is_done_before,
        })
    }

    /// Refuses to rename what is not settled, and to take a name that is in use. Returns whether it
    /// has been done but for the old name's records.
    fn check(&self, history: &ReleaseHistory, copies: &[Head]) -> Result<bool, CommandError> {
        let (from, to) = (self.from.0, self.to.0);
        let Some(newest) = history.newest().map(|head| &head.revision) else {
            return Ok(true);
        };
        match &newest.renamed_to {
            Some(begun) if begun == to => {
                let is_copy = |copy: &&Head| copy.revision.renamed_from.as_ref() == Some(from);
                let newest = copies
                    .iter()
                    .find(|copy| copy.revision.number == newest.number);
                let newest = newest.filter(is_copy);
                if newest.is_some_and(|copy| !copy.revision.incomplete) {
                    return Ok(true);
                }
                if copies.iter().all(|copy| is_copy(&copy)) {
                    return Ok(false);
                }
                return Err(taken(to));
            }
            Some(begun) => return Err(interrupted(from, begun)),
            None => {}
        }
        if newest.incomplete {
            let before = newest.renamed_from.as_ref().unwrap_or(from);
            return Err(interrupted(before, from));
        }
        if !newest.is_settled() {
            let message = format!(
                "revision {} of {from} is neither completed nor rolled back; nothing was changed",
                newest.number
            );
            return Err(CommandError::new(ExitCode::Refused, message)
                .hint("complete it with `up`, or roll it back, before the release is renamed"));
        }
        if copies.is_empty() {
            return Ok(false);
        }
        Err(taken(to))
    }

    /// The objects of the release, those that none of its revisions remembers among them.
    async fn objects(
        &self,
        history: &ReleaseHistory,
    ) -> Result<Vec<(ObjectId, Resource, Arc<Value>)>, RenameError> {
        let (cluster, served) = (self.cluster, self.served);
        let unseen = |source| RenameError::Request {
            what: "cannot look at the objects of the release",
            source,
        };
        let known = KnownObjects::read(self.from.1, &history.heads).await?;
        let orphans = orphans(cluster, served, self.from.0, &known).await;
        let orphans = orphans.map_err(unseen)?.ids;
        let records = history.records.phases();
        let ids: Vec<ObjectId> = records.map(|(id, _)| id).chain(orphans).collect();
        let kinds = storage_versions::stored_as(cluster, served, ids.iter()).await;
        let readable: Vec<(ObjectId, Resource)> = kinds.map_err(unseen)?.into_iter().collect();
        if let Some(id) = ids
            .iter()
            .find(|id| !readable.iter().any(|(known, _)| known == *id))
        {
            return Err(not_served(id).into());
        }
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
        Ok(objects)
    }

    /// Refuses what a quota has no room for.
    async fn check_room(&self, history: &ReleaseHistory) -> Result<(), RenameError> {
        let chunks: BTreeSet<&str> = history.heads.iter().flat_map(Head::chunks).collect();
        if let Some(room) = self.to.1.room().await? {
            // Of the newest revision, records and traces are stored anew.
            self.to
                .1
                .fits(room, history.heads.len() + chunks.len() + 2)?;
        }
        Ok(())
    }

    /// Finds out whether it can be carried out: whoever stops half-way has no release to go back in.
    async fn try_out(
        &self,
        objects: &[(ObjectId, Resource, Arc<Value>)],
        before: Option<&Renamed>,
    ) -> Result<(), RenameError> {
        let remarking = &self.remarking();
        let is_untried = |(id, _, there): &&(ObjectId, Resource, Arc<Value>)| {
            !before.is_some_and(|before| before.has_tried(id, there))
        };
        let trials = objects
            .iter()
            .filter(is_untried)
            .map(|(id, resource, live)| async move {
                self.writing(id, resource, remarking).try_out(live).await
            });
        let tried: Result<(), RequestError> = stream::iter(trials)
            .buffer_unordered(Cluster::PARALLEL)
            .try_collect()
            .await;
        tried.map_err(|source| RenameError::Request {
            what: "not every object can be labelled anew; nothing was changed",
            source,
        })
    }

    fn writing<'a>(
        &'a self,
        id: &'a ObjectId,
        resource: &'a Resource,
        remarking: &'a Remarking,
    ) -> Remark<'a> {
        Remark {
            cluster: self.cluster,
            resource,
            id,
            remarking,
        }
    }

    fn remarking(&self) -> Remarking {
        Remarking {
            from: marks(self.from.0),
            to: marks(self.to.0),
        }
    }

    /// Renames `what`, which was looked at under the locks of both names.
    ///
    /// Until the new name is in use, everything that is recorded under the old one stays, and what is
    /// recorded under the new one is not to be used; so whoever goes on begins anew with that.
    pub(crate) async fn carry_out(&self, what: Renamed) -> Result<(), RenameError> {
        let Renamed {
            mut history,
            objects,
            is_committed,
            ..
        } = what;
        let (from, to) = (self.from.1, self.to.1);
        if let (Some(newest), false) = (history.heads.last_mut(), is_committed) {
            let format = newest.revision.format;
            newest.revision.renamed_to = Some(self.to.0.clone());
            newest.revision.format = Revision::FORMAT;
            from.update(newest).await?;
            newest.revision.format = format;
            let begun = numbers(&to.heads().await?);
            to.trim(&begun, &[]).await?;
            let digests = self.copy(&history).await?;
            let answers = self.remark(objects).await?;
            self.commit(&history, &digests, &answers).await?;
        }
        // The newest goes last: it says that the others may be on their way.
        if let Some((newest, older)) = history.heads.split_last() {
            from.trim(&numbers(older), std::slice::from_ref(newest))
                .await?;
            from.trim(&[newest.revision.number], &[]).await?;
        } else {
            from.trim(&[], &[]).await?;
        }
        Ok(())
    }

    /// Gives every one of `objects` the marks of the new name; returns them as they are stored then.
    async fn remark(
        &self,
        objects: Vec<(ObjectId, Resource, Arc<Value>)>,
    ) -> Result<HashMap<ObjectId, Value>, RenameError> {
        let remarking = &self.remarking();
        let writes = objects.into_iter().map(|(id, resource, live)| async move {
            let stored = self
                .writing(&id, &resource, remarking)
                .carry_out(&live)
                .await?;
            Ok::<_, RequestError>(stored.map(|stored| (id, stored)))
        });
        let written: Result<Vec<_>, RequestError> = stream::iter(writes)
            .buffer_unordered(Cluster::PARALLEL)
            .try_collect()
            .await;
        match written {
            Ok(written) => Ok(written.into_iter().flatten().collect()),
            Err(source) => Err(RenameError::Request {
                what: "cannot label all objects anew; the same command goes on from here",
                source,
            }),
        }
    }
}

fn numbers(heads: &[Head]) -> Vec<u64> {
    heads.iter().map(|head| head.revision.number).collect()
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

fn taken(to: &ReleaseId) -> CommandError {
    let message = format!("{to} has revisions of its own; nothing was changed");
    CommandError::new(ExitCode::Refused, message).hint(format!(
        "choose another name, or delete that release with its history: `deployctl down {to} --purge`"
    ))
}

fn hidden(id: &ObjectId) -> CommandError {
    let message = format!("{id} cannot be looked at by this user; nothing was changed");
    CommandError::new(ExitCode::Refused, message)
        .hint("a release is renamed by who may read and write all of its objects")
}

fn not_served(id: &ObjectId) -> CommandError {
    let message = format!("the cluster does not serve the kind of {id} now; nothing was changed");
    CommandError::new(ExitCode::Refused, message)
        .hint("wait until it does, or run `up` first, which forgets what is gone for good")
}
