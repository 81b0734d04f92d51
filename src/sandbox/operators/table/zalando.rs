//! Zalando's Postgres operator: a cluster is a `StatefulSet`, Services, and a Secret for each user.
//!
//! See <https://opensource.zalando.com/postgres-operator/>.

use serde_json::{Value, json};

use super::secret::{Data, secret};
use crate::sandbox::operators::{
    kind::{PlayedKind, played},
    subject::{Subject, keys, made_up, text_or},
};

const OPERATOR: &str = "postgres-operator";
const IMAGE: &str = "ghcr.io/zalando/spilo-17:4.0-p2";

/// Users that every cluster has: the superuser and the one that replicates.
const SYSTEM_USERS: [&str; 2] = ["postgres", "standby"];

pub(super) const KINDS: &[PlayedKind] =
    &[played(OPERATOR, ("acid.zalan.do", "postgresql"), status).making(cluster)];

fn status(subject: &Subject<'_>) -> Value {
    json!({"PostgresClusterStatus": subject.either("Running", "CreateFailed")})
}

fn cluster(subject: &Subject<'_>) -> Vec<Value> {
    let users = SYSTEM_USERS
        .into_iter()
        .chain(keys(&subject.spec()["users"]));
    let mut made: Vec<Value> = users.map(|user| credentials(subject, user)).collect();
    made.push(service(subject, "", "master"));
    made.push(service(subject, "-repl", "replica"));
    made.push(stateful_set(subject));
    made
}

fn labels(subject: &Subject<'_>) -> Value {
    json!({
        "application": "spilo",
        "cluster-name": subject.name(),
        "team": text_or(&subject.spec()["teamId"], ""),
    })
}

fn metadata(subject: &Subject<'_>, ending: &str) -> Value {
    json!({
        "namespace": subject.namespace(),
        "name": format!("{}{ending}", subject.name()),
        "labels": labels(subject),
    })
}

/// See <https://opensource.zalando.com/postgres-operator/docs/user.html#connect-to-postgresql>.
fn credentials(subject: &Subject<'_>, user: &str) -> Value {
    let password = made_up(&[subject.namespace(), subject.name(), user]);
    let data = Data::from([
        ("username".to_owned(), user.to_owned()),
        ("password".to_owned(), password),
    ]);
    let name = format!(
        "{}.{}.credentials.postgresql.acid.zalan.do",
        user.replace('_', "-"),
        subject.name()
    );
    let mut secret = secret(subject.namespace(), &name, &data);
    secret["metadata"]["labels"] = labels(subject);
    secret
}

/// Both Services reach every pod: nobody is elected here.
fn service(subject: &Subject<'_>, ending: &str, role: &str) -> Value {
    let mut metadata = metadata(subject, ending);
    metadata["labels"]["spilo-role"] = role.into();
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {
            "selector": {"application": "spilo", "cluster-name": subject.name()},
            "ports": [{"name": "postgresql", "port": 5432, "targetPort": 5432, "protocol": "TCP"}],
        },
    })
}

fn stateful_set(subject: &Subject<'_>) -> Value {
    let spec = subject.spec();
    let volume = &spec["volume"];
    let mut claim = json!({
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": text_or(&volume["size"], "1Gi")}},
    });
    if let Some(class) = volume["storageClass"].as_str() {
        claim["storageClassName"] = class.into();
    }
    let selector = json!({"application": "spilo", "cluster-name": subject.name()});
    json!({
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": metadata(subject, ""),
        "spec": {
            "replicas": spec["numberOfInstances"].as_u64().unwrap_or(1),
            "serviceName": subject.name(),
            "selector": {"matchLabels": selector},
            "template": {
                "metadata": {"labels": labels(subject), "annotations": spec["podAnnotations"]},
                "spec": {"containers": [container(subject)]},
            },
            "volumeClaimTemplates": [{"metadata": {"name": "pgdata", "labels": labels(subject)}, "spec": claim}],
        },
    })
}

fn container(subject: &Subject<'_>) -> Value {
    let spec = subject.spec();
    let asked = |kind: &str, resource: &str, default: &str| {
        text_or(&spec["resources"][kind][resource], default).to_owned()
    };
    let port = |port: u16| json!({"containerPort": port, "protocol": "TCP"});
    json!({
        "name": "postgres",
        "image": text_or(&spec["dockerImage"], IMAGE),
        "ports": [port(8008), port(5432), port(8080)],
        "env": [
            {"name": "SCOPE", "value": subject.name()},
            {"name": "PGROOT", "value": "/home/postgres/pgdata/pgroot"},
            {"name": "PGVERSION", "value": text_or(&spec["postgresql"]["version"], "17")},
        ],
        "resources": {
            "requests": {"cpu": asked("requests", "cpu", "100m"), "memory": asked("requests", "memory", "100Mi")},
            "limits": {"cpu": asked("limits", "cpu", "1"), "memory": asked("limits", "memory", "500Mi")},
        },
        "securityContext": {"allowPrivilegeEscalation": true, "privileged": false, "readOnlyRootFilesystem": false},
        "volumeMounts": [{"name": "pgdata", "mountPath": "/home/postgres/pgdata"}],
    })
}
