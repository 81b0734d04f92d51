//! Answers that a busy or broken API server gives.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::release::{SETTINGS, about, answers, assert_complete, release, retries};
use crate::support::proxy::{Answer, Fault, Requests, Rule, When};

#[test]
fn a_server_that_asks_to_wait_is_given_the_time_it_asks_for() {
    let (project, proxy) = release("net-busy");
    proxy.inject([Rule::new(
        Requests::mutating().about(SETTINGS),
        Fault::Answer(Answer::too_many_requests(2)),
    )
    .times(1)]);
    let outcome = proxy.run(project.up(&["-v"])).exited(0);
    let writes = about(proxy.mutating(), SETTINGS);
    assert_eq!(answers(&proxy, SETTINGS), [Some(429), Some(201)]);
    assert!(writes[1].after(&writes[0]) >= Duration::from_secs(2));
    assert_eq!(
        retries(&outcome),
        ["Retry: patch of ConfigMap/net-busy/settings: attempt 2 in 2.0 s: the proxy answers"]
    );
    assert_complete(&project);
}

#[test]
fn what_passes_is_tried_again_and_shown() {
    let (project, proxy) = release("net-passing");
    proxy.inject([
        Rule::new(
            Requests::mutating().about(SETTINGS),
            Fault::Answer(Answer::unavailable()),
        )
        .times(2),
        Rule::new(
            Requests::reads().about("/api/v1/configmaps"),
            Fault::Answer(Answer::internal_error()),
        )
        .times(1),
    ]);
    let outcome = proxy.run(project.up(&["-v"])).exited(0);
    assert_eq!(answers(&proxy, SETTINGS), [Some(503), Some(503), Some(201)]);
    assert_eq!(retries(&outcome).len(), 3, "{}", outcome.stderr);
    assert_complete(&project);
}

#[test]
fn an_error_without_a_reason_is_told_at_once() {
    let (project, proxy) = release("net-typo");
    proxy.inject([Rule::new(
        Requests::mutating().about(SETTINGS),
        Fault::Answer(Answer::without_reason(500)),
    )]);
    let outcome = proxy.run(project.up(&["-v"]));
    assert_ne!(outcome.status, 0, "{}", outcome.stderr);
    assert_eq!(answers(&proxy, SETTINGS), [Some(500)]);
    assert_eq!(retries(&outcome), Vec::<&str>::new());
    assert!(
        outcome
            .stderr
            .contains("ConfigMap/net-typo/settings could not be written: the proxy answers"),
        "{}",
        outcome.stderr
    );
}

/// Where chunks and heads of revisions are written to.
const REVISIONS: &str = "/namespaces/deployctl-system/secrets";

#[test]
fn a_chunk_is_only_there_where_the_server_says_so() {
    let (project, proxy) = release("net-chunks");
    proxy.inject([Rule::new(
        Requests::mutating().about(REVISIONS),
        Fault::Answer(Answer::conflict()),
    )
    .times(2)]);
    let outcome = proxy.run(project.up(&["-v"])).exited(0);
    let retries = retries(&outcome);
    assert!(
        retries.len() == 2
            && retries
                .iter()
                .all(|retry| retry.ends_with("the object has been modified")),
        "{retries:?}"
    );
    assert_complete(&project);
    let revision = project.last_revision();
    let wanted = revision["phases"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|phase| phase["wanted"].as_array().unwrap());
    let named = wanted.chain(
        ["program", "snapshot", "records"]
            .iter()
            .flat_map(|part| revision[part].as_array().unwrap()),
    );
    let stored: Vec<Value> = project
        .stored("chunk")
        .iter()
        .map(|chunk| chunk["metadata"]["name"].clone())
        .collect();
    let missing: Vec<&Value> = named.filter(|name| !stored.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?} of {stored:?}");
}

#[test]
fn a_race_for_a_quota_passes() {
    let (project, proxy) = release("net-quota");
    proxy.inject([Rule::new(
        Requests::mutating().about("/configmaps/settings?"),
        Fault::Answer(Answer::conflict_of_quota()),
    )
    .times(2)]);
    let outcome = proxy.run(project.up(&["-v"])).exited(0);
    assert_eq!(retries(&outcome).len(), 2, "{}", outcome.stderr);
    assert_complete(&project);
}

#[test]
fn a_revision_that_cannot_be_stored_is_an_error_before_the_first_write() {
    let (project, proxy) = release("net-no-chunks");
    proxy.inject([Rule::new(
        Requests::mutating().about(REVISIONS),
        Fault::Answer(Answer::conflict()),
    )]);
    let outcome = proxy.run(project.up(&[])).exited(1);
    assert!(
        outcome
            .stderr
            .contains("nothing was changed: cannot store a revision"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains("the object has been modified"),
        "{}",
        outcome.stderr
    );
    project.assert_nothing_was_written();
}

#[test]
fn a_busy_server_is_waited_for_from_the_first_request_on() {
    let (project, proxy) = release("net-first");
    proxy.inject([
        Rule::new(
            Requests::all().about("/apis"),
            Fault::Answer(Answer::too_many_requests(1)),
        )
        .times(1),
        Rule::new(Requests::all().about("/api"), Fault::Reset(When::Before)).times(1),
    ]);
    let outcome = proxy.run(project.up(&["-v"])).exited(0);
    assert_eq!(retries(&outcome).len(), 2, "{}", outcome.stderr);
    assert_complete(&project);
}

/// More often than what hangs or is not there is tried.
#[test]
fn the_first_requests_are_sent_again_as_patiently_as_all_others() {
    let (project, proxy) = release("net-first-patient");
    let first = || Requests::reads().about("/apis");
    let rules = |fault: Fault| {
        let first = Rule::new(first(), fault).times(4);
        let records = Requests::reads().about("/namespaces/deployctl-system/secrets");
        let later = Fault::Answer(Answer::without_reason(500));
        [first, Rule::new(records, later).times(2)]
    };
    for fault in [
        Fault::Answer(Answer::unavailable()),
        Fault::Answer(Answer::without_reason(500)),
        Fault::Reset(When::Before),
    ] {
        proxy.inject(rules(fault));
        let outcome = proxy.run(project.up(&["-v"])).exited(0);
        assert_eq!(retries(&outcome).len(), 6, "{}", outcome.stderr);
    }
    assert_complete(&project);
}

#[test]
fn where_nobody_listens_it_is_said_soon() {
    let (project, _) = release("net-nobody");
    let nobody = "apiVersion: v1\nkind: Config\ncurrent-context: x\ncontexts: [{name: x, context: {cluster: x, user: x}}]\n\
                  users: [{name: x, user: {}}]\nclusters: [{name: x, cluster: {server: 'https://127.0.0.1:1'}}]\n";
    project.write("nobody.yaml", nobody);
    let file = project.folder().join("nobody.yaml");
    let started = Instant::now();
    let outcome = project
        .up(&["--kubeconfig", file.to_str().unwrap()])
        .run()
        .exited(1);
    assert!(
        outcome.stderr.contains("cannot reach the API server"),
        "{}",
        outcome.stderr
    );
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "it took {:?}",
        started.elapsed()
    );
}

#[test]
fn status_survives_what_passes() {
    let (project, proxy) = release("net-status");
    project.deploy(&[]);
    proxy.inject([
        Rule::new(
            Requests::reads().about("/secrets"),
            Fault::Answer(Answer::unavailable()),
        )
        .times(1),
        Rule::new(
            Requests::reads().about("/configmaps"),
            Fault::Reset(When::After),
        )
        .times(1),
        Rule::new(Requests::reads().about("/deployments"), Fault::ResetInBody).times(1),
    ]);
    let status = proxy
        .run(project.command("status", &["-o", "json"]))
        .exited(0)
        .json();
    assert_eq!(status["revision"]["outcome"], "succeeded");
    for (path, requests) in [("/configmaps", 2), ("/deployments", 2)] {
        assert_eq!(about(proxy.requests(), path).len(), requests, "{path}");
    }
}

#[test]
fn a_slow_network_costs_time_and_nothing_else() {
    let (project, proxy) = release("net-slow");
    proxy.inject([Rule::new(
        Requests::all(),
        Fault::Delay(Duration::from_millis(100)),
    )]);
    let outcome = proxy.run(project.up(&["-v"])).exited(0);
    assert_eq!(retries(&outcome), Vec::<&str>::new());
    let writes = proxy.mutating();
    assert!(
        writes[writes.len() - 1].after(&writes[0]) >= Duration::from_millis(400),
        "nothing was delayed: {writes:#?}"
    );
    assert_complete(&project);
}
