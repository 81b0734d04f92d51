//! What the platform's document says beyond single figures, in every environment alike.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::own::{document, platform};
use crate::platforms::{entries, items, short_title, text};

#[test]
fn the_namespace_enforces_the_restricted_standard() {
    for rendered in &platform().environments {
        let labels = &rendered.get("Namespace", &rendered.namespace)["metadata"]["labels"];
        for mode in ["enforce", "audit", "warn"] {
            let label = format!("pod-security.kubernetes.io/{mode}");
            assert_eq!(labels[label], "restricted");
        }
    }
}

#[test]
fn everything_is_labelled_with_its_environment() {
    for rendered in &platform().environments {
        let templates = rendered.workloads().map(|workload| workload.template);
        for object in rendered.items.iter().chain(templates) {
            let instance = &object["metadata"]["labels"]["app.kubernetes.io/instance"];
            let expected = format!("ai-imutis-{}", rendered.environment);
            assert_eq!(*instance, expected, "{}", object["metadata"]);
        }
    }
}

#[test]
fn containers_have_no_capability_and_what_has_replicas_is_spread_over_nodes() {
    for rendered in &platform().environments {
        for workload in rendered.workloads() {
            for container in workload.all_containers() {
                let capabilities = &container["securityContext"]["capabilities"];
                assert_eq!(
                    *capabilities,
                    json!({"drop": ["ALL"]}),
                    "{}",
                    workload.title()
                );
            }
        }
        for name in ["api", "postgres", "redis"] {
            let workload = rendered
                .workloads()
                .find(|workload| workload.name() == name);
            let affinity = &workload.expect("it is there").pod()["affinity"]["podAntiAffinity"];
            let preferred = &affinity["preferredDuringSchedulingIgnoredDuringExecution"][0];
            let topology = &preferred["podAffinityTerm"]["topologyKey"];
            assert_eq!(*topology, "kubernetes.io/hostname", "{name}");
        }
    }
}

#[test]
fn critical_alerts_page_and_warnings_go_to_slack_and_by_mail() {
    for rendered in &platform().environments {
        let config = document(rendered, "alertmanager-config", "alertmanager.yml");
        let route = |severity: &str| {
            let matcher = json!(format!("severity = \"{severity}\""));
            let route = items(&config["route"]["routes"])
                .find(|route| items(&route["matchers"]).any(|it| *it == matcher));
            text(&route.expect("a route for the severity")["receiver"])
        };
        let kinds = |receiver: &str| -> Vec<&str> {
            let mut receivers = items(&config["receivers"]);
            let receiver = receivers.find(|item| item["name"] == receiver);
            let receiver = receiver.expect("the receiver exists");
            let kinds = ["pagerduty_configs", "slack_configs", "email_configs"];
            kinds
                .into_iter()
                .filter(|kind| !receiver[*kind].is_null())
                .collect()
        };
        assert_eq!(route("critical"), "page");
        assert_eq!(kinds("page"), ["pagerduty_configs", "slack_configs"]);
        assert_eq!(kinds(route("warning")), ["slack_configs", "email_configs"]);
    }
}

#[test]
fn the_ingress_has_tls_a_rate_limit_and_no_metrics() {
    for rendered in &platform().environments {
        let environment = rendered.environment.as_str();
        let host = match environment {
            "dev" => "api.dev.ai-imutis.example",
            _ => "api.ai-imutis.example",
        };
        let ingress = rendered.get("Ingress", "api");
        let annotations = &ingress["metadata"]["annotations"];
        assert_eq!(ingress["spec"]["ingressClassName"], "nginx");
        let tls = json!([{"hosts": [host], "secretName": "api-tls"}]);
        assert_eq!(ingress["spec"]["tls"], tls);
        let rules: Vec<&Value> = items(&ingress["spec"]["rules"]).collect();
        assert_eq!(rules.len(), 1);
        assert_eq!(rules[0]["host"], host);
        assert_eq!(annotations["nginx.ingress.kubernetes.io/limit-rps"], "20");
        assert_eq!(annotations["nginx.ingress.kubernetes.io/use-regex"], "true");
        let paths: Vec<_> = items(&rules[0]["http"]["paths"])
            .map(|path| (text(&path["path"]), text(&path["pathType"])))
            .collect();
        let all_but_metrics = ("/(?!metrics(?:/|$)).*", "ImplementationSpecific");
        assert_eq!(paths, [all_but_metrics]);
        let certificate = &rendered.get("Certificate", "api")["spec"];
        assert_eq!(certificate["dnsNames"], json!([host]));
        assert_eq!(certificate["secretName"], "api-tls");
        let issuer = format!("ai-imutis-{environment}-letsencrypt-prod");
        assert_eq!(certificate["issuerRef"]["name"], *issuer);
        let server = &rendered.get("ClusterIssuer", &issuer)["spec"]["acme"]["server"];
        assert_eq!(server, "https://acme-v02.api.letsencrypt.org/directory");
    }
}

#[test]
fn the_secrets_are_declared_and_the_urls_composed() {
    let secrets = items(&platform().plan["secrets"]);
    let secrets: BTreeMap<&str, &Value> = secrets.map(|it| (text(&it["name"]), it)).collect();
    let keys = |name: &str| {
        let mut keys: Vec<&str> = entries(&secrets[name]["data"])
            .map(|(key, _)| key.as_str())
            .collect();
        keys.sort_unstable();
        keys
    };
    let of_api = [
        "database-url",
        "firebase-project-id",
        "firebase-service-account",
        "redis-url",
        "sentry-dsn",
    ];
    assert_eq!(keys("api-secrets"), of_api);
    assert_eq!(keys("postgres-secret"), ["password", "username"]);
    let registry = &secrets["registry-credentials"]["type"];
    assert_eq!(*registry, "kubernetes.io/dockerconfigjson");
    let data = &secrets["api-secrets"]["data"];
    let template = |key: &str| text(&data[key]["template"]);
    let database = ":${postgres-secret/password|percent}@postgres:5432/";
    assert!(template("database-url").contains(database));
    let redis = ":${redis-secret/password|percent}@redis:6379/";
    assert!(template("redis-url").contains(redis));
    assert_eq!(data["firebase-service-account"]["format"], "json");
}

#[test]
fn phases_have_their_time_and_access_points_their_ports() {
    let plan = &platform().plan;
    let timeouts = ["databases", "apps", "monitoring", "ingress"]
        .map(|phase| text(&plan["phases"][phase]["timeout"]));
    assert_eq!(timeouts, ["10m", "10m", "5m", "5m"]);
    for rendered in &platform().environments {
        for (name, target) in entries(&plan["open"]) {
            let service = rendered.get("Service", text(&target["service"]));
            let mut ports = items(&service["spec"]["ports"]);
            assert!(
                ports.any(|port| port["port"] == target["port"]),
                "open.{name}"
            );
        }
    }
}

/// Some of the objects of each phase.
const MEMBERS_OF_PHASES: &[(&str, &[&str])] = &[
    (
        "namespace",
        &[
            "Namespace/ai-imutis-dev",
            "ResourceQuota/ai-imutis",
            "NetworkPolicy/default-deny",
        ],
    ),
    ("storage", &["PersistentVolumeClaim/prometheus-data"]),
    (
        "databases",
        &[
            "StatefulSet/postgres",
            "StatefulSet/redis",
            "NetworkPolicy/redis",
            "PodDisruptionBudget/postgres",
        ],
    ),
    (
        "apps",
        &[
            "Deployment/api",
            "HorizontalPodAutoscaler/api",
            "NetworkPolicy/api",
            "ServiceAccount/api",
        ],
    ),
    (
        "monitoring",
        &[
            "StatefulSet/prometheus",
            "StatefulSet/alertmanager",
            "Role/prometheus",
            "ConfigMap/prometheus-config",
        ],
    ),
    (
        "ingress",
        &[
            "ClusterIssuer/ai-imutis-dev-letsencrypt-prod",
            "Certificate/api",
            "Ingress/api",
        ],
    ),
];

#[test]
fn the_phases_hold_what_their_folders_hold() {
    let dev = platform().environment("dev");
    let phases = dev.phases();
    for (phase, names) in MEMBERS_OF_PHASES {
        for name in *names {
            let item = dev.items.iter().find(|item| short_title(item) == *name);
            let title = crate::platforms::title(item.expect("it is rendered"));
            assert_eq!(phases[&title], *phase, "{name}");
        }
    }
    let known: Vec<&str> = MEMBERS_OF_PHASES.iter().map(|(phase, _)| *phase).collect();
    assert!(
        phases.values().all(|phase| known.contains(&phase.as_str())),
        "every object is in one of these phases"
    );
}
