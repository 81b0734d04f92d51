//! Restoration, case by case: what only we changed, what others changed since, and what both
//! did.

use serde_json::{Value, json};

use super::{
    recorded::recorded,
    server::{comparable, put_back, write},
};
use crate::ownership::{
    ChangedPath, changed_paths, owners_patch, path::Path, restore, restore::Stayed,
};

const OURS: &str = "deployctl.shop.dev";

fn path(keys: &[&str]) -> Path {
    serde_json::from_value(json!(keys)).expect("keys of fieldsV1")
}

fn images(name: &str) -> Path {
    let container = format!("k:{{\"name\":\"{name}\"}}");
    path(&[
        "f:spec",
        "f:template",
        "f:spec",
        "f:containers",
        &container,
        "f:image",
    ])
}

fn stayed(stayed: &[Stayed]) -> Vec<String> {
    stayed
        .iter()
        .map(|stayed| {
            format!(
                "{} {}",
                stayed.path,
                stayed.manager.as_deref().unwrap_or("-")
            )
        })
        .collect()
}

/// The recorded object as it was, what our write changed, and how it was then.
fn written(name: &str) -> (Value, Vec<ChangedPath>, Value) {
    let (before, after) = (
        recorded(&format!("{name}.before")),
        recorded(&format!("{name}.after")),
    );
    let changed = changed_paths(&before, &after);
    (before, changed, after)
}

#[test]
fn what_only_we_changed_is_exactly_as_before_with_its_owners() {
    for name in [
        "deployment",
        "adopted",
        "service",
        "secret",
        "statefulset",
        "autoscaler",
    ] {
        let (before, changed, after) = written(name);
        for changed in [Some(changed.as_slice()), None] {
            let restoration = restore(&before, changed, &after, OURS);
            assert_eq!(restoration.by_others, [], "{name}");
            assert_eq!(
                comparable(&put_back(&after, &restoration)),
                comparable(&before),
                "{name}, answer known: {}",
                changed.is_some()
            );
        }
    }
}

#[test]
fn the_body_carries_the_live_resource_version_and_no_owners() {
    let (before, changed, after) = written("deployment");
    let body = restore(&before, Some(&changed), &after, OURS).body;
    assert_eq!(
        body["metadata"]["resourceVersion"],
        after["metadata"]["resourceVersion"]
    );
    assert_eq!(body["metadata"]["uid"], after["metadata"]["uid"]);
    assert!(body["metadata"].get("managedFields").is_none());
}

#[test]
fn replicas_that_an_autoscaler_set_meanwhile_stay() {
    let (before, changed, mut live) = written("deployment");
    write(
        &mut live,
        "hpa",
        "Update",
        &[(Path::of_fields(&["spec", "replicas"]), Some(json!(9)))],
    );
    for changed in [Some(changed.as_slice()), None] {
        let restoration = restore(&before, changed, &live, OURS);
        assert_eq!(restoration.body["spec"]["replicas"], 9);
        assert_eq!(
            restoration.body["spec"]["template"],
            before["spec"]["template"]
        );
        assert_eq!(stayed(&restoration.by_others), ["spec.replicas hpa"]);
    }
}

#[test]
fn finalizers_owners_labels_and_annotations_of_others_survive() {
    let (before, changed, mut live) = written("deployment");
    let edits = [
        (
            path(&["f:metadata", "f:finalizers", "v:\"lb/cleanup\""]),
            Some(json!("lb/cleanup")),
        ),
        (
            path(&["f:metadata", "f:ownerReferences", "k:{\"uid\":\"u\"}"]),
            Some(json!({"uid": "u", "name": "o"})),
        ),
        (
            path(&["f:metadata", "f:labels", "f:team"]),
            Some(json!("red")),
        ),
        (
            path(&[
                "f:spec",
                "f:template",
                "f:metadata",
                "f:annotations",
                "f:restartedAt",
            ]),
            Some(json!("now")),
        ),
    ];
    write(&mut live, "ops", "Update", &edits);
    let restoration = restore(&before, Some(&changed), &live, OURS);
    let mut expected = before;
    write(&mut expected, "ops", "Update", &edits);
    assert_eq!(restoration.by_others, []);
    assert_eq!(
        comparable(&put_back(&live, &restoration)),
        comparable(&expected)
    );
}

#[test]
fn an_image_that_somebody_set_meanwhile_stays_and_is_named() {
    let (before, changed, mut live) = written("deployment");
    write(
        &mut live,
        "kubectl-set",
        "Update",
        &[(images("api"), Some(json!("example/api:3")))],
    );
    let restoration = restore(&before, Some(&changed), &live, OURS);
    assert_eq!(
        images("api").get(&restoration.body),
        Some(&json!("example/api:3"))
    );
    assert_eq!(
        stayed(&restoration.by_others),
        ["spec.template.spec.containers[name=\"api\"].image kubectl-set"]
    );
    let ours = serde_json::to_string(&restoration.managed_fields).expect("JSON");
    assert_eq!(
        ours.matches("f:image\"").count(),
        1,
        "nobody but kubectl-set holds the image: {ours}"
    );
}

#[test]
fn a_container_of_ours_in_which_others_wrote_stays_whole() {
    let (before, changed, mut live) = written("deployment");
    write(
        &mut live,
        "kubectl-set",
        "Update",
        &[(images("log"), Some(json!("example/log:2")))],
    );
    let restoration = restore(&before, Some(&changed), &live, OURS);
    assert_eq!(
        restoration.body["spec"]["template"]["spec"]["containers"][1],
        live["spec"]["template"]["spec"]["containers"][1]
    );
    assert_eq!(
        stayed(&restoration.by_others),
        ["spec.template.spec.containers[name=\"log\"] kubectl-set"]
    );
}

#[test]
fn a_field_does_not_come_back_into_a_container_that_others_removed() {
    let (before, mut live) = (recorded("deployment.before"), recorded("deployment.before"));
    let container = path(&[
        "f:spec",
        "f:template",
        "f:spec",
        "f:containers",
        "k:{\"name\":\"api\"}",
    ]);
    write(
        &mut live,
        OURS,
        "Apply",
        &[(container.field("imagePullPolicy"), None)],
    );
    let changed = changed_paths(&before, &live);
    write(&mut live, "ops", "Update", &[(container.clone(), None)]);
    let restoration = restore(&before, Some(&changed), &live, OURS);
    assert_eq!(container.get(&restoration.body), None);
    assert_eq!(
        stayed(&restoration.by_others),
        ["spec.template.spec.containers[name=\"api\"].imagePullPolicy -"]
    );
}

#[test]
fn a_value_that_another_manager_declares_as_well_stays() {
    let (before, changed, mut live) = written("statefulset");
    let mut entry = live["metadata"]["managedFields"][0].clone();
    entry["manager"] = json!("deployctl.base.dev");
    live["metadata"]["managedFields"]
        .as_array_mut()
        .expect("a list")
        .push(entry);
    let restoration = restore(&before, Some(&changed), &live, OURS);
    assert_eq!(
        images("db").get(&restoration.body),
        Some(&json!("example/db:2"))
    );
    assert_eq!(
        stayed(&restoration.by_others),
        ["spec.template.spec.containers[name=\"db\"].image deployctl.base.dev"]
    );
    assert!(!restoration.content_differs);
}

#[test]
fn a_restoration_that_was_interrupted_after_its_put_only_sets_the_owners() {
    let (before, changed, after) = written("deployment");
    let mut live = after.clone();
    let body = restore(&before, Some(&changed), &after, OURS).body;
    let edits: Vec<_> = changed
        .iter()
        .map(|change| (change.path.clone(), change.path.get(&body).cloned()))
        .collect();
    write(&mut live, OURS, "Update", &edits);
    let owners = live["metadata"]["managedFields"].take();
    live = body;
    live["metadata"]["managedFields"] = owners;
    for changed in [Some(changed.as_slice()), None] {
        let restoration = restore(&before, changed, &live, OURS);
        assert!(!restoration.content_differs && restoration.owners_differ);
        assert_eq!(
            comparable(&put_back(&live, &restoration)),
            comparable(&before)
        );
    }
}

#[test]
fn what_is_as_before_needs_no_request() {
    let (before, changed, _) = written("deployment");
    for changed in [Some(changed.as_slice()), Some(&[]), None] {
        let restoration = restore(&before, changed, &before, OURS);
        assert!(!restoration.content_differs && !restoration.owners_differ);
    }
}

#[test]
fn without_the_answer_what_we_left_out_comes_back_and_what_others_removed_does_not() {
    let mut before = recorded("service.before");
    let (ours, theirs) = (
        path(&["f:metadata", "f:labels", "f:ours"]),
        path(&["f:metadata", "f:labels", "f:theirs"]),
    );
    write(
        &mut before,
        OURS,
        "Apply",
        &[(ours.clone(), Some(json!("1")))],
    );
    write(
        &mut before,
        "ops",
        "Update",
        &[(theirs.clone(), Some(json!("1")))],
    );
    let mut live = before.clone();
    write(&mut live, OURS, "Apply", &[(ours.clone(), None)]);
    write(&mut live, "ops", "Update", &[(theirs.clone(), None)]);
    let restoration = restore(&before, None, &live, OURS);
    assert_eq!(restoration.body["metadata"]["labels"], json!({"ours": "1"}));
    assert_eq!(stayed(&restoration.by_others), ["metadata.labels.theirs -"]);
}

#[test]
fn an_entry_of_another_version_of_the_api_becomes_what_it_was_if_it_is_ours() {
    let (before, changed, after) = written("autoscaler");
    let restoration = restore(&before, Some(&changed), &after, OURS);
    assert_eq!(restoration.body["spec"]["maxReplicas"], 4);
    let ours = |object: &Value| object["metadata"]["managedFields"][0].clone();
    let entries = restoration.managed_fields.as_array().expect("a list");
    assert!(entries.contains(&ours(&before)));
}

#[test]
fn the_patch_of_the_owners_changes_nothing_else_and_takes_all_away_where_there_were_none() {
    let (before, changed, after) = written("service");
    let restoration = restore(&before, Some(&changed), &after, OURS);
    let patch = owners_patch(&after, &restoration.managed_fields);
    assert_eq!(
        patch[0],
        json!({"op": "replace", "path": "/metadata/resourceVersion", "value": after["metadata"]["resourceVersion"]})
    );
    assert_eq!(
        patch[1],
        json!({"op": "add", "path": "/metadata/managedFields", "value": restoration.managed_fields})
    );
    assert_eq!(owners_patch(&after, &json!([]))[1]["value"], json!([{}]));
}

#[test]
fn an_object_that_nobody_managed_is_managed_by_nobody_again() {
    let mut before = recorded("secret.before");
    before["metadata"]
        .as_object_mut()
        .expect("metadata")
        .remove("managedFields");
    let mut live = recorded("secret.after");
    live["metadata"]["managedFields"][1]["manager"] = json!("before-first-apply");
    let changed = changed_paths(&before, &live);
    for changed in [Some(changed.as_slice()), None] {
        let restoration = restore(&before, changed, &live, OURS);
        assert_eq!(restoration.managed_fields, json!([]));
        assert_eq!(restoration.body["data"], before["data"]);
    }
}
