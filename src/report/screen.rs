//! Draws the lines at the bottom of a terminal again and again, whatever size it gets.

use std::{
    fmt::{self, Write as _},
    io::{self, Write},
    sync::{Mutex, MutexGuard, PoisonError},
};

use indicatif::TermLike;

use super::text;

/// Rows and columns of a terminal.
pub(super) type Size = Box<dyn Fn() -> (usize, usize) + Send + Sync>;

/// The lines at the bottom of a terminal that are drawn again and again.
///
/// Indicatif decides when to draw; this decides how. Its own way fills each line up to the
/// terminal's width, and a terminal that becomes narrower wraps such lines and leaves a copy of
/// them behind with every change of its size. Here lines end where their text ends, and what was
/// drawn is taken away by the rows that it takes *now*. Only what moves is drawn through it: lines
/// that stay are printed while the bar is suspended.
pub(super) struct Screen {
    size: Size,
    state: Mutex<State>,
}

struct State {
    terminal: Box<dyn Write + Send>,
    color: bool,
    drawn: Vec<String>,
    next: Vec<String>,
}

impl Screen {
    /// A screen that writes to `terminal`, without colours where `color` is false.
    pub(super) fn new(terminal: Box<dyn Write + Send>, size: Size, color: bool) -> Self {
        Self {
            size,
            state: Mutex::new(State {
                terminal,
                color,
                drawn: Vec::new(),
                next: Vec::new(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Draws the next lines over those that are there, in one write so that nothing flickers.
    fn draw(&mut self, columns: usize) -> io::Result<()> {
        let next = std::mem::take(&mut self.next);
        if next == self.drawn {
            return Ok(());
        }
        let rows: usize = self
            .drawn
            .iter()
            .map(|line| plain_width(line).div_ceil(columns.max(1)).max(1))
            .sum();
        let mut frame = if rows > 0 {
            format!("\x1b[{rows}A\r")
        } else {
            String::new()
        };
        for line in &next {
            let _ = write!(frame, "{line}\x1b[K\r\n");
        }
        // Line by line, because erasing all at once makes some terminals keep a copy in their
        // history.
        if let Some(rest @ 1..) = rows.checked_sub(next.len()) {
            let _ = write!(frame, "{}\x1b[{rest}A", "\x1b[2K\r\n".repeat(rest));
        }
        self.drawn = next;
        self.terminal.write_all(frame.as_bytes())?;
        self.terminal.flush()
    }
}

fn plain_width(line: &str) -> usize {
    text::width(&anstream::adapter::strip_str(line).to_string())
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        u16::try_from((self.size)().1).unwrap_or(u16::MAX)
    }

    fn height(&self) -> u16 {
        u16::try_from((self.size)().0).unwrap_or(u16::MAX)
    }

    fn move_cursor_up(&self, _rows: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _rows: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _columns: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _columns: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)
    }

    /// Takes one line. Blank text is what Indicatif fills lines up with.
    fn write_str(&self, text: &str) -> io::Result<()> {
        let mut state = self.state();
        if !text.trim().is_empty() {
            let line = if state.color {
                text.to_owned()
            } else {
                anstream::adapter::strip_str(text).to_string()
            };
            state.next.push(line);
        }
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let (_, columns) = (self.size)();
        self.state().draw(columns)
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Screen")
    }
}
