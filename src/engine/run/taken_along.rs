//! What a rollback has lost by deleting its owners: a part of the proof.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use crate::engine::plan::{decide::is_run_once, rollback::RollbackPlan};
use crate::{
    cluster::{Live, Seen},
    object::{ManifestView, ObjectId},
    ownership::differences,
    release::{ChangeLog, Snapshot},
};

/// What the proof of a rollback compares.
pub(crate) struct Looks<'a> {
    /// What was there before the run.
    pub(crate) snapshot: &'a Snapshot,
    /// What was there when the rollback was planned.
    pub(crate) before: &'a Live,
    /// What is there now.
    pub(crate) now: &'a Live,
    /// Our field manager.
    pub(crate) manager: &'a str,
}

/// Objects that were no part of what was to go, and that have gone, or will: an operator had made
/// what the run created their owner, and the garbage collector takes them once that is gone.
pub(crate) fn taken_along(
    back: &RollbackPlan,
    done: &ChangeLog,
    looks: &Looks<'_>,
) -> Vec<(ObjectId, String)> {
    let owners = created(back, done);
    // What is put back is compared with the snapshot, its owners too.
    let to_go = back.removed.iter().chain(&back.claims);
    let accounted_for: BTreeSet<&ObjectId> = to_go.chain(&back.restored).collect();
    let mut found: Vec<(ObjectId, String)> = looks
        .before
        .present()
        .filter(|(id, _)| !accounted_for.contains(*id))
        .filter_map(|(id, before)| {
            let what = match looks.now.seen(id) {
                Seen::Present(now) => going(id, now, &owners, looks)
                    .or_else(|| overwritten(id, (before, now), &owners, looks))?,
                Seen::Absent => lost(id, before, &owners, looks)?,
                Seen::Forbidden | Seen::Unasked => return None,
            };
            Some((id.clone(), what))
        })
        .collect();
    found.sort_unstable();
    found
}

/// The objects that the run has created, by uid.
fn created<'a>(back: &'a RollbackPlan, done: &'a ChangeLog) -> HashMap<&'a str, &'a ObjectId> {
    let told = done
        .iter()
        .flat_map(|(id, done)| done.created.iter().map(move |uid| (uid.as_str(), id)));
    let removed = back.removed.iter();
    let removed = removed.filter_map(|id| Some((back.program.deleted_uid(id)?, id)));
    told.chain(removed).collect()
}

/// Those of `owners` that `there` belongs to.
fn owners_of<'a>(
    there: &'a Value,
    owners: &'a HashMap<&str, &'a ObjectId>,
) -> impl Iterator<Item = (&'a str, &'a ObjectId)> {
    let references = ManifestView(there).owners();
    references.filter_map(|owner| Some((owner.uid, *owners.get(owner.uid)?)))
}

/// Why `now`, the object `id`, is going to be deleted; `None` where it is not.
fn going(
    id: &ObjectId,
    now: &Value,
    owners: &HashMap<&str, &ObjectId>,
    looks: &Looks<'_>,
) -> Option<String> {
    let is_there = |uid: &str, owner: &ObjectId| {
        looks.now.object(owner).is_some_and(|there| {
            let there = ManifestView(there);
            there.uid() == Some(uid) && !there.is_terminating()
        })
    };
    let mut gone = owners_of(now, owners).filter(|(uid, owner)| !is_there(uid, owner));
    let (_, owner) = gone.find(|(_, owner)| {
        let owner = looks.before.object(owner).map(AsRef::as_ref);
        let snapshot = looks.snapshot;
        snapshot.is_only_taken_over(id, now, owner, looks.manager)
    })?;
    Some(format!(
        "has {owner} as its owner, which is deleted, and would go with it"
    ))
}

/// In what `now`, the object `id`, is not as it was before one of `owners` took it over, as `before`
/// tells; `None` where it is. Whoever wrote it did so for an object that the run had created, and
/// that is no more.
fn overwritten(
    id: &ObjectId,
    (before, now): (&Value, &Value),
    owners: &HashMap<&str, &ObjectId>,
    looks: &Looks<'_>,
) -> Option<String> {
    let (_, owner) = owners_of(before, owners).next()?;
    let was = looks.snapshot.object(id)?;
    let differing = differences(was, now, None, looks.manager);
    let difference = differing.first()?;
    Some(format!("{difference}; {owner} had become its owner"))
}

/// Why `before`, the object `id`, should not be gone; `None` where it may be.
fn lost(
    id: &ObjectId,
    before: &Value,
    owners: &HashMap<&str, &ObjectId>,
    looks: &Looks<'_>,
) -> Option<String> {
    let mut owners = owners_of(before, owners);
    let owner = owners.find(|(_, owner)| {
        let owner = looks.before.object(owner).map(AsRef::as_ref);
        let snapshot = looks.snapshot;
        snapshot.is_only_taken_over(id, before, owner, looks.manager)
    });
    if let Some((_, owner)) = owner {
        return Some(format!("is not there: {owner} had become its owner"));
    }
    let was_there = looks
        .snapshot
        .object(id)
        .is_some_and(|was| ManifestView(was).uid() == ManifestView(before).uid());
    let may_go = is_run_once(id) || ManifestView(before).is_terminating();
    (was_there && !may_go).then(|| "is not there any more".to_owned())
}
