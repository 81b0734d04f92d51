//! When definitions, API services, namespaces, quotas and disruption budgets are ready.

use serde_json::Value;

use crate::{
    object::{
        Condition, amount,
        field::{integer, is_present, map, text},
        quoted,
    },
    readiness::{
        case::Case,
        generation::{behind, behind_or_silent},
        grace,
        verdict::{State, Verdict},
    },
};

/// A disruption budget is ready when its controller has counted the pods.
pub(in crate::readiness) fn judge_disruption_budget(case: &Case<'_>) -> Verdict {
    if let Some(verdict) = behind_or_silent(case.object) {
        return verdict;
    }
    if !is_present(case.object, "/status") {
        return Verdict::in_progress("NotObserved", "nobody has counted its pods yet");
    }
    let allowed = integer(case.object, "/status/disruptionsAllowed").unwrap_or(0);
    match case
        .view()
        .condition("DisruptionAllowed")
        .filter(|it| it.reason == "SyncFailed")
    {
        Some(failed) => Verdict::new(
            State::Ready,
            "SyncFailed",
            format!("it allows no disruption: {}", quoted(failed.says(), 300)),
        ),
        None => Verdict::ready(format!("{allowed} disruptions allowed")),
    }
}

/// A definition is ready when its names are accepted and it is established; a name that another
/// definition has will stay refused.
///
/// See
/// <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/>.
pub(in crate::readiness) fn judge_definition(case: &Case<'_>) -> Verdict {
    if let Some(verdict) = behind(case.object) {
        return verdict;
    }
    let [names, established, terminating] =
        ["NamesAccepted", "Established", "Terminating"].map(|kind| case.view().condition(kind));
    if let Some(terminating) = terminating.filter(Condition::is_true) {
        return Verdict::new(
            State::Terminating,
            "Terminating",
            quoted(terminating.says(), 300),
        );
    }
    if let Some(refused) = names.filter(Condition::is_false) {
        return Verdict::failed(
            refused.reason_or("NamesNotAccepted"),
            format!(
                "its names are not accepted: {}",
                quoted(refused.says(), 300)
            ),
        );
    }
    if let Some(violations) = case
        .view()
        .condition("NonStructuralSchema")
        .filter(Condition::is_true)
    {
        return Verdict::failed(
            violations.reason_or("NonStructuralSchema"),
            format!(
                "its schema is not structural: {}",
                quoted(violations.says(), 300)
            ),
        );
    }
    match established {
        Some(established) if established.is_true() => Verdict::ready("it is established"),
        Some(established) if established.is_false() && established.reason != "Installing" => {
            grace::tolerated(case, &established)
        }
        Some(established) => Verdict::in_progress(
            established.reason_or("Installing"),
            quoted(established.says(), 300),
        ),
        None => Verdict::in_progress("Installing", "it is not established yet"),
    }
}

/// An `APIService` is ready when the server behind it answers.
pub(in crate::readiness) fn judge_api_service(case: &Case<'_>) -> Verdict {
    match case.view().condition("Available") {
        Some(available) if available.is_true() => Verdict::ready("its server answers"),
        Some(available) => Verdict::in_progress(
            available.reason_or("NotAvailable"),
            quoted(available.says(), 300),
        ),
        None => Verdict::in_progress("NotObserved", "nobody has asked its server yet"),
    }
}

/// A Namespace is ready when it is active.
pub(in crate::readiness) fn judge_namespace(case: &Case<'_>) -> Verdict {
    match text(case.object, "/status/phase") {
        Some("Terminating") => {
            Verdict::new(State::Terminating, "Terminating", "it is being deleted")
        }
        Some("Active") => Verdict::ready("it is active"),
        _ if is_present(case.object, "/status/phase") => {
            Verdict::new(State::Unknown, "UnknownPhase", "its phase is unknown")
        }
        _ => Verdict::in_progress("NotObserved", "it has no phase yet"),
    }
}

/// A `ResourceQuota` is ready when its controller has taken its limits into the status: only those
/// hold for what is created.
///
/// See <https://github.com/kubernetes/kubernetes/tree/master/staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota>.
pub(in crate::readiness) fn judge_quota(case: &Case<'_>) -> Verdict {
    let counted = map(case.object, "/status/hard");
    let is_counted = |(name, wanted): (&String, &Value)| {
        let counted = counted.and_then(|counted| counted.get(name));
        counted.is_some_and(|counted| counted == wanted || is_same_amount(counted, wanted))
    };
    let mut wanted = map(case.object, "/spec/hard").into_iter().flatten();
    if wanted.all(is_counted) {
        Verdict::ready("its limits hold")
    } else {
        Verdict::in_progress("NotObserved", "nobody has counted what there is yet")
    }
}

/// Whether both are the same quantity, however they are written: `1` and `1000m`, a number and a
/// text.
fn is_same_amount(left: &Value, right: &Value) -> bool {
    let amount = |value: &Value| match value {
        Value::String(text) => amount(text),
        other => other.as_f64(),
    };
    amount(left).is_some_and(|left| amount(right) == Some(left))
}
