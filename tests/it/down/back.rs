//! `rollback` after `down`.

use serde_json::Value;

use super::{platform::platform, project::written};
use crate::support::get;

#[test]
fn a_rollback_brings_everything_back() {
    let platform = platform("down-back");
    platform.deploy(&[]);
    let claim = platform.get("persistentvolumeclaim/files")["metadata"]["uid"].clone();
    let password = platform.get("secret/database")["data"]["password"].clone();
    let licence = platform.get("secret/licence")["data"].clone();
    platform.command("down", &["--yes"]).run().exited(0);
    assert_eq!(platform.get("deployment/web"), Value::Null);
    assert_eq!(platform.get("statefulset/database"), Value::Null);

    platform.command("rollback", &["--yes"]).run().exited(0);
    for object in [
        "deployment/web",
        "deployment/prometheus",
        "statefulset/database",
        "service/web",
        "ingress/web",
        "limitrange/limits",
    ] {
        assert_ne!(platform.get(object), Value::Null, "{object}");
    }
    assert_eq!(platform.get("configmap/web")["data"]["value"], "one");
    assert_eq!(
        platform.get("persistentvolumeclaim/files")["metadata"]["uid"],
        claim
    );
    assert_eq!(
        (
            &platform.get("secret/database")["data"]["password"],
            &platform.get("secret/licence")["data"]
        ),
        (&password, &licence)
    );
    let revision = platform.last_revision();
    assert_eq!(
        (
            &revision["number"],
            &revision["backTo"],
            &revision["outcome"]
        ),
        (&3.into(), &1.into(), &"succeeded".into())
    );
    assert_eq!(platform.status()["standing"], "deployed");
    assert_eq!(
        get("default", "namespace/down-back")["metadata"]["deletionTimestamp"],
        Value::Null
    );
}

#[test]
fn the_plan_has_nothing_to_change_after_it() {
    let project = super::project::Project::new("down-back-same").manifest(
        "apps/settings.yaml",
        &super::manifests::config_map("settings", "1"),
    );
    project.deploy(&[]);
    project.command("down", &["--yes"]).run().exited(0);
    let log = project
        .command("rollback", &["--yes", "-o", "jsonl"])
        .run()
        .exited(0)
        .events();
    assert_eq!(
        written(&log),
        [
            "created ConfigMap/down-back-same/settings",
            "created Namespace/down-back-same"
        ]
    );
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}
