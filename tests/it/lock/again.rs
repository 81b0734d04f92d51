//! What changes between the look that was shown and the one under the lock.

use std::time::Duration;

use crate::support::{
    eventually,
    manifests::{config_map, deployment, documents, faulty_deployment},
    project::Project,
    proxy::{Fault, Proxy, Requests, Rule},
    running::Running,
};

/// Runs `up`, and does `meanwhile` after the first look, while the lock is asked for. Returns the exit status and what was said.
fn up_and(project: &Project, meanwhile: impl FnOnce()) -> (Option<i32>, String) {
    let proxy = Proxy::start();
    proxy.inject([Rule::new(Requests::mutating().about("/leases"), Fault::Delay(Duration::from_secs(6))).times(1)]);
    let run = Running::start(proxy.through(project.up(&["--lock-expiry", "1m"])));
    eventually("the lock is asked for", || proxy.mutating().iter().any(|write| write.path.contains("/leases")).then_some(()));
    meanwhile();
    let (status, _, stderr) = run.end();
    (status, stderr)
}

fn deployed(name: &str) -> Project {
    let project = Project::new(name)
        .manifest("databases/settings.yaml", &documents(&[config_map("settings", "1"), config_map("others", "1")]))
        .manifest("apps/web.yaml", &deployment("web"));
    project.deploy(&[]);
    project.rewrite("databases/settings.yaml", &documents(&[config_map("settings", "2"), config_map("others", "1")]));
    project
}

/// Kills a run of `up` whose Deployment does not become ready.
fn kill_while_it_waits(project: &Project) {
    project.rewrite("apps/web.yaml", &faulty_deployment("web", "never-ready"));
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "object-written" && event["phase"] == "apps");
    run.kill();
    run.end();
}

#[test]
fn what_somebody_changes_after_it_was_shown_is_not_overwritten() {
    let project = deployed("changed-since");
    let (status, stderr) = up_and(&project, || drop(project.kubectl(&["patch", "configmap/settings", "-p", r#"{"data":{"value":"3"}}"#])));
    assert_eq!(status, Some(5), "{stderr}");
    assert!(stderr.contains("ConfigMap/changed-since/settings was changed by somebody else since"), "{stderr}");
    assert!(stderr.contains("run the same command again"), "{stderr}");
    assert_eq!(project.get("configmap/settings")["data"]["value"], "3");
    assert_eq!(project.last_revision()["number"], 1);
}

#[test]
fn what_a_killed_run_had_sent_may_take_effect_until_the_lock_is_taken_over() {
    let project = deployed("late-writes");
    kill_while_it_waits(&project);

    project.rewrite("apps/web.yaml", &deployment("web"));
    let (status, stderr) = up_and(&project, || drop(project.kubectl(&["delete", "configmap/settings"])));
    assert_eq!(status, Some(0), "{stderr}");
    assert!(stderr.contains("Meanwhile ConfigMap/late-writes/settings was changed by the interrupted run"), "{stderr}");
    assert_eq!(project.get("configmap/settings")["data"]["value"], "2");

    // What the interrupted run had nothing to do with is another matter.
    kill_while_it_waits(&project);
    let (status, stderr) = up_and(&project, || drop(project.kubectl(&["delete", "configmap/others"])));
    assert_eq!(status, Some(5), "{stderr}");
    assert!(stderr.contains("ConfigMap/late-writes/others was changed by somebody else since"), "{stderr}");
}
