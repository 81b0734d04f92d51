//! How `kubectl` lets people call built-in kinds: by their plural, and by short names.

use super::kind::HasKind;

/// Group, kind, plural, short names.
/// <https://kubernetes.io/docs/reference/kubectl/#resource-types>
const NAMES: &[(&str, &str, &str, &[&str])] = &[
    ("", "ConfigMap", "configmaps", &["cm"]),
    ("", "Endpoints", "endpoints", &["ep"]),
    ("", "Event", "events", &["ev"]),
    ("", "LimitRange", "limitranges", &["limits"]),
    ("", "Namespace", "namespaces", &["ns"]),
    ("", "PersistentVolume", "persistentvolumes", &["pv"]),
    (
        "",
        "PersistentVolumeClaim",
        "persistentvolumeclaims",
        &["pvc"],
    ),
    ("", "Pod", "pods", &["po"]),
    ("", "PodTemplate", "podtemplates", &[]),
    (
        "",
        "ReplicationController",
        "replicationcontrollers",
        &["rc"],
    ),
    ("", "ResourceQuota", "resourcequotas", &["quota"]),
    ("", "Secret", "secrets", &[]),
    ("", "Service", "services", &["svc"]),
    ("", "ServiceAccount", "serviceaccounts", &["sa"]),
    (
        "admissionregistration.k8s.io",
        "MutatingAdmissionPolicy",
        "mutatingadmissionpolicies",
        &[],
    ),
    (
        "admissionregistration.k8s.io",
        "MutatingAdmissionPolicyBinding",
        "mutatingadmissionpolicybindings",
        &[],
    ),
    (
        "admissionregistration.k8s.io",
        "MutatingWebhookConfiguration",
        "mutatingwebhookconfigurations",
        &[],
    ),
    (
        "admissionregistration.k8s.io",
        "ValidatingAdmissionPolicy",
        "validatingadmissionpolicies",
        &[],
    ),
    (
        "admissionregistration.k8s.io",
        "ValidatingAdmissionPolicyBinding",
        "validatingadmissionpolicybindings",
        &[],
    ),
    (
        "admissionregistration.k8s.io",
        "ValidatingWebhookConfiguration",
        "validatingwebhookconfigurations",
        &[],
    ),
    (
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        &["crd", "crds"],
    ),
    ("apiregistration.k8s.io", "APIService", "apiservices", &[]),
    ("apps", "ControllerRevision", "controllerrevisions", &[]),
    ("apps", "DaemonSet", "daemonsets", &["ds"]),
    ("apps", "Deployment", "deployments", &["deploy"]),
    ("apps", "ReplicaSet", "replicasets", &["rs"]),
    ("apps", "StatefulSet", "statefulsets", &["sts"]),
    (
        "autoscaling",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        &["hpa"],
    ),
    ("batch", "CronJob", "cronjobs", &["cj"]),
    ("batch", "Job", "jobs", &[]),
    ("coordination.k8s.io", "Lease", "leases", &[]),
    ("discovery.k8s.io", "EndpointSlice", "endpointslices", &[]),
    ("events.k8s.io", "Event", "events", &["ev"]),
    (
        "flowcontrol.apiserver.k8s.io",
        "FlowSchema",
        "flowschemas",
        &[],
    ),
    (
        "flowcontrol.apiserver.k8s.io",
        "PriorityLevelConfiguration",
        "prioritylevelconfigurations",
        &[],
    ),
    ("networking.k8s.io", "Ingress", "ingresses", &["ing"]),
    ("networking.k8s.io", "IngressClass", "ingressclasses", &[]),
    ("networking.k8s.io", "IPAddress", "ipaddresses", &["ip"]),
    (
        "networking.k8s.io",
        "NetworkPolicy",
        "networkpolicies",
        &["netpol"],
    ),
    ("networking.k8s.io", "ServiceCIDR", "servicecidrs", &[]),
    ("node.k8s.io", "RuntimeClass", "runtimeclasses", &[]),
    (
        "policy",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        &["pdb"],
    ),
    (
        "rbac.authorization.k8s.io",
        "ClusterRole",
        "clusterroles",
        &[],
    ),
    (
        "rbac.authorization.k8s.io",
        "ClusterRoleBinding",
        "clusterrolebindings",
        &[],
    ),
    ("rbac.authorization.k8s.io", "Role", "roles", &[]),
    (
        "rbac.authorization.k8s.io",
        "RoleBinding",
        "rolebindings",
        &[],
    ),
    ("resource.k8s.io", "DeviceClass", "deviceclasses", &[]),
    ("resource.k8s.io", "ResourceClaim", "resourceclaims", &[]),
    (
        "resource.k8s.io",
        "ResourceClaimTemplate",
        "resourceclaimtemplates",
        &[],
    ),
    ("resource.k8s.io", "ResourceSlice", "resourceslices", &[]),
    (
        "scheduling.k8s.io",
        "PriorityClass",
        "priorityclasses",
        &["pc"],
    ),
    ("storage.k8s.io", "CSIDriver", "csidrivers", &[]),
    ("storage.k8s.io", "CSINode", "csinodes", &[]),
    (
        "storage.k8s.io",
        "CSIStorageCapacity",
        "csistoragecapacities",
        &[],
    ),
    ("storage.k8s.io", "StorageClass", "storageclasses", &["sc"]),
    (
        "storage.k8s.io",
        "VolumeAttributesClass",
        "volumeattributesclasses",
        &["vac"],
    ),
    (
        "storage.k8s.io",
        "VolumeAttachment",
        "volumeattachments",
        &[],
    ),
];

/// Whether people may call the kind of `of` `name`: as it is written, and a built-in one by its
/// plural or a short name too, in upper or lower case.
pub(super) fn is_called_kind(of: &impl HasKind, name: &str) -> bool {
    let (group, kind) = of.group_and_kind();
    let fits = |other: &str| other.eq_ignore_ascii_case(name);
    let mut rows = NAMES.iter();
    let row = rows.find(|(of, known, ..)| *of == group && *known == kind);
    let is_other = |(_, _, plural, short): &(&str, &str, &str, &[&str])| {
        fits(plural) || short.iter().any(|short| fits(short))
    };
    fits(kind) || row.is_some_and(is_other)
}
