use std::time::Duration;

use super::{answer::Answer, log::Logged};

/// Which requests a rule is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Requests {
    sort: Sort,
    path: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    All,
    Mutating,
    Reads,
    Watches,
}

impl Requests {
    /// Every request.
    pub(crate) fn all() -> Self {
        Self {
            sort: Sort::All,
            path: "",
        }
    }

    /// Requests that change something in the cluster: no dry runs, no questions about permissions.
    pub(crate) fn mutating() -> Self {
        Self {
            sort: Sort::Mutating,
            ..Self::all()
        }
    }

    /// GETs and LISTs, but no watches.
    pub(crate) fn reads() -> Self {
        Self {
            sort: Sort::Reads,
            ..Self::all()
        }
    }

    /// Watches.
    pub(crate) fn watches() -> Self {
        Self {
            sort: Sort::Watches,
            ..Self::all()
        }
    }

    /// Those whose path or query contains `part`.
    pub(crate) fn about(self, part: &'static str) -> Self {
        Self { path: part, ..self }
    }

    fn include(&self, request: &Logged) -> bool {
        let of_sort = match self.sort {
            Sort::All => true,
            Sort::Mutating => request.mutating,
            Sort::Reads => request.method == "GET" && !request.is_watch(),
            Sort::Watches => request.is_watch(),
        };
        of_sort && request.path.contains(self.path)
    }
}

/// Before a request is handed on to the API server, or after it was answered and before any of the
/// answer is handed back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Before,
    After,
}

/// What goes wrong.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// The request is handed on later; the rules after this one hold as well.
    Delay(Duration),
    /// The request is not handed on, but answered.
    Answer(Answer),
    /// The connection is reset.
    Reset(When),
    /// The connection is reset when half of the answer's body was handed back.
    ResetInBody,
    /// A watch does not last.
    Watch(Lasts, WatchEnd),
    /// The request is read and never answered.
    Silence,
    /// The network goes down for this time: all connections are reset, and so is every new one.
    NetworkDown(When, Duration),
    /// The program is killed; nothing that it has sent besides is handed on any more.
    Kill(When),
}

/// How long a watch lasts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lasts {
    /// This many events.
    Events(usize),
    /// This time.
    For(Duration),
}

/// How a watch ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum WatchEnd {
    /// In order, as by its time limit.
    Closed,
    /// The connection is reset.
    Reset,
    /// The API server has forgotten the watch's position: an event `ERROR` with code 410.
    Expired,
}

/// A fault, and the requests that meet with it.
#[derive(Debug)]
pub(crate) struct Rule {
    requests: Requests,
    first: usize,
    last: usize,
    fault: Fault,
    /// How many of `requests` came to this rule.
    seen: usize,
}

impl Rule {
    /// Every one of `requests` meets with `fault`.
    pub(crate) fn new(requests: Requests, fault: Fault) -> Self {
        Self {
            requests,
            first: 1,
            last: usize::MAX,
            fault,
            seen: 0,
        }
    }

    /// Only the `number`-th of them does, counted from 1.
    pub(crate) fn only(self, number: usize) -> Self {
        Self {
            first: number,
            last: number,
            ..self
        }
    }

    /// Only the first `count` of them do.
    pub(crate) fn times(self, count: usize) -> Self {
        Self {
            last: count,
            ..self
        }
    }

    /// Counts `request`, and returns the fault that it meets with.
    fn meet(&mut self, request: &Logged) -> Option<Fault> {
        if !self.requests.include(request) {
            return None;
        }
        self.seen += 1;
        (self.first..=self.last)
            .contains(&self.seen)
            .then(|| self.fault.clone())
    }
}

/// What `request` meets with: the first fault of `rules`, and the delays before it.
///
/// A rule counts only the requests that no rule before it took.
pub(super) fn meet(rules: &mut [Rule], request: &Logged) -> (Duration, Option<Fault>) {
    let mut delay = Duration::ZERO;
    for rule in rules {
        match rule.meet(request) {
            Some(Fault::Delay(more)) => delay += more,
            Some(fault) => return (delay, Some(fault)),
            None => {}
        }
    }
    (delay, None)
}
