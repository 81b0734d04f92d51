//! The proof finds every path that was not put back, and nothing else.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{
    recorded::recorded,
    server::{put_back, write},
};
use crate::ownership::{ChangedPath, changed_paths, differences, path::Path, recreation, restore};

const OURS: &str = "deployctl.shop.dev";
const NAMES: [&str; 6] = [
    "deployment",
    "adopted",
    "service",
    "secret",
    "statefulset",
    "autoscaler",
];

fn written(name: &str) -> (Value, Vec<ChangedPath>, Value) {
    let (before, after) = (
        recorded(&format!("{name}.before")),
        recorded(&format!("{name}.after")),
    );
    let changed = changed_paths(&before, &after);
    (before, changed, after)
}

fn shown(before: &Value, live: &Value, changed: Option<&[ChangedPath]>) -> Vec<String> {
    differences(before, live, changed, OURS)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn what_was_put_back_shows_no_difference() {
    for name in NAMES {
        let (before, changed, after) = written(name);
        let live = put_back(&after, &restore(&before, Some(&changed), &after, OURS));
        assert_eq!(shown(&before, &live, Some(&changed)), [""; 0], "{name}");
        assert_eq!(shown(&before, &live, None), [""; 0], "{name}");
    }
}

#[test]
fn every_path_that_was_not_put_back_is_a_difference() {
    for name in NAMES {
        let (before, changed, after) = written(name);
        for compared in [Some(changed.as_slice()), None] {
            let found = differences(&before, &after, compared, OURS);
            let missed: Vec<&ChangedPath> = changed
                .iter()
                .filter(|change| {
                    !found
                        .iter()
                        .any(|difference| difference.path == change.path)
                })
                .collect();
            assert_eq!(missed, [] as [&ChangedPath; 0], "{name}");
            assert!(
                found.iter().all(|difference| !difference.is_by_others()),
                "{name}"
            );
        }
    }
}

#[test]
fn fields_that_the_writer_of_the_content_still_holds_are_a_difference() {
    let (before, changed, after) = written("deployment");
    let mut live = put_back(&after, &restore(&before, Some(&changed), &after, OURS));
    let entry = json!({"manager": OURS, "operation": "Update", "apiVersion": "apps/v1", "fieldsV1": {"f:spec": {"f:replicas": {}}}});
    live["metadata"]["managedFields"]
        .as_array_mut()
        .expect("a list")
        .push(entry);
    assert_eq!(
        shown(&before, &live, Some(&changed)),
        ["spec.replicas is managed by deployctl, and was not before"]
    );
}

#[test]
fn fields_that_nobody_got_back_are_a_difference() {
    let (before, changed, after) = written("deployment");
    let mut live = put_back(&after, &restore(&before, Some(&changed), &after, OURS));
    live["metadata"]["managedFields"]
        .as_array_mut()
        .expect("a list")
        .retain(|entry| entry["manager"] != "hpa");
    assert_eq!(
        shown(&before, &live, Some(&changed)),
        ["spec.replicas is not managed by hpa as before"]
    );
}

/// An Event that moves from the core group to `events.k8s.io`: its fields are called otherwise there.
#[test]
fn who_held_what_is_compared_within_one_version_of_the_api() {
    let event = |action: &str, api_version: &str, fields: &Value| {
        let entry = json!({"manager": OURS, "operation": "Apply", "apiVersion": api_version, "fieldsV1": fields});
        json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "action": action, "note": "done",
            "metadata": {"name": "deployed", "uid": "u", "managedFields": [entry]}})
    };
    let core = json!({"f:action": {}, "f:message": {}});
    let moved = json!({"f:note": {}});
    let before = event("Deploy", "v1", &core);
    let back = event("Deploy", "events.k8s.io/v1", &moved);
    let (changed, all) = (changed_paths(&before, &event("Other", "v1", &core)), None);
    for compared in [Some(changed.as_slice()), all] {
        assert_eq!(shown(&before, &back, compared), [""; 0]);
        let other = event("Other", "events.k8s.io/v1", &moved);
        let differs = ["action is not as before"];
        assert_eq!(shown(&before, &other, compared), differs);
    }
    // In the same version it is.
    let before = event("Deploy", "events.k8s.io/v1", &json!({"f:action": {}}));
    assert_eq!(
        shown(&before, &back, Some(&changed)),
        [
            format!("action is not managed by {OURS} as before"),
            "note is managed by deployctl, and was not before".to_owned()
        ]
    );
}

#[test]
fn what_others_changed_is_named_with_them_and_is_not_what_the_way_back_missed() {
    let (before, changed, mut live) = written("deployment");
    let label = Path::of_fields(&["metadata", "labels", "deployctl.dev/shop.dev"]);
    write(
        &mut live,
        "hpa",
        "Update",
        &[(Path::of_fields(&["spec", "replicas"]), Some(json!(9)))],
    );
    let live = put_back(&live, &restore(&before, Some(&changed), &live, OURS));
    for compared in [Some(changed.as_slice()), None] {
        assert_eq!(
            shown(&before, &live, compared),
            ["spec.replicas was changed outside deployctl by hpa"]
        );
        assert!(differences(&before, &live, compared, OURS)[0].is_by_others());
    }
    let mut live = recorded("deployment.after");
    write(
        &mut live,
        "ops",
        "Update",
        &[
            (
                Path::of_fields(&["spec", "template", "metadata", "annotations", "note"]),
                None,
            ),
            (label, None),
        ],
    );
    let live = put_back(&live, &restore(&before, Some(&changed), &live, OURS));
    assert_eq!(shown(&before, &live, Some(&changed)), [""; 0]);
}

#[test]
fn a_recreated_object_is_compared_but_for_what_is_allocated() {
    let before = recorded("service.before");
    let recreation = recreation(&before, &HashMap::new())
        .expect("nobody's child")
        .without_allocations();
    let mut live = recreation.body;
    live["metadata"]["uid"] = json!("new");
    live["metadata"]["resourceVersion"] = json!("9");
    live["spec"]["clusterIP"] = json!("10.0.0.9");
    write(
        &mut live,
        OURS,
        "Update",
        &[(
            Path::of_fields(&["spec", "sessionAffinity"]),
            Some(json!("ClientIP")),
        )],
    );
    let reasons = shown(&before, &live, None);
    assert!(
        reasons.contains(&"spec.sessionAffinity is not as before".to_owned()),
        "{reasons:?}"
    );
    assert!(
        !reasons
            .iter()
            .any(|reason| reason.contains("clusterIP")
                || reason.contains("nodePort is not as before")),
        "{reasons:?}"
    );
    assert!(
        reasons.contains(&"metadata.annotations is not managed by ops as before".to_owned()),
        "{reasons:?}"
    );
}

#[test]
fn differences_of_a_secret_hold_no_values() {
    let (before, changed, after) = written("secret");
    let text = format!("{:?}", differences(&before, &after, Some(&changed), OURS));
    assert!(
        text.contains("password") && !text.contains("Zml4dHVyZS10d28="),
        "{text}"
    );
}
