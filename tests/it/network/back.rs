//! A network that fails while what a run has done is taken back.

use std::time::Duration;

use super::release::{SETTINGS, WEB, retries};
use crate::support::{
    Outcome,
    dump::{Dump, Scope},
    manifests::{config_map, deployment, documents, faulty_deployment},
    project::Project,
    proxy::{Answer, Fault, Proxy, Requests, Rule, When},
};

/// A release that is deployed, what is there of it, and manifests that change, add and remove
/// something; then `web` crashes.
fn deployed(name: &str) -> (Project, Dump, Proxy) {
    let project = Project::new(name)
        .manifest(
            "databases/settings.yaml",
            &documents(&[config_map("settings", "1"), config_map("gone", "1")]),
        )
        .manifest("apps/web.yaml", &deployment("web"));
    project.deploy(&[]);
    let before = dump(&project);
    project.rewrite(
        "databases/settings.yaml",
        &documents(&[config_map("settings", "2"), config_map("new", "2")]),
    );
    project.rewrite("apps/web.yaml", &faulty_deployment("web", "crash-loop"));
    (project, before, Proxy::start())
}

fn dump(project: &Project) -> Dump {
    Dump::of(&Scope::namespaces(&[&project.name]))
}

/// Kills an `up` once it has changed and added something.
#[track_caller]
fn kill_half_way(project: &Project, proxy: &Proxy) {
    proxy.inject([Rule::new(Requests::mutating().about(WEB), Fault::Kill(When::After)).only(1)]);
    proxy.run(project.up(&[])).exited(128 + 9);
}

#[track_caller]
fn assert_is_back(project: &Project, before: &Dump, outcome: &Outcome) {
    assert_eq!(
        Dump::differences(before, &dump(project)),
        Vec::<String>::new(),
        "{}",
        outcome.stderr
    );
    assert_eq!(project.status()["standing"], "rolled-back");
}

#[test]
fn a_rollback_sends_again_what_the_network_lost() {
    let faults = [
        (SETTINGS, Fault::Reset(When::Before)),
        (SETTINGS, Fault::Reset(When::After)),
        (WEB, Fault::ResetInBody),
        (WEB, Fault::Answer(Answer::unavailable())),
        (
            "/configmaps/new",
            Fault::Answer(Answer::too_many_requests(1)),
        ),
        ("/configmaps/new", Fault::Reset(When::After)),
        (
            SETTINGS,
            Fault::NetworkDown(When::After, Duration::from_secs(5)),
        ),
    ];
    let (project, before, proxy) = deployed("net-back");
    for (part, fault) in faults {
        kill_half_way(&project, &proxy);
        proxy.inject([Rule::new(Requests::mutating().about(part), fault.clone()).times(1)]);
        let outcome = proxy.run(project.command("rollback", &["--yes", "-v"]));
        assert_eq!(outcome.status, 0, "{part} {fault:?}: {}", outcome.stderr);
        assert!(
            !retries(&outcome).is_empty(),
            "{part} {fault:?}: {}",
            outcome.stderr
        );
        assert_is_back(&project, &before, &outcome);
    }
}

#[test]
fn a_server_that_is_silent_for_a_while_holds_a_rollback_up_and_nothing_else() {
    let (project, before, proxy) = deployed("net-back-slow");
    kill_half_way(&project, &proxy);
    proxy.inject([Rule::new(
        Requests::mutating().about(SETTINGS),
        Fault::Delay(Duration::from_secs(3)),
    )]);
    let outcome = proxy
        .run(project.command("rollback", &["--yes", "-v"]))
        .exited(0);
    assert_eq!(retries(&outcome), Vec::<&str>::new());
    assert_is_back(&project, &before, &outcome);
}

/// The first write of `settings` is the one forward.
const SETTINGS_BACK: usize = 2;

#[test]
fn a_failed_run_is_taken_back_over_a_network_that_comes_and_goes() {
    let (project, before, proxy) = deployed("net-back-failed");
    let down = Fault::NetworkDown(When::Before, Duration::from_secs(5));
    proxy.inject([Rule::new(Requests::mutating().about(SETTINGS), down).only(SETTINGS_BACK)]);
    let outcome = proxy.run(project.up(&["-v"])).exited(1);
    assert!(!retries(&outcome).is_empty(), "{}", outcome.stderr);
    assert_is_back(&project, &before, &outcome);
}

/// Breaks the network for good in the middle of a way back, which `run` goes; that ends with 3 and
/// says what to do.
#[track_caller]
fn stranded(project: &Project, proxy: &Proxy, run: &str, write: usize) {
    let gone = Fault::NetworkDown(When::Before, Duration::from_hours(1));
    proxy.inject([Rule::new(Requests::mutating().about(SETTINGS), gone).only(write)]);
    let outcome = proxy.run(project.command(run, &["--yes"])).exited(3);
    assert!(
        outcome
            .stderr
            .contains("cannot reach the API server at http://127.0.0.1:"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains("deployctl rollback"),
        "it does not say what to do: {}",
        outcome.stderr
    );
    assert_eq!(project.status()["standing"], "half-rolled-back");
}

#[test]
fn a_way_back_that_lost_the_network_is_gone_to_its_end_by_rollback() {
    let (project, before, proxy) = deployed("net-back-gone");
    kill_half_way(&project, &proxy);
    stranded(&project, &proxy, "rollback", 1);
    let outcome = project.command("rollback", &["--yes"]).run().exited(0);
    assert_is_back(&project, &before, &outcome);
    // The same where a run failed and was on its own way back.
    stranded(&project, &proxy, "up", SETTINGS_BACK);
    let outcome = project.command("rollback", &["--yes"]).run().exited(0);
    assert_is_back(&project, &before, &outcome);
}

#[test]
fn a_way_back_that_lost_the_network_is_left_by_up() {
    let (project, _, proxy) = deployed("net-back-left");
    kill_half_way(&project, &proxy);
    stranded(&project, &proxy, "rollback", 1);
    project.rewrite("apps/web.yaml", &deployment("web"));
    project.up(&[]).run().exited(0);
    assert_eq!(project.get("configmap/settings")["data"]["value"], "2");
    assert_eq!(project.get("configmap/new")["data"]["value"], "2");
    assert!(project.get("configmap/gone").is_null());
    assert_eq!(project.status()["standing"], "deployed");
}
