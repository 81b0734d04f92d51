//! A run in plain lines and as JSON.

use super::*;
use crate::report::{
    announce::{Announcer, Detail},
    json::{JsonLinesReporter, JsonReporter},
    plain::PlainReporter,
    reporter::Reporter,
};

fn log(script: &Script, detail: Detail) -> String {
    let written = Written::default();
    let mut reporter =
        PlainReporter::new(Box::new(written.clone()), || None, Announcer::new(detail));
    for event in &script.events {
        reporter.report(event).unwrap();
    }
    drop(reporter);
    written.text()
}

#[test]
fn plain_lines_of_a_good_run() {
    insta::assert_snapshot!(plain(&log(&good_run(), Detail::More)));
}

#[test]
fn plain_lines_of_a_bad_run() {
    insta::assert_snapshot!(plain(&log(&bad_run(), Detail::Usual)));
}

#[test]
fn plain_lines_of_a_run_that_is_rolled_back() {
    insta::assert_snapshot!(plain(&log(&rolled_back(&[]), Detail::Usual)));
    insta::assert_snapshot!(
        "plain_lines_where_something_differs",
        plain(&log(
            &rolled_back(&["is not ready: 2 of 3 replicas are ready"]),
            Detail::Usual
        ))
    );
}

#[test]
fn the_last_line_counts_what_stands_and_what_was_done() {
    let ready = Some(PhaseOutcome::Ready);
    let pruned = PhaseTiming {
        name: PhaseId::Prune,
        deleted: 2,
        ..timing("", Some(PhaseOutcome::Gone), [2, 0, 0, 0], 0.5)
    };
    let last = |phases| {
        let run = Script::default().started(&[("apps", 4)]);
        let run = run.end(3, RunOutcome::Succeeded, ExitCode::Done, phases);
        let text = plain(&log(&run, Detail::Usual));
        text.lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(
        last(vec![timing("apps", ready, [4, 1, 2, 1], 2.0), pruned]),
        "✓ shop.dev revision 4 is deployed: 4 objects ready (1 created, 2 changed, 2 removed), 3.0 s"
    );
    assert_eq!(
        last(vec![timing("apps", ready, [4, 0, 0, 4], 2.0)]),
        "✓ shop.dev revision 4 is deployed: 4 objects ready (unchanged), 3.0 s"
    );
}

#[test]
fn quiet_says_nothing_but_the_failure() {
    assert_eq!(log(&good_run(), Detail::Failures), "");
    let text = plain(&log(&bad_run(), Detail::Failures));
    assert!(
        text.starts_with("✗ phase apps: `Deployment/shop/api` cannot become ready\n"),
        "{text}"
    );
}

#[test]
fn a_log_shows_life_without_events() {
    let written = Written::default();
    let mut reporter = PlainReporter::new(
        Box::new(written.clone()),
        || None,
        Announcer::new(Detail::Usual),
    );
    let script = bad_run();
    for event in &script.events[..4] {
        reporter.report(event).unwrap();
    }
    let before = written.text().len();
    for second in 5..=65 {
        reporter
            .tick(start() + jiff::SignedDuration::from_secs(second))
            .unwrap();
    }
    let said = plain(&written.text()[before..]);
    assert_eq!(
        said,
        "  apps: 0 of 4 objects ready after 30 s; waiting for Deployment/shop/api in-progress (0 of 3 replicas are ready)\n\
         \x20 apps: 0 of 4 objects ready after 1 min; waiting for Deployment/shop/api in-progress (0 of 3 replicas are ready)\n"
    );
}

fn json(
    script: &Script,
    reporter: impl FnOnce(Box<dyn Write + Send>) -> Box<dyn Reporter>,
) -> String {
    let written = Written::default();
    let mut reporter = reporter(Box::new(written.clone()));
    for event in &script.events {
        reporter.report(event).unwrap();
    }
    written.text()
}

#[test]
fn json_lines_have_stable_names() {
    let text = json(&good_run(), |stdout| {
        Box::new(JsonLinesReporter::new(stdout))
    });
    let failed = json(&bad_run(), |stdout| {
        Box::new(JsonLinesReporter::new(stdout))
    });
    let explained = failed
        .lines()
        .find(|line| line.contains("failure-explained"))
        .unwrap();
    for line in text.lines().chain([explained]) {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(
            value["at"].as_str().unwrap().ends_with('Z')
                && value["sequence"].is_u64()
                && value["event"].is_string(),
            "{line}"
        );
    }
    insta::assert_snapshot!(text);
}

#[test]
fn after_a_rollback_no_command_asks_for_pods_that_are_gone() {
    let text = json(&rolled_back(&[]), |stdout| {
        Box::new(JsonReporter::new(stdout))
    });
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["failure"]["more"], serde_json::json!([]));
    assert_eq!(document["failure"]["objects"].as_array().unwrap().len(), 4);
}

#[test]
fn one_json_document_says_what_happened() {
    insta::assert_snapshot!(
        "json-good",
        json(&good_run(), |stdout| Box::new(JsonReporter::new(stdout)))
    );
    insta::assert_snapshot!(
        "json-bad",
        json(&bad_run(), |stdout| Box::new(JsonReporter::new(stdout)))
    );
}

#[test]
fn a_reader_that_went_away_does_not_stop_the_run() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut reporter = JsonLinesReporter::new(Box::new(Closed));
    reporter.report(&good_run().events[0]).unwrap();
}
