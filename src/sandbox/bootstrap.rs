//! Creates what a cluster has that somebody can deploy to: nodes, storage classes, admission.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};

use super::{api::Api, error::SandboxError, programs::pinned};

/// Provisions the claims of the sandbox's own `StorageClass`es, by kwok's stages.
pub(super) const PROVISIONER: &str = "sandbox.deployctl.dev/volumes";

const POLICIES: &str = "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies";
const POLICY_BINDINGS: &str =
    "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings";

/// Creates what a cluster has that somebody can deploy to: nodes and `StorageClass`es, those with
/// the names `more` among them, and the admission policy that makes a pod unschedulable.
pub(super) async fn bootstrap(api: &Api, nodes: u16, more: &[String]) -> Result<(), SandboxError> {
    let nodes = (1..=nodes).map(|number| ("/api/v1/nodes", node(number)));
    let classes = [
        ("standard", true, "Immediate"),
        ("standard-wait", false, "WaitForFirstConsumer"),
    ];
    let more = more.iter().map(|name| (name.as_str(), false, "Immediate"));
    let classes = classes
        .into_iter()
        .chain(more)
        .map(|(name, default, binding)| {
            (
                "/apis/storage.k8s.io/v1/storageclasses",
                storage_class(name, default, binding),
            )
        });
    let objects: Vec<(&str, Value)> = nodes.chain(classes).collect();
    stream::iter(&objects)
        .map(|(path, object)| api.create(path, object))
        .buffer_unordered(8)
        .try_collect::<()>()
        .await?;
    unschedulable_fault(api).await
}

fn node(number: u16) -> Value {
    let name = format!("node-{number}");
    let resources =
        json!({"cpu": "64", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "500"});
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
            "topology.kubernetes.io/region": "sandbox",
            "topology.kubernetes.io/zone": format!("sandbox-{}", (b'a' + u8::try_from((number - 1) % 3).unwrap_or(0)) as char),
        }},
        // With this the API server hands on exec over WebSockets instead of translating it to SPDY.
        "status": {"declaredFeatures": ["ExtendWebSocketsToKubelet"], "allocatable": resources, "capacity": resources, "nodeInfo": {
            "architecture": "amd64", "operatingSystem": "linux", "kubeletVersion": pinned("k8s.io/kubernetes"),
            "kubeProxyVersion": "", "bootID": "", "machineID": "", "systemUUID": "", "osImage": "deployctl sandbox",
            "kernelVersion": "", "containerRuntimeVersion": "kwok",
        }},
    })
}

fn storage_class(name: &str, default: bool, binding: &str) -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": {"storageclass.kubernetes.io/is-default-class": default.to_string()}},
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": binding,
        "allowVolumeExpansion": true,
    })
}

/// Gives pods that ask to be unschedulable a node selector that no node meets, so that it is the
/// real scheduler that says why. Servers that do not have the policies yet (1.35 and older) cannot
/// play this fault.
async fn unschedulable_fault(api: &Api) -> Result<(), SandboxError> {
    if api.get(POLICIES).await?.is_none() {
        return Ok(());
    }
    let name = "unschedulable.sandbox.deployctl.dev";
    // A node selector is one value to server-side apply, so it cannot be added to by an apply
    // configuration.
    let expression = r#"[JSONPatch{op: "add", path: "/spec/nodeSelector", value: {"sandbox.deployctl.dev/no-such-node": "true"}}]"#;
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {
                "objectSelector": {"matchLabels": {"sandbox.deployctl.dev/fault": "unschedulable"}},
                "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}],
            },
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}],
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name},
    });
    api.create(POLICIES, &policy).await?;
    api.create(POLICY_BINDINGS, &binding).await
}

/// Whether all nodes are ready and take pods, and the namespace `default` has its `ServiceAccount`,
/// without which no pod can be created.
pub(super) async fn is_settled(api: &Api, nodes: u16) -> Result<bool, SandboxError> {
    if api
        .get("/api/v1/namespaces/default/serviceaccounts/default")
        .await?
        .is_none()
    {
        return Ok(false);
    }
    let list = api.get("/api/v1/nodes").await?.unwrap_or_default();
    let items = list["items"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    Ok(items.len() >= usize::from(nodes) && items.iter().all(takes_pods))
}

fn takes_pods(node: &Value) -> bool {
    let conditions = node["status"]["conditions"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let ready = conditions
        .iter()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    ready && node["spec"]["taints"].as_array().is_none_or(Vec::is_empty)
}
