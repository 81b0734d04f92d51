//! The ConfigMaps and Secrets that a workload's pods read only when they start.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use super::super::{
    ObjectId,
    field::{is_true, list, part, text},
    pod::{containers, pod_spec},
};

/// The ConfigMaps and Secrets that pods read only when they start.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ReadAtStart {
    /// All of them.
    pub(crate) all: BTreeSet<ObjectId>,
    /// Those that pods start without where they are not there.
    pub(crate) optional: BTreeSet<ObjectId>,
}

/// The ConfigMaps and Secrets that the pods of `body`, the object `id`, read only when they start:
/// by variables, and by mounts of a single path, which are never brought up to date; and by
/// projected volumes, which hold what belongs together.
/// <https://kubernetes.io/docs/concepts/configuration/configmap/#mounted-configmaps-are-updated-automatically>
pub(crate) fn configuration_read_at_start(id: &ObjectId, body: &Value) -> ReadAtStart {
    let Some(spec) = pod_spec(body) else {
        return ReadAtStart::default();
    };
    let mut reads = Reads {
        namespace: id.namespace.as_deref(),
        found: ReadAtStart::default(),
    };
    for container in containers(spec) {
        for variable in list(container, "/env") {
            reads.add("ConfigMap", part(variable, "/valueFrom/configMapKeyRef"));
            reads.add("Secret", part(variable, "/valueFrom/secretKeyRef"));
        }
        for source in list(container, "/envFrom") {
            reads.add("ConfigMap", part(source, "/configMapRef"));
            reads.add("Secret", part(source, "/secretRef"));
        }
    }
    let fixed = mounted_by_path(spec);
    for volume in list(spec, "/volumes") {
        if text(volume, "/name").is_some_and(|name| fixed.contains(name)) {
            reads.add("ConfigMap", part(volume, "/configMap"));
            reads.add("Secret", part(volume, "/secret"));
        }
        for source in list(volume, "/projected/sources") {
            reads.add("ConfigMap", part(source, "/configMap"));
            reads.add("Secret", part(source, "/secret"));
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
    found: ReadAtStart,
}

impl Reads<'_> {
    /// Adds what `reference` names; a volume calls its Secret `secretName`.
    fn add(&mut self, kind: &str, reference: Option<&Value>) {
        let Some(reference) = reference else { return };
        let Some(name) = text(reference, "/name").or_else(|| text(reference, "/secretName")) else {
            return;
        };
        let id = ObjectId::core(kind, self.namespace, name);
        if is_true(reference, "/optional") {
            self.found.optional.insert(id.clone());
        }
        self.found.all.insert(id);
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
                "envFrom": [{"configMapRef": {"name": "by-variables"}}, {"secretRef": {"name": "may-be-missing", "optional": true}}],
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
        let reads = configuration_read_at_start(&id, &body);
        let names = |ids: &BTreeSet<ObjectId>| -> Vec<String> {
            ids.iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            names(&reads.all),
            [
                "ConfigMap/shop/by-variables",
                "ConfigMap/shop/projected",
                "Secret/shop/by-path",
                "Secret/shop/by-variable",
                "Secret/shop/may-be-missing",
            ]
        );
        assert_eq!(names(&reads.optional), ["Secret/shop/may-be-missing"]);
    }
}
