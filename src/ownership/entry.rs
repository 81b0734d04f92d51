//! Our own entry of `managedFields`: whether an object is ours, and whose else it is.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    adoptable::is_at_a_terminal,
    entries::{Entry, entries, same_version},
    path::Path,
};
use crate::object::{HasKind as _, ManifestView, filled_in_paths};

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// The `fieldsV1` of `manager`'s `Apply` entry in `object`: the mark that the object is ours.
pub(crate) fn apply_entry<'a>(object: &'a Value, manager: &str) -> Option<&'a Value> {
    entries(object)
        .find(|entry| is_applied(entry, manager))
        .and_then(|entry| entry.fields_v1())
}

fn is_applied(entry: &Entry<'_>, manager: &str) -> bool {
    entry.manager() == manager && entry.is_apply()
}

/// Whether `object` is ours: `manager` has applied it, or was putting it back and was stopped
/// between the content and its owners, which leaves an entry of another sort. What was not ours
/// before does not carry our label then.
pub(crate) fn is_ours(object: &Value, manager: &str) -> bool {
    let release = manager.strip_prefix("deployctl.");
    let is_labelled = || {
        release
            .zip(ManifestView(object).labels())
            .is_some_and(|(release, labels)| {
                labels.contains_key(&format!("deployctl.dev/{release}"))
            })
    };
    apply_entry(object, manager).is_some()
        || (entries(object).any(|entry| entry.is_half_way_of(manager)) && is_labelled())
}

/// Whether the API server knows which managers hold what of `object`.
pub(crate) fn has_managers(object: &Value) -> bool {
    entries(object).next().is_some()
}

/// Whether `object` is ours to remove: no controller made it. Controllers copy labels, and what they
/// make goes with its owner.
pub(crate) fn is_ours_to_remove(object: &Value, manager: &str) -> bool {
    is_ours(object, manager) && ManifestView(object).controller().is_none()
}

/// Whether `fields` holds the path of plain field names, for example `["spec", "replicas"]`.
fn owns(fields: &Value, path: &[&str]) -> bool {
    path.iter()
        .try_fold(fields, |fields, name| fields.get(format!("f:{name}")))
        .is_some()
}

/// A JSON patch that takes the field at `path` out of `manager`'s `Apply` entry, so that it is
/// given up without being reset; `None` where it is not owned.
///
/// Leaving an owned field out of an apply deletes it, and the API server then puts its default
/// there: five replicas would become one.
pub(crate) fn give_up(object: &Value, manager: &str, path: &[&str]) -> Option<Value> {
    give_up_all(object, manager, &[path])
}

/// [`give_up`] of what the control plane and well-known controllers fill in and `sent` does not
/// hold: what a manifest once said of it, and we took over, is theirs.
pub(crate) fn give_up_filled_in(object: &Value, sent: &Value, manager: &str) -> Option<Value> {
    let is_sent = |path: &[&str]| Path::of_fields(path).get(sent).is_some();
    let paths = filled_in_paths(object);
    let left: Vec<&[&str]> = paths
        .iter()
        .map(Vec::as_slice)
        .filter(|path| !is_sent(path))
        .collect();
    give_up_all(object, manager, &left)
}

fn give_up_all(object: &Value, manager: &str, paths: &[&[&str]]) -> Option<Value> {
    let fields = apply_entry(object, manager)?;
    let index = entries(object).position(|entry| is_applied(&entry, manager))?;
    let removal = |path: &&[&str]| {
        let parts = path.iter();
        let field: Vec<String> = parts
            .map(|name| format!("/f:{}", name.replace('~', "~0").replace('/', "~1")))
            .collect();
        let field = field.concat();
        json!({"op": "remove", "path": format!("/metadata/managedFields/{index}/fieldsV1{field}")})
    };
    let owned: Vec<Value> = paths
        .iter()
        .filter(|path| owns(fields, path))
        .map(removal)
        .collect();
    (!owned.is_empty()).then(|| [same_version(object)].into_iter().chain(owned).collect())
}

/// The releases (`PLAN.ENV`) other than that of `manager` that apply `object`.
pub(crate) fn other_releases(object: &Value, manager: &str) -> Vec<String> {
    let release = |manager: &String| manager.strip_prefix("deployctl.").map(str::to_owned);
    other_appliers(object, manager)
        .iter()
        .filter_map(release)
        .collect()
}

/// Controllers of the control plane that apply: they fill in what somebody else wants, and want no
/// object for themselves.
///
/// kube-controller-manager's `clusterroleaggregation` writes the rules of aggregated `ClusterRole`s;
/// the others write statuses, which their subresource tells as well.
const CONTROL_PLANE: [&str; 4] = [
    "clusterrole-aggregation-controller",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
];

/// The managers other than `manager` that apply `object`, other releases included: it is not ours
/// alone. Who applies a subresource, and the control plane, only fill it in.
pub(crate) fn other_appliers(object: &Value, manager: &str) -> Vec<String> {
    let owns = |entry: &Entry<'_>| {
        entry.is_apply()
            && entry.subresource().is_empty()
            && entry.manager() != manager
            && !CONTROL_PLANE.contains(&entry.manager())
    };
    entries(object)
        .filter(owns)
        .map(|entry| entry.manager().to_owned())
        .collect()
}

/// Whether others have taken `now`, which is ours, over since it was `decided` about: it has another
/// controller as its owner, others apply it, or, of a ConfigMap or Secret, they have written
/// contents of it.
///
/// An operator that is given an object by name may write it by any of these ways.
pub(crate) fn is_handed_over(decided: &Value, now: &Value, manager: &str) -> bool {
    let controller = |object| ManifestView(object).controller().map(|owner| owner.uid);
    let new_appliers = || {
        let known = other_appliers(decided, manager);
        let appliers = other_appliers(now, manager);
        appliers.iter().any(|applier| !known.contains(applier))
    };
    let new_writers = || {
        let known = writers_of_contents(decided, manager);
        let writers = writers_of_contents(now, manager);
        ManifestView(now).is_configuration() && writers.iter().any(|writer| !known.contains(writer))
    };
    is_ours(now, manager)
        && (controller(now).is_some() && controller(now) != controller(decided)
            || new_appliers()
            || new_writers())
}

/// The managers other than `manager` that hold some of the contents of `object`, a ConfigMap or
/// Secret. Who edits them at a terminal does not look after them.
fn writers_of_contents<'a>(object: &'a Value, manager: &str) -> Vec<&'a str> {
    let holds_contents = |entry: &Entry<'_>| {
        let fields = entry.fields_v1();
        entry.manager() != manager
            && !is_at_a_terminal(entry)
            && ["data", "binaryData"]
                .iter()
                .any(|part| fields.is_some_and(|fields| owns(fields, &[part])))
    };
    entries(object)
        .filter(holds_contents)
        .map(|entry| entry.manager())
        .collect()
}

/// Whether `manager` created `object`: an entry of it is as old as the object, within a second, the
/// precision of both times.
///
/// Only for an object that was absent before: an applier's entry gets a new time with every apply
/// that changes something.
pub(crate) fn written_at_creation(object: &Value, manager: &str) -> bool {
    let Some(created) = ManifestView(object).created() else {
        return false;
    };
    let is_at_creation = |entry: &Entry<'_>| {
        let time = entry.time().and_then(|time| time.parse::<Timestamp>().ok());
        time.is_some_and(|time| time.duration_since(created).abs() <= SECOND)
    };
    entries(object)
        .filter(|entry| entry.manager() == manager && entry.subresource().is_empty())
        .any(|entry| is_at_creation(&entry))
}

/// What controllers write at once into what others have created: finalizers and annotations, their
/// status, and what a ServiceAccount gets on `OpenShift`.
const GIVEN_BY_CONTROLLERS: [&str; 4] =
    ["f:metadata", "f:status", "f:secrets", "f:imagePullSecrets"];

/// Whether `entry` holds what only whoever wants the object gives it; a claim gets its volume from
/// the control plane.
fn gives_contents(entry: &Entry<'_>) -> bool {
    let fields = entry.fields_v1().and_then(Value::as_object);
    let is_bound = |name: &str, below: &Value| {
        let names = below.as_object().map(|below| below.keys());
        name == "f:spec" && names.is_some_and(|mut names| names.all(|name| name == "f:volumeName"))
    };
    fields.is_some_and(|fields| {
        fields
            .iter()
            .filter(|(name, _)| !GIVEN_BY_CONTROLLERS.contains(&name.as_str()))
            .any(|(name, below)| !is_bound(name, below))
    })
}

/// Whether `manager` created `object` for certain: it was [written then](written_at_creation), and
/// nobody else gave it contents as early. Times are in seconds: of two that wrote within the same one
/// nobody can tell whose the object is.
pub(crate) fn is_created_by(object: &Value, manager: &str) -> bool {
    let created = ManifestView(object).created();
    let is_as_old = |entry: &Entry<'_>| {
        let time = entry.time().and_then(|time| time.parse::<Timestamp>().ok());
        time.zip(created)
            .is_some_and(|(time, created)| time <= created)
    };
    let mut others = entries(object)
        .filter(|entry| entry.manager() != manager && entry.subresource() != "status")
        .filter(gives_contents);
    written_at_creation(object, manager) && !others.any(|entry| is_as_old(&entry))
}

#[cfg(test)]
mod tests {
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
    fn what_others_have_taken_over_since_is_known() {
        let us = "deployctl.shop.dev";
        let stored = |owner: &str, others: &[(&str, &str)]| {
            let mut managers = vec![
                json!({"manager": us, "operation": "Apply", "fieldsV1": {"f:data": {"f:a": {}}}}),
            ];
            managers.extend(others.iter().map(|(manager, operation)| {
                json!({"manager": manager, "operation": operation, "fieldsV1": {"f:data": {"f:a": {}}}})
            }));
            let mut object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"managedFields": managers}});
            if !owner.is_empty() {
                object["metadata"]["ownerReferences"] = json!([{"uid": owner, "controller": true}]);
            }
            object
        };
        let alone = stored("", &[]);
        for taken in [
            stored("o", &[]),
            stored("", &[("operator", "Apply")]),
            stored("", &[("operator", "Update")]),
        ] {
            assert!(is_handed_over(&alone, &taken, us));
            assert!(!is_handed_over(&taken, &taken, us), "known before");
            assert!(!is_handed_over(&alone, &taken, "deployctl.shop.prod"));
        }
        let edited = stored("", &[("kubectl-edit", "Update")]);
        assert!(!is_handed_over(&alone, &edited, us), "nobody's to keep");
        assert!(is_handed_over(&stored("a", &[]), &stored("b", &[]), us));
        assert!(!is_handed_over(&stored("a", &[]), &alone, us));
        let mut workload = stored("", &[("operator", "Update")]);
        workload["kind"] = json!("Service");
        assert!(!is_handed_over(&alone, &workload, us));
    }

    #[test]
    fn what_is_half_put_back_is_ours_where_it_was_ours_before() {
        let entry = json!({"manager": "deployctl.shop.dev", "operation": "Update", "fieldsV1": {"f:data": {}}});
        let ours = json!({"metadata": {"labels": {"deployctl.dev/shop.dev": ""}, "managedFields": [entry]}});
        assert!(is_ours(&ours, "deployctl.shop.dev") && !is_ours(&ours, "deployctl.shop.prod"));
        assert!(!is_ours(
            &json!({"metadata": {"managedFields": [entry]}}),
            "deployctl.shop.dev"
        ));
        assert!(is_ours(&object(), "deployctl.shop.dev"));
    }

    #[test]
    fn what_controllers_fill_in_is_given_up_where_it_is_not_sent() {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"resourceVersion": "7",
            "annotations": {"deployment.kubernetes.io/revision": "3", "team": "a"},
            "managedFields": [{"manager": "deployctl.shop.dev", "operation": "Apply", "fieldsV1": {"f:metadata": {"f:annotations": {"f:deployment.kubernetes.io/revision": {}, "f:team": {}}}}}],
        }});
        let sent = json!({"metadata": {"annotations": {"team": "a"}}});
        let patch = give_up_filled_in(&object, &sent, "deployctl.shop.dev").expect("it is owned");
        assert_eq!(
            patch[1]["path"],
            "/metadata/managedFields/0/fieldsV1/f:metadata/f:annotations/f:deployment.kubernetes.io~1revision"
        );
        assert_eq!(patch.as_array().map(Vec::len), Some(2));
        assert_eq!(
            give_up_filled_in(&object, &object, "deployctl.shop.dev"),
            None
        );
    }

    #[test]
    fn giving_up_a_field_touches_only_our_entry() {
        let mut object = object();
        object["metadata"]["resourceVersion"] = "7".into();
        let patch = give_up(&object, "deployctl.shop.dev", &["spec", "replicas"]).expect("owned");
        assert_eq!(patch[0]["value"], "7");
        assert_eq!(
            patch[1]["path"],
            "/metadata/managedFields/1/fieldsV1/f:spec/f:replicas"
        );
        assert!(give_up(&object, "deployctl.shop.dev", &["spec", "paused"]).is_none());
    }

    #[test]
    fn other_appliers_are_told_apart_from_other_releases() {
        let mut object = object();
        let other = json!({"manager": "deployctl.base.prod", "operation": "Apply", "fieldsV1": {}});
        object["metadata"]["managedFields"]
            .as_array_mut()
            .expect("a list")
            .push(other);
        assert_eq!(
            other_appliers(&object, "deployctl.shop.dev"),
            ["kubectl", "deployctl.base.prod"]
        );
        assert_eq!(other_releases(&object, "deployctl.shop.dev"), ["base.prod"]);
        assert_eq!(other_releases(&object, "deployctl.base.prod"), ["shop.dev"]);
    }

    #[test]
    fn whoever_wrote_when_the_object_was_created_created_it() {
        let object = |time: &str| {
            let entry = json!({"manager": "deployctl.shop.dev", "operation": "Apply", "time": time, "fieldsV1": {}});
            json!({"metadata": {"creationTimestamp": "2026-01-01T00:00:00Z", "managedFields": [entry]}})
        };
        assert!(written_at_creation(
            &object("2026-01-01T00:00:01Z"),
            "deployctl.shop.dev"
        ));
        assert!(!written_at_creation(
            &object("2026-01-01T00:00:02Z"),
            "deployctl.shop.dev"
        ));
        assert!(!written_at_creation(
            &object("2026-01-01T00:00:00Z"),
            "deployctl.shop.prod"
        ));
        assert!(!written_at_creation(
            &json!({"metadata": {}}),
            "deployctl.shop.dev"
        ));
    }

    #[test]
    fn nobody_created_for_certain_what_another_wrote_as_early() {
        let us = "deployctl.shop.dev";
        let object = |time: &str, subresource: &str, fields: Value| {
            json!({"metadata": {"creationTimestamp": "2026-01-01T00:00:01Z", "managedFields": [
                {"manager": us, "operation": "Apply", "time": "2026-01-01T00:00:01Z", "fieldsV1": {}},
                {"manager": "operator", "operation": "Update", "time": time, "subresource": subresource, "fieldsV1": fields},
            ]}})
        };
        let data = || json!({"f:data": {"f:theirs": {}}});
        // The entry of whoever creates an object may be a little older than the object.
        for time in ["2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"] {
            assert!(!is_created_by(&object(time, "", data()), us));
            assert!(is_created_by(&object(time, "status", data()), us));
        }
        let later = object("2026-01-01T00:00:02Z", "", data());
        assert!(is_created_by(&later, us));
        assert!(!is_created_by(&later, "deployctl.shop.prod"));
        for reaction in [
            json!({"f:metadata": {"f:finalizers": {}}}),
            json!({"f:metadata": {"f:annotations": {}}, "f:spec": {"f:volumeName": {}}}),
        ] {
            let now = object("2026-01-01T00:00:01Z", "", reaction);
            assert!(is_created_by(&now, us), "{now}");
        }
    }
}
