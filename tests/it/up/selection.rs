//! `--phase`: a part of a plan.

use super::{
    manifests::{config_map, deployment, faulty_deployment},
    platform::platform,
    project::{Project, events, written},
    running::Running,
};

#[test]
fn only_the_named_phase_is_touched_and_the_rest_comes_later() {
    let platform = platform("partial");
    platform.deploy(&[]);
    platform.rewrite(
        "monitoring/prometheus.yaml",
        &deployment("prometheus").replace(":v1", ":v2"),
    );
    platform.rewrite("databases/settings.yaml", &config_map("settings", "new"));
    platform.kubectl(&["delete", "configmap/web"]);

    let log = platform.deploy(&["--phase", "monitoring"]);
    assert_eq!(written(&log), ["changed Deployment/partial/prometheus"]);
    let phases: Vec<&str> = events(&log, "phase-started")
        .iter()
        .map(|event| event["phase"].as_str().unwrap())
        .collect();
    assert_eq!(phases, ["monitoring"]);
    let revision = platform.last_revision();
    assert_eq!(
        (
            &revision["number"],
            &revision["partial"],
            &revision["outcome"]
        ),
        (&2.into(), &true.into(), &"succeeded".into())
    );
    // What is known about the other phases stays known.
    let apps = revision["phases"]
        .as_array()
        .unwrap()
        .iter()
        .find(|phase| phase["name"] == "apps")
        .unwrap();
    assert_eq!(
        (&apps["outcome"], &apps["objects"]),
        (&"ready".into(), &4.into())
    );

    let log = platform.deploy(&[]);
    assert_eq!(
        written(&log),
        [
            "created ConfigMap/partial/settings",
            "created ConfigMap/partial/web"
        ]
    );
    assert_eq!(platform.last_revision()["partial"], false);
    assert_eq!(written(&platform.deploy(&[])), Vec::<String>::new());
}

#[test]
fn several_phases_can_be_named_for_a_first_run() {
    let platform = platform("several");
    let log = platform.deploy(&["--phase", "namespace", "--phase", "monitoring"]);
    assert_eq!(
        written(&log),
        [
            "created Deployment/several/prometheus",
            "created LimitRange/several/limits",
            "created Namespace/several"
        ]
    );
    assert!(platform.get("deployment/web").is_null());
    assert!(
        platform.get("secret/database").is_null(),
        "the secrets were not asked for"
    );
}

#[test]
fn an_unknown_phase_names_the_nearest() {
    let platform = platform("unknown-phase");
    let outcome = platform.up(&["--phase", "monitorin"]).run().exited(2);
    assert!(
        outcome.stderr.contains("has no phase `monitorin`"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome
            .stderr
            .contains("did you mean `--phase monitoring`?"),
        "{}",
        outcome.stderr
    );
    platform.assert_nothing_was_written();
}

#[test]
fn a_phase_whose_namespace_is_not_there_is_refused() {
    let project =
        Project::new("no-namespace").manifest("apps/settings.yaml", &config_map("settings", "1"));
    let outcome = project.up(&["--phase", "apps"]).run().exited(2);
    assert!(
        outcome
            .stderr
            .contains("namespace `no-namespace` does not exist"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains("`--phase namespace`"),
        "{}",
        outcome.stderr
    );
    project.assert_nothing_was_written();
}

/// A release whose next deployment hangs in phase `apps`.
fn about_to_hang(name: &str) -> Project {
    let project = Project::new(name)
        .plan("phases: {apps: {timeout: 10m}}\n")
        .manifest("databases/settings.yaml", &config_map("settings", "1"))
        .manifest("apps/web.yaml", &deployment("web"));
    project.deploy(&[]);
    project.rewrite("databases/settings.yaml", &config_map("settings", "2"));
    project.rewrite("apps/web.yaml", &faulty_deployment("web", "never-ready"));
    project
}

/// Kills a run of `up` while phase `apps` waits.
fn kill_while_it_waits(project: &Project, arguments: &[&str]) {
    let mut run = Running::start(project.up(arguments));
    run.until(|event| event["event"] == "object-written" && event["phase"] == "apps");
    run.kill();
    run.end();
}

#[track_caller]
fn assert_is_refused(project: &Project, phase: &str, number: u64, object: &str) {
    let name = &project.name;
    let before = project.last_revision();
    let outcome = project.up(&["--phase", phase]).run().exited(5);
    for text in [
        format!(
            "revision {number} of {name}.default is neither completed nor rolled back, and may have changed {object}"
        ),
        format!("`deployctl up {name} --env default` without `--phase` continues from there"),
        format!("`deployctl rollback {name} --env default` restores what was there before it"),
    ] {
        assert!(
            outcome.stderr.contains(&text),
            "`{text}` is missing:\n{}",
            outcome.stderr
        );
    }
    assert_eq!(
        project.last_revision(),
        before,
        "nothing is written, not even that it was taken over"
    );
}

#[test]
fn a_part_does_not_settle_what_a_killed_run_has_begun() {
    let project = about_to_hang("part-of-killed");
    kill_while_it_waits(&project, &[]);
    assert_is_refused(
        &project,
        "namespace",
        2,
        "ConfigMap/part-of-killed/settings",
    );
    assert_is_refused(&project, "databases", 2, "Deployment/part-of-killed/web");
    project.command("rollback", &["--yes"]).run().exited(0);
    assert_eq!(project.get("configmap/settings")["data"]["value"], "1");
    assert!(
        project
            .get("deployment/web")
            .pointer("/spec/template/metadata/labels/sandbox.deployctl.dev~1fault")
            .is_none()
    );
    project.rewrite("apps/web.yaml", &deployment("web"));
    assert_eq!(
        written(&project.deploy(&["--phase", "databases"])),
        ["changed ConfigMap/part-of-killed/settings"]
    );
}

#[test]
fn a_part_does_not_settle_what_a_failed_run_has_left() {
    let project = about_to_hang("part-of-failed").plan("phases: {apps: {timeout: 2s}}\n");
    project.rewrite("databases/settings.yaml", "# nothing\n");
    project.up(&["--no-rollback"]).run().exited(3);
    // It was not removed yet; the phase that it belonged to is known all the same.
    assert_is_refused(&project, "apps", 2, "ConfigMap/part-of-failed/settings");
    project.rewrite("apps/web.yaml", &deployment("web"));
    project.deploy(&[]);
    assert!(project.get("configmap/settings").is_null());
}

#[test]
fn a_part_goes_on_from_a_killed_run_of_the_same_part() {
    let project = about_to_hang("part-of-part");
    for _ in 0..2 {
        kill_while_it_waits(&project, &["--phase", "apps"]);
        project.rewrite("apps/web.yaml", &faulty_deployment("web", "slow"));
    }
    project.rewrite("apps/web.yaml", &deployment("web"));
    project.deploy(&["--phase", "apps"]);
    assert_eq!(project.last_revision()["outcome"], "succeeded");
    assert_eq!(project.get("configmap/settings")["data"]["value"], "1");
}

#[test]
fn a_run_that_is_alive_is_no_unfinished_one() {
    let project = about_to_hang("part-beside");
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "object-written" && event["phase"] == "apps");
    let locked = project.up(&["--phase", "namespace"]).run().exited(4);
    assert!(locked.stderr.contains("is locked by"), "{}", locked.stderr);
}
