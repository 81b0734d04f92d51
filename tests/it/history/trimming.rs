//! Old revisions go, with all that only they name.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;

use super::{
    manifests::{config_map, deployment, faulty_deployment},
    project::Project,
};
use crate::support::{
    eventually, get, kubectl,
    proxy::{Answer, Fault, Proxy, Requests, Rule},
    running::Running,
};

/// Revisions that are kept.
const KEPT: u64 = 10;

fn numbers(project: &Project) -> Vec<u64> {
    project
        .revisions()
        .iter()
        .map(|revision| revision["number"].as_u64().unwrap())
        .collect()
}

/// Every name of a chunk in a stored revision, wherever it stands.
fn named(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.contains(".chunk.") => drop(names.insert(text.clone())),
        Value::Array(items) => items.iter().for_each(|item| named(item, names)),
        Value::Object(fields) => fields.values().for_each(|field| named(field, names)),
        _ => {}
    }
}

#[test]
fn ten_revisions_are_kept_and_the_one_that_is_gone_back_to() {
    let project = Project::new("trimmed");
    for value in 1..=KEPT + 2 {
        project.rewrite(
            "apps/settings.yaml",
            &config_map("settings", &value.to_string()),
        );
        project.deploy(&[]);
    }
    assert_eq!(numbers(&project), (3..=KEPT + 2).collect::<Vec<_>>());
    let mut expected = BTreeSet::new();
    project
        .revisions()
        .iter()
        .for_each(|revision| named(revision, &mut expected));
    let stored = project.stored("chunk");
    let stored: BTreeSet<String> = stored
        .iter()
        .map(|chunk| chunk["metadata"]["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        stored, expected,
        "chunks that no revision names go, and no others"
    );

    project
        .command("rollback", &["--to", "3", "--yes"])
        .run()
        .exited(0);
    assert_eq!(project.get("configmap/settings")["data"]["value"], "3");
    assert_eq!(numbers(&project), (3..=KEPT + 3).collect::<Vec<_>>());

    // What cannot be deleted is no fault of the run, and goes with the next.
    let proxy = Proxy::start();
    let about_the_oldest = Requests::mutating().about("/secrets/deployctl.trimmed.default.v3");
    proxy.inject([Rule::new(
        about_the_oldest,
        Fault::Answer(Answer::without_reason(403)),
    )]);
    project.rewrite("apps/settings.yaml", &config_map("settings", "last"));
    let outcome = proxy.run(project.up(&[])).exited(0);
    assert!(
        outcome
            .stderr
            .contains("are left for a later run: cannot delete"),
        "{}",
        outcome.stderr
    );
    assert_eq!(numbers(&project).first(), Some(&3));
    project.rewrite("apps/settings.yaml", &config_map("settings", "very last"));
    project.deploy(&[]);
    assert_eq!(numbers(&project), (6..=KEPT + 5).collect::<Vec<_>>());
}

/// A chunk is named by what it holds, so that a later run may store the same one.
#[test]
fn a_chunk_that_was_stored_again_meanwhile_is_not_deleted() {
    const CHUNK: &str = "deployctl.trim-late.default.chunk.late";
    let store = || {
        let literal = "--from-literal=chunk=x";
        let system = ["-n", "deployctl-system"];
        kubectl(
            &[
                &["create", "secret", "generic", CHUNK, literal],
                &system[..],
            ]
            .concat(),
        );
        let labels = [
            "deployctl.dev/release=trim-late.default",
            "deployctl.dev/part=chunk",
        ];
        kubectl(&[&["label", "secret", CHUNK], &labels[..], &system].concat());
        let stored = get("deployctl-system", &format!("secret/{CHUNK}"));
        stored["metadata"]["uid"].as_str().unwrap().to_owned()
    };
    let project = Project::new("trim-late")
        .manifest("apps/web.yaml", &faulty_deployment("web", "crash-loop"));
    project.up(&["--no-rollback"]).run().exited(3);
    project.rewrite("apps/web.yaml", &deployment("web"));
    store();
    let proxy = Proxy::start();
    let deletion = Requests::mutating().about("/secrets/deployctl.trim-late.default.chunk.late");
    proxy.inject([Rule::new(deletion, Fault::Delay(Duration::from_secs(5)))]);
    let run = Running::start(proxy.through(project.up(&[])));
    eventually("the deletion is under way", || {
        let requests = proxy.mutating();
        requests
            .iter()
            .any(|request| request.path.contains(CHUNK))
            .then_some(())
    });
    kubectl(&["delete", "secret", CHUNK, "-n", "deployctl-system"]);
    let again = store();
    let (status, _, stderr) = run.end();
    assert_eq!(status, Some(0), "{stderr}");
    assert!(!stderr.contains("could not be deleted"), "{stderr}");
    let there = get("deployctl-system", &format!("secret/{CHUNK}"));
    assert_eq!(there["metadata"]["uid"], *again, "{there:#}");
}
