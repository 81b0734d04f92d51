//! What the manifests alone show, before the cluster is asked for anything.

use super::{
    manifests::{config_map, deployment, documents},
    project::Project,
};

const SAID: &str = "`data.value` still holds the placeholder `CHANGE_ME` [placeholder]";

#[test]
fn a_placeholder_is_refused_before_anything_is_asked_and_left_out_by_its_name() {
    let project = Project::new("checks-placeholder").manifest(
        "apps/web.yaml",
        &documents(&[config_map("settings", "CHANGE_ME"), deployment("web")]),
    );
    let nobody = project.up(&["--context", "no-such-context"]).run();
    let refused = nobody.exited(5);
    assert!(refused.stderr.contains(SAID), "{}", refused.stderr);
    project.up(&[]).run().exited(5);
    project.assert_nothing_was_written();

    // What is not part of the run does not stop it.
    let namespace = "Namespace/checks-placeholder";
    project.deploy(&["--only", namespace, "--only", "Deployment/web"]);
    project
        .up(&["--only", "ConfigMap/settings"])
        .run()
        .exited(5);
    project.deploy(&["--skip-check", "placeholder"]);
    assert_eq!(
        project.get("configmap/settings")["data"]["value"],
        "CHANGE_ME"
    );
}

#[test]
fn what_may_be_meant_is_only_said() {
    let host = "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec: {rules: [{host: www.example.com}]}
";
    let project = Project::new("checks-warning").manifest("apps/web.yaml", host);
    let said = "Warning: manifests/apps/web.yaml:1: Ingress/checks-warning/web: `spec.rules[0].host` seems to hold a placeholder: `www.example.com`";
    let outcome = project.up(&[]).run();
    assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    let quiet = project.up(&["--skip-check", "likely-placeholder"]).run();
    assert!(
        !quiet.stderr.contains("likely-placeholder"),
        "{}",
        quiet.stderr
    );
}
