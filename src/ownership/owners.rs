//! The owners that an object that is put back gets, composed of those before and those since.

use serde_json::Value;

use super::{
    adoptable::is_of_kubectl_apply, entries::Entry, fields::Fields, path::Path, sides::Sides,
};
use crate::object::ManifestView;

/// What the `managedFields` of an object that is put back are composed of.
pub(super) struct Owners<'a> {
    /// The object as it was and as it is.
    pub(super) sides: &'a Sides<'a>,
    /// The object as it will be.
    pub(super) content: &'a Value,
    /// The changed paths that will hold the snapshot's values.
    pub(super) restored: Vec<&'a Path>,
    /// The changed paths that will not.
    pub(super) stayed: Vec<&'a Path>,
}

impl<'a> Owners<'a> {
    /// The entries to set.
    ///
    /// - Others keep what they hold, and get back what they held of the restored paths, and what we
    ///   took from them without changing it (adoption does).
    /// - We hold what we held, without what has another value now. Where the object was ours, we go
    ///   on holding our part of what stays.
    /// - Entries of ours that the snapshot does not have vanish, also the one that an interrupted
    ///   restoration leaves.
    /// - Paths of another version of the API than the object's mean nothing here: such an entry of
    ///   ours becomes what it was, others' stay as they are, or come back whole where they are
    ///   gone.
    pub(super) fn composed(&self) -> Vec<Entry<'a>> {
        let others = self.sides.now.iter().filter(|entry| !self.is_ours(entry));
        let gone = self
            .sides
            .before
            .iter()
            .filter(|entry| !self.is_ours(entry) && find(&self.sides.now, entry).is_none());
        let ours = self.sides.before.iter().filter(|entry| self.is_ours(entry));
        let kept = others
            .map(|entry| self.kept(entry))
            .chain(gone.map(|entry| self.returned(entry)));
        let mut composed: Vec<Entry<'a>> = kept
            .chain(ours.map(|entry| self.ours(entry)))
            .filter(|entry| !entry.fields().is_empty())
            .collect();
        // The API server made such an entry up when we applied to an object that nobody managed.
        let is_made_up = |entry: &Entry<'_>| is_of_kubectl_apply(entry.manager());
        if self.sides.before.is_empty() && composed.iter().all(is_made_up) {
            composed.clear();
        }
        composed
    }

    /// An entry of another manager that is there now.
    fn kept(&self, now: &Entry<'a>) -> Entry<'a> {
        if self.is_of_other_version(now) {
            return now.clone();
        }
        let Some(before) = find(&self.sides.before, now) else {
            return now.with_fields(self.existing(now));
        };
        let returned = self
            .held_again(before)
            .filter(|path| !now.fields().contains(path))
            .cloned();
        let fields: Fields = self.existing(now).iter().cloned().chain(returned).collect();
        if fields == *before.fields() {
            before.clone()
        } else {
            now.with_fields(fields)
        }
    }

    /// An entry of another manager that is gone altogether.
    fn returned(&self, before: &Entry<'a>) -> Entry<'a> {
        if self.is_of_other_version(before) {
            return before.clone();
        }
        // An apply that followed the adoption has let go of what it did not send: then nothing
        // shows any more whose it was.
        let is_adopted = self.sides.is_adopted(before);
        let adopted = before.fields().iter().filter(|path| {
            is_adopted && self.is_as_before(path) && !self.sides.is_taken_by_others(path)
        });
        before.with_fields(self.held_again(before).chain(adopted).cloned().collect())
    }

    /// An entry of ours.
    fn ours(&self, before: &Entry<'a>) -> Entry<'a> {
        if self.is_of_other_version(before) {
            return before.clone();
        }
        let stays = |path: &&Path| self.stayed.iter().any(|stayed| path.is_within(stayed));
        let now = find(&self.sides.now, before);
        let shared = now
            .into_iter()
            .flat_map(|now| now.fields().iter().filter(stays));
        let held = before
            .fields()
            .iter()
            .filter(|path| self.is_as_before(path));
        let fields: Fields = held.chain(shared).cloned().collect();
        if fields == *before.fields() {
            before.clone()
        } else {
            now.unwrap_or(before).with_fields(fields)
        }
    }

    /// What `now` holds, without what the restoration takes away.
    fn existing(&self, now: &Entry<'_>) -> Fields {
        let goes =
            |path: &&Path| path.get(self.sides.live).is_some() && path.get(self.content).is_none();
        now.fields()
            .iter()
            .filter(|path| !goes(path))
            .cloned()
            .collect()
    }

    /// What another manager held in `before` and holds again: it has the value of then, and was
    /// changed or taken over by us.
    fn held_again<'b>(&self, before: &'b Entry<'_>) -> impl Iterator<Item = &'b Path> {
        before.fields().iter().filter(|path| {
            self.is_as_before(path) && (self.is_restored(path) || self.is_taken_over(path))
        })
    }

    /// Whether `path` has the value that it had. For what has parts that others hold, being there
    /// is all that can be held.
    fn is_as_before(&self, path: &Path) -> bool {
        let (was, will_be) = (path.get(self.sides.snapshot), path.get(self.content));
        if self.sides.shape.is_branch(path) {
            was.is_some() == will_be.is_some()
        } else {
            was == will_be
        }
    }

    fn is_restored(&self, path: &Path) -> bool {
        self.restored
            .iter()
            .any(|restored| path.is_within(restored) || restored.is_within(path))
    }

    /// Whether we hold `path` now and did not.
    fn is_taken_over(&self, path: &Path) -> bool {
        let holds = |entries: &[Entry<'_>]| {
            entries
                .iter()
                .any(|entry| self.is_ours(entry) && entry.fields().contains(path))
        };
        holds(&self.sides.now) && !holds(&self.sides.before)
    }

    fn is_ours(&self, entry: &Entry<'_>) -> bool {
        entry.manager() == self.sides.manager
    }

    fn is_of_other_version(&self, entry: &Entry<'_>) -> bool {
        entry.api_version() != ManifestView(self.sides.live).api_version()
    }
}

/// Whether both hold the same, whatever their order and times.
pub(super) fn is_same(left: &[Entry<'_>], right: &[Entry<'_>]) -> bool {
    left.len() == right.len()
        && left.iter().all(|entry| {
            find(right, entry).is_some_and(|other| {
                other.fields() == entry.fields() && other.api_version() == entry.api_version()
            })
        })
}

fn find<'b, 'a>(entries: &'b [Entry<'a>], like: &Entry<'_>) -> Option<&'b Entry<'a>> {
    entries.iter().find(|entry| entry.is_same_as(like))
}
