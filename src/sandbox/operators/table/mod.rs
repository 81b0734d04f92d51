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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The tests of the built program try every kind that the document names.
    #[test]
    fn the_document_names_every_kind() {
        let document = include_str!("../../../../docs/sandbox.md");
        let (_, table) = document.split_once("| operator | kinds |").unwrap();
        let rows = table.lines().skip(2).take_while(|row| row.starts_with('|'));
        let named: BTreeSet<&str> = rows
            .flat_map(|row| row.split('|').nth(2).unwrap_or_default().split(','))
            .map(str::trim)
            .collect();
        assert_eq!(named, kinds().map(|it| it.kind).collect());
        assert_eq!(named.len(), kinds().count());
    }
}
