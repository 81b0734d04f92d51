//! When bindings of Karmada are ready, by what each member cluster reports.

use serde_json::Value;

use crate::{
    object::field::{is_true, list, text},
    readiness::{case::Case, verdict::Verdict},
};

/// A binding is ready when each cluster that it is bound to reports its copy, and none is
/// unhealthy.
///
/// A binding without clusters is that of a dependency: it follows another one and is ready once it
/// is applied everywhere.
pub(in crate::readiness::custom) fn members(case: &Case<'_>) -> Verdict {
    let (clusters, reports) = (
        list(case.object, "/spec/clusters"),
        list(case.object, "/status/aggregatedStatus"),
    );
    let follows = clusters.is_empty()
        && case
            .view()
            .condition("FullyApplied")
            .is_some_and(|it| it.is_true());
    if reports.is_empty() || (!follows && reports.len() != clusters.len()) {
        let message = format!(
            "{} of {} clusters have reported",
            reports.len(),
            clusters.len()
        );
        return Verdict::in_progress("TooFew", message);
    }
    if let Some(report) = reports.iter().find(|report| is_broken(report)) {
        let cluster = text(report, "/clusterName").unwrap_or_default();
        return Verdict::failed(
            "Unhealthy",
            format!("it does not work in cluster `{cluster}`"),
        );
    }
    Verdict::ready(format!("it works in {} clusters", reports.len()))
}

fn is_broken(report: &Value) -> bool {
    match text(report, "/health") {
        Some("Unhealthy") => true,
        Some("Unknown") => !is_true(report, "/applied"),
        _ => false,
    }
}
