//! What every workload must have: resources, probes, a tight security context, an account and
//! labels of its own.

use serde_json::{Value, json};

use super::rendered::{all_containers, both, containers, items, pod, selects, text, title};

const LABELS: [&str; 5] = ["name", "instance", "component", "part-of", "managed-by"];

#[test]
fn every_object_has_the_recommended_labels() {
    for rendered in both() {
        let templates = rendered
            .workloads()
            .map(|workload| &workload["spec"]["template"]["metadata"]);
        for metadata in rendered
            .items
            .iter()
            .map(|item| &item["metadata"])
            .chain(templates)
        {
            for label in LABELS {
                assert!(
                    metadata["labels"][format!("app.kubernetes.io/{label}")].is_string(),
                    "{label} of {metadata}"
                );
            }
            assert_eq!(
                metadata["labels"]["app.kubernetes.io/instance"],
                format!("ai-imutis-{}", rendered.environment)
            );
        }
    }
}

#[test]
fn every_container_has_requests_and_limits() {
    for rendered in both() {
        for (workload, container) in rendered
            .workloads()
            .flat_map(|item| all_containers(item).into_iter().map(move |it| (item, it)))
        {
            for which in ["requests", "limits"] {
                for resource in ["cpu", "memory"] {
                    assert!(
                        container["resources"][which][resource].is_string(),
                        "{which}.{resource} of {} in {}",
                        container["name"],
                        title(workload)
                    );
                }
            }
        }
    }
}

#[test]
fn every_container_is_probed_and_slow_ones_get_time_to_start() {
    for rendered in both() {
        for (workload, container) in rendered
            .workloads()
            .flat_map(|item| containers(item).into_iter().map(move |it| (item, it)))
        {
            for probe in ["livenessProbe", "readinessProbe"] {
                assert!(
                    container[probe].is_object(),
                    "{probe} of {} in {}",
                    container["name"],
                    title(workload)
                );
            }
            if ["api", "postgres", "redis", "prometheus"].contains(&text(&container["name"])) {
                assert!(
                    container["startupProbe"].is_object(),
                    "{}",
                    container["name"]
                );
            }
        }
    }
}

#[test]
fn every_pod_satisfies_the_restricted_standard_with_a_read_only_root() {
    for rendered in both() {
        for workload in rendered.workloads() {
            let context = &pod(workload)["securityContext"];
            assert_eq!(context["runAsNonRoot"], true, "{}", title(workload));
            assert_eq!(
                context["seccompProfile"]["type"],
                "RuntimeDefault",
                "{}",
                title(workload)
            );
            assert!(
                context["runAsUser"].as_u64().is_some_and(|user| user > 0),
                "{}",
                title(workload)
            );
            for container in all_containers(workload) {
                let context = &container["securityContext"];
                assert_eq!(
                    context["allowPrivilegeEscalation"], false,
                    "{}",
                    container["name"]
                );
                assert_eq!(
                    context["readOnlyRootFilesystem"], true,
                    "{}",
                    container["name"]
                );
                assert_eq!(
                    context["capabilities"],
                    json!({"drop": ["ALL"]}),
                    "{}",
                    container["name"]
                );
            }
        }
    }
}

#[test]
fn every_workload_has_an_account_of_its_own_and_only_prometheus_a_token() {
    for rendered in both() {
        let mut accounts = Vec::new();
        for workload in rendered.workloads() {
            let account = text(&pod(workload)["serviceAccountName"]);
            assert_eq!(
                rendered.get("ServiceAccount", account)["automountServiceAccountToken"],
                false
            );
            let token = &pod(workload)["automountServiceAccountToken"];
            assert_eq!(
                *token,
                json!(workload["metadata"]["name"] == "prometheus"),
                "{}",
                title(workload)
            );
            accounts.push(account);
        }
        let count = accounts.len();
        accounts.sort_unstable();
        accounts.dedup();
        assert_eq!(accounts.len(), count, "{accounts:?}");
        for role in rendered.kind("Role") {
            assert_eq!(
                role["rules"],
                json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}])
            );
        }
        assert_eq!(
            rendered.kind("ClusterRole").count() + rendered.kind("ClusterRoleBinding").count(),
            0
        );
    }
}

#[test]
fn what_can_have_replicas_is_spread_and_has_a_disruption_budget() {
    for rendered in both() {
        for name in ["api", "postgres", "redis"] {
            let workload = rendered
                .workloads()
                .find(|item| item["metadata"]["name"] == name)
                .expect("the workload exists");
            let labels = &workload["spec"]["template"]["metadata"]["labels"];
            let term = &pod(workload)["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
                [0]["podAffinityTerm"];
            assert_eq!(term["topologyKey"], "kubernetes.io/hostname", "{name}");
            assert!(
                term["labelSelector"]["matchLabels"].is_object()
                    && selects(&term["labelSelector"]["matchLabels"], labels),
                "{name}"
            );
            let budgets = rendered
                .kind("PodDisruptionBudget")
                .filter(|budget| selects(&budget["spec"]["selector"]["matchLabels"], labels));
            assert_eq!(budgets.count(), 1, "{name}");
        }
    }
}

#[test]
fn images_are_pinned() {
    for rendered in both() {
        for container in rendered.workloads().flat_map(all_containers) {
            let image = text(&container["image"]);
            let tag = image
                .rsplit('/')
                .next()
                .and_then(|name| name.split_once(':'))
                .map(|(_, tag)| tag);
            assert!(
                tag.is_some_and(|tag| !tag.is_empty() && tag != "latest"),
                "{image}"
            );
        }
    }
}

#[test]
fn what_is_written_has_a_volume_and_every_volume_is_used() {
    for rendered in both() {
        for workload in rendered.workloads() {
            let mut declared: Vec<&Value> = items(&pod(workload)["volumes"])
                .map(|volume| &volume["name"])
                .collect();
            declared.extend(
                items(&workload["spec"]["volumeClaimTemplates"])
                    .map(|claim| &claim["metadata"]["name"]),
            );
            let mounted: Vec<&Value> = all_containers(workload)
                .into_iter()
                .flat_map(|container| items(&container["volumeMounts"]))
                .map(|mount| &mount["name"])
                .collect();
            for name in &mounted {
                assert!(
                    declared.contains(name),
                    "{} mounts {name}, which it does not declare",
                    title(workload)
                );
            }
            for name in &declared {
                assert!(
                    mounted.contains(name),
                    "{} declares {name}, which nothing mounts",
                    title(workload)
                );
            }
        }
    }
}
