//! The first `up` of a release.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    platform::{PHASES, platform},
    project::{events, name, position, written},
};
use crate::support::{get, kubectl};

#[test]
fn a_platform_comes_up_phase_by_phase() {
    let platform = platform("fresh");
    let log = platform.deploy(&[]);

    let numbers: Vec<u64> = log
        .iter()
        .map(|event| event["sequence"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    assert_eq!(log[0]["event"], "run-started");
    assert_eq!(
        (&log[0]["release"], &log[0]["revision"]),
        (&"fresh.default".into(), &1.into())
    );
    for (before, phase) in PHASES.iter().zip(&PHASES[1..]) {
        assert!(
            position(&log, "phase-finished", before) < position(&log, "phase-started", phase),
            "{phase} did not wait for {before}"
        );
    }
    for event in events(&log, "object-written") {
        let phase = event["phase"].as_str().unwrap();
        let at = event["sequence"].as_u64().unwrap() - 1;
        assert!(
            (position(&log, "phase-started", phase) as u64) < at
                && at < position(&log, "phase-finished", phase) as u64,
            "{event}"
        );
        assert_eq!(event["result"], "created", "{event}");
    }
    assert!(
        events(&log, "phase-finished")
            .iter()
            .all(|event| event["outcome"] == "ready")
    );

    let last = log.last().unwrap();
    assert_eq!(
        (&last["event"], &last["outcome"], &last["exitStatus"]),
        (&"run-finished".into(), &"succeeded".into(), &0.into())
    );
    assert_eq!(last["requests"]["patch"], written(&log).len());
    let ways: Vec<&str> = last["access"]
        .as_array()
        .unwrap()
        .iter()
        .map(|access| access["how"].as_str().unwrap())
        .collect();
    assert!(
        ways[0].starts_with("kubectl port-forward -n fresh service/web"),
        "{ways:?}"
    );
    assert!(
        ways.iter()
            .any(|way| way.starts_with("http://web.shop.test (")),
        "{ways:?}"
    );
}

#[test]
fn every_object_is_marked_as_the_releases() {
    let platform = platform("marked");
    let log = platform.deploy(&[]);
    let objects: Vec<&Value> = events(&log, "object-written")
        .into_iter()
        .map(|event| &event["object"])
        .collect();
    assert_eq!(objects.len(), 13);
    for object in objects {
        let parts: Vec<String> = name(object).split('/').map(str::to_owned).collect();
        let live = get("marked", &format!("{}/{}", parts[0], parts.last().unwrap()));
        assert_eq!(
            live["metadata"]["labels"]["deployctl.dev/marked.default"], "",
            "{live:#}"
        );
    }
    let text = platform.kubectl(&[
        "get",
        "deployment/web",
        "-o",
        "json",
        "--show-managed-fields",
    ]);
    let web: Value = serde_json::from_str(&text).unwrap();
    let ours = web["metadata"]["managedFields"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["manager"] == "deployctl.marked.default");
    let operations: Vec<&Value> = ours.map(|entry| &entry["operation"]).collect();
    assert_eq!(operations, ["Apply"]);
}

#[test]
fn the_revision_is_stored_as_a_head_and_its_chunks() {
    let platform = platform("stored");
    platform.deploy(&[]);
    let (heads, chunks) = (platform.stored("head"), platform.stored("chunk"));
    assert_eq!(heads.len(), 1);
    assert_eq!(heads[0]["metadata"]["name"], "deployctl.stored.default.v1");
    assert!(
        heads
            .iter()
            .chain(&chunks)
            .all(|secret| secret["type"] == "deployctl.dev/revision")
    );
    let present: BTreeSet<&str> = chunks
        .iter()
        .map(|chunk| chunk["metadata"]["name"].as_str().unwrap())
        .collect();

    let revision = platform.last_revision();
    assert_eq!(
        (
            &revision["outcome"],
            &revision["partial"],
            &revision["objects"]
        ),
        (&"succeeded".into(), &false.into(), &13.into())
    );
    assert_eq!(revision["changes"]["created"], 13);
    let phases = revision["phases"].as_array().unwrap();
    assert_eq!(
        phases
            .iter()
            .map(|phase| phase["name"].as_str().unwrap())
            .collect::<Vec<_>>(),
        PHASES
    );
    assert!(
        phases.iter().all(|phase| phase["outcome"] == "ready"),
        "{phases:#?}"
    );
    let wanted = phases
        .iter()
        .flat_map(|phase| phase["wanted"].as_array().unwrap());
    let named = wanted
        .chain(revision["records"].as_array().unwrap())
        .chain(revision["program"].as_array().unwrap());
    for chunk in named {
        assert!(
            present.contains(chunk.as_str().unwrap()),
            "{chunk} is not stored"
        );
    }
}

#[test]
fn one_document_says_everything_about_a_run() {
    let platform = platform("document");
    let outcome = platform
        .up(&["-o", "json", "--parallel", "1"])
        .run()
        .exited(0);
    let document = outcome.json();
    assert_eq!(
        (
            &document["release"],
            &document["outcome"],
            &document["exitStatus"]
        ),
        (&"document.default".into(), &"succeeded".into(), &0.into())
    );
    assert_eq!(document["written"].as_array().unwrap().len(), 13);
    assert_eq!(document["failure"], Value::Null);
    assert_eq!(document["phases"].as_array().unwrap().len(), PHASES.len());

    let again = platform.up(&["-o", "json"]).run().exited(0).json();
    assert_eq!(
        (
            &again["written"],
            &again["requests"]["patch"],
            &again["revision"]
        ),
        (&Value::Array(Vec::new()), &0.into(), &1.into())
    );
}

#[test]
fn people_are_told_where_it_goes_and_what_happened() {
    let platform = platform("told");
    let outcome = platform.up(&[]).run().exited(0);
    for text in [
        "told.default",
        "context sandbox",
        "▸ apps",
        "apps: created Deployment/told/web",
        "kubectl port-forward -n told service/web",
    ] {
        assert!(
            (outcome.stderr.clone() + &outcome.stdout).contains(text),
            "`{text}` is missing:\n{}\n{}",
            outcome.stdout,
            outcome.stderr
        );
    }
    let password = kubectl(&[
        "get",
        "secret",
        "database",
        "-n",
        "told",
        "-o",
        "jsonpath={.data.password}",
    ]);
    assert!(
        !password.is_empty()
            && !outcome.stderr.contains(&password)
            && !outcome.stdout.contains(&password)
    );
}
