//! The history at several widths.

use super::*;
use crate::report::{
    Did, HistoryChange, HistoryPhase, HistoryRevision, HistoryRollback, HistoryView, RevisionView,
    text::width,
};

fn revision(number: u64, command: &str, outcome: RunOutcome) -> HistoryRevision {
    HistoryRevision {
        number,
        started: start(),
        finished: Some(start() + jiff::SignedDuration::from_secs(14)),
        by: "somebody@a-machine-with-a-long-name".to_owned(),
        command: command.to_owned(),
        outcome,
        back_to: (command == "rollback").then_some(9),
        partial: false,
        objects: 120,
        created: 3,
        changed: 12,
        deleted: 1,
        commit: Some("1a2b3c4d5e6f".to_owned()),
        dirty: number == 12,
        cause: (outcome == RunOutcome::RolledBack)
            .then(|| "phase `apps` failed: Deployment/shop/api cannot become ready".to_owned()),
    }
}

fn history() -> HistoryView {
    let revisions = vec![
        revision(11, "up", RunOutcome::Succeeded),
        revision(12, "up", RunOutcome::RolledBack),
        revision(13, "rollback", RunOutcome::Succeeded),
    ];
    HistoryView {
        release: release().to_string(),
        context: "kind-shop".to_owned(),
        revisions,
    }
}

fn shown() -> RevisionView {
    let change = |name: &str, did: Did, paths: &[&str]| HistoryChange {
        object: object("Deployment", name),
        did,
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
    };
    RevisionView {
        release: release().to_string(),
        revision: revision(12, "up", RunOutcome::RolledBack),
        context: "kind-shop".to_owned(),
        process: 42,
        version: "1.0.0".to_owned(),
        plan: Some("plans/shop.yaml".to_owned()),
        tools: Vec::new(),
        continues: None,
        taken_over: None,
        phases: vec![HistoryPhase {
            name: "apps".to_owned(),
            outcome: Some(PhaseOutcome::Failed),
            objects: 120,
            took: Duration::from_secs(12),
        }],
        changes: vec![
            change("web", Did::Created, &[]),
            change(
                "api",
                Did::Changed,
                &["spec.template.spec.containers[name=\"api\"].image"],
            ),
            change("old", Did::Deleted, &[]),
        ],
        failure: None,
        rollback: Some(HistoryRollback {
            by: "me@desk".to_owned(),
            command: "up".to_owned(),
            started: start(),
            finished: Some(start()),
            proof: Some(Proof {
                same: 3,
                ..Proof::default()
            }),
        }),
    }
}

fn now() -> Timestamp {
    start() + jiff::SignedDuration::from_secs(200)
}

#[test]
fn the_history_fits_80_and_120_columns() {
    for columns in [80, 120] {
        let text = plain(&history().text(Some(columns), now()));
        assert!(text.lines().all(|line| width(line) <= columns), "{text}");
        for part in [
            "rollback → 9",
            "rolled back",
            "+3 ~12 -1",
            "1a2b3c4*",
            "14.0 s",
        ] {
            assert!(
                text.contains(part),
                "`{part}` is missing at {columns} columns:\n{text}"
            );
        }
    }
}

#[test]
fn a_revision_fits_80_columns() {
    let text = plain(&shown().text(Some(80), now()));
    assert!(text.lines().all(|line| width(line) <= 80), "{text}");
    for part in [
        "shop.dev revision 12 was rolled back",
        "and files that differ",
        "~ Deployment/shop/api",
        "rolled back: 3 objects as before",
    ] {
        assert!(text.contains(part), "`{part}` is missing:\n{text}");
    }
}

#[test]
fn why_a_revision_failed_is_shown_with_all_that_is_stored_of_its_log() {
    let past = Diagnosis {
        more: Vec::new(),
        ..diagnosis()
    };
    let view = RevisionView {
        failure: Some(past),
        ..shown()
    };
    let text = plain(&view.text(Some(80), now()));
    assert!(text.lines().all(|line| width(line) <= 80), "{text}");
    for part in [
        "exited with 1 after 0.4 s",
        "pod api-7c9f8d-x2x7p, container server",
        "│ line 1 of the log␛[31m",
        "│ line 9 of the log␛[31m",
        "image `shop/web:2` cannot be pulled",
    ] {
        assert!(text.contains(part), "`{part}` is missing:\n{text}");
    }
    let (failure, facts) = text.split_once("Started").unwrap();
    assert!(failure.contains("│") && !facts.contains("│"), "{text}");
    assert!(!text.contains("more:"), "{text}");
}
