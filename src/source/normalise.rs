//! The form in which objects are compared, hashed and sent.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use crate::finding::Check;
use crate::object::{
    FieldPath, HasKind as _, ManifestView, Problem, StatusField, containers,
    field::{list, map, text},
    pod_spec, pod_template_path, remove_filled_in,
};

/// Fields of `metadata` that only the server sets; sent back, they conflict with what it has now.
const SERVER_SET: [&str; 7] = [
    "managedFields",
    "uid",
    "resourceVersion",
    "generation",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];
/// Written by `kubectl apply`; it holds a copy of the whole object, secrets included.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Brings an object into the form in which it is compared, hashed and sent.
///
/// Null values go where they mean nothing, `stringData` of a Secret goes into `data`, and what only
/// the cluster sets goes. `status` says whose that field is; where it is not known, it stays until
/// the cluster says it. The problems have no place yet.
pub(super) fn normalise(
    object: &mut Value,
    status: Option<StatusField>,
    problems: &mut Vec<Problem>,
) {
    remove_nulls(object);
    remove_empty_variables(object);
    remove_server_set(object, status, problems);
    check_texts(object, problems);
    if ManifestView(object).is_secret() {
        merge_string_data(object, problems);
    }
}

/// Maps whose values are text: server-side apply would store a null in them as empty text.
const TEXTS: [&str; 7] = [
    "labels",
    "annotations",
    "matchLabels",
    "nodeSelector",
    "data",
    "binaryData",
    "stringData",
];

/// Removes the null values that mean nothing: those of texts, and those of `metadata`, where
/// generators write `creationTimestamp: null`.
///
/// Everywhere else a null says something to the API server, as under `kubectl apply --server-side`:
/// it clears a default and the other members of a union, and is stored where a custom resource may
/// hold it.
fn remove_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                if name == "metadata" || TEXTS.contains(&name.as_str()) {
                    remove_null_entries(value);
                }
                remove_nulls(value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(remove_nulls),
        _ => {}
    }
}

fn remove_null_entries(map: &mut Value) {
    if let Value::Object(entries) = map {
        entries.retain(|_, value| !value.is_null());
    }
}

/// Removes the values of environment variables that are null, as `value:` with nothing behind it is:
/// the API server takes them for absent.
fn remove_empty_variables(object: &mut Value) {
    let spec = pod_template_path(object).and_then(|path| object.pointer_mut(path)?.get_mut("spec"));
    let Some(spec) = spec else {
        return;
    };
    for containers in ["initContainers", "containers", "ephemeralContainers"] {
        let containers = spec.get_mut(containers).and_then(Value::as_array_mut);
        let environments = containers
            .into_iter()
            .flatten()
            .filter_map(|container| container.get_mut("env")?.as_array_mut());
        for variable in environments.flatten().filter_map(Value::as_object_mut) {
            if variable.get("value").is_some_and(Value::is_null) {
                variable.remove("value");
            }
        }
    }
}

fn remove_server_set(object: &mut Value, status: Option<StatusField>, problems: &mut Vec<Problem>) {
    let is_definition = ManifestView(object).is_definition();
    // Before its uid goes, which tells that it was exported.
    let filled_in = remove_filled_in(object);
    let Some(entries) = object.as_object_mut() else {
        return;
    };
    let mut removed: Vec<String> = Vec::new();
    if take_status(entries, status) && !is_definition {
        removed.push("status".to_owned());
    }
    if let Some(metadata) = entries.get_mut("metadata").and_then(Value::as_object_mut) {
        let listed = SERVER_SET
            .iter()
            .chain(&["creationTimestamp"])
            .filter(|key| metadata.remove(**key).is_some());
        removed.extend(listed.map(|key| format!("metadata.{key}")));
        let annotations = metadata
            .get_mut("annotations")
            .and_then(Value::as_object_mut);
        if annotations
            .and_then(|annotations| annotations.remove(LAST_APPLIED))
            .is_some()
        {
            removed.push(field("/metadata/annotations", LAST_APPLIED));
            if metadata["annotations"] == Value::Object(Map::new()) {
                metadata.remove("annotations");
            }
        }
    }
    removed.extend(filled_in);
    if !removed.is_empty() {
        let list = removed
            .iter()
            .map(|key| format!("`{key}`"))
            .collect::<Vec<_>>()
            .join(", ");
        problems.push(
            Problem::of(
                Check::ServerSetField,
                format!("only the cluster sets {list}, so it is not sent"),
            )
            .hint("remove it from the manifest"),
        );
    }
}

/// Takes the `status` out that is the cluster's, and says whether it held anything.
///
/// Generators write an empty status, and a status with empty lists into CRDs; neither was meant.
fn take_status(entries: &mut Map<String, Value>, status: Option<StatusField>) -> bool {
    let is_empty = |value: &Value| value.is_null() || value.as_object().is_some_and(Map::is_empty);
    match status {
        Some(StatusField::Ordinary) => false,
        None if entries.get("status").is_some_and(|value| !is_empty(value)) => false,
        None | Some(StatusField::Subresource) => {
            let taken = entries.remove("status");
            taken.is_some_and(|value| !is_empty(&value))
        }
    }
}

/// The field `key` of what stands at `place`, as people read it.
fn field(place: &str, key: &str) -> String {
    let mut path = FieldPath::of_pointer(place);
    path.field(key);
    path.to_string()
}

/// Labels, annotations, a `ConfigMap`'s data and environment variables are text. The API server
/// answers anything else, such as an unquoted `yes`, with an unclear error.
fn check_texts(object: &Value, problems: &mut Vec<Problem>) {
    let mut check = |place: &str, value: &Value, shown: &str| {
        if !value.is_string() {
            let message = format!("the value of `{place}` is read as {shown}, which is not text");
            problems.push(Problem::error(message).hint("quote it"));
        }
    };
    for place in [
        "/metadata/labels",
        "/metadata/annotations",
        "/spec/template/metadata/labels",
        "/spec/template/metadata/annotations",
    ] {
        for (key, value) in map(object, place).into_iter().flatten() {
            check(&field(place, key), value, &format!("`{value}`"));
        }
    }
    let data = map(object, "/data").filter(|_| ManifestView(object).is_config_map());
    for (key, value) in data.into_iter().flatten() {
        check(&field("/data", key), value, sort(value));
    }
    for container in pod_spec(object).into_iter().flat_map(containers) {
        for variable in list(container, "/env") {
            if let (Some(name), Some(value)) = (text(variable, "/name"), variable.get("value")) {
                check(&format!("env.{name}"), value, sort(value));
            }
        }
    }
}

/// What `value` is, for places where it may be a secret and is not shown.
fn sort(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

/// Merges `stringData` into `data` as the API server does, where `stringData` wins.
/// <https://kubernetes.io/docs/concepts/configuration/secret/#restriction-names-data>
fn merge_string_data(secret: &mut Value, problems: &mut Vec<Problem>) {
    let Some(entries) = secret.as_object_mut() else {
        return;
    };
    let string_data = entries.remove("stringData");
    let mut data = match entries.remove("data") {
        Some(Value::Object(data)) => canonical(data, problems),
        None | Some(Value::Null) => Map::new(),
        Some(_) => {
            return problems.push(
                Problem::error("`data` is not a map").hint("write it as keys with base64 values"),
            );
        }
    };
    match string_data {
        Some(Value::Object(values)) => {
            for (key, value) in values {
                match value {
                    Value::String(text) => {
                        drop(data.insert(key, Value::String(STANDARD.encode(text))));
                    }
                    _ => problems.push(
                        Problem::error(format!(
                            "the value of `{}` is not text",
                            field("/stringData", &key)
                        ))
                        .hint("quote it"),
                    ),
                }
            }
        }
        None | Some(Value::Null) => {}
        Some(_) => problems.push(
            Problem::error("`stringData` is not a map").hint("write it as keys with text values"),
        ),
    }
    if !data.is_empty() {
        entries.insert("data".to_owned(), Value::Object(data));
    }
}

/// `data` with its values written as the API server writes base64: without line breaks.
fn canonical(data: Map<String, Value>, problems: &mut Vec<Problem>) -> Map<String, Value> {
    let mut result = Map::new();
    for (key, value) in data {
        let bytes = value
            .as_str()
            .map(|text| text.replace(['\n', '\r'], ""))
            .and_then(|text| STANDARD.decode(text).ok());
        match bytes {
            Some(bytes) => drop(result.insert(key, Value::String(STANDARD.encode(bytes)))),
            None => problems.push(
                Problem::error(format!(
                    "the value of `{}` is not base64",
                    field("/data", &key)
                ))
                .hint("encode it, or move the key to `stringData`"),
            ),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn normalised(mut object: Value) -> (Value, Vec<String>) {
        let mut problems = Vec::new();
        normalise(&mut object, Some(StatusField::Subresource), &mut problems);
        (object, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn null_values_go_where_they_mean_nothing() {
        let (object, problems) = normalised(json!({
            "metadata": {"name": "a", "labels": null, "annotations": {"a": null}, "creationTimestamp": null},
            "spec": {
                "strategy": {"type": "Recreate", "rollingUpdate": null},
                "list": [null, {"b": null, "c": 1}],
                "template": {"metadata": {"creationTimestamp": null, "labels": {"a": null}}},
            },
            "data": {"a": null},
            "status": {},
        }));
        assert_eq!(
            object,
            json!({
                "metadata": {"name": "a", "annotations": {}},
                "spec": {
                    "strategy": {"type": "Recreate", "rollingUpdate": null},
                    "list": [null, {"b": null, "c": 1}],
                    "template": {"metadata": {"labels": {}}},
                },
                "data": {},
            })
        );
        assert!(problems.is_empty());
    }

    #[test]
    fn a_variable_without_a_value_has_none() {
        let env = json!([{"name": "A", "value": null}, {"name": "B", "value": null, "valueFrom": {"fieldRef": {}}}, {"name": "C", "value": ""}]);
        let containers = json!({"initContainers": [{"name": "i", "env": env}], "containers": [{"name": "c", "env": env}]});
        let (object, problems) = normalised(
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": containers}}}),
        );
        let kept = json!([{"name": "A"}, {"name": "B", "valueFrom": {"fieldRef": {}}}, {"name": "C", "value": ""}]);
        for containers in ["initContainers", "containers"] {
            let containers = &object["spec"]["template"]["spec"][containers];
            assert_eq!(containers[0]["env"], kept);
        }
        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn what_the_server_sets_goes_with_a_warning() {
        let (object, problems) = normalised(json!({
            "kind": "Pod", "metadata": {"name": "a", "uid": "x", "creationTimestamp": "2024-01-01T00:00:00Z", "annotations": {LAST_APPLIED: "{}", "kept": "x"}}, "status": {"phase": "Running"},
        }));
        assert_eq!(
            object,
            json!({"kind": "Pod", "metadata": {"name": "a", "annotations": {"kept": "x"}}})
        );
        assert_eq!(problems.len(), 1);
        for field in [
            "`status`",
            "`metadata.uid`",
            "`metadata.creationTimestamp`",
            "last-applied-configuration\"]`",
        ] {
            assert!(problems[0].contains(field), "{problems:?}");
        }
    }

    #[test]
    fn data_and_environment_variables_are_text() {
        let (_, problems) = normalised(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"mode": 420, "b": "x"}}),
        );
        assert_eq!(
            problems,
            ["the value of `data.mode` is read as a number, which is not text; quote it"]
        );
        let env = json!([{"name": "PORT", "value": 5432}, {"name": "HOST", "value": "db"}, {"name": "NODE", "valueFrom": {}}]);
        let (_, problems) = normalised(
            json!({"kind": "Job", "spec": {"template": {"spec": {"containers": [{"name": "c", "env": env}]}}}}),
        );
        assert_eq!(
            problems,
            ["the value of `env.PORT` is read as a number, which is not text; quote it"]
        );
        let (_, problems) = normalised(
            json!({"apiVersion": "example.test/v1", "kind": "ConfigMap", "data": {"mode": 420}}),
        );
        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn labels_and_annotations_are_text() {
        let (_, problems) = normalised(
            json!({"metadata": {"labels": {"a": true, "b": "x"}}, "spec": {"template": {"metadata": {"annotations": {"c": 1}}}}}),
        );
        assert_eq!(
            problems,
            [
                "the value of `metadata.labels.a` is read as `true`, which is not text; quote it",
                "the value of `spec.template.metadata.annotations.c` is read as `1`, which is not text; quote it"
            ]
        );
    }

    #[test]
    fn string_data_goes_into_data() {
        let (object, problems) = normalised(
            json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "b2xk", "b": "Yg==\n", "n": null}, "stringData": {"a": "new", "c": "ü"}}),
        );
        assert_eq!(
            object,
            json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "bmV3", "b": "Yg==", "c": "w7w="}})
        );
        assert!(problems.is_empty());
    }

    #[test]
    fn values_of_secrets_are_not_shown() {
        let (_, problems) = normalised(
            json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "hunter2!", "b": 4_711}, "stringData": {"c": 4_712}}),
        );
        assert_eq!(problems.len(), 3);
        assert!(
            problems
                .iter()
                .all(|problem| !problem.contains("hunter2") && !problem.contains("471")),
            "{problems:?}"
        );
    }

    #[test]
    fn a_status_without_a_subresource_is_a_field_like_any_other() {
        let object = |status: Value| json!({"apiVersion": "example.org/v1", "kind": "Gadget", "status": status});
        let normalised = |status: Value, whose: Option<StatusField>| {
            let (mut object, mut problems) = (object(status), Vec::new());
            normalise(&mut object, whose, &mut problems);
            (object.get("status").cloned(), problems.len())
        };
        let full = || json!({"phase": "On"});
        let ordinary = Some(StatusField::Ordinary);
        assert_eq!(normalised(full(), ordinary), (Some(full()), 0));
        assert_eq!(normalised(json!({}), ordinary), (Some(json!({})), 0));
        // The cluster will say it.
        assert_eq!(normalised(full(), None), (Some(full()), 0));
        assert_eq!(normalised(json!({}), None), (None, 0));
        assert_eq!(
            normalised(full(), Some(StatusField::Subresource)),
            (None, 1)
        );
    }
}
