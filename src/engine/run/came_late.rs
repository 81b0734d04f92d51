//! Requests of a run that took effect only while it was being taken back: a part of the proof.

use std::collections::BTreeSet;

use crate::{
    cluster::Seen,
    engine::run::taken_along::Looks,
    object::{ManifestView, ObjectId},
    ownership::is_ours,
};

/// Those of `written`, all that the run may have sent, that were not there before it nor when the
/// rollback was planned, and are there now and ours: nothing was planned for them.
pub(crate) fn came_late(
    written: &BTreeSet<&ObjectId>,
    looks: &Looks<'_>,
) -> Vec<(ObjectId, String)> {
    let is_late = |id: &&&ObjectId| {
        let was_absent =
            looks.snapshot.object(id).is_none() && matches!(looks.before.seen(id), Seen::Absent);
        let is_there =
            |there| is_ours(there, looks.manager) && !ManifestView(there).is_terminating();
        was_absent && looks.now.object(id).is_some_and(|there| is_there(there))
    };
    let late = written.iter().filter(is_late);
    late.map(|id| {
        (
            (*id).clone(),
            "was created by a request of the run that came late".to_owned(),
        )
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::{cluster::Live, release::Snapshot};

    #[test]
    fn what_appears_after_it_was_looked_for_is_a_difference_where_it_is_ours() {
        let [ours, theirs, going, known, absent] = ["ours", "theirs", "going", "known", "absent"]
            .map(|name| ObjectId::core("ConfigMap", Some("shop"), name));
        let there = |manager: &str, metadata: Value| {
            let mut object = json!({"metadata": metadata});
            object["metadata"]["managedFields"] =
                json!([{"manager": manager, "operation": "Apply", "fieldsV1": {}}]);
            Seen::Present(Arc::new(object))
        };
        let manager = "deployctl.shop.dev";
        let (mut before, mut now) = (Live::default(), Live::default());
        for id in [&ours, &theirs, &going, &absent] {
            before.note(id.clone(), Seen::Absent);
        }
        before.note(known.clone(), there(manager, json!({})));
        for id in [&ours, &known] {
            now.note(id.clone(), there(manager, json!({})));
        }
        now.note(theirs.clone(), there("kubectl", json!({})));
        let deleted = json!({"deletionTimestamp": "2026-01-01T00:00:00Z"});
        now.note(going.clone(), there(manager, deleted));
        now.note(absent.clone(), Seen::Absent);
        let looks = Looks {
            snapshot: &Snapshot::default(),
            before: &before,
            now: &now,
            manager,
        };
        let written = BTreeSet::from([&ours, &theirs, &going, &known, &absent]);
        let late = came_late(&written, &looks);
        let late: Vec<&ObjectId> = late.iter().map(|(id, _)| id).collect();
        assert_eq!(late, [&ours]);
    }
}
