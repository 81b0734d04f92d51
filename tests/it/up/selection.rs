//! `--phase`: a part of a plan.

use super::{
    manifests::{config_map, deployment},
    platform::platform,
    project::{Project, events, written},
};

#[test]
fn only_the_named_phase_is_touched_and_the_rest_comes_later() {
    let platform = platform("partial");
    platform.deploy(&[]);
    platform.rewrite("monitoring/prometheus.yaml", &deployment("prometheus").replace(":v1", ":v2"));
    platform.rewrite("databases/settings.yaml", &config_map("settings", "new"));
    platform.kubectl(&["delete", "configmap/web"]);

    let log = platform.deploy(&["--phase", "monitoring"]);
    assert_eq!(written(&log), ["changed Deployment/partial/prometheus"]);
    let phases: Vec<&str> = events(&log, "phase-started").iter().map(|event| event["phase"].as_str().unwrap()).collect();
    assert_eq!(phases, ["monitoring"]);
    let revision = platform.last_revision();
    assert_eq!((&revision["number"], &revision["partial"], &revision["outcome"]), (&2.into(), &true.into(), &"succeeded".into()));
    // What is known about the other phases stays known.
    let apps = revision["phases"].as_array().unwrap().iter().find(|phase| phase["name"] == "apps").unwrap();
    assert_eq!((&apps["outcome"], &apps["objects"]), (&"ready".into(), &4.into()));

    let log = platform.deploy(&[]);
    assert_eq!(written(&log), ["created ConfigMap/partial/settings", "created ConfigMap/partial/web"]);
    assert_eq!(platform.last_revision()["partial"], false);
    assert_eq!(written(&platform.deploy(&[])), Vec::<String>::new());
}

#[test]
fn several_phases_can_be_named_for_a_first_run() {
    let platform = platform("several");
    let log = platform.deploy(&["--phase", "namespace", "--phase", "monitoring"]);
    assert_eq!(written(&log), ["created Deployment/several/prometheus", "created LimitRange/several/limits", "created Namespace/several"]);
    assert!(platform.get("deployment/web").is_null());
    assert!(platform.get("secret/database").is_null(), "the secrets were not asked for");
}

#[test]
fn an_unknown_phase_names_the_nearest() {
    let platform = platform("unknown-phase");
    let outcome = platform.up(&["--phase", "monitorin"]).run().exited(2);
    assert!(outcome.stderr.contains("has no phase `monitorin`"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("did you mean `--phase monitoring`?"), "{}", outcome.stderr);
    platform.assert_nothing_was_written();
}

#[test]
fn a_phase_whose_namespace_is_not_there_is_refused() {
    let project = Project::new("no-namespace").manifest("apps/settings.yaml", &config_map("settings", "1"));
    let outcome = project.up(&["--phase", "apps"]).run().exited(2);
    assert!(outcome.stderr.contains("namespace `no-namespace` does not exist"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("`--phase namespace`"), "{}", outcome.stderr);
    project.assert_nothing_was_written();
}
