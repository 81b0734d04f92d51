//! Lets others write to standard error while something moves there.

use std::{
    cell::Cell,
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use anstream::AutoStream;
use indicatif::ProgressBar;

thread_local! {
    static SUSPENDED: Cell<bool> = const { Cell::new(false) };
}

/// Whatever moves on the terminal at this moment, so that others can write there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bars(Arc<Mutex<Option<ProgressBar>>>);

impl Bars {
    /// Runs `work` while nothing moves on the terminal: questions and lines that stay.
    ///
    /// May be nested. Whoever reports from another thread waits until `work` ends.
    pub(crate) fn suspend<T>(&self, work: impl FnOnce() -> T) -> T {
        let bar = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match bar {
            Some(bar) if !SUSPENDED.get() => {
                let _guard = Guard::new();
                bar.suspend(work)
            }
            _ => work(),
        }
    }

    /// Says what moves now.
    pub(super) fn set(&self, bar: Option<ProgressBar>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = bar;
    }
}

/// Marks the thread as suspended until it is dropped, also by a panic.
struct Guard;

impl Guard {
    fn new() -> Self {
        SUSPENDED.set(true);
        Self
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        SUSPENDED.set(false);
    }
}

/// Standard error above whatever moves on the terminal.
pub(crate) struct AboveBars {
    stream: AutoStream<io::Stderr>,
    bars: Bars,
}

impl AboveBars {
    pub(super) fn new(choice: anstream::ColorChoice, bars: Bars) -> Self {
        Self {
            stream: AutoStream::new(io::stderr(), choice),
            bars,
        }
    }
}

impl Write for AboveBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Self { stream, bars } = self;
        bars.suspend(|| stream.write_all(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
