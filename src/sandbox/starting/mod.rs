//! What a kubelet needs before it starts a pod's containers, played: volumes are mounted, images have
//! names, and what containers read as environment is there. Until then the pod waits, in the words
//! of a kubelet.
//!
//! `judge.rs` says what a kubelet would make of a pod; `watch.rs` hears of pods and of what they
//! read, and writes. The stages of kwok (`stages/pod.yaml`) go on with what is not held back.

mod image;
mod judge;
mod reading;
mod stored;
mod watch;

pub(super) use watch::hold_back;
