//! What cannot be put back whatever is tried: it is left, named, and no fault.

use serde_json::Value;

use crate::engine::observe::storage_versions::Resources;
use crate::{
    cluster::{Live, Seen},
    event::ObjectNote,
    object::{
        Definition, HasKind as _, ObjectId, amount,
        field::{text, texts},
    },
    ownership::changed_paths,
    release::{ChangeLog, ObjectChanges, Snapshot},
};

/// Where a claim says how much it asks for.
const SIZE: &str = "spec.resources.requests.storage";

/// Takes out of `changes` what cannot be put back whatever is tried, and says what it is. The rest of
/// the same objects is put back.
pub(crate) fn exclude_irreversible(
    changes: &mut ChangeLog,
    snapshot: &Snapshot,
    live: &Live,
) -> Vec<ObjectNote> {
    let ids: Vec<ObjectId> = changes.iter().map(|(id, _)| id.clone()).collect();
    let mut notes = Vec::new();
    for id in ids {
        let Some((before, now)) = snapshot.object(&id).zip(live.object(&id)) else {
            continue;
        };
        let what = if id.is_claim() {
            take_growth(changes, &id, before, now)
        } else if id.is_definition() {
            take_moved_version(changes, &id, before, now)
        } else {
            None
        };
        notes.extend(what.map(|what| ObjectNote { object: id, what }));
    }
    notes
}

/// Takes out of `changes` what cannot be put back because nothing defines its kind any more: it is
/// absent in `live` although nobody can ask for it. What was created of such a kind is gone with it.
///
/// What only is not served at the moment stays among them, as something that nobody has looked at.
pub(crate) fn exclude_unserved(
    changes: &mut ChangeLog,
    snapshot: &Snapshot,
    stored_as: &Resources,
    live: &Live,
) -> Vec<ObjectNote> {
    let is_gone = |id: &ObjectId| matches!(live.seen(id), Seen::Absent);
    let ids: Vec<ObjectId> = changes
        .iter()
        .map(|(id, _)| id)
        .filter(|id| !stored_as.contains_key(id) && is_gone(id))
        .cloned()
        .collect();
    for id in &ids {
        changes.remove(id);
    }
    let was_there = ids.into_iter().filter(|id| snapshot.object(id).is_some());
    was_there
        .map(|object| ObjectNote {
            object,
            what: "is not restored: its kind is not served any more".to_owned(),
        })
        .collect()
}

/// A volume that has grown cannot shrink.
/// <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#expanding-persistent-volumes-claims>
fn take_growth(
    changes: &mut ChangeLog,
    id: &ObjectId,
    before: &Value,
    now: &Value,
) -> Option<String> {
    let size = |claim| text(claim, "/spec/resources/requests/storage");
    let (from, to) = (size(before)?, size(now)?);
    if amount(to)? <= amount(from)? {
        return None;
    }
    let change = changes.of(id);
    if change.unconfirmed {
        (change.unconfirmed, change.changed) = (false, changed_paths(before, now));
    }
    change.changed.retain(|path| path.path.to_string() != SIZE);
    if *change == ObjectChanges::default() {
        changes.remove(id);
    }
    Some(format!("has grown to {to}, and a claim cannot shrink"))
}

/// The version in which objects of the definition `now` are stored and that `other` does not have:
/// a definition cannot lose such a one.
/// <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#upgrade-existing-objects-to-a-new-stored-version>
pub(crate) fn lost_version<'a>(other: &Value, now: &'a Value) -> Option<&'a str> {
    let other = Definition::of(other)?;
    texts(now, "/status/storedVersions")
        .find(|stored| other.versions().all(|known| known.name != *stored))
}

/// A definition that would lose a version in which objects are stored stays as it is.
fn take_moved_version(
    changes: &mut ChangeLog,
    id: &ObjectId,
    before: &Value,
    now: &Value,
) -> Option<String> {
    let lost = lost_version(before, now)?;
    changes.remove(id);
    Some(format!(
        "is not restored: objects are stored in version `{lost}`, which it did not have"
    ))
}
