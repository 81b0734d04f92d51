//! What the API server says to a write that is not stored.

use serde_json::Value;

use super::{
    Finding,
    immutable::unchangeable,
    refusal::{described, names_an_unknown_field},
    webhook::{WebhookRefusal, dead_webhook, webhook_refusal},
};
use crate::{
    cluster::{Refusal, RequestError},
    error::ExitCode,
    object::Object,
};

/// What the API server said to one object without storing it.
#[derive(Debug)]
pub(crate) enum DryRun {
    /// It would take it. The object as it would be stored then, where that is known.
    Taken(Option<Box<Value>>),
    /// It would not, because these fields cannot be changed in the object that is there.
    Unchangeable(Vec<String>),
    /// It cannot be what is wanted, whatever is done.
    Impossible(Finding),
    /// It would not.
    Refused(RequestError),
    /// It would not, and may once the run has written what comes before.
    Undecided(Refusal),
    /// It could not be asked: the kind is not served yet, or nothing may be tried where it could
    /// be.
    Unasked,
}

impl DryRun {
    /// Whether a webhook could not be asked, and somebody else may yet bring it up.
    pub(crate) fn is_refused_by_a_dead_webhook(&self) -> bool {
        matches!(self, DryRun::Undecided(refusal) if dead_webhook(refusal).is_some())
    }

    /// The same, of which nothing else decides.
    pub(crate) fn into_refused(self) -> Self {
        match self {
            DryRun::Undecided(refusal) => DryRun::Refused(RequestError::Refused(refusal)),
            other => other,
        }
    }

    /// The webhook that stood in the way for good; `None` where none did.
    pub(crate) fn refusing_webhook(&self) -> Option<WebhookRefusal<'_>> {
        match self {
            DryRun::Refused(RequestError::Refused(refusal)) => webhook_refusal(refusal),
            _ => None,
        }
    }
}

/// The finding about an object that the API server would not take. `advice`: who set up the webhook
/// that stood in the way, and what to do about it.
pub(crate) fn judge_dry_run(
    object: &Object,
    dry_run: &DryRun,
    advice: Option<(String, String)>,
) -> Option<Finding> {
    let error = match dry_run {
        DryRun::Taken(_) | DryRun::Undecided(_) | DryRun::Unasked => return None,
        DryRun::Unchangeable(fields) => return Some(unchangeable(object, fields)),
        DryRun::Impossible(finding) => return Some(finding.clone()),
        DryRun::Refused(error) => error,
    };
    let finding = |exit, message, remedy: Option<String>| Finding {
        exit,
        at: Some(object.origin.clone()),
        object: Some(object.id.clone()),
        message,
        remedy,
    };
    let RequestError::Refused(refusal) = error else {
        return Some(finding(ExitCode::Failed, error.to_string(), None));
    };
    let said = described(refusal);
    if let Some((who, remedy)) = advice {
        let message = format!("{said}; {who}");
        return Some(finding(ExitCode::Failed, message, Some(remedy)));
    }
    Some(if refusal.is_forbidden() {
        let remedy = "ask the cluster's administrator for this permission";
        let is_missing = !is_of_admission(refusal);
        finding(
            ExitCode::Failed,
            said,
            is_missing.then(|| remedy.to_owned()),
        )
    } else if refusal.is_ownership_conflict() {
        finding(
            ExitCode::Failed,
            conflict(refusal),
            Some(CONFLICT.to_owned()),
        )
    } else if refusal.is_unacceptable() {
        let is_unknown = names_an_unknown_field(refusal);
        let remedy = is_unknown.then(|| fields_are_shown(&object.id.kind));
        finding(ExitCode::Usage, said, remedy)
    } else {
        finding(ExitCode::Failed, said, None)
    })
}

/// Whether a quota, a policy or a webhook does not permit it, and not what the user may do.
fn is_of_admission(refusal: &Refusal) -> bool {
    ["exceeded quota", "admission", "violates"]
        .iter()
        .any(|words| refusal.message.contains(words))
}

fn fields_are_shown(kind: &str) -> String {
    format!(
        "`kubectl explain {} --recursive` shows the fields of a {kind}",
        kind.to_lowercase()
    )
}

const CONFLICT: &str = "take the field out of the manifest, leave it to its manager with `ignoreFields` in the plan, or take it over with `--force-conflicts`";

/// `spec.replicas is held by hpa` for each field.
fn conflict(refusal: &Refusal) -> String {
    let fields: Vec<String> = refusal
        .causes
        .iter()
        .map(|cause| {
            format!(
                "`{}` is managed by {}",
                cause.field.trim_start_matches('.'),
                held_by(&cause.message)
            )
        })
        .collect();
    fields.join("; ")
}

/// `"hpa"` in `conflict with "hpa" using v1`.
fn held_by(message: &str) -> &str {
    message
        .strip_prefix("conflict with ")
        .map_or(message, |rest| rest.split(" using ").next().unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Refusal;

    #[test]
    fn conflicts_name_field_and_manager() {
        assert_eq!(held_by("conflict with \"hpa\" using apps/v1"), "\"hpa\"");
        let refusal = Refusal {
            code: 409,
            causes: vec![
                serde_json::from_str(
                    r#"{"reason":"FieldManagerConflict","field":".spec.replicas","message":"conflict with \"hpa\" using apps/v1"}"#,
                )
                .expect("valid"),
            ],
            ..Refusal::default()
        };
        assert_eq!(conflict(&refusal), "`spec.replicas` is managed by \"hpa\"");
    }
}
