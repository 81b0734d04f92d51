//! Server-side apply of an object as it is wanted, with what has to be taken over or handed over
//! first.

use std::{
    borrow::Cow,
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::Value;

use super::{
    ApplyContext, CONFLICTS, KNOWN_WITHIN, SERVED_WITHIN, WriteOutcome, Writer, again_while,
    is_outdated, stuck::is_broken,
};
use crate::{
    cluster::{Applied, Force, RequestError, Resource, Seen},
    engine::desired::DesiredObject,
    event::WriteResult,
    object::{HasKind as _, ManifestView, ObjectId, field::integer},
    ownership::{
        ChangedPath, Path, adoption, changed_paths, clearing, give_up, give_up_filled_in,
        give_up_ignored, has_managers, hold, is_created_by, is_ignored, is_ours, other_releases,
    },
    preflight::{RunObjects, is_undecided},
    release::{JournalEntry, ObjectRecord},
};

/// Makes a JSON patch of an object; `None` where it needs none.
type Patch<'a> = &'a (dyn Fn(&Value) -> Option<Value> + Sync);

impl Writer<'_> {
    /// Applies `id` as wanted, and takes away what is at the paths `cleared`.
    pub(super) async fn apply(
        &self,
        id: &ObjectId,
        force: bool,
        cleared: &[Path],
    ) -> Result<WriteOutcome, RequestError> {
        let resource = &self.context.kinds.resources[id];
        // An object that the run deletes before it applies it anew is not there any more, nor is
        // one that was on its way out and awaited.
        let before = self
            .context
            .live
            .object(id)
            .map(AsRef::as_ref)
            .filter(|there| self.is_to_be_changed(id, there));
        if before.is_some() {
            self.settle_owners(id, resource, before, cleared).await?;
        }
        let applied = self.send(id, force, cleared, before).await?;
        let answer = applied.object;
        // Where the answer to creating it was lost, the same request again is answered as a change.
        // A request that was sent only once and changed something met with somebody else's object.
        let created = before.is_none()
            && (applied.created || applied.maybe_before && is_created_by(&answer, &self.manager));
        // What is still to be given up would be taken for what was wanted, were the run killed before.
        let is_whole = self.given_up(id, &answer).is_none();
        let is_found = |there: &Value| {
            !is_ours(there, &self.manager) && other_releases(there, &self.manager).is_empty()
        };
        let record = self.record(id, &answer).filter(|_| is_whole);
        let record = record.map(|record| ObjectRecord {
            found: before.is_some_and(is_found),
            ..record
        });
        let changed = if created {
            Vec::new()
        } else {
            self.changes(id, resource, before, &answer).await?
        };
        let result = result(before, &answer, created);
        if result != WriteResult::Unchanged || record.is_some() {
            let uid = ManifestView(&answer).uid().unwrap_or_default().to_owned();
            self.context.journal.note(JournalEntry::Wrote {
                object: id.clone(),
                uid,
                created,
                changed,
                record,
                owner: None,
            });
        }
        if result == WriteResult::Changed
            && before.is_some_and(|before| id.is_stateful_set() && !all_ready(before))
        {
            self.delete_stuck_pods(id, &answer, is_broken).await?;
        }
        let answer = self.give_up_initial(id, resource, answer).await?;
        Ok((result, Some(answer)))
    }

    /// What is to be remembered of `answer`, the API server's answer to applying `id`.
    fn record(&self, id: &ObjectId, answer: &Value) -> Option<ObjectRecord> {
        let wanted = &self.apply_context().desired.objects[id];
        let sent = (wanted.sent(), wanted.digest());
        let record = ObjectRecord::of_answer(id, &wanted.phase, sent, answer, &self.manager)?;
        Some(ObjectRecord {
            created: self.was_created(id, &record.uid),
            unread_by: wanted.unread_by.clone(),
            ..record
        })
    }

    /// Gives up what others decide about of `created`, which has it from the manifest. Returns the
    /// object as it is then.
    async fn give_up_initial(
        &self,
        id: &ObjectId,
        resource: &Resource,
        created: Value,
    ) -> Result<Value, RequestError> {
        let patch = |live: &Value| self.given_up(id, live);
        let there = Some(&created);
        let Some(patched) = self.patch_until_done(id, resource, there, patch).await? else {
            return Ok(created);
        };
        self.context.journal.note(JournalEntry::Wrote {
            object: id.clone(),
            uid: ManifestView(&patched).uid().unwrap_or_default().to_owned(),
            created: false,
            changed: Vec::new(),
            record: self.record(id, &patched),
            owner: None,
        });
        Ok(patched)
    }

    /// The patch that gives up what others decide about of `id`.
    fn given_up(&self, id: &ObjectId, live: &Value) -> Option<Value> {
        let wanted = &self.apply_context().desired.objects[id];
        let bodies = (&*wanted.initial(None), wanted.sent());
        give_up_ignored(live, &self.manager, wanted.ignored(), bodies)
    }

    /// Sends `id` as wanted; what a definition of this run defines, as soon as it is served.
    async fn send(
        &self,
        id: &ObjectId,
        force: bool,
        cleared: &[Path],
        before: Option<&Value>,
    ) -> Result<Applied, RequestError> {
        let (cluster, resource) = (&self.context.cluster, &self.context.kinds.resources[id]);
        let wanted = &self.apply_context().desired.objects[id];
        let force = if force || self.apply_context().force_conflicts {
            Force::Yes
        } else {
            Force::No
        };
        let body = match (before, self.context.live.seen(id)) {
            (None, Seen::Absent) => wanted.initial(None),
            (None, Seen::Present(predecessor)) => wanted.initial(Some(predecessor)),
            // What may not be looked at may be there.
            _ => Cow::Borrowed(wanted.sent()),
        };
        let body = guarded(&clearing(&body, cleared), before);
        // Also an attempt that ended with a refusal may have been carried out before that.
        let maybe_before = AtomicBool::new(false);
        let attempt = || async {
            let mut applied = cluster
                .apply(resource, id, &body, &self.manager, force)
                .await;
            match &mut applied {
                Ok(applied) => applied.maybe_before |= maybe_before.load(Ordering::Relaxed),
                Err(error) if error.may_be_done() => maybe_before.store(true, Ordering::Relaxed),
                Err(_) => {}
            }
            applied
        };
        let is_defined_here = self
            .apply_context()
            .desired
            .defined_here(&wanted.object)
            .is_some();
        let may_pass = |error: &RequestError| {
            is_defined_here && error.is_absent()
                || self.is_of_run(id, error)
                || self.is_freed_just_now(error)
        };
        let within = if is_defined_here {
            SERVED_WITHIN
        } else {
            KNOWN_WITHIN
        };
        again_while(may_pass, within, attempt).await
    }

    /// Whether `error` is a refusal for a port or an address, and the run has deleted something that
    /// may have had it: that is not free at once.
    /// <https://github.com/kubernetes/kubernetes/issues/73140>
    fn is_freed_just_now(&self, error: &RequestError) -> bool {
        let RequestError::Refused(refusal) = error else {
            return false;
        };
        refusal.message.contains("already allocated") && self.context.journal.has_deleted()
    }

    /// Whether `error` is a refusal for something of the same run that the API server may not know
    /// yet.
    fn is_of_run(&self, id: &ObjectId, error: &RequestError) -> bool {
        let RequestError::Refused(refusal) = error else {
            return false;
        };
        let wanted = &self.apply_context().desired.objects;
        let objects: Vec<_> = wanted.values().map(|wanted| &wanted.object).collect();
        let run = RunObjects {
            wanted: objects.clone(),
            written: objects,
            // The API server learns of a change to them a little later.
            rewritten: self
                .apply_context()
                .dead_webhooks
                .iter()
                .filter_map(|id| Some(self.context.live.object(id)?.as_ref()))
                .collect(),
        };
        is_undecided(&wanted[id].object, refusal, &run)
    }

    /// Whether an interrupted run, which this one goes on from, created the object that has `uid`,
    /// or created it again in the place of one that the release had created.
    fn was_created(&self, id: &ObjectId, uid: &str) -> bool {
        let Some(trace) = self.context.changes.get(id) else {
            return false;
        };
        let predecessor = || self.apply_context().base?.get(id);
        let is_successor = trace.recreated.as_deref() == Some(uid);
        trace.created.iter().any(|created| created == uid)
            || is_successor && predecessor().is_some_and(|record| record.created)
    }

    /// Whether `there`, which was seen as `id`, is what an apply changes.
    fn is_to_be_changed(&self, id: &ObjectId, there: &Value) -> bool {
        !self.context.journal.was_deleted(id) && !ManifestView(there).is_terminating()
    }

    fn apply_context(&self) -> &ApplyContext<'_> {
        self.context
            .apply
            .as_ref()
            .expect("only programs that bring what is wanted apply it")
    }

    /// What `answer`, the result of writing `id`, changed of what was there `before`.
    async fn changes(
        &self,
        id: &ObjectId,
        resource: &Resource,
        before: Option<&Value>,
        answer: &Value,
    ) -> Result<Vec<ChangedPath>, RequestError> {
        let stored_as = self.stored_as(id);
        if stored_as == resource {
            return Ok(before
                .map(|before| self.changed_paths(id, before, answer))
                .unwrap_or_default());
        }
        // What is compared with the snapshot, and put back, is the version that the object is
        // stored in.
        let before = self.context.snapshot.object(id);
        let after = self.read(id).await?;
        // That version may have ceased to be served by this very run.
        let after = after.as_ref().unwrap_or(answer);
        Ok(before
            .map(|before| self.changed_paths(id, before, after))
            .unwrap_or_default())
    }

    /// What a write of ours changed of `id`: whatever has changed of what others decide about was
    /// changed by them.
    fn changed_paths(&self, id: &ObjectId, before: &Value, after: &Value) -> Vec<ChangedPath> {
        let mut changed = changed_paths(before, after);
        let apply = self.context.apply.as_ref();
        let ignored = apply
            .and_then(|apply| apply.desired.objects.get(id))
            .map_or(&[][..], DesiredObject::ignored);
        changed.retain(|change| {
            let is_of = |object| is_ignored(&change.path, ignored, object);
            !is_of(before) && !is_of(after)
        });
        changed
    }

    /// Applies an object of which nobody knows who owns what: from then on the API server knows,
    /// and takes all that was there for that of somebody who was there before, to be taken over
    /// next. Nobody's field is forced for it. Returns the object as it is stored then.
    async fn initialise_managed_fields(
        &self,
        id: &ObjectId,
        resource: &Resource,
        wanted: &DesiredObject,
        before: Option<&Value>,
    ) -> Result<Option<Value>, RequestError> {
        // All that stands in a Namespace beside labels is the system's, and must not go.
        if before.is_none_or(has_managers) || id.is_namespace() {
            return Ok(None);
        }
        let applied = self
            .context
            .cluster
            .apply(
                resource,
                id,
                &guarded(wanted.sent(), before),
                &self.manager,
                Force::Yes,
            )
            .await?;
        let changed = self.changes(id, resource, before, &applied.object).await?;
        let uid = ManifestView(&applied.object)
            .uid()
            .unwrap_or_default()
            .to_owned();
        self.context.journal.note(JournalEntry::Wrote {
            object: id.clone(),
            uid,
            created: false,
            changed,
            record: None,
            owner: None,
        });
        Ok(Some(applied.object))
    }

    /// Brings the owners of what is there to where an apply does what is meant: what is no longer
    /// wanted really goes, and what others decide about stays. One patch after the other, each of
    /// what the one before has left: what was taken over may have to be given up.
    async fn settle_owners(
        &self,
        id: &ObjectId,
        resource: &Resource,
        before: Option<&Value>,
        cleared: &[Path],
    ) -> Result<(), RequestError> {
        let wanted = &self.apply_context().desired.objects[id];
        let manager: &str = &self.manager;
        let taken_over = |live: &Value| adoption(live, manager);
        let replicas = |live: &Value| {
            let is_scaled = wanted.scaled_by_others;
            is_scaled.then(|| give_up(live, manager, &["spec", "replicas"]))?
        };
        let filled_in = |live: &Value| give_up_filled_in(live, wanted.sent(), manager);
        let ignored = |live: &Value| self.given_up(id, live);
        let in_the_way = |live: &Value| hold(live, manager, cleared);
        let patches: [Patch<'_>; 5] = [&taken_over, &replicas, &filled_in, &ignored, &in_the_way];
        let mut live = self
            .initialise_managed_fields(id, resource, wanted, before)
            .await?;
        for patch in patches {
            let there = live.as_ref().or(before);
            let patched = self.patch_until_done(id, resource, there, patch).await?;
            live = patched.or(live);
        }
        Ok(())
    }

    /// Sends the JSON patch that `patch` makes of the object, and makes it anew where somebody has
    /// written the object in between. Returns the object as it is then, where it was patched.
    pub(super) async fn patch_until_done(
        &self,
        id: &ObjectId,
        resource: &Resource,
        before: Option<&Value>,
        patch: impl Fn(&Value) -> Option<Value>,
    ) -> Result<Option<Value>, RequestError> {
        let mut live = before.cloned();
        for attempt in 1.. {
            let Some(there) = &live else { return Ok(None) };
            let Some(body) = patch(there) else {
                return Ok(None);
            };
            match self
                .context
                .cluster
                .json_patch(resource, id, &body, &self.manager)
                .await
            {
                Ok(answer) => {
                    let changed = self.changes(id, resource, Some(there), &answer).await?;
                    let uid = ManifestView(&answer).uid().unwrap_or_default().to_owned();
                    let record = None;
                    self.context.journal.note(JournalEntry::Wrote {
                        object: id.clone(),
                        uid,
                        created: false,
                        changed,
                        record,
                        owner: None,
                    });
                    return Ok(Some(answer));
                }
                Err(error) if attempt < CONFLICTS && is_outdated(&error) => {
                    live = self
                        .context
                        .cluster
                        .get(resource, id.namespace.as_deref(), &id.name)
                        .await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

/// Whether all replicas of `workload` were ready when it was looked at.
fn all_ready(workload: &Value) -> bool {
    let ready = integer(workload, "/status/readyReplicas").unwrap_or(0);
    ready >= integer(workload, "/spec/replicas").unwrap_or(1)
}

/// `sent`, to be taken only where the object of `before` is still there: a uid makes the API server
/// refuse to create it again.
fn guarded(sent: &Value, before: Option<&Value>) -> Value {
    let mut body = sent.clone();
    if let Some(before) = before {
        body["metadata"]["uid"] = ManifestView(before).uid().unwrap_or_default().into();
    }
    body
}

fn result(before: Option<&Value>, answer: &Value, created: bool) -> WriteResult {
    let version = |object| ManifestView(object).resource_version();
    if created {
        WriteResult::Created
    } else if before.is_some_and(|before| version(before) == version(answer)) {
        WriteResult::Unchanged
    } else {
        WriteResult::Changed
    }
}
