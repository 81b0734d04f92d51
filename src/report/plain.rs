//! A run in lines that are never taken back, for logs.

use std::{
    collections::{HashMap, HashSet},
    io::{self, Write},
    time::Duration,
};

use jiff::Timestamp;

use super::{
    announce::Announcer,
    line::{BAD, FAINT, Line},
    next_steps::EndState,
    progress::{PhaseProgress, Progress, explanation},
    reporter::Reporter,
    units::{between, count, duration, whole},
};
use crate::{
    event::{Event, EventKind, WriteResult},
    object::ObjectId,
    plan::PhaseId,
    readiness::State,
};

/// So often it is said what a phase waits for.
const INTERVAL: Duration = Duration::from_secs(30);
/// A write that takes as long as this is said to.
const SLOW: Duration = Duration::from_secs(1);
/// So many of the objects that are waited for are named.
const NAMED: usize = 3;

/// Reports in lines that are never taken back: for logs, and terminals that can do no more.
pub(super) struct PlainReporter {
    progress: Progress,
    announcer: Announcer,
    stderr: Box<dyn Write + Send>,
    width: fn() -> Option<usize>,
    said: HashMap<PhaseId, Timestamp>,
    failed: HashSet<(ObjectId, String)>,
}

impl PlainReporter {
    pub(super) fn new(
        stderr: Box<dyn Write + Send>,
        width: fn() -> Option<usize>,
        announcer: Announcer,
    ) -> Self {
        Self {
            progress: Progress::default(),
            announcer,
            stderr,
            width,
            said: HashMap::new(),
            failed: HashSet::new(),
        }
    }

    fn write(&mut self, lines: &[String]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
        self.stderr
            .write_all(text.as_bytes())
            .and_then(|()| self.stderr.flush())
    }

    /// The line that only a log has, because a terminal shows it by its bars.
    fn line(&mut self, event: &Event) -> Option<Line> {
        match &event.kind {
            EventKind::PhaseStarted {
                phase,
                objects,
                timeout,
            } => {
                self.said.insert(phase.clone(), event.at);
                // In a run without writes most phases are over at once; those that are not are told
                // when they end or take long.
                let tells = !self.progress.is_unchanged();
                tells.then(|| {
                    Line::of(format!(
                        "▸ {phase}  {}, timeout {}",
                        count(*objects, "object"),
                        whole(*timeout)
                    ))
                })
            }
            EventKind::ObjectWritten {
                phase,
                object,
                result,
                took,
            } => {
                let word = match result {
                    WriteResult::Created => "created",
                    WriteResult::Changed => "changed",
                    WriteResult::Restored => "restored",
                    WriteResult::Deleted => "deleted",
                    WriteResult::GivenUp => "released",
                    WriteResult::Kept => "kept",
                    WriteResult::Unchanged => return None,
                };
                let line = match result {
                    WriteResult::GivenUp => {
                        Line::of(format!("  {phase}: {word} {object} (label removed)"))
                    }
                    _ => Line::of(format!("  {phase}: {word} {object}")),
                };
                Some(if *took < SLOW {
                    line
                } else {
                    line.styled(FAINT, format!("  {}", duration(*took)))
                })
            }
            EventKind::VerdictChanged {
                phase, object, to, ..
            } if to.state == State::Failed => {
                let why = explanation(to);
                let new = self.failed.insert((object.clone(), why.clone()));
                new.then(|| {
                    Line::of(format!("  {phase}: {object} "))
                        .styled(BAD, "failed")
                        .text(format!(": {why}"))
                })
            }
            _ => None,
        }
    }

    /// What the running phases wait for, at most every 30 seconds each.
    fn waits(&mut self, now: Timestamp) -> Vec<String> {
        let Self { progress, said, .. } = self;
        let due = progress.running().filter_map(|(name, phase)| {
            let last = said
                .get_mut(name)
                .filter(|last| between(**last, now) >= INTERVAL)?;
            *last = now;
            Some(wait_line(name.name(), phase, now).render())
        });
        due.collect()
    }
}

fn wait_line(name: &str, phase: &PhaseProgress, now: Timestamp) -> Line {
    let slowest = phase.slowest();
    let named = slowest
        .iter()
        .take(NAMED)
        .map(|(object, waiting)| match &waiting.verdict {
            Some(verdict) if !explanation(verdict).is_empty() => {
                format!("{object} {} ({})", verdict.state, explanation(verdict))
            }
            Some(verdict) => format!("{object} {}", verdict.state),
            None => format!("{object} applied"),
        });
    let mut named = named.collect::<Vec<_>>().join(", ");
    if slowest.len() > NAMED {
        named = format!("{named}, … and {} more", slowest.len() - NAMED);
    }
    let elapsed = whole(between(phase.started, now));
    let start = format!(
        "  {name}: {} of {} ready after {elapsed}",
        phase.ready(),
        count(phase.objects, "object")
    );
    Line::of(if named.is_empty() {
        start
    } else {
        format!("{start}; waiting for {named}")
    })
}

impl Reporter for PlainReporter {
    fn report(&mut self, event: &Event) -> io::Result<()> {
        self.progress.observe(event);
        let mut lines = Vec::new();
        if self.announcer.says_more_than_failures() {
            lines.extend(self.line(event).map(|line| line.render()));
            lines.extend(self.waits(event.at));
        }
        lines.extend(self.announcer.lines(&self.progress, event, (self.width)()));
        self.write(&lines)
    }

    fn tick(&mut self, now: Timestamp) -> io::Result<()> {
        if !self.announcer.says_more_than_failures() {
            return Ok(());
        }
        let lines = self.waits(now);
        self.write(&lines)
    }
}

impl Drop for PlainReporter {
    fn drop(&mut self) {
        let lines = self
            .announcer
            .failure(&self.progress, EndState::Left, (self.width)());
        let _ = self.write(&lines);
    }
}
