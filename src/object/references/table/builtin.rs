//! What the kinds of Kubernetes itself name, and those of the Gateway API.

use super::row::{
    Of::{self, Group, Kind, Pods},
    Row,
    To::{self, Any, Beside, Cluster, Either, Own},
    Weight, row,
};

const APPS: &str = "apps";
const RBAC: &str = "rbac.authorization.k8s.io";
const NETWORKING: &str = "networking.k8s.io";
const STORAGE: &str = "storage.k8s.io";
const RESOURCE: &str = "resource.k8s.io";
const GATEWAY: &str = "gateway.networking.k8s.io";
const CERT_MANAGER: &str = "cert-manager.io";
const ADMISSION: &str = "admissionregistration.k8s.io";

const SECRET: To = Own("", "Secret");
const CONFIG_MAP: To = Own("", "ConfigMap");
const SERVICE: To = Own("", "Service");
const STORAGE_CLASS: To = Cluster(STORAGE, "StorageClass");

const INGRESS: Of = Kind(NETWORKING, "Ingress");
const CLAIM: Of = Kind("", "PersistentVolumeClaim");

const CERTIFICATE: &str = "its controller takes a certificate of its own until there is one";
const CONTROLLER: &str = "a controller may go by the name alone";

/// <https://kubernetes.io/docs/reference/kubernetes-api/>
pub(super) const ROWS: &[Row] = &[
    // Every namespace is given an account `default`.
    row(Pods, "/serviceAccountName", Own("", "ServiceAccount")).vital(),
    // A kubelet tries without it, and nearly always in vain.
    row(Pods, "/imagePullSecrets/*", SECRET).weighs(Weight::Sure),
    row(
        Pods,
        "/priorityClassName",
        Cluster("scheduling.k8s.io", "PriorityClass"),
    )
    .vital(),
    row(
        Pods,
        "/runtimeClassName",
        Cluster("node.k8s.io", "RuntimeClass"),
    )
    .vital(),
    row(
        Pods,
        "/resourceClaims/*/resourceClaimName",
        Own(RESOURCE, "ResourceClaim"),
    ),
    row(
        Pods,
        "/resourceClaims/*/resourceClaimTemplateName",
        Own(RESOURCE, "ResourceClaimTemplate"),
    ),
    row(Pods, "/@/env/*/valueFrom/configMapKeyRef", CONFIG_MAP),
    row(Pods, "/@/env/*/valueFrom/secretKeyRef", SECRET),
    row(Pods, "/@/envFrom/*/configMapRef", CONFIG_MAP),
    row(Pods, "/@/envFrom/*/secretRef", SECRET),
    row(Pods, "/volumes/*/configMap", CONFIG_MAP),
    row(Pods, "/volumes/*/secret", SECRET),
    row(
        Pods,
        "/volumes/*/persistentVolumeClaim",
        Own("", "PersistentVolumeClaim"),
    ),
    row(Pods, "/volumes/*/projected/sources/*/configMap", CONFIG_MAP),
    row(Pods, "/volumes/*/projected/sources/*/secret", SECRET),
    row(Pods, "/volumes/*/csi/nodePublishSecretRef", SECRET),
    row(Pods, "/volumes/*/azureFile/secretName", SECRET),
    row(Pods, "/volumes/*/cephfs/secretRef", SECRET),
    row(Pods, "/volumes/*/rbd/secretRef", SECRET),
    row(Pods, "/volumes/*/iscsi/secretRef", SECRET),
    row(Pods, "/volumes/*/flexVolume/secretRef", SECRET),
    row(
        Pods,
        "/volumes/*/csi/volumeAttributes/secretProviderClass",
        Own("secrets-store.csi.x-k8s.io", "SecretProviderClass"),
    ),
    row(
        Pods,
        "/volumes/*/ephemeral/volumeClaimTemplate/spec/storageClassName",
        STORAGE_CLASS,
    ),
    row(
        Kind(APPS, "StatefulSet"),
        "/spec/volumeClaimTemplates/*/spec/storageClassName",
        STORAGE_CLASS,
    )
    .weighs(Weight::Blocks),
    row(Kind(APPS, "StatefulSet"), "/spec/serviceName", SERVICE)
        .unordered()
        .unsure("its pods start, and have no names of their own in DNS"),
    row(CLAIM, "/spec/storageClassName", STORAGE_CLASS),
    row(CLAIM, "/spec/volumeName", Cluster("", "PersistentVolume")),
    row(
        CLAIM,
        "/spec/volumeAttributesClassName",
        Cluster(STORAGE, "VolumeAttributesClass"),
    ),
    row(CLAIM, "/spec/dataSource", Any),
    row(CLAIM, "/spec/dataSourceRef", Any),
    // Volumes and claims of a class find each other by its name alone.
    row(
        Kind("", "PersistentVolume"),
        "/spec/storageClassName",
        STORAGE_CLASS,
    )
    .weighs(Weight::None),
    row(
        Kind("", "PersistentVolume"),
        "/spec/csi/*SecretRef",
        Beside("", "Secret"),
    )
    .unordered(),
    row(Kind("", "ServiceAccount"), "/imagePullSecrets/*", SECRET)
        .unordered()
        .unsure("images that everybody may pull need none"),
    row(Kind(RBAC, "RoleBinding"), "/roleRef", Either(RBAC, "Role")),
    row(
        Kind(RBAC, "ClusterRoleBinding"),
        "/roleRef",
        Either(RBAC, "Role"),
    ),
    row(
        INGRESS,
        "/spec/ingressClassName",
        Cluster(NETWORKING, "IngressClass"),
    )
    .unsure(CONTROLLER),
    row(INGRESS, "/spec/tls/*/secretName", SECRET).unsure(CERTIFICATE),
    row(INGRESS, "/spec/defaultBackend/service", SERVICE),
    row(
        INGRESS,
        "/spec/rules/*/http/paths/*/backend/service",
        SERVICE,
    ),
    row(
        INGRESS,
        "/metadata/annotations/cert-manager.io~1issuer",
        Own(CERT_MANAGER, "Issuer"),
    )
    .unsure(CERTIFICATE),
    row(
        INGRESS,
        "/metadata/annotations/cert-manager.io~1cluster-issuer",
        Cluster(CERT_MANAGER, "ClusterIssuer"),
    )
    .unsure(CERTIFICATE),
    row(
        INGRESS,
        "/metadata/annotations/nginx.ingress.kubernetes.io~1auth-secret",
        Beside("", "Secret"),
    ),
    row(
        INGRESS,
        "/metadata/annotations/nginx.ingress.kubernetes.io~1auth-tls-secret",
        Beside("", "Secret"),
    )
    .unordered(),
    row(
        INGRESS,
        "/metadata/annotations/nginx.ingress.kubernetes.io~1proxy-ssl-secret",
        Beside("", "Secret"),
    )
    .unordered(),
    row(
        Group(ADMISSION),
        "/webhooks/*/clientConfig/service",
        Beside("", "Service"),
    )
    .port(443),
    row(
        Kind("apiregistration.k8s.io", "APIService"),
        "/spec/service",
        Beside("", "Service"),
    )
    .port(443),
    row(
        Kind("apiextensions.k8s.io", "CustomResourceDefinition"),
        "/spec/conversion/webhook/clientConfig/service",
        Beside("", "Service"),
    )
    .port(443)
    .unordered()
    .unsure("it is asked only where an object is read in another version than it is stored in"),
    row(
        Kind("autoscaling", "HorizontalPodAutoscaler"),
        "/spec/metrics/*/object/describedObject",
        Any,
    )
    .unordered()
    .unsure("what measures it may go by the name alone"),
    row(
        Kind(GATEWAY, "Gateway"),
        "/spec/gatewayClassName",
        Cluster(GATEWAY, "GatewayClass"),
    ),
    row(
        Kind(GATEWAY, "Gateway"),
        "/spec/listeners/*/tls/certificateRefs/*",
        Beside("", "Secret"),
    )
    .unsure("its other listeners work"),
    row(
        Kind(GATEWAY, "Gateway"),
        "/metadata/annotations/cert-manager.io~1issuer",
        Own(CERT_MANAGER, "Issuer"),
    )
    .unordered(),
    row(
        Kind(GATEWAY, "Gateway"),
        "/metadata/annotations/cert-manager.io~1cluster-issuer",
        Cluster(CERT_MANAGER, "ClusterIssuer"),
    )
    .unordered(),
    row(
        Group(GATEWAY),
        "/spec/parentRefs/*",
        Beside(GATEWAY, "Gateway"),
    ),
    row(
        Group(GATEWAY),
        "/spec/rules/*/backendRefs/*",
        Beside("", "Service"),
    ),
    row(
        Group(GATEWAY),
        "/spec/rules/*/filters/*/requestMirror/backendRef",
        Beside("", "Service"),
    )
    .unordered(),
];
