//! What the API server says to a write that is not stored.

use serde_json::Value;

use super::{
    Finding,
    immutable::{Immutable, unchangeable},
    refusal::{described, is_about_the_manifest, names_an_unknown_field},
    undecided::is_about_the_user,
    webhook::{WebhookRefusal, dead_webhook, webhook_refusal},
};
use crate::{
    cluster::{Refusal, RequestError},
    error::ExitCode,
    finding::Check,
    object::Object,
};

/// What the API server said to one object without storing it.
#[derive(Debug)]
pub(crate) enum DryRun {
    /// It would take it. The object as it would be stored then, where that is known.
    Taken(Option<Box<Value>>),
    /// It would not, because of fields that cannot be changed in the object that is there.
    Unchangeable(Immutable),
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

    /// The same, tried again once what stands in the way is gone.
    pub(crate) fn into_undecided(self) -> Self {
        match self {
            DryRun::Refused(RequestError::Refused(refusal)) => DryRun::Undecided(refusal),
            other => other,
        }
    }

    /// What the API server said against it for good; `None` where it said nothing.
    pub(crate) fn refusal(&self) -> Option<&Refusal> {
        match self {
            DryRun::Refused(RequestError::Refused(refusal)) => Some(refusal),
            _ => None,
        }
    }

    /// The webhook that stood in the way for good; `None` where none did.
    pub(crate) fn refusing_webhook(&self) -> Option<WebhookRefusal<'_>> {
        self.refusal().and_then(webhook_refusal)
    }
}

/// The finding about an object that the API server would not take. `advice`: who stands in the way (who
/// set up the webhook, who has the port), and what to do about it.
pub(crate) fn judge_dry_run(
    object: &Object,
    dry_run: &DryRun,
    advice: Option<(String, String)>,
) -> Option<Finding> {
    let error = match dry_run {
        DryRun::Taken(_) | DryRun::Undecided(_) | DryRun::Unasked => return None,
        DryRun::Unchangeable(immutable) => return Some(unchangeable(object, immutable)),
        DryRun::Impossible(finding) => return Some(finding.clone()),
        DryRun::Refused(error) => error,
    };
    let finding = match error {
        RequestError::Refused(refusal) if !error.is_unauthenticated() => {
            judge_refusal(object, refusal, advice)
        }
        _ => Finding {
            exit: ExitCode::Failed,
            remedy: error.is_unauthenticated().then(|| LOG_IN.to_owned()),
            ..Finding::of(Check::NoAnswer, error.to_string())
        },
    };
    Some(finding.about(object))
}

/// What the API server has against `object`.
fn judge_refusal(object: &Object, refusal: &Refusal, advice: Option<(String, String)>) -> Finding {
    let said = described(refusal);
    if let Some((who, remedy)) = advice {
        return Finding::of(Check::Refused, format!("{said}; {who}")).remedy(remedy);
    }
    if refusal.is_ownership_conflict() {
        return Finding::of(Check::Conflict, conflict(refusal)).remedy(CONFLICT);
    }
    if misses_permission(refusal) {
        let remedy = "ask the cluster's administrator for this permission";
        return Finding::of(Check::MissingPermission, said).remedy(remedy);
    }
    let finding = Finding::of(Check::Refused, said);
    if !is_about_the_manifest(refusal) {
        return finding;
    }
    let is_unknown = names_an_unknown_field(refusal);
    let remedy = is_unknown.then(|| fields_are_shown(&object.id.kind));
    Finding { remedy, ..finding }.of_usage()
}

/// Whether a permission of the user's is missing: for the request, or because a Role would grant more
/// than they have. Everything else that is forbidden is so by a quota, a policy, an admission plugin
/// or a webhook, and no permission helps.
/// <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping>
fn misses_permission(refusal: &Refusal) -> bool {
    let grants_more = "attempting to grant RBAC permissions";
    is_about_the_user(refusal) || refusal.is_forbidden() && refusal.message.contains(grants_more)
}

fn fields_are_shown(kind: &str) -> String {
    format!(
        "`kubectl explain {} --recursive` shows the fields of a {kind}",
        kind.to_lowercase()
    )
}

const LOG_IN: &str = "the credentials are expired or not accepted any more: log in again";
const CONFLICT: &str = "take the field out of the manifest, leave it to its manager with `ignoreFields` in the plan, or take it over with `--force-conflicts`";

/// `spec.replicas is held by hpa` for each field.
fn conflict(refusal: &Refusal) -> String {
    let fields: Vec<String> = refusal
        .causes
        .iter()
        .map(|cause| {
            let holder = named(held_by(&cause.message));
            let field = cause.field.trim_start_matches('.');
            if field.is_empty() {
                format!("it is managed by {holder}")
            } else {
                format!("`{field}` is managed by {holder}")
            }
        })
        .collect();
    fields.join("; ")
}

/// Field managers of tools that go on writing what they have written once, by how they begin in small
/// letters.
const TOOLS: [(&str, &str); 12] = [
    ("argocd", "Argo CD"),
    ("flux", "Flux"),
    ("helm-controller", "Flux"),
    ("kustomize-controller", "Flux"),
    ("kapp", "kapp"),
    ("fleetagent", "Rancher Fleet"),
    ("crossplane", "Crossplane"),
    ("pulumi", "Pulumi"),
    ("terraform", "Terraform"),
    ("hashicorp", "Terraform"),
    ("ansible", "Ansible"),
    ("kubectl", "kubectl"),
];

/// `Argo CD ("argocd-controller")` for `"argocd-controller"`: the tool, where it is a known one.
fn named(manager: &str) -> String {
    let name = manager.trim_matches('"').to_lowercase();
    let tool = TOOLS.iter().find(|(begin, _)| name.starts_with(begin));
    match tool {
        Some((_, tool)) if *tool != name => format!("{tool} ({manager})"),
        _ => manager.to_owned(),
    }
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
