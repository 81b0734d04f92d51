//! Where the engine says what happens; it prints nothing.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedSender;

use crate::event::{Event, EventKind};

/// Where events go. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Emitter {
    events: UnboundedSender<Event>,
    sequence: Arc<AtomicU64>,
}

impl Emitter {
    /// An emitter whose events arrive at the receiver of `events`.
    pub(crate) fn new(events: UnboundedSender<Event>) -> Self {
        Self {
            events,
            sequence: Arc::new(AtomicU64::new(0)),
        }
    }

    /// Emits one event.
    pub(crate) fn emit(&self, kind: EventKind) {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed) + 1;
        // A reporter that is gone cannot be told anything; the run goes on.
        let _ = self.events.send(Event {
            at: Timestamp::now(),
            sequence,
            kind,
        });
    }
}
