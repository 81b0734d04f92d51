use std::{
    sync::{Condvar, Mutex},
    time::Duration,
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// The running program that a rule may kill.
#[derive(Default)]
pub(super) struct Victim {
    process: Mutex<Option<Pid>>,
    named: Condvar,
}

/// A program may send its first request before the test that started it says which process it is.
const NAMED_WITHIN: Duration = Duration::from_secs(10);

impl Victim {
    /// Names the process, a child of this one.
    pub(super) fn is(&self, process: Pid) {
        *self
            .process
            .lock()
            .expect("nothing panics while it is locked") = Some(process);
        self.named.notify_all();
    }

    /// Forgets the process, which has ended.
    pub(super) fn has_ended(&self) {
        *self
            .process
            .lock()
            .expect("nothing panics while it is locked") = None;
    }

    /// Kills the process and returns when it is dead: its sockets are closed then, and it can send
    /// nothing more.
    pub(super) fn kill(&self) {
        let guard = self
            .process
            .lock()
            .expect("nothing panics while it is locked");
        let (mut process, _) = self
            .named
            .wait_timeout_while(guard, NAMED_WITHIN, |process| process.is_none())
            .expect("likewise");
        let process = process
            .take()
            .expect("the program that a rule kills is run by `Proxy::run`");
        kill_process(process, Signal::KILL).expect("it waits for an answer, so it is alive");
        // Whoever started it learns its exit status, so it is left to them; if they have it
        // already, there is nothing to wait for.
        let _ = waitid(
            WaitId::Pid(process),
            WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
        );
    }
}
