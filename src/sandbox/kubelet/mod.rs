//! What the API server takes for the kubelets: logs, exec and the answers behind port-forward are
//! this program's own, the streams of port-forward and of older clients' exec are kwok's.
//!
//! kwok alone knows one answer for all pods, or objects of its own in the cluster, which would be
//! seen there. So a server stands in front of it that looks at the pod at the moment of each
//! request.

mod answer;
mod channels;
mod exec;
mod forward;
mod logs;
mod responder;
mod server;
mod tunnel;
mod websocket;

pub(super) use exec::Commands;
pub(super) use responder::Slots;
pub(super) use server::Kubelet;

/// A pod, as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PodName {
    namespace: String,
    name: String,
}

impl PodName {
    /// The path of the pod in the API server.
    fn path(&self) -> String {
        format!("/api/v1/namespaces/{}/pods/{}", self.namespace, self.name)
    }
}

/// An annotation of the pod that says what the sandbox is to play.
fn annotation<'a>(pod: &'a serde_json::Value, name: &str) -> Option<&'a str> {
    pod["metadata"]["annotations"][format!("sandbox.deployctl.dev/{name}")].as_str()
}
