//! Webhooks, played: what the API server asks of pods is answered for them.
//!
//! The API server looks for a pod that is ready behind the Service that a webhook names
//! (`--enable-aggregator-routing`), and reaches it by a proxy (`--egress-selector-config-file`),
//! which is `egress.rs`: pods have no network here. Without such a pod it is the API server that says
//! so. `injection.rs` says who trusts the certificates of those answers, and `injector.rs` writes it.

mod certificates;
mod egress;
mod injection;
mod injector;
mod review;

pub(super) use egress::{Egress, configuration};
pub(super) use injector::inject;
