//! What `diff` and `drift` show.

use serde_json::{Value, json};

use super::*;
use crate::report::{
    ChangeAction, DiffCommit, DiffDetail, DiffField, DiffHunk, DiffImpact, DiffLine, DiffObject,
    DiffOutside, DiffRevision, DiffSign, DiffVariable, DiffVariables, DiffView, DriftKind,
    DriftObject, DriftView, Extent, ImpactEffect, RevisionInfo,
};

fn revision() -> RevisionInfo {
    RevisionInfo {
        number: 7,
        outcome: RunOutcome::Succeeded,
        cause: None,
        started: start(),
        finished: Some(start()),
        by: "ann@host".to_owned(),
        taken_down: false,
        failure: None,
    }
}

fn field(path: &str, before: Value, after: Value) -> DiffField {
    let some = |value: Value| Some(value).filter(|value| !value.is_null());
    DiffField {
        path: path.to_owned(),
        secret: after == "(changed)",
        before: some(before),
        after: some(after),
    }
}

fn hunk() -> DiffHunk {
    let line = |sign, text: &str| DiffLine {
        sign,
        text: text.to_owned(),
    };
    DiffHunk {
        before: (12, 2),
        after: (12, 2),
        place: "spec.template.spec.containers[name=\"web\"]".to_owned(),
        lines: vec![
            line(DiffSign::Same, "      - name: web"),
            line(DiffSign::Removed, "        image: web:1\u{1b}[2J"),
            line(DiffSign::Added, "        image: web:2"),
        ],
    }
}

fn outside() -> DiffOutside {
    DiffOutside {
        field: field("spec.replicas", json!(5), json!(3)),
        was: Some(json!(2)),
        by: Some("kubectl-edit".to_owned()),
        at: Some(start()),
    }
}

/// A Deployment that is adopted and changed, a `ConfigMap` that is deleted, and one that stays.
fn objects() -> (crate::report::ChangeSummary, Vec<DiffObject>) {
    let mut summary = super::views::changes(0);
    summary.rows[1].detail = None;
    summary.rows[2].object = object("ConfigMap", "old");
    summary.rows[2].action = ChangeAction::Delete;
    summary.rows[2].phase = PhaseId::Prune;
    summary.rows[2].detail = None;
    let objects = summary.rows.iter().map(|row| DiffObject {
        row: row.clone(),
        adopted: false,
        deleted_outside: false,
        untried: false,
        fields: Vec::new(),
        hunks: Vec::new(),
        outside: Vec::new(),
        patch: Vec::new(),
    });
    let mut objects: Vec<DiffObject> = objects.collect();
    objects[1].adopted = true;
    objects[1].fields = vec![
        field(
            "spec.template.spec.containers[name=\"web\"].image",
            json!("web:1"),
            json!("web:2"),
        ),
        field("data.password", json!("(secret)"), json!("(changed)")),
        field("data.new", Value::Null, json!({"a": [1]})),
        field("data.gone", json!(""), Value::Null),
        field("data.text", json!("a\nb\nc\n"), json!("a\nB\nc\nd\n")),
    ];
    objects[1].hunks = vec![hunk()];
    objects[1].patch = vec![hunk()];
    objects[1].outside = vec![outside()];
    (summary, objects)
}

fn view() -> DiffView {
    let (summary, objects) = objects();
    let impact = |effect, why: &str| DiffImpact {
        object: object("Deployment", "web"),
        effect,
        why: why.to_owned(),
    };
    let commit = |name: &str, dirty| DiffCommit {
        commit: name.repeat(20),
        dirty,
    };
    let variable = |name: &str, before: Option<&str>, after: &str| DiffVariable {
        name: name.to_owned(),
        before: before.map(Value::from),
        after: Some(after.into()),
    };
    DiffView {
        summary,
        from: Some(DiffRevision {
            revision: revision(),
            commit: Some(commit("1a", false)),
        }),
        commit: Some(commit("2b", true)),
        variables: DiffVariables {
            known: true,
            is_deployed: true,
            changed: vec![
                variable("image_tag", Some("v1.4.2"), "main"),
                variable("host", None, "shop.test"),
            ],
        },
        objects,
        impact: vec![
            impact(ImpactEffect::Down, "its strategy is `Recreate`"),
            impact(ImpactEffect::Restarts, "3 pods"),
        ],
    }
}

fn now() -> Timestamp {
    "2026-01-05T12:03:00Z".parse().unwrap()
}

#[test]
fn a_diff_line_by_line() {
    insta::assert_snapshot!(plain(&view().text(DiffDetail::Lines, Some(80), now())));
}

#[test]
fn a_diff_in_brief_in_colour() {
    insta::assert_snapshot!(
        view()
            .text(DiffDetail::Brief, None, now())
            .replace('\u{1b}', "␛")
    );
}

#[test]
fn a_diff_as_a_patch() {
    insta::assert_snapshot!(view().patch());
}

#[test]
fn a_diff_as_json() {
    insta::assert_snapshot!(format!("{:#}", view().json()));
}

#[test]
fn variables_that_no_revision_has_recorded_are_said_to_be_unknown() {
    let mut view = view();
    view.variables.known = false;
    view.variables.changed.clear();
    let text = plain(&view.text(DiffDetail::Brief, None, now()));
    assert!(text.contains("Variables   replicas = 3\n"), "{text}");
    assert!(
        text.contains("those of the last revision are not recorded"),
        "{text}"
    );
}

#[test]
fn what_others_have_changed() {
    let fields = vec![
        DiffOutside {
            was: None,
            ..outside()
        },
        DiffOutside {
            field: field("spec.paused", json!(true), Value::Null),
            was: None,
            by: None,
            at: None,
        },
    ];
    let changed = |phase: &str, name: &str, change, fields| DriftObject {
        phase: phase.to_owned(),
        object: object("Deployment", name),
        change,
        by: vec!["someone".to_owned()],
        fields,
    };
    let view = DriftView {
        release: "shop.dev".to_owned(),
        context: "kind-shop".to_owned(),
        revision: Some(revision()),
        objects: vec![
            changed("databases", "gone", DriftKind::Deleted, Vec::new()),
            changed("apps", "web", DriftKind::Changed, fields),
            changed("apps", "again", DriftKind::Rewritten, Vec::new()),
        ],
    };
    insta::assert_snapshot!(plain(&view.text(Some(80), now())));
}

#[test]
fn fields_are_shown_before_asking_as_far_as_they_fit() {
    let mut summary = super::views::changes(3);
    let fields = (0..9).map(|number| field(&format!("data.key-{number}"), json!(1), json!(2)));
    summary.rows[1].fields = fields.collect();
    let shown = |rows| {
        let extent = Extent {
            width: Some(80),
            rows: Some(rows),
            creations: true,
            diff: true,
        };
        plain(&summary.text(extent))
    };
    insta::assert_snapshot!(shown(40));
    for rows in 10..40 {
        let lines = shown(rows).lines().count();
        assert!(
            lines <= rows.saturating_sub(2).max(16),
            "{lines} lines on {rows} rows"
        );
    }
}
