//! Watches that end before what they wait for has happened.

use std::time::Duration;

use serde_json::{Value, json};

use super::release::{about, assert_complete, release};
use crate::support::{
    api::Api,
    manifests::{config_map, deployment, documents, faulty_deployment},
    namespace,
    project::{Project, events},
    proxy::{Answer, Fault, Lasts, Logged, Proxy, Requests, Rule, WatchEnd},
    user::User,
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

/// Deploys where the LIST that a watch begins anew with is answered once by `answer`, as a server
/// does that has just been told of a new key or of a new kind.
#[track_caller]
fn assert_lists_again(name: &str, answer: Answer, status: u16) {
    let (project, proxy) = release(name);
    let deployments = |requests: Requests| requests.about("/deployments?");
    proxy.inject([
        Rule::new(
            deployments(Requests::watches()),
            Fault::Answer(Answer::expired()),
        )
        .only(1),
        // Two looks come before it.
        Rule::new(deployments(Requests::reads()), Fault::Answer(answer)).only(3),
    ]);
    proxy.run(project.up(&["--no-rollback"])).exited(0);
    let lists = about(proxy.requests(), "/deployments?");
    let watched = lists.iter().position(Logged::is_watch).unwrap();
    assert!(
        lists[watched..]
            .iter()
            .any(|list| !list.is_watch() && list.status == Some(status)),
        "{lists:#?}"
    );
    assert_complete(&project);
}

#[test]
fn a_watch_whose_token_has_run_out_goes_on() {
    assert_lists_again("net-token", Answer::unauthorized(), 401);
}

#[test]
fn a_watch_of_a_kind_that_is_not_served_for_a_moment_goes_on() {
    assert_lists_again("net-unserved", Answer::unserved(), 404);
}

#[test]
fn a_user_who_may_not_list_waits_all_the_same() {
    let home = namespace("unlisted");
    let user = User::with_role(
        &home,
        &json!([
            {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "create", "update", "patch"]},
            {"apiGroups": ["", "coordination.k8s.io"], "resources": ["secrets", "leases"], "verbs": ["list"]},
        ]),
    );
    let project = Project::new(&home).manifest("apps/web.yaml", &deployment("web"));
    user.runs(project.up(&["--state-namespace", &home, "--no-rollback"]))
        .run()
        .exited(0);
    assert_eq!(project.get("deployment/web")["status"]["readyReplicas"], 1);
}

#[test]
fn a_list_whose_next_page_has_expired_begins_anew() {
    let (name, proxy) = (namespace("net-pages"), Proxy::start());
    let collection = format!("/api/v1/namespaces/{name}/configmaps");
    // More than a page.
    for number in 0..2_001 {
        let object = json!({"metadata": {"name": format!("filler-{number}")}});
        Api::shared().create(&collection, &object);
    }
    // So many are looked for by one LIST.
    let wanted = ["a", "b", "c", "d", "e"].map(|name| config_map(name, "1"));
    let project = Project::new(&name).manifest("apps/all.yaml", &documents(&wanted));
    let next = Requests::reads().about("/configmaps?limit=2000&continue=");
    proxy.inject([Rule::new(next, Fault::Answer(Answer::expired())).times(1)]);
    proxy.run(project.up(&[])).exited(0);
    let pages = about(proxy.requests(), "&continue=");
    assert_eq!(pages[0].status, Some(410), "{pages:#?}");
    assert!(
        pages.len() > 1 && pages[1].status == Some(200),
        "{pages:#?}"
    );
}
