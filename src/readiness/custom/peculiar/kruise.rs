//! Workloads of `OpenKruise`, which can be stopped half-way through an update.

use serde_json::Value;

use crate::{
    object::{
        ManifestView,
        field::{integer, part, text},
    },
    readiness::{case::Case, generation::behind_or_silent, grace, verdict::Verdict},
};

/// A `CloneSet` or `StatefulSet`: all pods are of the new revision and available, or as many as its
/// partition lets through.
///
/// See <https://openkruise.io/docs/user-manuals/cloneset#partition>.
pub(in crate::readiness::custom) fn replicas(case: &Case<'_>) -> Verdict {
    let count = |field: &str| integer(case.object, &format!("/status/{field}")).unwrap_or(0);
    let (total, available) = (count("replicas"), count("updatedAvailableReplicas"));
    let updates = is_update(case.object) || count("updatedReplicas") < total;
    if let Some(partition) = partition(case.object).filter(|_| updates) {
        let expected = integer(case.object, "/status/expectedUpdatedReplicas")
            .unwrap_or((total - partition).max(0));
        return held(count("updatedReplicas"), expected);
    }
    let wanted = integer(case.object, "/spec/replicas")
        .unwrap_or(1)
        .max(total);
    if available >= wanted {
        return Verdict::ready(format!(
            "{available} of {wanted} replicas are updated and available"
        ));
    }
    let refused = case
        .view()
        .conditions()
        .find(|it| it.is_true() && it.kind.starts_with("Failed"));
    refused.map_or_else(
        || too_few(available, wanted),
        |refused| grace::tolerated(case, &refused),
    )
}

/// A `DaemonSet` of Kruise.
pub(in crate::readiness::custom) fn daemons(case: &Case<'_>) -> Verdict {
    let count = |field: &str| integer(case.object, &format!("/status/{field}")).unwrap_or(0);
    let (wanted, updated, available) = (
        count("desiredNumberScheduled"),
        count("updatedNumberScheduled"),
        count("numberAvailable"),
    );
    if let Some(partition) = partition(case.object).filter(|_| is_update(case.object)) {
        return held(updated, (wanted - partition).max(0));
    }
    if wanted == 0 {
        Verdict::in_progress("NoNode", "no node takes its pods")
    } else if updated >= wanted && available >= wanted {
        Verdict::ready(format!(
            "{available} of {wanted} pods are updated and available"
        ))
    } else if updated >= wanted && available == 0 && grace::is_past_start(case) {
        Verdict::failed(
            "NoneAvailable",
            format!("none of {wanted} pods is available"),
        )
    } else {
        too_few(available.min(updated), wanted)
    }
}

/// A set of game servers.
pub(in crate::readiness::custom) fn game_servers(case: &Case<'_>) -> Verdict {
    let count = |field: &str| integer(case.object, &format!("/status/{field}")).unwrap_or(0);
    let (total, ready) = (count("replicas"), count("updatedReadyReplicas"));
    let updates = is_update(case.object) || count("updatedReplicas") < total;
    if let Some(partition) = partition(case.object).filter(|_| updates) {
        return held(count("updatedReplicas"), (total - partition).max(0));
    }
    let wanted = integer(case.object, "/spec/replicas")
        .unwrap_or(total)
        .max(total);
    if ready >= wanted {
        Verdict::ready(format!("{ready} of {wanted} game servers are ready"))
    } else {
        too_few(ready, wanted)
    }
}

/// In progress as long as a game server is in another state than it is meant to be.
pub(in crate::readiness::custom) fn wanted_state(case: &Case<'_>) -> Option<Verdict> {
    let state = |field: &str| text(case.object, &format!("/status/{field}"));
    let (current, wanted) = (state("currentState"), state("desiredState"));
    let message = || {
        format!(
            "it is `{}` and is to be `{}`",
            current.unwrap_or("unknown"),
            wanted.unwrap_or("unknown")
        )
    };
    (current != wanted).then(|| Verdict::in_progress("Progressing", message()))
}

/// In progress as long as the controller has not looked at the newest generation: it always says
/// which one it has seen.
pub(in crate::readiness::custom) fn unobserved(case: &Case<'_>) -> Option<Verdict> {
    let silent = case.object.get("status").is_none_or(Value::is_null);
    let unseen = || Verdict::in_progress("NoStatus", "its controller has not written a status yet");
    behind_or_silent(case.object).or_else(|| silent.then(unseen))
}

/// Whether there may be an earlier revision whose pods can stay.
fn is_update(object: &Value) -> bool {
    ManifestView(object)
        .generation()
        .is_none_or(|generation| generation > 1)
}

/// How many pods an update has to leave of the old revision, where it has to leave any; a share is
/// taken as one.
fn partition(object: &Value) -> Option<i64> {
    let places = [
        "/spec/updateStrategy/rollingUpdate/partition",
        "/spec/updateStrategy/partition",
    ];
    let value = places.into_iter().find_map(|path| part(object, path))?;
    let share = value
        .as_str()
        .is_some_and(|text| text.ends_with('%') && text != "0%");
    let partition = value.as_i64().unwrap_or(i64::from(share));
    (partition > 0).then_some(partition)
}

fn held(updated: i64, expected: i64) -> Verdict {
    if updated >= expected {
        Verdict::suspended(
            "Partitioned",
            format!(
                "{updated} pods are updated, the others stay because its manifest says so (`partition`)"
            ),
        )
    } else {
        too_few(updated, expected)
    }
}

fn too_few(have: i64, want: i64) -> Verdict {
    Verdict::in_progress(
        "TooFew",
        format!("{have} of {want} pods are updated and available"),
    )
}
