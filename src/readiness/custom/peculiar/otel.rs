//! When collectors of OpenTelemetry are ready, which tell their replicas as a text.

use crate::{
    object::field::{integer, text},
    readiness::{case::Case, grace, verdict::Verdict},
};

/// A collector tells its replicas as `1/3`; one that is a sidecar has none of its own.
pub(in crate::readiness::custom) fn replicas(case: &Case<'_>) -> Option<Verdict> {
    let mode = text(case.object, "/spec/mode");
    let Some(replicas) = text(case.object, "/status/scale/statusReplicas") else {
        let runs_in_pods = mode == Some("sidecar")
            && case
                .object
                .get("status")
                .is_some_and(serde_json::Value::is_object);
        return runs_in_pods.then(|| Verdict::ready("it runs in the pods that ask for it"));
    };
    let (ready, wanted) = replicas.split_once('/')?;
    let (ready, wanted): (i64, i64) = (ready.trim().parse().ok()?, wanted.trim().parse().ok()?);
    let message = format!("{ready} of {wanted} replicas are ready");
    let needs_none = mode == Some("daemonset") || integer(case.object, "/spec/replicas") == Some(0);
    Some(match (ready, wanted) {
        (0, 0) if needs_none => Verdict::ready(message),
        (0, _) if grace::is_past_start(case) => Verdict::failed("NoneReady", message),
        (ready, wanted) if ready > 0 && ready >= wanted => Verdict::ready(message),
        _ => Verdict::in_progress("TooFew", message),
    })
}
