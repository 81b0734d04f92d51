//! What every form of telling about a run can do.

use std::io;

use jiff::Timestamp;

use crate::event::Event;

/// Shows or writes down what happens. Standard error is for people, standard output for programs.
pub(crate) trait Reporter: Send {
    /// Takes in one event.
    fn report(&mut self, event: &Event) -> io::Result<()>;

    /// Says that time has passed without an event, so that a log shows life; to be called every few
    /// seconds.
    fn tick(&mut self, _now: Timestamp) -> io::Result<()> {
        Ok(())
    }
}
