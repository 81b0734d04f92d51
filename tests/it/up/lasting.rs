//! What had become ready, and is not any more before the run ends.

use serde_json::Value;

use super::{
    manifests::{config_map, deployment, documents, faulty_deployment, secret},
    project::{Project, position},
    running::Running,
};

/// A Deployment whose pods are ready after so many seconds.
fn slow(name: &str, seconds: u32) -> String {
    faulty_deployment(name, "slow").replacen(
        "metadata: {labels: {app: ",
        &format!(
            "metadata: {{annotations: {{sandbox.deployctl.dev/seconds: \"{seconds}\"}}, labels: {{app: "
        ),
        1,
    )
}

fn is_finished(phase: &'static str) -> impl Fn(&Value) -> bool {
    move |event| event["event"] == "phase-finished" && event["phase"] == phase
}

#[test]
fn what_falls_back_after_its_phase_is_waited_for_once_more() {
    let project = Project::new("lasting-again")
        .manifest("databases/web.yaml", &slow("web", 4))
        .manifest("apps/worker.yaml", &slow("worker", 2));
    let mut run = Running::start(project.up(&[]));
    run.until(is_finished("databases"));
    project.kubectl(&["delete", "pod", "--selector=app=web", "--wait=false"]);
    let (status, events, said) = run.end();
    assert_eq!(status, Some(0), "{said}");
    let later = &events[position(&events, "phase-finished", "apps")..];
    let is_web = |event: &&Value| event["object"]["name"] == "web";
    let last = later.iter().rfind(is_web).expect("it is waited for");
    assert_eq!(last["to"]["state"], "ready", "{later:#?}");
    assert_eq!(project.status()["standing"], "deployed");
}

/// What is said of the failure in `events`.
#[track_caller]
fn diagnosis(events: &[Value]) -> &Value {
    let failed = events
        .iter()
        .find(|event| event["event"] == "failure-explained");
    &failed.expect("it is explained")["diagnosis"]
}

#[test]
fn what_is_deleted_after_its_phase_ends_the_run() {
    let project = Project::new("lasting-gone")
        .manifest("databases/web.yaml", &deployment("web"))
        .manifest("apps/worker.yaml", &slow("worker", 3));
    let mut run = Running::start(project.up(&[]));
    run.until(is_finished("databases"));
    project.kubectl(&["delete", "deployment", "web"]);
    let (status, events, said) = run.end();
    assert_eq!(status, Some(1), "{said}");
    let diagnosis = diagnosis(&events);
    assert_eq!(diagnosis["phase"], "databases");
    assert_eq!(diagnosis["summary"], "Deployment/lasting-gone/web is gone");
    assert_eq!(
        diagnosis["objects"][0]["verdict"]["message"],
        "it was deleted by something else after it had become ready"
    );
    assert_eq!(project.status()["standing"], "rolled-back");
}

/// Nothing tells of what is ready when it is stored.
#[test]
fn what_is_ready_at_once_and_is_deleted_later_ends_the_run() {
    for (kind, object, number) in [("ConfigMap", "settings", 1), ("Secret", "key", 2)] {
        let name = format!("lasting-stored-{number}");
        let project = Project::new(&name)
            .manifest(
                "databases/settings.yaml",
                &documents(&[config_map("settings", "1"), secret("key")]),
            )
            .manifest("apps/worker.yaml", &slow("worker", 5));
        let mut run = Running::start(project.up(&[]));
        run.until(is_finished("databases"));
        project.kubectl(&["delete", kind, object]);
        let (status, events, said) = run.end();
        assert_eq!(status, Some(1), "{said}");
        let diagnosis = diagnosis(&events);
        let expected = format!("{kind}/{name}/{object} is gone");
        assert_eq!(diagnosis["summary"], expected);
        assert_eq!(project.status()["standing"], "rolled-back");
    }
}
