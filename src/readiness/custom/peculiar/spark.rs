//! When applications of Spark are ready, by their executors.

use serde_json::Value;

use crate::{
    object::field::{integer, is_true, map, text},
    readiness::{case::Case, verdict::Verdict},
};

/// A running application is ready when as many executors run as it asks for, or, if it scales by
/// itself, as it needs at least.
pub(in crate::readiness::custom) fn executors(case: &Case<'_>) -> Option<Verdict> {
    (text(case.object, "/status/applicationState/state") == Some("RUNNING")).then_some(())?;
    let states = map(case.object, "/status/executorState");
    let running = states.map_or(0, |states| {
        states
            .values()
            .filter(|state| state.as_str() == Some("RUNNING"))
            .count()
    });
    let running = i64::try_from(running).unwrap_or(i64::MAX);
    let wanted = wanted(case.object);
    let message = format!("{running} of {wanted} executors run");
    Some(if running > 0 && running >= wanted {
        Verdict::ready(message)
    } else {
        Verdict::in_progress("TooFew", message)
    })
}

fn wanted(object: &Value) -> i64 {
    let settings = map(object, "/spec/sparkConf");
    let setting = |name: &str| settings?.get(name)?.as_str();
    let scaling = [
        "spark.dynamicAllocation",
        "spark.streaming.dynamicAllocation",
    ];
    let scales_by = scaling
        .into_iter()
        .find(|prefix| setting(&format!("{prefix}.enabled")) == Some("true"));
    if scales_by.is_none() && !is_true(object, "/spec/dynamicAllocation/enabled") {
        return integer(object, "/spec/executor/instances").unwrap_or(1);
    }
    let least = scales_by
        .and_then(|prefix| setting(&format!("{prefix}.minExecutors")))
        .and_then(|count| count.parse().ok());
    integer(object, "/spec/dynamicAllocation/minExecutors")
        .or(least)
        .unwrap_or(1)
}
