//! A run on a terminal, whose size may change.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{emulator::Emulator, *};
use crate::report::{
    announce::Detail,
    bars::Bars,
    progress::Progress,
    progress_view::progress_view,
    reporter::Reporter as _,
    terminal::{Terminal, TerminalReporter},
};

/// Twelve objects that are not ready and one that is, in two phases side by side.
fn busy() -> Script {
    let mut script = Script::default()
        .started(&[("apps", 14), ("monitoring-and-alerting", 3)])
        .phase(0, "apps", 14);
    for number in 0..12 {
        let object = object(
            "Deployment",
            &format!("service-{number:02}-with-a-rather-long-name"),
        );
        script = script.write(number, "apps", &object, WriteResult::Created);
        let message = "2 of 3 replicas are ready; pod `service-x` waits for its volume, which nobody provisions";
        script = script.verdict(number + 1, "apps", &object, progressing(message));
    }
    let failed = object("Job", "migrate");
    let config = object("ConfigMap", "settings");
    script
        .verdict(
            14,
            "apps",
            &failed,
            Verdict::new(
                State::Failed,
                "BackoffLimitExceeded",
                "3 pods failed\u{1b}[2J\nand more",
            ),
        )
        .verdict(14, "apps", &config, ready(""))
        .phase(15, "monitoring-and-alerting", 3)
        .write(
            15,
            "monitoring-and-alerting",
            &object("Service", "prometheus"),
            WriteResult::Changed,
        )
}

fn progress(script: &Script) -> Progress {
    let mut progress = Progress::default();
    script
        .events
        .iter()
        .for_each(|event| progress.observe(event));
    progress
}

fn later(second: i64) -> Timestamp {
    start() + jiff::SignedDuration::from_secs(second)
}

#[test]
fn progress_view_at_80_columns() {
    insta::assert_snapshot!(plain(
        &progress_view(&progress(&busy()), later(75), 80, 40).join("\n")
    ));
}

#[test]
fn progress_view_at_120_columns_in_colour() {
    insta::assert_snapshot!(
        progress_view(&progress(&busy()), later(75), 120, 40)
            .join("\n")
            .replace('\u{1b}', "␛")
    );
}

#[test]
fn progress_view_of_one_phase_names_at_most_eight_objects() {
    let mut script = busy();
    script.events.retain(
        |event| !matches!(&event.kind, EventKind::PhaseStarted { phase, .. } if !phase.is_declared_as("apps")),
    );
    let lines = progress_view(&progress(&script), later(75), 160, 40);
    assert_eq!(lines.len(), 1 + 8 + 1);
    assert!(
        plain(&lines[1]).contains("Job/migrate"),
        "what failed comes first: {}",
        lines[1]
    );
    assert!(
        plain(&lines[2]).contains("service-00"),
        "then what is waited for longest: {}",
        lines[2]
    );
    assert_eq!(plain(&lines[9]), "  … and 5 more");
}

#[test]
fn progress_view_is_never_larger_than_the_terminal() {
    let progress = progress(&busy());
    for columns in 0..130 {
        for rows in 0..30 {
            let lines = progress_view(&progress, later(75), columns, rows);
            assert!(
                lines.len() < rows.max(1),
                "{} lines in {rows} rows",
                lines.len()
            );
            for line in lines {
                let line = plain(&line);
                assert!(
                    crate::report::text::width(&line) < columns.max(1),
                    "{columns}: {line}"
                );
                assert!(!line.contains(char::is_control));
            }
        }
    }
}

/// A reporter on an emulated terminal that draws when asked to.
fn reporter(emulator: &Emulator, detail: Detail, size: fn() -> (usize, usize)) -> TerminalReporter {
    let terminal = Terminal {
        screen: Box::new(emulator.clone()),
        stderr: Box::new(AboveBarsOf {
            emulator: emulator.clone(),
            bars: Bars::default(),
        }),
        size,
        color: true,
        now: || later(75),
        tick: None,
        bars: Bars::default(),
    };
    let bars = terminal.bars.clone();
    let terminal = Terminal {
        stderr: Box::new(AboveBarsOf {
            emulator: emulator.clone(),
            bars,
        }),
        ..terminal
    };
    TerminalReporter::new(terminal, detail)
}

struct AboveBarsOf {
    emulator: Emulator,
    bars: Bars,
}

impl Write for AboveBarsOf {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Self { emulator, bars } = self;
        bars.suspend(|| emulator.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_whole_run_leaves_its_lines_and_no_bars() {
    for (name, script, detail) in [
        ("good", good_run(), Detail::Usual),
        ("good-more", good_run(), Detail::More),
        ("bad", bad_run(), Detail::Usual),
        ("bad-quiet", bad_run(), Detail::Failures),
        ("rolled-back", rolled_back(&[]), Detail::Usual),
    ] {
        let emulator = Emulator::new(80);
        let mut reporter = reporter(&emulator, detail, || (24, 80));
        for event in &script.events {
            reporter.report(event).unwrap();
            reporter.draw();
        }
        drop(reporter);
        insta::assert_snapshot!(format!("terminal-{name}"), emulator.text());
    }
}

#[test]
fn lines_that_stay_come_above_the_bars() {
    let emulator = Emulator::new(100);
    let mut reporter = reporter(&emulator, Detail::Usual, || (24, 100));
    let script = busy().warned(20, "something is deprecated");
    for event in &script.events {
        reporter.report(event).unwrap();
        reporter.draw();
    }
    let text = emulator.text();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[2], "Warning: something is deprecated");
    assert!(lines[3].starts_with("apps "), "{text}");
}

#[test]
fn an_explanation_is_shown_also_where_the_run_has_no_end() {
    let emulator = Emulator::new(80);
    let mut reporter = reporter(&emulator, Detail::Usual, || (24, 80));
    for event in bad_run()
        .events
        .iter()
        .filter(|event| !matches!(event.kind, EventKind::RunFinished { .. }))
    {
        reporter.report(event).unwrap();
    }
    drop(reporter);
    assert!(
        emulator.text().contains("kubectl --context kind-shop"),
        "{}",
        emulator.text()
    );
}

#[test]
fn a_terminal_that_changes_its_size_keeps_one_picture() {
    static COLUMNS: AtomicUsize = AtomicUsize::new(120);
    let emulator = Emulator::new(120);
    let mut reporter = reporter(&emulator, Detail::Usual, || {
        (40, COLUMNS.load(Ordering::Relaxed))
    });
    for event in &busy().events {
        reporter.report(event).unwrap();
    }
    for columns in [120, 80, 50, 97, 40, 120] {
        COLUMNS.store(columns, Ordering::Relaxed);
        emulator.resize(columns);
        reporter.draw();
        let text = emulator.text();
        assert_eq!(
            text.matches("Job/").count(),
            1,
            "at {columns} columns:\n{text}"
        );
        assert_eq!(
            text.matches("Deploying shop.dev").count(),
            1,
            "at {columns} columns:\n{text}"
        );
    }
}
