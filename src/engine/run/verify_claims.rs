//! What a rollback has left of the claims that StatefulSets make: a part of the proof.

use jiff::Timestamp;
use serde_json::Value;

use crate::engine::{
    plan::{
        made_claims::{ChangedSet, MadeClaim, is_used_by},
        retention::is_made_by,
        rollback::RollbackPlan,
    },
    run::taken_along::Looks,
};
use crate::{
    event::{ObjectNote, Proof},
    object::{HasKind as _, ManifestView, ObjectId},
};

/// Adds to `proof` the claims that are there now and were made by StatefulSets that the rollback has
/// deleted, or, since the run `began`, by those that it has put back: whoever wants to be rid of them
/// has to know their names. One that has the place of another is a difference: what was on that is
/// lost.
pub(crate) fn verify_claims(
    proof: &mut Proof,
    back: &RollbackPlan,
    looks: &Looks<'_>,
    began: Timestamp,
) {
    let sets = back.removed.iter().filter(|id| id.is_like_stateful_set());
    for (id, set) in sets.filter_map(|id| Some((id, looks.before.object(id)?))) {
        let made = |(claim, _): &(&ObjectId, &Value)| is_made_by(id, set, claim);
        for (claim, _) in claims(looks).filter(made) {
            name(proof, claim, || format!("{id} made it"));
        }
    }
    let changed = back.restored.iter().filter_map(|id| {
        let (before, after) = (looks.snapshot.object(id)?, looks.before.object(id)?);
        ChangedSet::of(id, before, after)
    });
    for set in changed {
        let (id, _) = set.after();
        let made = claims(looks).filter_map(|claim| Some((claim, set.made(claim, began)?)));
        for ((claim, there), made) in made {
            match made {
                MadeClaim::InPlace => proof.differences.push(ObjectNote {
                    object: claim.clone(),
                    what: format!(
                        "is a new one: the claim that {id} had is gone, and so is its data"
                    ),
                }),
                MadeClaim::Added if !is_used_now(id, claim, looks) && !is_going(there) => {
                    name(proof, claim, || format!("{id} made it during the run"));
                }
                MadeClaim::Added => {}
            }
        }
    }
}

fn claims<'a>(looks: &Looks<'a>) -> impl Iterator<Item = (&'a ObjectId, &'a Value)> {
    let present = looks.now.present().filter(|(id, _)| id.is_claim());
    present.map(|(id, claim)| (id, claim.as_ref()))
}

fn is_used_now(id: &ObjectId, claim: &ObjectId, looks: &Looks<'_>) -> bool {
    let now = looks.now.object(id);
    now.is_some_and(|now| is_used_by(id, now, claim, now))
}

fn is_going(claim: &Value) -> bool {
    ManifestView(claim).is_terminating()
}

/// Says in `proof` that `claim` is kept, where nothing is said of it yet.
fn name(proof: &mut Proof, claim: &ObjectId, why: impl FnOnce() -> String) {
    let mut named = proof.kept.iter().chain(&proof.differences);
    if !named.any(|note| note.object == *claim) {
        proof.kept.push(ObjectNote {
            object: claim.clone(),
            what: why(),
        });
    }
}
