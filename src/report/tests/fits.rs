//! Whatever the cluster says: no line is wider than the terminal, and no control character gets
//! there.

use proptest::prelude::*;

use super::{
    views::{changes, status},
    *,
};
use crate::plan::PhaseId;
use crate::report::{
    Extent,
    announce::{Announcer, Detail},
    failure::failure_block,
    next_steps::EndState,
    plain::PlainReporter,
    progress::Progress,
    progress_view::progress_view,
    reporter::Reporter as _,
    text::width,
};

fn harmless(line: &str) -> bool {
    !line.chars().any(char::is_control)
}

fn hostile(name: &str, message: &str) -> Script {
    let object = object("Deployment", name);
    let verdict = Verdict::new(State::Failed, "Because", message);
    let diagnosed = ObjectDiagnosis {
        object: object.clone(),
        verdict: verdict.clone(),
        pod: Some(name.to_owned()),
        container: Some(name.to_owned()),
        cause: Some(message.to_owned()),
        log: vec![message.to_owned(); 3],
        further: vec![crate::event::FurtherCause {
            pod: Some(name.to_owned()),
            container: Some(name.to_owned()),
            cause: message.to_owned(),
            log: vec![message.to_owned(); 3],
        }],
    };
    let diagnosis = Diagnosis {
        summary: message.to_owned(),
        phase: Some(PhaseId::declared(name)),
        objects: vec![diagnosed; 5],
        more: Vec::new(),
        interrupted: false,
    };
    Script::default()
        .started(&[(name, 2)])
        .phase(0, name, 2)
        .write(1, name, &object, WriteResult::Created)
        .warned(1, message)
        .at(
            2,
            EventKind::VerdictChanged {
                phase: PhaseId::declared(name),
                object,
                from: None,
                to: verdict,
            },
        )
        .at(3, EventKind::FailureExplained { diagnosis })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn progress_views_and_failures(name in any::<String>(), message in any::<String>(), columns in 1_usize..130) {
        let script = hostile(&name, &message);
        let mut progress = Progress::default();
        script.events.iter().for_each(|event| progress.observe(event));
        for line in progress_view(&progress, start(), columns, 30) {
            let line = plain(&line);
            prop_assert!(harmless(&line) && width(&line) < columns, "{:?}", line);
        }
        let Some(EventKind::FailureExplained { diagnosis }) = script.events.last().map(|event| &event.kind) else { unreachable!() };
        let lines = failure_block(diagnosis, None, EndState::Differs, Some(columns));
        prop_assert!(lines.len() <= 24 || columns < 60);
        for line in lines {
            let line = plain(&line);
            // A command that is cut cannot be copied.
            let fits = width(&line) <= columns || line.trim_start().contains("`deployctl ");
            prop_assert!(harmless(&line) && fits, "{:?}", line);
        }
    }

    #[test]
    fn views(name in any::<String>(), message in any::<String>(), columns in 1_usize..130) {
        let mut status = status();
        status.context.clone_from(&message);
        status.phases[0].name.clone_from(&name);
        for object in &mut status.phases[1].objects {
            object.id.name.clone_from(&name);
            object.verdict.message.clone_from(&message);
            object.address = Some(message.clone());
        }
        let mut changes = changes(2);
        changes.rows[1].detail = Some(message.clone());
        changes.rows[2].object.name.clone_from(&name);
        changes.variables_not_from_file[0] = (name, message);
        let extent = Extent { width: Some(columns), rows: Some(24), creations: true, diff: true };
        let mut text = changes.text(extent);
        text.extend(status.screen(24, columns, start()).into_iter().map(|line| line + "\n"));
        for line in text.lines() {
            let line = plain(line);
            let fits = width(&line) <= columns || line.trim_start().contains("`deployctl ");
            prop_assert!(harmless(&line) && fits, "{:?}", line);
        }
    }

    #[test]
    fn logs(name in any::<String>(), message in any::<String>()) {
        let written = Written::default();
        let mut reporter = PlainReporter::new(Box::new(written.clone()), || None, Announcer::new(Detail::More));
        for event in &hostile(&name, &message).events {
            reporter.report(event).unwrap();
        }
        drop(reporter);
        for line in plain(&written.text()).split('\n') {
            prop_assert!(harmless(line), "{:?}", line);
        }
    }
}
