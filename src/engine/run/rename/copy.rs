//! What is stored of a release under its new name.

use std::collections::HashMap;

use serde_json::Value;

use super::Rename;
use crate::engine::{desired::DesiredObject, observe::history::ReleaseHistory};
use crate::{
    object::{Digest, ObjectId},
    release::{ChangeLog, Head, JournalEntry, ObjectRecord, Revision, StoreError},
};

impl Rename<'_> {
    /// Stores every revision under the new name, the newest first, which says that none of them is to
    /// be used yet. Returns the digests of what is wanted by the one that is deployed.
    pub(super) async fn copy(&self, history: &ReleaseHistory) -> Result<Digests, StoreError> {
        let deployed = history.deployed().map(|revision| revision.number);
        let newest = history.newest().map(|head| head.revision.number);
        let mut digests = Digests::default();
        for head in history.heads.iter().rev() {
            let wanted = self.copy_wanted(&head.revision).await?;
            if Some(head.revision.number) == deployed {
                digests = wanted.digests;
            }
            let mut revision = self.copied(&head.revision).await?;
            for (phase, names) in revision.phases.iter_mut().zip(wanted.names) {
                phase.wanted = names;
            }
            if Some(head.revision.number) == newest {
                revision.traces = self.copy_traces(head).await?;
                revision.incomplete = true;
                revision.format = Revision::FORMAT;
            }
            self.to.1.create_copy(self.from.1, head, revision).await?;
        }
        Ok(digests)
    }

    /// Says in the newest copy what is remembered of the objects, as `answers` show them: from now on
    /// the new name is in use.
    pub(super) async fn commit(
        &self,
        history: &ReleaseHistory,
        digests: &Digests,
        answers: &HashMap<ObjectId, Value>,
    ) -> Result<(), StoreError> {
        let to = self.to.1;
        let records = self.records(history, digests, answers);
        let records = to.write(&to.pack(&records)).await?;
        let Some(mut copy) = to.heads().await?.pop() else {
            return Ok(());
        };
        copy.revision.records = records;
        copy.revision.incomplete = false;
        copy.revision.format = history
            .newest()
            .map_or(copy.revision.format, |head| head.revision.format);
        to.update(&mut copy).await
    }

    /// What the runs before the one of `head`, and it itself, did, under the new name: a way back
    /// compares objects as wholes, since what they changed tells of the old label.
    async fn copy_traces(&self, head: &Head) -> Result<Vec<String>, StoreError> {
        let (from, to) = (self.from.1, self.to.1);
        let mut traces: ChangeLog = from.read(&head.revision.traces).await?;
        for entry in from.journal(head).await? {
            if let JournalEntry::Wrote {
                object,
                created: false,
                ..
            } = &entry
            {
                traces.of(object).unconfirmed = true;
            }
        }
        if traces.is_empty() {
            return Ok(Vec::new());
        }
        to.write(&to.pack(&traces)).await
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
            renamed_from: Some(self.from.0.clone()),
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
pub(super) type Digests = HashMap<ObjectId, (Digest, Digest)>;

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
