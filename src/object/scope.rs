//! Whether objects of a kind live in a namespace, and whose their `status` is, known without a
//! cluster as far as that goes.

use super::id::group_of;

/// Whether objects of a kind live in a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// They do.
    Namespaced,
    /// They belong to the cluster as a whole.
    Cluster,
}

/// Whose the field `status` of a kind is.
/// <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#status-subresource>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatusField {
    /// Controllers write it by the subresource `status`; the API server takes it from nobody else.
    Subresource,
    /// There is no such subresource: it is a field like any other.
    Ordinary,
}

/// Who knows kinds: the cluster's discovery, or the table that serves without a cluster.
pub(crate) trait ScopeLookup {
    /// The scope of `kind` in `group`; `None` where it is not known.
    fn scope(&self, group: &str, kind: &str) -> Option<Scope>;

    /// Whose `status` is in `kind` of `api_version`; `None` where it is not known.
    fn status(&self, api_version: &str, kind: &str) -> Option<StatusField>;
}

/// Cluster-scoped kinds of Kubernetes 1.37 and of well-known custom resources. Every other kind of
/// a built-in group is namespaced.
const CLUSTER_SCOPED: &[(&str, &[&str])] = &[
    (
        "",
        &["Namespace", "Node", "PersistentVolume", "ComponentStatus"],
    ),
    (
        "admissionregistration.k8s.io",
        &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", &["APIService"]),
    (
        "certificates.k8s.io",
        &["CertificateSigningRequest", "ClusterTrustBundle"],
    ),
    (
        "flowcontrol.apiserver.k8s.io",
        &["FlowSchema", "PriorityLevelConfiguration"],
    ),
    ("internal.apiserver.k8s.io", &["StorageVersion"]),
    (
        "networking.k8s.io",
        &["IngressClass", "IPAddress", "ServiceCIDR"],
    ),
    ("node.k8s.io", &["RuntimeClass"]),
    (
        "rbac.authorization.k8s.io",
        &["ClusterRole", "ClusterRoleBinding"],
    ),
    (
        "resource.k8s.io",
        &["DeviceClass", "DeviceTaintRule", "ResourceSlice"],
    ),
    ("scheduling.k8s.io", &["PriorityClass"]),
    (
        "storage.k8s.io",
        &[
            "CSIDriver",
            "CSINode",
            "StorageClass",
            "VolumeAttachment",
            "VolumeAttributesClass",
        ],
    ),
    ("storagemigration.k8s.io", &["StorageVersionMigration"]),
    (
        "snapshot.storage.k8s.io",
        &["VolumeSnapshotClass", "VolumeSnapshotContent"],
    ),
    (
        "groupsnapshot.storage.k8s.io",
        &["VolumeGroupSnapshotClass", "VolumeGroupSnapshotContent"],
    ),
    ("cert-manager.io", &["ClusterIssuer"]),
    ("trust.cert-manager.io", &["Bundle"]),
    ("gateway.networking.k8s.io", &["GatewayClass"]),
    (
        "policy.networking.k8s.io",
        &[
            "AdminNetworkPolicy",
            "BaselineAdminNetworkPolicy",
            "ClusterNetworkPolicy",
        ],
    ),
    (
        "external-secrets.io",
        &[
            "ClusterExternalSecret",
            "ClusterPushSecret",
            "ClusterSecretStore",
        ],
    ),
    ("generators.external-secrets.io", &["ClusterGenerator"]),
    (
        "kyverno.io",
        &[
            "ClusterCleanupPolicy",
            "ClusterPolicy",
            "GlobalContextEntry",
        ],
    ),
    (
        "policies.kyverno.io",
        &[
            "DeletingPolicy",
            "GeneratingPolicy",
            "ImageValidatingPolicy",
            "MutatingPolicy",
            "ValidatingPolicy",
        ],
    ),
    ("templates.gatekeeper.sh", &["ConstraintTemplate"]),
    ("keda.sh", &["ClusterTriggerAuthentication"]),
    ("karpenter.sh", &["NodeClaim", "NodePool"]),
    ("karpenter.k8s.aws", &["EC2NodeClass"]),
    (
        "cilium.io",
        &["CiliumClusterwideNetworkPolicy", "CiliumLoadBalancerIPPool"],
    ),
    (
        "crd.projectcalico.org",
        &["GlobalNetworkPolicy", "GlobalNetworkSet", "IPPool"],
    ),
    (
        "projectcalico.org",
        &["GlobalNetworkPolicy", "GlobalNetworkSet", "IPPool"],
    ),
    ("operator.tigera.io", &["APIServer", "Installation"]),
    ("postgresql.cnpg.io", &["ClusterImageCatalog"]),
    ("cluster.x-k8s.io", &["ClusterClass"]),
    (
        "pkg.crossplane.io",
        &["Configuration", "Function", "Provider"],
    ),
    (
        "apiextensions.crossplane.io",
        &["CompositeResourceDefinition", "Composition"],
    ),
];

/// Groups of Kubernetes itself that have a name like those of others.
const BUILT_IN_DOMAINS: [&str; 18] = [
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

/// Whether `group` is one of Kubernetes itself: those of definitions have a dot in their name.
pub(crate) fn is_built_in_group(group: &str) -> bool {
    !group.contains('.') || BUILT_IN_DOMAINS.contains(&group)
}

/// Groups of Kubernetes itself, whose kinds are all known: what is not in the table is namespaced.
const BUILT_IN_GROUPS: [&str; 8] = [
    "",
    "apps",
    "autoscaling",
    "batch",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "policy",
];

/// What is known without a cluster: built-in kinds and well-known custom resources.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KnownScopes;

impl ScopeLookup for KnownScopes {
    fn scope(&self, group: &str, kind: &str) -> Option<Scope> {
        match CLUSTER_SCOPED.iter().find(|(known, _)| *known == group) {
            Some((_, kinds)) if kinds.contains(&kind) => Some(Scope::Cluster),
            Some(_) => Some(Scope::Namespaced),
            None => BUILT_IN_GROUPS
                .contains(&group)
                .then_some(Scope::Namespaced),
        }
    }

    /// Only the control plane writes statuses of built-in kinds, also where there is no subresource:
    /// then there is no status either.
    fn status(&self, api_version: &str, _kind: &str) -> Option<StatusField> {
        is_built_in_group(group_of(api_version)).then_some(StatusField::Subresource)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_known_without_a_cluster() {
        for (group, kind, scope) in [
            ("", "Namespace", Some(Scope::Cluster)),
            ("", "Secret", Some(Scope::Namespaced)),
            ("apps", "Deployment", Some(Scope::Namespaced)),
            ("rbac.authorization.k8s.io", "Role", Some(Scope::Namespaced)),
            (
                "rbac.authorization.k8s.io",
                "ClusterRole",
                Some(Scope::Cluster),
            ),
            ("cert-manager.io", "ClusterIssuer", Some(Scope::Cluster)),
            ("cert-manager.io", "Certificate", Some(Scope::Namespaced)),
            ("example.test", "Namespace", None),
        ] {
            assert_eq!(KnownScopes.scope(group, kind), scope, "{group}/{kind}");
        }
    }

    #[test]
    fn a_status_is_the_clusters_in_kinds_of_its_own() {
        for (api_version, status) in [
            ("v1", Some(StatusField::Subresource)),
            ("apps/v1", Some(StatusField::Subresource)),
            ("networking.k8s.io/v1", Some(StatusField::Subresource)),
            ("gateway.networking.k8s.io/v1", None),
            ("example.org/v1", None),
        ] {
            assert_eq!(
                KnownScopes.status(api_version, "Any"),
                status,
                "{api_version}"
            );
        }
    }
}
