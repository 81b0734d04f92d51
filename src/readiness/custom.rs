//! What is known about the custom resources of other people's operators. A line in the table is all that a further one needs.

use super::{field::is_present, judge::Case, verdict::Verdict};

/// Kinds whose controller always writes a status, so that an object without one was not looked at yet.
///
/// A group that starts with `*.` stands for all groups with that ending; no kinds means all kinds of the group.
const AWAITS_STATUS: &[(&str, &[&str])] = &[
    ("acid.zalan.do", &["postgresql"]),
    ("addons.cluster.x-k8s.io", &[]),
    ("apps.kruise.io", &["StatefulSet", "DaemonSet", "CloneSet", "BroadcastJob"]),
    ("argoproj.io", &["Application", "ApplicationSet", "Rollout", "AnalysisRun", "Experiment", "Workflow"]),
    ("astra.netapp.io", &["AppVault", "Application", "Backup", "ExecHooksRun", "Snapshot", "ResourceBackup", "ResticVolumeBackup"]),
    ("bitnami.com", &["SealedSecret"]),
    ("cdi.kubevirt.io", &["DataVolume"]),
    ("ceph.rook.io", &[]),
    ("cert-manager.io", &["Certificate", "CertificateRequest", "Issuer", "ClusterIssuer"]),
    ("acme.cert-manager.io", &[]),
    ("certmanager.k8s.io", &[]),
    ("cluster.x-k8s.io", &[]),
    ("*.cluster.x-k8s.io", &[]),
    ("coralogix.com", &[]),
    ("core.humio.com", &[]),
    ("elasticsearch.k8s.elastic.co", &[]),
    ("*.k8s.elastic.co", &[]),
    ("external-secrets.io", &[]),
    ("*.toolkit.fluxcd.io", &["Kustomization", "HelmRelease", "GitRepository", "HelmRepository", "HelmChart", "OCIRepository", "Bucket"]),
    ("game.kruise.io", &[]),
    ("gateway.networking.k8s.io", &["GatewayClass", "Gateway", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"]),
    ("*.crossplane.io", &["Provider", "Configuration", "Function", "CompositeResourceDefinition"]),
    ("k8s.mariadb.com", &[]),
    ("kafka.strimzi.io", &[]),
    ("keda.sh", &["ScaledObject", "ScaledJob"]),
    ("kubevirt.io", &["VirtualMachine", "VirtualMachineInstance"]),
    ("longhorn.io", &["Volume", "Engine", "Replica"]),
    ("minio.min.io", &["Tenant"]),
    ("monitoring.coreos.com", &["Prometheus", "PrometheusAgent", "Alertmanager", "ThanosRuler"]),
    ("postgresql.cnpg.io", &["Cluster", "Backup", "Pooler", "Database"]),
    ("rabbitmq.com", &[]),
    ("rollouts.kruise.io", &[]),
    ("serving.knative.dev", &[]),
    ("snapshot.storage.k8s.io", &["VolumeSnapshot", "VolumeSnapshotContent"]),
    ("velero.io", &["Backup", "Restore", "BackupStorageLocation"]),
];

/// The verdict about a custom resource that needs a word of its own, or `None` where the general rule does.
pub(super) fn judge(case: &Case<'_>, group: &str, kind: &str) -> Option<Verdict> {
    let empty =
        case.object.pointer("/status").is_none_or(|status| status.is_null() || status.as_object().is_some_and(serde_json::Map::is_empty));
    let awaits = AWAITS_STATUS.iter().any(|(pattern, kinds)| matches(pattern, group) && (kinds.is_empty() || kinds.contains(&kind)));
    // A switch in the spec that says "do nothing" is for the general rule to see.
    let switched_off = ["/spec/paused", "/spec/suspend"].iter().any(|switch| is_present(case.object, switch));
    (empty && awaits && !switched_off).then(|| Verdict::in_progress("NoStatus", "its controller has not written a status yet"))
}

fn matches(pattern: &str, group: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(ending) => group.ends_with(ending),
        None => group == pattern,
    }
}
