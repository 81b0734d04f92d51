//! The table of rules by kind, and the way from an object to its verdict.

use serde_json::Value;

use super::{
    budget::Budget,
    case::Case,
    custom, generic,
    kind::{
        autoscaling, claim, cluster, daemon_set, deployment, job, network, pod, replica_set,
        stateful_set,
    },
    surroundings::Surroundings,
    verdict::{State, Verdict},
};
use crate::object::{Condition, HasKind as _, ManifestView, quoted};

/// A rule for one kind.
type Rule = fn(&Case<'_>) -> Verdict;

/// Group, kind, rule. A kind that is neither here nor in [`STATIC`] is judged by
/// [`generic::judge`].
const RULES: &[(&str, &str, Rule)] = &[
    ("", "Pod", pod::judge),
    ("", "ReplicationController", replica_set::judge),
    ("apps", "Deployment", deployment::judge),
    ("apps", "StatefulSet", stateful_set::judge),
    ("apps", "DaemonSet", daemon_set::judge),
    ("apps", "ReplicaSet", replica_set::judge),
    ("batch", "Job", job::judge),
    ("batch", "CronJob", job::judge_cron),
    ("", "PersistentVolumeClaim", claim::judge),
    ("", "PersistentVolume", claim::judge_volume),
    ("", "Service", network::judge_service),
    ("networking.k8s.io", "Ingress", network::judge_ingress),
    ("autoscaling", "HorizontalPodAutoscaler", autoscaling::judge),
    (
        "policy",
        "PodDisruptionBudget",
        cluster::judge_disruption_budget,
    ),
    (
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        cluster::judge_definition,
    ),
    (
        "apiregistration.k8s.io",
        "APIService",
        cluster::judge_api_service,
    ),
    ("", "Namespace", cluster::judge_namespace),
    ("", "ResourceQuota", cluster::judge_quota),
];

/// Groups and kinds that are ready as soon as they are stored, because no controller has to do
/// anything about them.
const STATIC: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "ConfigMap",
            "Secret",
            "ServiceAccount",
            "LimitRange",
            "Endpoints",
            "Event",
            "PodTemplate",
        ],
    ),
    ("apps", &["ControllerRevision"]),
    (
        "rbac.authorization.k8s.io",
        &["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"],
    ),
    ("networking.k8s.io", &["NetworkPolicy", "IngressClass"]),
    (
        "storage.k8s.io",
        &[
            "StorageClass",
            "CSIDriver",
            "CSINode",
            "CSIStorageCapacity",
            "VolumeAttributesClass",
        ],
    ),
    (
        "flowcontrol.apiserver.k8s.io",
        &["PriorityLevelConfiguration"],
    ),
    (
        "resource.k8s.io",
        &["DeviceClass", "ResourceClaimTemplate", "ResourceSlice"],
    ),
    ("scheduling.k8s.io", &["PriorityClass"]),
    ("node.k8s.io", &["RuntimeClass"]),
    ("coordination.k8s.io", &["Lease"]),
    ("discovery.k8s.io", &["EndpointSlice"]),
    ("events.k8s.io", &["Event"]),
    (
        "admissionregistration.k8s.io",
        &[
            "MutatingWebhookConfiguration",
            "ValidatingWebhookConfiguration",
            "ValidatingAdmissionPolicyBinding",
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
        ],
    ),
];

/// The verdict about `object` as it is, within the default [`Budget`]. A pure function: it asks
/// nobody and reads no clock.
pub(crate) fn judge(object: &Value, surroundings: &Surroundings<'_>) -> Verdict {
    judge_within(object, surroundings, Budget::default())
}

/// The verdict about `object`, where `budget` says how much failing is tolerated.
pub(crate) fn judge_within(
    object: &Value,
    surroundings: &Surroundings<'_>,
    budget: Budget,
) -> Verdict {
    let terminating = terminating(object);
    let case = Case {
        object,
        around: surroundings,
        budget,
    };
    let view = case.view();
    let (group, kind) = view.group_and_kind();
    if kind.is_empty() {
        return Verdict::new(State::Unknown, "NoKind", "it says no `kind`");
    }
    if let Some((_, _, rule)) = RULES
        .iter()
        .find(|(of, name, _)| *of == group && *name == kind)
    {
        return terminating.unwrap_or_else(|| rule(&case));
    }
    if STATIC
        .iter()
        .any(|(of, kinds)| *of == group && kinds.contains(&kind))
    {
        return terminating.unwrap_or_else(|| Verdict::ready("exists"));
    }
    match terminating {
        Some(going) => judge_going(&case, going),
        None => judge_custom(&case),
    }
}

fn judge_custom(case: &Case<'_>) -> Verdict {
    custom::judge(case).unwrap_or_else(|| generic::judge(case))
}

/// Operators say of what they cannot take down that it has failed; otherwise that it is being taken
/// down is what there is to say. A condition of before tells nothing of how that goes.
fn judge_going(case: &Case<'_>, going: Verdict) -> Verdict {
    let deleted = case.view().deleted();
    let is_of_before = |condition: &Value| {
        let since = Condition::of(condition).and_then(|condition| condition.since);
        since
            .zip(deleted)
            .is_some_and(|(since, deleted)| since < deleted)
    };
    let mut object = case.object.clone();
    if let Some(Value::Array(conditions)) = object.pointer_mut("/status/conditions") {
        conditions.retain(|condition| !is_of_before(condition));
    }
    let verdict = judge_custom(&Case {
        object: &object,
        ..*case
    });
    if verdict.state == State::Failed {
        verdict
    } else {
        Verdict::in_progress(going.reason, going.message)
    }
}

/// The verdict about an object that is being deleted.
pub(super) fn terminating(object: &Value) -> Option<Verdict> {
    let view = ManifestView(object);
    if !view.is_terminating() {
        return None;
    }
    let finalizers: Vec<&str> = view.finalizers().collect();
    let message = if finalizers.is_empty() {
        "it is being deleted".to_owned()
    } else {
        quoted(
            &format!(
                "it is being deleted and waits for {}",
                finalizers.join(", ")
            ),
            300,
        )
    };
    Some(Verdict::new(State::Terminating, "Terminating", message))
}
