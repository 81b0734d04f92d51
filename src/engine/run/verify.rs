//! The proof of a rollback: what is there now, compared with the snapshot.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::engine::{execute::journal::Left, plan::rollback::RollbackPlan};
use crate::{
    cluster::{Live, Seen},
    event::{ObjectNote, Proof},
    object::{HasKind as _, ManifestView, ObjectId},
    ownership::{apply_entry, differences, is_recreated},
    release::{ChangeLog, Snapshot, Work},
};

/// What an executed rollback said of itself.
pub(crate) struct Executed {
    /// What did not succeed.
    pub(crate) faults: Vec<(ObjectId, String)>,
    /// What was to be deleted and was left.
    pub(crate) left: BTreeMap<ObjectId, Left>,
    /// What was created again, each with its uid.
    pub(crate) recreated: BTreeMap<ObjectId, String>,
}

/// Compares what is there with the snapshot, object by object: nothing that was only intended
/// counts.
pub(crate) fn verify(
    back: &RollbackPlan,
    snapshot: &Snapshot,
    done: &ChangeLog,
    live: &Live,
    manager: &str,
    executed: Executed,
) -> Proof {
    let mut proof = Proof {
        kept: back.retained.clone(),
        stays: back.irreversible.clone(),
        by_others: back.by_others.clone(),
        differences: back.unknown.clone(),
        ..Proof::default()
    };
    for id in back.removed.iter().chain(&back.claims) {
        match live.seen(id) {
            Seen::Present(there) => verify_removed(&mut proof, (id, there), back, &executed),
            Seen::Absent => {}
            Seen::Forbidden | Seen::Unasked if is_seen_going(id, back, &executed) => {}
            Seen::Forbidden | Seen::Unasked => proof.differences.push(unseen(id)),
        }
    }
    for id in &back.restored {
        if matches!(live.seen(id), Seen::Forbidden | Seen::Unasked) {
            proof.differences.push(unseen(id));
        } else if let Some(before) = snapshot.object(id) {
            let sides = (before.as_ref(), live.object(id).map(AsRef::as_ref));
            let known = Known::of(id, back, done, &executed);
            verify_put_back(&mut proof, id, sides, (&known, done), manager);
        }
    }
    name_forgotten(&mut proof, &executed);
    let mut differing: BTreeSet<ObjectId> = proof
        .differences
        .iter()
        .map(|difference| difference.object.clone())
        .collect();
    // A claim waits for its protection to notice that its pod is gone.
    let is_gone = |id: &ObjectId| back.claims.contains(id) && matches!(live.seen(id), Seen::Absent);
    let faults = executed.faults.into_iter();
    for (object, what) in faults.filter(|(id, _)| !is_gone(id)) {
        if !differing.contains(&object) || !object.is_container() {
            differing.insert(object.clone());
            proof.differences.push(ObjectNote { object, what });
        }
    }
    // Of whatever something is said it is not that it is as before.
    let remarked: BTreeSet<&ObjectId> = remarks(&proof).map(|note| &note.object).collect();
    let same = done.iter().filter(|(id, _)| !remarked.contains(*id));
    let same = same.count();
    Proof { same, ..proof }
}

/// All that is said of single objects in `proof`.
fn remarks(proof: &Proof) -> impl Iterator<Item = &ObjectNote> {
    proof.differences.iter().chain(proof.that_stay())
}

/// Adds to `proof` what `id`, which was to be put back as it was `before`, comes to.
fn verify_put_back(
    proof: &mut Proof,
    id: &ObjectId,
    (before, now): (&Value, Option<&Value>),
    (known, done): (&Known<'_>, &ChangeLog),
    manager: &str,
) {
    match now {
        Some(now) if is_by_others((before, now), known, manager) => name_made_again(proof, id),
        Some(now) if is_in_the_way((before, now), known) => proof.differences.push(ObjectNote {
            object: id.clone(),
            what: still_there(now),
        }),
        _ => verify_restored(proof, id, (before, now), done, manager),
    }
}

/// That nobody can say what has become of `id`: what may not be looked at is not called gone.
fn unseen(id: &ObjectId) -> ObjectNote {
    ObjectNote {
        object: id.clone(),
        what: "could not be looked at".to_owned(),
    }
}

/// Whether the rollback, while it was permitted to look, has waited until `id` was gone: what it
/// deletes may be what permits it.
fn is_seen_going(id: &ObjectId, back: &RollbackPlan, executed: &Executed) -> bool {
    let is_awaited =
        |work: &Work| matches!(work, Work::AwaitGone { objects, .. } if objects.contains(id));
    let failed = executed.faults.iter().any(|(fault, _)| fault == id);
    let mut steps = back.program.steps.iter();
    !failed && !executed.left.contains_key(id) && steps.any(|step| is_awaited(&step.work))
}

/// Adds to `proof` what `id`, which was to be deleted and is `there`, comes to.
fn verify_removed(
    proof: &mut Proof,
    (id, there): (&ObjectId, &Value),
    back: &RollbackPlan,
    executed: &Executed,
) {
    let uid = back.program.deleted_uid(id);
    if uid.is_some() && ManifestView(there).uid() != uid {
        return name_made_again(proof, id);
    }
    let failed = executed.faults.iter().any(|(fault, _)| fault == id);
    let may_stay = !failed && !ManifestView(there).is_terminating();
    let (notes, what) = match executed.left.get(id).filter(|_| may_stay) {
        Some(left) => (&mut proof.kept, left.why.clone()),
        None => (&mut proof.differences, still_there(there)),
    };
    notes.push(ObjectNote {
        object: id.clone(),
        what,
    });
}

/// Names `id` in `proof`: the object itself is gone, and what has its name is none of ours.
fn name_made_again(proof: &mut Proof, id: &ObjectId) {
    proof.by_others.push(ObjectNote {
        object: id.clone(),
        what: "was created again outside deployctl, and is left as it is".to_owned(),
    });
}

/// The uids of the objects called `id` that are known.
struct Known<'a> {
    /// Those that the rollback was to delete: the run had created them.
    to_go: Vec<&'a str>,
    /// Those that it, or one before it that was interrupted, has created again.
    put_back: Vec<&'a str>,
}

impl<'a> Known<'a> {
    fn of(
        id: &ObjectId,
        back: &'a RollbackPlan,
        done: &'a ChangeLog,
        executed: &'a Executed,
    ) -> Self {
        let trace = done.get(id);
        let created = trace.into_iter().flat_map(|trace| &trace.created);
        let earlier = trace.and_then(|trace| trace.recreated.as_ref());
        let put_back = executed.recreated.get(id).into_iter().chain(earlier);
        Self {
            to_go: created
                .map(String::as_str)
                .chain(back.program.deleted_uid(id))
                .collect(),
            put_back: put_back.map(String::as_str).collect(),
        }
    }
}

/// Whether `now`, which has the place of `before`, was made by somebody else while the rollback was
/// about to create the object again: it has a uid that nobody knows, and none of our marks.
fn is_by_others((before, now): (&Value, &Value), known: &Known<'_>, manager: &str) -> bool {
    let uid = ManifestView(now).uid();
    let is_known = |uid: &str| known.to_go.contains(&uid) || known.put_back.contains(&uid);
    ManifestView(before).uid() != uid
        && !uid.is_some_and(is_known)
        && !ManifestView(now).is_terminating()
        && apply_entry(now, manager).is_none()
        && !is_recreated(now, manager)
}

/// Whether `now` is what should have gone before `before` comes back, or is going.
fn is_in_the_way((before, now): (&Value, &Value), known: &Known<'_>) -> bool {
    let (was, is) = (ManifestView(before), ManifestView(now));
    let is_to_go = |uid: &str| known.to_go.contains(&uid) && !known.put_back.contains(&uid);
    is.is_terminating() && !was.is_terminating()
        || was.uid() != is.uid() && is.uid().is_some_and(is_to_go)
}

/// Adds to `proof` how `id`, which was put back, is `now` in comparison with `before`.
fn verify_restored(
    proof: &mut Proof,
    id: &ObjectId,
    (before, now): (&Value, Option<&Value>),
    done: &ChangeLog,
    manager: &str,
) {
    let note = |what: String| ObjectNote {
        object: id.clone(),
        what,
    };
    let Some(now) = now else {
        proof.differences.push(note("is not there".to_owned()));
        return;
    };
    let changed = done
        .get(id)
        .filter(|trace| !trace.unconfirmed && !trace.deleted)
        .map(|trace| trace.changed.as_slice());
    for difference in differences(before, now, changed, manager) {
        let notes = if difference.is_by_others() {
            &mut proof.by_others
        } else {
            &mut proof.differences
        };
        notes.push(note(difference.to_string()));
    }
}

/// Adds to `proof` objects of the release in what is left of which nothing else is said: no journal
/// tells of them, as where the request of a killed run took effect after everybody had looked.
fn name_forgotten(proof: &mut Proof, executed: &Executed) {
    let said: BTreeSet<&ObjectId> = remarks(proof).map(|note| &note.object).collect();
    let held: BTreeSet<&ObjectId> = executed.left.values().flat_map(|left| &left.ours).collect();
    let forgotten: Vec<ObjectNote> = held
        .difference(&said)
        .map(|id| ObjectNote {
            object: (*id).clone(),
            what: "is of this release, and no revision tells of it: delete it, and roll back again"
                .to_owned(),
        })
        .collect();
    proof.differences.extend(forgotten);
}

/// Why something that was to be deleted is there.
fn still_there(object: &Value) -> String {
    let object = ManifestView(object);
    let finalizers: Vec<&str> = object.finalizers().collect();
    match (object.is_terminating(), finalizers.as_slice()) {
        (false, _) => "is still there".to_owned(),
        (true, []) => "is still being deleted".to_owned(),
        (true, finalizers) => format!(
            "is still being deleted; waiting for its finalizers: {}",
            finalizers.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::release::JournalEntry;

    const OURS: &str = "deployctl.shop.dev";

    /// An immutable ConfigMap that was created anew has gone back to `now`; `made`: what the
    /// rollback has created.
    fn proof_of(now: &Value, made: Option<&str>) -> [Vec<String>; 2] {
        let id = ObjectId::core("ConfigMap", Some("shop"), "im");
        let before = json!({"metadata": {"name": "im", "uid": "before"}, "data": {"value": "1"}});
        let mut snapshot = Snapshot::default();
        snapshot.note(id.clone(), Some(Arc::new(before)));
        let entries = [
            JournalEntry::Removed {
                object: id.clone(),
                deleted: true,
            },
            JournalEntry::Wrote {
                object: id.clone(),
                uid: "created".to_owned(),
                created: true,
                changed: Vec::new(),
                record: None,
                owner: None,
            },
        ];
        let back = RollbackPlan {
            restored: vec![id.clone()],
            ..RollbackPlan::default()
        };
        let mut live = Live::default();
        live.note(id.clone(), Seen::Present(Arc::new(now.clone())));
        let recreated = made.map(|uid| (id.clone(), uid.to_owned()));
        let executed = Executed {
            faults: Vec::new(),
            left: BTreeMap::new(),
            recreated: recreated.into_iter().collect(),
        };
        let done: ChangeLog = entries.iter().collect();
        let proof = verify(&back, &snapshot, &done, &live, OURS, executed);
        let texts = |notes: Vec<ObjectNote>| notes.into_iter().map(|note| note.what).collect();
        [texts(proof.differences), texts(proof.by_others)]
    }

    fn there(uid: &str, value: &str, metadata: &Value) -> Value {
        let mut object = json!({"metadata": {"name": "im"}, "data": {"value": value}});
        object["metadata"] = metadata.clone();
        object["metadata"]["uid"] = uid.into();
        object
    }

    #[test]
    fn what_the_run_created_and_is_not_gone_is_a_difference_and_not_by_others() {
        let held = json!({"name": "im", "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["example.org/hold"]});
        let going = "is still being deleted; waiting for its finalizers: example.org/hold";
        // Whatever it holds: also where that is what was there before.
        for value in ["1", "2"] {
            let ours = there("created", value, &held);
            assert_eq!(proof_of(&ours, None), [vec![going.to_owned()], vec![]]);
            let plain = there("created", value, &json!({"name": "im"}));
            let stays = vec!["is still there".to_owned()];
            assert_eq!(proof_of(&plain, None), [stays, vec![]]);
        }
        // Somebody's that is going, and ours whose uid nobody has seen.
        let unknown = there("other", "1", &held);
        assert_eq!(proof_of(&unknown, None), [vec![going.to_owned()], vec![]]);
        let entry = json!({"manager": OURS, "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:data": {"f:value": {}}}});
        let ours = there(
            "other",
            "2",
            &json!({"name": "im", "managedFields": [entry]}),
        );
        let [differs, by_others] = proof_of(&ours, None);
        assert_eq!(by_others, [""; 0]);
        assert_eq!(differs[0], "data.value is not as before");
    }

    #[test]
    fn what_may_not_be_looked_at_is_neither_gone_nor_missing() {
        let [gone, back] =
            ["gone", "back"].map(|name| ObjectId::core("ConfigMap", Some("shop"), name));
        let mut snapshot = Snapshot::default();
        snapshot.note(gone.clone(), None);
        let before = json!({"metadata": {"name": "back", "uid": "before"}});
        snapshot.note(back.clone(), Some(Arc::new(before)));
        let differing = |seen: &Seen<Arc<Value>>| -> Vec<String> {
            let mut live = Live::default();
            live.note(gone.clone(), seen.clone());
            live.note(back.clone(), seen.clone());
            let plan = RollbackPlan {
                restored: vec![back.clone()],
                removed: vec![gone.clone()],
                ..RollbackPlan::default()
            };
            let executed = Executed {
                faults: Vec::new(),
                left: BTreeMap::new(),
                recreated: BTreeMap::new(),
            };
            let done = ChangeLog::default();
            let proof = verify(&plan, &snapshot, &done, &live, OURS, executed);
            let told = proof.differences.iter();
            told.map(|note| format!("{} {}", note.object.name, note.what))
                .collect()
        };
        let unseen = ["gone could not be looked at", "back could not be looked at"];
        assert_eq!(differing(&Seen::Forbidden), unseen);
        assert_eq!(differing(&Seen::Unasked), unseen);
        assert_eq!(differing(&Seen::Absent), ["back is not there"]);
    }

    #[test]
    fn what_the_rollback_created_is_compared_and_what_nobody_knows_is_by_others() {
        let again = there("again", "1", &json!({"name": "im"}));
        let nothing: [Vec<String>; 2] = [Vec::new(), Vec::new()];
        assert_eq!(proof_of(&again, Some("again")), nothing);
        let by_others = "was created again outside deployctl, and is left as it is".to_owned();
        assert_eq!(proof_of(&again, None), [vec![], vec![by_others]]);
    }
}
