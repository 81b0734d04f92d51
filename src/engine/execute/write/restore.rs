//! Puts an object back as its snapshot holds it, with the owners of its fields.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    CONFLICTS, WriteContext, WriteOutcome, Writer, is_outdated, once_served, stuck::is_not_ready,
};
use crate::engine::observe::storage_versions::moved;
use crate::{
    cluster::{RequestError, Resource},
    event::WriteResult,
    object::{HasKind as _, ManifestView, ObjectId},
    ownership::{ChangedPath, is_recreated, owners_patch, recreation, restore},
    release::JournalEntry,
};

impl Writer<'_> {
    /// Puts `id`, which is there, back to what the snapshot says of it: what the run changed, where
    /// nobody else has changed it since.
    ///
    /// Two writes: one puts the content back, and the API server takes us for the owner of all that
    /// it changes; the other one says whose it is. Where only the first was done, another attempt
    /// finds the content as it was and does the second.
    pub(super) async fn restore(&self, id: &ObjectId) -> Result<WriteOutcome, RequestError> {
        let Some(snapshot) = self.context.snapshot.object(id) else {
            return Ok((WriteResult::Unchanged, None));
        };
        let restored = self.restore_as_served(id, snapshot, self.changed(id)).await;
        let (result, stored) = restored?;
        self.free_of_stuck_pods(id, stored.as_ref()).await?;
        Ok((result, stored))
    }

    /// What was changed of `id`; `None` where a write was done whose answer nobody saw.
    fn changed(&self, id: &ObjectId) -> Option<&[ChangedPath]> {
        match self.context.changes.get(id) {
            Some(trace) if !trace.unconfirmed => Some(&trace.changed),
            _ => None,
        }
    }

    /// What is put back does not come up where a pod of what was wrong is in its way.
    async fn free_of_stuck_pods(
        &self,
        id: &ObjectId,
        stored: Option<&Value>,
    ) -> Result<(), RequestError> {
        match stored.filter(|_| id.is_stateful_set()) {
            Some(stored) => self.delete_stuck_pods(id, stored, is_not_ready).await,
            None => Ok(()),
        }
    }

    /// Puts `id` back to `snapshot`; in another version, where its own is not served any more since
    /// its definition was put back.
    async fn restore_as_served(
        &self,
        id: &ObjectId,
        snapshot: &Value,
        changed: Option<&[ChangedPath]>,
    ) -> Result<WriteOutcome, RequestError> {
        let resource = self.stored_as(id);
        match self.restore_to(id, resource, snapshot, changed).await {
            Err(error) if error.is_unserved() => {
                let WriteContext { cluster, kinds, .. } = &*self.context;
                let moved = moved(cluster, kinds.served, resource, snapshot).await?;
                let (resource, snapshot) = moved.ok_or(error)?;
                let restore = || self.restore_to(id, &resource, &snapshot, changed);
                once_served(restore).await
            }
            restored => restored,
        }
    }

    async fn restore_to(
        &self,
        id: &ObjectId,
        resource: &Resource,
        snapshot: &Value,
        changed: Option<&[ChangedPath]>,
    ) -> Result<WriteOutcome, RequestError> {
        let (cluster, namespace) = (&self.context.cluster, id.namespace.as_deref());
        let mut result = WriteResult::Unchanged;
        for attempt in 1.. {
            let live = cluster.get_served(resource, namespace, &id.name).await?;
            let Some(live) = live else {
                return Ok((WriteResult::Unchanged, None));
            };
            let restoration = restore(snapshot, changed, &live, &self.manager);
            if !restoration.content_differs && !restoration.owners_differ {
                return Ok((result, Some(live)));
            }
            let mut stored = live;
            if restoration.content_differs {
                stored = match cluster
                    .replace(resource, id, &restoration.body, &self.manager)
                    .await
                {
                    Ok(stored) => stored,
                    Err(error) if attempt < CONFLICTS && is_outdated(&error) => continue,
                    Err(error) => return Err(error),
                };
                result = WriteResult::Restored;
            }
            match self
                .put_owners(resource, id, &stored, &restoration.managed_fields)
                .await
            {
                Ok(stored) => return Ok((WriteResult::Restored, Some(stored))),
                // Read again: who owns what must fit what is there now.
                Err(error) if attempt < CONFLICTS && is_outdated(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((result, None))
    }

    /// Says who owns what in the object that is stored as `stored`, and nothing else.
    async fn put_owners(
        &self,
        resource: &Resource,
        id: &ObjectId,
        stored: &Value,
        owners: &Value,
    ) -> Result<Value, RequestError> {
        let patch = owners_patch(stored, owners);
        self.context
            .cluster
            .json_patch(resource, id, &patch, &self.manager)
            .await
    }

    /// Creates `id` again as the snapshot holds it, and then gives its fields back to those who
    /// held them. What an attempt before has created is gone on with, and put back where it was
    /// changed since.
    pub(super) async fn recreate(&self, id: &ObjectId) -> Result<WriteOutcome, RequestError> {
        let Some(snapshot) = self.context.snapshot.object(id) else {
            return Ok((WriteResult::Unchanged, None));
        };
        let mut owners = self.new_owners();
        self.add_living_owners(snapshot, &mut owners).await?;
        let Some(mut recreation) = recreation(snapshot, &owners) else {
            return Ok((WriteResult::Unchanged, None));
        };
        let there = self.read(id).await?;
        if let Some(others) = there.as_ref().filter(|there| !self.is_successor(id, there)) {
            // Somebody has created it in between. The proof says in what it is another one.
            return Ok((WriteResult::Unchanged, Some(others.clone())));
        }
        if there.is_none() {
            let cluster = &self.context.cluster;
            let create = || cluster.create(self.stored_as(id), id, &recreation.body, &self.manager);
            let is_custom = id.group.contains('.');
            let created = match if is_custom {
                once_served(create).await
            } else {
                create().await
            } {
                Err(RequestError::Refused(refusal)) if refusal.is_invalid() => {
                    recreation = recreation.without_allocations();
                    cluster
                        .create(self.stored_as(id), id, &recreation.body, &self.manager)
                        .await?
                }
                // Somebody was faster.
                Err(error) if error.is_already_exists() => match self.read(id).await? {
                    Some(there) if !self.is_successor(id, &there) => {
                        return Ok((WriteResult::Unchanged, Some(there)));
                    }
                    _ => return Err(error),
                },
                created => created?,
            };
            let uid = ManifestView(&created).uid().unwrap_or_default().to_owned();
            self.context.journal.note(JournalEntry::Recreated {
                object: id.clone(),
                uid,
            });
        }
        let changed = if there.is_some() {
            self.changed(id)
        } else {
            Some(&[][..])
        };
        let expected = &recreation.expected;
        let (_, stored) = self.restore_as_served(id, expected, changed).await?;
        self.free_of_stuck_pods(id, stored.as_ref()).await?;
        Ok((WriteResult::Restored, stored))
    }

    /// Whether `there` was created by us in the place of the object that was there before.
    fn is_successor(&self, id: &ObjectId, there: &Value) -> bool {
        let recreated = self
            .context
            .changes
            .get(id)
            .and_then(|trace| trace.recreated.as_deref());
        recreated.is_some_and(|uid| ManifestView(there).uid() == Some(uid))
            || is_recreated(there, &self.manager)
    }

    /// Adds the owners of `snapshot` that nobody has touched and that are still there: they have
    /// the uids that they had.
    async fn add_living_owners(
        &self,
        snapshot: &Value,
        owners: &mut HashMap<String, String>,
    ) -> Result<(), RequestError> {
        let snapshot = ManifestView(snapshot);
        for owner in snapshot.owners() {
            let served = self
                .context
                .kinds
                .served
                .exact(owner.api_version, owner.kind);
            let Some(resource) = served.filter(|_| !owners.contains_key(owner.uid)) else {
                continue;
            };
            let namespace = snapshot.namespace().filter(|_| resource.namespaced);
            let there = self
                .context
                .cluster
                .get(resource, namespace, owner.name)
                .await?;
            if there.is_some_and(|there| ManifestView(&there).uid() == Some(owner.uid)) {
                owners.insert(owner.uid.to_owned(), owner.uid.to_owned());
            }
        }
        Ok(())
    }

    /// The uids that objects had in the snapshot, and those that they have now.
    fn new_owners(&self) -> HashMap<String, String> {
        let entries = self.context.journal.entries();
        let created = entries.iter().filter_map(|entry| match entry {
            JournalEntry::Recreated { object, uid } => Some((object, uid.as_str())),
            _ => None,
        });
        let live = self
            .context
            .live
            .present()
            .map(|(id, live)| (id, ManifestView(live).uid().unwrap_or_default()));
        let now = live
            .chain(created)
            .filter_map(|(id, uid)| Some((self.context.snapshot.object(id)?, uid)));
        now.map(|(before, uid)| {
            let before = ManifestView(before).uid().unwrap_or_default();
            (before.to_owned(), uid.to_owned())
        })
        .collect()
    }
}
