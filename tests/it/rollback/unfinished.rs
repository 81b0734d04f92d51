//! Back to what was there before a run that was not finished.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustix::process::Signal;

use super::{
    manifests::{config_map, deployment, documents, faulty_deployment},
    project::{Project, unpacked, written},
    running::Running,
};
use crate::support::{
    Deployctl, eventually,
    proxy::{Fault, Proxy, Requests, Rule},
};

/// A release that is deployed, and manifests whose next deployment never ends.
#[track_caller]
fn about_to_hang(name: &str) -> Project {
    let project = Project::new(name)
        .plan("phases: {apps: {timeout: 10m}}\n")
        .manifest(
            "databases/settings.yaml",
            &documents(&[config_map("settings", "1"), config_map("gone", "1")]),
        )
        .manifest("apps/web.yaml", &deployment("web"));
    project.deploy(&[]);
    project.rewrite(
        "databases/settings.yaml",
        &documents(&[config_map("settings", "2"), config_map("new", "2")]),
    );
    project.rewrite("apps/web.yaml", &faulty_deployment("web", "never-ready"));
    project
}

/// Kills a run of `up` while a phase waits.
#[track_caller]
fn kill_while_it_waits(project: &Project) {
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "object-written" && event["phase"] == "apps");
    run.signal(Signal::KILL);
    run.end();
}

#[track_caller]
fn assert_is_as_before(project: &Project) {
    assert_eq!(project.get("configmap/settings")["data"]["value"], "1");
    assert_eq!(project.get("configmap/gone")["data"]["value"], "1");
    assert!(project.get("configmap/new").is_null());
    assert!(
        project
            .get("deployment/web")
            .pointer("/spec/template/metadata/labels/sandbox.deployctl.dev~1fault")
            .is_none()
    );
}

#[test]
fn a_killed_run_is_taken_back_without_its_files() {
    let project = about_to_hang("killed-then-back");
    kill_while_it_waits(&project);
    let elsewhere = tempfile::tempdir().unwrap();
    let rollback = || {
        Deployctl::in_sandbox().current_dir(elsewhere.path()).args([
            "rollback",
            "killed-then-back",
            "--yes",
        ])
    };
    let done = rollback().run().exited(0);
    assert!(
        done.stderr.contains("what was there before revision 2"),
        "{}",
        done.stderr
    );
    assert_is_as_before(&project);
    let revisions = project.revisions();
    assert_eq!(revisions.len(), 2);
    assert_eq!(revisions[1]["outcome"], "rolled-back");
    assert_eq!(
        revisions[1]["rollback"]["proof"]["differences"],
        serde_json::json!([])
    );
    assert_eq!(revisions[1]["rollback"]["by"]["command"], "rollback");
    // The earlier manifests are what is there.
    project.rewrite(
        "databases/settings.yaml",
        &documents(&[config_map("settings", "1"), config_map("gone", "1")]),
    );
    project.rewrite("apps/web.yaml", &deployment("web"));
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

#[test]
fn a_killed_first_installation_is_taken_back_to_nothing() {
    let project = Project::new("first-killed-then-back")
        .manifest("databases/settings.yaml", &config_map("settings", "1"))
        .manifest("apps/web.yaml", &faulty_deployment("web", "never-ready"));
    kill_while_it_waits(&project);
    project.command("rollback", &["--yes"]).run().exited(0);
    crate::support::eventually("the namespace is gone", || {
        let namespaces = crate::support::kubectl(&[
            "get",
            "namespace",
            &project.name,
            "--ignore-not-found",
            "-o",
            "name",
        ]);
        namespaces.is_empty().then_some(())
    });
    assert_eq!(project.last_revision()["outcome"], "rolled-back");
}

/// A name that is as long as names may be and hardly becomes shorter when it is compressed.
fn incompressible_name(index: u32) -> String {
    let part = |part: u32| {
        let mut hasher = DefaultHasher::new();
        (index, part).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    };
    (0..15).map(part).collect()
}

#[test]
fn a_killed_run_is_taken_back_by_a_journal_that_is_longer_than_its_head_holds() {
    let project = Project::new("long-journal-then-back")
        .manifest("apps/web.yaml", &faulty_deployment("web", "never-ready"));
    let settings: Vec<String> = (0..500)
        .map(|index| config_map(&incompressible_name(index), "1"))
        .collect();
    project.rewrite("databases/settings.yaml", &documents(&settings));
    kill_while_it_waits(&project);
    let head = project.stored("head").pop().unwrap();
    let chunks: Vec<String> = serde_json::from_value(unpacked(&head, "journal-chunks")).unwrap();
    assert!(!chunks.is_empty(), "the journal is too short for this test");

    let events = project
        .command("rollback", &["--yes", "-o", "jsonl"])
        .run()
        .exited(0)
        .events();
    let proof = events
        .iter()
        .find(|event| event["event"] == "rollback-proved")
        .unwrap();
    assert_eq!(
        (&proof["proof"]["differences"], &proof["proof"]["same"]),
        (&serde_json::json!([]), &502.into())
    );
    assert_eq!(project.last_revision()["outcome"], "rolled-back");
}

/// A `ConfigMap` of 700 KB that hardly become less when they are compressed; another `seed` makes
/// others of them.
fn incompressible_config_map(name: &str, seed: u64) -> String {
    let bytes = |index: u64| {
        let mut hasher = DefaultHasher::new();
        (name, seed, index).hash(&mut hasher);
        hasher.finish().to_le_bytes()
    };
    let content: Vec<u8> = (0..700_000 / 8).flat_map(bytes).collect();
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\nbinaryData: {{content: {}}}\n",
        STANDARD.encode(content)
    )
}

#[test]
fn a_killed_run_is_taken_back_whose_journal_grew_by_more_than_a_secret_holds() {
    let names = ["first", "second", "third"];
    let large = |seed: u64| documents(&names.map(|name| incompressible_config_map(name, seed)));
    let project = Project::new("large-journal-then-back")
        .plan("phases: {apps: {timeout: 10m}}\n")
        .manifest("databases/large.yaml", &large(1))
        .manifest("apps/web.yaml", &deployment("web"));
    project.deploy(&[]);
    let contents = || {
        names.map(|name| project.get(&format!("configmap/{name}"))["binaryData"]["content"].clone())
    };
    let before = contents();

    project.rewrite("databases/large.yaml", &large(2));
    project.rewrite("apps/web.yaml", &faulty_deployment("web", "never-ready"));
    let proxy = Proxy::start();
    // What is done while the head is written first comes with its next write, all at once.
    proxy.inject([Rule::new(
        Requests::mutating().about("/secrets/deployctl."),
        Fault::Delay(Duration::from_secs(3)),
    )
    .times(1)]);
    let mut run = Running::start(proxy.through(project.up(&[])));
    run.until(|event| event["event"] == "object-written" && event["phase"] == "apps");
    assert!(
        before
            .iter()
            .zip(contents())
            .all(|(before, after)| *before != after)
    );
    // One chunk holds less than one of them.
    eventually("the journal is stored", || {
        let chunks: Vec<String> = serde_json::from_value(unpacked(
            &project.stored("head").pop().unwrap(),
            "journal-chunks",
        ))
        .unwrap();
        (chunks.len() > names.len()).then_some(())
    });
    run.signal(Signal::KILL);
    run.end();

    let events = project
        .command("rollback", &["--yes", "-o", "jsonl"])
        .run()
        .exited(0)
        .events();
    let proof = events
        .iter()
        .find(|event| event["event"] == "rollback-proved")
        .unwrap();
    assert_eq!(proof["proof"]["differences"], serde_json::json!([]));
    assert_eq!(contents(), before);
}

#[test]
fn a_run_that_failed_and_stayed_is_taken_back() {
    let project = about_to_hang("stopped-then-back").plan("phases: {apps: {timeout: 2s}}\n");
    project.up(&["--no-rollback"]).run().exited(3);
    assert_eq!(project.get("configmap/settings")["data"]["value"], "2");
    let events = project
        .command("rollback", &["--yes", "-o", "jsonl"])
        .run()
        .exited(0)
        .events();
    assert_is_as_before(&project);
    let proof = events
        .iter()
        .find(|event| event["event"] == "rollback-proved")
        .unwrap();
    assert_eq!(proof["proof"]["differences"], serde_json::json!([]));
    let last = events.last().unwrap();
    assert_eq!(
        (&last["outcome"], &last["exitStatus"]),
        (&"rolled-back".into(), &0.into())
    );
    assert_eq!(project.status()["standing"], "rolled-back");
}

#[test]
fn a_named_revision_is_gone_to_from_a_run_that_failed_and_stayed() {
    let project = about_to_hang("stopped-then-named").plan("phases: {apps: {timeout: 2s}}\n");
    project.up(&["--no-rollback"]).run().exited(3);
    project
        .command("rollback", &["--to", "1", "--yes"])
        .run()
        .exited(0);
    assert_is_as_before(&project);
    let revision = project.last_revision();
    assert_eq!(
        (
            &revision["number"],
            &revision["backTo"],
            &revision["outcome"]
        ),
        (&3.into(), &1.into(), &"succeeded".into())
    );
}

#[test]
fn a_run_that_is_alive_is_left_alone() {
    let project = about_to_hang("alive");
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "object-written" && event["phase"] == "apps");
    let locked = project.command("rollback", &["--yes"]).run().exited(4);
    assert!(locked.stderr.contains("is locked by"), "{}", locked.stderr);
    run.signal(Signal::INT);
    let (status, _, stderr) = run.end();
    assert_eq!(status, Some(130), "{stderr}");
    assert_is_as_before(&project);
}

#[test]
fn what_others_changed_meanwhile_stays() {
    let project = about_to_hang("others-meanwhile").plan("phases: {apps: {timeout: 2s}}\n");
    project.up(&["--no-rollback"]).run().exited(3);
    project.kubectl(&["label", "configmap/settings", "theirs=1"]);
    project.command("rollback", &["--yes"]).run().exited(0);
    assert_is_as_before(&project);
    assert_eq!(
        project.get("configmap/settings")["metadata"]["labels"]["theirs"],
        "1"
    );
}

/// A rule that nothing fulfils came with the manifests that failed, and a limit that is too short.
#[track_caller]
fn about_to_fail_by_its_own_rule(name: &str) -> Project {
    let project = Project::new(name)
        .plan("phases: {apps: {timeout: 5m}}\n")
        .manifest("apps/web.yaml", &deployment("web"));
    project.deploy(&[]);
    project.rewrite_plan(
        "readiness:
  - {kind: Deployment, name: web, ready: 'metadata.generation < 0'}
phases: {apps: {timeout: 1s}}
",
    );
    project.rewrite("apps/web.yaml", &faulty_deployment("web", "never-ready"));
    project
}

#[test]
fn what_was_good_is_judged_by_the_rules_and_limits_that_it_was_good_by() {
    let project = about_to_fail_by_its_own_rule("rules-of-before");
    let failed = project.up(&[]).run().exited(1);
    assert!(failed.stderr.contains("0 differences"), "{}", failed.stderr);

    project.up(&["--no-rollback"]).run().exited(3);
    let back = project.command("rollback", &["--yes"]).run().exited(0);
    assert!(back.stderr.contains("0 differences"), "{}", back.stderr);
}
