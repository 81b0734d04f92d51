//! Objects that make pods, and what their pods are.

use serde_json::{Value, json};

use super::rendered::{items, title};

/// An object with pods of its own.
#[derive(Clone, Copy)]
pub(crate) struct Workload<'a> {
    pub(crate) object: &'a Value,
    /// Its pods' metadata and spec.
    pub(crate) template: &'a Value,
}

impl<'a> Workload<'a> {
    /// `object`, where it is one of the kinds of Kubernetes that make pods, or a Pod.
    pub(crate) fn of(object: &'a Value) -> Option<Self> {
        let template = match object["kind"].as_str()? {
            "Deployment" | "StatefulSet" | "DaemonSet" | "Job" | "ReplicaSet" => {
                &object["spec"]["template"]
            }
            "CronJob" => &object["spec"]["jobTemplate"]["spec"]["template"],
            "Pod" => object,
            _ => return None,
        };
        Some(Self { object, template })
    }

    /// `KIND/NAMESPACE/NAME`.
    pub(crate) fn title(&self) -> String {
        title(self.object)
    }

    pub(crate) fn kind(&self) -> &'a str {
        self.object["kind"].as_str().unwrap_or_default()
    }

    pub(crate) fn name(&self) -> &'a str {
        self.object["metadata"]["name"].as_str().unwrap_or_default()
    }

    pub(crate) fn namespace(&self) -> &'a str {
        self.object["metadata"]["namespace"]
            .as_str()
            .unwrap_or_default()
    }

    /// The labels of its pods.
    pub(crate) fn labels(&self) -> &'a Value {
        &self.template["metadata"]["labels"]
    }

    /// The spec of its pods.
    pub(crate) fn pod(&self) -> &'a Value {
        &self.template["spec"]
    }

    /// Containers that run as long as the pod does, without those that start before others.
    pub(crate) fn containers(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        items(&self.pod()["containers"])
    }

    /// Containers that run before others, side-cars among them.
    pub(crate) fn init_containers(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        items(&self.pod()["initContainers"])
    }

    /// All of them.
    pub(crate) fn all_containers(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.init_containers().chain(self.containers())
    }

    /// A container called `name`.
    pub(crate) fn container(&self, name: &str) -> Option<&'a Value> {
        self.all_containers()
            .find(|container| container["name"] == name)
    }

    /// The ports of its containers and side-cars.
    pub(crate) fn ports(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        let side_cars = self.init_containers().filter(|it| is_side_car(it));
        side_cars
            .chain(self.containers())
            .flat_map(|container| items(&container["ports"]))
    }

    /// Whether its pods end by themselves.
    pub(crate) fn ends(&self) -> bool {
        ["Job", "CronJob"].contains(&self.kind())
    }

    /// How many pods it asks for where nothing scales it.
    pub(crate) fn replicas(&self) -> u64 {
        let spec = &self.object["spec"];
        match self.kind() {
            "Job" => spec["parallelism"].as_u64().unwrap_or(1),
            "Pod" | "CronJob" => 1,
            _ => spec["replicas"].as_u64().unwrap_or(1),
        }
    }
}

/// Whether an init container goes on running beside the others.
/// <https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/>
pub(super) fn is_side_car(container: &Value) -> bool {
    container["restartPolicy"] == "Always"
}

/// The labels of the pods that an operator makes of `object`, and their ports as (name, number).
/// Those of Prometheus and Alertmanager are in the operator's documentation, those of a database in
/// that of Zalando's.
pub(super) fn made_by_operator(object: &Value) -> Option<(Value, Vec<(&'static str, u64)>)> {
    let name = object["metadata"]["name"].as_str()?;
    let (mut labels, ports) = match object["kind"].as_str()? {
        "Prometheus" => (
            json!({
                "app.kubernetes.io/name": "prometheus", "app.kubernetes.io/instance": name,
                "app.kubernetes.io/managed-by": "prometheus-operator",
                "operator.prometheus.io/name": name, "prometheus": name,
            }),
            vec![("web", 9090)],
        ),
        "Alertmanager" => (
            json!({
                "app.kubernetes.io/name": "alertmanager", "app.kubernetes.io/instance": name,
                "app.kubernetes.io/managed-by": "prometheus-operator", "alertmanager": name,
            }),
            vec![("web", 9093), ("mesh-tcp", 9094), ("mesh-udp", 9094)],
        ),
        "postgresql" => (
            json!({
                "application": "spilo", "cluster-name": name,
                "team": object["spec"]["teamId"], "spilo-role": "master",
            }),
            vec![("postgresql", 5432), ("patroni", 8008)],
        ),
        _ => return None,
    };
    let more = object["spec"]["podMetadata"]["labels"].as_object();
    for (key, value) in more.into_iter().flatten() {
        labels[key] = value.clone();
    }
    Some((labels, ports))
}

/// A ConfigMap or Secret that a volume reads.
pub(crate) struct ReadByVolume<'a> {
    pub(crate) kind: &'static str,
    pub(crate) name: &'a Value,
    /// Where the volume says so.
    pub(crate) source: &'a Value,
}

impl<'a> ReadByVolume<'a> {
    /// The keys that are read; `None` is all of them.
    pub(crate) fn keys(&self) -> Vec<Option<&'a Value>> {
        let keys: Vec<_> = items(&self.source["items"])
            .map(|item| Some(&item["key"]))
            .collect();
        if keys.is_empty() { vec![None] } else { keys }
    }
}

/// What `volume` reads, itself or as one that is projected.
pub(crate) fn read_by_volume(volume: &Value) -> impl Iterator<Item = ReadByVolume<'_>> {
    let sources = items(&volume["projected"]["sources"]).chain([volume]);
    sources.flat_map(|source| {
        let parts = [("secret", "Secret"), ("configMap", "ConfigMap")];
        parts.into_iter().filter_map(|(part, kind)| {
            let source = source.get(part)?;
            // Only a volume of its own calls a Secret so.
            let name = source.get("secretName").unwrap_or(&source["name"]);
            Some(ReadByVolume { kind, name, source })
        })
    })
}
