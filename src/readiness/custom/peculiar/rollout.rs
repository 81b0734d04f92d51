//! `Rollout` of Argo Rollouts, old ones without a phase too.

use serde_json::Value;

use crate::{
    object::{
        Condition, ManifestView,
        field::{integer, is_present, is_true, list, text},
    },
    readiness::{case::Case, grace, verdict::Verdict},
};

/// Reasons of the condition `Progressing` with which a rollout is over and has not succeeded.
const GIVEN_UP: &[&str] = &[
    "RolloutAborted",
    "ProgressDeadlineExceeded",
    "TimedOut",
    "ReplicaSetCreateError",
    "AnalysisRunFailed",
    "ExperimentFailed",
];

/// Since 1.0 a phase tells all, if it is about the newest generation; before, it is made of counts
/// and hashes.
///
/// See <https://argo-rollouts.readthedocs.io/en/stable/features/specification/>.
pub(in crate::readiness::custom) fn judge(case: &Case<'_>) -> Option<Verdict> {
    let object = case.object;
    object.get("status").filter(|status| status.is_object())?;
    workload_behind(object)
        .or_else(|| given_up(case))
        .or_else(|| paused(object))
        .or_else(|| by_phase(object))
        .or_else(|| missing(object))
        .or_else(|| serving(object))
}

/// What a rollout refers to has a generation of its own.
fn workload_behind(object: &Value) -> Option<Verdict> {
    let wanted: i64 = ManifestView(object)
        .annotation("rollout.argoproj.io/workload-generation")?
        .parse()
        .ok()?;
    let observed = integer(object, "/status/workloadObservedGeneration")?;
    let message =
        || format!("its controller has seen generation {observed} of {wanted} of its workload");
    (observed != wanted).then(|| Verdict::in_progress("NotObserved", message()))
}

fn given_up(case: &Case<'_>) -> Option<Verdict> {
    let invalid = case
        .view()
        .condition("InvalidSpec")
        .filter(Condition::is_true);
    let over = case
        .view()
        .condition("Progressing")
        .filter(|it| GIVEN_UP.contains(&it.reason));
    if let Some(condition) = invalid.or(over) {
        return Some(grace::tolerated(case, &condition));
    }
    is_true(case.object, "/status/abort")
        .then(|| Verdict::failed("RolloutAborted", "it is aborted"))
}

fn paused(object: &Value) -> Option<Verdict> {
    let reason = list(object, "/status/pauseConditions")
        .iter()
        .find_map(|it| text(it, "/reason"));
    let is_paused = reason.is_some()
        || is_true(object, "/spec/paused")
        || is_true(object, "/status/controllerPause");
    is_paused.then(|| {
        Verdict::suspended(
            "Paused",
            format!("it is paused: {}", reason.unwrap_or("its manifest says so")),
        )
    })
}

fn by_phase(object: &Value) -> Option<Verdict> {
    // Before 1.0 what was observed was a hash, and the phase is not to be trusted.
    integer(object, "/status/observedGeneration")?;
    let message = text(object, "/status/message").unwrap_or("it says nothing more");
    Some(match text(object, "/status/phase")? {
        "Healthy" => Verdict::ready("its phase is `Healthy`"),
        "Degraded" => Verdict::failed("Degraded", format!("its phase is `Degraded`: {message}")),
        "Paused" => Verdict::suspended("Paused", format!("its phase is `Paused`: {message}")),
        phase => Verdict::in_progress("Progressing", format!("its phase is `{phase}`: {message}")),
    })
}

fn missing(object: &Value) -> Option<Verdict> {
    let count = |field: &str| integer(object, &format!("/status/{field}")).unwrap_or(0);
    let wanted = integer(object, "/spec/replicas").unwrap_or(1);
    let (total, updated, available) = (
        count("replicas"),
        count("updatedReplicas"),
        count("availableReplicas"),
    );
    let keeps_old = is_present(object, "/spec/strategy/blueGreen");
    let message = if updated < wanted {
        format!("{updated} of {wanted} replicas are updated")
    } else if available < updated {
        format!("{available} of {updated} updated replicas are available")
    } else if total > updated && !keeps_old {
        format!(
            "{} replicas are still of the previous revision",
            total - updated
        )
    } else {
        return None;
    };
    Some(Verdict::in_progress("TooFew", message))
}

/// Whether traffic goes to the newest revision.
fn serving(object: &Value) -> Option<Verdict> {
    let current = text(object, "/status/currentPodHash")?;
    let serving = [
        "/status/blueGreen/activeSelector",
        "/status/activeSelector",
        "/status/stableRS",
        "/status/canary/stableRS",
    ];
    Some(
        if serving.iter().find_map(|at| text(object, at)) == Some(current) {
            Verdict::ready("its newest revision serves")
        } else {
            Verdict::in_progress("NotServing", "its newest revision does not serve yet")
        },
    )
}
