//! The figures that the platform's document gives.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::rendered::{
    Rendered, array, both, containers, deployctl, dev, items, plan, pod, prod, render, text, title,
};

/// Requests and limits of a container: CPU and memory of each.
fn resources(container: &Value) -> [&str; 4] {
    let resources = &container["resources"];
    ["requests", "limits"]
        .map(|which| ["cpu", "memory"].map(|resource| text(&resources[which][resource])))
        .concat()
        .try_into()
        .expect("four")
}

fn claim<'a>(rendered: &'a Rendered, stateful_set: &str) -> &'a Value {
    &rendered.get("StatefulSet", stateful_set)["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]
        ["requests"]["storage"]
}

#[test]
fn the_quota_has_the_documents_figures_and_eight_claims() {
    for rendered in both() {
        let hard = &rendered.get("ResourceQuota", "ai-imutis")["spec"]["hard"];
        let wanted = json!({
            "requests.cpu": "20", "requests.memory": "40Gi", "limits.cpu": "40", "limits.memory": "80Gi",
            "pods": "50", "services": "10", "persistentvolumeclaims": "8",
        });
        assert_eq!(*hard, wanted);
    }
}

#[test]
fn the_namespace_enforces_the_restricted_standard() {
    for rendered in both() {
        let labels = &rendered.get("Namespace", rendered.namespace())["metadata"]["labels"];
        for mode in ["enforce", "audit", "warn"] {
            assert_eq!(
                labels[format!("pod-security.kubernetes.io/{mode}")],
                "restricted"
            );
        }
    }
}

#[test]
fn postgres_is_sixteen_with_postgis() {
    for rendered in both() {
        let stateful_set = rendered.get("StatefulSet", "postgres");
        let container = rendered.container("postgres", "postgres");
        assert_eq!(container["image"], "postgis/postgis:16-3.4");
        assert_eq!(resources(container), ["500m", "512Mi", "2", "2Gi"]);
        assert_eq!(pod(stateful_set)["securityContext"]["runAsUser"], 999);
        assert_eq!(claim(rendered, "postgres"), "50Gi");
        assert_eq!(stateful_set["spec"]["replicas"], 1);
        let config = text(&rendered.get("ConfigMap", "postgres-config")["data"]["postgresql.conf"]);
        assert!(
            config.lines().any(|line| line == "max_connections = 200"),
            "{config}"
        );
        assert_eq!(
            rendered.get("PodDisruptionBudget", "postgres")["spec"]["maxUnavailable"],
            1
        );
        assert_eq!(
            containers(stateful_set).len(),
            2,
            "the exporter runs beside it"
        );
    }
}

#[test]
fn databases_may_have_up_to_three_replicas_and_no_autoscaler() {
    let three = render(
        "prod",
        &["--set", "postgres_replicas=3", "--set", "redis_replicas=3"],
    );
    for name in ["postgres", "redis"] {
        assert_eq!(three.get("StatefulSet", name)["spec"]["replicas"], 3);
        assert_eq!(
            plan()["variables"][format!("{name}_replicas")]["pattern"],
            "[1-3]"
        );
    }
    let targets: Vec<_> = prod()
        .kind("HorizontalPodAutoscaler")
        .map(|item| &item["spec"]["scaleTargetRef"]["name"])
        .collect();
    assert_eq!(targets, ["api"]);
}

#[test]
fn redis_is_seven_with_append_only_file_and_one_gigabyte() {
    for rendered in both() {
        let stateful_set = rendered.get("StatefulSet", "redis");
        assert!(text(&rendered.container("redis", "redis")["image"]).starts_with("redis:7."));
        assert_eq!(claim(rendered, "redis"), "20Gi");
        assert_eq!(stateful_set["spec"]["replicas"], 1);
        let config: Vec<_> = text(&rendered.get("ConfigMap", "redis-config")["data"]["redis.conf"])
            .lines()
            .collect();
        for line in [
            "appendonly yes",
            "maxmemory 1gb",
            "maxmemory-policy allkeys-lru",
        ] {
            assert!(config.contains(&line), "{line}");
        }
        assert_eq!(
            rendered.get("PodDisruptionBudget", "redis")["spec"]["maxUnavailable"],
            1
        );
        assert_eq!(
            containers(stateful_set).len(),
            2,
            "the exporter runs beside it"
        );
    }
}

#[test]
fn the_api_scales_as_the_document_says() {
    for (rendered, minimum, maximum, cpu, memory) in
        [(dev(), 3, 10, 70, 80), (prod(), 5, 20, 60, 70)]
    {
        let spec = &rendered.get("HorizontalPodAutoscaler", "api")["spec"];
        assert_eq!(
            spec["scaleTargetRef"],
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"})
        );
        assert_eq!(
            (&spec["minReplicas"], &spec["maxReplicas"]),
            (&json!(minimum), &json!(maximum))
        );
        let utilization = |name: &str, percent: u8| json!({"type": "Resource", "resource": {"name": name, "target": {"type": "Utilization", "averageUtilization": percent}}});
        assert_eq!(
            spec["metrics"],
            json!([utilization("cpu", cpu), utilization("memory", memory)])
        );
        let policies = |percent: u8, seconds: u8| json!([{"type": "Percent", "value": percent, "periodSeconds": seconds}]);
        assert_eq!(spec["behavior"]["scaleUp"]["policies"], policies(100, 30));
        assert_eq!(spec["behavior"]["scaleDown"]["policies"], policies(50, 60));
    }
}

#[test]
fn the_api_serves_on_8000_behind_80_and_shuts_down_gracefully() {
    for rendered in both() {
        let deployment = rendered.get("Deployment", "api");
        let container = rendered.container("api", "api");
        assert_eq!(
            container["ports"],
            json!([{"name": "http", "containerPort": 8000}])
        );
        for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
            assert_eq!(
                container[probe]["httpGet"],
                json!({"path": "/health", "port": "http"}),
                "{probe}"
            );
        }
        assert!(container["lifecycle"]["preStop"].is_object());
        assert_eq!(pod(deployment)["terminationGracePeriodSeconds"], 45);
        assert_eq!(pod(deployment)["securityContext"]["runAsUser"], 1000);
        let init: Vec<_> = items(&pod(deployment)["initContainers"])
            .map(|container| &container["name"])
            .collect();
        assert_eq!(init, ["migrations"]);
        assert_eq!(
            deployment["spec"]["strategy"]["rollingUpdate"],
            json!({"maxSurge": 1, "maxUnavailable": 0})
        );
        assert_eq!(
            rendered.get("PodDisruptionBudget", "api")["spec"]["minAvailable"],
            2
        );
        assert_eq!(
            rendered.get("Service", "api")["spec"]["ports"],
            json!([{"name": "http", "port": 80, "targetPort": "http"}])
        );
        let annotations = &deployment["spec"]["template"]["metadata"]["annotations"];
        assert_eq!(
            (
                &annotations["prometheus.io/port"],
                &annotations["prometheus.io/path"]
            ),
            (&json!("8000"), &json!("/metrics"))
        );
        assert_eq!(
            rendered.get("ConfigMap", "api-config")["data"]["LOG_FORMAT"],
            "json"
        );
    }
}

#[test]
fn image_tag_and_registry_are_variables() {
    let rendered = render(
        "dev",
        &[
            "--set",
            "image_tag=20261121",
            "--set",
            "registry=registry.test",
            "--set",
            "project=p",
        ],
    );
    for container in ["api", "migrations"] {
        assert_eq!(
            rendered.container("api", container)["image"],
            "registry.test/p/api:20261121"
        );
    }
    assert_eq!(
        rendered.get("Deployment", "api")["metadata"]["labels"]["app.kubernetes.io/version"],
        "20261121"
    );
}

#[test]
fn prometheus_scrapes_every_15_seconds_and_keeps_15_or_30_days() {
    for (rendered, retention) in [(dev(), "15d"), (prod(), "30d")] {
        let config = rendered.document("prometheus-config", "prometheus.yml");
        assert_eq!(config["global"]["scrape_interval"], "15s");
        let jobs: Vec<_> = items(&config["scrape_configs"])
            .map(|job| text(&job["job_name"]))
            .collect();
        assert_eq!(
            jobs,
            ["prometheus", "alertmanager", "api", "postgres", "redis"]
        );
        for names in items(&config["scrape_configs"])
            .flat_map(|job| items(&job["kubernetes_sd_configs"]))
            .map(|sd| &sd["namespaces"]["names"])
        {
            assert_eq!(*names, json!([rendered.namespace()]));
        }
        let arguments = array(&rendered.container("prometheus", "prometheus")["args"]);
        assert!(
            arguments.contains(&json!(format!("--storage.tsdb.retention.time={retention}"))),
            "{arguments:?}"
        );
        assert_eq!(
            rendered.get("PersistentVolumeClaim", "prometheus-data")["spec"]["resources"]["requests"]
                ["storage"],
            "50Gi"
        );
    }
}

#[test]
fn there_are_the_eight_alerts() {
    let rules = prod().document("prometheus-config", "alerts.yml");
    let rules: Vec<_> = items(&rules["groups"])
        .flat_map(|group| items(&group["rules"]))
        .collect();
    let severities: BTreeMap<_, _> = rules
        .iter()
        .map(|rule| (text(&rule["alert"]), text(&rule["labels"]["severity"])))
        .collect();
    let wanted = [
        ("ApiErrorRateHigh", "critical"),
        ("PostgresConnectionsExhausted", "critical"),
        ("ApiLatencyHigh", "warning"),
        ("DatabaseQuerySpike", "warning"),
        ("RateLimitRejectionsHigh", "warning"),
        ("AuthenticationFailuresHigh", "warning"),
        ("BookingFailureRateHigh", "warning"),
        ("WebSocketConnectionsDropped", "warning"),
    ];
    assert_eq!((rules.len(), severities), (8, BTreeMap::from(wanted)));
    let rule = |name: &str| {
        *rules
            .iter()
            .find(|rule| rule["alert"] == name)
            .expect("the alert exists")
    };
    let ends = |name: &str, end: &str| text(&rule(name)["expr"]).trim_end().ends_with(end);
    assert!(ends("ApiErrorRateHigh", "> 0.05") && rule("ApiErrorRateHigh")["for"] == "5m");
    assert!(
        ends("ApiLatencyHigh", "> 1")
            && text(&rule("ApiLatencyHigh")["expr"]).starts_with("histogram_quantile(0.95,")
    );
    assert!(ends("BookingFailureRateHigh", "> 0.1"));
}

#[test]
fn critical_alerts_page_and_warnings_go_to_slack_and_by_mail() {
    let config = prod().document("alertmanager-config", "alertmanager.yml");
    let route = |severity: &str| {
        let matcher = format!("severity = \"{severity}\"");
        let route = items(&config["route"]["routes"])
            .find(|route| array(&route["matchers"]).contains(&json!(matcher)));
        text(&route.expect("a route for the severity")["receiver"])
    };
    let kinds = |receiver: &str| -> Vec<&str> {
        let receiver = items(&config["receivers"])
            .find(|item| item["name"] == receiver)
            .and_then(Value::as_object)
            .expect("the receiver exists");
        ["pagerduty_configs", "slack_configs", "email_configs"]
            .into_iter()
            .filter(|kind| receiver.contains_key(*kind))
            .collect()
    };
    assert_eq!(route("critical"), "page");
    assert_eq!(kinds("page"), ["pagerduty_configs", "slack_configs"]);
    assert_eq!(kinds(route("warning")), ["slack_configs", "email_configs"]);
}

#[test]
fn the_ingress_has_tls_a_rate_limit_and_no_metrics() {
    for (rendered, host) in [
        (dev(), "api.dev.ai-imutis.example"),
        (prod(), "api.ai-imutis.example"),
    ] {
        let ingress = rendered.get("Ingress", "api");
        let annotations = &ingress["metadata"]["annotations"];
        assert_eq!(ingress["spec"]["ingressClassName"], "nginx");
        assert_eq!(
            ingress["spec"]["tls"],
            json!([{"hosts": [host], "secretName": "api-tls"}])
        );
        assert_eq!(array(&ingress["spec"]["rules"]).len(), 1);
        let rule = &ingress["spec"]["rules"][0];
        assert_eq!(rule["host"], host);
        assert_eq!(annotations["nginx.ingress.kubernetes.io/limit-rps"], "20");
        assert_eq!(annotations["nginx.ingress.kubernetes.io/use-regex"], "true");
        let paths: Vec<_> = items(&rule["http"]["paths"])
            .map(|path| (text(&path["path"]), text(&path["pathType"])))
            .collect();
        assert_eq!(
            paths,
            [("/(?!metrics(?:/|$)).*", "ImplementationSpecific")],
            "a path that matches all but /metrics"
        );
        let certificate = &rendered.get("Certificate", "api")["spec"];
        assert_eq!(
            (&certificate["dnsNames"], &certificate["secretName"]),
            (&json!([host]), &json!("api-tls"))
        );
        let issuer = format!("ai-imutis-{}-letsencrypt-prod", rendered.environment);
        assert_eq!(certificate["issuerRef"]["name"], *issuer);
        let server = &rendered.get("ClusterIssuer", &issuer)["spec"]["acme"]["server"];
        assert_eq!(server, "https://acme-v02.api.letsencrypt.org/directory");
    }
}

#[test]
fn the_secrets_are_declared_and_the_urls_composed() {
    let plan = plan();
    let keys: BTreeMap<_, Vec<_>> = items(&plan["secrets"])
        .map(|secret| {
            (
                text(&secret["name"]),
                secret["data"]
                    .as_object()
                    .expect("data")
                    .keys()
                    .map(String::as_str)
                    .collect(),
            )
        })
        .collect();
    let sorted = |name: &str| {
        let mut keys = keys[name].clone();
        keys.sort_unstable();
        keys
    };
    assert_eq!(
        sorted("api-secrets"),
        [
            "database-url",
            "firebase-project-id",
            "firebase-service-account",
            "redis-url",
            "sentry-dsn"
        ]
    );
    assert_eq!(sorted("postgres-secret"), ["password", "username"]);
    let secret = |name: &str| {
        items(&plan["secrets"])
            .find(|secret| secret["name"] == name)
            .expect("declared")
    };
    assert_eq!(
        secret("registry-credentials")["type"],
        "kubernetes.io/dockerconfigjson"
    );
    let data = &secret("api-secrets")["data"];
    assert!(
        text(&data["database-url"]["template"])
            .contains(":${postgres-secret/password|percent}@postgres:5432/")
    );
    assert!(
        text(&data["redis-url"]["template"])
            .contains(":${redis-secret/password|percent}@redis:6379/")
    );
    assert_eq!(data["firebase-service-account"]["format"], "json");
}

#[test]
fn the_plan_guards_prod_and_says_what_it_needs() {
    let plan = plan();
    assert_eq!(plan["environments"]["dev"]["default"], true);
    let prod = &plan["environments"]["prod"];
    assert_eq!(
        (&prod["protected"], &prod["namespace"]),
        (&json!(true), &json!("ai-imutis"))
    );
    assert!(!array(&prod["contexts"]).is_empty());
    assert_eq!(plan["requires"]["kubernetes"], ">=1.26");
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
    let timeouts: Vec<_> = ["databases", "apps", "monitoring", "ingress"]
        .into_iter()
        .map(|phase| text(&plan["phases"][phase]["timeout"]))
        .collect();
    assert_eq!(timeouts, ["10m", "10m", "5m", "5m"]);
    for (name, target) in plan["open"].as_object().expect("access points") {
        let ports = items(
            &super::rendered::prod().get("Service", text(&target["service"]))["spec"]["ports"],
        );
        assert!(
            ports
                .map(|port| &port["port"])
                .any(|port| *port == target["port"]),
            "open.{name}"
        );
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
    let mut total = 0;
    for (phase, names) in MEMBERS_OF_PHASES {
        let rendered = render("dev", &["--phase", phase]);
        let titles: Vec<_> = rendered.items.iter().map(title).collect();
        for name in *names {
            assert!(
                titles.iter().any(|title| title == name),
                "{name} is not in {phase}: {titles:?}"
            );
        }
        total += titles.len();
    }
    assert_eq!(
        total,
        dev().items.len(),
        "every object is in one of these phases"
    );
}

#[test]
fn both_environments_are_valid() {
    deployctl(&["validate", "ai-imutis"]);
}
