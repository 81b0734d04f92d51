//! The ConfigMaps and Secrets that a workload's pods read only when they start.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use super::super::{
    ObjectId,
    field::{list, text},
    pod::{containers, pod_spec},
};

/// The ConfigMaps and Secrets that the pods of `body`, the object `id`, read only when they start:
/// by variables, and by mounts of a single path, which are never brought up to date; and by
/// projected volumes, which hold what belongs together.
/// <https://kubernetes.io/docs/concepts/configuration/configmap/#mounted-configmaps-are-updated-automatically>
pub(crate) fn configuration_read_at_start(id: &ObjectId, body: &Value) -> BTreeSet<ObjectId> {
    let Some(spec) = pod_spec(body) else {
        return BTreeSet::new();
    };
    let mut reads = Reads {
        namespace: id.namespace.as_deref(),
        found: BTreeSet::new(),
    };
    for container in containers(spec) {
        for variable in list(container, "/env") {
            reads.add(
                "ConfigMap",
                text(variable, "/valueFrom/configMapKeyRef/name"),
            );
            reads.add("Secret", text(variable, "/valueFrom/secretKeyRef/name"));
        }
        for source in list(container, "/envFrom") {
            reads.add("ConfigMap", text(source, "/configMapRef/name"));
            reads.add("Secret", text(source, "/secretRef/name"));
        }
    }
    let fixed = mounted_by_path(spec);
    for volume in list(spec, "/volumes") {
        if text(volume, "/name").is_some_and(|name| fixed.contains(name)) {
            reads.add("ConfigMap", text(volume, "/configMap/name"));
            reads.add("Secret", text(volume, "/secret/secretName"));
        }
        for source in list(volume, "/projected/sources") {
            reads.add("ConfigMap", text(source, "/configMap/name"));
            reads.add("Secret", text(source, "/secret/name"));
        }
    }
    reads.found
}

/// The volumes of which a container mounts a single path.
fn mounted_by_path(spec: &Value) -> HashSet<&str> {
    let mounts = containers(spec).flat_map(|container| list(container, "/volumeMounts"));
    let by_path =
        mounts.filter(|mount| mount.get("subPath").is_some() || mount.get("subPathExpr").is_some());
    by_path.filter_map(|mount| text(mount, "/name")).collect()
}

struct Reads<'a> {
    namespace: Option<&'a str>,
    found: BTreeSet<ObjectId>,
}

impl Reads<'_> {
    fn add(&mut self, kind: &str, name: Option<&str>) {
        let id = name.map(|name| ObjectId::core(kind, self.namespace, name));
        self.found.extend(id);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plain_mount_is_brought_up_to_date_and_everything_else_is_read_once() {
        let body = json!({"kind": "Deployment", "spec": {"template": {"spec": {
            "initContainers": [{"name": "i", "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "by-variable", "key": "a"}}}]}],
            "containers": [{
                "name": "main",
                "envFrom": [{"configMapRef": {"name": "by-variables"}}],
                "volumeMounts": [{"name": "plain", "mountPath": "/a"}, {"name": "path", "mountPath": "/b", "subPath": "b"}],
            }],
            "volumes": [
                {"name": "plain", "configMap": {"name": "plain"}},
                {"name": "path", "secret": {"secretName": "by-path"}},
                {"name": "projected", "projected": {"sources": [{"configMap": {"name": "projected"}}, {"serviceAccountToken": {}}]}},
            ],
        }}}});
        let id = ObjectId {
            group: "apps".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: Some("shop".to_owned()),
            name: "a".to_owned(),
        };
        let names: Vec<String> = configuration_read_at_start(&id, &body)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            names,
            [
                "ConfigMap/shop/by-variables",
                "ConfigMap/shop/projected",
                "Secret/shop/by-path",
                "Secret/shop/by-variable"
            ]
        );
    }
}
