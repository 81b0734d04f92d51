//! Runs that are interrupted one after the other, and what goes while somebody still holds it.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{
    manifests::{config_map, definition, deployment, documents, faulty_deployment, widget},
    project::{Project, events, journal},
    running::Running,
};
use crate::support::{
    Deployctl, eventually, get, kubectl,
    proxy::{Fault, Proxy, Requests, Rule, When},
};

/// Exit status of what was killed.
const KILLED: i32 = 128 + 9;

/// A `ConfigMap` that is not gone before somebody frees it.
fn held(name: &str) -> String {
    config_map(name, "1").replace(
        &format!("{{name: {name}}}"),
        &format!("{{name: {name}, finalizers: [shop.test/nobody]}}"),
    )
}

fn free(project: &Project, name: &str) {
    project.kubectl(&[
        "patch",
        "configmap",
        name,
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":null}}"#,
    ]);
}

fn is_deleted(event: &Value, name: &str) -> bool {
    event["event"] == "object-written"
        && event["result"] == "deleted"
        && event["object"]["name"] == name
}

#[track_caller]
fn assert_no_differences(log: &[Value]) {
    let proofs = events(log, "rollback-proved");
    assert_eq!(proofs.len(), 1, "{log:#?}");
    assert_eq!(
        proofs[0]["proof"]["differences"],
        json!([]),
        "{:#}",
        proofs[0]
    );
}

#[test]
fn what_left_with_its_phase_and_what_is_still_going_come_back() {
    let project = Project::new("left-with-phase")
        .plan("phases: {extras: {after: [apps]}}\n")
        .manifest("extras/note.yaml", &config_map("note", "1"))
        .manifest("apps/held.yaml", &held("held"));
    project.deploy(&[]);
    let project = project.plan("");
    project.rewrite("extras/note.yaml", "");
    project.rewrite("apps/held.yaml", &config_map("other", "1"));

    let mut run = Running::start(project.up(&[]));
    run.until(|event| is_deleted(event, "held"));
    assert_eq!(project.get("configmap/note"), Value::Null);
    run.signal(Signal::INT);
    run.until(|event| event["event"] == "rollback-started");
    free(&project, "held");
    let (status, log, said) = run.end();
    assert_eq!(status, Some(130), "{said}");
    assert_no_differences(&log);
    for name in ["note", "held"] {
        let there = project.get(&format!("configmap/{name}"));
        assert_eq!(
            (
                &there["data"]["value"],
                &there["metadata"]["deletionTimestamp"]
            ),
            (&"1".into(), &Value::Null),
            "{there:#}"
        );
    }
    free(&project, "held");
}

#[test]
fn what_a_killed_run_was_deleting_comes_back_when_the_next_one_fails() {
    let project = Project::new("going-then-failed")
        .plan("phases: {apps: {timeout: 5s}}\n")
        .manifest("apps/held.yaml", &held("held"));
    project.deploy(&[]);
    project.rewrite("apps/held.yaml", &config_map("other", "1"));
    let proxy = Proxy::start();
    // Nobody knows of the deletion but the API server.
    proxy.inject([Rule::new(
        Requests::mutating().about("/configmaps/held"),
        Fault::Kill(When::After),
    )
    .only(1)]);
    proxy.run(project.up(&[])).exited(KILLED);
    assert!(project.get("configmap/held")["metadata"]["deletionTimestamp"].is_string());

    project.rewrite("apps/web.yaml", &faulty_deployment("web", "never-ready"));
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "object-written");
    free(&project, "held");
    let (status, log, said) = run.end();
    assert_eq!(status, Some(1), "{said}");
    assert_no_differences(&log);
    assert_eq!(project.get("configmap/held")["data"]["value"], "1");
    free(&project, "held");
}

#[test]
fn what_was_created_again_and_then_changed_is_put_back() {
    let project = Project::new("again-then-changed")
        .plan("phases: {apps: {timeout: 5s}}\n")
        .manifest("databases/settings.yaml", &config_map("settings", "1"))
        .manifest("apps/held.yaml", &config_map("held", "1"));
    project.deploy(&[]);
    project.kubectl(&[
        "patch",
        "configmap",
        "held",
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":["shop.test/nobody"]}}"#,
    ]);
    project
        .command("down", &["--yes", "--delete-timeout", "1s"])
        .run()
        .exited(3);
    assert_eq!(project.get("configmap/settings"), Value::Null);

    let mut back = Running::start(project.command("rollback", &["--yes"]));
    back.until(|event| event["event"] == "object-written" && event["object"]["name"] == "settings");
    back.until(|event| event["event"] == "phase-started" && event["phase"] == "apps");
    back.signal(Signal::KILL);
    back.end();
    assert_eq!(project.get("configmap/settings")["data"]["value"], "1");

    free(&project, "held");
    project.rewrite("databases/settings.yaml", &config_map("settings", "2"));
    project.rewrite("apps/web.yaml", &faulty_deployment("web", "never-ready"));
    let outcome = project.up(&["-o", "jsonl"]).run().exited(1);
    assert_no_differences(&outcome.events());
    assert_eq!(project.get("configmap/settings")["data"]["value"], "1");
    free(&project, "held");
}

#[test]
fn what_was_created_again_and_is_going_once_more_comes_back() {
    let project = Project::new("going-once-more").manifest("apps/held.yaml", &held("held"));
    project.deploy(&[]);
    project.rewrite("apps/held.yaml", &config_map("other", "1"));
    let proxy = Proxy::start();
    let killed_after_a_write_of_it = || {
        [Rule::new(
            Requests::mutating().about("/configmaps/held"),
            Fault::Kill(When::After),
        )
        .only(1)]
    };
    proxy.inject(killed_after_a_write_of_it());
    proxy.run(project.up(&[])).exited(KILLED);
    free(&project, "held");
    eventually("it is gone", || {
        project.get("configmap/held").is_null().then_some(())
    });
    proxy.inject(killed_after_a_write_of_it());
    proxy
        .run(project.command("rollback", &["--yes"]))
        .exited(KILLED);
    project.kubectl(&["delete", "configmap", "held", "--wait=false"]);
    assert!(project.get("configmap/held")["metadata"]["deletionTimestamp"].is_string());

    let mut back = Running::start(project.command("rollback", &["--yes"]));
    back.until(|event| event["event"] == "object-written" && event["object"]["name"] == "held");
    free(&project, "held");
    let (status, log, said) = back.end();
    assert_eq!(status, Some(0), "{said}");
    assert_no_differences(&log);
    let there = project.get("configmap/held");
    assert_eq!(
        (
            &there["data"]["value"],
            &there["metadata"]["deletionTimestamp"]
        ),
        (&"1".into(), &Value::Null),
        "{there:#}"
    );
    free(&project, "held");
}

#[test]
fn what_was_going_before_a_killed_run_is_not_waited_for() {
    let project = Project::new("going-before")
        .plan("phases: {apps: {timeout: 5s}}\n")
        .manifest("apps/held.yaml", &held("held"));
    project.deploy(&[]);
    kubectl(&["delete", "namespace", "going-before", "--wait=false"]);
    eventually("it is going with its namespace", || {
        project.get("configmap/held")["metadata"]["deletionTimestamp"]
            .is_string()
            .then_some(())
    });
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "phase-started");
    run.signal(Signal::KILL);
    run.end();

    let outcome = project
        .command("rollback", &["--yes", "-o", "jsonl"])
        .run()
        .exited(0);
    assert_no_differences(&outcome.events());
    assert!(!project.get("configmap/held").is_null());
    free(&project, "held");
}

#[test]
fn a_definition_and_what_it_defines_go_with_a_first_run_that_fails() {
    let group = "fails-with-it.example.org";
    let project = Project::new("definition-fails")
        .plan("phases: {apps: {timeout: 5s}}\n")
        .manifest(
            "databases/widgets.yaml",
            &documents(&[definition(group), widget(group, "1")]),
        )
        .manifest("apps/web.yaml", &faulty_deployment("web", "never-ready"));
    let outcome = project.up(&["-o", "jsonl"]).run().exited(1);
    let log = outcome.events();
    assert_no_differences(&log);
    assert_eq!(
        events(&log, "rollback-proved")[0]["proof"]["kept"],
        json!([])
    );
    assert_eq!(
        get(
            "default",
            &format!("customresourcedefinition/widgets.{group}")
        ),
        Value::Null
    );
}

#[test]
fn a_definition_and_what_it_defines_come_back_together() {
    let group = "comes-back.example.org";
    let project = Project::new("definition-back").manifest(
        "databases/widgets.yaml",
        &documents(&[definition(group), widget(group, "1")]),
    );
    project.deploy(&[]);
    let proxy = Proxy::start();
    proxy.inject([Rule::new(
        Requests::mutating().about("/api/v1/namespaces/definition-back"),
        Fault::Kill(When::Before),
    )
    .only(1)]);
    proxy
        .run(project.command("down", &["--yes"]))
        .exited(KILLED);
    assert_eq!(
        get(
            "default",
            &format!("customresourcedefinition/widgets.{group}")
        ),
        Value::Null
    );

    let outcome = project
        .command("rollback", &["--yes", "-o", "jsonl"])
        .run()
        .exited(0);
    assert_no_differences(&outcome.events());
    assert_eq!(
        project.get(&format!("widgets.{group}/first"))["spec"]["size"],
        1
    );
    kubectl(&[
        "delete",
        "customresourcedefinition",
        &format!("widgets.{group}"),
    ]);
}

#[test]
fn a_definition_that_left_with_its_phase_comes_back_before_what_it_defines() {
    let group = "left-with-phase.example.org";
    let project = Project::new("definition-left")
        .plan("phases: {extras: {after: [apps]}, late: {after: [extras]}}\n")
        .manifest("extras/definition.yaml", &definition(group))
        .manifest("late/widget.yaml", &widget(group, "1"));
    project.deploy(&[]);
    let project = project
        .plan("phases: {late: {after: [apps]}}\n")
        .manifest("late/widget.yaml", &config_map("other", "1"));
    project.rewrite("extras/definition.yaml", "");
    let proxy = Proxy::start();
    proxy.inject([Rule::new(
        Requests::mutating().about("/customresourcedefinitions/"),
        Fault::Kill(When::After),
    )
    .only(1)]);
    proxy.run(project.up(&[])).exited(KILLED);
    eventually("the definition is gone", || {
        get(
            "default",
            &format!("customresourcedefinition/widgets.{group}"),
        )
        .is_null()
        .then_some(())
    });

    let outcome = project
        .command("rollback", &["--yes", "-o", "jsonl"])
        .run()
        .exited(0);
    assert_no_differences(&outcome.events());
    assert_eq!(
        project.get(&format!("widgets.{group}/first"))["spec"]["size"],
        1
    );
    project.command("down", &["--yes"]).run().exited(0);
}

#[test]
fn a_namespace_that_a_killed_run_created_goes_with_the_release() {
    let project = Project::new("namespace-unseen")
        .manifest("apps/settings.yaml", &config_map("settings", "1"));
    let proxy = Proxy::start();
    proxy.inject([Rule::new(
        Requests::mutating().about("/namespaces/namespace-unseen"),
        Fault::Kill(When::After),
    )
    .only(1)]);
    proxy.run(project.up(&[])).exited(KILLED);
    project.deploy(&[]);
    project.command("down", &["--yes"]).run().exited(0);
    assert_eq!(get("default", "namespace/namespace-unseen"), Value::Null);
}

#[test]
fn a_namespace_that_a_killed_way_back_created_again_goes_with_the_release() {
    namespace_created_again("namespace-again", "/namespaces/namespace-again/configmaps");
}

#[test]
fn a_namespace_whose_owners_a_killed_way_back_has_not_set_goes_with_the_release() {
    namespace_created_again("namespace-half", "/namespaces/namespace-half");
}

/// `down` is killed, and so is the rollback that has created the Namespace again and now makes the
/// first request about `stopped_at`. Then `up` and `down` leave nothing.
#[track_caller]
fn namespace_created_again(name: &str, stopped_at: &'static str) {
    let project = Project::new(name).manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    let mut down = Running::start(project.command("down", &["--yes"]));
    down.until(|event| {
        event["event"] == "object-written" && event["object"]["kind"] == "Namespace"
    });
    down.signal(Signal::KILL);
    down.end();
    let proxy = Proxy::start();
    let request = Requests::mutating().about(stopped_at);
    proxy.inject([Rule::new(request, Fault::Delay(Duration::from_mins(1)))]);
    let back = Running::start(proxy.through(project.command("rollback", &["--yes"])));
    eventually("the way back has come so far", || {
        let namespace = get("default", &format!("namespace/{name}"));
        let heads = project.stored("head");
        let noted = heads
            .last()
            .is_some_and(|head| journal(head).contains("recreated"));
        (noted || namespace["status"]["phase"] == "Active").then_some(())
    });
    back.signal(Signal::KILL);
    back.end();
    let up = project.up(&[]).run().exited(0);
    let down = project.command("down", &["--yes"]).run().exited(0);
    assert_eq!(
        get("default", &format!("namespace/{name}")),
        Value::Null,
        "{}{}",
        up.stderr,
        down.stderr
    );
}

#[test]
fn a_namespace_that_was_there_before_a_killed_run_stays() {
    let project = Project::new("namespace-there")
        .manifest("apps/settings.yaml", &config_map("settings", "1"));
    kubectl(&["create", "namespace", "namespace-there"]);
    let proxy = Proxy::start();
    proxy.inject([Rule::new(
        Requests::mutating().about("/namespaces/namespace-there"),
        Fault::Kill(When::After),
    )
    .only(1)]);
    proxy.run(project.up(&[])).exited(KILLED);
    project.command("down", &["--yes"]).run().exited(0);
    let there = get("default", "namespace/namespace-there");
    assert_eq!(
        (
            &there["status"]["phase"],
            &there["metadata"]["deletionTimestamp"]
        ),
        (&"Active".into(), &Value::Null),
        "{there:#}"
    );
}

#[test]
fn what_a_failed_run_did_not_reach_is_no_part_of_its_way_back() {
    let project = Project::new("not-reached")
        .plan("phases: {databases: {timeout: 5s}}\n")
        .manifest("databases/store.yaml", &deployment("store"))
        .manifest("apps/web.yaml", &deployment("web"));
    project.deploy(&[]);
    project.rewrite(
        "databases/store.yaml",
        &faulty_deployment("store", "never-ready"),
    );
    project.rewrite(
        "apps/web.yaml",
        &deployment("web").replace("web:v1", "web:v2"),
    );
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "object-written" && event["object"]["name"] == "store");
    project.kubectl(&["label", "deployment/web", "theirs=1"]);
    let (status, log, said) = run.end();
    assert_eq!(status, Some(1), "{said}");
    assert_no_differences(&log);
    let started = events(&log, "rollback-started");
    assert_eq!(started[0]["objects"], 1, "{log:#?}");
}

/// Kills `command` once its first write about `path` is done; nobody but the API server knows of it.
fn killed_after(proxy: &Proxy, command: Deployctl, path: &'static str) {
    let writes = Requests::mutating().about(path);
    proxy.inject([Rule::new(writes, Fault::Kill(When::After)).only(1)]);
    proxy.run(command).exited(KILLED);
}

#[test]
fn what_a_killed_rollback_was_deleting_of_what_nobody_saw_created_is_awaited() {
    let project = Project::new("going-unseen").manifest("apps/web.yaml", &config_map("web", "1"));
    project.deploy(&[]);
    project.rewrite("apps/held.yaml", &held("held"));
    let proxy = Proxy::start();
    killed_after(&proxy, project.up(&[]), "/configmaps");
    let created = project.get("configmap/held");
    assert!(created["metadata"]["uid"].is_string(), "{created:#}");
    let rollback = || project.command("rollback", &["--yes"]);
    killed_after(&proxy, rollback(), "/configmaps/held");
    let going = project.get("configmap/held");
    assert!(
        going["metadata"]["deletionTimestamp"].is_string(),
        "{going:#}"
    );

    let mut run = Running::start(rollback());
    run.until(|event| event["event"] == "phase-started");
    free(&project, "held");
    let (status, log, said) = run.end();
    assert_eq!(status, Some(0), "{said}");
    assert_no_differences(&log);
    assert_eq!(project.get("configmap/held"), Value::Null);
}

#[test]
fn a_definition_that_only_holds_what_a_killed_rollback_was_deleting_goes_with_it() {
    let group = "going-unseen.example.org";
    let project = Project::new("going-widget").manifest("apps/web.yaml", &config_map("web", "1"));
    project.deploy(&[]);
    let held = widget(group, "1").replace(
        "{name: first}",
        "{name: first, finalizers: [shop.test/nobody]}",
    );
    project.rewrite(
        "databases/widget.yaml",
        &documents(&[definition(group), held]),
    );
    let proxy = Proxy::start();
    killed_after(&proxy, project.up(&[]), "/widgets/first");
    let rollback = || project.command("rollback", &["--yes"]);
    killed_after(&proxy, rollback(), "/widgets/first");
    let mut run = Running::start(rollback());
    run.until(|event| event["event"] == "phase-started");
    project.kubectl(&[
        "patch",
        "widget.going-unseen.example.org/first",
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":null}}"#,
    ]);
    let (status, log, said) = run.end();
    assert_eq!(status, Some(0), "{said}");
    assert_no_differences(&log);
    let name = format!("widgets.{group}");
    let left = kubectl(&["get", "crd", &name, "--ignore-not-found", "-o", "name"]);
    assert_eq!(left, "");
}
