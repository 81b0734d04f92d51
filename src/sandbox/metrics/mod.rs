//! The metrics API (`metrics.k8s.io`), played: what pods and nodes use, as annotations say, so that
//! autoscalers act and `kubectl top` shows something.

mod registration;
mod server;
mod usage;

pub(super) use registration::register;
pub(super) use server::{answer, is_asked};
