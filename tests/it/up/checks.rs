//! What the manifests alone show, before the cluster is asked for anything.

use super::{
    manifests::{config_map, deployment, documents},
    project::Project,
};
use crate::support::{kubectl, namespace};

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

#[test]
fn what_the_api_server_warns_of_is_told_once_before_the_question() {
    let restricted = namespace("warned");
    let label = "pod-security.kubernetes.io/warn=restricted";
    kubectl(&["label", "namespace", &restricted, label]);
    let old = "apiVersion: v1
kind: Endpoints
metadata: {name: old}
subsets: []
";
    let project = Project::new(&restricted).manifest(
        "apps/web.yaml",
        &documents(&[deployment("web"), deployment("api"), old.to_owned()]),
    );
    let declined = project.command("up", &[]).run().exited(2);
    let pods = format!(
        "Warning: manifests/apps/web.yaml:13: Deployment/{restricted}/api: the API server warns: would violate PodSecurity \"restricted:latest\""
    );
    let also = format!("(also Deployment/{restricted}/web) [server-warning]");
    let deprecated = format!(
        "Warning: manifests/apps/web.yaml:25: Endpoints/{restricted}/old: the API server warns: v1 Endpoints is deprecated"
    );
    for text in [&pods, &also, &deprecated] {
        assert!(
            declined.stderr.contains(text),
            "{text}\n{}",
            declined.stderr
        );
    }
    let skipped = project.command("up", &["--skip-check", "server-warning"]);
    let skipped = skipped.run().exited(2);
    assert!(
        !skipped.stderr.contains("PodSecurity"),
        "{}",
        skipped.stderr
    );

    // The writes are answered with the same.
    let done = project.command("up", &["--yes"]).run().exited(0);
    assert_eq!(
        done.stderr.matches("would violate PodSecurity").count(),
        1,
        "{}",
        done.stderr
    );
    assert!(!done.stdout.contains("PodSecurity"), "{}", done.stdout);
    let again = project.command("up", &["--yes"]).run().exited(0);
    assert!(!again.stderr.contains("PodSecurity"), "{}", again.stderr);
}

#[test]
fn what_pod_security_says_elsewhere_is_not_told_before() {
    let label = "labels: {pod-security.kubernetes.io/warn: restricted}";
    let fresh =
        format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: warned-fresh, {label}}}\n");
    let project = Project::new("warned-fresh")
        .manifest("namespace/own.yaml", &fresh)
        .manifest("apps/web.yaml", &deployment("web"));
    let declined = project.command("up", &[]).run().exited(2);
    assert!(
        !declined.stderr.contains("PodSecurity"),
        "{}",
        declined.stderr
    );
    // Once it is there, the write says so.
    let events = project.deploy(&[]);
    let warned = super::project::events(&events, "server-warned");
    assert!(
        warned[0]["text"]
            .as_str()
            .unwrap()
            .contains("would violate PodSecurity")
    );
}
