//! What the control plane and well-known controllers write into objects. It is theirs, also where a
//! manifest writes it down, as one does that `kubectl get -o yaml` printed: sent along it would be
//! fought over, or say something about another cluster.
//!
//! `docs/compatibility.md` lists the rows with where each comes from.

use serde_json::{Map, Value};

use super::{
    FieldPath, HasKind as _, ManifestView,
    field::{is_present, is_true, map, part, text},
};

/// Annotations that only the control plane and well-known controllers write.
const ANNOTATIONS: [&str; 22] = [
    // kube-controller-manager: pkg/controller/deployment/util.
    "deployment.kubernetes.io/revision",
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    // kube-apiserver: pkg/apis/apps/v1 (conversion of DaemonSets).
    "deprecated.daemonset.template.generation",
    // kube-controller-manager: pkg/controller/volume/persistentvolume, and the external provisioner.
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
    "pv.kubernetes.io/migrated-to",
    "volume.kubernetes.io/selected-node",
    "volume.kubernetes.io/storage-provisioner",
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/storage-resizer",
    // kube-controller-manager: pkg/controller/endpoint, endpointslice.
    "endpoints.kubernetes.io/last-change-trigger-time",
    // client-go: tools/leaderelection.
    "control-plane.alpha.kubernetes.io/leader",
    // kube-apiserver: pkg/apis/autoscaling/v1 (conversion: the status of an autoscaler).
    "autoscaling.alpha.kubernetes.io/conditions",
    "autoscaling.alpha.kubernetes.io/current-metrics",
    // kube-controller-manager: pkg/controller/job, pkg/controller/cronjob.
    "batch.kubernetes.io/job-tracking",
    "batch.kubernetes.io/cronjob-scheduled-timestamp",
    // kube-controller-manager: pkg/controller/serviceaccount. Where the uid is another one, the
    // Secret is deleted.
    "kubernetes.io/service-account.uid",
    // kube-apiserver: plugin/pkg/admission/limitranger.
    "kubernetes.io/limit-ranger",
    // Rancher, and the controller of GKE's network endpoint groups.
    "field.cattle.io/publicEndpoints",
    "cloud.google.com/neg-status",
];

/// Labels by which the Job controller finds what belongs to a Job.
/// <https://kubernetes.io/docs/concepts/workloads/controllers/job/#specifying-your-own-pod-selector>
const JOB_LABELS: [&str; 4] = [
    "controller-uid",
    "job-name",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
];

/// Annotations that have a CA bundle filled in: by cert-manager's cainjector, by the service
/// CA operator of `OpenShift`.
const CA_INJECTIONS: [&str; 5] = [
    "cert-manager.io/inject-ca-from",
    "cert-manager.io/inject-ca-from-secret",
    "cert-manager.io/inject-apiserver-ca",
    "certmanager.k8s.io/inject-ca-from",
    "service.beta.openshift.io/inject-cabundle",
];

/// A field that others fill in.
struct FilledIn {
    /// Of which objects.
    of: fn(&Value) -> bool,
    /// Its path; `*` stands for every item of a list.
    path: &'static [&'static str],
}

const FIELDS: &[FilledIn] = &[
    // kube-controller-manager: pkg/controller/clusterroleaggregation.
    FilledIn {
        of: is_aggregated,
        path: &["rules"],
    },
    FilledIn {
        of: has_ca_injected,
        path: &["webhooks", "*", "clientConfig", "caBundle"],
    },
    FilledIn {
        of: has_ca_injected,
        path: &["spec", "conversion", "webhook", "clientConfig", "caBundle"],
    },
    FilledIn {
        of: has_ca_injected,
        path: &["spec", "caBundle"],
    },
    // OpenShift's service CA and network operators.
    FilledIn {
        of: has_service_ca_injected,
        path: &["data", "service-ca.crt"],
    },
    FilledIn {
        of: has_trusted_ca_injected,
        path: &["data", "ca-bundle.crt"],
    },
    // kube-apiserver: pkg/registry/batch/job. Written down, the selector is refused.
    FilledIn {
        of: has_generated_selector,
        path: &["spec", "selector"],
    },
    // kube-controller-manager: pkg/controller/serviceaccount, tokens_controller.go.
    FilledIn {
        of: is_token_secret,
        path: &["data", "token"],
    },
    FilledIn {
        of: is_token_secret,
        path: &["data", "ca.crt"],
    },
    FilledIn {
        of: is_token_secret,
        path: &["data", "namespace"],
    },
    // kube-controller-manager: pkg/controller/volume/persistentvolume. With the uid of another
    // claim the volume counts as released, and is never bound.
    FilledIn {
        of: is_volume,
        path: &["spec", "claimRef", "uid"],
    },
    FilledIn {
        of: is_volume,
        path: &["spec", "claimRef", "resourceVersion"],
    },
    // kube-apiserver: pkg/registry/core/namespace.
    FilledIn {
        of: is_namespace,
        path: &["spec", "finalizers"],
    },
];

/// Fields that belong to the cluster that a manifest was exported from. They say nothing about an
/// object that is there: what it holds of them is wanted, or was.
const EXPORTED: &[FilledIn] = &[
    // kube-apiserver: pkg/registry/core/service. Those of another cluster are out of range, or
    // somebody else's.
    FilledIn {
        of: is_exported_service_with_address,
        path: &["spec", "clusterIP"],
    },
    FilledIn {
        of: is_exported_service_with_address,
        path: &["spec", "clusterIPs"],
    },
    FilledIn {
        of: is_exported_load_balancer,
        path: &["spec", "healthCheckNodePort"],
    },
    FilledIn {
        of: is_exported_load_balancer,
        path: &["spec", "ports", "*", "nodePort"],
    },
    // kube-controller-manager: pkg/controller/garbagecollector. What belongs to a uid that is not
    // there is deleted.
    FilledIn {
        of: is_exported,
        path: &["metadata", "ownerReferences"],
    },
];

/// Whether only the control plane and well-known controllers write the annotation `name`.
pub(crate) fn is_filled_in_annotation(name: &str) -> bool {
    ANNOTATIONS.contains(&name)
}

/// The annotations that only the control plane and well-known controllers write.
pub(crate) fn filled_in_annotations() -> impl Iterator<Item = &'static str> {
    ANNOTATIONS.into_iter()
}

/// Takes out of `object`, a manifest, what the control plane and well-known controllers fill in, or
/// have filled in where it was exported, and returns what was there, as people read paths.
pub(crate) fn remove_filled_in(object: &mut Value) -> Vec<String> {
    let exported = EXPORTED.iter().filter(|field| (field.of)(object));
    let mut paths = paths_of(object);
    paths.extend(exported.map(|field| field.path.to_vec()));
    let removed = paths.iter().filter(|path| remove(object, path));
    removed.map(|path| shown(path)).collect()
}

/// Where `object`, which is there, holds what the control plane and well-known controllers fill in; items of lists
/// apart.
pub(crate) fn filled_in_paths(object: &Value) -> Vec<Vec<&'static str>> {
    let is_there = |path: &Vec<&str>| {
        let parts = path.iter();
        parts
            .clone()
            .try_fold(object, |value, name| value.get(*name))
            .is_some()
    };
    paths_of(object).into_iter().filter(is_there).collect()
}

/// The paths that others may fill in of such an object.
fn paths_of(object: &Value) -> Vec<Vec<&'static str>> {
    let mut paths: Vec<Vec<&str>> = Vec::new();
    for name in ANNOTATIONS {
        paths.push(vec!["metadata", "annotations", name]);
    }
    if has_generated_selector(object) || has_generated_labels(object) {
        for name in JOB_LABELS {
            paths.push(vec!["metadata", "labels", name]);
            paths.push(vec!["spec", "template", "metadata", "labels", name]);
        }
    }
    let fields = FIELDS.iter().filter(|field| (field.of)(object));
    paths.extend(fields.map(|field| field.path.to_vec()));
    paths
}

/// Takes out what is at `path`, with maps of which nothing is left, and says whether anything was.
fn remove(value: &mut Value, path: &[&str]) -> bool {
    match path {
        [] => false,
        ["*", below @ ..] => {
            let items = value.as_array_mut().into_iter().flatten();
            items
                .filter_map(|item| remove(item, below).then_some(()))
                .count()
                > 0
        }
        [last] => value
            .as_object_mut()
            .is_some_and(|fields| fields.remove(*last).is_some()),
        [name, below @ ..] => {
            let Some(fields) = value.as_object_mut() else {
                return false;
            };
            let removed = fields
                .get_mut(*name)
                .is_some_and(|part| remove(part, below));
            let is_empty = |part: &Value| part.as_object().is_some_and(Map::is_empty);
            if removed && fields.get(*name).is_some_and(is_empty) {
                fields.remove(*name);
            }
            removed
        }
    }
}

fn shown(path: &[&str]) -> String {
    let mut shown = FieldPath::default();
    for name in path.iter().filter(|name| **name != "*") {
        shown.field(name);
    }
    shown.to_string()
}

fn is_aggregated(object: &Value) -> bool {
    let is_cluster_role =
        ManifestView(object).group_and_kind() == ("rbac.authorization.k8s.io", "ClusterRole");
    is_cluster_role && is_present(object, "/aggregationRule")
}

fn has_ca_injected(object: &Value) -> bool {
    let view = ManifestView(object);
    (view.is_webhook_configuration() || view.is_definition() || view.is_api_service())
        && CA_INJECTIONS
            .iter()
            .any(|name| view.annotation(name).is_some())
}

fn has_service_ca_injected(object: &Value) -> bool {
    let view = ManifestView(object);
    view.is_config_map()
        && view.annotation("service.beta.openshift.io/inject-cabundle") == Some("true")
}

fn has_trusted_ca_injected(object: &Value) -> bool {
    let view = ManifestView(object);
    view.is_config_map()
        && view.label("config.openshift.io/inject-trusted-cabundle") == Some("true")
}

/// Whether `object` is a Job whose selector the API server has made, of its uid.
fn has_generated_selector(object: &Value) -> bool {
    let labels = map(object, "/spec/selector/matchLabels");
    ManifestView(object).is_job()
        && !is_true(object, "/spec/manualSelector")
        && labels.is_some_and(|labels| JOB_LABELS.iter().any(|name| labels.contains_key(*name)))
}

/// Whether `object` is a Job whose template bears labels that the API server has made, of its uid.
fn has_generated_labels(object: &Value) -> bool {
    let labels: Option<&Map<String, Value>> = map(object, "/spec/template/metadata/labels");
    ManifestView(object).is_job()
        && !is_true(object, "/spec/manualSelector")
        && labels.is_some_and(|labels| {
            ["controller-uid", "batch.kubernetes.io/controller-uid"]
                .iter()
                .any(|name| labels.contains_key(*name))
        })
}

fn is_token_secret(object: &Value) -> bool {
    ManifestView(object).is_secret()
        && text(object, "/type") == Some("kubernetes.io/service-account-token")
}

fn is_volume(object: &Value) -> bool {
    ManifestView(object).group_and_kind() == ("", "PersistentVolume")
        && part(object, "/spec/claimRef").is_some()
}

fn is_namespace(object: &Value) -> bool {
    ManifestView(object).is_namespace()
}

/// Whether `object` was in a cluster: only an API server gives uids.
fn is_exported(object: &Value) -> bool {
    ManifestView(object).uid().is_some()
}

/// Whether `object` is a Service that has an address of the cluster that it was in; a headless one
/// asks for none.
fn is_exported_service_with_address(object: &Value) -> bool {
    ManifestView(object).is_service()
        && is_exported(object)
        && text(object, "/spec/clusterIP").is_some_and(|address| address != "None")
}

/// Whether `object` is a Service whose node ports are only there for a load balancer, which learns
/// them. Those of a `NodePort` are what clients know it by.
fn is_exported_load_balancer(object: &Value) -> bool {
    ManifestView(object).is_service()
        && is_exported(object)
        && text(object, "/spec/type") == Some("LoadBalancer")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What of `object` is filled in, and what is left.
    fn removed(mut object: Value) -> (Vec<String>, Value) {
        let removed = remove_filled_in(&mut object);
        (removed, object)
    }

    #[test]
    fn what_controllers_count_in_is_theirs() {
        for name in ANNOTATIONS {
            let (removed, left) = removed(
                json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "annotations": {name: "3", "mine": "x"}}}),
            );
            assert_eq!(removed.len(), 1, "{name}: {removed:?}");
            assert_eq!(left["metadata"]["annotations"], json!({"mine": "x"}));
        }
    }

    #[test]
    fn rules_of_an_aggregated_cluster_role_are_its_controllers() {
        let role = |more: Value| {
            let mut role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "a"}, "rules": []});
            role.as_object_mut()
                .unwrap()
                .extend(more.as_object().cloned().unwrap());
            role
        };
        let (gone, left) = removed(role(
            json!({"aggregationRule": {"clusterRoleSelectors": []}}),
        ));
        assert_eq!(gone, ["rules"]);
        assert!(left.get("rules").is_none());
        assert!(removed(role(json!({}))).0.is_empty(), "its own rules");
    }

    #[test]
    fn a_ca_bundle_that_an_annotation_has_filled_in_is_not_sent() {
        let hook = |annotations: Value| json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "a", "annotations": annotations}, "webhooks": [{"name": "a.example.org", "clientConfig": {"caBundle": "Cg==", "service": {"name": "a"}}}]});
        for name in CA_INJECTIONS {
            let (removed, left) = removed(hook(json!({name: "x"})));
            assert_eq!(removed, ["webhooks.clientConfig.caBundle"], "{name}");
            assert_eq!(
                left["webhooks"][0]["clientConfig"],
                json!({"service": {"name": "a"}})
            );
        }
        assert!(removed(hook(json!({}))).0.is_empty());
        let api = json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "a", "annotations": {CA_INJECTIONS[0]: "x"}}, "spec": {"caBundle": "Cg=="}});
        assert_eq!(removed(api).0, ["spec.caBundle"]);
        let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "a", "annotations": {CA_INJECTIONS[0]: "x"}}, "spec": {"conversion": {"webhook": {"clientConfig": {"caBundle": "Cg=="}}}}});
        assert_eq!(
            removed(definition).0,
            ["spec.conversion.webhook.clientConfig.caBundle"]
        );
    }

    #[test]
    fn a_bundle_that_a_label_has_filled_in_is_not_sent() {
        let map = |metadata: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"ca-bundle.crt": "x", "service-ca.crt": "y", "mine": "z"}});
        let trusted = json!({"labels": {"config.openshift.io/inject-trusted-cabundle": "true"}});
        let service = json!({"annotations": {"service.beta.openshift.io/inject-cabundle": "true"}});
        assert_eq!(
            removed(map(trusted)).1["data"],
            json!({"service-ca.crt": "y", "mine": "z"})
        );
        assert_eq!(
            removed(map(service)).1["data"],
            json!({"ca-bundle.crt": "x", "mine": "z"})
        );
        assert!(removed(map(json!({}))).0.is_empty());
    }

    #[test]
    fn a_job_that_was_exported_can_be_created() {
        let labels = json!({"app": "a", "controller-uid": "u", "batch.kubernetes.io/controller-uid": "u", "job-name": "a", "batch.kubernetes.io/job-name": "a"});
        let job = |manual: bool| {
            json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a", "labels": labels}, "spec": {
                "manualSelector": manual,
                "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": "u"}},
                "template": {"metadata": {"labels": labels}},
            }})
        };
        let (_, left) = removed(job(false));
        assert_eq!(left["metadata"]["labels"], json!({"app": "a"}));
        assert_eq!(
            left["spec"]["template"]["metadata"]["labels"],
            json!({"app": "a"})
        );
        assert!(left["spec"].get("selector").is_none());
        assert!(
            removed(job(true)).0.is_empty(),
            "its selector is the user's"
        );
        let own = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a", "labels": {"job-name": "mine"}}});
        assert!(
            removed(own).0.is_empty(),
            "a label of that name alone is the user's"
        );
    }

    #[test]
    fn what_belongs_to_another_cluster_is_not_sent() {
        let token = json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token", "metadata": {"name": "a", "annotations": {"kubernetes.io/service-account.name": "a", "kubernetes.io/service-account.uid": "u"}}, "data": {"token": "eA==", "ca.crt": "eA==", "namespace": "eA==", "extra": "eA=="}});
        let (_, left) = removed(token);
        assert_eq!(left["data"], json!({"extra": "eA=="}));
        assert_eq!(
            left["metadata"]["annotations"],
            json!({"kubernetes.io/service-account.name": "a"})
        );
        let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "a"}, "spec": {"claimRef": {"name": "c", "namespace": "n", "uid": "u", "resourceVersion": "7"}}});
        assert_eq!(
            removed(volume).1["spec"]["claimRef"],
            json!({"name": "c", "namespace": "n"})
        );
        let owned = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "uid": "u", "ownerReferences": [{"uid": "o"}]}});
        assert_eq!(removed(owned).0, ["metadata.ownerReferences"]);
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}, "spec": {"finalizers": ["kubernetes"]}});
        assert_eq!(removed(namespace).0, ["spec.finalizers"]);
    }

    #[test]
    fn addresses_and_ports_that_another_cluster_has_allocated_are_not_sent() {
        let service = |uid: Value, kind: &str, address: &str| {
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "uid": uid}, "spec": {
                "type": kind, "clusterIP": address, "clusterIPs": [address], "healthCheckNodePort": 30001,
                "ports": [{"port": 80, "nodePort": 30080}],
            }})
        };
        let gone = |service: Value| removed(service).0;
        let address = ["spec.clusterIP", "spec.clusterIPs"];
        let exported = json!("u");
        assert_eq!(
            gone(service(exported.clone(), "NodePort", "10.0.0.1")),
            address
        );
        assert_eq!(
            gone(service(exported.clone(), "LoadBalancer", "10.0.0.1")),
            [
                "spec.clusterIP",
                "spec.clusterIPs",
                "spec.healthCheckNodePort",
                "spec.ports.nodePort"
            ]
        );
        assert!(gone(service(exported, "ClusterIP", "None")).is_empty());
        let asked_for = service(Value::Null, "LoadBalancer", "10.0.0.1");
        assert!(gone(asked_for).is_empty(), "what people write is meant");
    }
}
