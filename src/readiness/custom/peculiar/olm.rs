//! When subscriptions of the Operator Lifecycle Manager are ready.

use crate::{
    object::{Condition, field::text},
    readiness::{case::Case, grace, verdict::Verdict},
};

/// An install plan that is lost is a failure, unless it was the one of a version that has long been
/// installed.
pub(in crate::readiness::custom) fn lost_plan(case: &Case<'_>) -> Option<Verdict> {
    let lost = case
        .view()
        .condition("InstallPlanMissing")
        .filter(Condition::is_true)?;
    (lost.reason != "ReferencedInstallPlanNotFound").then(|| grace::tolerated(case, &lost))
}

/// An operator that is installed works on while its next version waits for somebody who approves
/// it, as its manifest wants.
///
/// See
/// <https://olm.operatorframework.io/docs/concepts/crds/subscription/#manually-approving-upgrades-via-subscriptions>.
pub(in crate::readiness::custom) fn upgrade_to_approve(case: &Case<'_>) -> Option<Verdict> {
    let installed = text(case.object, "/status/installedCSV")?;
    case.view()
        .condition("InstallPlanPending")
        .filter(|pending| pending.is_true() && pending.reason == "RequiresApproval")?;
    let manual = text(case.object, "/spec/installPlanApproval") == Some("Manual");
    manual.then(|| {
        Verdict::ready(format!(
            "`{installed}` is installed; its upgrade waits for approval"
        ))
    })
}
