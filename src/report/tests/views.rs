//! The views that are shown once: failures, changes, status, releases.

use super::*;
use crate::plan::PhaseId;
use crate::report::{
    ChangeAction, ChangeRow, ChangeSummary, Extent, ListView, ListedRelease, RevisionInfo,
    Standing, StatusObject, StatusPhase, StatusView, failure::failure_block, next_steps::EndState,
    progress::Run,
};

fn run() -> Run {
    Run {
        release: release(),
        revision: 4,
        place: ("kind-shop".to_owned(), "https://127.0.0.1:6443".to_owned()),
        objects: 3,
        writes: 2,
        purpose: Purpose::Deploy,
    }
}

#[test]
fn failure_block_at_80_columns() {
    let lines = failure_block(&diagnosis(), Some(&run()), EndState::Left, Some(80));
    assert!(lines.len() <= 20, "{} lines", lines.len());
    insta::assert_snapshot!(plain(&lines.join("\n")));
}

#[test]
fn failure_block_at_120_columns_in_colour() {
    insta::assert_snapshot!(
        failure_block(&diagnosis(), Some(&run()), EndState::Left, Some(120))
            .join("\n")
            .replace('\u{1b}', "␛")
    );
}

#[test]
fn failure_block_fits_a_screen() {
    let mut diagnosis = diagnosis();
    diagnosis.summary = diagnosis.summary.repeat(20);
    diagnosis.more = vec![diagnosis.more[0].clone(); 5];
    diagnosis.objects.extend(diagnosis.objects.clone());
    for width in [None, Some(60), Some(80)] {
        let lines = failure_block(&diagnosis, Some(&run()), EndState::Left, width);
        assert!(lines.len() <= 24, "{lines:#?}");
    }
    let brief = Diagnosis {
        summary: "no more".to_owned(),
        ..Diagnosis::default()
    };
    assert_eq!(
        failure_block(&brief, None, EndState::Untouched, None).len(),
        2
    );
}

pub(super) fn changes(creations: usize) -> ChangeSummary {
    let row =
        |phase: &str, object: ObjectId, action: ChangeAction, detail: Option<&str>| ChangeRow {
            phase: PhaseId::declared(phase),
            object,
            action,
            detail: detail.map(str::to_owned),
            fields: Vec::new(),
        };
    let mut rows = vec![
        row(
            "foundation",
            object("ConfigMap", "settings"),
            ChangeAction::Unchanged,
            None,
        ),
        row(
            "apps",
            object("Deployment", "web"),
            ChangeAction::Change,
            Some("spec.template.spec.containers[0].image"),
        ),
        row(
            "apps",
            object("Job", "migrate"),
            ChangeAction::Recreate,
            Some("`spec.template` cannot be changed"),
        ),
    ];
    rows.extend((0..creations).map(|number| {
        row(
            "edge",
            object("Ingress", &format!("host-{number}")),
            ChangeAction::Create,
            None,
        )
    }));
    ChangeSummary {
        release: release().to_string(),
        context: "kind-shop".to_owned(),
        server: "https://127.0.0.1:6443".to_owned(),
        namespaces: vec!["shop".to_owned()],
        rows,
        left_out: Vec::new(),
        variables_not_from_file: vec![
            ("replicas".to_owned(), "3".to_owned()),
            ("host".to_owned(), "shop.example\u{1b}[2J".to_owned()),
        ],
        secrets: vec![
            ("database/password".to_owned(), "generated".to_owned()),
            ("mail/token".to_owned(), "kept".to_owned()),
        ],
    }
}

fn extent(rows: Option<usize>) -> Extent {
    Extent {
        width: Some(80),
        rows,
        creations: true,
        diff: true,
    }
}

#[test]
fn changes_before_asking() {
    insta::assert_snapshot!(plain(&changes(3).text(extent(None))));
}

#[test]
fn what_is_said_of_a_change_is_whole_where_there_is_room() {
    let mut summary = changes(20);
    let said = "Deployment/shop/worker-of-the-night is no part of this run and does not restart";
    summary.rows[1].detail = Some(said.to_owned());
    let text = plain(&summary.text(extent(None)));
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    let words: Vec<&str> = text.split_whitespace().collect();
    assert!(words.join(" ").contains(said), "{text}");
    // What changes goes before what is said of it.
    let small = plain(&summary.text(extent(Some(24))));
    assert!(small.lines().count() <= 22, "{small}");
    assert!(!small.contains("does not restart"), "{small}");
}

#[test]
fn many_changes_are_condensed() {
    let text = plain(&changes(200).text(extent(None)));
    assert!(text.lines().count() <= 41, "{} lines", text.lines().count());
    assert!(text.contains("edge  200 to create"), "{text}");
    let shown = text.matches("+ Ingress").count();
    assert!(
        shown > 10 && text.contains(&format!("… and {} more", 200 - shown)),
        "{text}"
    );
    assert!(
        text.ends_with(
            "Total  1 to delete and create again, 1 to change, 200 to create, 1 unchanged\n"
        ),
        "{text}"
    );
}

fn revision(number: u64, outcome: RunOutcome) -> RevisionInfo {
    let finished = start() + jiff::SignedDuration::from_secs(14);
    RevisionInfo {
        number,
        outcome,
        started: start(),
        finished: (outcome != RunOutcome::Running).then_some(finished),
        cause: (outcome == RunOutcome::Failed)
            .then(|| "phase apps: Deployment/shop/api cannot become ready".to_owned()),
        failure: None,
        by: "me@desk".to_owned(),
        taken_down: false,
    }
}

fn status_object(kind: &str, name: &str, verdict: Verdict) -> StatusObject {
    StatusObject {
        id: object(kind, name),
        verdict,
        replicas: None,
        autoscaling: None,
        storage: None,
        address: None,
        changed_by: None,
        deleted: false,
        unfinished_revision: None,
        kept: None,
    }
}

/// Objects that are ready, on their way and failed.
fn apps() -> Vec<StatusObject> {
    let all_ready = || ready("3 of 3 replicas are ready");
    let text = |text: &str| Some(text.to_owned());
    let api = progressing("2 of 3 replicas are ready");
    let job = Verdict::new(
        State::Failed,
        "BackoffLimitExceeded",
        "3 pods failed\u{1b}[2J\nand their logs say why",
    );
    vec![
        StatusObject {
            replicas: text("2/3"),
            changed_by: text("kubectl-edit"),
            ..status_object("Deployment", "api", api)
        },
        StatusObject {
            autoscaling: text("cpu 41%/70%, 3–10"),
            ..status_object("HorizontalPodAutoscaler", "api", all_ready())
        },
        StatusObject {
            replicas: text("12/12"),
            ..status_object("Deployment", "web", all_ready())
        },
        status_object("Job", "migrate", job),
        StatusObject {
            address: text("10.0.0.7"),
            ..status_object("Ingress", "shop", all_ready())
        },
    ]
}

pub(super) fn status() -> StatusView {
    let bound = ready("3 of 3 replicas are ready");
    let data = StatusObject {
        storage: Some("50Gi standard Bound".to_owned()),
        ..status_object("PersistentVolumeClaim", "data-database-0", bound)
    };
    StatusView {
        release: release(),
        environment: "dev".to_owned(),
        context: "kind-shop".to_owned(),
        revision: Some(revision(4, RunOutcome::Succeeded)),
        last_run: Some(revision(5, RunOutcome::Running)),
        standing: Standing::Running,
        forward: "up",
        locked_by: Some("me@desk (pid 42, up), since 2026-01-05 12:00:00 UTC".to_owned()),
        last_sign_of_life: None,
        phases: vec![
            StatusPhase {
                name: "storage".to_owned(),
                objects: vec![data],
            },
            StatusPhase {
                name: "apps".to_owned(),
                objects: apps(),
            },
        ],
        access: Vec::new(),
        deployed_environments: Vec::new(),
    }
}

fn now() -> Timestamp {
    start() + jiff::SignedDuration::from_secs(200)
}

#[test]
fn status_at_80_columns() {
    insta::assert_snapshot!(plain(&status().text(Some(80), now())));
}

#[test]
fn status_at_120_columns_in_colour() {
    insta::assert_snapshot!(status().text(Some(120), now()).replace('\u{1b}', "␛"));
}

#[test]
fn status_as_data() {
    let mut status = status();
    status.phases.truncate(1);
    insta::assert_snapshot!(serde_json::to_string_pretty(&status).unwrap());
}

#[test]
fn status_of_nothing_says_how_to_deploy() {
    let mut status = status();
    (status.revision, status.last_run) = (None, None);
    status.phases.clear();
    assert_eq!(
        plain(&status.text(None, now())),
        "shop.dev is not deployed in context kind-shop; `deployctl up shop --env dev` deploys it\n"
    );
    assert_eq!(
        plain(&status.text(Some(60), now())),
        "shop.dev is not deployed in context kind-shop;\n`deployctl up shop --env dev` deploys it\n"
    );
    status.deployed_environments = vec!["prod".to_owned(), "test".to_owned()];
    assert_eq!(
        plain(&status.text(None, now())),
        "shop.dev is not deployed in context kind-shop; `deployctl up shop --env dev` deploys it\n\
         deployed of this plan: shop.prod, shop.test\n"
    );
}

#[test]
fn what_an_unfinished_revision_did_is_told_with_its_object() {
    let missing = Verdict::new(State::Missing, "", "");
    let of = |verdict| StatusObject {
        unfinished_revision: Some(5),
        ..status_object("ConfigMap", "settings", verdict)
    };
    let view = StatusView {
        phases: vec![StatusPhase {
            name: "apps".to_owned(),
            objects: vec![of(ready("")), of(missing)],
        }],
        ..status()
    };
    let text = plain(&view.text(None, now()));
    assert!(
        text.contains("written by unfinished revision 5\n")
            && text.contains("deleted by unfinished revision 5\n"),
        "{text}"
    );
}

#[test]
fn what_is_kept_and_not_wanted_is_told_so() {
    let kept = StatusObject {
        kept: Some("by `deployctl.dev/keep: true`".to_owned()),
        ..status_object("ConfigMap", "settings", ready(""))
    };
    let view = StatusView {
        phases: vec![StatusPhase {
            name: "apps".to_owned(),
            objects: vec![kept],
        }],
        ..status()
    };
    let text = plain(&view.text(None, now()));
    let said = "not wanted, kept by `deployctl.dev/keep: true`\n";
    assert!(text.contains(said), "{text}");
}

#[test]
fn a_run_that_cannot_be_seen_to_live_may_be_running() {
    let status = StatusView {
        last_sign_of_life: Some(start() + jiff::SignedDuration::from_secs(155)),
        ..status()
    };
    let text = plain(&status.text(None, now()));
    let told = "now:  a run by me@desk (pid 42, up), since 2026-01-05 12:00:00 UTC may be running, last sign of life 45 s ago\n";
    assert!(text.contains(told), "{text}");
}

#[test]
fn a_first_run_that_failed_is_shown() {
    let mut status = StatusView {
        standing: Standing::Failed,
        locked_by: None,
        ..status()
    };
    status.revision = None;
    status.last_run = Some(revision(1, RunOutcome::Failed));
    let text = plain(&status.text(None, now()));
    assert!(text.starts_with("shop.dev in context kind-shop\nrevision 1 failed 3 min ago by me@desk, after 14.0 s\n  phase apps: Deployment/shop/api cannot become ready\nnext: fix the cause, then `deployctl up shop --env dev` continues"), "{text}");
}

#[test]
fn a_small_screen_shows_what_is_not_ready() {
    let view = status();
    let all = view.screen(40, 80, now());
    let (most, few) = (
        plain(&view.screen(16, 80, now()).join("\n")),
        plain(&view.screen(12, 80, now()).join("\n")),
    );
    assert!(all.len() > 16 && all.iter().any(|line| line.contains("data-database-0")));
    assert!(
        most.contains("storage  1 object, ready")
            && most.contains("Deployment/web")
            && !most.contains("data-database-0"),
        "{most}"
    );
    assert!(
        few.contains("Job/migrate")
            && few.contains("Deployment/api")
            && !few.contains("Deployment/web"),
        "{few}"
    );
    let least = view.screen(5, 80, now());
    assert_eq!(least.len(), 5);
    assert!(plain(&least[4]).starts_with("… and "), "{least:?}");
}

#[test]
fn list_of_releases() {
    let listed = |release: &str, number, outcome, objects| ListedRelease {
        release: release.to_owned(),
        revision: revision(number, outcome),
        objects,
    };
    let mut list = ListView {
        context: "kind-shop".to_owned(),
        releases: vec![
            listed("shop.dev", 4, RunOutcome::Succeeded, 120),
            listed("valueverse.staging", 12, RunOutcome::Interrupted, 7),
        ],
    };
    insta::assert_snapshot!(plain(&list.text(Some(80), now())));
    list.releases.clear();
    assert_eq!(
        list.text(Some(80), now()),
        "no releases in context kind-shop; `deployctl up` makes one\n"
    );
}

/// A release whose last run failed, and what is stored of that.
fn failed_last_run(more: Vec<String>) -> StatusView {
    let failure = Diagnosis {
        more,
        ..diagnosis()
    };
    StatusView {
        last_run: Some(RevisionInfo {
            failure: Some(failure),
            ..revision(5, RunOutcome::Failed)
        }),
        standing: Standing::Failed,
        locked_by: None,
        ..status()
    }
}

#[test]
fn status_shows_why_the_last_run_failed() {
    let text = plain(&failed_last_run(Vec::new()).text(Some(80), now()));
    let told = text.split_once("last run: revision 5").unwrap().1;
    let told = told.split_once("next:").unwrap().0;
    for part in [
        "cannot become ready\n",
        "exited with 1 after 0.4 s",
        "pod api-7c9f8d-x2x7p, container server",
        "│ database:5432\n",
    ] {
        assert!(told.contains(part), "`{part}` is missing:\n{text}");
    }
    assert!(
        told.lines().count() <= 25 && !told.contains("more:"),
        "{text}"
    );
    let more = diagnosis().more;
    let text = plain(&failed_last_run(more.clone()).text(Some(80), now()));
    assert!(text.contains(&format!("more: {}\n", more[0])), "{text}");
}

#[test]
fn a_small_screen_shows_the_objects_before_why_the_last_run_failed() {
    let view = failed_last_run(Vec::new());
    let screen = |rows| plain(&view.screen(rows, 80, now()).join("\n"));
    assert!(screen(60).contains("│"), "{}", screen(60));
    let small = screen(20);
    assert!(
        !small.contains("│")
            && small.contains("cannot become ready")
            && small.contains("Job/migrate"),
        "{small}"
    );
}
