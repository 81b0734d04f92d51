//! The kinds that are played, a file for each operator.

mod argo_cd;
mod cert_manager;
mod external_secrets;
mod gateway;
mod keda;
mod prometheus;
mod sealed_secrets;
mod secret;
mod snapshot;
mod velero;
mod vpa;
mod zalando;

use super::kind::PlayedKind;

const OPERATORS: [&[PlayedKind]; 11] = [
    argo_cd::KINDS,
    cert_manager::KINDS,
    external_secrets::KINDS,
    gateway::KINDS,
    keda::KINDS,
    prometheus::KINDS,
    sealed_secrets::KINDS,
    snapshot::KINDS,
    velero::KINDS,
    vpa::KINDS,
    zalando::KINDS,
];

/// All kinds that are played; those of a group follow each other.
pub(super) fn kinds() -> impl Iterator<Item = &'static PlayedKind> {
    OPERATORS.into_iter().flatten()
}
