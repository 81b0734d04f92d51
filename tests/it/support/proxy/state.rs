use std::{
    sync::{Condvar, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::{
    log::Logged,
    rule::{Fault, Rule, meet},
    victim::Victim,
};

/// What the connections of a proxy share with the test.
#[derive(Default)]
pub(super) struct State {
    /// The program that rules kill.
    pub(super) victim: Victim,
    inner: Mutex<Inner>,
    answered: Condvar,
    /// Counts how often all connections were broken.
    severed: watch::Sender<usize>,
}

#[derive(Default)]
struct Inner {
    rules: Vec<Rule>,
    log: Vec<Logged>,
    /// How often the log was begun anew: what belongs to an earlier one is not noted in this one.
    volume: usize,
    handed_on: usize,
    down_until: Option<Instant>,
}

/// A request's place in the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    volume: usize,
    index: usize,
}

/// No request is under way for longer on a healthy API server.
const SETTLED_WITHIN: Duration = Duration::from_secs(30);

impl State {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("the proxy's thread did not panic")
    }

    pub(super) fn inject(&self, rules: Vec<Rule>) {
        let mut inner = self.inner();
        inner.rules = rules;
        inner.log.clear();
        inner.volume += 1;
        inner.down_until = None;
    }

    pub(super) fn requests(&self) -> Vec<Logged> {
        self.inner().log.clone()
    }

    /// Notes that `request` came, and returns what it meets with.
    pub(super) fn arrived(&self, request: Logged) -> (Entry, Duration, Option<Fault>) {
        let mut inner = self.inner();
        let (delay, fault) = meet(&mut inner.rules, &request);
        inner.log.push(request);
        (
            Entry {
                volume: inner.volume,
                index: inner.log.len() - 1,
            },
            delay,
            fault,
        )
    }

    /// Notes the answer to a request.
    pub(super) fn answered(&self, entry: Entry, status: u16) {
        let mut inner = self.inner();
        if inner.volume == entry.volume {
            inner.log[entry.index].status = Some(status);
        }
    }

    /// Notes that a request is handed on to the API server.
    pub(super) fn handed_on(&self) {
        self.inner().handed_on += 1;
    }

    /// Notes that the API server has done with a request.
    pub(super) fn done(&self) {
        self.inner().handed_on -= 1;
        self.answered.notify_all();
    }

    /// Waits until the API server has done with all that was handed on to it.
    #[track_caller]
    pub(super) fn settle(&self) {
        let waited = self
            .answered
            .wait_timeout_while(self.inner(), SETTLED_WITHIN, |inner| inner.handed_on > 0);
        let (_guard, result) = waited.expect("the proxy's thread did not panic");
        assert!(!result.timed_out(), "the API server did not answer");
    }

    pub(super) fn is_down(&self) -> bool {
        self.inner()
            .down_until
            .is_some_and(|until| Instant::now() < until)
    }

    pub(super) fn go_down(&self, time: Duration) {
        self.inner().down_until = Some(Instant::now() + time);
        self.sever();
    }

    /// Breaks all connections.
    pub(super) fn sever(&self) {
        self.severed.send_modify(|count| *count += 1);
    }

    /// Changes when all connections are broken.
    pub(super) fn severed(&self) -> watch::Receiver<usize> {
        self.severed.subscribe()
    }
}
