//! When the stacks of Elastic's operator are ready, by their node sets.

use serde_json::Value;

use crate::{
    object::field::{integer, list},
    readiness::{case::Case, verdict::Verdict},
};

/// In progress as long as fewer nodes are available than all node sets want.
pub(in crate::readiness::custom) fn nodes(case: &Case<'_>) -> Option<Verdict> {
    let available = integer(case.object, "/status/availableNodes")?;
    let wanted: i64 = list(case.object, "/spec/nodeSets")
        .iter()
        .filter_map(|set: &Value| integer(set, "/count"))
        .sum();
    (available < wanted).then(|| {
        Verdict::in_progress(
            "TooFew",
            format!("{available} of {wanted} nodes are available"),
        )
    })
}
