//! What the API server takes for the kubelets: logs, exec and the answers behind port-forward are
//! this program's own, the streams of port-forward and of older clients' exec are kwok's.
//!
//! kwok alone knows one answer for all pods, or objects of its own in the cluster, which would be
//! seen there. So a server stands in front of it that looks at the pod at the moment of each
//! request. On purpose it is the program's own: no crate serves a kubelet's protocols, and a real
//! kubelet would need root and a container runtime.

mod answer;
mod channels;
mod exec;
mod forward;
mod logs;
mod pod;
mod responder;
mod server;
mod tunnel;
mod websocket;

pub(super) use exec::Commands;
pub(super) use responder::Slots;
pub(super) use server::Kubelet;
