//! What the revisions of a release left, and what an unsettled one did.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    cluster::{Live, Resource, Served},
    engine::observe::unconfirmed_writes::{self, Evidence},
    event::RunOutcome,
    object::{HasKind as _, ObjectId},
    plan::PhaseId,
    release::{
        ChangeLog, Head, Operation, Program, Records, Revision, Snapshot, Store, StoreError, Work,
    },
};

/// What the revisions before left.
#[derive(Default)]
pub(crate) struct ReleaseHistory {
    /// All revisions, oldest first.
    pub(crate) heads: Vec<Head>,
    /// What is remembered of the release's objects.
    pub(crate) records: Records,
    /// What an interrupted or failed revision, the newest, had done.
    pub(crate) unsettled: Option<UnsettledRevision>,
}

/// What a revision did that is neither completed nor rolled back.
#[derive(Default)]
pub(crate) struct UnsettledRevision {
    /// What was there before it.
    pub(crate) snapshot: Snapshot,
    /// What it did, as far as is known.
    pub(crate) traces: ChangeLog,
    /// What is stored of that: the rest was concluded from what is there now.
    pub(crate) told: ChangeLog,
    /// What it was going to do.
    pub(crate) program: Program,
    /// What was remembered before it.
    pub(crate) records: Records,
    /// Objects that its own journal tells of, not those of the runs that it goes on from.
    pub(crate) journalled: BTreeSet<ObjectId>,
}

/// The revision whose wanted objects are what is deployed, wholly or in part: the newest of
/// `heads`, which are those of one release, oldest first, or the last good one where that was
/// rolled back.
fn deployed(heads: &[Head]) -> Option<&Head> {
    let newest = heads.last()?;
    if newest.revision.outcome != RunOutcome::RolledBack {
        return Some(newest);
    }
    succeeded(heads)
}

/// The newest of `heads`, oldest first, that was good.
fn succeeded(heads: &[Head]) -> Option<&Head> {
    heads
        .iter()
        .rev()
        .find(|head| head.revision.outcome == RunOutcome::Succeeded)
}

/// When `revision` began, or the first of those of `heads` did that it goes on from.
pub(crate) fn began(revision: &Revision, heads: &[Head]) -> Timestamp {
    let mut first = revision;
    while let Some(before) = first.continues {
        match heads.iter().find(|head| head.revision.number == before) {
            Some(head) => first = &head.revision,
            None => break,
        }
    }
    first.started
}

/// Whether anything is deployed of the release that `heads` are of, oldest first, as far as they
/// tell.
pub(crate) fn is_deployed(heads: &[Head]) -> bool {
    deployed(heads).is_some_and(|head| !head.revision.is_taken_down())
}

impl ReleaseHistory {
    /// Reads what `store` holds of the release.
    pub(crate) async fn read(store: &Store) -> Result<Self, StoreError> {
        let heads = store.heads().await?;
        let Some(newest) = heads.last() else {
            return Ok(Self::default());
        };
        let records = store.records(newest).await?;
        let unsettled = if newest.revision.is_settled() {
            None
        } else {
            Some(UnsettledRevision::read(store, newest).await?)
        };
        Ok(Self {
            heads,
            records,
            unsettled,
        })
    }

    /// Reads what `store` holds for those who only look: of an unsettled revision what it did, where
    /// its run has not come to its end. Where that cannot be read, all else is shown.
    pub(crate) async fn read_to_show(store: &Store) -> Result<Self, StoreError> {
        let heads = store.heads().await?;
        let Some(newest) = heads.last() else {
            return Ok(Self::default());
        };
        let unsettled = match newest.revision.finished {
            None => UnsettledRevision::read(store, newest).await.ok(),
            Some(_) => None,
        };
        Ok(Self {
            records: store.records(newest).await?,
            unsettled,
            heads,
        })
    }

    /// Reads of the newest revision, which was good, what it did: it is to be taken back.
    pub(crate) async fn reopen(&mut self, store: &Store) -> Result<(), StoreError> {
        if let (Some(newest), None) = (self.heads.last(), &self.unsettled) {
            self.unsettled = Some(UnsettledRevision::read(store, newest).await?);
        }
        Ok(())
    }

    /// The newest revision.
    pub(crate) fn newest(&self) -> Option<&Head> {
        self.heads.last()
    }

    /// The revisions that began to take the release down and did not come to their end: the newest, and
    /// those that it goes on from.
    pub(crate) fn removing(&self) -> Vec<&Head> {
        let mut removing = Vec::new();
        let mut next = self.newest().filter(|_| self.unsettled.is_some());
        while let Some(head) = next.filter(|it| it.revision.by.operation == Operation::Remove) {
            removing.push(head);
            let before = head.revision.continues;
            let is_before = |it: &&Head| Some(it.revision.number) == before;
            next = self.heads.iter().find(is_before);
        }
        removing
    }

    /// What the newest revision did, where its run never came to its end.
    pub(crate) fn interrupted(&self) -> Option<&UnsettledRevision> {
        self.unsettled.as_ref().filter(|_| {
            self.newest()
                .is_some_and(|newest| newest.revision.finished.is_none())
        })
    }

    /// The revision whose wanted objects are what is deployed, wholly or in part: the newest, or
    /// the last good one where that was rolled back.
    pub(crate) fn deployed(&self) -> Option<&Revision> {
        deployed(&self.heads).map(|head| &head.revision)
    }

    /// Whether the release has taken over objects that were there before it, but for what it only
    /// marks, and what every namespace has.
    pub(crate) fn has_found(&self) -> bool {
        let is_taken_over = |id: &ObjectId| !id.is_container() && !id.is_made_by_the_system();
        let mut records = self.records.sorted().into_iter();
        records.any(|record| record.found && is_taken_over(&record.id))
    }

    /// The newest revision that was good: what a rollback of what came after it goes back to.
    pub(crate) fn succeeded(&self) -> Option<&Revision> {
        succeeded(&self.heads).map(|head| &head.revision)
    }

    /// The objects that revisions before have touched, each as it is read: what is to be looked at
    /// beside what is wanted.
    pub(crate) fn touched(&self, served: &Served) -> Vec<(ObjectId, Resource)> {
        let records = self
            .records
            .sorted()
            .into_iter()
            .map(|record| (record.id.clone(), Some(record.api_version.as_str())));
        let unsettled = self
            .unsettled
            .iter()
            .flat_map(UnsettledRevision::ids)
            .map(|id| (id.clone(), None));
        let mut known = BTreeSet::new();
        let all = records
            .chain(unsettled)
            .filter(|(id, _)| known.insert(id.clone()));
        all.filter_map(|(id, api_version)| {
            let exact = api_version.and_then(|api_version| served.exact(api_version, &id.kind));
            let resource = exact
                .or_else(|| served.preferred(&id.group, &id.kind))?
                .clone();
            Some((id, resource))
        })
        .collect()
    }

    /// What an unsettled revision may have touched of kinds that are not served, with the definitions
    /// that it has touched: the API server takes a moment until it says that it serves what was
    /// defined just now.
    pub(crate) fn undefined(&self, served: &Served) -> BTreeSet<&ObjectId> {
        let ids = || self.unsettled.iter().flat_map(UnsettledRevision::ids);
        let is_unserved = |id: &&ObjectId| served.preferred(&id.group, &id.kind).is_none();
        if !ids().any(|id| is_unserved(&id)) {
            return BTreeSet::new();
        }
        ids()
            .filter(|id| id.is_definition() || is_unserved(id))
            .collect()
    }

    /// An object that an unsettled revision may have touched, and that is not selected, by itself or
    /// by the phase that it belongs to, as far as that is known.
    pub(crate) fn touched_beyond(
        &self,
        is_selected: impl Fn(&ObjectId, &PhaseId) -> bool,
    ) -> Option<&ObjectId> {
        let unsettled = self.unsettled.as_ref()?;
        let phase = |id| self.phase_of(unsettled, id).unwrap_or(&PhaseId::Unassigned);
        unsettled.ids().find(|id| !is_selected(id, phase(id)))
    }

    /// The phase in which `unsettled` touched `id`, or to which it belongs.
    fn phase_of<'a>(
        &'a self,
        unsettled: &'a UnsettledRevision,
        id: &ObjectId,
    ) -> Option<&'a PhaseId> {
        let steps = unsettled
            .program
            .steps
            .iter()
            .filter(|step| step.phase != PhaseId::Prune);
        let written = steps
            .filter(|step| step.work.writes() == Some(id))
            .map(|step| &step.phase)
            .next();
        let record = || unsettled.records.get(id).or_else(|| self.records.get(id));
        written.or_else(|| record().map(|record| &record.phase))
    }

    /// Works out from `live` which writes of an unsettled revision were done although nobody saw
    /// their answer.
    pub(crate) fn complete(&mut self, live: &Live, manager: &str) {
        if let Some(unsettled) = &mut self.unsettled {
            let UnsettledRevision {
                snapshot,
                traces,
                program,
                ..
            } = unsettled;
            unconfirmed_writes::complete(
                traces,
                |_| true,
                &Evidence {
                    program,
                    snapshot,
                    live,
                    records: &self.records,
                    manager,
                },
            );
        }
    }
}

impl UnsettledRevision {
    async fn read(store: &Store, head: &Head) -> Result<Self, StoreError> {
        let mut traces: ChangeLog = store.read(&head.revision.traces).await?;
        let journal = store.journal(head).await?;
        traces.extend(&journal);
        let records: Vec<_> = store.read(&head.revision.base).await?;
        Ok(Self {
            snapshot: store.read(&head.revision.snapshot).await?,
            program: store.read(&head.revision.program).await?,
            records: records.into_iter().collect(),
            told: traces.clone(),
            traces,
            journalled: journal.iter().map(|entry| entry.object().clone()).collect(),
        })
    }

    /// What it did, for a run that goes on from it: what it was going to create and nobody has seen may
    /// still come, since a request that was under way when it was killed takes effect when it does.
    pub(crate) fn carried_on(&self) -> ChangeLog {
        let mut traces = self.traces.clone();
        let is_absent =
            |id: &&ObjectId| self.snapshot.knows(id) && self.snapshot.object(id).is_none();
        for id in self.program.written().filter(is_absent) {
            if traces.get(id).is_none() {
                traces.of(id).unconfirmed = true;
            }
        }
        traces
    }

    /// The phase of `id`, where that is known: the one in which it was applied, or was before.
    pub(crate) fn phase_of(&self, id: &ObjectId) -> PhaseId {
        let applied = self
            .program
            .steps
            .iter()
            .find(|step| matches!(&step.work, Work::Apply { object, .. } if object == id));
        let phase = applied
            .map(|step| &step.phase)
            .or_else(|| self.records.get(id).map(|record| &record.phase));
        phase.cloned().unwrap_or(PhaseId::Unassigned)
    }

    /// Whether `id` was there before it, and not made by the release.
    pub(crate) fn found(&self, id: &ObjectId) -> bool {
        self.snapshot.object(id).is_some()
            && self.records.get(id).is_none_or(|record| !record.created)
    }

    /// Whether it may have written `id`.
    pub(crate) fn may_have_touched(&self, id: &ObjectId) -> bool {
        self.ids().any(|touched| touched == id)
    }

    /// The objects that it may have touched.
    fn ids(&self) -> impl Iterator<Item = &ObjectId> {
        self.program
            .written()
            .chain(self.traces.iter().map(|(id, _)| id))
    }
}
