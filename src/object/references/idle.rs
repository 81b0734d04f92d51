//! Services and disruption budgets that select pods, and none that the plan makes.

use super::pods::{PodSelector, Workload};
use crate::object::{HasKind as _, Object, ObjectId, pod_template};

/// An object that selects none of the pods that are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdleSelector {
    /// The Service or PodDisruptionBudget.
    pub(crate) id: ObjectId,
    /// Its selector, in the form of the API's parameter `labelSelector`; empty where it selects all.
    pub(crate) selector: String,
    /// What comes nearest: `the pods of Deployment/shop/web have app=web`.
    pub(crate) hint: Option<String>,
}

/// The Services and PodDisruptionBudgets among `objects` that select no pods of theirs.
///
/// One whose selector names a custom resource beside it is not among them: its pods are an operator's
/// to make, which label them with its name.
pub(crate) fn idle_selectors<'a>(objects: impl Iterator<Item = &'a Object>) -> Vec<IdleSelector> {
    let objects: Vec<&Object> = objects.collect();
    let workloads: Vec<Workload<'_>> = objects
        .iter()
        .filter_map(|object| Workload::of(object))
        .collect();
    let found = objects.iter().filter_map(|object| {
        let id = &object.id;
        let selector = PodSelector::of(id, &object.body)
            .filter(|_| id.is_service() || id.is_disruption_budget())?;
        let is_idle = !workloads.iter().any(|workload| selector.selects(workload))
            && !objects.iter().any(|other| names(&selector, id, other));
        is_idle.then(|| IdleSelector {
            id: id.clone(),
            selector: selector.parameter(),
            hint: nearest(&selector, &workloads),
        })
    });
    found.collect()
}

/// Whether `selector`, of the object `id`, names the custom resource `other`.
fn names(selector: &PodSelector<'_>, id: &ObjectId, other: &Object) -> bool {
    let is_custom = other.id.group.contains('.') && !other.id.group.ends_with(".k8s.io");
    let is_beside = other.id.namespace.is_none() || other.id.namespace == id.namespace;
    is_custom
        && is_beside
        && pod_template(&other.body).is_none()
        && selector
            .values()
            .iter()
            .any(|value| value.contains(&other.id.name))
}

/// What the pods of that workload have that carries the most of the wanted labels, or the wanted keys.
fn nearest(selector: &PodSelector<'_>, workloads: &[Workload<'_>]) -> Option<String> {
    let beside = workloads
        .iter()
        .filter(|workload| selector.is_beside(workload));
    let near = beside.filter_map(|workload| {
        let other = selector
            .equal()
            .filter_map(|(key, wanted)| Some((key, workload.labels.get(key)?, wanted)));
        let (same, different): (Vec<_>, Vec<_>) = other.partition(|(_, has, wanted)| has == wanted);
        let (key, has, _) = different.first()?;
        let value = has.as_str().unwrap_or_default();
        Some((
            same.len(),
            format!("the pods of {} have {key}={value}", workload.id),
        ))
    });
    let near: Vec<(usize, String)> = near.collect();
    let most = near.iter().map(|(same, _)| *same).max()?;
    near.into_iter()
        .find(|(same, _)| *same == most)
        .map(|(_, hint)| hint)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::object::Origin;

    fn object(body: Value) -> Object {
        Object {
            id: ObjectId::of(&body).expect("it is an object"),
            api_version: body["apiVersion"].as_str().unwrap().to_owned(),
            origin: Origin {
                file: std::path::Path::new("a.yaml").into(),
                line: 1,
            },
            body: body.into(),
        }
    }

    fn of(api_version: &str, kind: &str, name: &str, spec: &Value) -> Object {
        object(
            json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "shop"}, "spec": spec}),
        )
    }

    fn workload(kind: &str, name: &str, labels: &Value) -> Object {
        let template = json!({"metadata": {"labels": labels}, "spec": {"containers": []}});
        of("apps/v1", kind, name, &json!({"template": template}))
    }

    fn service(name: &str, selector: &Value) -> Object {
        of("v1", "Service", name, &json!({"selector": selector}))
    }

    fn budget(name: &str, selector: &Value) -> Object {
        of(
            "policy/v1",
            "PodDisruptionBudget",
            name,
            &json!({"selector": selector}),
        )
    }

    fn idle(objects: &[Object]) -> Vec<String> {
        let found = idle_selectors(objects.iter()).into_iter();
        found
            .map(|idle| format!("{} {} {:?}", idle.id.name, idle.selector, idle.hint))
            .collect()
    }

    #[test]
    fn what_selects_no_pod_is_told_with_what_comes_nearest() {
        let objects = [
            workload("Deployment", "web", &json!({"app": "web", "tier": "front"})),
            service("web", &json!({"app": "web"})),
            service("typo", &json!({"app": "wbe", "tier": "front"})),
            budget(
                "budget",
                &json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["api"]}]}),
            ),
        ];
        assert_eq!(
            idle(&objects),
            [
                "typo app=wbe,tier=front Some(\"the pods of Deployment/shop/web have app=web\")",
                "budget app in (api) None",
            ]
        );
    }

    #[test]
    fn what_selects_nothing_on_purpose_or_pods_of_others_is_not_told() {
        let objects = [
            service("without-selector", &json!({})),
            of(
                "v1",
                "Service",
                "elsewhere",
                &json!({"type": "ExternalName", "externalName": "example.org"}),
            ),
            of("postgresql.cnpg.io/v1", "Cluster", "orders", &json!({})),
            service(
                "orders",
                &json!({"cnpg.io/cluster": "orders", "role": "primary"}),
            ),
            workload("StatefulSet", "db", &json!({"app": "db"})),
            service(
                "db-0",
                &json!({"statefulset.kubernetes.io/pod-name": "db-0"}),
            ),
            budget("all", &json!({})),
        ];
        assert_eq!(idle(&objects), Vec::<String>::new());
    }
}
