//! How an object that was deleted is created again from a snapshot.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{
    entries::{Entry, entries},
    path::{Element, Path},
    system::remove_system_fields,
};
use crate::object::ManifestView;
use crate::object::{
    HasKind as _,
    field::{is_true, list, text},
    strip_managed_fields,
};

/// How an object that was deleted is created again: a POST of `body`, then its owners are put back
/// as [`restore`](super::restore()) with `expected` as the snapshot and no changed paths says.
///
/// A POST and not an apply: it fails where somebody else has created the object in between, it
/// takes what an apply refuses (entries twice in a list), and nothing is missing in it that others
/// held and that the object cannot do without. It makes us the owner of everything for a moment;
/// whoever finds that after an interruption gives the fields back in the same way.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Recreation {
    /// The content to create.
    pub(crate) body: Value,
    /// What the object is then, with its owners.
    pub(crate) expected: Value,
}

const JOB: (&str, &str) = ("batch", "Job");

/// Values that the API server or a controller gave to the object that is gone, and that the new one
/// gets anew: with those of the old one it would be refused, or belong to what is gone.
const BOUND: [((&str, &str), &str); 13] = [
    (JOB, "/metadata/labels/controller-uid"),
    (JOB, "/metadata/labels/batch.kubernetes.io~1controller-uid"),
    (JOB, "/metadata/labels/job-name"),
    (JOB, "/metadata/labels/batch.kubernetes.io~1job-name"),
    (JOB, "/spec/selector"),
    (JOB, "/spec/template/metadata/labels/controller-uid"),
    (
        JOB,
        "/spec/template/metadata/labels/batch.kubernetes.io~1controller-uid",
    ),
    (JOB, "/spec/template/metadata/labels/job-name"),
    (
        JOB,
        "/spec/template/metadata/labels/batch.kubernetes.io~1job-name",
    ),
    (("", "Pod"), "/spec/nodeName"),
    // A claim that says it is bound, to a volume that is bound to the claim before, is lost;
    // without this it waits for the volume.
    (
        ("", "PersistentVolumeClaim"),
        "/metadata/annotations/pv.kubernetes.io~1bind-completed",
    ),
    (("", "PersistentVolume"), "/spec/claimRef/uid"),
    (("", "PersistentVolume"), "/spec/claimRef/resourceVersion"),
];

/// Addresses and ports that were allocated to a Service. They are asked for again, and given up
/// where others have them now.
const ALLOCATED: [&str; 3] = [
    "/spec/clusterIP",
    "/spec/clusterIPs",
    "/spec/healthCheckNodePort",
];

/// Marks of a deletion that was under way.
const DELETING: [&str; 2] = ["foregroundDeletion", "orphan"];

impl Recreation {
    /// The same without the addresses and ports of a Service, for when others have them now.
    pub(crate) fn without_allocations(&self) -> Self {
        let without = |object: &Value| {
            let mut object = object.clone();
            remove_allocations(&mut object);
            object
        };
        Self {
            body: without(&self.body),
            expected: without(&self.expected),
        }
    }
}

/// How the object of `snapshot` is created again; `None` for what a controller makes, which makes
/// it again itself.
///
/// `owners` says which uids the objects have now that had those of the snapshot, recreated or not.
/// References to owners that are not in it are dropped: the garbage collector deletes an object
/// whose owners are all gone.
pub(crate) fn recreation(snapshot: &Value, owners: &HashMap<String, String>) -> Option<Recreation> {
    if ManifestView(snapshot).controller().is_some() {
        return None;
    }
    let mut expected = snapshot.clone();
    remove_system_fields(&mut expected);
    remove_bindings(&mut expected);
    put_owner_references(&mut expected, owners);
    let mut body = expected.clone();
    strip_managed_fields(&mut body);
    Some(Recreation { body, expected })
}

/// Removes what a new object of this name gets anew, whatever it was.
pub(super) fn remove_bindings(object: &mut Value) {
    let view = ManifestView(object);
    let is_selected_by_hand = is_true(object, "/spec/manualSelector");
    let is_token =
        view.is_secret() && text(object, "/type") == Some("kubernetes.io/service-account-token");
    let bound: Vec<&str> = BOUND
        .iter()
        .filter(|(of, _)| *of == view.group_and_kind() && !is_selected_by_hand)
        .map(|(_, path)| *path)
        .collect();
    for path in bound {
        remove(path, object);
    }
    if is_token {
        remove("/data", object);
        remove(
            "/metadata/annotations/kubernetes.io~1service-account.uid",
            object,
        );
    }
    if let Some(finalizers) = items(&["metadata", "finalizers"], object) {
        finalizers.retain(|finalizer| !DELETING.iter().any(|name| finalizer == name));
    }
}

/// Removes the addresses and ports that were allocated to a Service.
pub(super) fn remove_allocations(object: &mut Value) {
    if !ManifestView(object).is_service() {
        return;
    }
    // A headless Service has no address by its own wish.
    let is_headless = text(object, "/spec/clusterIP") == Some("None");
    ALLOCATED
        .iter()
        .filter(|path| !is_headless || path.ends_with("Port"))
        .for_each(|path| remove(path, object));
    for port in items(&["spec", "ports"], object).into_iter().flatten() {
        port.as_object_mut().map(|port| port.remove("nodePort"));
    }
}

/// The list at a path of fields, to be changed.
fn items<'a>(fields: &[&str], object: &'a mut Value) -> Option<&'a mut Vec<Value>> {
    Path::of_fields(fields).get_mut(object)?.as_array_mut()
}

/// Removes what is at `path`.
fn remove(path: &str, object: &mut Value) {
    let Some((parent, name)) = path.rsplit_once('/') else {
        return;
    };
    let name = name.replace("~1", "/");
    if let Some(parent) = object.pointer_mut(parent).and_then(Value::as_object_mut) {
        parent.remove(&name);
    }
}

/// Makes the owner references, and the entries that hold them, name the owners' uids of now.
fn put_owner_references(object: &mut Value, owners: &HashMap<String, String>) {
    let now = |reference: &Value| owners.get(reference["uid"].as_str()?).map(String::as_str);
    let references: Vec<Value> = list(object, "/metadata/ownerReferences")
        .iter()
        .filter_map(|reference| Some(with_uid(reference, now(reference)?)))
        .collect();
    let owners = entries(object)
        .map(|entry| renamed(&entry, owners).to_value())
        .collect();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        if metadata.remove("ownerReferences").is_some() && !references.is_empty() {
            metadata.insert("ownerReferences".to_owned(), Value::Array(references));
        }
        if metadata.contains_key("managedFields") {
            metadata.insert("managedFields".to_owned(), owners);
        }
    }
}

fn with_uid(reference: &Value, uid: &str) -> Value {
    let mut reference = reference.clone();
    reference["uid"] = json!(uid);
    reference
}

/// `entry`, holding the references to owners under their uids of now.
fn renamed<'a>(entry: &Entry<'a>, owners: &HashMap<String, String>) -> Entry<'a> {
    let element = |element: &Element| match element {
        Element::Item(keys) => {
            let uid = serde_json::from_str::<Value>(keys)
                .ok()
                .and_then(|keys| owners.get(keys.get("uid")?.as_str()?).cloned());
            uid.map_or_else(
                || element.clone(),
                |uid| Element::Item(json!({"uid": uid}).to_string()),
            )
        }
        _ => element.clone(),
    };
    let list = Path::of_fields(&["metadata", "ownerReferences"]);
    let path = |path: &Path| {
        let is_reference = path.is_within(&list);
        if is_reference {
            Path::of_elements(path.elements().iter().map(element).collect())
        } else {
            path.clone()
        }
    };
    entry.with_fields(entry.fields().iter().map(path).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ownership::tests::recorded::recorded;

    fn recreated(snapshot: &Value) -> Recreation {
        recreation(snapshot, &HashMap::new()).expect("nobody's child")
    }

    #[test]
    fn what_belonged_to_the_object_that_is_gone_is_dropped() {
        let body = recreated(&recorded("deployment.before")).body;
        let metadata: Vec<&String> = body["metadata"]
            .as_object()
            .expect("metadata")
            .keys()
            .collect();
        assert_eq!(metadata, ["annotations", "labels", "name", "namespace"]);
        assert!(body.get("status").is_none());
        assert!(
            body["metadata"]["annotations"]
                .get("deployment.kubernetes.io/revision")
                .is_none()
        );
        assert_eq!(body["spec"], recorded("deployment.before")["spec"]);
    }

    #[test]
    fn a_job_gets_a_selector_of_its_own() {
        let body = recreated(&recorded("job")).body;
        assert!(body["spec"].get("selector").is_none());
        assert_eq!(body["spec"]["template"]["metadata"]["labels"], json!({}));
        let mut by_hand = recorded("job");
        by_hand["spec"]["manualSelector"] = json!(true);
        assert_eq!(
            recreated(&by_hand).body["spec"]["selector"],
            by_hand["spec"]["selector"]
        );
    }

    #[test]
    fn the_token_of_a_service_account_is_made_anew() {
        let annotations = json!({"kubernetes.io/service-account.name": "ci", "kubernetes.io/service-account.uid": "u"});
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token", "metadata": {"annotations": annotations}, "data": {"token": "eA=="},
        });
        let body = recreated(&secret).body;
        assert!(body.get("data").is_none());
        assert_eq!(
            body["metadata"]["annotations"],
            json!({"kubernetes.io/service-account.name": "ci"})
        );
    }

    #[test]
    fn a_service_asks_for_its_address_and_ports_and_does_without_where_they_are_taken() {
        let service = recorded("service.before");
        let recreation = recreated(&service);
        assert_eq!(recreation.body["spec"], service["spec"]);
        let without = recreation.without_allocations().body;
        assert!(
            without["spec"].get("clusterIP").is_none()
                && without["spec"].get("clusterIPs").is_none()
        );
        assert!(
            without["spec"]["ports"]
                .as_array()
                .expect("ports")
                .iter()
                .all(|port| port.get("nodePort").is_none())
        );
        let headless = json!({"apiVersion": "v1", "kind": "Service", "metadata": {}, "spec": {"clusterIP": "None", "clusterIPs": ["None"]}});
        assert_eq!(
            recreated(&headless).without_allocations().body["spec"],
            headless["spec"]
        );
    }

    #[test]
    fn a_claim_keeps_its_volume() {
        let annotations = json!({"pv.kubernetes.io/bind-completed": "yes", "note": "x"});
        let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"annotations": annotations}, "spec": {"volumeName": "v"}});
        let body = recreated(&claim).body;
        assert_eq!(body["spec"]["volumeName"], "v");
        assert_eq!(body["metadata"]["annotations"], json!({"note": "x"}));
    }

    #[test]
    fn owners_are_named_by_their_new_uids_and_those_that_are_gone_are_dropped() {
        let owned = json!({
            "kind": "ConfigMap",
            "metadata": {
                "ownerReferences": [{"uid": "old", "name": "a"}, {"uid": "dead", "name": "b"}],
                "managedFields": [{"manager": "ops", "fieldsV1": {"f:metadata": {"f:ownerReferences": {"k:{\"uid\":\"old\"}": {}}}}}],
            },
        });
        let recreation = recreation(
            &owned,
            &HashMap::from([("old".to_owned(), "new".to_owned())]),
        )
        .expect("nobody's child");
        assert_eq!(
            recreation.body["metadata"]["ownerReferences"],
            json!([{"uid": "new", "name": "a"}])
        );
        let fields = &recreation.expected["metadata"]["managedFields"][0]["fieldsV1"];
        assert_eq!(
            *fields,
            json!({"f:metadata": {"f:ownerReferences": {"k:{\"uid\":\"new\"}": {}}}})
        );
        assert!(
            recreated(&owned).body["metadata"]
                .get("ownerReferences")
                .is_none()
        );
    }

    #[test]
    fn what_a_controller_makes_is_never_recreated() {
        let pod = json!({"kind": "Pod", "metadata": {"ownerReferences": [{"uid": "u", "controller": true}]}});
        assert_eq!(
            recreation(&pod, &HashMap::from([("u".to_owned(), "v".to_owned())])),
            None
        );
    }
}
