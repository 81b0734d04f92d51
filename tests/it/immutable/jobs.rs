//! Rule 16, and Jobs that are run once.

use super::{
    manifests::{faulty_deployment, job},
    project::{Project, written},
    proof, remarks, uid,
};
use crate::support::eventually;

#[test]
fn an_unchanged_finished_job_is_not_run_again() {
    let project = Project::new("job-kept").manifest("apps/migrate.yaml", &job("migrate", ""));
    project.deploy(&[]);
    let first = uid(&project, "job/migrate");
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
    assert_eq!(uid(&project, "job/migrate"), first);
}

#[test]
fn a_finished_job_that_its_time_to_live_removed_is_not_run_again() {
    let removes_itself = job("migrate", "").replace(
        "backoffLimit: 0",
        "backoffLimit: 0\n  ttlSecondsAfterFinished: 1",
    );
    let project = Project::new("job-ttl").manifest("apps/migrate.yaml", &removes_itself);
    project.deploy(&[]);
    eventually("the Job removes itself", || {
        project.get("job/migrate").is_null().then_some(())
    });
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
    let status = project
        .command("status", &["--exit-code"])
        .run()
        .exited(0)
        .stdout;
    assert!(status.contains("migrate"), "{status}");

    project.rewrite(
        "apps/other.yaml",
        &super::manifests::config_map("other", "1"),
    );
    assert_eq!(
        written(&project.deploy(&[])),
        ["created ConfigMap/job-ttl/other"],
        "what is remembered of it is carried along"
    );
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());

    project.rewrite("apps/migrate.yaml", &removes_itself.replace(":v1", ":v2"));
    assert_eq!(
        written(&project.deploy(&[])),
        ["created Job/job-ttl/migrate"]
    );
}

#[test]
fn a_changed_job_is_replaced() {
    let project = Project::new("job-changed").manifest("apps/migrate.yaml", &job("migrate", ""));
    project.deploy(&[]);
    let first = uid(&project, "job/migrate");
    project.rewrite(
        "apps/migrate.yaml",
        &job("migrate", "").replace(":v1", ":v2"),
    );
    assert_eq!(
        written(&project.deploy(&[])),
        [
            "created Job/job-changed/migrate",
            "deleted Job/job-changed/migrate"
        ]
    );
    assert_ne!(uid(&project, "job/migrate"), first);
    assert_eq!(
        project.get("job/migrate")["spec"]["template"]["spec"]["containers"][0]["image"],
        "migrate:v2"
    );
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

#[test]
fn a_job_that_changes_in_what_can_be_changed_is_not_run_again() {
    let project = Project::new("job-labelled").manifest("apps/migrate.yaml", &job("migrate", ""));
    project.deploy(&[]);
    let first = uid(&project, "job/migrate");
    project.rewrite(
        "apps/migrate.yaml",
        &job("migrate", "").replace("{name: migrate}", "{name: migrate, labels: {team: shop}}"),
    );
    assert_eq!(
        written(&project.deploy(&[])),
        ["changed Job/job-labelled/migrate"]
    );
    assert_eq!(uid(&project, "job/migrate"), first);
}

/// A project whose Job has run, and a run that replaces it and then fails.
fn failing_after_the_job(name: &str, plan: &str) -> (Project, crate::support::Outcome) {
    let project = Project::new(name)
        .plan(plan)
        .manifest("databases/migrate.yaml", &job("migrate", ""));
    project.deploy(&[]);
    project.rewrite(
        "databases/migrate.yaml",
        &job("migrate", "").replace(":v1", ":v2"),
    );
    project.rewrite("apps/web.yaml", &faulty_deployment("web", "crash-loop"));
    let run = project.up(&["-o", "jsonl"]).run().exited(1);
    (project, run)
}

#[test]
fn a_rollback_does_not_run_a_job_again_and_says_so() {
    let (project, run) = failing_after_the_job("job-ran", "");
    assert_eq!(
        remarks(&proof(&run), "stays"),
        ["Job/job-ran/migrate is not restored: it has completed"]
    );
    assert!(project.get("job/migrate").is_null());
}

#[test]
fn a_rollback_runs_a_job_again_that_is_marked_for_it() {
    let (project, run) = failing_after_the_job(
        "job-rerun",
        "phases: {databases: {match: [{kind: Job, name: migrate, rollback: rerun}]}}\n",
    );
    assert!(remarks(&proof(&run), "stays").is_empty(), "{}", proof(&run));
    assert_eq!(
        project.get("job/migrate")["spec"]["template"]["spec"]["containers"][0]["image"],
        "migrate:v1"
    );
}
