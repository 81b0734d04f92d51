//! Objects whose kind has moved to another group: one stored object under two names.

use crate::support::{
    manifests::{config_map, faulty_deployment},
    project::{Project, written},
};

#[test]
fn an_event_that_moves_to_its_new_group_is_not_pruned() {
    let core = "apiVersion: v1
kind: Event
metadata: {name: deployed}
involvedObject: {apiVersion: v1, kind: ConfigMap, name: settings, namespace: moved-group}
eventTime: \"2026-01-01T00:00:00.000000Z\"
type: Normal
reason: Deployed
action: Deploy
message: deployed
reportingComponent: example.org/shop
reportingInstance: shop-1
";
    let moved = "apiVersion: events.k8s.io/v1
kind: Event
metadata: {name: deployed}
regarding: {apiVersion: v1, kind: ConfigMap, name: settings, namespace: moved-group}
eventTime: \"2026-01-01T00:00:00.000000Z\"
type: Normal
reason: Deployed
action: Deploy
note: deployed
reportingController: example.org/shop
reportingInstance: shop-1
";
    let project = Project::new("moved-group")
        .manifest("apps/settings.yaml", &config_map("settings", "1"))
        .manifest("apps/event.yaml", core);
    project.deploy(&[]);
    let uid = || project.get("events/deployed")["metadata"]["uid"].clone();
    let before = uid();
    assert!(before.is_string());

    // A run that fails puts it back, and the one after goes on from there.
    project.rewrite("apps/event.yaml", moved);
    project.rewrite(
        "monitoring/web.yaml",
        &faulty_deployment("web", "crash-loop"),
    );
    let failed = project.up(&[]).run().exited(1);
    assert!(failed.stderr.contains("rolled back"), "{}", failed.stderr);
    assert_eq!(uid(), before);
    project.rewrite("apps/event.yaml", core);
    project.rewrite("monitoring/web.yaml", &config_map("web", "1"));
    project.deploy(&[]);
    assert_eq!(uid(), before);

    project.rewrite("apps/event.yaml", moved);
    assert_eq!(
        written(&project.deploy(&[])),
        ["changed Event/moved-group/deployed"]
    );
    assert_eq!(uid(), before);
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}
