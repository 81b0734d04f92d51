//! What pods ask for, and what they may use at most.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    field::{list, map, text},
    quantity::amount,
};

/// Amounts of resources, in their base units: `requests.cpu`, `limits.memory`.
pub(crate) type Amounts = BTreeMap<String, f64>;

/// What containers get that do not say it themselves.
/// <https://kubernetes.io/docs/concepts/policy/limit-range/>
#[derive(Debug, Clone, Default)]
pub(crate) struct ContainerDefaults {
    /// `defaultRequest`, by resource.
    pub(crate) requests: Amounts,
    /// `default`, by resource.
    pub(crate) limits: Amounts,
}

impl ContainerDefaults {
    /// Adds those of `range`, a `LimitRange`; the first one counts.
    pub(crate) fn add(&mut self, range: &Value) {
        let ranges = list(range, "/spec/limits").iter();
        for limit in ranges.filter(|limit| text(limit, "/type") == Some("Container")) {
            for (own, path) in [
                (&mut self.requests, "/defaultRequest"),
                (&mut self.limits, "/default"),
            ] {
                for (resource, quantity) in quantities(limit, path) {
                    own.entry(resource).or_insert(quantity);
                }
            }
        }
    }

    /// What `container` asks for and may use: a request that is not said is its limit.
    pub(crate) fn of(&self, container: &Value) -> Amounts {
        let limits = quantities(container, "/resources/limits");
        let mut requests = limits.clone();
        requests.extend(quantities(container, "/resources/requests"));
        let mut amounts = Amounts::new();
        for (part, said, defaults) in [
            ("requests", requests, &self.requests),
            ("limits", limits, &self.limits),
        ] {
            let mut all = defaults.clone();
            all.extend(said);
            amounts.extend(
                all.into_iter()
                    .map(|(resource, amount)| (format!("{part}.{resource}"), amount)),
            );
        }
        amounts
    }
}

/// The quantities in the map at `path`.
pub(crate) fn quantities(value: &Value, path: &str) -> Amounts {
    let entries = map(value, path).into_iter().flatten();
    let read = entries.filter_map(|(resource, quantity)| {
        let quantity = match quantity {
            Value::String(text) => amount(text)?,
            number => number.as_f64()?,
        };
        Some((resource.clone(), quantity))
    });
    read.collect()
}

/// Adds `more` to `amounts`, `times` over.
pub(crate) fn add_amounts(amounts: &mut Amounts, more: &Amounts, times: f64) {
    for (resource, amount) in more {
        *amounts.entry(resource.clone()).or_default() += amount * times;
    }
}

/// What a pod of the spec `spec` asks for and may use, with what running it costs besides.
/// <https://kubernetes.io/docs/concepts/scheduling-eviction/pod-overhead/>
pub(crate) fn pod_needs(spec: &Value, defaults: &ContainerDefaults) -> Amounts {
    let mut needs = pod_resources(spec, defaults);
    for (resource, overhead) in quantities(spec, "/overhead") {
        for part in ["requests", "limits"] {
            if let Some(amount) = needs.get_mut(&format!("{part}.{resource}")) {
                *amount += overhead;
            }
        }
    }
    needs
}

/// What a pod of the spec `spec` asks for and may use: what it says for itself, else what its
/// containers do.
/// <https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#pod-level-resource-specification>
pub(crate) fn pod_resources(spec: &Value, defaults: &ContainerDefaults) -> Amounts {
    let mut needs = container_needs(spec, defaults);
    for (resource, limit) in quantities(spec, "/resources/limits") {
        needs.entry(format!("requests.{resource}")).or_insert(limit);
        needs.insert(format!("limits.{resource}"), limit);
    }
    for (resource, request) in quantities(spec, "/resources/requests") {
        needs.insert(format!("requests.{resource}"), request);
    }
    needs
}

/// The sum of the containers of `spec`, or what the largest of its init containers needs where that is
/// more.
/// <https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers>
fn container_needs(spec: &Value, defaults: &ContainerDefaults) -> Amounts {
    let mut sum = Amounts::new();
    let mut peak = Amounts::new();
    for container in list(spec, "/initContainers") {
        let own = defaults.of(container);
        if text(container, "/restartPolicy") == Some("Always") {
            add_amounts(&mut sum, &own, 1.0);
            continue;
        }
        let mut beside = sum.clone();
        add_amounts(&mut beside, &own, 1.0);
        raise(&mut peak, beside);
    }
    for container in list(spec, "/containers") {
        add_amounts(&mut sum, &defaults.of(container), 1.0);
    }
    raise(&mut sum, peak);
    sum
}

/// Raises `amounts` to what `others` has more of.
pub(crate) fn raise(amounts: &mut Amounts, others: Amounts) {
    for (resource, other) in others {
        let own = amounts.entry(resource).or_default();
        *own = own.max(other);
    }
}

/// `amount` of `resource` as people write it.
pub(crate) fn shown_amount(resource: &str, amount: f64) -> String {
    const UNITS: [(&str, f64); 3] = [
        ("Gi", 1024.0 * 1024.0 * 1024.0),
        ("Mi", 1024.0 * 1024.0),
        ("Ki", 1024.0),
    ];
    let is_bytes = resource.ends_with("memory") || resource.ends_with("storage");
    let rounded = |amount: f64| {
        let text = format!("{amount:.2}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        text.to_owned()
    };
    let unit = UNITS.iter().find(|(_, size)| is_bytes && amount >= *size);
    unit.map_or_else(
        || rounded(amount),
        |(unit, size)| format!("{}{unit}", rounded(amount / size)),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_needs_the_sum_of_its_containers_or_its_largest_init_container() {
        let container = |cpu: &str| json!({"resources": {"requests": {"cpu": cpu}, "limits": {"memory": "1Gi"}}});
        let mut sidecar = container("500m");
        sidecar["restartPolicy"] = "Always".into();
        let spec = json!({
            "initContainers": [sidecar, container("3")],
            "containers": [container("1"), {"resources": {}}],
            "overhead": {"cpu": "250m"},
        });
        let range = json!({"spec": {"limits": [{"type": "Container", "default": {"cpu": "2"}, "defaultRequest": {"cpu": "100m"}}]}});
        let mut defaults = ContainerDefaults::default();
        defaults.add(&range);
        let needs = pod_needs(&spec, &defaults);
        let shown: Vec<String> = needs
            .iter()
            .map(|(resource, amount)| format!("{resource} {}", shown_amount(resource, *amount)))
            .collect();
        assert_eq!(
            shown,
            [
                "limits.cpu 6.25",
                "limits.memory 2Gi",
                "requests.cpu 3.75",
                "requests.memory 2Gi"
            ]
        );
    }

    #[test]
    fn what_a_pod_says_for_itself_counts() {
        let container =
            json!({"resources": {"requests": {"cpu": "1"}, "limits": {"memory": "600Mi"}}});
        let spec = json!({
            "containers": [container, container],
            "resources": {"requests": {"cpu": "3"}, "limits": {"memory": "1Gi"}},
            "overhead": {"memory": "1Gi"},
        });
        let none = ContainerDefaults::default();
        let resources = pod_resources(&spec, &none);
        assert_eq!(shown_amount("memory", resources["limits.memory"]), "1Gi");
        assert_eq!(shown_amount("cpu", resources["requests.cpu"]), "3");
        let needs = pod_needs(&spec, &none);
        assert_eq!(shown_amount("memory", needs["limits.memory"]), "2Gi");
    }
}
