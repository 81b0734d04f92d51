//! Volumes that only one node can mount, and replicas on several.

use serde_json::Value;

use super::wanted::Wanted;
use crate::{
    finding::Check,
    object::{
        HasKind as _, Object, ObjectId,
        field::{integer, is_present, list, text, texts},
        pod_spec, scale_target,
    },
    preflight::Finding,
};

/// Workloads with several replicas that share a claim which only one node can mount at a time: the
/// pods on other nodes wait for ever.
/// <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes>
pub(super) fn shared_claims(wanted: &Wanted<'_>) -> Vec<Finding> {
    let workloads = wanted.objects().filter(|object| {
        let id = &object.id;
        id.is_deployment() || id.is_stateful_set() || id.is_replica_set()
    });
    workloads
        .flat_map(|workload| shared(wanted, workload))
        .collect()
}

fn shared(wanted: &Wanted<'_>, workload: &Object) -> Vec<Finding> {
    let Some(pod) = pod_spec(&workload.body).filter(|pod| !is_on_one_node(pod)) else {
        return Vec::new();
    };
    let most = most_replicas(wanted, workload);
    if most < 2 {
        return Vec::new();
    }
    let namespace = workload.id.namespace.as_deref();
    let claims = list(pod, "/volumes").iter().filter_map(|volume| {
        let name = text(volume, "/persistentVolumeClaim/claimName")?;
        wanted.get(&ObjectId::core("PersistentVolumeClaim", namespace, name))
    });
    claims
        .filter_map(|claim| Some((claim, narrow(claim)?)))
        .map(|(claim, mode)| {
            let message = format!(
                "its {most} replicas share {} ({}), which is `{mode}`: those on another node than the first cannot start",
                claim.id, claim.origin
            );
            Finding::of(Check::SharedClaim, message)
                .about(workload)
                .remedy("use a `ReadWriteMany` claim, one replica, or a StatefulSet with a claim for each")
        })
        .collect()
}

/// The access mode of `claim` that keeps it to one node or pod; `None` where it has a wider one.
fn narrow(claim: &Object) -> Option<&str> {
    const NARROW: [&str; 2] = ["ReadWriteOnce", "ReadWriteOncePod"];
    let mut modes = texts(&claim.body, "/spec/accessModes");
    let first = modes.next().filter(|mode| NARROW.contains(mode))?;
    modes.all(|mode| NARROW.contains(&mode)).then_some(first)
}

/// Whether the pods are kept together on one node.
fn is_on_one_node(pod: &Value) -> bool {
    is_present(pod, "/nodeName")
        || is_present(pod, "/nodeSelector/kubernetes.io~1hostname")
        || !list(
            pod,
            "/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution",
        )
        .is_empty()
}

/// The most replicas that are wanted, by the workload or by what scales it.
fn most_replicas(wanted: &Wanted<'_>, workload: &Object) -> i64 {
    let scaled = wanted.objects().filter_map(|scaler| {
        let target = scale_target(&scaler.id, &scaler.body)?;
        (target == workload.id).then_some(&scaler.body)
    });
    let most = scaled.filter_map(|body| {
        integer(body, "/spec/maxReplicas").or_else(|| integer(body, "/spec/maxReplicaCount"))
    });
    most.max()
        .unwrap_or_else(|| integer(&workload.body, "/spec/replicas").unwrap_or(1))
}
