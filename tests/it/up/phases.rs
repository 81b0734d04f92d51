//! The order of phases, and what bounds them.

use super::{
    manifests::{config_map, deployment, faulty_deployment},
    project::{Project, events, position, written},
};

#[test]
fn independent_phases_run_side_by_side() {
    let project = Project::new("side-by-side")
        .plan(
            "phases:\n  workers: {after: [namespace]}\n  reports: {after: [namespace], before: [ingress]}\n  ingress: {after: [workers]}\n",
        )
        .manifest("workers/worker.yaml", &deployment("worker"))
        .manifest("reports/report.yaml", &deployment("report"))
        .manifest("ingress/last.yaml", &config_map("last", "1"));
    let log = project.deploy(&[]);
    let started = ["workers", "reports"].map(|phase| position(&log, "phase-started", phase));
    let finished = ["workers", "reports"].map(|phase| position(&log, "phase-finished", phase));
    assert!(
        started.iter().max() < finished.iter().min(),
        "one waited for the other: {started:?} {finished:?}"
    );
    assert!(finished.iter().max().unwrap() < &position(&log, "phase-started", "ingress"));
}

#[test]
fn a_failure_stops_what_runs_beside_it() {
    let project = Project::new("beside-failure")
        .plan("phases:\n  workers: {after: [namespace]}\n  reports: {after: [namespace]}\n  mails: {after: [workers]}\n")
        .manifest("workers/worker.yaml", &faulty_deployment("worker", "never-ready"))
        .manifest("reports/report.yaml", &faulty_deployment("report", "image-pull"))
        .manifest("mails/mail.yaml", &config_map("mail", "1"));
    let outcome = project.up(&["-o", "jsonl"]).run().exited(1);
    let log = outcome.events();
    let ended: Vec<(&str, &str)> = events(&log, "phase-finished")
        .iter()
        .map(|event| {
            (
                event["phase"].as_str().unwrap(),
                event["outcome"].as_str().unwrap(),
            )
        })
        .collect();
    assert!(
        ended.contains(&("reports", "failed")) && ended.contains(&("workers", "interrupted")),
        "{ended:?}"
    );
    assert!(project.get("configmap/mail").is_null());
}

#[test]
fn a_phase_whose_definition_is_not_served_is_skipped_and_said_to_be() {
    let project = Project::new("skipped")
        .plan("phases:\n  streams: {after: [apps], when: {crd: kafkas.kafka.strimzi.io}}\n  certificates: {after: [apps], when: {crd: issuers.cert-manager.io}}\n")
        .manifest("streams/orders.yaml", "apiVersion: kafka.strimzi.io/v1\nkind: Kafka\nmetadata: {name: orders}\nspec: {kafka: {}}\n")
        .manifest("certificates/issuer.yaml", "apiVersion: cert-manager.io/v1\nkind: Issuer\nmetadata: {name: own}\nspec: {selfSigned: {}}\n");
    let log = project.deploy(&[]);
    let skipped = events(&log, "phase-skipped");
    assert_eq!(skipped.len(), 1);
    assert_eq!(
        (&skipped[0]["phase"], &skipped[0]["why"]),
        (
            &"streams".into(),
            &"the cluster does not serve `kafkas.kafka.strimzi.io`".into()
        )
    );
    assert_eq!(
        written(&log),
        ["created Issuer/skipped/own", "created Namespace/skipped"]
    );
    let said = project.up(&[]).run().exited(0);
    assert!(
        said.stderr.contains("streams") && said.stderr.contains("kafkas.kafka.strimzi.io"),
        "{}",
        said.stderr
    );
}

#[test]
fn the_time_of_a_phase_ends_the_run() {
    let project = Project::new("phase-time")
        .plan("phases: {apps: {timeout: 2s}}\n")
        .manifest("apps/web.yaml", &faulty_deployment("web", "slow"))
        .manifest("monitoring/later.yaml", &config_map("later", "1"));
    let outcome = project.up(&["-o", "jsonl"]).run().exited(1);
    let log = outcome.events();
    let finished = &log[position(&log, "phase-finished", "apps")];
    assert_eq!(finished["outcome"], "timed-out");
    let summary = events(&log, "failure-explained")[0]["diagnosis"]["summary"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        summary.contains("timed out after 2 s: ") && summary.contains("Deployment/phase-time/web"),
        "{summary}"
    );
    assert!(project.get("configmap/later").is_null());
    assert_eq!(
        project.last_revision()["cause"],
        format!("phase `apps` failed: {summary}")
    );
}

#[test]
fn the_time_of_the_run_ends_it() {
    let project =
        Project::new("run-time").manifest("apps/web.yaml", &faulty_deployment("web", "slow"));
    let log = project
        .up(&["--timeout", "2s", "-o", "jsonl"])
        .run()
        .exited(1)
        .events();
    let summary = events(&log, "failure-explained")[0]["diagnosis"]["summary"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        summary.contains("the run timed out after 2 s: "),
        "{summary}"
    );
    assert_eq!(project.last_revision()["outcome"], "rolled-back");
}
