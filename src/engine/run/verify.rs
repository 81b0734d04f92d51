//! The proof of a rollback: what is there now, compared with the snapshot.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::engine::{
    execute::journal::Left,
    plan::{retention::is_made_by, rollback::RollbackPlan},
};
use crate::{
    cluster::Live,
    event::{ObjectNote, Proof},
    object::{HasKind as _, ManifestView, ObjectId},
    ownership::{differences, is_recreated},
    release::{ChangeLog, Snapshot},
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
        verify_removed(
            &mut proof,
            id,
            back.program.deleted_uid(id),
            live,
            &executed,
        );
    }
    for id in &back.restored {
        let Some(before) = snapshot.object(id) else {
            continue;
        };
        let now = live.object(id).map(AsRef::as_ref);
        if now.is_some_and(|now| is_by_others(id, (before, now), done, &executed, manager)) {
            name_made_again(&mut proof, id);
        } else {
            verify_restored(&mut proof, id, (before, now), done, manager);
        }
    }
    name_forgotten(&mut proof, &executed);
    let mut differing: BTreeSet<ObjectId> = proof
        .differences
        .iter()
        .map(|difference| difference.object.clone())
        .collect();
    // A claim waits for its protection to notice that its pod is gone.
    let is_gone = |id: &ObjectId| back.claims.contains(id) && live.object(id).is_none();
    let faults = executed.faults.into_iter();
    for (object, what) in faults.filter(|(id, _)| !is_gone(id)) {
        if !differing.contains(&object) || !object.is_container() {
            differing.insert(object.clone());
            proof.differences.push(ObjectNote { object, what });
        }
    }
    let kept = |id: &&ObjectId| proof.kept.iter().any(|remark| remark.object == **id);
    proof.same = done
        .iter()
        .filter(|(id, _)| !differing.contains(*id) && !kept(id))
        .count();
    proof
}

/// Adds to `proof` what `id`, which was to be deleted and had `uid`, comes to.
fn verify_removed(
    proof: &mut Proof,
    id: &ObjectId,
    uid: Option<&str>,
    live: &Live,
    executed: &Executed,
) {
    let Some(there) = live.object(id) else {
        return;
    };
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

/// Whether `now`, which has the place of `before`, was made by somebody else while the rollback was
/// about to create `id` again.
fn is_by_others(
    id: &ObjectId,
    (before, now): (&Value, &Value),
    done: &ChangeLog,
    executed: &Executed,
    manager: &str,
) -> bool {
    let uid = ManifestView(now).uid();
    let earlier = done.get(id).and_then(|trace| trace.recreated.as_deref());
    let ours = executed.recreated.get(id).map(String::as_str);
    ManifestView(before).uid() != uid
        && ours.is_none_or(|ours| Some(ours) != uid)
        && earlier.is_none_or(|earlier| Some(earlier) != uid)
        && !is_recreated(now, manager)
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
    let said = [
        &proof.kept,
        &proof.stays,
        &proof.by_others,
        &proof.differences,
    ];
    let said: BTreeSet<&ObjectId> = said
        .into_iter()
        .flatten()
        .map(|note| &note.object)
        .collect();
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

/// Adds to `proof` the claims that are there `now` and were made by StatefulSets that the rollback
/// has deleted, and that were there `before`: whoever wants to be rid of them has to know their
/// names.
pub(crate) fn name_claims(proof: &mut Proof, back: &RollbackPlan, before: &Live, now: &Live) {
    let sets = back.removed.iter().filter(|id| id.is_like_stateful_set());
    for (id, set) in sets.filter_map(|id| Some((id, before.object(id)?))) {
        for (claim, _) in now
            .present()
            .filter(|(claim, _)| is_made_by(id, set, claim))
        {
            let mut named = proof.kept.iter().chain(&proof.differences);
            if !named.any(|note| note.object == *claim) {
                proof.kept.push(ObjectNote {
                    object: claim.clone(),
                    what: format!("{id} made it"),
                });
            }
        }
    }
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
