//! When a `Job` or `CronJob` is ready.

use serde_json::Value;

use crate::{
    object::{
        Condition, HasKind as _, ManifestView,
        field::{integer, is_true, text, time},
        quoted, runs_to_completion,
    },
    readiness::{
        case::Case,
        generation::behind,
        verdict::{State, Verdict},
        workload::{count, keeps_from_starting, of, worst},
    },
};

/// A Job is ready when it is complete, and failed as soon as that is decided: it is no use to wait
/// for its pods to be gone.
///
/// See <https://kubernetes.io/docs/concepts/workloads/controllers/job/#terminal-job-conditions>.
pub(in crate::readiness) fn judge(case: &Case<'_>) -> Verdict {
    let job = case.object;
    if let Some(verdict) = behind(job) {
        return verdict;
    }
    if let Some(verdict) = decided(case) {
        return verdict;
    }
    if is_true(job, "/spec/suspend") {
        return Verdict::suspended(
            "Suspended",
            "suspended because its manifest says so (`spec.suspend`)",
        );
    }
    if text(job, "/status/startTime").is_none() {
        return Verdict::in_progress("NotStarted", "it has not started yet");
    }
    running(case)
}

/// Whether `object` is a Job that has done its work. It stays so when its time to live removes it.
///
/// See <https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/>.
fn is_completed_job(object: &Value) -> bool {
    let view = ManifestView(object);
    let is_true = |kind: &&str| view.condition(kind).is_some_and(|found| found.is_true());
    view.is_job() && COMPLETED.iter().any(is_true)
}

/// Whether `object` has done what it was to do once: a Job, or a Pod that runs to completion.
pub(crate) fn has_run_to_completion(object: &Value) -> bool {
    is_completed_job(object)
        || runs_to_completion(object) && text(object, "/status/phase") == Some("Succeeded")
}

/// Whether `object` has done its work for good, so that it may go: a Job, a pod, or a custom resource
/// that says so. Some remove themselves then, as Jobs do, or are removed by what runs them.
///
/// See <https://argo-workflows.readthedocs.io/en/latest/cost-optimisation/> and
/// <https://tekton.dev/docs/operator/tektonconfig/#pruner>.
pub(crate) fn has_ended(object: &Value) -> bool {
    let view = ManifestView(object);
    let (group, _) = view.group_and_kind();
    let says = |path: &str| text(object, path).is_some_and(|word| ENDED.contains(&word));
    let is_true = |kind: &&str| view.condition(kind).is_some_and(|found| found.is_true());
    is_completed_job(object)
        || view.is_pod() && text(object, "/status/phase") == Some("Succeeded")
        || group.contains('.')
            && !group.ends_with(".k8s.io")
            && (["/status/phase", "/status/state"].into_iter().any(says)
                || ENDED.iter().any(is_true))
}

/// How custom resources say that they have done their work.
const ENDED: [&str; 4] = ["Succeeded", "Completed", "Complete", "Finished"];

/// The conditions of a Job that has done its work, be its pods gone or not.
const COMPLETED: [&str; 2] = ["Complete", "SuccessCriteriaMet"];

fn decided(case: &Case<'_>) -> Option<Verdict> {
    let holds = |kind| case.view().condition(kind).filter(Condition::is_true);
    if let Some(failed) = holds("Failed").or_else(|| holds("FailureTarget")) {
        let why = worst(case, case.around.pods)
            .map(|problem| format!("; pod {}: {}", problem.pod, problem.message))
            .unwrap_or_default();
        let message = format!(
            "{}: {}{why}",
            failed.reason_or("JobFailed"),
            quoted(failed.says(), 300)
        );
        return Some(Verdict::failed(failed.reason_or("JobFailed"), message));
    }
    COMPLETED.into_iter().find_map(holds)?;
    Some(Verdict::ready("it is complete"))
}

/// Crashes are the Job's own business up to its `backoffLimit`; an image that cannot be had is no
/// attempt and would wait for ever.
fn running(case: &Case<'_>) -> Verdict {
    let job = case.object;
    let wanted = integer(job, "/spec/completions").unwrap_or(1);
    let mut message = of(count(job, "succeeded"), wanted, "completion", "done");
    let failed = count(job, "failed");
    if failed > 0 {
        message = format!(
            "{message}, {failed} failed (`backoffLimit` is {})",
            integer(job, "/spec/backoffLimit").unwrap_or(6)
        );
    }
    let Some(problem) = worst(case, case.around.pods) else {
        return Verdict::in_progress("Running", message);
    };
    let given_up = keeps_from_starting(&problem) && problem.exceeds(case.budget, case.around.now);
    let state = if given_up {
        State::Failed
    } else {
        State::InProgress
    };
    Verdict::new(
        state,
        problem.reason.clone(),
        format!(
            "{message}; pod {}: {}: {}",
            problem.pod, problem.reason, problem.message
        ),
    )
}

/// A `CronJob` is ready as soon as it is stored: how its runs end is not the deployment's question.
pub(in crate::readiness) fn judge_cron(case: &Case<'_>) -> Verdict {
    if is_true(case.object, "/spec/suspend") {
        return Verdict::suspended(
            "Suspended",
            "suspended because its manifest says so (`spec.suspend`)",
        );
    }
    Verdict::ready(schedule(case.object))
}

fn schedule(cron_job: &Value) -> String {
    let schedule = text(cron_job, "/spec/schedule").map_or_else(
        || "it is stored".to_owned(),
        |schedule| format!("scheduled `{schedule}`"),
    );
    match time(cron_job, "/status/lastSuccessfulTime") {
        Some(last) => format!("{schedule}, last success {last}"),
        None => schedule,
    }
}
