//! When secrets that the External Secrets operator synchronises are ready.

use crate::{
    object::field::text,
    readiness::{
        case::Case, condition::described, generation::not_observed, grace, verdict::Verdict,
    },
};

/// A `ClusterExternalSecret` adds what it finds at the end of its conditions, so the last one
/// counts.
pub(in crate::readiness::custom) fn newest_condition(case: &Case<'_>) -> Option<Verdict> {
    let newest = case.view().conditions().last()?;
    match newest.kind {
        "Ready" if newest.is_true() => Some(Verdict::ready(described(&newest))),
        "Ready" | "NotReady" | "PartiallyReady" if newest.is_true() || newest.kind == "Ready" => {
            Some(grace::tolerated(case, &newest))
        }
        _ => None,
    }
}

/// An `ExternalSecret` tells the generation that it has synchronised as the part of a word before a
/// hyphen: `2-5b9f9dd6c6`.
pub(in crate::readiness::custom) fn synchronised_generation(case: &Case<'_>) -> Option<Verdict> {
    let wanted = case.view().generation()?;
    let (seen, _) = text(case.object, "/status/syncedResourceVersion")?.split_once('-')?;
    let seen: i64 = seen.parse().ok()?;
    let is_ready = case
        .view()
        .conditions()
        .any(|it| it.kind == "Ready" && it.is_true());
    (is_ready && seen < wanted).then(|| not_observed(wanted, Some(seen)))
}
