//! The `GitOps` Promoter: a promotion is over when what is proposed has become active.

use serde_json::Value;

use crate::{
    object::field::{list, text},
    readiness::{case::Case, verdict::Verdict},
};

/// In progress as long as an environment of a `PromotionStrategy` lacks a commit, or has another
/// one than is proposed.
pub(in crate::readiness::custom) fn environments(case: &Case<'_>) -> Option<Verdict> {
    let environments = list(case.object, "/status/environments");
    let proposals: Vec<_> = environments
        .iter()
        .map(|it| text(it, "/proposed/note/drySha").or_else(|| text(it, "/proposed/dry/sha")))
        .collect();
    if proposals.windows(2).any(|pair| pair[0] != pair[1]) {
        return Some(Verdict::in_progress(
            "Progressing",
            "its environments do not have the same proposed commit yet",
        ));
    }
    environments
        .iter()
        .find_map(|it| unlike(it, text(it, "/branch").unwrap_or("it")))
}

/// As [`environments`], for the one environment of a `ChangeTransferPolicy`.
pub(in crate::readiness::custom) fn change(case: &Case<'_>) -> Option<Verdict> {
    case.object
        .get("status")
        .filter(|status| !list(status, "/conditions").is_empty())
        .and_then(|status| unlike(status, "it"))
}

fn unlike(environment: &Value, name: &str) -> Option<Verdict> {
    let message = match (
        text(environment, "/active/dry/sha"),
        text(environment, "/proposed/dry/sha"),
    ) {
        (Some(active), Some(proposed)) if active == proposed => return None,
        (Some(active), Some(proposed)) => {
            format!("{name} is promoted from `{active}` to `{proposed}`")
        }
        (None, _) => format!("{name} has no active commit yet"),
        (_, None) => format!("{name} has no proposed commit yet"),
    };
    Some(Verdict::in_progress("Progressing", message))
}
