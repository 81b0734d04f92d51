//! Every row has cases of its own, and none hides another one.

use serde_json::Value;

use super::{
    row::Row,
    step::{Step, Test},
    table::{row_of, rows},
};
use crate::{object::field::text, readiness::own_cases};

/// What the own cases expect of the objects that `row` judges.
fn expectations(row: &Row, cases: &[Value]) -> Vec<String> {
    let hits = |case: &&Value| {
        let (version, kind) = (
            text(case, "/object/apiVersion").unwrap_or_default(),
            text(case, "/object/kind").unwrap_or_default(),
        );
        let (group, version) = version.split_once('/').unwrap_or_default();
        row_of(group, version, kind).is_some_and(|hit| std::ptr::eq(hit, row))
    };
    cases
        .iter()
        .filter(hits)
        .map(|case| text(case, "/expected").unwrap().to_owned())
        .collect()
}

fn only_stores(row: &Row) -> bool {
    matches!(row.steps, [Step::When(Test::Always, _)])
}

#[test]
fn every_row_has_an_own_case_that_is_ready_and_one_that_is_not() {
    let cases: Vec<Value> = own_cases::cases().collect();
    let lacking: Vec<String> = rows()
        .filter_map(|row| {
            let expected = expectations(row, &cases);
            let has_ready = expected.iter().any(|state| state == "ready");
            let has_other = only_stores(row) || expected.iter().any(|state| state != "ready");
            (!has_ready || !has_other)
                .then(|| format!("{} {:?}: {expected:?}", row.group, row.kinds))
        })
        .collect();
    assert!(
        lacking.is_empty(),
        "add own cases to tests/readiness/cases-custom.jsonl for:\n{}",
        lacking.join("\n")
    );
}

/// The first row that fits counts, so one for all of a group may only stand behind those for single
/// kinds.
#[test]
fn no_row_hides_another_one() {
    let rows: Vec<&Row> = rows().collect();
    for (index, row) in rows.iter().enumerate() {
        for kind in row.kinds.iter().filter(|kind| !kind.starts_with('*')) {
            let group = row
                .group
                .strip_prefix('*')
                .map_or(row.group.to_owned(), |ending| format!("x{ending}"));
            let version = row.versions.first().copied().unwrap_or("any");
            let hider = rows[..index]
                .iter()
                .find(|earlier| earlier.is_about(&group, version, kind));
            assert!(
                hider.is_none(),
                "{} {kind} is hidden by {hider:?}",
                row.group
            );
        }
    }
}
