//! What an apply leaves behind that nobody holds: values that the API server gave a field by
//! default, and that contradict what is wanted instead of it.

use std::borrow::Cow;

use serde_json::Value;

use super::{adoptable::Adoption, entries::Entry, path::Path, search::Search};

/// A field of an object that no manager wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leftover {
    /// Where it is.
    pub(crate) path: Path,
    /// Whether it is a map or a list: unions are made of such.
    pub(crate) has_parts: bool,
}

/// The fields of `live` beside those in `sent` that nobody holds but `manager`, and `kubectl apply`
/// from before it: those that an apply of `sent` leaves, though nobody wants them.
///
/// An apply takes away what its manager held and does not send any more, and nothing else: of
/// `httpGet: {path: /, port: 80}` it leaves the defaulted `scheme`, of a strategy
/// `RollingUpdate` without numbers the defaulted numbers. Where something else is wanted in their
/// place, the API server then finds both.
/// <https://github.com/kubernetes/kubernetes/issues/24198>
pub(crate) fn leftovers(live: &Value, sent: &Value, manager: &str) -> Vec<Leftover> {
    let adoption = Adoption::of(live, manager);
    let is_other =
        |entry: &Entry<'_>| entry.manager() != manager && !adoption.is_from_others(entry);
    let search = Search::of(live, is_other);
    let mut found = Vec::new();
    for (path, there, wanted) in search.fields(sent) {
        beside(&search, &path, (there, wanted), &mut found);
    }
    found
}

/// `sent` without the nulls at the paths `cleared`: an apply that holds a null leaves what is there.
pub(crate) fn clearing<'a>(sent: &'a Value, cleared: &[Path]) -> Cow<'a, Value> {
    let mut body = Cow::Borrowed(sent);
    for path in cleared.iter().filter(|path| path.get(sent).is_some()) {
        path.remove(body.to_mut());
    }
    body
}

fn beside(
    search: &Search<'_>,
    path: &Path,
    (live, sent): (&Value, &Value),
    found: &mut Vec<Leftover>,
) {
    match (live, sent) {
        (Value::Object(fields), Value::Object(wanted)) => {
            for (name, there) in fields {
                let path = path.field(name);
                match wanted.get(name) {
                    Some(wanted) if !wanted.is_null() => {
                        beside(search, &path, (there, wanted), found);
                    }
                    _ if search.is_held(&path) => {}
                    _ => found.push(Leftover {
                        path,
                        has_parts: there.is_object() || there.is_array(),
                    }),
                }
            }
        }
        (Value::Array(_), Value::Array(_)) => {
            let items = |list| search.shape.items(path, list).unwrap_or_default();
            let wanted = items(sent);
            for (name, there) in items(live) {
                if let Some((_, wanted)) = wanted.iter().find(|(other, _)| *other == name) {
                    beside(search, &path.child(name), (there, wanted), found);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MANAGER: &str = "deployctl.shop.dev";

    fn found(live: &Value, sent: &Value) -> Vec<String> {
        let found = leftovers(live, sent, MANAGER);
        found.iter().map(|left| left.path.to_string()).collect()
    }

    #[test]
    fn what_was_defaulted_beside_what_is_wanted_is_left_over() {
        let live = json!({"metadata": {"name": "a", "managedFields": [
            {"manager": MANAGER, "operation": "Apply", "fieldsV1": {"f:spec": {"f:selector": {}}}},
        ]}, "spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}}}, "status": {}});
        let mut sent =
            json!({"metadata": {"name": "a"}, "spec": {"strategy": {"type": "Recreate"}}});
        assert_eq!(found(&live, &sent), ["spec.strategy.rollingUpdate"]);
        // What people write to get rid of it.
        let wanted = sent.clone();
        sent["spec"]["strategy"]["rollingUpdate"] = Value::Null;
        assert_eq!(found(&live, &sent), ["spec.strategy.rollingUpdate"]);
        let cleared: Vec<Path> = leftovers(&live, &sent, MANAGER)
            .into_iter()
            .map(|left| left.path)
            .collect();
        assert_eq!(*clearing(&sent, &cleared), wanted);
    }

    #[test]
    fn what_others_hold_is_not() {
        let live = json!({"metadata": {"managedFields": [
            {"manager": "autoscaler", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            {"manager": "kubectl-client-side-apply", "operation": "Update", "fieldsV1": {"f:spec": {"f:paused": {}}}},
        ]}, "spec": {"replicas": 3, "paused": true, "minReadySeconds": 1}});
        let sent = json!({"spec": {"minReadySeconds": 1}});
        assert_eq!(found(&live, &sent), ["spec.paused"]);
    }

    #[test]
    fn items_of_lists_are_found_by_their_keys() {
        let container = |name: &str, probe: Value| json!({"name": name, "livenessProbe": probe});
        let fields =
            json!({"f:spec": {"f:containers": {"k:{\"name\":\"b\"}": {".": {}, "f:name": {}}}}});
        let live = json!({"metadata": {"managedFields": [{"manager": MANAGER, "operation": "Apply", "fieldsV1": fields}]}, "spec": {"containers": [
            container("a", json!({"httpGet": {"scheme": "HTTP"}})),
            container("b", json!({"httpGet": {"scheme": "HTTP"}, "periodSeconds": 10})),
        ]}});
        let sent =
            json!({"spec": {"containers": [container("b", json!({"tcpSocket": {"port": 80}}))]}});
        assert_eq!(
            found(&live, &sent),
            [
                "spec.containers[name=\"b\"].livenessProbe.httpGet",
                "spec.containers[name=\"b\"].livenessProbe.periodSeconds"
            ]
        );
    }
}
