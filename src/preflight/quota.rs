//! Whether the quotas of a namespace leave room for what a release needs.

use serde_json::Value;

use super::Finding;
use crate::{
    finding::Check,
    object::{
        Amounts, ContainerDefaults, ManifestView, ObjectId, Origin, Truth, add_amounts, exceeds,
        field::{integer, is_present, is_true, list, text},
        pod_needs, pod_spec, quantities, raise, shown_amount,
    },
};

/// A quota, as it is wanted or there.
#[derive(Debug, Clone)]
pub(crate) struct FoundQuota<'a> {
    /// The quota.
    pub(crate) id: ObjectId,
    /// As it will be.
    pub(crate) body: &'a Value,
    /// What is used of it now.
    pub(crate) used: Amounts,
    /// Where it was written down, if in the plan.
    pub(crate) at: Option<&'a Origin>,
}

/// What a release needs in a namespace, and what it has there now.
#[derive(Debug, Clone, Default)]
pub(crate) struct Needed {
    /// At the numbers of replicas that are wanted.
    pub(crate) wanted: Amounts,
    /// At the most that autoscalers may make of them.
    pub(crate) most: Amounts,
    /// What is there of it.
    pub(crate) there: Amounts,
}

impl Needed {
    /// Adds an object: as it is `wanted`, as it is `there`, and the numbers of its pods between which
    /// an autoscaler may choose.
    pub(crate) fn add(
        &mut self,
        id: &ObjectId,
        (wanted, there): (&Value, Option<&Value>),
        scaled: Option<(f64, f64)>,
        defaults: &ContainerDefaults,
    ) {
        if let Some(pods) = pods_of(id, wanted).filter(|_| !is_stopped(wanted)) {
            let (least, most) = scaled.unwrap_or((pods, pods));
            add_pods(
                &mut self.wanted,
                wanted,
                least.max(1.0_f64.min(pods)),
                defaults,
            );
            add_pods(&mut self.most, wanted, most, defaults);
        }
        if let Some(there) = there {
            // Quotas do not count pods that have ended.
            if has_ended(there) {
                return;
            }
            let now = integer(there, "/status/replicas").map(as_number);
            if let Some(pods) = now.or_else(|| pods_of(id, there)) {
                add_pods(&mut self.there, there, pods, defaults);
            }
            return;
        }
        // What is not there yet is counted when it is created.
        if let Some(counted) = counted(id) {
            for amounts in [&mut self.wanted, &mut self.most] {
                *amounts.entry(counted.to_owned()).or_default() += 1.0;
            }
        }
    }
}

impl Needed {
    /// What is needed at most where one of `moments` follows the other, and their pods end.
    pub(crate) fn with_peak(mut self, moments: impl IntoIterator<Item = Self>) -> Self {
        let mut peak = Self::default();
        for moment in moments {
            raise(&mut peak.wanted, moment.wanted);
            raise(&mut peak.most, moment.most);
            add_amounts(&mut peak.there, &moment.there, 1.0);
        }
        for (own, more) in [
            (&mut self.wanted, &peak.wanted),
            (&mut self.most, &peak.most),
            (&mut self.there, &peak.there),
        ] {
            add_amounts(own, more, 1.0);
        }
        self
    }
}

/// Whether `there`, a Job or a pod, has run to its end.
pub(crate) fn has_ended(there: &Value) -> bool {
    let view = ManifestView(there);
    let holds = |kind| {
        view.condition(kind)
            .is_some_and(|condition| condition.truth == Truth::True)
    };
    match view.kind() {
        "Job" => holds("Complete") || holds("Failed"),
        "Pod" => matches!(text(there, "/status/phase"), Some("Succeeded" | "Failed")),
        _ => false,
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody has so many pods")]
fn as_number(count: i64) -> f64 {
    count as f64
}

fn add_pods(amounts: &mut Amounts, body: &Value, pods: f64, defaults: &ContainerDefaults) {
    if let Some(spec) = pod_spec(body) {
        add_amounts(amounts, &pod_needs(spec, defaults), pods);
        *amounts.entry("pods".to_owned()).or_default() += pods;
    }
}

fn is_stopped(body: &Value) -> bool {
    is_true(body, "/spec/suspend")
}

/// How many pods `body` makes at a time; `None` where it makes none by itself.
fn pods_of(id: &ObjectId, body: &Value) -> Option<f64> {
    pod_spec(body)?;
    let at = |path| integer(body, path).map_or(1.0, as_number);
    match (id.group.as_str(), id.kind.as_str()) {
        ("apps", "Deployment" | "StatefulSet" | "ReplicaSet") => Some(at("/spec/replicas")),
        ("batch", "Job") => Some(at("/spec/parallelism").min(at("/spec/completions"))),
        // How many nodes there are for a DaemonSet is not known.
        ("", "Pod") | ("apps", "DaemonSet") => Some(1.0),
        _ => None,
    }
}

/// How quotas call objects of a kind that they count.
fn counted(id: &ObjectId) -> Option<&'static str> {
    match (id.group.as_str(), id.kind.as_str()) {
        ("", "Service") => Some("services"),
        ("", "Secret") => Some("secrets"),
        ("", "ConfigMap") => Some("configmaps"),
        ("", "PersistentVolumeClaim") => Some("persistentvolumeclaims"),
        _ => None,
    }
}

/// The numbers of pods between which an autoscaler of the plan may choose for each object.
/// <https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/>
pub(crate) fn scaled_between(id: &ObjectId, body: &Value) -> Option<(f64, f64)> {
    let at = |path, default| integer(body, path).map_or(default, as_number);
    match (id.group.as_str(), id.kind.as_str()) {
        ("autoscaling", "HorizontalPodAutoscaler") => {
            Some((at("/spec/minReplicas", 1.0), at("/spec/maxReplicas", 1.0)))
        }
        ("keda.sh", "ScaledObject") => Some((
            at("/spec/minReplicaCount", 0.0),
            at("/spec/maxReplicaCount", 100.0),
        )),
        _ => None,
    }
}

/// What the quotas of the namespace, `quotas`, leave too little room for.
pub(crate) fn over_quota(quotas: &[FoundQuota<'_>], needed: &Needed) -> Vec<Finding> {
    let mut findings = Vec::new();
    for quota in quotas.iter().filter(|quota| is_for_all(quota.body)) {
        for (resource, hard) in quantities(quota.body, "/spec/hard") {
            let key = key(&resource);
            let used = quota.used.get(&resource).copied().unwrap_or_default();
            let at = |amounts: &Amounts| amounts.get(&key).copied().unwrap_or_default();
            let is_counted = !is_of_pods(&key);
            // What is counted by object is in use already but for what comes.
            let others = if is_counted {
                used
            } else {
                (used - at(&needed.there)).max(0.0)
            };
            let free = (hard - others).max(0.0);
            let (wanted, most) = (at(&needed.wanted), at(&needed.most));
            let shown = |amount| shown_amount(&key, amount);
            let how = if exceeds(wanted, free) {
                format!("needs {}", shown(wanted))
            } else if exceeds(most, free) {
                format!(
                    "needs {} with as many replicas as its autoscalers may make",
                    shown(most)
                )
            } else {
                continue;
            };
            let message = format!(
                "it leaves {} of {} `{resource}`, and the release {how}",
                shown(free),
                shown(hard)
            );
            findings.push(Finding {
                at: quota.at.cloned(),
                object: Some(quota.id.clone()),
                ..Finding::of(Check::OverQuota, message)
                    .remedy("raise the quota, or take smaller figures or fewer replicas")
            });
        }
    }
    findings
}

/// Whether a quota counts all pods of its namespace, and not those of a scope.
/// <https://kubernetes.io/docs/concepts/policy/resource-quotas/#quota-scopes>
fn is_for_all(quota: &Value) -> bool {
    list(quota, "/spec/scopes").is_empty() && !is_present(quota, "/spec/scopeSelector")
}

/// A resource of a quota by the name that is reckoned with.
fn key(resource: &str) -> String {
    match resource {
        "cpu" | "memory" => format!("requests.{resource}"),
        other => other.strip_prefix("count/").unwrap_or(other).to_owned(),
    }
}

fn is_of_pods(key: &str) -> bool {
    key == "pods" || key.starts_with("requests.") || key.starts_with("limits.")
}

/// What is used of `quota`, as its controller says.
pub(crate) fn used(quota: &Value) -> Amounts {
    quantities(quota, "/status/used")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn quota(hard: &Value, used: &Value) -> Value {
        json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q", "namespace": "shop"}, "spec": {"hard": hard}, "status": {"used": used}})
    }

    fn deployment(replicas: i64, now: Option<i64>) -> Value {
        let resources = json!({"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}});
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"replicas": replicas, "template": {"spec": {"containers": [{"resources": resources}]}}},
            "status": {"replicas": now}})
    }

    fn said(
        quota: &Value,
        wanted: &Value,
        there: Option<&Value>,
        scaled: Option<(f64, f64)>,
    ) -> Vec<String> {
        let mut needed = Needed::default();
        let id = ObjectId::of(wanted).expect("it is an object");
        needed.add(&id, (wanted, there), scaled, &ContainerDefaults::default());
        let found = FoundQuota {
            id: ObjectId::of(quota).expect("it is an object"),
            body: quota,
            used: used(quota),
            at: None,
        };
        let findings = over_quota(&[found], &needed);
        findings.into_iter().map(|it| it.message).collect()
    }

    #[test]
    fn what_does_not_fit_is_said_with_what_is_free() {
        let none: [&str; 0] = [];
        let hard = json!({"requests.cpu": "4", "limits.memory": "8Gi", "pods": "10"});
        let empty = quota(&hard, &json!({}));
        assert_eq!(said(&empty, &deployment(4, None), None, None), none);
        assert_eq!(
            said(&empty, &deployment(5, None), None, None),
            ["it leaves 4 of 4 `requests.cpu`, and the release needs 5"]
        );
        // What the release uses already is its own.
        let full = quota(&hard, &json!({"requests.cpu": "4", "pods": "4"}));
        let there = deployment(3, Some(3));
        assert_eq!(said(&full, &deployment(3, None), Some(&there), None), none);
        assert_eq!(
            said(&full, &deployment(4, None), Some(&there), None),
            ["it leaves 3 of 4 `requests.cpu`, and the release needs 4"]
        );
    }

    fn job(cpu: &str) -> Value {
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate", "namespace": "shop"},
            "spec": {"template": {"spec": {"containers": [{"resources": {"requests": {"cpu": cpu}}}]}}}})
    }

    #[test]
    fn what_has_ended_or_does_not_begin_uses_nothing() {
        let mut done = job("3");
        done["status"] = json!({"conditions": [{"type": "Complete", "status": "True"}]});
        let mut needed = Needed::default();
        let id = ObjectId::of(&done).expect("it is an object");
        needed.add(
            &id,
            (&done, Some(&done)),
            None,
            &ContainerDefaults::default(),
        );
        assert_eq!(needed.there, Amounts::new());
        let mut waits = job("3");
        waits["spec"]["suspend"] = true.into();
        let mut needed = Needed::default();
        needed.add(&id, (&waits, None), None, &ContainerDefaults::default());
        assert_eq!(needed.wanted, Amounts::new());
    }

    #[test]
    fn what_comes_one_after_the_other_needs_what_the_largest_does() {
        let moment = |cpu: &str| {
            let job = job(cpu);
            let mut needed = Needed::default();
            let id = ObjectId::of(&job).expect("it is an object");
            needed.add(&id, (&job, None), None, &ContainerDefaults::default());
            needed
        };
        let needed = moment("1").with_peak([moment("2"), moment("3")]);
        assert_eq!(shown_amount("cpu", needed.wanted["requests.cpu"]), "4");
        assert_eq!(shown_amount("cpu", needed.most["requests.cpu"]), "4");
    }

    #[test]
    fn autoscalers_may_need_more_than_is_wanted() {
        let hard = quota(&json!({"limits.memory": "8Gi"}), &json!({}));
        assert_eq!(
            said(&hard, &deployment(2, None), None, Some((2.0, 10.0))),
            [
                "it leaves 8Gi of 8Gi `limits.memory`, and the release needs 10Gi with as many replicas as its autoscalers may make"
            ]
        );
    }

    #[test]
    fn objects_are_counted_and_scopes_are_not_known() {
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"}});
        let hard = |used: &str| quota(&json!({"services": "1"}), &json!({"services": used}));
        assert_eq!(said(&hard("0"), &service, None, None).len(), 0);
        assert_eq!(
            said(&hard("1"), &service, None, None),
            ["it leaves 0 of 1 `services`, and the release needs 1"]
        );
        assert_eq!(said(&hard("1"), &service, Some(&service), None).len(), 0);
        let mut scoped = hard("1");
        scoped["spec"]["scopes"] = json!(["BestEffort"]);
        assert_eq!(said(&scoped, &service, None, None).len(), 0);
    }
}
