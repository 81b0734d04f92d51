//! Argo CD: every application is in the cluster as its repository says, and healthy.
//!
//! See <https://argo-cd.readthedocs.io/en/stable/operator-manual/health/>.

use serde_json::{Value, json};

use crate::sandbox::operators::{
    kind::{PlayedKind, played},
    subject::{NOW, Subject, condition, entries},
};

const GROUP: &str = "argoproj.io";
const REVISION: &str = "0000000000000000000000000000000000000000";

pub(super) const KINDS: &[PlayedKind] = &[
    played(
        "argocd-application-controller",
        (GROUP, "Application"),
        application,
    ),
    played(
        "argocd-applicationset-controller",
        (GROUP, "ApplicationSet"),
        application_set,
    ),
];

fn application(subject: &Subject<'_>) -> Value {
    let spec = subject.spec();
    let mut compared = json!({"destination": spec["destination"]});
    let sources = entries(&spec["sources"]);
    let mut sync = json!({"status": subject.either("Synced", "OutOfSync")});
    if sources.is_empty() {
        compared["source"] = spec["source"].clone();
        sync["revision"] = REVISION.into();
    } else {
        compared["sources"] = sources.into();
        sync["revisions"] = sources.iter().map(|_| REVISION).collect();
    }
    sync["comparedTo"] = compared;
    json!({
        "sync": sync,
        "health": {"status": subject.either("Healthy", "Degraded"), "lastTransitionTime": NOW},
        "reconciledAt": NOW,
    })
}

fn application_set(subject: &Subject<'_>) -> Value {
    let well = (
        "ApplicationSetUpToDate",
        "All applications have been generated successfully",
    );
    let badly = (
        "ApplicationGenerationFromParamsError",
        "No application was generated",
    );
    let failed = subject.because(badly.1);
    let error = subject.either(
        condition("ErrorOccurred", "False", well),
        condition("ErrorOccurred", "True", (badly.0, &failed)),
    );
    json!({"conditions": [
        error,
        subject.condition("ParametersGenerated", ("ParametersGenerated", "Successfully generated parameters for all Applications"), badly),
        subject.condition("ResourcesUpToDate", well, badly),
    ]})
}
