//! Revisions that the API server does not take any more while their run goes on.

use crate::support::{
    eventually,
    manifests::{deployment, faulty_deployment},
    project::{Project, journal},
    proxy::{Answer, Fault, Proxy, Requests, Rule},
    running::Running,
    try_kubectl,
};

/// The Secrets of revisions.
const REVISIONS: &str = "/namespaces/deployctl-system/secrets";

/// A run that waits for its last object; all that it has done is stored.
fn waiting(name: &str) -> (Project, Proxy, Running) {
    let project =
        Project::new(name).manifest("apps/web.yaml", &faulty_deployment("web", "never-ready"));
    let proxy = Proxy::start();
    proxy.inject([]);
    let run = Running::start(proxy.through(project.up(&[])));
    eventually("the journal is written", || {
        project
            .stored("head")
            .pop()
            .filter(|head| journal(head).contains(r#""name":"web""#))
    });
    proxy.inject([Rule::new(
        Requests::mutating().about(REVISIONS),
        Fault::Answer(Answer::without_reason(403)),
    )]);
    (project, proxy, run)
}

#[test]
fn a_run_whose_outcome_cannot_be_stored_does_not_say_that_it_succeeded() {
    let (project, proxy, run) = waiting("record-outcome");
    let mended = try_kubectl(
        &[
            "apply",
            "--server-side",
            "--force-conflicts",
            "--field-manager=ops",
            "-n",
            &project.name,
            "-f",
            "-",
        ],
        &{
            deployment("web").replace(
                "labels: {app: web}",
                "labels: {app: web, sandbox.deployctl.dev/fault: ''}",
            )
        },
    );
    assert!(
        mended.status.success(),
        "{}",
        String::from_utf8_lossy(&mended.stderr)
    );
    let (status, log, said) = run.end();
    assert_eq!(status, Some(3), "{said}");
    let last = log.last().unwrap();
    assert_eq!(
        (&last["outcome"], &last["exitStatus"]),
        (&"interrupted".into(), &3.into()),
        "{last:#}"
    );
    assert!(said.contains("its outcome could not be stored"), "{said}");
    proxy.inject([]);
    project.rewrite("apps/web.yaml", &deployment("web"));
    project.deploy(&[]);
    assert_eq!(project.last_revision()["outcome"], "succeeded");
}

#[test]
fn a_run_whose_journal_is_refused_says_why_it_stopped() {
    let project = Project::new("record-journal")
        .manifest("apps/web.yaml", &faulty_deployment("web", "never-ready"));
    let proxy = Proxy::start();
    proxy.inject([]);
    let mut run = Running::start(proxy.through(project.up(&[])));
    run.until(|event| event["event"] == "run-started");
    proxy.inject([Rule::new(
        Requests::mutating().about(REVISIONS),
        Fault::Answer(Answer::without_reason(403)),
    )]);
    let (status, log, said) = run.end();
    assert_eq!(status, Some(3), "{said}");
    let explained = log
        .iter()
        .find(|event| event["event"] == "failure-explained")
        .unwrap();
    let summary = explained["diagnosis"]["summary"].as_str().unwrap();
    assert!(
        summary.starts_with("what was done could not be recorded: ")
            && summary.contains("the proxy answers"),
        "{summary}"
    );
    proxy.inject([]);
    project.command("rollback", &["--yes"]).run().exited(0);
    assert!(project.get("deployment/web").is_null());
}
