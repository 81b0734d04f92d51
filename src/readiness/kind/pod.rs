//! When a `Pod` is ready.

use serde_json::Value;

use crate::{
    object::{
        Condition, ManifestView, containers,
        field::{integer, is_present, list, text},
        pod_spec, quoted, runs_to_completion,
    },
    readiness::{
        case::Case,
        generation::behind,
        problem::problems,
        verdict::{State, Verdict},
    },
};

/// A Pod is ready when its condition `Ready` says so, or when it has ended well; one that runs to
/// completion only then.
///
/// See <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/>.
pub(in crate::readiness) fn judge(case: &Case<'_>) -> Verdict {
    if let Some(verdict) = behind(case.object) {
        return verdict;
    }
    match text(case.object, "/status/phase") {
        None => Verdict::in_progress("NotObserved", "nothing has looked at it yet"),
        Some("Succeeded") => Verdict::ready("completed"),
        Some("Failed") => ended_badly(case.object),
        Some("Unknown") => Verdict::new(
            State::Unknown,
            "NodeSilent",
            "its node says nothing about it",
        ),
        Some(_) => alive(case),
    }
}

fn ended_badly(pod: &Value) -> Verdict {
    let reason = text(pod, "/status/reason")
        .unwrap_or("PodFailed")
        .to_owned();
    let said = text(pod, "/status/message").map(|said| quoted(said, 300));
    let ended = list(pod, "/status/initContainerStatuses")
        .iter()
        .chain(list(pod, "/status/containerStatuses"))
        .find_map(|status| {
            let code = integer(status, "/state/terminated/exitCode").filter(|code| *code != 0)?;
            Some(format!(
                "container `{}` exited with code {code}",
                text(status, "/name").unwrap_or_default()
            ))
        });
    Verdict::failed(
        reason,
        said.or(ended)
            .unwrap_or_else(|| "it ended with an error".to_owned()),
    )
}

fn alive(case: &Case<'_>) -> Verdict {
    let pod = case.object;
    if runs_to_completion(pod) && has_ended_for_good(pod) {
        return ended_badly(pod);
    }
    let ready = ManifestView(pod).condition("Ready");
    if ready.is_some_and(|ready| ready.is_true()) {
        return if runs_to_completion(pod) {
            Verdict::in_progress("Running", "it runs, and is done once it has ended well")
        } else {
            Verdict::ready("all its containers are ready")
        };
    }
    let found = problems(pod, case.around.events);
    let worst = found
        .iter()
        .min_by_key(|problem| (!problem.exceeds(case.budget, case.around.now), problem.rank));
    let Some(problem) = worst else {
        return on_its_way(pod, ready);
    };
    let state = if problem.exceeds(case.budget, case.around.now) {
        State::Failed
    } else {
        State::InProgress
    };
    Verdict::new(
        state,
        problem.reason.clone(),
        format!("{}: {}", problem.reason, problem.message),
    )
}

/// Whether a container has ended with an error and is not started again, so that the pod fails as soon
/// as its other containers have ended. A container may have a policy of its own.
/// <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#individual-container-restart-policy-and-rules>
fn has_ended_for_good(pod: &Value) -> bool {
    let own_policy = |name: Option<&str>| {
        let mut specs = pod_spec(pod).into_iter().flat_map(containers);
        specs.any(|spec| text(spec, "/name") == name && is_present(spec, "/restartPolicy"))
    };
    let has_failed = |status: &Value| {
        integer(status, "/state/terminated/exitCode").is_some_and(|code| code != 0)
            && !own_policy(text(status, "/name"))
    };
    text(pod, "/spec/restartPolicy") == Some("Never")
        && ["/status/initContainerStatuses", "/status/containerStatuses"]
            .into_iter()
            .flat_map(|statuses| list(pod, statuses))
            .any(has_failed)
}

fn on_its_way(pod: &Value, ready: Option<Condition<'_>>) -> Verdict {
    let Some(scheduled) = ManifestView(pod).condition("PodScheduled") else {
        return Verdict::in_progress("NotScheduled", "it has no node yet");
    };
    if scheduled.is_false() {
        return Verdict::in_progress(scheduled.reason_or("NotScheduled"), "it has no node yet");
    }
    match ready {
        Some(ready) => Verdict::in_progress(ready.reason_or("NotReady"), quoted(ready.says(), 300)),
        None => Verdict::in_progress("NotInitialized", "its containers are being made"),
    }
}
