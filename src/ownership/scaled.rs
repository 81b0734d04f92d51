//! What controllers have scaled, told by `managedFields`.

use serde_json::Value;

use super::{entries::entries, path::Path};

/// What controllers have set by the subresource `scale`, each path with its manager: autoscalers of
/// any kind write it so. A kubectl is somebody at a terminal.
/// <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#scale-subresource>
pub(crate) fn scaled_by(object: &Value) -> Vec<(Path, String)> {
    let scales = entries(object)
        .filter(|entry| entry.subresource() == "scale" && !entry.manager().starts_with("kubectl"));
    let paths = scales.flat_map(|entry| {
        let paths: Vec<Path> = entry.fields().iter().cloned().collect();
        paths
            .into_iter()
            .map(move |path| (path, entry.manager().to_owned()))
    });
    paths
        .filter(|(path, _)| path.get(object).is_some_and(Value::is_number))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_scaled_is_told_by_the_subresource() {
        let entry = |manager: &str, subresource: &str, fields: Value| json!({"manager": manager, "operation": "Update", "subresource": subresource, "fieldsV1": fields});
        let replicas = json!({"f:spec": {"f:replicas": {}}});
        let scaled = |entries: Value| {
            let object = json!({"metadata": {"managedFields": entries}, "spec": {"replicas": 5, "workers": {"count": 3}}});
            let scaled = scaled_by(&object);
            scaled
                .iter()
                .map(|(path, manager)| format!("{path} {manager}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            scaled(json!([
                entry("kubectl", "scale", replicas.clone()),
                entry("operator", "", replicas.clone()),
                entry("autoscaler", "scale", replicas),
                entry(
                    "autoscaler",
                    "status",
                    json!({"f:status": {"f:replicas": {}}})
                ),
                entry(
                    "other",
                    "scale",
                    json!({"f:spec": {"f:workers": {"f:count": {}}}})
                ),
            ])),
            ["spec.replicas autoscaler", "spec.workers.count other"]
        );
    }
}
