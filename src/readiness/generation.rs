//! Whether a status is about the object as it is now. Right after an apply the status still is the
//! previous rollout's, and says that everything is fine.

use serde_json::Value;

use super::verdict::Verdict;
use crate::object::{
    ManifestView,
    field::{integer, is_present},
};

/// Where controllers say which generation they have looked at: as the conventions want it, or in a
/// field of their own.
const OBSERVED: &[&str] = &[
    "/status/observedGeneration",
    "/status/lastEvaluatedGeneration",
    "/status/lastObservedGeneration",
    "/status/lastProcessedGeneration",
    "/status/lastReconciledGeneration",
];

/// The verdict about an object whose controller has not looked at its newest generation, if it says
/// which one it looked at.
pub(super) fn behind(object: &Value) -> Option<Verdict> {
    let wanted = ManifestView(object).generation()?;
    let observed = OBSERVED.iter().find_map(|field| integer(object, field))?;
    (observed < wanted).then(|| not_observed(wanted, Some(observed)))
}

/// As [`behind`], for kinds whose controller always says so: silence means that it has not looked.
pub(super) fn behind_or_silent(object: &Value) -> Option<Verdict> {
    let wanted = ManifestView(object).generation()?;
    let silent = !is_present(object, "/status/observedGeneration");
    if silent {
        Some(not_observed(wanted, None))
    } else {
        behind(object)
    }
}

/// The verdict about an object, or a part of its status, that was made for generation `observed` of
/// `wanted`.
pub(super) fn not_observed(wanted: i64, observed: Option<i64>) -> Verdict {
    let message = match observed {
        Some(observed) => format!("its controller has seen generation {observed} of {wanted}"),
        None => "its controller has not looked at it yet".to_owned(),
    };
    Verdict::in_progress("NotObserved", message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_previous_generation_is_behind_also_as_text() {
        assert!(
            behind(&json!({"metadata": {"generation": 2}, "status": {"observedGeneration": 1}}))
                .is_some()
        );
        assert!(
            behind(&json!({"metadata": {"generation": 2}, "status": {"observedGeneration": "1"}}))
                .is_some()
        );
        assert!(
            behind(&json!({"metadata": {"generation": 2}, "status": {"observedGeneration": "2"}}))
                .is_none()
        );
    }

    #[test]
    fn a_generation_is_found_under_other_names() {
        let evaluated = |generation: i64| json!({"metadata": {"generation": 3}, "status": {"lastEvaluatedGeneration": generation}});
        assert!(behind(&evaluated(2)).is_some());
        assert!(behind(&evaluated(3)).is_none());
    }

    #[test]
    fn a_hash_in_the_place_of_a_generation_says_nothing() {
        assert!(behind(&json!({"metadata": {"generation": 2}, "status": {"observedGeneration": "5b9f9dd6c6"}})).is_none());
    }

    #[test]
    fn silence_counts_only_where_the_controller_always_speaks() {
        let silent = json!({"metadata": {"generation": 1}, "status": null});
        assert!(behind(&silent).is_none());
        assert!(behind_or_silent(&silent).is_some());
        assert!(behind_or_silent(&json!({"status": {}})).is_none());
    }
}
