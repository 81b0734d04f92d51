//! Containers that are smaller or larger than the limits of their namespace allow.

use serde_json::Value;

use super::Finding;
use crate::{
    finding::Check,
    object::{
        Amounts, ContainerDefaults, ManifestView, Object, containers, exceeds,
        field::{list, text},
        pod_resources, pod_spec, quantities, shown_amount,
    },
};

/// What `object` has its pods ask for that the `LimitRange`s of its namespace, `ranges`, do not let
/// them have: the API server refuses the pods, which no dry run of `object` shows.
/// <https://kubernetes.io/docs/concepts/policy/limit-range/>
pub(crate) fn out_of_limits(
    object: &Object,
    ranges: &[&Value],
    defaults: &ContainerDefaults,
) -> Vec<Finding> {
    let Some(spec) = pod_spec(&object.body) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for range in ranges {
        let name = ManifestView(range).name();
        for limit in list(range, "/spec/limits") {
            let subjects: Vec<(String, Amounts)> = match text(limit, "/type") {
                Some("Container") => containers(spec)
                    .map(|container| {
                        let name = text(container, "/name").unwrap_or_default();
                        (format!("container `{name}`"), defaults.of(container))
                    })
                    .collect(),
                Some("Pod") => vec![("each pod".to_owned(), pod_resources(spec, defaults))],
                _ => continue,
            };
            for (subject, amounts) in subjects {
                let broken = broken(limit, &amounts);
                findings.extend(broken.map(|broken| {
                    let message = format!(
                        "{subject} {broken} of LimitRange `{name}`, so that its pods are refused"
                    );
                    Finding::of(Check::OutOfLimits, message)
                        .about(object)
                        .remedy("take figures that the namespace's LimitRange allows")
                }));
            }
        }
    }
    findings
}

/// The first bound of `limit` that `amounts` break.
fn broken(limit: &Value, amounts: &Amounts) -> Option<String> {
    let below = quantities(limit, "/min")
        .into_iter()
        .find_map(|(resource, least)| {
            let key = format!("requests.{resource}");
            let amount = *amounts.get(&key)?;
            let shown = |amount| shown_amount(&resource, amount);
            exceeds(least, amount).then(|| {
                format!(
                    "asks for {} of {resource}, less than the least of {}",
                    shown(amount),
                    shown(least)
                )
            })
        });
    let above = || {
        quantities(limit, "/max")
            .into_iter()
            .find_map(|(resource, most)| {
                let amount = *amounts.get(&format!("limits.{resource}"))?;
                let shown = |amount| shown_amount(&resource, amount);
                exceeds(amount, most).then(|| {
                    format!(
                        "may use {} of {resource}, more than the most of {}",
                        shown(amount),
                        shown(most)
                    )
                })
            })
    };
    below.or_else(above)
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use serde_json::json;

    use super::*;
    use crate::object::{ObjectId, Origin};

    fn object(body: Value) -> Object {
        let api_version = text(&body, "/apiVersion").unwrap_or_default().to_owned();
        Object {
            id: ObjectId::of(&body).expect("it is an object"),
            api_version,
            body: Arc::new(body),
            origin: Origin {
                file: Path::new("a.yaml").into(),
                line: 1,
            },
        }
    }

    fn said(resources: &Value, limit: &Value) -> Vec<String> {
        let body = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"template": {"spec": {"containers": [{"name": "main", "resources": resources}]}}}});
        let object = object(body);
        let range = json!({"metadata": {"name": "bounds"}, "spec": {"limits": [limit]}});
        let mut defaults = ContainerDefaults::default();
        defaults.add(&range);
        let findings = out_of_limits(&object, &[&range], &defaults);
        findings.into_iter().map(|it| it.message).collect()
    }

    #[test]
    fn what_is_too_small_or_too_large_is_named() {
        let none: [&str; 0] = [];
        let limit = json!({"type": "Container", "min": {"cpu": "100m"}, "max": {"memory": "1Gi"}, "default": {"memory": "512Mi"}});
        assert_eq!(said(&json!({}), &limit), none);
        assert_eq!(
            said(&json!({"requests": {"cpu": "50m"}}), &limit),
            [
                "container `main` asks for 0.05 of cpu, less than the least of 0.1 of LimitRange `bounds`, so that its pods are refused"
            ]
        );
        assert_eq!(
            said(&json!({"limits": {"memory": "2Gi"}}), &limit),
            [
                "container `main` may use 2Gi of memory, more than the most of 1Gi of LimitRange `bounds`, so that its pods are refused"
            ]
        );
        let pod = json!({"type": "Pod", "max": {"memory": "1Gi"}});
        assert_eq!(said(&json!({"limits": {"memory": "2Gi"}}), &pod).len(), 1);
    }

    #[test]
    fn a_pod_is_as_large_as_it_says_itself() {
        let large = json!({"name": "a", "resources": {"limits": {"memory": "600Mi"}}});
        let pod = |memory: &str| {
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
            "spec": {"resources": {"limits": {"memory": memory}}, "containers": [large, large], "overhead": {"memory": "1Gi"}}})
        };
        let range = json!({"metadata": {"name": "bounds"}, "spec": {"limits": [{"type": "Pod", "max": {"memory": "1Gi"}}]}});
        for (memory, refused) in [("1Gi", false), ("1025Mi", true)] {
            let object = object(pod(memory));
            let findings = out_of_limits(&object, &[&range], &ContainerDefaults::default());
            assert_eq!(!findings.is_empty(), refused, "{memory}");
        }
    }

    #[test]
    fn what_comes_to_the_bound_is_no_more() {
        let third = json!({"name": "a", "resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": "100m"}}});
        let body = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [third, third, third]}});
        let object = object(body);
        for (bounds, refused) in [
            (
                json!({"max": {"cpu": "300m"}, "min": {"cpu": "300m"}}),
                false,
            ),
            (json!({"max": {"cpu": "299m"}}), true),
            (json!({"min": {"cpu": "301m"}}), true),
        ] {
            let mut limit = bounds.clone();
            limit["type"] = "Pod".into();
            let range = json!({"metadata": {"name": "bounds"}, "spec": {"limits": [limit]}});
            let findings = out_of_limits(&object, &[&range], &ContainerDefaults::default());
            assert_eq!(!findings.is_empty(), refused, "{bounds}");
        }
    }
}
