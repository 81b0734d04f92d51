//! Versions of built-in kinds that Kubernetes does not serve any more, or never did.

use super::wanted::Wanted;
use crate::{
    finding::Check,
    object::{Object, group_of, is_built_in_group},
    preflight::Finding,
};

/// A version of a kind that is gone: kind, `apiVersion`, the minor release of Kubernetes 1 that serves
/// it no more, and what to use.
type Removed = (&'static str, &'static str, u32, &'static str);

/// What is gone, of kinds that people write.
/// <https://kubernetes.io/docs/reference/using-api/deprecation-guide/>
const REMOVED: &[Removed] = &[
    ("DaemonSet", "extensions/v1beta1", 16, "apps/v1"),
    ("DaemonSet", "apps/v1beta2", 16, "apps/v1"),
    ("Deployment", "extensions/v1beta1", 16, "apps/v1"),
    ("Deployment", "apps/v1beta1", 16, "apps/v1"),
    ("Deployment", "apps/v1beta2", 16, "apps/v1"),
    ("ReplicaSet", "extensions/v1beta1", 16, "apps/v1"),
    ("ReplicaSet", "apps/v1beta1", 16, "apps/v1"),
    ("ReplicaSet", "apps/v1beta2", 16, "apps/v1"),
    ("StatefulSet", "apps/v1beta1", 16, "apps/v1"),
    ("StatefulSet", "apps/v1beta2", 16, "apps/v1"),
    ("NetworkPolicy", "extensions/v1beta1", 16, NETWORKING),
    ("Ingress", "extensions/v1beta1", 22, NETWORKING),
    ("Ingress", "networking.k8s.io/v1beta1", 22, NETWORKING),
    ("IngressClass", "networking.k8s.io/v1beta1", 22, NETWORKING),
    ("Role", "rbac.authorization.k8s.io/v1beta1", 22, RBAC),
    ("RoleBinding", "rbac.authorization.k8s.io/v1beta1", 22, RBAC),
    ("ClusterRole", "rbac.authorization.k8s.io/v1beta1", 22, RBAC),
    (
        "ClusterRoleBinding",
        "rbac.authorization.k8s.io/v1beta1",
        22,
        RBAC,
    ),
    (
        "CustomResourceDefinition",
        "apiextensions.k8s.io/v1beta1",
        22,
        "apiextensions.k8s.io/v1",
    ),
    (
        "APIService",
        "apiregistration.k8s.io/v1beta1",
        22,
        "apiregistration.k8s.io/v1",
    ),
    (
        "MutatingWebhookConfiguration",
        "admissionregistration.k8s.io/v1beta1",
        22,
        WEBHOOKS,
    ),
    (
        "ValidatingWebhookConfiguration",
        "admissionregistration.k8s.io/v1beta1",
        22,
        WEBHOOKS,
    ),
    (
        "CertificateSigningRequest",
        "certificates.k8s.io/v1beta1",
        22,
        "certificates.k8s.io/v1",
    ),
    (
        "Lease",
        "coordination.k8s.io/v1beta1",
        22,
        "coordination.k8s.io/v1",
    ),
    (
        "PriorityClass",
        "scheduling.k8s.io/v1beta1",
        22,
        "scheduling.k8s.io/v1",
    ),
    ("CSIDriver", "storage.k8s.io/v1beta1", 22, STORAGE),
    ("CSINode", "storage.k8s.io/v1beta1", 22, STORAGE),
    ("StorageClass", "storage.k8s.io/v1beta1", 22, STORAGE),
    ("VolumeAttachment", "storage.k8s.io/v1beta1", 22, STORAGE),
    ("CronJob", "batch/v2alpha1", 21, "batch/v1"),
    ("CronJob", "batch/v1beta1", 25, "batch/v1"),
    (
        "EndpointSlice",
        "discovery.k8s.io/v1beta1",
        25,
        "discovery.k8s.io/v1",
    ),
    ("Event", "events.k8s.io/v1beta1", 25, "events.k8s.io/v1"),
    (AUTOSCALER, "autoscaling/v2beta1", 25, "autoscaling/v2"),
    (AUTOSCALER, "autoscaling/v2beta2", 26, "autoscaling/v2"),
    ("PodDisruptionBudget", "policy/v1beta1", 25, "policy/v1"),
    ("PodSecurityPolicy", "policy/v1beta1", 25, ""),
    ("PodSecurityPolicy", "extensions/v1beta1", 16, ""),
    ("RuntimeClass", "node.k8s.io/v1beta1", 25, "node.k8s.io/v1"),
    ("CSIStorageCapacity", "storage.k8s.io/v1beta1", 27, STORAGE),
    (
        "FlowSchema",
        "flowcontrol.apiserver.k8s.io/v1beta1",
        26,
        FLOW,
    ),
    (
        "FlowSchema",
        "flowcontrol.apiserver.k8s.io/v1beta2",
        29,
        FLOW,
    ),
    (
        "FlowSchema",
        "flowcontrol.apiserver.k8s.io/v1beta3",
        32,
        FLOW,
    ),
    (LEVEL, "flowcontrol.apiserver.k8s.io/v1beta1", 26, FLOW),
    (LEVEL, "flowcontrol.apiserver.k8s.io/v1beta2", 29, FLOW),
    (LEVEL, "flowcontrol.apiserver.k8s.io/v1beta3", 32, FLOW),
];

const NETWORKING: &str = "networking.k8s.io/v1";
const RBAC: &str = "rbac.authorization.k8s.io/v1";
const WEBHOOKS: &str = "admissionregistration.k8s.io/v1";
const STORAGE: &str = "storage.k8s.io/v1";
const AUTOSCALER: &str = "HorizontalPodAutoscaler";
const FLOW: &str = "flowcontrol.apiserver.k8s.io/v1";
const LEVEL: &str = "PriorityLevelConfiguration";

/// Where kinds live that people write into a wrong group of Kubernetes itself.
const LIVES_IN: &[(&str, &[&str])] = &[
    (
        "v1",
        &[
            "ConfigMap",
            "LimitRange",
            "Namespace",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "Pod",
            "ResourceQuota",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
    ),
    (
        "apps/v1",
        &["DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"],
    ),
    ("batch/v1", &["CronJob", "Job"]),
    ("autoscaling/v2", &[AUTOSCALER]),
    ("policy/v1", &["PodDisruptionBudget"]),
    (NETWORKING, &["Ingress", "IngressClass", "NetworkPolicy"]),
    (
        RBAC,
        &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
    ),
    (STORAGE, &["StorageClass"]),
    ("scheduling.k8s.io/v1", &["PriorityClass"]),
    ("apiextensions.k8s.io/v1", &["CustomResourceDefinition"]),
    (
        WEBHOOKS,
        &[
            "MutatingWebhookConfiguration",
            "ValidatingWebhookConfiguration",
        ],
    ),
];

/// The oldest minor release of Kubernetes 1 whose clusters are still to be met: what went before it is
/// gone for certain.
const OLDEST: u32 = 26;

/// Objects of versions that no cluster serves any more, and of built-in kinds in groups that never
/// had them.
pub(super) fn removed_versions(wanted: &Wanted<'_>) -> Vec<Finding> {
    let found = wanted.objects().filter_map(|object| {
        let gone = removed(object).filter(|(_, _, release, _)| *release < OLDEST);
        gone.map(|removed| of_removed(Check::RemovedVersion, object, removed))
            .or_else(|| misplaced(object))
    });
    found.collect()
}

/// Objects of versions that newer clusters do not serve any more.
pub(super) fn old_versions(wanted: &Wanted<'_>) -> Vec<Finding> {
    let found = wanted.objects().filter_map(|object| {
        let old = removed(object).filter(|(_, _, release, _)| *release >= OLDEST)?;
        Some(of_removed(Check::OldVersion, object, old))
    });
    found.collect()
}

fn removed(object: &Object) -> Option<&'static Removed> {
    let mut rows = REMOVED.iter();
    rows.find(|(kind, version, ..)| *kind == object.id.kind && *version == object.api_version)
}

fn of_removed(
    check: Check,
    object: &Object,
    (kind, version, release, instead): &Removed,
) -> Finding {
    let message = format!(
        "Kubernetes serves `{kind}` in version `{version}` no more since release 1.{release}"
    );
    let remedy = match *instead {
        "" => "leave it out: Pod Security Admission does what it did, by labels of namespaces"
            .to_owned(),
        instead => format!("use `apiVersion: {instead}`"),
    };
    Finding::of(check, message).about(object).remedy(remedy)
}

fn misplaced(object: &Object) -> Option<Finding> {
    let (group, kind) = (object.id.group.as_str(), object.id.kind.as_str());
    let mut rows = LIVES_IN.iter();
    let (lives_in, _) = rows.find(|(_, kinds)| kinds.contains(&kind))?;
    if !is_built_in_group(group) || group == group_of(lives_in) || removed(object).is_some() {
        return None;
    }
    let message = format!("Kubernetes has no `{kind}` in `{}`", object.api_version);
    let finding = Finding::of(Check::RemovedVersion, message).about(object);
    Some(finding.remedy(format!("use `apiVersion: {lives_in}`")))
}
