//! Connections that break, and a network that is gone.

use std::time::Duration;

use super::release::{SETTINGS, WEB, answers, assert_complete, release, retries};
use crate::support::{
    manifests::config_map,
    project::written,
    proxy::{Answer, Fault, Requests, Rule, When},
};

#[test]
fn a_broken_connection_is_made_again_and_the_request_is_sent_again() {
    let (project, proxy) = release("net-reset");
    proxy.inject([
        Rule::new(Requests::reads().about("/configmaps"), Fault::ResetInBody).times(1),
        Rule::new(
            Requests::mutating().about(SETTINGS),
            Fault::Reset(When::Before),
        )
        .times(1),
        Rule::new(Requests::mutating().about(WEB), Fault::ResetInBody).times(1),
    ]);
    let outcome = proxy.run(project.up(&["-v"])).exited(0);
    assert_eq!(answers(&proxy, SETTINGS), [None, Some(201)]);
    assert_eq!(answers(&proxy, WEB), [Some(201), Some(200)]);
    let retries = retries(&outcome);
    assert_eq!(retries.len(), 3, "{retries:#?}");
    for (retry, what) in retries.iter().zip([
        "list:",
        "patch of ConfigMap/net-reset/settings:",
        "patch of Deployment/net-reset/web:",
    ]) {
        assert!(
            retry.starts_with(&format!("Retry: {what}"))
                && retry.contains("Connection reset by peer"),
            "{retries:#?}"
        );
    }
    assert_complete(&project);
}

#[test]
fn a_write_whose_answer_was_lost_is_recognised_as_done() {
    let (project, proxy) = release("net-lost");
    proxy.inject([Rule::new(
        Requests::mutating().about(SETTINGS),
        Fault::Reset(When::After),
    )
    .times(1)]);
    proxy.run(project.up(&[])).exited(0);
    assert_eq!(answers(&proxy, SETTINGS), [Some(201), Some(200)]);
    assert_complete(&project);
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

#[test]
fn what_was_written_before_a_refusal_is_taken_back() {
    let (project, proxy) = release("net-lost-refused");
    project.rewrite("databases/note.yaml", &config_map("note", "1"));
    proxy.inject([
        Rule::new(
            Requests::mutating().about(SETTINGS),
            Fault::Reset(When::After),
        )
        .times(1),
        Rule::new(
            Requests::mutating().about(SETTINGS),
            Fault::Answer(Answer::without_reason(403)),
        )
        .times(1),
    ]);
    proxy.run(project.up(&[])).exited(1);
    assert_eq!(project.last_revision()["outcome"], "rolled-back");
    assert!(project.get("configmap/settings").is_null());
}

#[test]
fn a_run_whose_only_write_may_be_done_is_not_called_untouched() {
    let (project, proxy) = release("net-lost-stays");
    project.deploy(&[]);
    project.rewrite("databases/settings.yaml", &config_map("settings", "2"));
    proxy.inject([
        Rule::new(
            Requests::mutating().about(SETTINGS),
            Fault::Reset(When::After),
        )
        .times(1),
        Rule::new(
            Requests::mutating().about(SETTINGS),
            Fault::Answer(Answer::without_reason(403)),
        )
        .times(1),
    ]);
    proxy.run(project.up(&["--no-rollback"])).exited(3);
    assert_eq!(project.last_revision()["outcome"], "failed");
    project.command("rollback", &["--yes"]).run().exited(0);
    assert_eq!(project.get("configmap/settings")["data"]["value"], "1");
}

/// The writes of the revision itself are among them.
#[test]
fn the_answer_to_any_one_write_may_be_lost() {
    let (project, proxy) = release("net-any");
    let upgrade = |value: &str, rules: Vec<Rule>| {
        project.rewrite("databases/settings.yaml", &config_map("settings", value));
        proxy.inject(rules);
        let outcome = proxy.run(project.up(&[]));
        assert_eq!(
            outcome.status,
            0,
            "{value}\n{}\n{:#?}",
            outcome.stderr,
            proxy.mutating()
        );
        assert_eq!(project.get("configmap/settings")["data"]["value"], *value);
        assert_eq!(project.last_revision()["outcome"], "succeeded", "{value}");
        proxy.mutating().len()
    };
    upgrade("first", Vec::new());
    let writes = upgrade("undisturbed", Vec::new());
    for number in 1..=writes {
        let lost = Rule::new(Requests::mutating(), Fault::Reset(When::After)).only(number);
        upgrade(&format!("answer {number} of {writes} is lost"), vec![lost]);
    }
}

#[test]
fn a_network_that_comes_back_is_waited_for() {
    let (project, proxy) = release("net-outage");
    proxy.inject([Rule::new(
        Requests::mutating().about(WEB),
        Fault::NetworkDown(When::After, Duration::from_secs(2)),
    )
    .only(1)]);
    let outcome = proxy.run(project.up(&["-v"])).exited(0);
    assert!(!retries(&outcome).is_empty(), "{}", outcome.stderr);
    assert_complete(&project);
}

#[test]
fn a_run_that_lost_the_network_says_so_and_the_next_one_goes_on() {
    assert_loss_is_said("net-gone", &[]);
}

/// Then its rollback cannot be recorded, and is not said to have begun.
#[test]
fn a_run_whose_lock_outlasts_the_network_names_the_network() {
    assert_loss_is_said("net-gone-held", &["--lock-expiry", "2m"]);
}

/// Then nothing more is sent, and what was refused before it was sent says nothing about the
/// server.
#[test]
fn a_run_whose_lock_ran_out_while_the_network_was_gone_names_the_network() {
    assert_loss_is_said("net-gone-lock", &["--lock-expiry", "10s"]);
}

#[track_caller]
fn assert_loss_is_said(name: &str, arguments: &[&str]) {
    let (project, proxy) = release(name);
    proxy.inject([Rule::new(
        Requests::mutating().about(WEB),
        Fault::NetworkDown(When::Before, Duration::from_hours(1)),
    )
    .only(1)]);
    let outcome = proxy.run(project.up(arguments)).exited(3);
    let said = outcome
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let again = format!("deployctl up {name} --env default` again");
    for part in [
        "cannot reach the API server at http://127.0.0.1:",
        &again,
        "deployctl rollback",
    ] {
        assert!(
            said.contains(part),
            "`{part}` is missing: {}",
            outcome.stderr
        );
    }
    assert!(project.get("deployment/web").is_null());
    assert_ne!(project.status()["revision"]["outcome"], "succeeded");
    project.up(&[]).run().exited(0);
    assert_complete(&project);
}
