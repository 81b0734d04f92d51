//! Taking over what `kubectl apply` sent, and giving an object up as a whole.

use serde_json::{Value, json};

use super::{
    adoptable::{Adoption, is_at_a_terminal},
    entries::{Entry, entries, owners_operation, same_version},
    fields::Fields,
    path::{Element, Path},
};
use crate::object::{HasKind as _, ManifestView};

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A JSON patch that makes `manager` the applier of what `kubectl apply` sent, and when it writes the
/// object for the first time, of what kubectl and Helm wrote otherwise ([`Adoption`]), so that fields
/// that are not sent any more really go; `None` where there is nothing to take over. It fails with
/// 409 where `live` is not what is stored any more.
///
/// Moved are also the fields that an interrupted way back of `manager` left behind, which would stay
/// for ever where they are not wanted any more; the annotation in which kubectl keeps what it sent
/// goes, because it would be wrong from now on. The new entry has no time: it is not as old as the
/// object, which would say that we have created it.
/// <https://kubernetes.io/docs/reference/using-api/server-side-apply/#upgrading-from-client-side-apply-to-server-side-apply>
pub(crate) fn adoption(live: &Value, manager: &str) -> Option<Value> {
    let all: Vec<Entry<'_>> = entries(live).collect();
    let adoption = Adoption::of(live, manager);
    let ours = all.iter().find(|entry| entry.is_applied_by(manager));
    let (taken, others): (Vec<&Entry<'_>>, Vec<&Entry<'_>>) = all
        .iter()
        .filter(|entry| !entry.is_applied_by(manager))
        .partition(|entry| adoption.takes(entry));
    let parts: Vec<Path> = others
        .iter()
        .filter_map(|other| adoption.takes_of(other))
        .collect();
    let model = ours
        .or_else(|| newest(&taken, live))
        .or(others.first().copied());
    let version = model?.api_version();
    if taken.is_empty() && parts.is_empty() {
        return None;
    }
    let held = |entry: &&Entry<'_>| paths_in(version, entry, live);
    // Taking a map away takes along what others have put into it since.
    let is_shared = |path: &Path| others.iter().any(|other| other.fields().goes_below(path));
    let moved = taken.iter().flat_map(held);
    let moved = moved.filter(|path| adoption.holds(path) && !is_shared(path));
    let kept = ours.into_iter().flat_map(|entry| entry.fields().iter());
    let merged: Fields = kept.cloned().chain(moved).chain(parts).collect();
    let merged = merged.iter().map(|path| as_stored(path, live)).collect();
    let blank = Entry::blank(manager, version);
    let adopted = ours
        .cloned()
        .unwrap_or_else(|| Entry::of(&blank))
        .with_fields(merged);
    let annotation = Path::of_fields(&["metadata", "annotations", LAST_APPLIED]);
    let gone = removed(&annotation, live);
    let others = others
        .into_iter()
        .map(|other| match adoption.takes_of(other) {
            Some(taken) => without(other, &taken),
            None => other.clone(),
        });
    Some(patch(live, others.chain([adopted]), gone.as_ref()))
}

/// `entry` without `path`.
fn without<'a>(entry: &Entry<'a>, path: &Path) -> Entry<'a> {
    let left = entry.fields().iter().filter(|other| *other != path);
    entry.with_fields(left.cloned().collect())
}

/// Of `taken`, the entry whose version of the API the new one has: of the version that `live` was
/// read in, if there is one, and of these the newest.
fn newest<'e, 'a>(taken: &[&'e Entry<'a>], live: &Value) -> Option<&'e Entry<'a>> {
    let version = ManifestView(live).api_version();
    let rank = |entry: &&&Entry<'a>| (entry.api_version() == version, entry.time());
    taken.iter().max_by_key(rank).copied()
}

/// The paths of `entry` in `version` of the API. An applier has one entry, of one version: of what
/// was written in another one counts what `live` has at the same path.
fn paths_in(version: &str, entry: &Entry<'_>, live: &Value) -> Vec<Path> {
    let is_same = entry.api_version() == version;
    let paths = entry.fields().iter();
    paths
        .filter(|path| is_same || as_stored(path, live).get(live).is_some())
        .cloned()
        .collect()
}

/// A JSON patch that makes `manager` an applier of what is at `paths`, so that an apply that does not
/// send it takes it away; `None` where there is nothing of it that `manager` does not hold already.
/// What somebody holds there who was at a terminal is taken from them. It fails with 409 where `live`
/// is not what is stored any more.
///
/// An explicit null would not do: an apply holds it then, and leaves the value where it is (tried on
/// 1.36).
pub(crate) fn hold(live: &Value, manager: &str, paths: &[Path]) -> Option<Value> {
    let all: Vec<Entry<'_>> = entries(live).collect();
    let blank = Entry::blank(manager, ManifestView(live).api_version());
    let ours = all.iter().find(|entry| entry.is_applied_by(manager));
    let ours = ours.cloned().unwrap_or_else(|| Entry::of(&blank));
    let is_new = |path: &&Path| path.get(live).is_some() && !ours.fields().contains(path);
    let new: Vec<&Path> = paths.iter().filter(is_new).collect();
    if new.is_empty() {
        return None;
    }
    let held: Fields = ours.fields().iter().chain(new).cloned().collect();
    let is_taken = |path: &&Path| !paths.iter().any(|taken| path.is_within(taken));
    let left = |entry: &Entry<'_>| entry.fields().iter().filter(is_taken).cloned().collect();
    let others = all
        .iter()
        .filter(|entry| !entry.is_applied_by(manager))
        .map(|entry| {
            if is_at_a_terminal(entry) {
                entry.with_fields(left(entry))
            } else {
                entry.clone()
            }
        });
    Some(patch(live, others.chain([ours.with_fields(held)]), None))
}

/// A JSON patch that makes the object no longer ours: it takes away the entries of `manager` and
/// the label of the release, and leaves everything else as it is. `None` where there is nothing of
/// ours. It fails with 409 where `live` is not what is stored any more.
///
/// For an object that others apply as well, which must not be deleted.
pub(crate) fn give_up_object(live: &Value, manager: &str, label: &str) -> Option<Value> {
    let all: Vec<Entry<'_>> = entries(live).collect();
    let label = Path::of_fields(&["metadata", "labels", label]);
    let gone = removed(&label, live);
    if gone.is_none() && all.iter().all(|entry| entry.manager() != manager) {
        return None;
    }
    let others = all.into_iter().filter(|entry| entry.manager() != manager);
    Some(patch(live, others, gone.as_ref()))
}

/// The patch that sets `entries`, without what is at `gone`, and removes that.
pub(super) fn patch<'a>(
    live: &Value,
    entries: impl Iterator<Item = Entry<'a>>,
    gone: Option<&Path>,
) -> Value {
    let left = |entry: &Entry<'a>| {
        let fields = entry
            .fields()
            .iter()
            .filter(|path| gone.is_none_or(|gone| !path.is_within(gone)));
        entry.with_fields(fields.cloned().collect())
    };
    let entries = entries
        .map(|entry| left(&entry))
        .filter(|entry| !entry.fields().is_empty());
    let removal = gone.map(|path| json!({"op": "remove", "path": pointer(path)}));
    let operations = [
        same_version(live),
        owners_operation(entries.map(|entry| entry.to_value()).collect()),
    ];
    operations.into_iter().chain(removal).collect()
}

/// What has to be removed so that nothing is at `path`: also the map around it, where nothing else
/// is in it.
fn removed(path: &Path, live: &Value) -> Option<Path> {
    path.get(live)?;
    let (map, _) = path.split_last()?;
    let is_alone = map.get(live)?.as_object()?.len() == 1;
    Some(if is_alone { map } else { path.clone() })
}

/// `path`, as the API server stores what is there: a Secret's `stringData` is merged into `data`.
fn as_stored(path: &Path, live: &Value) -> Path {
    let mut elements = path.elements().to_vec();
    match elements.first_mut() {
        Some(Element::Field(name)) if name == "stringData" && ManifestView(live).is_secret() => {
            "data".clone_into(name);
        }
        _ => {}
    }
    Path::of_elements(elements)
}

/// The JSON pointer (RFC 6901) of a path of field names.
fn pointer(path: &Path) -> String {
    let name = |element: &Element| match element {
        Element::Field(name) => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
        _ => String::new(),
    };
    path.elements().iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::tests::recorded::recorded, *};

    const OURS: &str = "deployctl.shop.dev";

    fn owners(patch: &Value) -> Vec<(String, String)> {
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        patch[1]["value"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|entry| (text(entry, "manager"), text(entry, "operation")))
            .collect()
    }

    fn owner<'a>(patch: &'a Value, manager: &str) -> &'a Value {
        patch[1]["value"]
            .as_array()
            .expect("a list")
            .iter()
            .find(|entry| entry["manager"] == manager)
            .expect("an entry")
    }

    #[test]
    fn what_nobody_holds_is_held_to_be_taken_away() {
        let live = json!({"apiVersion": "apps/v1", "metadata": {"resourceVersion": "7", "managedFields": [
            {"manager": OURS, "operation": "Apply", "apiVersion": "apps/v1", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            {"manager": "other", "operation": "Update", "apiVersion": "apps/v1", "fieldsV1": {"f:spec": {"f:paused": {}}}},
        ]}, "spec": {"replicas": 1, "strategy": {"rollingUpdate": {"maxSurge": 1}}}});
        let left = Path::of_fields(&["spec", "strategy", "rollingUpdate"]);
        let absent = Path::of_fields(&["spec", "absent"]);
        let patch = hold(&live, OURS, &[left.clone(), absent.clone()]).expect("it is new");
        assert_eq!(
            owner(&patch, OURS)["fieldsV1"],
            json!({"f:spec": {"f:replicas": {}, "f:strategy": {"f:rollingUpdate": {}}}})
        );
        assert_eq!(owners(&patch).len(), 2, "others stay");
        assert_eq!(hold(&live, OURS, &[absent]), None);
    }

    #[test]
    fn what_an_interrupted_way_back_left_becomes_ours_altogether() {
        let entry = |operation: &str, fields: Value| json!({"manager": OURS, "operation": operation, "apiVersion": "v1", "fieldsV1": fields});
        let live = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1", "b": "2"}, "metadata": {"resourceVersion": "7", "managedFields": [
            entry("Apply", json!({"f:data": {"f:a": {}}})), entry("Update", json!({"f:data": {"f:b": {}}}))]}});
        let patch = adoption(&live, OURS).expect("something to adopt");
        assert_eq!(owners(&patch), [(OURS.to_owned(), "Apply".to_owned())]);
        assert_eq!(
            owner(&patch, OURS)["fieldsV1"],
            json!({"f:data": {"f:a": {}, "f:b": {}}})
        );
    }

    #[test]
    fn what_kubectl_applied_becomes_ours_and_its_annotation_goes() {
        let live = recorded("deployment.before");
        let patch = adoption(&live, OURS).expect("something to adopt");
        assert_eq!(
            patch[0],
            json!({"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]})
        );
        let removed = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";
        assert_eq!(patch[2], json!({"op": "remove", "path": removed}));
        let names: Vec<String> = owners(&patch)
            .into_iter()
            .map(|(manager, operation)| format!("{manager} {operation}"))
            .collect();
        assert_eq!(
            names,
            [
                "hpa Update",
                "kube-controller-manager Update",
                "deployctl.shop.dev Apply"
            ]
        );
        let ours = Fields::of(&owner(&patch, OURS)["fieldsV1"]);
        assert!(ours.reaches(&Path::of_fields(&[
            "spec",
            "template",
            "spec",
            "containers"
        ])));
        assert!(!ours.reaches(&Path::of_fields(&["metadata", "annotations", LAST_APPLIED])));
        assert!(owner(&patch, OURS).get("time").is_none());
    }

    #[test]
    fn the_fields_join_those_that_we_have() {
        let live = recorded("deployment.after");
        let patch = adoption(&live, OURS).expect("something to adopt");
        let ours = Fields::of(&owner(&patch, OURS)["fieldsV1"]);
        assert!(ours.contains(&Path::of_fields(&[
            "metadata",
            "labels",
            "deployctl.dev/shop.dev"
        ])));
        assert!(ours.contains(&Path::of_fields(&["spec", "progressDeadlineSeconds"])));
        assert_eq!(
            owners(&patch)
                .iter()
                .filter(|(manager, _)| manager == OURS)
                .count(),
            1
        );
    }

    #[test]
    fn the_map_around_the_annotation_goes_where_nothing_else_is_in_it() {
        let patch = adoption(&recorded("secret.before"), OURS).expect("something to adopt");
        assert_eq!(
            patch[2],
            json!({"op": "remove", "path": "/metadata/annotations"})
        );
        assert!(
            !Fields::of(&owner(&patch, OURS)["fieldsV1"]).reaches(&Path::of_fields(&["metadata"]))
        );
    }

    #[test]
    fn the_string_data_of_a_secret_is_owned_as_data() {
        let mut live = recorded("secret.before");
        let fields = json!({"f:stringData": {"f:token": {}}});
        live["metadata"]["managedFields"]
            .as_array_mut()
            .expect("a list")
            .push(json!({"manager": OURS, "operation": "Apply", "apiVersion": "v1", "fieldsV1": fields}));
        let patch = adoption(&live, OURS).expect("something to adopt");
        assert_eq!(
            owner(&patch, OURS)["fieldsV1"]["f:data"],
            json!({".": {}, "f:password": {}, "f:token": {}, "f:user": {}})
        );
        assert!(
            owner(&patch, OURS)["fieldsV1"]
                .get("f:stringData")
                .is_none()
        );
    }

    #[test]
    fn what_no_kubectl_applied_is_not_adopted() {
        for name in ["service.before", "statefulset.before", "autoscaler.before"] {
            assert_eq!(adoption(&recorded(name), OURS), None, "{name}");
        }
    }

    /// What `by` wrote in several versions of the API.
    fn in_versions(by: &str) -> Value {
        let entry = |version: &str, fields: Value| json!({"manager": by, "operation": "Update", "apiVersion": version, "fieldsV1": fields});
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"resourceVersion": "7", "managedFields": [
            entry("apps/v1beta1", json!({"f:spec": {"f:paused": {}, "f:rollbackTo": {}}})),
            entry("apps/v1", json!({"f:spec": {"f:replicas": {}}})),
        ]}, "spec": {"paused": true, "replicas": 1}})
    }

    #[test]
    fn entries_of_several_versions_of_the_api_are_taken_over_as_far_as_they_say_the_same() {
        let patch =
            adoption(&in_versions("kubectl-client-side-apply"), OURS).expect("something to adopt");
        assert_eq!(owners(&patch), [(OURS.to_owned(), "Apply".to_owned())]);
        let ours = owner(&patch, OURS);
        assert_eq!(ours["apiVersion"], "apps/v1");
        assert_eq!(
            ours["fieldsV1"],
            json!({"f:spec": {"f:paused": {}, "f:replicas": {}}})
        );
    }

    #[test]
    fn all_that_kubectl_and_helm_wrote_is_taken_over_the_first_time_and_nobody_elses() {
        let entry = |manager: &str, operation: &str, subresource: &str, field: &str| {
            json!({"manager": manager, "operation": operation, "subresource": subresource, "apiVersion": "v1",
                "fieldsV1": {"f:data": {format!("f:{field}"): {}}}})
        };
        let mut managed = vec![
            entry("kubectl", "Apply", "", "applied"),
            entry("kubectl-create", "Update", "", "created"),
            entry("kubectl-edit", "Update", "", "edited"),
            entry("kubectl-replace", "Update", "", "replaced"),
            entry("kubectl-set", "Update", "", "set"),
            entry("helm", "Update", "", "installed"),
            entry("kubectl-label", "Update", "", "labelled"),
            entry("kubectl", "Update", "scale", "scaled"),
            entry("argocd-controller", "Apply", "", "synced"),
        ];
        let live = |managed: &[Value]| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"resourceVersion": "7", "managedFields": managed}});
        let patch = adoption(&live(&managed), OURS).expect("something to adopt");
        let left: Vec<String> = owners(&patch).into_iter().map(|(name, _)| name).collect();
        assert_eq!(
            left,
            ["kubectl-label", "kubectl", "argocd-controller", OURS]
        );
        let names = [
            "applied",
            "created",
            "edited",
            "installed",
            "replaced",
            "set",
        ];
        let fields: serde_json::Map<String, Value> = names
            .into_iter()
            .map(|name| (format!("f:{name}"), json!({})))
            .collect();
        assert_eq!(owner(&patch, OURS)["fieldsV1"], json!({"f:data": fields}));

        managed.push(entry(OURS, "Apply", "", "ours"));
        assert_eq!(adoption(&live(&managed), OURS), None, "it is ours already");
    }

    #[test]
    fn what_others_have_put_into_a_map_since_does_not_go_with_it() {
        let entry = |manager: &str, fields: Value| json!({"manager": manager, "operation": "Update", "apiVersion": "v1", "fieldsV1": fields});
        let live = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"x": "1"}, "metadata": {"resourceVersion": "7", "managedFields": [
            entry("kubectl-create", json!({"f:data": {}, "f:status": {}, "f:immutable": {}})),
            entry("operator", json!({"f:data": {"f:x": {}}})),
        ]}});
        let patch = adoption(&live, OURS).expect("something to adopt");
        assert_eq!(owner(&patch, OURS)["fieldsV1"], json!({"f:immutable": {}}));
        assert_eq!(
            owner(&patch, "operator")["fieldsV1"],
            json!({"f:data": {"f:x": {}}})
        );
    }

    #[test]
    fn what_was_filled_in_for_good_stays_without_a_holder() {
        let live = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"resourceVersion": "7", "managedFields": [
            {"manager": "kubectl-run", "operation": "Update", "apiVersion": "v1", "fieldsV1":
                {"f:metadata": {"f:labels": {"f:run": {}}}, "f:spec": {"f:tolerations": {}}}},
        ]}});
        let patch = adoption(&live, OURS).expect("something to adopt");
        assert_eq!(
            owner(&patch, OURS)["fieldsV1"],
            json!({"f:metadata": {"f:labels": {"f:run": {}}}})
        );
    }

    #[test]
    fn giving_an_object_up_takes_our_entries_and_our_label_away_and_nothing_else() {
        let live = recorded("deployment.after");
        let patch = give_up_object(&live, OURS, "deployctl.dev/shop.dev").expect("ours");
        let left: Vec<&Value> = live["metadata"]["managedFields"]
            .as_array()
            .expect("a list")
            .iter()
            .filter(|entry| entry["manager"] != OURS)
            .collect();
        assert_eq!(patch[1]["value"], json!(left));
        assert_eq!(
            patch[2],
            json!({"op": "remove", "path": "/metadata/labels/deployctl.dev~1shop.dev"})
        );
        assert_eq!(
            give_up_object(
                &recorded("deployment.before"),
                OURS,
                "deployctl.dev/shop.dev"
            ),
            None
        );
    }
}
