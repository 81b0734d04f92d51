//! What selects nothing of the plan.

use serde_json::Value;

use super::wanted::Wanted;
use crate::{
    finding::Check,
    object::{
        HasKind as _, IdleSelector, Object,
        field::{is_true, part, texts},
        idle_selectors, nearly_selects, pod_template, selects,
    },
    preflight::Finding,
};

/// Services and disruption budgets that select nothing of the plan, and network policies and monitors
/// that do so by a slip of the pen: these are often for what controllers make. The cluster may have
/// something.
pub(super) fn idle(wanted: &Wanted<'_>) -> Vec<Finding> {
    let pods = idle_selectors(wanted.objects()).into_iter();
    let of_pods = pods.filter_map(|idle| Some(of_no_pod(wanted.get(&idle.id)?, &idle)));
    let mistyped = wanted.objects().filter_map(|it| mistyped(wanted, it));
    of_pods.chain(mistyped).collect()
}

fn of_no_pod(object: &Object, idle: &IdleSelector) -> Finding {
    let message = if idle.selector.is_empty() {
        "it selects all pods of its namespace, and the plan has none there".to_owned()
    } else {
        format!("it selects no pod of the plan: {}", idle.selector)
    };
    let finding = Finding::of(Check::SelectsNothing, message).about(object);
    match &idle.hint {
        Some(hint) => finding.remedy(hint),
        None => finding,
    }
}

/// What is selected by their labels.
#[derive(Clone, Copy)]
enum Selected {
    Services,
    Pods,
}

impl Selected {
    /// The labels of `object`, where it is one of these or makes some.
    fn labels(self, object: &Object) -> Option<&Value> {
        const NONE: &Value = &Value::Null;
        let labelled = match self {
            Self::Services => object.id.is_service().then_some(&*object.body)?,
            Self::Pods => pod_template(&object.body)?,
        };
        Some(part(labelled, "/metadata/labels").unwrap_or(NONE))
    }
}

/// That `object` selects nothing in its namespaces, and something of the plan nearly fits.
/// <https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.ServiceMonitorSpec>
fn mistyped(wanted: &Wanted<'_>, object: &Object) -> Option<Finding> {
    let (selected, place) = match (object.id.group.as_str(), object.id.kind.as_str()) {
        ("networking.k8s.io", "NetworkPolicy") => (Selected::Pods, "/spec/podSelector"),
        ("monitoring.coreos.com", "ServiceMonitor") => (Selected::Services, "/spec/selector"),
        ("monitoring.coreos.com", "PodMonitor") => (Selected::Pods, "/spec/selector"),
        _ => return None,
    };
    let selector = part(&object.body, place)?;
    let candidates: Vec<(&Object, &Value)> = wanted
        .objects()
        .filter(|other| looks_at(object, other))
        .filter_map(|other| Some((other, selected.labels(other)?)))
        .collect();
    let fits = |fits: fn(&Value, &Value) -> bool| {
        let mut candidates = candidates.iter();
        candidates.find(|(_, labels)| fits(selector, labels))
    };
    if fits(selects).is_some() {
        return None;
    }
    let (nearest, _) = fits(nearly_selects)?;
    let what = match selected {
        Selected::Services => "Service",
        Selected::Pods => "pod",
    };
    let message = format!("it selects no {what} of the plan");
    let remedy = format!(
        "did you mean the labels of {} ({})?",
        nearest.id, nearest.origin
    );
    let finding = Finding::of(Check::SelectsNothing, message).about(object);
    Some(finding.remedy(remedy))
}

/// Whether `object` selects in the namespace of `other`.
fn looks_at(object: &Object, other: &Object) -> bool {
    let (body, own) = (&object.body, &object.id.namespace);
    let mut named = texts(body, "/spec/namespaceSelector/matchNames").peekable();
    if is_true(body, "/spec/namespaceSelector/any") {
        return true;
    }
    match (&other.id.namespace, named.peek()) {
        (Some(namespace), Some(_)) => named.any(|name| name == namespace),
        (namespace, None) => namespace == own,
        (None, Some(_)) => false,
    }
}
