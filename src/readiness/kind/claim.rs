//! When claims and volumes are ready.

use serde_json::Value;

use crate::{
    object::{Condition, ManifestView, amount, field::text, quoted},
    readiness::{
        case::Case,
        event::events_about,
        surroundings::VolumeBinding,
        verdict::{State, Verdict},
    },
};

/// A claim is ready when it is bound and has the size that it wants, or when nothing can bind it
/// yet because no pod uses it.
///
/// See <https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode>.
pub(in crate::readiness) fn judge(case: &Case<'_>) -> Verdict {
    match text(case.object, "/status/phase") {
        Some("Bound") => bound(case),
        Some("Lost") => Verdict::failed(
            "Lost",
            format!("its volume `{}` is gone", volume(case.object)),
        ),
        _ => unbound(case),
    }
}

fn unbound(case: &Case<'_>) -> Verdict {
    let claim = case.object;
    let events = events_about(case.around.events, claim);
    let told_to_wait = events
        .first()
        .map(|event| event.reason == "WaitForFirstConsumer");
    let waits = match case.around.binding {
        Some(VolumeBinding::WaitForFirstConsumer) => true,
        Some(VolumeBinding::Immediate) => false,
        // Where it does not wait, what mounts it will show that it is not bound.
        Some(VolumeBinding::Hidden) => told_to_wait.unwrap_or(true),
        None => told_to_wait.unwrap_or(false),
    };
    let unused = case.around.pods.is_empty()
        && ManifestView(claim)
            .annotation("volume.kubernetes.io/selected-node")
            .is_none();
    if waits && unused && text(claim, "/spec/volumeName").is_none() {
        let message = if case.around.binding == Some(VolumeBinding::Hidden) {
            "not bound yet: its storage class, which may not be read, can wait for a pod that uses it"
        } else {
            "not bound yet: its storage class waits for a pod that uses it"
        };
        return Verdict::new(State::Ready, "WaitForFirstConsumer", message);
    }
    let class = text(claim, "/spec/storageClassName")
        .map_or_else(String::new, |class| format!(" by storage class `{class}`"));
    let told = events
        .iter()
        .find(|event| event.warning || event.reason == "FailedBinding");
    match told {
        Some(event) => Verdict::in_progress(
            event.reason.to_owned(),
            format!("not bound{class}: {}", quoted(event.message, 300)),
        ),
        None => Verdict::in_progress("NotBound", format!("not bound{class} yet")),
    }
}

fn bound(case: &Case<'_>) -> Verdict {
    let claim = case.object;
    if let Some(verdict) = resize_failed(claim) {
        return verdict;
    }
    let size = text(claim, "/status/capacity/storage");
    let message = format!(
        "bound to `{}`{}",
        volume(claim),
        size.map(|size| format!(", {size}")).unwrap_or_default()
    );
    let waits_for_pod = ManifestView(claim)
        .condition("FileSystemResizePending")
        .is_some_and(|pending| pending.is_true());
    if waits_for_pod && case.around.pods.is_empty() {
        return Verdict::new(
            State::Ready,
            "FileSystemResizePending",
            format!("{message}; it grows when a pod mounts it"),
        );
    }
    let resizing = ["Resizing", "FileSystemResizePending"]
        .into_iter()
        .find(|kind| {
            ManifestView(claim)
                .condition(kind)
                .is_some_and(|it| it.is_true())
        });
    match resizing.or_else(|| too_small(claim).then_some("Resizing")) {
        Some(reason) => {
            let wanted = text(claim, "/spec/resources/requests/storage").unwrap_or("its new size");
            Verdict::in_progress(
                reason,
                format!(
                    "it grows from {} to {wanted}",
                    size.unwrap_or("its old size")
                ),
            )
        }
        None => Verdict::ready(message),
    }
}

/// A resize that the storage calls infeasible is not tried again until the size in the manifest
/// changes.
///
/// See
/// <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#recovering-from-failure-when-expanding-volumes>.
fn resize_failed(claim: &Value) -> Option<Verdict> {
    let status = text(claim, "/status/allocatedResourceStatuses/storage")?;
    let said = ["ControllerResizeError", "NodeResizeError"]
        .into_iter()
        .find_map(|kind| {
            ManifestView(claim)
                .condition(kind)
                .filter(Condition::is_true)
        });
    let message = said.map_or_else(
        || format!("its resize is in state `{status}`"),
        |said| quoted(said.says(), 300),
    );
    status
        .ends_with("Infeasible")
        .then(|| Verdict::failed(status.to_owned(), message))
}

fn too_small(claim: &Value) -> bool {
    let at = |pointer| text(claim, pointer).and_then(amount);
    match (
        at("/spec/resources/requests/storage"),
        at("/status/capacity/storage"),
    ) {
        (Some(wanted), Some(actual)) => actual < wanted,
        _ => false,
    }
}

fn volume(claim: &Value) -> &str {
    text(claim, "/spec/volumeName").unwrap_or("a volume")
}

/// A volume is ready when it can be claimed or is.
pub(in crate::readiness) fn judge_volume(case: &Case<'_>) -> Verdict {
    let said = text(case.object, "/status/message")
        .or_else(|| text(case.object, "/status/reason"))
        .map(|said| quoted(said, 300));
    match text(case.object, "/status/phase") {
        Some(phase @ ("Available" | "Bound" | "Released")) => {
            Verdict::ready(format!("it is in phase `{phase}`"))
        }
        Some("Failed") => Verdict::failed(
            "Failed",
            said.unwrap_or_else(|| "its reclaiming failed".to_owned()),
        ),
        _ => Verdict::in_progress(
            "Pending",
            said.unwrap_or_else(|| "it is not available yet".to_owned()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::readiness::{Budget, State, Surroundings};

    #[test]
    fn a_claim_whose_class_may_not_be_read_passes_until_something_says_that_it_fails() {
        let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data", "namespace": "shop", "uid": "c"},
            "spec": {"storageClassName": "fast"}, "status": {"phase": "Pending"}});
        let event = |reason: &str| {
            json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "type": "Warning", "reason": reason, "note": "no space",
                "regarding": {"kind": "PersistentVolumeClaim", "namespace": "shop", "name": "data", "uid": "c"}})
        };
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "db-0", "namespace": "shop"}});
        let state = |binding, pods: &[&Value], events: &[&Value]| {
            let now = "2026-01-01T01:00:00Z".parse().unwrap();
            let around = Surroundings {
                pods,
                binding,
                events,
                ..Surroundings::none(now)
            };
            judge(&Case {
                object: &claim,
                around: &around,
                budget: Budget::default(),
            })
            .state
        };
        let hidden = Some(VolumeBinding::Hidden);
        let (failed, waits) = (event("ProvisioningFailed"), event("WaitForFirstConsumer"));
        assert_eq!(state(hidden, &[], &[]), State::Ready);
        assert_eq!(state(hidden, &[], &[&waits]), State::Ready);
        assert_eq!(state(hidden, &[], &[&failed]), State::InProgress);
        assert_eq!(state(hidden, &[&pod], &[]), State::InProgress);
        assert_eq!(state(None, &[], &[]), State::InProgress);
        assert_eq!(
            state(Some(VolumeBinding::Immediate), &[], &[]),
            State::InProgress
        );
    }
}
