//! The pods that manifests make, and what selects them by their labels.

use serde_json::{Map, Value};

use super::selector::{selects, selects_everything};
use crate::object::{
    HasKind as _, Object, ObjectId,
    field::{list, map, part, text, texts},
    pod_template,
};

/// A workload and the labels of its pods.
pub(super) struct Workload<'a> {
    pub(super) id: &'a ObjectId,
    pub(super) labels: &'a Value,
}

impl<'a> Workload<'a> {
    /// `object` as a workload; `None` where it makes no pods.
    pub(super) fn of(object: &'a Object) -> Option<Self> {
        let template = pod_template(&object.body)?;
        Some(Self {
            id: &object.id,
            labels: part(template, "/metadata/labels").unwrap_or(&Value::Null),
        })
    }

    /// Whether a pod of it carries a label, those included that the controllers of `StatefulSets` and
    /// Jobs add.
    /// <https://kubernetes.io/docs/reference/labels-annotations-taints/#statefulset-kubernetes-io-pod-name>
    fn carries(&self, key: &str, value: &Value) -> bool {
        let is_stateful = self.id.is_like_stateful_set();
        match key {
            "statefulset.kubernetes.io/pod-name" => {
                let pod = value.as_str().and_then(|pod| pod.rsplit_once('-'));
                is_stateful && pod.is_some_and(|(name, _)| name == self.id.name)
            }
            "apps.kubernetes.io/pod-index" => is_stateful,
            "batch.kubernetes.io/job-name" | "job-name" if self.id.is_job() => {
                value.as_str() == Some(&self.id.name)
            }
            _ => self.labels.get(key) == Some(value),
        }
    }
}

/// How an object selects pods of its namespace.
pub(super) struct PodSelector<'a> {
    namespace: &'a Option<String>,
    labels: Labels<'a>,
}

enum Labels<'a> {
    /// All of these, as a Service has them.
    Equal(&'a Map<String, Value>),
    /// As a label selector says.
    Selector(&'a Value),
}

impl<'a> PodSelector<'a> {
    /// How the object `id` selects the pods that it is there for; `None` where it selects none, or all
    /// as a matter of its namespace.
    pub(super) fn of(id: &'a ObjectId, body: &'a Value) -> Option<Self> {
        let labels = match (id.group.as_str(), id.kind.as_str()) {
            ("", "Service") => {
                let labels = map(body, "/spec/selector").filter(|labels| !labels.is_empty());
                Labels::Equal(labels?)
            }
            ("policy", "PodDisruptionBudget") => Labels::Selector(part(body, "/spec/selector")?),
            // A policy for all pods is the namespace's, not a workload's.
            ("networking.k8s.io", "NetworkPolicy") => {
                let selector = part(body, "/spec/podSelector");
                Labels::Selector(selector.filter(|selector| !selects_everything(selector))?)
            }
            _ => return None,
        };
        Some(Self {
            namespace: &id.namespace,
            labels,
        })
    }

    /// Whether it selects the pods of `workload`.
    pub(super) fn selects(&self, workload: &Workload<'_>) -> bool {
        self.is_beside(workload)
            && match &self.labels {
                Labels::Equal(labels) => labels
                    .iter()
                    .all(|(key, value)| workload.carries(key, value)),
                Labels::Selector(selector) => selects(selector, workload.labels),
            }
    }

    /// Whether it looks at the namespace of `workload`.
    pub(super) fn is_beside(&self, workload: &Workload<'_>) -> bool {
        workload.id.namespace == *self.namespace
    }

    /// The labels that it wants to be equal.
    pub(super) fn equal(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        match self.labels {
            Labels::Equal(labels) => Some(labels),
            Labels::Selector(selector) => map(selector, "/matchLabels"),
        }
        .into_iter()
        .flatten()
    }

    /// The values that it names anywhere.
    pub(super) fn values(&self) -> Vec<&'a str> {
        let equal = self.equal().filter_map(|(_, value)| value.as_str());
        let listed = match self.labels {
            Labels::Equal(_) => &[][..],
            Labels::Selector(selector) => list(selector, "/matchExpressions"),
        };
        equal
            .chain(listed.iter().flat_map(|wanted| texts(wanted, "/values")))
            .collect()
    }

    /// It in the form of the API's parameter `labelSelector`.
    /// <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#api>
    pub(super) fn parameter(&self) -> String {
        let equal = self
            .equal()
            .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
        let expressions = match self.labels {
            Labels::Equal(_) => &[][..],
            Labels::Selector(selector) => list(selector, "/matchExpressions"),
        };
        equal
            .chain(expressions.iter().map(expression))
            .collect::<Vec<_>>()
            .join(",")
    }
}

fn expression(wanted: &Value) -> String {
    let key = text(wanted, "/key").unwrap_or_default();
    let values = texts(wanted, "/values").collect::<Vec<_>>().join(",");
    match text(wanted, "/operator") {
        Some("In") => format!("{key} in ({values})"),
        Some("NotIn") => format!("{key} notin ({values})"),
        Some("DoesNotExist") => format!("!{key}"),
        _ => key.to_owned(),
    }
}
