//! The recommender of the vertical pod autoscaler.
//!
//! See <https://github.com/kubernetes/autoscaler/blob/master/vertical-pod-autoscaler/docs/api.md>.

use serde_json::{Value, json};

use crate::sandbox::operators::{
    kind::{Absence, PlayedKind, Reference, played},
    subject::{Subject, condition, entries, namespace, text_or},
};

pub(super) const KINDS: &[PlayedKind] = &[played(
    "vpa-recommender",
    ("autoscaling.k8s.io", "VerticalPodAutoscaler"),
    status,
)
.referring(target)];

fn target(object: &Value) -> Vec<Reference> {
    let target = &object["spec"]["targetRef"];
    let kind = (
        text_or(&target["apiVersion"], "apps/v1"),
        text_or(&target["kind"], ""),
    );
    vec![Reference::to(
        kind,
        namespace(object),
        text_or(&target["name"], ""),
        Absence::Fails,
    )]
}

fn status(subject: &Subject<'_>) -> Value {
    let Some(fault) = &subject.fault else {
        return json!({
            "conditions": [condition("RecommendationProvided", "True", ("", ""))],
            "recommendation": {"containerRecommendations": recommendations(subject)},
        });
    };
    json!({"conditions": [
        condition("RecommendationProvided", "False", ("", "")),
        condition("ConfigUnsupported", "True", ("", &format!("Cannot read targetRef. Reason: {fault}"))),
    ]})
}

/// The same for each container of what is looked at, as nothing is measured.
fn recommendations(subject: &Subject<'_>) -> Vec<Value> {
    let target = subject.found.first().and_then(Option::as_ref);
    let containers = target.map_or(&[][..], |target| {
        entries(&target["spec"]["template"]["spec"]["containers"])
    });
    let enough = json!({"cpu": "25m", "memory": "262144k"});
    let recommendation = |container: &Value| {
        json!({
            "containerName": container["name"],
            "lowerBound": enough,
            "target": enough,
            "uncappedTarget": enough,
            "upperBound": enough,
        })
    };
    containers.iter().map(recommendation).collect()
}
