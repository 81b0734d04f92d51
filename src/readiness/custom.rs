//! What is known about the custom resources of other people's operators. A line in the table is all that a further one needs.

use serde_json::Map;

use super::{condition::condition, field::is_true, judge::Case, verdict::Verdict};

/// What the controller of a kind always says in the end, so that silence means that it has not looked yet.
struct Awaited {
    /// The API group; one that starts with `*.` stands for all groups with that ending.
    group: &'static str,
    /// The kinds; none means all of the group.
    kinds: &'static [&'static str],
    /// A condition that it always writes; empty where any status will do.
    condition: &'static str,
}

const fn awaited(group: &'static str, kinds: &'static [&'static str], condition: &'static str) -> Awaited {
    Awaited { group, kinds, condition }
}

const AWAITED: &[Awaited] = &[
    awaited("acid.zalan.do", &["postgresql"], ""),
    awaited("acme.cert-manager.io", &[], ""),
    awaited("addons.cluster.x-k8s.io", &[], ""),
    awaited("apps.kruise.io", &["StatefulSet", "DaemonSet", "CloneSet", "BroadcastJob"], ""),
    awaited("argoproj.io", &["Application", "ApplicationSet", "Rollout", "AnalysisRun", "Experiment", "Workflow"], ""),
    awaited("astra.netapp.io", &["AppVault", "Application", "Backup", "ExecHooksRun", "Snapshot", "ResourceBackup"], ""),
    awaited("bitnami.com", &["SealedSecret"], ""),
    awaited("cdi.kubevirt.io", &["DataVolume"], ""),
    awaited("ceph.rook.io", &[], ""),
    awaited("cert-manager.io", &["Certificate", "CertificateRequest", "Issuer", "ClusterIssuer"], "Ready"),
    awaited("certmanager.k8s.io", &[], "Ready"),
    awaited("cluster.x-k8s.io", &[], ""),
    awaited("coralogix.com", &[], "RemoteSynced"),
    awaited("core.humio.com", &[], ""),
    awaited("elasticsearch.k8s.elastic.co", &[], ""),
    awaited("external-secrets.io", &["ExternalSecret", "SecretStore", "ClusterSecretStore", "PushSecret"], "Ready"),
    awaited("external-secrets.io", &["ClusterExternalSecret"], ""),
    awaited("game.kruise.io", &[], ""),
    awaited("gateway.networking.k8s.io", &["GatewayClass"], "Accepted"),
    awaited("gateway.networking.k8s.io", &["Gateway"], "Programmed"),
    awaited("gateway.networking.k8s.io", &["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"], ""),
    awaited("gateway.solo.io", &[], ""),
    awaited("gloo.solo.io", &[], ""),
    awaited("grafana.integreatly.org", &[], ""),
    awaited("helm.toolkit.fluxcd.io", &[], "Ready"),
    awaited("iammanager.keikoproj.io", &[], ""),
    awaited("k8s.keycloak.org", &[], ""),
    awaited("k8s.mariadb.com", &[], "Ready"),
    awaited("kafka.strimzi.io", &[], ""),
    awaited("karpenter.sh", &["NodeClaim", "NodePool"], "Ready"),
    awaited("keda.sh", &["ScaledObject", "ScaledJob"], "Ready"),
    awaited("kubernetes-client.io", &[], ""),
    awaited("kubevirt.io", &["VirtualMachine", "VirtualMachineInstance"], ""),
    awaited("kustomize.toolkit.fluxcd.io", &[], "Ready"),
    awaited("longhorn.io", &["Volume", "Engine", "Replica"], ""),
    awaited("mariadb.mmontes.io", &[], "Ready"),
    awaited("metrics.keptn.sh", &["Analysis"], ""),
    awaited("minio.min.io", &["Tenant"], ""),
    awaited("monitoring.coreos.com", &["Prometheus", "PrometheusAgent", "Alertmanager", "ThanosRuler"], "Available"),
    awaited("nmstate.io", &[], ""),
    awaited("numaplane.numaproj.io", &[], ""),
    awaited("onepassword.com", &[], "Ready"),
    awaited("operator.victoriametrics.com", &[], "updateStatus"),
    awaited("pkg.crossplane.io", &["Provider", "Configuration", "Function"], "Healthy"),
    awaited("postgresql.cnpg.io", &["Cluster", "Backup", "Pooler", "Database"], ""),
    awaited("projectcontour.io", &[], ""),
    awaited("promoter.argoproj.io", &[], "Ready"),
    awaited("rabbitmq.com", &["RabbitmqCluster"], "AllReplicasReady"),
    awaited("rabbitmq.com", &[], ""),
    awaited("rollouts.kruise.io", &[], ""),
    awaited("services.cloud.sap.com", &[], "Ready"),
    awaited("serving.knative.dev", &[], "Ready"),
    awaited("snapshot.storage.k8s.io", &["VolumeSnapshot", "VolumeSnapshotContent"], ""),
    awaited("source.toolkit.fluxcd.io", &["GitRepository", "OCIRepository", "Bucket", "HelmChart"], "Ready"),
    awaited("stacks.crossplane.io", &[], ""),
    awaited("velero.io", &["Backup", "Restore", "BackupStorageLocation"], ""),
    awaited("*.aws.crossplane.io", &[], "Ready"),
    awaited("*.cluster.x-k8s.io", &[], ""),
    awaited("*.k8s.elastic.co", &[], "health"),
    awaited("*.upbound.io", &[], ""),
];

/// The verdict about a custom resource whose controller has not spoken yet, or `None` where there is something to judge.
pub(super) fn judge(case: &Case<'_>, group: &str, kind: &str) -> Option<Verdict> {
    let of_kind = |it: &&Awaited| matches(it.group, group) && (it.kinds.is_empty() || it.kinds.contains(&kind));
    let awaited = AWAITED.iter().find(of_kind)?;
    // A switch in the spec that says "do nothing" is for the general rule to see.
    if ["/spec/paused", "/spec/suspend"].iter().any(|switch| is_true(case.object, switch)) {
        return None;
    }
    let status = case.object.get("status").and_then(serde_json::Value::as_object);
    if status.is_none_or(Map::is_empty) {
        return Some(Verdict::in_progress("NoStatus", "its controller has not written a status yet"));
    }
    // Some put it into a field of that name instead.
    let said = awaited.condition.is_empty()
        || condition(case.object, awaited.condition).is_some()
        || status.is_some_and(|status| status.contains_key(awaited.condition));
    (!said).then(|| Verdict::in_progress("NoCondition", format!("its controller has not said yet whether it is `{}`", awaited.condition)))
}

fn matches(pattern: &str, group: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(ending) => group.ends_with(ending),
        None => group == pattern,
    }
}
