//! Objects as the API server of Kubernetes 1.36.3 stored them, with their `managedFields`.

use serde_json::Value;

/// A recorded object: `deployment.before` before a write of ours, and `deployment.after`, for
/// example.
///
/// - `deployment`: made by `kubectl apply`, scaled through `/scale` by `hpa`, then taken over by
///   our forced apply;
/// - `adopted`: made by `kubectl apply`, adopted, then changed by our apply;
/// - `service`: a Service of ours with node ports that gives them up, with an annotation of `ops`;
/// - `secret`: made by `kubectl apply` with `stringData`, then our forced apply of one of its keys;
/// - `statefulset`: ours, with a new image;
/// - `autoscaler`: ours by `autoscaling/v1`, one field changed by `ops`, read as `autoscaling/v2`;
/// - `job`: made by `kubectl create job`.
pub(crate) fn recorded(name: &str) -> Value {
    let text = match name {
        "deployment.before" => include_str!("fixtures/deployment.before.json"),
        "deployment.after" => include_str!("fixtures/deployment.after.json"),
        "service.before" => include_str!("fixtures/service.before.json"),
        "service.after" => include_str!("fixtures/service.after.json"),
        "secret.before" => include_str!("fixtures/secret.before.json"),
        "secret.after" => include_str!("fixtures/secret.after.json"),
        "statefulset.before" => include_str!("fixtures/statefulset.before.json"),
        "statefulset.after" => include_str!("fixtures/statefulset.after.json"),
        "autoscaler.before" => include_str!("fixtures/autoscaler.before.json"),
        "autoscaler.after" => include_str!("fixtures/autoscaler.after.json"),
        "adopted.before" => include_str!("fixtures/adopted.before.json"),
        "adopted.after" => include_str!("fixtures/adopted.after.json"),
        "job" => include_str!("fixtures/job.json"),
        _ => panic!("nothing recorded as {name}"),
    };
    serde_json::from_str(text).expect("recorded as JSON")
}
