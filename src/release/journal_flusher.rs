//! Stores the journal of a run in the background while the run goes on.

use std::time::Duration;

use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{Head, JournalEntry, Store, StoreError};

/// Time between two writes of the journal: what happens in between is written at once.
const INTERVAL: Duration = Duration::from_millis(250);

/// The journal of a run while it is written: entries are collected and stored in the background, in
/// order.
pub(crate) struct JournalFlusher {
    entries: UnboundedSender<JournalEntry>,
    broken: CancellationToken,
    task: JoinHandle<(Head, Result<(), StoreError>)>,
}

impl JournalFlusher {
    /// Goes on with the journal of `head`.
    pub(crate) fn open(store: Store, head: Head) -> Self {
        let (entries, receiver) = unbounded_channel();
        let broken = CancellationToken::new();
        let task = tokio::spawn(write(store, head, receiver, broken.clone()));
        Self {
            entries,
            broken,
            task,
        }
    }

    /// Adds `entry`.
    pub(crate) fn note(&self, entry: JournalEntry) {
        // Where the journal is broken the run is being stopped, and `close` tells why.
        let _ = self.entries.send(entry);
    }

    /// Cancelled when the journal cannot be written: then nothing else may be written either.
    pub(crate) fn broken(&self) -> &CancellationToken {
        &self.broken
    }

    /// Stores what is not stored yet, and returns the head as it is stored then.
    pub(crate) async fn close(self) -> (Head, Result<(), StoreError>) {
        drop(self.entries);
        self.task.await.expect("writing the journal does not panic")
    }
}

async fn write(
    store: Store,
    mut head: Head,
    mut entries: UnboundedReceiver<JournalEntry>,
    broken: CancellationToken,
) -> (Head, Result<(), StoreError>) {
    let mut pending = Vec::new();
    let mut next = Instant::now();
    while let Some(entry) = entries.recv().await {
        pending.push(entry);
        collect_until(next, &mut entries, &mut pending).await;
        next = Instant::now() + INTERVAL;
        if let Err(error) = store.append(&mut head, &pending).await {
            broken.cancel();
            return (head, Err(error));
        }
        pending.clear();
    }
    (head, Ok(()))
}

/// Collects what comes until `next`, or until nothing can come any more.
async fn collect_until(
    next: Instant,
    entries: &mut UnboundedReceiver<JournalEntry>,
    pending: &mut Vec<JournalEntry>,
) {
    let pause = sleep_until(next);
    tokio::pin!(pause);
    loop {
        tokio::select! {
            () = &mut pause => break,
            entry = entries.recv() => match entry {
                Some(entry) => pending.push(entry),
                None => break,
            },
        }
    }
    while let Ok(entry) = entries.try_recv() {
        pending.push(entry);
    }
}
