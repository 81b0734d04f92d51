//! Stores the journal of a run in the background while the run goes on.

use std::time::Duration;

use tokio::{
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        oneshot,
    },
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
    said: UnboundedSender<Said>,
    broken: CancellationToken,
    task: JoinHandle<(Head, Result<(), StoreError>)>,
}

/// What is said to whoever writes the journal.
enum Said {
    Entry(Box<JournalEntry>),
    /// To be answered once everything that was said before is stored.
    Answer(oneshot::Sender<()>),
}

impl JournalFlusher {
    /// Goes on with the journal of `head`.
    pub(crate) fn open(store: Store, head: Head) -> Self {
        let (said, receiver) = unbounded_channel();
        let broken = CancellationToken::new();
        let task = tokio::spawn(write(store, head, receiver, broken.clone()));
        Self { said, broken, task }
    }

    /// Adds `entry`.
    pub(crate) fn note(&self, entry: JournalEntry) {
        // Where the journal is broken the run is being stopped, and `close` tells why.
        let _ = self.said.send(Said::Entry(Box::new(entry)));
    }

    /// Answers once all that was noted before is stored; fails where the journal is broken.
    pub(crate) fn stored(&self) -> oneshot::Receiver<()> {
        let (answer, answered) = oneshot::channel();
        let _ = self.said.send(Said::Answer(answer));
        answered
    }

    /// Cancelled when the journal cannot be written: then nothing else may be written either.
    pub(crate) fn broken(&self) -> &CancellationToken {
        &self.broken
    }

    /// Stores what is not stored yet, and returns the head as it is stored then.
    pub(crate) async fn close(self) -> (Head, Result<(), StoreError>) {
        drop(self.said);
        self.task.await.expect("writing the journal does not panic")
    }
}

async fn write(
    store: Store,
    mut head: Head,
    mut said: UnboundedReceiver<Said>,
    broken: CancellationToken,
) -> (Head, Result<(), StoreError>) {
    let mut next = Instant::now();
    while let Some(first) = said.recv().await {
        let mut pending = Pending::default();
        pending.add(first);
        pending.collect_until(next, &mut said).await;
        next = Instant::now() + INTERVAL;
        if !pending.entries.is_empty()
            && let Err(error) = store.append(&mut head, &pending.entries).await
        {
            broken.cancel();
            return (head, Err(error));
        }
        for answer in pending.answers {
            // Whoever asked may have stopped waiting.
            let _ = answer.send(());
        }
    }
    (head, Ok(()))
}

/// What was said and is not stored yet.
#[derive(Default)]
struct Pending {
    entries: Vec<JournalEntry>,
    answers: Vec<oneshot::Sender<()>>,
}

impl Pending {
    fn add(&mut self, said: Said) {
        match said {
            Said::Entry(entry) => self.entries.push(*entry),
            Said::Answer(answer) => self.answers.push(answer),
        }
    }

    /// Collects what comes until `next`, or until nothing can come any more.
    async fn collect_until(&mut self, next: Instant, said: &mut UnboundedReceiver<Said>) {
        let pause = sleep_until(next);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => break,
                more = said.recv() => match more {
                    Some(more) => self.add(more),
                    None => break,
                },
            }
        }
        while let Ok(more) = said.try_recv() {
            self.add(more);
        }
    }
}
