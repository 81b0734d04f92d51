//! What integration tests share: one sandbox for all of them, the built program, and kubectl.

mod cluster;
mod deployctl;

pub(crate) use cluster::{apply, eventually, get, kubectl, namespace, sandbox, try_kubectl};
pub(crate) use deployctl::{Deployctl, Outcome};
