use serde_json::Value;

/// The `fieldsV1` of `manager`'s `Apply` entry in `object`: the mark that the object is ours.
pub(crate) fn apply_entry<'a>(object: &'a Value, manager: &str) -> Option<&'a Value> {
    entries(object)
        .find(|entry| text(entry, "manager") == manager && text(entry, "operation") == "Apply")
        .and_then(|entry| entry.get("fieldsV1"))
}

/// Whether `fields` holds the path of plain field names, for example `["spec", "replicas"]`.
fn owns(fields: &Value, path: &[&str]) -> bool {
    path.iter().try_fold(fields, |fields, name| fields.get(format!("f:{name}"))).is_some()
}

/// Whether `manager` is somebody's kubectl at a terminal (`kubectl edit`, `patch`, `label`, `scale`, …) rather than a program.
///
/// Those write with operation `Update`; what they change in a field of ours is drift, which the next `up` puts right.
/// `kubectl apply --server-side` is an applier of its own, and so is a conflict.
pub(crate) fn is_interactive_kubectl(object: &Value, manager: &str) -> bool {
    manager.starts_with("kubectl")
        && entries(object).filter(|entry| text(entry, "manager") == manager).all(|entry| text(entry, "operation") == "Update")
}

/// A JSON patch that takes the field at `path` out of `manager`'s `Apply` entry, so that it is given up without being reset; `None` where
/// it is not owned.
///
/// Leaving an owned field out of an apply deletes it, and the API server then puts its default there: five replicas would become one.
pub(crate) fn give_up(object: &Value, manager: &str, path: &[&str]) -> Option<Value> {
    apply_entry(object, manager).filter(|fields| owns(fields, path))?;
    let index = entries(object).position(|entry| text(entry, "manager") == manager && text(entry, "operation") == "Apply")?;
    let field = path.join("/f:");
    Some(serde_json::json!([
        {"op": "test", "path": "/metadata/resourceVersion", "value": object.pointer("/metadata/resourceVersion")?},
        {"op": "remove", "path": format!("/metadata/managedFields/{index}/fieldsV1/f:{field}")},
    ]))
}

fn entries(object: &Value) -> impl Iterator<Item = &Value> {
    object.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object() -> Value {
        json!({"metadata": {"managedFields": [
            {"manager": "deployctl.shop.dev", "operation": "Update", "fieldsV1": {"f:status": {}}},
            {"manager": "deployctl.shop.dev", "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {}},
            {"manager": "kubectl", "operation": "Apply", "fieldsV1": {}},
        ]}})
    }

    #[test]
    fn only_the_apply_entry_marks_an_object_as_ours() {
        let object = object();
        let fields = apply_entry(&object, "deployctl.shop.dev").expect("ours");
        assert!(owns(fields, &["spec", "replicas"]));
        assert!(!owns(fields, &["status"]));
        assert!(apply_entry(&object, "deployctl.shop.prod").is_none());
    }

    #[test]
    fn giving_up_a_field_touches_only_our_entry() {
        let mut object = object();
        object["metadata"]["resourceVersion"] = "7".into();
        let patch = give_up(&object, "deployctl.shop.dev", &["spec", "replicas"]).expect("owned");
        assert_eq!(patch[0]["value"], "7");
        assert_eq!(patch[1]["path"], "/metadata/managedFields/1/fieldsV1/f:spec/f:replicas");
        assert!(give_up(&object, "deployctl.shop.dev", &["spec", "paused"]).is_none());
    }

    #[test]
    fn kubectl_edit_is_interactive_and_kubectl_apply_is_not() {
        let object = object();
        assert!(is_interactive_kubectl(&object, "kubectl-edit"));
        assert!(!is_interactive_kubectl(&object, "kubectl"));
        assert!(!is_interactive_kubectl(&object, "argocd"));
    }
}
