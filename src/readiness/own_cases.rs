//! The project's own cases, at least one positive and one negative for each rule:
//! `tests/readiness/*.jsonl`.
//!
//! A line holds the object, what is around it, the clock (`now`, where it matters), whether its
//! definition has a status subresource (`status_subresource`, where that is known) and the verdict
//! that is right.

use serde_json::Value;

use super::{Family, Surroundings, judge};
use crate::object::field::text;

const CASES: &[&str] = &[
    include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/readiness/cases.jsonl"
    )),
    include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/readiness/cases-custom.jsonl"
    )),
];

const NOW: &str = "2026-01-01T01:00:00Z";

/// All own cases.
pub(super) fn cases() -> impl Iterator<Item = Value> {
    CASES
        .iter()
        .flat_map(|file| file.lines())
        .map(|line| serde_json::from_str(line).unwrap())
}

fn wrong(case: &Value) -> Option<String> {
    let around = case["around"].as_array().map_or(&[][..], Vec::as_slice);
    let objects: Vec<&Value> = std::iter::once(&case["object"]).chain(around).collect();
    let now = text(case, "/now").unwrap_or(NOW).parse().unwrap();
    let has_status_subresource = case["status_subresource"].as_bool();
    let families = Family::of_all(&objects);
    let verdict = judge(
        &case["object"],
        &Surroundings {
            has_status_subresource,
            ..families[0].surroundings(now)
        },
    );
    let agrees = verdict.state.to_string() == text(case, "/expected").unwrap()
        && text(case, "/reason").is_none_or(|reason| verdict.reason == reason)
        && text(case, "/contains").is_none_or(|part| verdict.message.contains(part));
    (!agrees).then(|| format!("{}: {verdict:?}", case["id"]))
}

#[test]
fn every_case_is_judged_rightly() {
    let wrong: Vec<String> = cases().filter_map(|case| wrong(&case)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases().count() > 600);
}

/// Objects may be partial and foreign: whatever stands in a field, there is a verdict.
#[test]
fn no_value_in_any_field_makes_it_panic() {
    for_each_odd_object(|object, surroundings| drop(judge(object, surroundings)));
}

/// Calls `look` with every own case's object, with an odd value in each of its fields in turn.
///
/// Steps of the table are shared by many rows, so a few odd values in turn are enough for those.
pub(crate) fn for_each_odd_object(mut look: impl FnMut(&Value, &Surroundings<'_>)) {
    let odd = [
        Value::Null,
        true.into(),
        (-1).into(),
        "ä".into(),
        Value::Array(vec![Value::Null]),
        serde_json::json!({"": {}}),
    ];
    let now = NOW.parse().unwrap();
    for (file, how_many) in CASES.iter().zip([odd.len(), 2]) {
        for (index, case) in file
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .enumerate()
        {
            let around = case["around"].as_array().map_or(&[][..], Vec::as_slice);
            for pointer in pointers(&case["object"], "") {
                for value in odd.iter().cycle().skip(index % odd.len()).take(how_many) {
                    let mut object = case["object"].clone();
                    *object.pointer_mut(&pointer).unwrap() = value.clone();
                    let objects: Vec<&Value> = std::iter::once(&object).chain(around).collect();
                    look(&object, &Family::of_all(&objects)[0].surroundings(now));
                }
            }
        }
    }
}

fn pointers(value: &Value, at: &str) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| (index.to_string(), item))
            .collect(),
        _ => Vec::new(),
    };
    let below = children
        .into_iter()
        .flat_map(|(name, child)| pointers(child, &format!("{at}/{name}")));
    std::iter::once(at.to_owned()).chain(below).collect()
}
