//! A run on a terminal: what moves at its bottom, and above it the lines that stay.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use jiff::Timestamp;

use super::{
    announce::{Announcer, Detail},
    bars::Bars,
    next_steps::EndState,
    progress::Progress,
    progress_view::progress_view,
    reporter::Reporter,
    screen::{Screen, Size},
};
use crate::event::{Event, EventKind};

/// How often it is looked whether the picture changed.
pub(super) const TICK: Duration = Duration::from_millis(125);
/// At most this many pictures a second.
const PICTURES: u8 = 10;

/// Reports to a terminal: a bar for each phase that runs, and above them the lines that stay.
///
/// Events only change what the next picture shows; a thread draws it, so that a thousand events
/// cost no thousand pictures.
pub(super) struct TerminalReporter {
    progress: Arc<Mutex<Progress>>,
    announcer: Announcer,
    bar: ProgressBar,
    bars: Bars,
    stderr: Box<dyn Write + Send>,
    size: fn() -> (usize, usize),
    tick: Option<Duration>,
}

/// What a terminal reporter draws on.
pub(super) struct Terminal {
    /// Takes the pictures.
    pub(super) screen: Box<dyn Write + Send>,
    /// Takes the lines that stay; suspends the bars by itself.
    pub(super) stderr: Box<dyn Write + Send>,
    /// Rows and columns.
    pub(super) size: fn() -> (usize, usize),
    /// Whether colours are wanted.
    pub(super) color: bool,
    /// The time.
    pub(super) now: fn() -> Timestamp,
    /// How often a new picture may be due; `None`: only when asked to draw.
    pub(super) tick: Option<Duration>,
    /// Where the bar is registered, so that others can write above it.
    pub(super) bars: Bars,
}

impl TerminalReporter {
    /// A reporter that draws by itself from the first phase on.
    pub(super) fn new(terminal: Terminal, detail: Detail) -> Self {
        let Terminal {
            screen,
            stderr,
            size,
            color,
            now,
            tick,
            bars,
        } = terminal;
        let progress = Arc::new(Mutex::new(Progress::default()));
        let screen_size: Size = Box::new(size);
        let target = ProgressDrawTarget::term_like_with_hz(
            Box::new(Screen::new(screen, screen_size, color)),
            PICTURES,
        );
        let bar = ProgressBar::with_draw_target(None, target).with_style(style(
            Arc::clone(&progress),
            size,
            now,
        ));
        bars.set(Some(bar.clone()));
        Self {
            progress,
            announcer: Announcer::new(detail),
            bar,
            bars,
            stderr,
            size,
            tick,
        }
    }

    fn write(&mut self, lines: &[String]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
        self.stderr.write_all(text.as_bytes())
    }

    #[cfg(test)]
    pub(super) fn draw(&self) {
        self.bar.force_draw();
    }
}

/// The style of a bar whose text is the view at the time of drawing.
fn style(
    progress: Arc<Mutex<Progress>>,
    size: fn() -> (usize, usize),
    now: fn() -> Timestamp,
) -> ProgressStyle {
    let write = move |_: &ProgressState, text: &mut dyn std::fmt::Write| {
        let (rows, columns) = size();
        let lines = progress_view(&lock(&progress), now(), columns, rows);
        let _ = text.write_str(&lines.join("\n"));
    };
    ProgressStyle::with_template("{progress_view}")
        .expect("the template is valid")
        .with_key("progress_view", write)
}

fn lock(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Reporter for TerminalReporter {
    fn report(&mut self, event: &Event) -> io::Result<()> {
        let width = Some((self.size)().1);
        let lines = {
            let mut progress = lock(&self.progress);
            progress.observe(event);
            self.announcer.lines(&progress, event, width)
        };
        match event.kind {
            EventKind::PhaseStarted { .. } => self
                .tick
                .take()
                .into_iter()
                .for_each(|tick| self.bar.enable_steady_tick(tick)),
            EventKind::RunFinished { .. } => self.bar.finish_and_clear(),
            _ => {}
        }
        self.write(&lines)
    }
}

impl Drop for TerminalReporter {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        self.bars.set(None);
        let width = Some((self.size)().1);
        let progress = Arc::clone(&self.progress);
        let lines = self
            .announcer
            .failure(&lock(&progress), EndState::Left, width);
        let _ = self.write(&lines);
    }
}
