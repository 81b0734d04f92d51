//! Phases by kind, by well-known image and by label: what holds where nobody says anything.

use serde_json::Value;

use crate::object::{
    HasKind as _, ManifestView, ObjectId, containers,
    field::{list, text},
    image_name, pod_spec,
};

/// A row of the table: kinds of a group, and their phase. `*` stands for every kind of the group.
type Row = (&'static str, &'static str, &'static [&'static str]);

/// Phase, group and kinds. The first row that fits decides; what fits none belongs to `apps`.
const TABLE: &[Row] = &[
    (
        "namespace",
        "",
        &["Namespace", "ResourceQuota", "LimitRange", "ServiceAccount"],
    ),
    (
        "namespace",
        "apiextensions.k8s.io",
        &["CustomResourceDefinition"],
    ),
    ("namespace", "rbac.authorization.k8s.io", &["*"]),
    ("namespace", "networking.k8s.io", &["NetworkPolicy"]),
    ("namespace", "policy.networking.k8s.io", &["*"]),
    ("namespace", "cilium.io", &["*"]),
    ("namespace", "crd.projectcalico.org", &["*"]),
    ("namespace", "projectcalico.org", &["*"]),
    ("namespace", "scheduling.k8s.io", &["*"]),
    ("namespace", "node.k8s.io", &["*"]),
    ("namespace", "flowcontrol.apiserver.k8s.io", &["*"]),
    (
        "namespace",
        "admissionregistration.k8s.io",
        &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
        ],
    ),
    ("namespace", "kyverno.io", &["*"]),
    ("namespace", "policies.kyverno.io", &["*"]),
    ("namespace", "templates.gatekeeper.sh", &["*"]),
    ("secrets", "", &["Secret"]),
    ("secrets", "external-secrets.io", &["*"]),
    ("secrets", "generators.external-secrets.io", &["*"]),
    ("secrets", "bitnami.com", &["SealedSecret"]),
    ("secrets", "secrets-store.csi.x-k8s.io", &["*"]),
    ("secrets", "secrets.hashicorp.com", &["*"]),
    ("secrets", "trust.cert-manager.io", &["*"]),
    (
        "storage",
        "",
        &["PersistentVolume", "PersistentVolumeClaim"],
    ),
    ("storage", "storage.k8s.io", &["*"]),
    ("storage", "snapshot.storage.k8s.io", &["*"]),
    ("storage", "groupsnapshot.storage.k8s.io", &["*"]),
    ("storage", "longhorn.io", &["*"]),
    ("databases", "acid.zalan.do", &["*"]),
    ("databases", "cassandra.datastax.com", &["*"]),
    ("databases", "clickhouse.altinity.com", &["*"]),
    ("databases", "databases.spotahome.com", &["*"]),
    ("databases", "dragonflydb.io", &["*"]),
    ("databases", "elasticsearch.k8s.elastic.co", &["*"]),
    ("databases", "k8s.mariadb.com", &["*"]),
    ("databases", "kafka.strimzi.io", &["*"]),
    ("databases", "minio.min.io", &["*"]),
    ("databases", "mongodbcommunity.mongodb.com", &["*"]),
    ("databases", "mysql.oracle.com", &["*"]),
    ("databases", "postgres-operator.crunchydata.com", &["*"]),
    ("databases", "postgresql.cnpg.io", &["*"]),
    ("databases", "psmdb.percona.com", &["*"]),
    ("databases", "pxc.percona.com", &["*"]),
    ("databases", "rabbitmq.com", &["*"]),
    ("databases", "redis.redis.opstreelabs.in", &["*"]),
    ("databases", "scylla.scylladb.com", &["*"]),
    ("monitoring", "monitoring.coreos.com", &["*"]),
    ("monitoring", "grafana.integreatly.org", &["*"]),
    ("monitoring", "jaegertracing.io", &["*"]),
    ("monitoring", "loki.grafana.com", &["*"]),
    ("monitoring", "monitoring.grafana.com", &["*"]),
    ("monitoring", "opentelemetry.io", &["*"]),
    ("monitoring", "operator.victoriametrics.com", &["*"]),
    ("monitoring", "tempo.grafana.com", &["*"]),
    ("ingress", "networking.k8s.io", &["Ingress", "IngressClass"]),
    ("ingress", "acme.cert-manager.io", &["*"]),
    ("ingress", "cert-manager.io", &["*"]),
    ("ingress", "externaldns.k8s.io", &["*"]),
    ("ingress", "gateway.envoyproxy.io", &["*"]),
    ("ingress", "gateway.networking.k8s.io", &["*"]),
    ("ingress", "gateway.nginx.org", &["*"]),
    ("ingress", "k8s.nginx.org", &["*"]),
    ("ingress", "networking.istio.io", &["*"]),
    ("ingress", "projectcontour.io", &["*"]),
    ("ingress", "traefik.io", &["*"]),
];

/// Where everything goes that the table does not name: workloads above all.
const REST: &str = "apps";

/// Kinds that belong to the phase of the workload that they serve, with their groups.
const FOLLOWERS: &[(&str, &[&str])] = &[
    ("", &["ConfigMap", "Endpoints", "Service", "ServiceAccount"]),
    (
        "admissionregistration.k8s.io",
        &[
            "MutatingWebhookConfiguration",
            "ValidatingWebhookConfiguration",
        ],
    ),
    ("apiregistration.k8s.io", &["APIService"]),
    ("autoscaling", &["HorizontalPodAutoscaler"]),
    ("autoscaling.k8s.io", &["VerticalPodAutoscaler"]),
    ("cert-manager.io", &["Certificate"]),
    ("discovery.k8s.io", &["EndpointSlice"]),
    ("keda.sh", &["ScaledObject"]),
    ("networking.k8s.io", &["NetworkPolicy"]),
    ("policy", &["PodDisruptionBudget"]),
    (
        "rbac.authorization.k8s.io",
        &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
    ),
];

/// Names of images, without registry, path and tag, that are databases, queues or stores.
const DATABASE_IMAGES: &[&str] = &[
    "arangodb",
    "cassandra",
    "clickhouse",
    "clickhouse-server",
    "cockroach",
    "couchdb",
    "dragonfly",
    "elasticsearch",
    "etcd",
    "influxdb",
    "kafka",
    "cp-kafka",
    "keydb",
    "mariadb",
    "mariadb-galera",
    "memcached",
    "milvus",
    "minio",
    "mongo",
    "mongodb",
    "mysql",
    "mysql-server",
    "nats",
    "neo4j",
    "opensearch",
    "percona-server",
    "percona-server-mongodb",
    "pgvector",
    "postgis",
    "postgres",
    "postgresql",
    "postgresql-repmgr",
    "qdrant",
    "rabbitmq",
    "redis",
    "redis-cluster",
    "redis-stack",
    "redis-stack-server",
    "redpanda",
    "scylla",
    "spilo",
    "timescaledb",
    "timescaledb-ha",
    "valkey",
    "weaviate",
    "zookeeper",
];

/// Names of images that watch other things.
const MONITORING_IMAGES: &[&str] = &[
    "alertmanager",
    "all-in-one",
    "alloy",
    "blackbox-exporter",
    "fluent-bit",
    "fluentd",
    "grafana",
    "grafana-enterprise",
    "grafana-oss",
    "jaeger",
    "kibana",
    "kube-state-metrics",
    "loki",
    "mimir",
    "node-exporter",
    "opentelemetry-collector",
    "opentelemetry-collector-contrib",
    "prometheus",
    "prometheus-adapter",
    "promtail",
    "pushgateway",
    "telegraf",
    "tempo",
    "thanos",
    "victoria-metrics",
    "zipkin",
];

/// The phase of a kind.
pub(super) fn phase_of_kind(id: &ObjectId) -> &'static str {
    let fits = |(_, group, kinds): &&Row| {
        *group == id.group && kinds.iter().any(|kind| *kind == "*" || *kind == id.kind)
    };
    TABLE.iter().find(fits).map_or(REST, |(phase, ..)| phase)
}

/// Whether objects of this kind follow the workload that they serve.
pub(super) fn follows(id: &ObjectId) -> bool {
    FOLLOWERS
        .iter()
        .any(|(group, kinds)| *group == id.group && kinds.contains(&id.kind.as_str()))
}

/// The phase of a workload that runs a well-known image or, as a `StatefulSet`, has a database's
/// name; and what it was known by.
///
/// Only Deployments, `StatefulSet`s and `DaemonSet`s are looked at: a Job with a database's image
/// is a client of it.
pub(super) fn phase_of_image(id: &ObjectId, body: &Value) -> Option<(&'static str, String)> {
    if !id.is_workload() {
        return None;
    }
    let stateful = id.is_stateful_set();
    let images: Vec<&str> = pod_spec(body)
        .into_iter()
        .flat_map(main_images)
        .map(image_name)
        .collect();
    let first = *images.first()?;
    let database = images
        .iter()
        .take(if stateful { images.len() } else { 1 })
        .find(|image| DATABASE_IMAGES.contains(image));
    if let Some(image) = database {
        return Some(("databases", format!("image `{image}`")));
    }
    if MONITORING_IMAGES.contains(&first)
        || first.ends_with("-exporter")
        || first.ends_with("_exporter")
    {
        return Some(("monitoring", format!("image `{first}`")));
    }
    let word = id
        .name
        .split('-')
        .find(|word| DATABASE_IMAGES.contains(word));
    word.filter(|_| stateful).map(|word| {
        (
            "databases",
            format!("a StatefulSet with `{word}` in its name"),
        )
    })
}

fn main_images(pod_spec: &Value) -> impl Iterator<Item = &str> {
    let initial = list(pod_spec, "/initContainers").len();
    containers(pod_spec)
        .skip(initial)
        .filter_map(|container| text(container, "/image"))
}

/// The phase of a `ConfigMap` that Grafana's side-car picks up by its label.
pub(super) fn phase_of_labels(id: &ObjectId, body: &Value) -> Option<(&'static str, String)> {
    let labels = ManifestView(body).labels().filter(|_| id.is_config_map())?;
    let label = ["grafana_dashboard", "grafana_datasource"]
        .into_iter()
        .find(|label| labels.contains_key(*label))?;
    Some(("monitoring", format!("label `{label}`")))
}

#[cfg(test)]
pub(super) mod documentation {
    use std::fmt::Write as _;

    use super::*;

    /// The tables as they stand in `docs/phases.md`.
    pub(in crate::phase) fn tables() -> String {
        let name = |group: &str| {
            if group.is_empty() {
                "core".to_owned()
            } else {
                format!("`{group}`")
            }
        };
        let kinds = |kinds: &[&str]| {
            if kinds == ["*"] {
                "all".to_owned()
            } else {
                kinds
                    .iter()
                    .map(|kind| format!("`{kind}`"))
                    .collect::<Vec<_>>()
                    .join(", ")
            }
        };
        let list = |names: &[&str]| {
            names
                .iter()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let mut text = "| phase | group | kinds |\n| --- | --- | --- |\n".to_owned();
        for (phase, group, known) in TABLE {
            let _ = writeln!(text, "| {phase} | {} | {} |", name(group), kinds(known));
        }
        let _ = writeln!(
            text,
            "| {REST} | every other | all |\n\nFollowers:\n\n| group | kinds |\n| --- | --- |"
        );
        for (group, known) in FOLLOWERS {
            let _ = writeln!(text, "| {} | {} |", name(group), kinds(known));
        }
        let _ = write!(
            text,
            "\nImages of databases: {}.\n\nImages of monitoring: {}, and names that end in `-exporter`.\n",
            list(DATABASE_IMAGES),
            list(MONITORING_IMAGES)
        );
        text
    }
}
