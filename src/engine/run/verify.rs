//! The proof of a rollback: what is there now, compared with the snapshot.

use std::collections::BTreeSet;

use crate::engine::plan::{retention::is_made_by, rollback::RollbackPlan};
use crate::{
    cluster::Live,
    event::{ObjectNote, Proof},
    object::{HasKind as _, ManifestView, ObjectId, is_unbound_claim},
    ownership::differences,
    release::{ChangeLog, Snapshot},
};

/// Compares what is there with the snapshot, object by object: nothing that was only intended
/// counts. `faults` is what did not succeed.
pub(crate) fn verify(
    back: &RollbackPlan,
    snapshot: &Snapshot,
    done: &ChangeLog,
    live: &Live,
    manager: &str,
    faults: Vec<(ObjectId, String)>,
) -> Proof {
    let mut proof = Proof {
        kept: back.retained.clone(),
        stays: back.irreversible.clone(),
        by_others: back.by_others.clone(),
        differences: back.unknown.clone(),
        ..Proof::default()
    };
    for id in back.removed.iter().chain(&back.claims) {
        verify_removed(&mut proof, id, back, live, &faults);
    }
    for id in &back.restored {
        let Some(before) = snapshot.object(id) else {
            continue;
        };
        let Some(now) = live.object(id) else {
            proof.differences.push(ObjectNote {
                object: id.clone(),
                what: "is not there".to_owned(),
            });
            continue;
        };
        let changed = done
            .get(id)
            .filter(|trace| !trace.unconfirmed && !trace.deleted)
            .map(|trace| trace.changed.as_slice());
        for difference in differences(before, now, changed, manager) {
            let note = ObjectNote {
                object: id.clone(),
                what: difference.to_string(),
            };
            if difference.is_by_others() {
                proof.by_others.push(note);
            } else {
                proof.differences.push(note);
            }
        }
    }
    let mut differing: BTreeSet<ObjectId> = proof
        .differences
        .iter()
        .map(|difference| difference.object.clone())
        .collect();
    // A claim waits for its protection to notice that its pod is gone.
    let is_gone = |id: &ObjectId| back.claims.contains(id) && live.object(id).is_none();
    for (object, what) in faults.into_iter().filter(|(id, _)| !is_gone(id)) {
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

/// Adds to `proof` what `id`, which was to be deleted, comes to.
fn verify_removed(
    proof: &mut Proof,
    id: &ObjectId,
    back: &RollbackPlan,
    live: &Live,
    faults: &[(ObjectId, String)],
) {
    let Some(there) = live.object(id) else {
        return;
    };
    let failed = faults.iter().any(|(fault, _)| fault == id);
    let may_stay = !failed && !ManifestView(there).is_terminating();
    let (notes, what) = if id.is_container() && !failed {
        let held = "it holds something that this run did not create, or that is kept";
        (&mut proof.kept, held.to_owned())
    } else if id.is_claim() && may_stay && !is_unbound_claim(there) {
        (
            &mut proof.kept,
            "it got a volume, and holds data".to_owned(),
        )
    } else if id.is_secret() && may_stay && is_claim_kept(back, live) {
        let needed = "a claim that got a volume is kept, and may need it";
        (&mut proof.kept, needed.to_owned())
    } else {
        (&mut proof.differences, still_there(there))
    };
    notes.push(ObjectNote {
        object: id.clone(),
        what,
    });
}

/// Whether a claim that was to be deleted has got a volume meanwhile.
fn is_claim_kept(back: &RollbackPlan, live: &Live) -> bool {
    let mut claims = back.removed.iter().chain(&back.claims);
    claims.any(|id| {
        id.is_claim()
            && live
                .object(id)
                .is_some_and(|there| !is_unbound_claim(there))
    })
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
fn still_there(object: &serde_json::Value) -> String {
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
