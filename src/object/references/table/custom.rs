//! What the kinds of well-known operators name.

use super::row::{
    Of::{self, Custom, Group, Kind},
    Row,
    To::{self, Beside, Cluster, Either, In, Keyed, Own},
    row,
};

const CERT_MANAGER: &str = "cert-manager.io";
const EXTERNAL_SECRETS: &str = "external-secrets.io";
const PROMETHEUS: &str = "monitoring.coreos.com";
const KEDA: &str = "keda.sh";
const CNPG: &str = "postgresql.cnpg.io";
const ZALANDO: &str = "acid.zalan.do";
const RABBITMQ: &str = "rabbitmq.com";
const SNAPSHOT: &str = "snapshot.storage.k8s.io";
const TRAEFIK: &str = "traefik.io";

const SECRET: To = Own("", "Secret");
const CONFIG_MAP: To = Own("", "ConfigMap");
const ACCOUNT: To = Own("", "ServiceAccount");
const STORAGE_CLASS: To = Cluster("storage.k8s.io", "StorageClass");
const PRIORITY_CLASS: To = Cluster("scheduling.k8s.io", "PriorityClass");
const STORE: To = Either(EXTERNAL_SECRETS, "SecretStore");

const ISSUER: Of = Kind(CERT_MANAGER, "Issuer");
const CLUSTER_ISSUER: Of = Kind(CERT_MANAGER, "ClusterIssuer");
/// Where cert-manager looks for what cluster issuers name, unless it is told otherwise.
/// <https://cert-manager.io/docs/configuration/#cluster-resource-namespace>
const OF_CLUSTER_ISSUERS: To = In("cert-manager", "", "Secret");
const OTHER_NAMESPACE: &str = "cert-manager may have been told to look in another namespace";
const ACCOUNT_OF_ITS_OWN: &str = "its operator may make it, or run without it";
const NOT_SCRAPED: &str = "only what it is for is not scraped";

/// Each group of rows stands below the documentation that it comes from.
pub(super) const ROWS: &[Row] = &[
    row(Custom, "/spec/serviceAccountName", ACCOUNT).unsure(ACCOUNT_OF_ITS_OWN),
    // https://cert-manager.io/docs/reference/api-docs/
    row(
        Kind(CERT_MANAGER, "Certificate"),
        "/spec/issuerRef",
        Either(CERT_MANAGER, "Issuer"),
    ),
    row(
        Kind(CERT_MANAGER, "Certificate"),
        "/spec/keystores/*/passwordSecretRef",
        SECRET,
    )
    .unordered(),
    row(ISSUER, "/spec/ca/secretName", SECRET).unordered(),
    row(
        ISSUER,
        "/spec/acme/externalAccountBinding/keySecretRef",
        SECRET,
    )
    .unordered(),
    row(ISSUER, "/spec/acme/solvers/*/dns01/*/*SecretRef", SECRET)
        .unordered()
        .unsure("it is asked for with the first certificate"),
    row(ISSUER, "/spec/vault/auth/*SecretRef", SECRET).unordered(),
    row(ISSUER, "/spec/vault/auth/*/secretRef", SECRET).unordered(),
    row(CLUSTER_ISSUER, "/spec/ca/secretName", OF_CLUSTER_ISSUERS)
        .unordered()
        .unsure(OTHER_NAMESPACE),
    row(
        CLUSTER_ISSUER,
        "/spec/acme/externalAccountBinding/keySecretRef",
        OF_CLUSTER_ISSUERS,
    )
    .unordered()
    .unsure(OTHER_NAMESPACE),
    row(
        CLUSTER_ISSUER,
        "/spec/acme/solvers/*/dns01/*/*SecretRef",
        OF_CLUSTER_ISSUERS,
    )
    .unordered()
    .unsure(OTHER_NAMESPACE),
    row(
        CLUSTER_ISSUER,
        "/spec/vault/auth/*SecretRef",
        OF_CLUSTER_ISSUERS,
    )
    .unordered()
    .unsure(OTHER_NAMESPACE),
    // https://external-secrets.io/latest/api/spec/
    row(
        Kind(EXTERNAL_SECRETS, "ExternalSecret"),
        "/spec/secretStoreRef",
        STORE,
    ),
    row(
        Kind(EXTERNAL_SECRETS, "ExternalSecret"),
        "/spec/data/*/sourceRef/storeRef",
        STORE,
    )
    .unordered(),
    row(
        Kind(EXTERNAL_SECRETS, "ExternalSecret"),
        "/spec/dataFrom/*/sourceRef/storeRef",
        STORE,
    )
    .unordered(),
    row(
        Kind(EXTERNAL_SECRETS, "ExternalSecret"),
        "/spec/target/template/templateFrom/*/configMap",
        CONFIG_MAP,
    )
    .unordered(),
    row(
        Kind(EXTERNAL_SECRETS, "ExternalSecret"),
        "/spec/target/template/templateFrom/*/secret",
        SECRET,
    )
    .unordered(),
    row(
        Kind(EXTERNAL_SECRETS, "PushSecret"),
        "/spec/secretStoreRefs/*",
        STORE,
    )
    .unordered(),
    row(
        Kind(EXTERNAL_SECRETS, "PushSecret"),
        "/spec/selector/secret",
        SECRET,
    )
    .unordered(),
    row(
        Group(EXTERNAL_SECRETS),
        "/spec/provider/*/auth/*SecretRef",
        Beside("", "Secret"),
    )
    .unordered(),
    row(
        Group(EXTERNAL_SECRETS),
        "/spec/provider/*/auth/*/*SecretRef",
        Beside("", "Secret"),
    )
    .unordered(),
    row(
        Group(EXTERNAL_SECRETS),
        "/spec/provider/*/auth/*/secretRef",
        Beside("", "Secret"),
    )
    .unordered(),
    row(
        Group(EXTERNAL_SECRETS),
        "/spec/provider/*/auth/*/serviceAccountRef",
        Beside("", "ServiceAccount"),
    )
    .unordered(),
    row(
        Group(EXTERNAL_SECRETS),
        "/spec/provider/*/authSecretRef/*",
        Beside("", "Secret"),
    )
    .unordered(),
    // https://keda.sh/docs/latest/concepts/authentication/
    row(
        Group(KEDA),
        "/spec/triggers/*/authenticationRef",
        Either(KEDA, "TriggerAuthentication"),
    ),
    row(
        Kind(KEDA, "TriggerAuthentication"),
        "/spec/secretTargetRef/*",
        SECRET,
    ),
    row(
        Kind(KEDA, "TriggerAuthentication"),
        "/spec/configMapTargetRef/*",
        CONFIG_MAP,
    )
    .unordered(),
    // https://prometheus-operator.dev/docs/api-reference/api/
    row(Group(PROMETHEUS), "/spec/secrets/*", SECRET).unordered(),
    row(Group(PROMETHEUS), "/spec/configMaps/*", CONFIG_MAP).unordered(),
    row(Group(PROMETHEUS), "/spec/imagePullSecrets/*", SECRET).unordered(),
    row(Group(PROMETHEUS), "/spec/additionalScrapeConfigs", SECRET).unordered(),
    row(Group(PROMETHEUS), "/spec/priorityClassName", PRIORITY_CLASS).unordered(),
    row(
        Group(PROMETHEUS),
        "/spec/storage/volumeClaimTemplate/spec/storageClassName",
        STORAGE_CLASS,
    )
    .unordered(),
    row(
        Kind(PROMETHEUS, "Alertmanager"),
        "/spec/configSecret",
        SECRET,
    )
    .unordered()
    .unsure("without it, it sends nothing to anybody"),
    row(
        Group(PROMETHEUS),
        "/spec/endpoints/*/bearerTokenSecret",
        Keyed("Secret"),
    )
    .unordered()
    .unsure(NOT_SCRAPED),
    row(Group(PROMETHEUS), "/spec/endpoints/*/*/*", Keyed("Secret"))
        .unordered()
        .unsure(NOT_SCRAPED),
    row(
        Group(PROMETHEUS),
        "/spec/endpoints/*/tlsConfig/*/secret",
        Keyed("Secret"),
    )
    .unordered()
    .unsure(NOT_SCRAPED),
    row(
        Group(PROMETHEUS),
        "/spec/endpoints/*/tlsConfig/*/configMap",
        Keyed("ConfigMap"),
    )
    .unordered()
    .unsure(NOT_SCRAPED),
    row(
        Kind(PROMETHEUS, "AlertmanagerConfig"),
        "/spec/receivers/*/*/*/*",
        Keyed("Secret"),
    )
    .unordered(),
    // https://opensource.zalando.com/postgres-operator/docs/reference/cluster_manifest.html
    row(
        Kind(ZALANDO, "postgresql"),
        "/spec/volume/storageClass",
        STORAGE_CLASS,
    )
    .unordered(),
    row(
        Kind(ZALANDO, "postgresql"),
        "/spec/podPriorityClassName",
        PRIORITY_CLASS,
    )
    .unordered(),
    row(
        Kind(ZALANDO, "postgresql"),
        "/spec/env/*/valueFrom/secretKeyRef",
        SECRET,
    )
    .unordered(),
    row(
        Kind(ZALANDO, "postgresql"),
        "/spec/env/*/valueFrom/configMapKeyRef",
        CONFIG_MAP,
    )
    .unordered(),
    row(Kind(ZALANDO, "postgresql"), "/spec/tls/secretName", SECRET).unordered(),
    // https://cloudnative-pg.io/documentation/current/cloudnative-pg.v1/
    row(Kind(CNPG, "Cluster"), "/spec/superuserSecret", SECRET).unordered(),
    row(Kind(CNPG, "Cluster"), "/spec/bootstrap/*/secret", SECRET).unordered(),
    row(Kind(CNPG, "Cluster"), "/spec/imagePullSecrets/*", SECRET).unordered(),
    row(
        Kind(CNPG, "Cluster"),
        "/spec/managed/roles/*/passwordSecret",
        SECRET,
    )
    .unordered(),
    row(
        Kind(CNPG, "Cluster"),
        "/spec/backup/barmanObjectStore/*/*",
        Keyed("Secret"),
    )
    .unordered(),
    row(
        Kind(CNPG, "Cluster"),
        "/spec/externalClusters/*/*",
        Keyed("Secret"),
    )
    .unordered(),
    row(
        Kind(CNPG, "Cluster"),
        "/spec/storage/storageClass",
        STORAGE_CLASS,
    )
    .unordered(),
    row(
        Kind(CNPG, "Cluster"),
        "/spec/walStorage/storageClass",
        STORAGE_CLASS,
    )
    .unordered(),
    row(
        Kind(CNPG, "Cluster"),
        "/spec/priorityClassName",
        PRIORITY_CLASS,
    )
    .unordered(),
    row(Kind(CNPG, "Pooler"), "/spec/cluster", Own(CNPG, "Cluster")).unordered(),
    row(
        Kind(CNPG, "ScheduledBackup"),
        "/spec/cluster",
        Own(CNPG, "Cluster"),
    )
    .unordered(),
    // https://www.rabbitmq.com/kubernetes/operator/using-operator
    row(
        Kind(RABBITMQ, "RabbitmqCluster"),
        "/spec/persistence/storageClassName",
        STORAGE_CLASS,
    )
    .unordered(),
    row(
        Kind(RABBITMQ, "RabbitmqCluster"),
        "/spec/imagePullSecrets/*",
        SECRET,
    )
    .unordered(),
    row(
        Kind(RABBITMQ, "RabbitmqCluster"),
        "/spec/tls/secretName",
        SECRET,
    )
    .unordered(),
    // https://kubernetes.io/docs/concepts/storage/volume-snapshots/
    row(
        Kind(SNAPSHOT, "VolumeSnapshot"),
        "/spec/volumeSnapshotClassName",
        Cluster(SNAPSHOT, "VolumeSnapshotClass"),
    )
    .unordered(),
    row(
        Kind(SNAPSHOT, "VolumeSnapshot"),
        "/spec/source/persistentVolumeClaimName",
        Own("", "PersistentVolumeClaim"),
    )
    .unordered(),
    // https://velero.io/docs/main/api-types/backupstoragelocation/
    row(
        Kind("velero.io", "BackupStorageLocation"),
        "/spec/credential",
        Keyed("Secret"),
    )
    .unordered(),
    // https://argo-cd.readthedocs.io/en/stable/user-guide/projects/
    row(
        Kind("argoproj.io", "Application"),
        "/spec/project",
        Own("argoproj.io", "AppProject"),
    )
    .unordered(),
    // https://argo-rollouts.readthedocs.io/en/stable/features/specification/
    row(
        Kind("argoproj.io", "Rollout"),
        "/spec/strategy/*/*Service",
        Own("", "Service"),
    )
    .unordered(),
    // https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/crd/http/ingressroute/
    row(
        Kind(TRAEFIK, "IngressRoute"),
        "/spec/routes/*/services/*",
        Beside("", "Service"),
    )
    .unordered(),
    row(
        Kind(TRAEFIK, "IngressRoute"),
        "/spec/routes/*/middlewares/*",
        Beside(TRAEFIK, "Middleware"),
    )
    .unordered(),
    row(
        Kind(TRAEFIK, "IngressRoute"),
        "/spec/tls/secretName",
        SECRET,
    )
    .unordered()
    .unsure("it takes a certificate of its own until there is one"),
];
