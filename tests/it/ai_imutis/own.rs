//! What only this platform has: files that its Alertmanager reads, and connections of its database.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::{
    platforms::{
        Platform, Rendered, Workload, entries, items,
        quota::{Amounts, needed, pod_needs},
        text,
    },
    support::Deployctl,
};

/// Old API pods that may still be shutting down while new ones start, beside the one that a rollout
/// adds.
const SHUTTING_DOWN: u64 = 4;

/// The platform as it is rendered.
pub(super) fn platform() -> &'static Platform {
    crate::platforms::platform("ai-imutis")
}

/// A YAML document in a `ConfigMap`.
pub(super) fn document(rendered: &Rendered, config_map: &str, key: &str) -> Value {
    let text = text(&rendered.get("ConfigMap", config_map)["data"][key]);
    serde_yaml::from_str(text).expect("valid YAML")
}

/// Pods and what everything needs at its maximum while the API rolls and old pods of it shut down,
/// with as many database pods as there may be.
pub(super) fn sums(environment: &str) -> Amounts {
    let three = BTreeMap::from(
        ["postgres_replicas", "redis_replicas"].map(|name| (name.to_owned(), json!(3))),
    );
    let rendered = platform().with(environment, &three);
    let mut sums = needed(&rendered, &rendered.namespace);
    let api = Workload::of(rendered.get("Deployment", "api")).expect("it makes pods");
    for (resource, amount) in pod_needs(api) {
        *sums.entry(resource).or_default() += amount * u128::from(SHUTTING_DOWN);
    }
    sums
}

#[test]
fn with_all_database_pods_and_old_ones_shutting_down_everything_fits_the_quota() {
    for rendered in &platform().environments {
        let sums = sums(&rendered.environment);
        let hard = &rendered.get("ResourceQuota", "ai-imutis")["spec"]["hard"];
        for (resource, allowed) in entries(hard) {
            let allowed = crate::platforms::quantity::thousandths(allowed).expect("a quantity");
            let sum = sums[resource.as_str()];
            assert!(
                sum <= allowed,
                "{}: {resource}: {sum} of {allowed}",
                rendered.environment
            );
        }
        assert_eq!(
            sums["persistentvolumeclaims"], 8000,
            "the quota counts every claim"
        );
        assert!(
            sums["services"] < 10_000,
            "cert-manager's solver takes a Service"
        );
    }
}

#[test]
fn files_that_configurations_name_are_mounted() {
    let prod = platform().environment("prod");
    let config = text(&prod.get("ConfigMap", "alertmanager-config")["data"]["alertmanager.yml"]);
    let alertmanager =
        Workload::of(prod.get("StatefulSet", "alertmanager")).expect("it makes pods");
    let container = alertmanager
        .container("alertmanager")
        .expect("the container exists");
    let mount = items(&container["volumeMounts"]).find(|mount| mount["name"] == "receivers");
    let folder = text(&mount.expect("the receivers are mounted")["mountPath"]);
    let named: BTreeSet<_> = config
        .split(&format!("{folder}/"))
        .skip(1)
        .filter_map(|rest| rest.split_whitespace().next())
        .collect();
    let receivers = items(&platform().plan["secrets"])
        .find(|secret| secret["name"] == "alertmanager-receivers")
        .expect("it is declared");
    let declared: BTreeSet<_> = entries(&receivers["data"])
        .map(|(key, _)| key.as_str())
        .collect();
    assert_eq!(named, declared);
}

#[test]
fn the_apis_pools_leave_connections_for_others() {
    for rendered in &platform().environments {
        let settings = &rendered.get("ConfigMap", "api-config")["data"];
        assert_eq!(
            (
                text(&settings["WEB_CONCURRENCY"]),
                text(&settings["DATABASE_MAX_OVERFLOW"])
            ),
            ("1", "0"),
            "one pool per pod"
        );
        let pool: u64 = text(&settings["DATABASE_POOL_SIZE"])
            .parse()
            .expect("a number");
        let autoscaler = rendered.get("HorizontalPodAutoscaler", "api");
        let maximum = autoscaler["spec"]["maxReplicas"]
            .as_u64()
            .expect("a number");
        let connections = (maximum + 1 + SHUTTING_DOWN) * pool;
        assert!(
            connections <= 180,
            "{}: {connections} connections",
            rendered.environment
        );
    }
}

/// Only Prometheus asks the API server, and only for pods of its namespace.
#[test]
fn roles_let_pods_be_found_and_nothing_else() {
    for rendered in &platform().environments {
        for role in rendered.kind("Role") {
            assert_eq!(
                role["rules"],
                json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}])
            );
        }
        let of_cluster =
            ["ClusterRole", "ClusterRoleBinding"].map(|kind| rendered.kind(kind).count());
        assert_eq!(of_cluster, [0, 0]);
        let config = document(rendered, "prometheus-config", "prometheus.yml");
        for names in items(&config["scrape_configs"])
            .flat_map(|job| items(&job["kubernetes_sd_configs"]))
            .map(|found| &found["namespaces"]["names"])
        {
            assert_eq!(*names, json!([rendered.namespace]));
        }
    }
}

#[test]
fn slow_containers_get_time_to_start() {
    for rendered in &platform().environments {
        let containers = rendered
            .workloads()
            .flat_map(|workload| workload.containers());
        let slow = ["api", "postgres", "redis", "prometheus"];
        let slow =
            containers.filter(|container| slow.iter().any(|name| container["name"] == *name));
        let slow: Vec<&Value> = slow.collect();
        assert_eq!(slow.len(), 4);
        assert!(
            slow.iter()
                .all(|container| container["startupProbe"].is_object())
        );
    }
}

#[test]
fn the_plan_guards_prod_and_says_what_it_needs() {
    let plan = &platform().plan;
    assert_eq!(plan["environments"]["dev"]["default"], true);
    let prod = &plan["environments"]["prod"];
    assert_eq!(
        (&prod["protected"], &prod["namespace"]),
        (&json!(true), &json!("ai-imutis"))
    );
    assert!(items(&prod["contexts"]).next().is_some());
    let crds: Vec<_> = items(&plan["requires"]["crds"])
        .map(|crd| text(&crd["name"]))
        .collect();
    assert_eq!(
        crds,
        [
            "certificates.cert-manager.io",
            "clusterissuers.cert-manager.io"
        ]
    );
}

#[test]
fn both_environments_are_valid() {
    deployctl(&["validate", "ai-imutis"]);
}

/// Runs deployctl, which must succeed, on this repository.
pub(super) fn deployctl(arguments: &[&str]) {
    Deployctl::new()
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(arguments.iter().copied())
        .run()
        .exited(0);
}
