//! `up` after somebody changed something.

use super::{
    audit::Audit,
    manifests::{config_map, deployment},
    platform::platform,
    project::{Project, written},
    user::User,
};
use crate::support::try_kubectl;

/// Runs `up` and returns what it wrote, as its events and as the API server's audit log tell it.
#[track_caller]
fn repaired(platform: &Project, user: &User) -> (Vec<String>, Vec<String>) {
    let audit = Audit::from_now(user);
    let log = user
        .runs(platform.up(&["-o", "jsonl"]))
        .run()
        .exited(0)
        .events();
    let of_objects = audit
        .writes()
        .into_iter()
        .filter(|request| !request.contains("/namespaces/deployctl-system"));
    let paths = of_objects
        .map(|request| request.split('?').next().unwrap().to_owned())
        .collect();
    (written(&log), paths)
}

#[test]
fn exactly_what_was_changed_is_put_right() {
    let platform = platform("repaired");
    let user = User::administrator();
    user.runs(platform.up(&[])).run().exited(0);
    let label = "deployctl.dev/repaired.default-";
    let patch = |object, patch| {
        vec![
            "patch",
            object,
            "--field-manager=kubectl-edit",
            "--type=merge",
            "-p",
            patch,
        ]
    };
    let image =
        r#"[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"wrong:v0"}]"#;
    let cases: [(Vec<&str>, &str, &str); 10] = [
        (
            vec!["delete", "configmap/web"],
            "created ConfigMap/repaired/web",
            "api/v1/namespaces/repaired/configmaps/web",
        ),
        (
            patch("configmap/web", r#"{"data":{"value":"wrong"}}"#),
            "changed ConfigMap/repaired/web",
            "api/v1/namespaces/repaired/configmaps/web",
        ),
        (
            patch("configmap/web", r#"{"data":{"value":null}}"#),
            "changed ConfigMap/repaired/web",
            "api/v1/namespaces/repaired/configmaps/web",
        ),
        (
            vec!["label", "service/web", label],
            "changed Service/repaired/web",
            "api/v1/namespaces/repaired/services/web",
        ),
        (
            vec!["scale", "deployment/web", "--replicas=3"],
            "changed Deployment/repaired/web",
            "apis/apps/v1/namespaces/repaired/deployments/web",
        ),
        (
            vec![
                "patch",
                "deployment/web",
                "--field-manager=kubectl-edit",
                "--type=json",
                "-p",
                image,
            ],
            "changed Deployment/repaired/web",
            "apis/apps/v1/namespaces/repaired/deployments/web",
        ),
        (
            vec!["delete", "deployment/web"],
            "created Deployment/repaired/web",
            "apis/apps/v1/namespaces/repaired/deployments/web",
        ),
        (
            vec!["delete", "statefulset/database"],
            "created StatefulSet/repaired/database",
            "apis/apps/v1/namespaces/repaired/statefulsets/database",
        ),
        (
            vec!["label", "namespace/repaired", label],
            "changed Namespace/repaired",
            "api/v1/namespaces/repaired",
        ),
        (
            patch("secret/licence", r#"{"data":{"key":"d3Jvbmc="}}"#),
            "changed Secret/repaired/licence",
            "api/v1/namespaces/repaired/secrets/licence",
        ),
    ];
    for (change, expected, path) in cases {
        platform.kubectl(&change);
        let (events, requests) = repaired(&platform, &user);
        assert_eq!(events, [expected], "after kubectl {}", change.join(" "));
        assert_eq!(
            requests,
            [format!("patch /{path}")],
            "after kubectl {}",
            change.join(" ")
        );
    }
    assert_eq!(platform.get("configmap/web")["data"]["value"], "one");
    assert_eq!(platform.get("deployment/web")["spec"]["replicas"], 1);
    assert_eq!(
        platform.get("deployment/web")["spec"]["template"]["spec"]["containers"][0]["image"],
        "web:v1"
    );
    assert_eq!(repaired(&platform, &user), (Vec::new(), Vec::new()));
}

#[test]
fn a_deleted_secret_gets_new_generated_values_and_nothing_else_changes() {
    let platform = platform("regenerated");
    platform.deploy(&[]);
    let before = platform.get("secret/database")["data"]["password"].clone();
    platform.kubectl(&["delete", "secret/database"]);
    assert_eq!(
        written(&platform.deploy(&[])),
        ["created Secret/regenerated/database"]
    );
    assert_ne!(platform.get("secret/database")["data"]["password"], before);
}

#[test]
fn a_changed_manifest_changes_only_its_object() {
    let platform = platform("changed");
    platform.deploy(&[]);
    platform.rewrite(
        "monitoring/prometheus.yaml",
        &deployment("prometheus").replace(":v1", ":v2"),
    );
    assert_eq!(
        written(&platform.deploy(&[])),
        ["changed Deployment/changed/prometheus"]
    );
    assert_eq!(platform.last_revision()["changes"]["unchanged"], 12);
    // What is sent again and is the same is no change.
    let revision = platform.last_revision();
    assert_eq!(
        (&revision["number"], &revision["outcome"]),
        (&2.into(), &"succeeded".into())
    );
}

#[test]
fn a_field_of_another_manager_is_a_conflict_until_it_is_taken_over() {
    let project = Project::new("conflict")
        .manifest("apps/settings.yaml", &config_map("settings", "ours"))
        .manifest("apps/other.yaml", &config_map("other", "1"));
    project.deploy(&[]);
    let theirs = config_map("settings", "theirs");
    let arguments = [
        "apply",
        "--server-side",
        "--field-manager=other-tool",
        "--force-conflicts",
        "--namespace",
        "conflict",
        "-f",
        "-",
    ];
    assert!(try_kubectl(&arguments, &theirs).status.success());
    project.rewrite("apps/other.yaml", &config_map("other", "2"));

    let outcome = project.up(&["-o", "jsonl"]).run().exited(1);
    assert!(
        outcome.stderr.contains("ConfigMap/conflict/settings"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome
            .stderr
            .contains("`data.value` is managed by \"other-tool\""),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains("`--force-conflicts`"),
        "{}",
        outcome.stderr
    );
    assert_eq!(project.get("configmap/other")["data"]["value"], "1");
    assert_eq!(project.revisions().len(), 1);

    let taken = project.deploy(&["--force-conflicts"]);
    assert_eq!(
        written(&taken),
        [
            "changed ConfigMap/conflict/other",
            "changed ConfigMap/conflict/settings"
        ]
    );
    assert_eq!(project.get("configmap/settings")["data"]["value"], "ours");
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}
