//! Objects as they were seen last, whatever the order in which that was heard.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use serde_json::Value;

use crate::{
    object::{ManifestView, ObjectId},
    readiness::{has_ended, has_run_to_completion},
};

/// Objects as they were seen last. What is told of them comes out of order: a watch may have told
/// that an object is gone before the answer to the request that deleted it is read, and that answer
/// shows it as it was on its way out.
#[derive(Default)]
pub(crate) struct ObservedObjects {
    objects: HashMap<ObjectId, Arc<Value>>,
    /// uids of objects of which a watch told that they are gone. A uid is never used again.
    gone: HashSet<String>,
    /// uids of known objects that a list did not hold: they are gone, or younger than the list.
    unlisted: HashSet<String>,
    /// Jobs and others that had done their work when they went, as they were then.
    completed: HashMap<ObjectId, Arc<Value>>,
}

impl ObservedObjects {
    /// The object `id`.
    pub(crate) fn get(&self, id: &ObjectId) -> Option<&Arc<Value>> {
        self.objects.get(id)
    }

    /// The Job or Pod `id`, where it has done its work, also when it has gone since: its time to live
    /// may remove it while others are still waited for.
    pub(crate) fn completed(&self, id: &ObjectId) -> Option<&Arc<Value>> {
        match self.get(id) {
            Some(there) => Some(there).filter(|there| has_run_to_completion(there)),
            None => self.completed.get(id),
        }
    }

    /// Whether there is an object `id`.
    pub(crate) fn contains(&self, id: &ObjectId) -> bool {
        self.objects.contains_key(id)
    }

    /// Takes `object`, unless something newer is known: a watch repeats what happened before our
    /// own write.
    pub(crate) fn take(&mut self, id: ObjectId, object: Arc<Value>) {
        let known = self.objects.get(&id).and_then(|known| version_of(known));
        let is_news = known
            .zip(version_of(&object))
            .is_none_or(|(known, new)| new >= known);
        if is_news && !self.is_past(&object) {
            self.completed.remove(&id);
            self.objects.insert(id, object);
        }
    }

    /// Whether `object` is not there any more. One that a list did not hold was there later, if at
    /// all, without being deleted yet.
    fn is_past(&self, object: &Value) -> bool {
        let uid = uid_of(object);
        self.gone.contains(uid)
            || (self.unlisted.contains(uid) && ManifestView(object).is_terminating())
    }

    /// Forgets `id`, which a request found gone.
    pub(crate) fn remove(&mut self, id: &ObjectId) {
        self.objects.remove(id);
    }

    /// Forgets `object`, of which a watch told that it is gone. That does not concern a successor
    /// of the same name.
    pub(crate) fn forget(&mut self, id: &ObjectId, object: &Arc<Value>) {
        self.gone.insert(uid_of(object).to_owned());
        if self
            .objects
            .get(id)
            .is_some_and(|known| uid_of(known) == uid_of(object))
        {
            self.objects.remove(id);
            self.note_completed(id, object);
        }
    }

    fn note_completed(&mut self, id: &ObjectId, gone: &Arc<Value>) {
        if has_ended(gone) {
            self.completed.insert(id.clone(), Arc::clone(gone));
        }
    }

    /// Forgets the objects that are `listed_anew`, as far as they are known, and returns them:
    /// `list` holds those that are there.
    pub(crate) fn forget_all(
        &mut self,
        listed_anew: impl Fn(&ObjectId, &Value) -> bool,
        list: &[Arc<Value>],
    ) -> HashSet<ObjectId> {
        let there: HashSet<&str> = list.iter().map(|object| uid_of(object)).collect();
        let known: Vec<_> = self
            .objects
            .extract_if(|id, object| listed_anew(id, object))
            .collect();
        let mut ids = HashSet::new();
        for (id, object) in known {
            if !there.contains(uid_of(&object)) {
                self.unlisted.insert(uid_of(&object).to_owned());
                self.note_completed(&id, &object);
            }
            ids.insert(id);
        }
        ids
    }
}

impl FromIterator<(ObjectId, Arc<Value>)> for ObservedObjects {
    fn from_iter<I: IntoIterator<Item = (ObjectId, Arc<Value>)>>(objects: I) -> Self {
        Self {
            objects: objects.into_iter().collect(),
            ..Self::default()
        }
    }
}

/// The uid of `object`; what a watch brings has one.
pub(super) fn uid_of(object: &Value) -> &str {
    ManifestView(object).uid().unwrap_or_default()
}

fn version_of(object: &Value) -> Option<u64> {
    ManifestView(object).resource_version()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(uid: &str, version: &str, terminating: bool) -> Arc<Value> {
        let mut object = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "uid": uid, "resourceVersion": version}});
        if terminating {
            object["metadata"]["deletionTimestamp"] = "2026-11-21T10:00:00Z".into();
        }
        Arc::new(object)
    }

    fn known(uid: &str) -> (ObjectId, ObservedObjects) {
        let first = object(uid, "1", false);
        let id = ObjectId::of(&first).expect("it has a kind and a name");
        (id.clone(), [(id, first)].into_iter().collect())
    }

    #[test]
    fn the_answer_to_a_deletion_does_not_bring_back_what_a_watch_saw_going() {
        let (id, mut known) = known("a");
        known.forget(&id, &object("a", "3", true));
        known.take(id.clone(), object("a", "2", true));
        assert!(!known.contains(&id));
        known.take(id.clone(), object("b", "4", false));
        assert!(known.contains(&id), "its successor counts");
    }

    #[test]
    fn nor_what_a_list_did_not_hold_any_more() {
        let (id, mut known) = known("a");
        assert_eq!(
            known.forget_all(|_, _| true, &[]),
            HashSet::from([id.clone()])
        );
        known.take(id.clone(), object("a", "2", true));
        assert!(!known.contains(&id));
    }

    #[test]
    fn what_is_younger_than_a_list_counts() {
        let (id, mut known) = known("a");
        known.forget_all(|_, _| true, &[]);
        known.take(id.clone(), object("a", "1", false));
        assert!(known.contains(&id));
    }

    fn job(uid: &str, status: Value) -> Arc<Value> {
        let mut job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "db", "uid": uid, "resourceVersion": "1"}});
        job["status"] = status;
        Arc::new(job)
    }

    fn done() -> Value {
        json!({"conditions": [{"type": "Complete", "status": "True"}]})
    }

    #[test]
    fn a_job_that_has_done_its_work_and_goes_stays_done_until_it_is_there_again() {
        let running = job("a", json!({"active": 1}));
        let id = ObjectId::of(&running).expect("it has a kind and a name");
        let known = || ObservedObjects::from_iter([(id.clone(), Arc::clone(&running))]);

        // The watch may tell of its end and of its removal at once.
        let mut removed = known();
        removed.forget(&id, &job("a", done()));
        assert!(removed.completed(&id).is_some() && !removed.contains(&id));
        removed.take(id.clone(), job("b", json!({})));
        assert!(removed.completed(&id).is_none());
        // One of before that goes late says nothing about its successor.
        removed.forget(&id, &job("a", done()));
        assert!(removed.completed(&id).is_none());

        // A list that does not hold it any more.
        let mut relisted = known();
        relisted.take(id.clone(), job("a", done()));
        relisted.forget_all(|_, _| true, &[]);
        assert!(relisted.completed(&id).is_some());

        let mut deleted = known();
        deleted.forget(&id, &running);
        assert!(deleted.completed(&id).is_none(), "it had not done its work");
    }

    #[test]
    fn what_a_watch_repeats_is_no_news() {
        let (id, mut known) = known("a");
        known.take(id.clone(), object("a", "5", true));
        known.take(id.clone(), object("a", "4", false));
        assert_eq!(known.get(&id).and_then(|now| version_of(now)), Some(5));
    }
}
