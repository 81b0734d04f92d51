//! The most specific cause that is known of why an object is not ready.

use serde_json::Value;

use super::{
    command,
    explanation::{Explanation, LogRequest},
    probe,
};
use crate::{
    object::{Condition, HasKind as _, ManifestView, field::text, quoted},
    readiness::{
        Attempt, Problem, Rank, State, Surroundings, Verdict, current_pods, events_about, problems,
    },
};

/// Lines of a log that are worth showing.
const TAIL: u32 = 20;

/// So many causes beside the worst one are told of an object.
const FURTHER: usize = 8;

/// Longest text of somebody else that is repeated in a cause, in characters.
const QUOTE: usize = 300;

/// The most specific cause that is known for `verdict` about `object`.
///
/// Pods of the current revision come first; in them: image, crash, init container, probe,
/// scheduling, reference, volume. Without a pod: what refuses to create one, a claim that is not
/// bound, and at last what the object itself says.
pub(crate) fn explain(
    object: &Value,
    verdict: &Verdict,
    surroundings: &Surroundings<'_>,
) -> Explanation {
    if matches!(
        verdict.state,
        State::Ready | State::Suspended | State::Missing
    ) {
        return Explanation {
            cause: said(verdict),
            more: vec![command::describe(object)],
            ..Explanation::default()
        };
    }
    let mut found = distinct(all_problems(object, surroundings)).into_iter();
    if let Some((pod, problem)) = found.next() {
        let is_fault = problem.is_fault();
        // What only is not ready yet is nothing beside what is wrong.
        let further = found.filter(|(_, problem)| problem.rank != Rank::Waiting || !is_fault);
        let further = further
            .take(FURTHER)
            .map(|(pod, problem)| of_problem(object, pod, problem, surroundings));
        return Explanation {
            further: further.collect(),
            ..of_pod(object, pod, problem, verdict, surroundings)
        };
    }
    let cause = refusal(object, surroundings)
        .or_else(|| warning(object, surroundings))
        .or_else(|| said(verdict));
    Explanation {
        cause,
        more: vec![command::describe(object)],
        ..Explanation::default()
    }
}

fn said(verdict: &Verdict) -> Option<String> {
    let text = if verdict.message.is_empty() {
        &verdict.reason
    } else {
        verdict.message.as_str()
    };
    (!text.is_empty()).then(|| quoted(text, QUOTE))
}

/// Whether something is known to be wrong with `object` or its pods, also where it is still
/// tolerated.
pub(crate) fn has_fault(object: &Value, around: &Surroundings<'_>) -> bool {
    all_problems(object, around)
        .iter()
        .any(|(_, problem)| problem.is_fault())
}

/// A problem with the pod that has it.
type Found<'a> = (&'a Value, Problem);

/// What keeps pods from being ready, the most specific first: those of the current revision, else any
/// that are left.
fn all_problems<'a>(object: &'a Value, around: &Surroundings<'a>) -> Vec<Found<'a>> {
    let of = |pods: &[&'a Value]| {
        let found = pods.iter().flat_map(|pod| {
            let found = problems(pod, around.events).into_iter();
            found.map(move |problem| (*pod, problem))
        });
        let mut found: Vec<Found<'a>> = found.collect();
        found.sort_by_key(|(_, problem)| (problem.rank, problem.pod.clone()));
        found
    };
    if ManifestView(object).is_pod() {
        return of(&[object]);
    }
    // Pods that use a claim suffer from it; they do not explain it.
    if ManifestView(object).is_claim() {
        return Vec::new();
    }
    let current = of(&current_pods(object, around.pods, around.replica_sets));
    if current.is_empty() {
        of(around.pods)
    } else {
        current
    }
}

/// The first of those that are the same in several pods.
fn distinct(found: Vec<Found<'_>>) -> Vec<Found<'_>> {
    let mut seen = Vec::new();
    let is_new = |(_, problem): &Found<'_>| {
        let what = (problem.container.clone(), problem.rank);
        let is_new = !seen.contains(&what);
        seen.push(what);
        is_new
    };
    found.into_iter().filter(is_new).collect()
}

/// The explanation by the worst problem, with what the object itself says of its end.
fn of_pod(
    object: &Value,
    pod: &Value,
    problem: Problem,
    verdict: &Verdict,
    around: &Surroundings<'_>,
) -> Explanation {
    let explanation = of_problem(object, pod, problem, around);
    let decided = job_failed(object, verdict).unwrap_or_default();
    Explanation {
        cause: explanation.cause.map(|cause| format!("{decided}{cause}")),
        ..explanation
    }
}

fn of_problem(
    object: &Value,
    pod: &Value,
    problem: Problem,
    around: &Surroundings<'_>,
) -> Explanation {
    let namespace = ManifestView(pod)
        .namespace()
        .or_else(|| ManifestView(object).namespace())
        .unwrap_or_default();
    let log = problem
        .log
        .zip(problem.container.clone())
        .map(|(attempt, container)| LogRequest {
            namespace: namespace.to_owned(),
            pod: problem.pod.clone(),
            container,
            previous: attempt == Attempt::Previous,
            tail: TAIL,
        });
    let more = log
        .iter()
        .map(command::logs)
        .chain([command::describe(pod)])
        .collect();
    let detail = detail(pod, &problem, around)
        .map(|detail| format!(" ({detail})"))
        .unwrap_or_default();
    let cause = format!("{}: {}{detail}", problem.reason, problem.message);
    Explanation {
        pod: Some(problem.pod),
        container: problem.container,
        cause: Some(cause),
        log,
        more,
        further: Vec::new(),
    }
}

/// A Job's own word on its end comes before what its last pod says.
fn job_failed(object: &Value, verdict: &Verdict) -> Option<String> {
    let view = ManifestView(object);
    let failed = view
        .condition("Failed")
        .filter(|failed| failed.is_true() && view.is_job())?;
    (verdict.state == State::Failed)
        .then(|| format!("the Job failed: {}; ", quoted(failed.says(), QUOTE)))
}

/// What is around a problem and belongs to it: the probe's question, the claim that is not bound.
fn detail(pod: &Value, problem: &Problem, around: &Surroundings<'_>) -> Option<String> {
    match problem.rank {
        Rank::Probe | Rank::Waiting => {
            probe::describe(pod, problem.container.as_deref()?, &problem.message)
        }
        Rank::Unschedulable | Rank::Volume => around
            .claims
            .iter()
            .find_map(|claim| unbound(claim, around)),
        _ => None,
    }
}

fn unbound(claim: &Value, around: &Surroundings<'_>) -> Option<String> {
    if text(claim, "/status/phase") == Some("Bound") {
        return None;
    }
    let name = ManifestView(claim).name();
    let class = text(claim, "/spec/storageClassName")
        .map_or("no storage class".to_owned(), |class| {
            format!("storage class `{class}`")
        });
    let events = events_about(around.events, claim);
    let told = events
        .iter()
        .find(|event| event.warning)
        .or_else(|| events.first());
    let told = told
        .map(|event| format!(": {}", quoted(event.message, QUOTE)))
        .unwrap_or_default();
    Some(format!("claim `{name}` of {class} is not bound{told}"))
}

/// Why no pod could be created: a quota or an admission webhook, as events or conditions of the
/// object or its `ReplicaSet`s tell.
fn refusal(object: &Value, around: &Surroundings<'_>) -> Option<String> {
    let owners = || std::iter::once(object).chain(around.replica_sets.iter().copied());
    let mut events: Vec<_> = owners()
        .flat_map(|owner| events_about(around.events, owner))
        .collect();
    events.retain(|event| event.reason == "FailedCreate");
    let event = events
        .iter()
        .max_by_key(|event| event.last)
        .map(|event| event.message);
    let failure = || {
        owners().find_map(|owner| {
            ManifestView(owner)
                .condition("ReplicaFailure")
                .filter(Condition::is_true)
                .map(|it| it.message)
        })
    };
    event
        .or_else(failure)
        .map(without_preamble)
        .filter(|text| !text.is_empty())
        .map(|text| format!("pods cannot be created: {}", quoted(text, QUOTE)))
}

/// `text` of an event without what says only that it is one of several about the same.
fn without_preamble(text: &str) -> &str {
    let preambles = ["(combined from similar events): ", "Error creating: "];
    preambles.into_iter().fold(text, |text, preamble| {
        text.strip_prefix(preamble).unwrap_or(text)
    })
}

/// The newest warning about the object itself, such as a provisioner's about a claim.
fn warning(object: &Value, around: &Surroundings<'_>) -> Option<String> {
    let events = events_about(around.events, object);
    let event = events.into_iter().find(|event| event.warning)?;
    Some(format!(
        "{}: {}",
        event.reason,
        quoted(event.message, QUOTE)
    ))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::readiness::{judge, own_cases::for_each_odd_object};

    #[test]
    fn no_value_in_any_field_makes_it_panic() {
        for_each_odd_object(|object, surroundings| {
            drop(explain(object, &judge(object, surroundings), surroundings));
        });
    }

    fn now() -> Timestamp {
        "2026-01-01T01:00:00Z".parse().unwrap()
    }

    fn deployment() -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api", "namespace": "shop", "generation": 1},
            "spec": {"replicas": 1}, "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1}})
    }

    fn pod(status: &Value) -> Value {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "api-1", "namespace": "shop"}, "status": status,
            "spec": {"containers": [{"name": "api", "readinessProbe": {"httpGet": {"path": "/health", "port": 8000}}}]}})
    }

    fn explained(
        object: &Value,
        pods: &[&Value],
        events: &[&Value],
        claims: &[&Value],
    ) -> Explanation {
        let around = Surroundings {
            pods,
            claims,
            events,
            ..Surroundings::none(now())
        };
        explain(object, &judge(object, &around), &around)
    }

    #[test]
    fn a_crash_asks_for_the_log_of_the_attempt_before() {
        let pod = pod(
            &json!({"phase": "Running", "containerStatuses": [{"name": "api", "restartCount": 4,
            "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 3}}}]}),
        );
        let explanation = explained(&deployment(), &[&pod], &[], &[]);
        assert_eq!(
            explanation.cause.as_deref(),
            Some("CrashLoopBackOff: container `api` exited with code 3 (4 restarts)")
        );
        let log = explanation.log.unwrap();
        assert_eq!(
            (
                log.pod.as_str(),
                log.container.as_str(),
                log.previous,
                log.tail
            ),
            ("api-1", "api", true, 20)
        );
        assert_eq!(explanation.more[0], "kubectl logs -n shop api-1 -c api -p");
    }

    #[test]
    fn an_image_has_no_log() {
        let pod = pod(
            &json!({"phase": "Pending", "containerStatuses": [{"name": "api", "image": "shop/api:nope",
            "state": {"waiting": {"reason": "ErrImagePull", "message": "manifest unknown"}}}]}),
        );
        let explanation = explained(&deployment(), &[&pod], &[], &[]);
        assert_eq!(
            explanation.cause.as_deref(),
            Some(
                "ErrImagePull: container `api` cannot pull image `shop/api:nope`: manifest unknown"
            )
        );
        assert_eq!(explanation.log, None);
        assert_eq!(explanation.more, ["kubectl describe -n shop pod/api-1"]);
    }

    #[test]
    fn a_probe_says_what_it_asks() {
        let pod = pod(
            &json!({"phase": "Running", "containerStatuses": [{"name": "api", "ready": false, "state": {"running": {}}}]}),
        );
        let event = json!({"kind": "Event", "type": "Warning", "reason": "Unhealthy", "message": "Readiness probe failed: HTTP 503",
            "involvedObject": {"kind": "Pod", "name": "api-1", "namespace": "shop"}});
        let cause = explained(&deployment(), &[&pod], &[&event], &[])
            .cause
            .unwrap();
        assert!(
            cause.contains("HTTP 503")
                && cause.contains("readiness probe: GET `/health` on port 8000"),
            "{cause}"
        );
    }

    #[test]
    fn an_unschedulable_pod_names_the_claim_behind_it() {
        let pod = pod(
            &json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."}]}),
        );
        let claim = json!({"kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "shop"},
            "spec": {"storageClassName": "fast"}, "status": {"phase": "Pending"}});
        let event = json!({"kind": "Event", "type": "Warning", "reason": "ProvisioningFailed", "message": "storageclass \"fast\" not found",
            "involvedObject": {"kind": "PersistentVolumeClaim", "name": "data", "namespace": "shop"}});
        let cause = explained(&deployment(), &[&pod], &[&event], &[&claim])
            .cause
            .unwrap();
        assert!(
            cause.contains("0/1 nodes")
                && cause.contains("claim `data` of storage class `fast`")
                && cause.contains("not found"),
            "{cause}"
        );
    }

    #[test]
    fn a_refusal_is_told_where_no_pod_is() {
        let event = json!({"kind": "Event", "type": "Warning", "reason": "FailedCreate", "message": "(combined from similar events): Error creating: pods \"api-1\" is forbidden: exceeded quota",
            "involvedObject": {"kind": "Deployment", "name": "api", "namespace": "shop"}});
        let explanation = explained(&deployment(), &[], &[&event], &[]);
        assert_eq!(
            explanation.cause.as_deref(),
            Some("pods cannot be created: pods \"api-1\" is forbidden: exceeded quota")
        );
        assert_eq!(
            explanation.more,
            ["kubectl describe -n shop deployment/api"]
        );
    }

    #[test]
    fn the_most_specific_pod_is_shown() {
        let waiting = pod(
            &json!({"phase": "Running", "containerStatuses": [{"name": "api", "ready": false, "state": {"running": {}}}]}),
        );
        let mut missing = pod(
            &json!({"phase": "Pending", "containerStatuses": [{"name": "api",
            "state": {"waiting": {"reason": "CreateContainerConfigError", "message": "secret \"db\" not found"}}}]}),
        );
        missing["metadata"]["name"] = json!("api-2");
        let explanation = explained(&deployment(), &[&waiting, &missing], &[], &[]);
        assert_eq!(explanation.pod.as_deref(), Some("api-2"));
        assert!(
            explanation
                .cause
                .unwrap()
                .contains("secret \"db\" not found")
        );
    }

    #[test]
    fn every_container_that_fails_is_told_once_with_its_log() {
        let statuses = json!([
            {"name": "api", "restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 3}}},
            {"name": "worker", "restartCount": 5, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 4}}},
            {"name": "proxy", "ready": false, "state": {"running": {}}},
        ]);
        let first = pod(&json!({"phase": "Running", "containerStatuses": statuses}));
        let mut second = first.clone();
        second["metadata"]["name"] = json!("api-2");
        let explanation = explained(&deployment(), &[&first, &second], &[], &[]);
        let further: Vec<&str> = explanation
            .further
            .iter()
            .filter_map(|further| further.cause.as_deref())
            .collect();
        assert_eq!(
            further,
            ["CrashLoopBackOff: container `worker` exited with code 4 (5 restarts)"]
        );
        let logs: Vec<&str> = explanation
            .logs()
            .into_iter()
            .flatten()
            .map(|log| log.container.as_str())
            .collect();
        assert_eq!(logs, ["api", "worker"]);
        assert!(has_fault(
            &deployment(),
            &Surroundings {
                pods: &[&first],
                ..Surroundings::none(now())
            }
        ));
    }

    #[test]
    fn a_failed_job_shows_its_word_and_its_pod() {
        let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate", "namespace": "shop"}, "status": {
            "conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "Job has reached the specified backoff limit"}]}});
        let pod = pod(
            &json!({"phase": "Failed", "containerStatuses": [{"name": "api", "restartCount": 0,
            "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}]}),
        );
        let explanation = explained(&job, &[&pod], &[], &[]);
        let cause = explanation.cause.unwrap();
        assert!(cause.starts_with("the Job failed: Job has reached the specified backoff limit; Error: container `api` exited"), "{cause}");
        assert!(!explanation.log.unwrap().previous);
    }

    #[test]
    fn without_pods_the_object_speaks() {
        let certificate = json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "tls", "namespace": "shop"},
            "status": {"conditions": [{"type": "Ready", "status": "False", "reason": "Pending", "message": "waiting for the issuer"}]}});
        let explanation = explained(&certificate, &[], &[], &[]);
        assert_eq!(
            explanation.cause.as_deref(),
            Some("`Ready` is false: waiting for the issuer")
        );
        assert_eq!(
            explanation.more,
            ["kubectl describe -n shop certificate.cert-manager.io/tls"]
        );
    }
}
