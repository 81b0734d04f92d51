//! The verdicts against collections of cases that stand beside the project; skipped, with a note, where they are absent.

use std::{collections::BTreeMap, fs, path::Path};

use jiff::Timestamp;
use serde_json::Value;

use super::{Surroundings, Verdict, field::text, judge};

fn cases(set: &str) -> Option<Vec<Value>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance").join(set).join("cases.jsonl");
    let Ok(lines) = fs::read_to_string(&path) else {
        note(&format!("skipped: {} is absent", path.display()));
        return None;
    };
    Some(lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn note(line: &str) {
    eprintln!("{line}");
}

fn verdict(object: &Value, now: Option<&str>) -> Verdict {
    let now = now.map_or_else(Timestamp::now, |now| now.parse().unwrap());
    judge(object, &Surroundings::none(now))
}

#[test]
fn agrees_with_every_case_of_kstatus() {
    let Some(cases) = cases("kstatus") else { return };
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let expected = text(case, "/orchestrator_expected").or_else(|| text(case, "/expected")).unwrap();
            let actual = verdict(&case["object"], text(case, "/now"));
            (actual.state.to_string() != expected).then(|| format!("{}: expected {expected}, is {actual:?}", case["id"]))
        })
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(cases.len(), 53);
}

#[test]
fn agrees_with_every_recorded_sequence() {
    let Some(cases) = cases("sequences") else { return };
    for case in &cases {
        let steps: Vec<Verdict> = case["events"].as_array().unwrap().iter().map(|object| verdict(object, None)).collect();
        let expected: Vec<&str> = case["expected_steps"].as_array().unwrap().iter().map(|step| step.as_str().unwrap()).collect();
        let actual: Vec<&str> = steps.iter().map(|step| if step.passes() { "ready" } else { "not-ready" }).collect();
        assert_eq!(actual, expected, "{}", case["id"]);
        let last = steps.last().unwrap();
        assert_eq!(last.state.to_string(), case["expected_final"].as_str().unwrap(), "{}: {last:?}", case["id"]);
        for part in case["cause_contains"].as_array().into_iter().flatten() {
            assert!(last.message.contains(part.as_str().unwrap()), "{}: `{}` lacks {part}", case["id"], last.message);
        }
    }
}

/// Custom resources are judged by general rules so far; what they make of these cases is told, and only their number is asserted.
#[test]
fn tells_how_many_health_cases_agree() {
    let Some(cases) = cases("argo-health") else { return };
    let (mut agreed, mut wrongly_ready, mut confusion) = (0, Vec::new(), BTreeMap::new());
    for case in &cases {
        let actual = verdict(&case["object"], None);
        let expected = case["expected"].as_str().unwrap();
        let state = actual.state.to_string();
        *confusion.entry((expected.to_owned(), state.clone())).or_insert(0) += 1;
        if state == expected {
            agreed += 1;
        } else if state == "ready" {
            wrongly_ready.push(format!("{} ({expected}): {}", case["id"], actual.message));
        }
        if std::env::var_os("READINESS_VERBOSE").is_some() && state != expected {
            note(&format!("{} expected {expected}, is {state} {}: {}", case["id"], actual.reason, actual.message));
        }
    }
    note(&format!("health cases: {agreed} of {} agree, {} are wrongly called ready; {confusion:?}", cases.len(), wrongly_ready.len()));
    assert_eq!(confusion.values().sum::<usize>(), cases.len());
}
