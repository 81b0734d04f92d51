//! The proof of a rollback: what is there now, compared with the snapshot.

use std::collections::BTreeSet;

use crate::engine::plan::rollback::RollbackPlan;
use crate::{
    cluster::Live,
    event::{ObjectNote, Proof},
    object::{HasKind as _, ManifestView, ObjectId},
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
    for id in &back.removed {
        verify_removed(&mut proof, id, live, &faults);
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
    for (object, what) in faults {
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
fn verify_removed(proof: &mut Proof, id: &ObjectId, live: &Live, faults: &[(ObjectId, String)]) {
    let Some(there) = live.object(id) else {
        return;
    };
    let failed = faults.iter().any(|(fault, _)| fault == id);
    let (notes, what) = if id.is_container() && !failed {
        let held = "it holds something that this run did not create, or that is kept";
        (&mut proof.kept, held.to_owned())
    } else {
        (&mut proof.differences, still_there(there))
    };
    notes.push(ObjectNote {
        object: id.clone(),
        what,
    });
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
