//! Limits of containers that are below what they request.

use serde_json::Value;

use super::wanted::{Wanted, makes_pods_as_written};
use crate::{
    finding::Check,
    object::{
        FieldPath, Object, amount, exceeds,
        field::{map, part},
        pod_template_path,
    },
    preflight::Finding,
};

/// Containers and pods with a limit below its request, which the API server refuses.
/// <https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#requests-and-limits>
pub(super) fn limits_below_requests(wanted: &Wanted<'_>) -> Vec<Finding> {
    let containers = wanted.containers().map(|(container, pointer)| {
        let object = container.object;
        (object, format!("{pointer}/resources"))
    });
    let pods = wanted.objects().filter_map(|object| {
        let template = pod_template_path(&object.body)?;
        Some((object, format!("{template}/spec/resources")))
    });
    containers
        .chain(pods)
        .filter(|(object, _)| makes_pods_as_written(object))
        .flat_map(|(object, pointer)| below(object, &pointer))
        .collect()
}

fn below(object: &Object, pointer: &str) -> Vec<Finding> {
    let Some(resources) = part(&object.body, pointer) else {
        return Vec::new();
    };
    let requests = map(resources, "/requests").into_iter().flatten();
    let below = requests.filter_map(|(name, request)| {
        let limit = part(resources, "/limits")?.get(name)?;
        let is_below = exceeds(quantity(request)?, quantity(limit)?);
        is_below.then(|| finding(object, pointer, name, (shown(limit), shown(request))))
    });
    below.collect()
}

fn finding(
    object: &Object,
    pointer: &str,
    name: &str,
    (limit, request): (String, String),
) -> Finding {
    let place = FieldPath::of_pointer(pointer);
    let message =
        format!("`{place}`: the limit of {name}, {limit}, is below the request, {request}");
    Finding::of(Check::LimitBelowRequest, message)
        .about(object)
        .remedy("raise the limit, or lower the request")
}

fn shown(quantity: &Value) -> String {
    quantity
        .as_str()
        .map_or_else(|| quantity.to_string(), str::to_owned)
}

fn quantity(value: &Value) -> Option<f64> {
    amount(&shown(value))
}
