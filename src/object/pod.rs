//! Access to the pods that an object makes, whatever kind it is.

use serde_json::Value;

use super::{
    field::{list, part, text},
    kind::HasKind as _,
    view::ManifestView,
};

/// Where a template of pods may stand, beside a Pod itself: Deployments and their like, Jobs of a
/// `CronJob`, `PodTemplate`, and the Jobs of a `ScaledJob`.
const TEMPLATES: [&str; 4] = [
    "/spec/template",
    "/spec/jobTemplate/spec/template",
    "/template",
    "/spec/jobTargetRef/template",
];

/// The template (or the Pod itself) that the pods of `body` are made from: `metadata` and `spec`.
///
/// Found by shape, so that custom resources such as Argo's `Rollout` count too.
pub(crate) fn pod_template(body: &Value) -> Option<&Value> {
    part(body, pod_template_path(body)?)
}

/// Where [`pod_template`] stands in `body`: a JSON pointer, empty for a Pod.
pub(crate) fn pod_template_path(body: &Value) -> Option<&'static str> {
    if ManifestView(body).is_pod() {
        return Some("");
    }
    let has_containers = |path: &&str| {
        let template = part(body, path);
        template
            .and_then(|template| part(template, "/spec/containers"))
            .is_some_and(Value::is_array)
    };
    TEMPLATES.into_iter().find(has_containers)
}

/// The spec of the pods that `body` makes.
pub(crate) fn pod_spec(body: &Value) -> Option<&Value> {
    pod_template(body)?.get("spec")
}

/// Whether `body` is a Pod of its own, of no controller, that is done once it has ended well, as a Job
/// is: its `restartPolicy` is `Never` or `OnFailure`.
/// <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy>
pub(crate) fn runs_to_completion(body: &Value) -> bool {
    let view = ManifestView(body);
    let ends = matches!(
        text(body, "/spec/restartPolicy"),
        Some("Never" | "OnFailure")
    );
    view.is_pod() && ends && view.controller().is_none()
}

/// All containers of a pod spec: init containers first, then the others, then ephemeral ones.
pub(crate) fn containers(pod_spec: &Value) -> impl Iterator<Item = &Value> {
    ["/initContainers", "/containers", "/ephemeralContainers"]
        .into_iter()
        .flat_map(|path| list(pod_spec, path))
}

/// The name of an image without registry, path, tag and digest: `postgis` in
/// `docker.io/postgis/postgis:16-3.4`.
pub(crate) fn image_name(image: &str) -> &str {
    let without_digest = image.split('@').next().unwrap_or(image);
    let last = without_digest.rsplit('/').next().unwrap_or(without_digest);
    last.split(':').next().unwrap_or(last)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_of_its_own_that_is_not_restarted_for_ever_runs_to_completion() {
        let pod = |policy: &str| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "once"}, "spec": {"restartPolicy": policy}});
        assert!(runs_to_completion(&pod("Never")) && runs_to_completion(&pod("OnFailure")));
        assert!(!runs_to_completion(&pod("Always")));
        let mut of_job = pod("Never");
        of_job["metadata"]["ownerReferences"] =
            json!([{"kind": "Job", "name": "a", "uid": "u", "controller": true}]);
        assert!(!runs_to_completion(&of_job));
    }

    #[test]
    fn pods_are_found_by_shape() {
        let spec = json!({"containers": [{"name": "a"}], "initContainers": [{"name": "i"}]});
        let template = json!({"spec": spec});
        for body in [
            json!({"kind": "Pod", "spec": spec}),
            json!({"kind": "Deployment", "spec": {"template": template}}),
            json!({"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": template}}}}),
            json!({"kind": "PodTemplate", "template": template}),
            json!({"kind": "Rollout", "spec": {"template": template}}),
        ] {
            assert_eq!(pod_spec(&body), Some(&spec), "{body}");
        }
        assert_eq!(
            pod_spec(&json!({"kind": "Certificate", "spec": {"template": {"spec": {}}}})),
            None
        );
        assert_eq!(
            containers(&spec)
                .map(|container| &container["name"])
                .collect::<Vec<_>>(),
            ["i", "a"]
        );
    }

    #[test]
    fn image_names_are_bare() {
        for (image, name) in [
            ("redis", "redis"),
            ("redis:7", "redis"),
            ("localhost:5000/a/redis", "redis"),
            ("x/y/postgres:16@sha256:abc", "postgres"),
        ] {
            assert_eq!(image_name(image), name);
        }
    }
}
