//! Deletes an object, or takes the mark of the release off one that others hold too.

use serde_json::Value;

use super::{CONFLICTS, WriteOutcome, Writer, contents, is_outdated};
use crate::engine::execute::journal::Left;
use crate::{
    cluster::{DeleteOptions, Deleted, Propagation, RequestError},
    event::WriteResult,
    object::{HasKind as _, ManifestView, ObjectId, is_unbound_claim},
    ownership::{give_up_object, is_handed_over},
    release::{Belongings, JournalEntry},
};

impl Writer<'_> {
    /// Deletes `id` where it still has `uid`. `if_empty`: it stays where anything is in it that
    /// would go with it.
    pub(super) async fn delete(
        &self,
        id: &ObjectId,
        uid: &str,
        belongings: Belongings,
        if_empty: bool,
    ) -> Result<WriteOutcome, RequestError> {
        for attempt in 1.. {
            let is_same = |live: &Value| ManifestView(live).uid() == Some(uid);
            let Some(live) = self.read(id).await?.filter(is_same) else {
                self.note_removed(id);
                return Ok((WriteResult::Deleted, None));
            };
            if ManifestView(&live).is_terminating() {
                self.note_removed(id);
                return Ok((WriteResult::Deleted, Some(live)));
            }
            if self.is_handed_over(id, &live) {
                return self.give_up(id).await;
            }
            if if_empty && let Some(why) = self.holds(id, &live).await? {
                return Ok(self.leave(id, why, live));
            }
            match self.delete_seen(id, uid, belongings, &live).await {
                // A status that was written in between changes the version, which says nothing
                // about whose object it is.
                Err(error) if attempt < CONFLICTS && is_outdated(&error) => {}
                Err(error) if if_empty && id.is_claim() && error.is_forbidden() => {
                    let why = "it may not be deleted by this user; no data is on it";
                    return Ok(self.leave(id, Left::because(why), live));
                }
                deleted => return deleted,
            }
        }
        Ok((WriteResult::Unchanged, None))
    }

    /// Deletes what the run has made of the hook `id`.
    pub(super) async fn discard(&self, id: &ObjectId) -> Result<WriteOutcome, RequestError> {
        match self.context.journal.uid_written(id) {
            Some(uid) => {
                self.delete(id, &uid, Belongings::Go, id.is_container())
                    .await
            }
            None => Ok((WriteResult::Unchanged, self.read(id).await?)),
        }
    }

    /// Whether others have taken over `id`, which is not wanted any more and is `live` now, since it
    /// was decided that it goes. What is created anew has to go in any case.
    fn is_handed_over(&self, id: &ObjectId, live: &Value) -> bool {
        let apply = self.context.apply.as_ref();
        let is_unwanted = apply.is_some_and(|apply| !apply.desired.objects.contains_key(id));
        let decided = self.context.live.object(id);
        is_unwanted && decided.is_some_and(|decided| is_handed_over(decided, live, &self.manager))
    }

    /// Deletes `id` as it was seen to be.
    async fn delete_seen(
        &self,
        id: &ObjectId,
        uid: &str,
        belongings: Belongings,
        seen: &Value,
    ) -> Result<WriteOutcome, RequestError> {
        let dependents = self.dependents_that_go(id, seen, belongings).await?;
        let version = ManifestView(seen).resource_version();
        let options = DeleteOptions {
            uid: Some(uid.to_owned()),
            resource_version: Some(version.unwrap_or_default().to_owned()),
            propagation: Some(propagation(id, belongings)),
        };
        let cluster = &self.context.cluster;
        let deleted = cluster.delete(self.stored_as(id), id, &options).await?;
        self.note_removed(id);
        if let Some(dependents) = dependents {
            self.delete_dependents(id, uid, &dependents).await?;
            return Ok((WriteResult::Deleted, None));
        }
        let terminating = match deleted {
            Deleted::Terminating(object) => Some(object),
            Deleted::Gone | Deleted::Absent => None,
        };
        Ok((WriteResult::Deleted, terminating))
    }

    fn leave(&self, id: &ObjectId, why: Left, live: Value) -> WriteOutcome {
        self.context.journal.leave(id, why);
        (WriteResult::Kept, Some(live))
    }

    /// Why `id`, which is `live`, is not deleted with what is in it; `None` where nothing is. What
    /// cannot be looked into is not deleted.
    async fn holds(&self, id: &ObjectId, live: &Value) -> Result<Option<Left>, RequestError> {
        if id.is_claim() {
            let why = "it got a volume, and holds data";
            return Ok((!is_unbound_claim(live)).then(|| Left::because(why)));
        }
        if id.is_secret() {
            let left = self.context.journal.left().into_keys();
            let mut claims = left.filter(|left| left.is_claim() && left.namespace == id.namespace);
            let why = |claim| Left::because(format!("{claim}, which is kept, may need it"));
            return Ok(claims.next().map(why));
        }
        let (cluster, served) = (&self.context.cluster, self.context.kinds.served);
        match contents::held_by(cluster, served, id, live, &self.manager).await {
            Err(RequestError::Refused(refusal)) => Ok(Some(Left::because(format!(
                "its contents cannot be listed: {refusal}"
            )))),
            held => held,
        }
    }

    fn note_removed(&self, id: &ObjectId) {
        self.context.journal.note(JournalEntry::Removed {
            object: id.clone(),
            deleted: true,
        });
    }

    /// Takes our mark off `id`, which others hold too.
    pub(super) async fn give_up(&self, id: &ObjectId) -> Result<WriteOutcome, RequestError> {
        let label = self.context.release.label();
        let resource = self.stored_as(id);
        let live: Option<Value> = self
            .context
            .cluster
            .get(resource, id.namespace.as_deref(), &id.name)
            .await?;
        self.patch_until_done(id, resource, live.as_ref(), |live| {
            give_up_object(live, &self.manager, &label)
        })
        .await?;
        self.context.journal.note(JournalEntry::Removed {
            object: id.clone(),
            deleted: false,
        });
        Ok((WriteResult::GivenUp, live))
    }
}

/// How what belongs to `id` is deleted with it.
pub(super) fn propagation(id: &ObjectId, belongings: Belongings) -> Propagation {
    match belongings {
        Belongings::Stay | Belongings::ClaimsStay | Belongings::TakenOverStays => {
            Propagation::Orphan
        }
        // So that a deletion that is over is over for all of it.
        Belongings::Go if owns_others(id) => Propagation::Foreground,
        Belongings::Go => Propagation::Background,
    }
}

/// Whether other objects may belong to `id`: workloads have pods, and nobody knows what a custom
/// resource has.
fn owns_others(id: &ObjectId) -> bool {
    match id.group.as_str() {
        "apps" | "batch" => true,
        group => group.contains('.') && !group.ends_with(".k8s.io"),
    }
}
