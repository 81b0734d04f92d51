//! Selectors that do not match the pods of their own template.

use serde_json::{Value, json};

use super::wanted::Wanted;
use crate::{
    finding::Check,
    object::{
        HasKind as _, Object,
        field::{is_true, part},
        selects,
    },
    preflight::Finding,
};

/// Workloads whose selector does not match the labels of their template: the API server refuses
/// them.
/// <https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#selector>
pub(super) fn mismatched_selectors(wanted: &Wanted<'_>) -> Vec<Finding> {
    wanted.objects().filter_map(mismatched).collect()
}

fn mismatched(object: &Object) -> Option<Finding> {
    let body = &object.body;
    let selector = selector(object)?;
    let labels = part(body, "/spec/template/metadata/labels").unwrap_or(&Value::Null);
    if selects(&selector, labels) {
        return None;
    }
    let message = "`spec.selector` does not match `spec.template.metadata.labels`";
    Some(
        Finding::of(Check::SelectorMismatch, message)
            .about(object)
            .remedy("give the template the labels that the selector names"),
    )
}

/// The label selector of a workload whose template must match it.
fn selector(object: &Object) -> Option<Value> {
    let (id, selector) = (&object.id, part(&object.body, "/spec/selector")?);
    if id.is_workload() || id.is_replica_set() {
        return Some(selector.clone());
    }
    if id.is_replication_controller() {
        return Some(json!({"matchLabels": selector}));
    }
    // The API server makes the selector of a Job by itself otherwise.
    let is_manual = id.is_job() && is_true(&object.body, "/spec/manualSelector");
    is_manual.then(|| selector.clone())
}
