//! Watches the revisions and the lock of a release.

use std::{future::pending, iter, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::JoinSet,
    time::{Interval, interval},
};

use super::{Head, Store, StoreError, read_head};
use crate::{
    cluster::{Heard, Resource, Served, WatchScope, Watched},
    event::RunOutcome,
    release::{
        labels::{PART_LABEL, RELEASE_LABEL},
        lock,
    },
};

/// Watches of what is kept about a release. They end with it.
pub(crate) struct Following {
    revisions: UnboundedReceiver<Heard>,
    locks: UnboundedReceiver<Heard>,
    /// Where one of them may not be watched: when to look again.
    again: Option<Interval>,
    _watches: JoinSet<()>,
}

/// What was written; it may be as it was known before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// The newest revision: no other one is ever written.
    Revision { number: u64, outcome: RunOutcome },
    /// The lock; its heartbeats count.
    Lock,
    /// Either, or nothing: it may not be watched.
    Unknown,
}

/// Pause between two looks where watching is not permitted.
const AGAIN: Duration = Duration::from_secs(2);

impl Store {
    /// Follows the release's revisions and its lock from now on, and begins with those that there
    /// are.
    pub(crate) fn follow(&self, served: &Served) -> Following {
        let mut watches = JoinSet::new();
        let mut watch = |resource: Resource, part: &str| {
            let (sender, receiver) = unbounded_channel();
            let selector = format!("{RELEASE_LABEL}={},{PART_LABEL}={part}", self.release);
            let scope = WatchScope {
                resource,
                namespace: Some(self.namespace.clone()),
                selector: Some(selector),
                name: None,
            };
            watches.spawn(self.cluster.clone().watch(scope, None, sender));
            receiver
        };
        let revisions = watch(self.secrets.clone(), "head");
        let locks = watch(lock::resource(served), lock::PART);
        Following {
            revisions,
            locks,
            again: None,
            _watches: watches,
        }
    }
}

impl Following {
    /// Waits for the next change; of several that were heard meanwhile only the last one counts.
    pub(crate) async fn next(&mut self) -> Result<Change, StoreError> {
        loop {
            let change = tokio::select! {
                Some(heard) = self.locks.recv() => self.take_locks(heard),
                Some(heard) = self.revisions.recv() => self.take_revisions(heard)?,
                () = due(&mut self.again) => Some(Change::Unknown),
            };
            if let Some(change) = change {
                return Ok(change);
            }
        }
    }

    fn take_locks(&mut self, first: Heard) -> Option<Change> {
        let mut change = None;
        for heard in iter::once(first).chain(iter::from_fn(|| self.locks.try_recv().ok())) {
            match heard.what {
                Watched::Forbidden(_) => self.again = Some(interval(AGAIN)),
                _ => change = Some(Change::Lock),
            }
        }
        change
    }

    fn take_revisions(&mut self, first: Heard) -> Result<Option<Change>, StoreError> {
        let mut change = None;
        for heard in iter::once(first).chain(iter::from_fn(|| self.revisions.try_recv().ok())) {
            match heard.what {
                Watched::Forbidden(_) => self.again = Some(interval(AGAIN)),
                Watched::Gone(_) => {}
                Watched::Changed(head) => change = newest(&[head])?,
                Watched::All(_, heads) => change = newest(&heads)?,
            }
        }
        Ok(change)
    }
}

/// Waits until it is time to look again; for ever where that is not needed.
async fn due(again: &mut Option<Interval>) {
    match again {
        Some(again) => drop(again.tick().await),
        None => pending().await,
    }
}

fn newest(heads: &[Arc<Value>]) -> Result<Option<Change>, StoreError> {
    let heads: Vec<Head> = heads
        .iter()
        .map(|head| read_head(head))
        .collect::<Result<_, _>>()?;
    let newest = heads
        .into_iter()
        .map(|head| head.revision)
        .max_by_key(|revision| revision.number);
    Ok(newest.map(|newest| Change::Revision {
        number: newest.number,
        outcome: newest.outcome,
    }))
}
