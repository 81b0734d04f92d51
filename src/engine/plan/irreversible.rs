//! What cannot be put back whatever is tried: it is left, named, and no fault.

use serde_json::Value;

use crate::engine::observe::storage_versions::Resources;
use crate::{
    cluster::Live,
    event::ObjectNote,
    object::{ObjectId, amount},
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
        let what = match (id.group.as_str(), id.kind.as_str()) {
            ("", "PersistentVolumeClaim") => take_growth(changes, &id, before, now),
            ("apiextensions.k8s.io", "CustomResourceDefinition") => {
                take_moved_version(changes, &id, before, now)
            }
            _ => None,
        };
        notes.extend(what.map(|what| ObjectNote { object: id, what }));
    }
    notes
}

/// Takes out of `changes` what cannot be put back because its kind is not served any more and nothing
/// is known that defines it. What was created of such a kind is gone with it.
pub(crate) fn exclude_unserved(
    changes: &mut ChangeLog,
    snapshot: &Snapshot,
    stored_as: &Resources,
) -> Vec<ObjectNote> {
    let ids: Vec<ObjectId> = changes
        .iter()
        .map(|(id, _)| id)
        .filter(|id| !stored_as.contains_key(id))
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
    let size = |claim: &Value| {
        claim
            .pointer("/spec/resources/requests/storage")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let (from, to) = (size(before), size(now));
    if amount(&to)? <= amount(&from)? {
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

/// A definition cannot lose a version in which objects are stored.
/// <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#upgrade-existing-objects-to-a-new-stored-version>
fn take_moved_version(
    changes: &mut ChangeLog,
    id: &ObjectId,
    before: &Value,
    now: &Value,
) -> Option<String> {
    let entries = |object: &Value, pointer: &str| {
        object
            .pointer(pointer)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let had = entries(before, "/spec/versions");
    let stored = entries(now, "/status/storedVersions");
    let lost = stored
        .iter()
        .find(|version| !had.iter().any(|known| known["name"] == **version))?
        .as_str()?
        .to_owned();
    changes.remove(id);
    Some(format!(
        "is not restored: objects are stored in version `{lost}`, which it did not have"
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::cluster::Seen;

    fn settled(kind: &str, before: Value, now: Value) -> (ChangeLog, Vec<String>) {
        let id = ObjectId {
            group: if kind == "PersistentVolumeClaim" {
                String::new()
            } else {
                "apiextensions.k8s.io".to_owned()
            },
            kind: kind.to_owned(),
            namespace: None,
            name: "a".to_owned(),
        };
        let mut changes = ChangeLog::default();
        changes.of(&id).changed = changed_paths(&before, &now);
        let (mut snapshot, mut live) = (Snapshot::default(), Live::default());
        snapshot.note(id.clone(), Some(Arc::new(before)));
        live.note(id, Seen::Present(Arc::new(now)));
        let notes = exclude_irreversible(&mut changes, &snapshot, &live);
        (
            changes,
            notes.into_iter().map(|remark| remark.what).collect(),
        )
    }

    fn claim(size: &str, label: &str) -> Value {
        json!({"metadata": {"labels": {"a": label}}, "spec": {"resources": {"requests": {"storage": size}}}})
    }

    #[test]
    fn of_a_grown_claim_everything_but_its_size_is_put_back() {
        let (changes, notes) = settled(
            "PersistentVolumeClaim",
            claim("1Gi", "x"),
            claim("2Gi", "y"),
        );
        assert_eq!(notes, ["has grown to 2Gi, and a claim cannot shrink"]);
        let paths: Vec<String> = changes
            .iter()
            .flat_map(|(_, change)| &change.changed)
            .map(|path| path.path.to_string())
            .collect();
        assert_eq!(paths, ["metadata.labels.a"]);
        let (changes, notes) = settled(
            "PersistentVolumeClaim",
            claim("1Gi", "x"),
            claim("2Gi", "x"),
        );
        assert_eq!((changes.is_empty(), notes.len()), (true, 1));
        assert!(
            settled(
                "PersistentVolumeClaim",
                claim("1Gi", "x"),
                claim("1Gi", "y")
            )
            .1
            .is_empty()
        );
    }

    #[test]
    fn a_definition_keeps_the_versions_that_objects_are_stored_in() {
        let definition = |versions: &[&str], stored: &[&str]| {
            let versions: Vec<Value> = versions.iter().map(|name| json!({"name": name})).collect();
            json!({"spec": {"versions": versions}, "status": {"storedVersions": stored}})
        };
        let (changes, notes) = settled(
            "CustomResourceDefinition",
            definition(&["v1"], &["v1"]),
            definition(&["v1", "v2"], &["v1", "v2"]),
        );
        assert!(changes.is_empty());
        assert_eq!(
            notes,
            ["is not restored: objects are stored in version `v2`, which it did not have"]
        );
        let (changes, notes) = settled(
            "CustomResourceDefinition",
            definition(&["v1"], &["v1"]),
            definition(&["v1", "v2"], &["v1"]),
        );
        assert_eq!((changes.is_empty(), notes.len()), (false, 0));
    }
}
