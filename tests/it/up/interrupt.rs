//! Signals while a run is under way.

use std::net::TcpListener;

use rustix::process::Signal;

use super::{
    manifests::{config_map, faulty_deployment},
    project::Project,
    running::Running,
};

fn slow(name: &str) -> Project {
    Project::new(name)
        .manifest("apps/web.yaml", &faulty_deployment("web", "never-ready"))
        .manifest("monitoring/later.yaml", &config_map("later", "1"))
}

#[test]
fn a_signal_during_a_phase_puts_everything_back_and_is_recorded() {
    for (signal, name) in [
        (Signal::INT, "interrupted"),
        (Signal::TERM, "terminated"),
        (Signal::HUP, "hung-up"),
    ] {
        let project = slow(name);
        let mut run = Running::start(project.up(&[]));
        run.until(|event| event["event"] == "object-written" && event["phase"] == "apps");
        run.signal(signal);
        let (status, events, stderr) = run.end();
        assert_eq!(status, Some(130), "{stderr}");
        let last = events.last().unwrap();
        assert_eq!(
            (&last["event"], &last["outcome"], &last["exitStatus"]),
            (&"run-finished".into(), &"rolled-back".into(), &130.into())
        );
        assert!(
            events.iter().any(
                |event| event["event"] == "phase-finished" && event["outcome"] == "interrupted"
            )
        );
        let revision = project.last_revision();
        assert_eq!(revision["outcome"], "rolled-back");
        assert!(revision["finished"].is_string());
        assert!(
            project.get(&format!("namespace/{name}")).is_null(),
            "the namespace that the run created is left: {stderr}"
        );
        let said = project
            .command("status", &["--exit-code"])
            .run()
            .exited(6)
            .stdout;
        assert!(said.contains("rolled back"), "{said}");
    }
}

#[test]
fn a_second_signal_stops_at_once_and_leaves_the_journal() {
    let project = slow("twice").manifest("databases/held.yaml", &held("twice"));
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "object-written" && event["phase"] == "apps");
    run.signal(Signal::INT);
    // The way back does not come to its end: a finalizer holds one of its objects.
    run.until(|event| {
        event["event"] == "object-written"
            && event["result"] == "deleted"
            && event["object"]["name"] == "held"
    });
    run.signal(Signal::INT);
    let (status, events, stderr) = run.end();
    assert_eq!(status, Some(3), "{stderr}");
    assert_eq!(events.last().unwrap()["outcome"], "rolling-back");
    let revision = project.last_revision();
    assert_eq!(
        (&revision["outcome"], revision["finished"].is_null()),
        (&"rolling-back".into(), true)
    );
    project.kubectl(&[
        "patch",
        "configmap/held",
        "--type=json",
        "-p",
        r#"[{"op": "remove", "path": "/metadata/finalizers"}]"#,
    ]);
}

/// A terminal that goes away may hang up several times.
#[test]
fn a_second_hang_up_does_not_stop_the_rollback() {
    let project = slow("hung-up-twice").manifest("databases/held.yaml", &held("hung-up-twice"));
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "object-written" && event["phase"] == "apps");
    run.signal(Signal::HUP);
    run.until(|event| {
        event["event"] == "object-written"
            && event["result"] == "deleted"
            && event["object"]["name"] == "held"
    });
    run.signal(Signal::HUP);
    project.kubectl(&[
        "patch",
        "configmap/held",
        "--type=json",
        "-p",
        r#"[{"op": "remove", "path": "/metadata/finalizers"}]"#,
    ]);
    let (status, events, stderr) = run.end();
    assert_eq!(status, Some(130), "{stderr}");
    assert_eq!(events.last().unwrap()["outcome"], "rolled-back");
}

/// A ConfigMap that is not gone before somebody has done something.
fn held(namespace: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: held, namespace: {namespace}, finalizers: [example.org/held]}}\n"
    )
}

#[test]
fn a_signal_before_the_first_write_changes_nothing() {
    let project = slow("early-signal");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    let server = listener.local_addr().unwrap();
    let text = format!(
        "clusters: [{{name: a, cluster: {{server: 'http://{server}'}}}}]\ncontexts: [{{name: a, context: {{cluster: a, user: a}}}}]\nusers: [{{name: a, user: {{token: a}}}}]\ncurrent-context: a\n"
    );
    std::fs::write(&path, text).unwrap();
    let run = Running::start(project.up(&["--kubeconfig", path.to_str().unwrap()]));
    // The program has sent its first request when it has connected.
    let _connection = listener.accept().unwrap();
    run.signal(Signal::INT);
    let (status, events, stderr) = run.end();
    assert_eq!((status, events), (Some(130), Vec::new()));
    assert!(
        stderr.contains("interrupted; nothing was changed"),
        "{stderr}"
    );
    project.assert_nothing_was_written();
}

#[test]
fn an_interrupted_run_that_wrote_nothing_left_the_cluster_as_it_was() {
    let project = Project::new("waits-only")
        .plan("phases: {apps: {timeout: 1s}}\n")
        .manifest("apps/web.yaml", &faulty_deployment("web", "never-ready"));
    project.up(&["--no-rollback"]).run().exited(3);
    let project = project.plan("phases: {apps: {timeout: 5m}}\n");
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "phase-started" && event["phase"] == "apps");
    run.signal(Signal::INT);
    let (status, _, stderr) = run.end();
    assert_eq!(status, Some(130), "{stderr}");
    assert_eq!(project.revisions().len(), 1);
}
