//! Phases that cannot become ready.

use serde_json::Value;

use super::{
    manifests::{config_map, faulty_deployment, job},
    project::{Project, events, name, written},
};
use crate::support::{Outcome, eventually, kubectl};

/// A project whose phase `apps` holds `manifest`, with a phase before and one after it.
fn project(name: &str, timeout: &str, manifest: &str) -> Project {
    Project::new(name)
        .plan(&format!("phases: {{apps: {{timeout: {timeout}}}}}\n"))
        .manifest("databases/before.yaml", &config_map("before", "1"))
        .manifest("apps/faulty.yaml", manifest)
        .manifest("monitoring/later.yaml", &config_map("later", "1"))
}

/// Runs `up`, which fails and is rolled back, and returns what it said and the diagnosis of the
/// first object.
#[track_caller]
fn failed(project: &Project, outcome: &str) -> (Outcome, Value) {
    let run = project.up(&["-o", "jsonl"]).run().exited(1);
    let log = run.events();
    let phase = events(&log, "phase-finished")
        .into_iter()
        .find(|event| event["phase"] == "apps")
        .cloned()
        .unwrap();
    assert_eq!(phase["outcome"], outcome, "{phase}");
    let explained = events(&log, "failure-explained");
    assert_eq!(explained.len(), 1);
    let diagnosis = explained[0]["diagnosis"].clone();
    assert_eq!(diagnosis["phase"], "apps");
    assert_eq!(log.last().unwrap()["exitStatus"], 1);

    assert!(
        !written(&log).iter().any(|write| write.ends_with("/later")),
        "the phase after it was started"
    );
    let proof = &events(&log, "rollback-proved")[0]["proof"];
    assert_eq!(proof["differences"], Value::Array(Vec::new()), "{proof:#}");
    assert!(
        project.get("configmap/before").is_null(),
        "what was created before is left"
    );
    let revision = project.last_revision();
    let cause = format!(
        "phase `apps` failed: {}",
        diagnosis["summary"].as_str().unwrap()
    );
    assert_eq!(
        (&revision["outcome"], &revision["cause"]),
        (&"rolled-back".into(), &cause.into())
    );
    let status = project.command("status", &["--exit-code"]).run().exited(6);
    assert!(status.stdout.contains("rolled back"), "{}", status.stdout);
    assert!(
        status.stdout.contains(
            &name(&diagnosis["objects"][0]["object"])
                .split('/')
                .next_back()
                .unwrap()
                .to_owned()
        ),
        "{}",
        status.stdout
    );
    (run, diagnosis["objects"][0].clone())
}

#[track_caller]
fn assert_names(diagnosis: &Value, object: &str, cause: &str) {
    assert_eq!(name(&diagnosis["object"]), object, "{diagnosis:#}");
    assert!(
        diagnosis["cause"]
            .as_str()
            .unwrap_or_default()
            .contains(cause),
        "{diagnosis:#}"
    );
}

#[test]
fn a_crash_loop_fails_with_the_containers_last_words() {
    let project = project("crash-loop", "1m", &faulty_deployment("web", "crash-loop"));
    let (_, diagnosis) = failed(&project, "failed");
    assert_names(&diagnosis, "Deployment/crash-loop/web", "CrashLoopBackOff");
    assert_eq!(diagnosis["container"], "main");
    assert!(
        diagnosis["pod"].as_str().unwrap().starts_with("web-"),
        "{diagnosis:#}"
    );
    assert!(
        !diagnosis["log"].as_array().unwrap().is_empty(),
        "no log lines: {diagnosis:#}"
    );
}

#[test]
fn an_image_that_cannot_be_pulled_fails_and_is_named() {
    let project = project("image-pull", "1m", &faulty_deployment("web", "image-pull"));
    let (_, diagnosis) = failed(&project, "failed");
    assert_names(&diagnosis, "Deployment/image-pull/web", "web:v1");
}

#[test]
fn a_container_that_is_killed_for_its_memory_says_so() {
    let project = project("oom", "1m", &faulty_deployment("web", "oom"));
    let (_, diagnosis) = failed(&project, "failed");
    assert_names(&diagnosis, "Deployment/oom/web", "OOMKilled");
}

#[test]
fn a_job_that_fails_fails_at_once() {
    let project = project("job-fails", "5m", &job("migrate", "job-fails"));
    let (_, diagnosis) = failed(&project, "failed");
    assert_names(
        &diagnosis,
        "Job/job-fails/migrate",
        "container `main` exited with code 1",
    );
    assert_eq!(diagnosis["verdict"]["reason"], "BackoffLimitExceeded");
}

#[test]
fn a_probe_that_never_succeeds_ends_with_the_phases_time() {
    let project = project(
        "never-ready",
        "4s",
        &faulty_deployment("web", "never-ready"),
    );
    let (_, diagnosis) = failed(&project, "timed-out");
    assert_names(
        &diagnosis,
        "Deployment/never-ready/web",
        "Readiness probe failed",
    );
}

#[test]
fn a_pod_that_fits_on_no_node_is_what_the_scheduler_says() {
    let project = project(
        "unschedulable",
        "4s",
        &faulty_deployment("web", "unschedulable"),
    );
    let (_, diagnosis) = failed(&project, "timed-out");
    assert_names(
        &diagnosis,
        "Deployment/unschedulable/web",
        "nodes are available",
    );
}

#[test]
fn a_claim_that_nothing_provisions_is_named() {
    let claim = super::manifests::claim("data", "standard").replace(
        "{name: data}",
        "{name: data, labels: {sandbox.deployctl.dev/fault: no-provision}}",
    );
    let project = project("no-volume", "3s", &claim);
    let (_, diagnosis) = failed(&project, "timed-out");
    assert_eq!(
        name(&diagnosis["object"]),
        "PersistentVolumeClaim/no-volume/data"
    );
}

#[test]
fn people_read_the_object_the_reason_and_what_shows_more() {
    let project = project(
        "read-by-people",
        "1m",
        &faulty_deployment("web", "crash-loop"),
    );
    let outcome = project.up(&[]).run().exited(1);
    for text in [
        "phase apps",
        "Deployment/read-by-people/web",
        "CrashLoopBackOff",
        "more: deployctl history show 1 read-by-people --env default",
        "rolled back: 3 objects as before, 0 differences",
        "fix the cause, then run `deployctl up read-by-people --env default` again",
    ] {
        assert!(
            outcome.stderr.contains(text),
            "`{text}` is missing:\n{}",
            outcome.stderr
        );
    }
    assert!(
        !outcome.stderr.contains("kubectl"),
        "a command asks for a pod that is gone:\n{}",
        outcome.stderr
    );
}

#[test]
fn a_run_that_wrote_nothing_before_it_failed_left_the_cluster_as_it_was() {
    let project = Project::new("nothing-written")
        .plan("phases: {apps: {timeout: 3s}}\n")
        .manifest("apps/web.yaml", &faulty_deployment("web", "never-ready"));
    project.up(&["--no-rollback"]).run().exited(3);
    // Everything of the phase is as wanted now, and still not ready.
    let again = project.up(&["-o", "jsonl"]).run().exited(1);
    assert_eq!(again.events().last().unwrap()["exitStatus"], 1);
    assert_eq!(project.revisions().len(), 1);
}

#[test]
fn a_failure_that_mended_itself_is_recorded_as_such() {
    let selector = "nodeSelector: {mended-itself: soon}";
    let containers = "containers: [{name: main, image: web:v1}]";
    let project = Project::new("mended-itself")
        .plan("phases: {apps: {timeout: 3s}}\n")
        .manifest("apps/web.yaml", &format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec:\n  {selector}\n  {containers}\n"));
    project.up(&["--no-rollback"]).run().exited(3);
    assert_eq!(project.last_revision()["outcome"], "failed");
    // The pod cannot be scheduled until a node carries that label.
    kubectl(&["label", "nodes", "--all", "mended-itself=soon"]);
    eventually("the pod runs", || {
        (project.get("pod/web")["status"]["phase"] == "Running").then_some(())
    });
    project.deploy(&[]);
    assert_eq!(project.last_revision()["outcome"], "succeeded");
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
    assert_eq!(project.revisions().len(), 2);
}

#[test]
fn the_next_run_goes_on_where_the_cause_was_mended() {
    let project = project("mended", "1m", &faulty_deployment("web", "image-pull"));
    project.up(&["--no-rollback"]).run().exited(3);
    project.rewrite("apps/faulty.yaml", &faulty_deployment("web", ""));
    let log = project.deploy(&[]);
    assert_eq!(
        super::project::written(&log),
        [
            "changed Deployment/mended/web",
            "created ConfigMap/mended/later"
        ]
    );
    let revision = project.last_revision();
    assert_eq!(
        (
            &revision["number"],
            &revision["outcome"],
            &revision["cause"]
        ),
        (&2.into(), &"succeeded".into(), &Value::Null)
    );
    project.command("status", &["--exit-code"]).run().exited(0);
}
