//! What an object refers to exists, in the namespace where it is read.

use serde_json::Value;

use super::{
    makers::{Sources, config_maps, secrets},
    platform::Platform,
    rendered::{Rendered, entries, items},
    rules::{Problem, Rule, judge},
    workload::{Workload, read_by_volume},
};

pub(super) const RULES: &[Rule] = &[read_by_pods, read_by_others, volumes, super::names::names];

#[test]
fn everything_that_is_referred_to_exists() {
    judge(RULES);
}

/// Where Secrets and `ConfigMaps` are looked up, and what is wrong about those that were.
struct Lookup<'a> {
    rendered: &'a Rendered,
    secrets: Sources,
    config_maps: Sources,
    problems: Vec<Problem>,
}

/// A reference to a Secret or `ConfigMap`, or to a key of it.
struct Reference<'a> {
    kind: &'static str,
    namespace: &'a str,
    name: &'a Value,
    key: Option<&'a Value>,
    optional: bool,
}

impl<'a> Reference<'a> {
    /// Of a map with `name` and, where it is about a key, `key` and `optional`.
    fn of(kind: &'static str, namespace: &'a str, reference: &'a Value) -> Self {
        Self {
            kind,
            namespace: reference["namespace"].as_str().unwrap_or(namespace),
            name: &reference["name"],
            key: reference.get("key"),
            optional: reference["optional"] == true,
        }
    }
}

impl<'a> Lookup<'a> {
    fn new(platform: &Platform, rendered: &'a Rendered) -> Self {
        Self {
            rendered,
            secrets: secrets(platform, rendered),
            config_maps: config_maps(rendered),
            problems: Vec::new(),
        }
    }

    /// Looks a reference of `object` up.
    fn check(&mut self, object: &Value, reference: &Reference<'_>) {
        let Reference {
            kind,
            namespace,
            name,
            key,
            optional,
        } = reference;
        let Some(name) = name.as_str() else {
            return;
        };
        let sources = if *kind == "Secret" {
            &self.secrets
        } else {
            &self.config_maps
        };
        let found = sources.get(&((*namespace).to_owned(), name.to_owned()));
        let wrong = match (found, key.and_then(Value::as_str)) {
            (None, _) if self.is_made_by_nobody(kind, namespace, name) => {
                Some("nobody makes it".to_owned())
            }
            (Some(keys), Some(key)) => keys.lacks(key, *optional),
            (Some(keys), None) if keys.may_be_absent() && !optional && *kind == "Secret" => Some(
                "it may be absent altogether, so that the reference must be optional".to_owned(),
            ),
            _ => None,
        };
        if let Some(wrong) = wrong {
            let text = format!("it reads {kind}/{namespace}/{name}: {wrong}");
            self.problems.push(Problem::of("reference", object, text));
        }
    }

    fn is_made_by_nobody(&self, kind: &str, namespace: &str, name: &str) -> bool {
        let of_cluster = kind == "ConfigMap" && name == "kube-root-ca.crt";
        !of_cluster && !self.rendered.is_given(kind, namespace, name)
    }
}

fn read_by_pods(platform: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let mut lookup = Lookup::new(platform, rendered);
    for workload in rendered.workloads() {
        let (object, namespace) = (workload.object, workload.namespace());
        for container in workload.all_containers() {
            for source in items(&container["env"]).map(|entry| &entry["valueFrom"]) {
                for (key, kind) in [("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")] {
                    lookup.check(object, &Reference::of(kind, namespace, &source[key]));
                }
            }
            for source in items(&container["envFrom"]) {
                for (key, kind) in [("secretRef", "Secret"), ("configMapRef", "ConfigMap")] {
                    lookup.check(object, &Reference::of(kind, namespace, &source[key]));
                }
            }
        }
        for volume in items(&workload.pod()["volumes"]) {
            check_volume(&mut lookup, workload, volume);
        }
        for secret in items(&workload.pod()["imagePullSecrets"]) {
            lookup.check(object, &Reference::of("Secret", namespace, secret));
        }
    }
    lookup.problems
}

fn check_volume(lookup: &mut Lookup<'_>, workload: Workload<'_>, volume: &Value) {
    for read in read_by_volume(volume) {
        for key in read.keys() {
            let reference = Reference {
                kind: read.kind,
                namespace: workload.namespace(),
                name: read.name,
                key,
                optional: read.source["optional"] == true,
            };
            lookup.check(workload.object, &reference);
        }
    }
}

/// The Secrets that other objects name: Ingresses, Gateways, accounts, and custom resources.
fn read_by_others(platform: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let mut lookup = Lookup::new(platform, rendered);
    for item in rendered
        .items
        .iter()
        .filter(|item| Workload::of(item).is_none())
    {
        let namespace = item["metadata"]["namespace"].as_str().unwrap_or_default();
        let annotations = &item["metadata"]["annotations"];
        match item["kind"].as_str().unwrap_or_default() {
            "Ingress" => {
                let tls = items(&item["spec"]["tls"]).map(|tls| &tls["secretName"]);
                for name in tls {
                    lookup.check(item, &secret(namespace, name));
                }
                for kind in ["auth-secret", "auth-tls-secret"] {
                    let name = &annotations[format!("nginx.ingress.kubernetes.io/{kind}")];
                    let both = name.as_str().and_then(|name| name.split_once('/'));
                    let (namespace, name) = both
                        .map_or((namespace, name.clone()), |(namespace, name)| {
                            (namespace, name.into())
                        });
                    lookup.check(item, &secret(namespace, &name));
                }
            }
            "Gateway" => {
                let listeners = items(&item["spec"]["listeners"]);
                for reference in listeners.flat_map(|it| items(&it["tls"]["certificateRefs"])) {
                    lookup.check(item, &Reference::of("Secret", namespace, reference));
                }
            }
            "ServiceAccount" => {
                for reference in items(&item["imagePullSecrets"]) {
                    lookup.check(item, &Reference::of("Secret", namespace, reference));
                }
            }
            _ if is_custom(item) => {
                // What is read for all namespaces lies where its operator runs.
                let namespace = if namespace.is_empty() {
                    "cert-manager"
                } else {
                    namespace
                };
                look_inside(&mut lookup, item, namespace, "", &item["spec"]);
            }
            _ => {}
        }
    }
    lookup.problems
}

fn secret<'a>(namespace: &'a str, name: &'a Value) -> Reference<'a> {
    Reference {
        kind: "Secret",
        namespace,
        name,
        key: None,
        optional: false,
    }
}

/// Whether an object is of a kind that a definition brings.
fn is_custom(item: &Value) -> bool {
    let group = item["apiVersion"]
        .as_str()
        .and_then(|version| version.split_once('/'));
    group.is_some_and(|(group, _)| group.contains('.') && !group.ends_with(".k8s.io"))
}

/// Checks what `value`, at `key` of a custom resource, refers to: maps of a name and a key, and
/// what is called a reference to a Secret.
fn look_inside(lookup: &mut Lookup<'_>, item: &Value, namespace: &str, key: &str, value: &Value) {
    let is_maker = item["kind"]
        .as_str()
        .is_some_and(|kind| kind.ends_with("Issuer"))
        && key == "privateKeySecretRef";
    let named = value["name"].is_string();
    let only_selects = entries(value).all(|(key, _)| {
        ["name", "key", "optional", "namespace", "parameter"].contains(&key.as_str())
    });
    if named && only_selects && !is_maker {
        let is_config_map = key.to_lowercase().contains("configmap");
        let is_secret =
            key.ends_with("SecretRef") || key == "secretRef" || key == "secretTargetRef";
        if value["key"].is_string() || is_secret {
            let kind = if is_config_map { "ConfigMap" } else { "Secret" };
            lookup.check(item, &Reference::of(kind, namespace, value));
        }
    }
    for (key, value) in entries(value) {
        look_inside(lookup, item, namespace, key, value);
    }
    for value in items(value) {
        look_inside(lookup, item, namespace, key, value);
    }
}

/// Volumes are declared, used, and hold what is there.
fn volumes(_: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let mut problems = Vec::new();
    for workload in rendered.workloads() {
        let mut problem =
            |text: String| problems.push(Problem::of("volume", workload.object, text));
        let templates = items(&workload.object["spec"]["volumeClaimTemplates"]);
        let declared: Vec<&Value> = items(&workload.pod()["volumes"])
            .map(|volume| &volume["name"])
            .chain(templates.map(|claim| &claim["metadata"]["name"]))
            .collect();
        let mounted: Vec<&Value> = workload
            .all_containers()
            .flat_map(|it| items(&it["volumeMounts"]).chain(items(&it["volumeDevices"])))
            .map(|mount| &mount["name"])
            .collect();
        for name in mounted.iter().filter(|name| !declared.contains(name)) {
            problem(format!("it mounts {name}, which it does not declare"));
        }
        for name in declared.iter().filter(|name| !mounted.contains(name)) {
            problem(format!(
                "it declares the volume {name}, which nothing mounts"
            ));
        }
        for volume in items(&workload.pod()["volumes"]) {
            let claim = volume["persistentVolumeClaim"]["claimName"].as_str();
            let claim = claim
                .filter(|name| !rendered.has("PersistentVolumeClaim", workload.namespace(), name));
            if let Some(claim) = claim {
                problem(format!("there is no claim `{claim}`"));
            }
        }
    }
    problems
}
