//! Watches that end before what they wait for has happened.

use std::time::Duration;

use serde_json::Value;

use super::release::{about, assert_complete, release};
use crate::support::{
    manifests::faulty_deployment,
    project::{Project, events},
    proxy::{Answer, Fault, Lasts, Logged, Proxy, Requests, Rule, WatchEnd},
};

/// The states that were told of the Deployment, in their order.
fn states(log: &[Value]) -> Vec<&str> {
    let verdicts = events(log, "verdict-changed")
        .into_iter()
        .filter(|event| event["object"]["kind"] == "Deployment");
    verdicts
        .map(|event| event["to"]["state"].as_str().unwrap())
        .collect()
}

/// Deploys over watches that `rule` breaks; the test fails where a verdict is lost or invented.
#[track_caller]
fn assert_comes_up(name: &str, rule: Rule) {
    let (project, proxy) = release(name);
    proxy.inject([rule]);
    let log = proxy.run(project.up(&["-o", "jsonl"])).exited(0).events();
    let mut states = states(&log);
    assert_eq!(states.pop(), Some("ready"));
    assert!(
        states.iter().all(|state| *state == "in-progress"),
        "{states:?}"
    );
    let requests = about(proxy.requests(), "/deployments?");
    let first = requests
        .iter()
        .position(Logged::is_watch)
        .expect("the Deployment was watched");
    assert!(
        first + 1 < requests.len(),
        "the watch was not made again: {requests:#?}"
    );
    assert_complete(&project);
}

#[test]
fn a_watch_that_breaks_after_every_event_loses_none() {
    assert_comes_up(
        "net-cut",
        Rule::new(
            Requests::watches(),
            Fault::Watch(Lasts::Events(1), WatchEnd::Reset),
        ),
    );
}

#[test]
fn a_watch_that_does_not_live_long_loses_nothing() {
    assert_comes_up(
        "net-brief",
        Rule::new(
            Requests::watches(),
            Fault::Watch(Lasts::For(Duration::from_millis(50)), WatchEnd::Reset),
        ),
    );
}

#[test]
fn a_watch_that_ends_in_order_goes_on_where_it_ended() {
    assert_comes_up(
        "net-closed",
        Rule::new(
            Requests::watches(),
            Fault::Watch(Lasts::Events(0), WatchEnd::Closed),
        )
        .times(2),
    );
}

#[test]
fn a_watch_whose_position_expires_begins_anew() {
    assert_comes_up(
        "net-expired",
        Rule::new(
            Requests::watches(),
            Fault::Watch(Lasts::Events(1), WatchEnd::Expired),
        )
        .times(2),
    );
}

#[test]
fn a_watch_from_a_position_that_is_too_old_begins_anew() {
    assert_comes_up(
        "net-too-old",
        Rule::new(Requests::watches(), Fault::Answer(Answer::expired())).times(2),
    );
}

#[test]
fn a_watch_that_the_server_has_no_time_for_is_made_later() {
    assert_comes_up(
        "net-no-watch",
        Rule::new(
            Requests::watches(),
            Fault::Answer(Answer::too_many_requests(1)),
        )
        .times(2),
    );
}

#[test]
fn what_never_becomes_ready_does_not_become_it_by_broken_watches() {
    let project = Project::new("net-never")
        .manifest("apps/web.yaml", &faulty_deployment("web", "never-ready"));
    let proxy = Proxy::start();
    proxy.inject([Rule::new(
        Requests::watches(),
        Fault::Watch(Lasts::Events(1), WatchEnd::Expired),
    )]);
    let outcome = proxy.run(project.up(&["-o", "jsonl", "--timeout", "6s", "--no-rollback"]));
    assert_ne!(outcome.status, 0);
    assert!(
        states(&outcome.events())
            .iter()
            .all(|state| *state == "in-progress"),
        "{}",
        outcome.stdout
    );
    assert!(
        outcome
            .stderr
            .contains("Deployment/net-never/web is not ready"),
        "{}",
        outcome.stderr
    );
}
