use std::{
    io::{BufRead as _, BufReader},
    iter, mem,
    process::{Child, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use serde_json::Value;

use super::Deployctl;

/// A run that goes on while the test looks at it.
pub(crate) struct Running {
    child: Child,
    lines: Box<dyn Iterator<Item = Value>>,
    said: Arc<Mutex<String>>,
    listener: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts `run`, whose events are read from its standard output.
    pub(crate) fn start(run: Deployctl) -> Self {
        let mut command = run.args(["-o", "jsonl"]).into_command();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map(|line| serde_json::from_str(&line.unwrap()).unwrap());
        let said = Arc::new(Mutex::new(String::new()));
        let (stderr, heard) = (child.stderr.take().unwrap(), Arc::clone(&said));
        let listener = thread::spawn(move || {
            for line in BufReader::new(stderr).lines() {
                *heard.lock().unwrap() += &(line.unwrap() + "\n");
            }
        });
        Self {
            child,
            lines: Box::new(lines),
            said,
            listener: Some(listener),
        }
    }

    /// Reads events until one fits.
    #[track_caller]
    pub(crate) fn until(&mut self, fits: impl Fn(&Value) -> bool) {
        assert!(self.lines.any(|event| fits(&event)), "the run ended before");
    }

    /// Sends a signal to it.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Stops it, and waits until it has stopped.
    pub(crate) fn stop(&self) {
        self.signal(Signal::STOP);
        waitid(
            WaitId::Pid(Pid::from_child(&self.child)),
            WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT,
        )
        .unwrap();
    }

    /// Kills it, and waits until it has ended; what is left of it stays, as with a parent that does
    /// not look.
    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
        waitid(
            WaitId::Pid(Pid::from_child(&self.child)),
            WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
        )
        .unwrap();
    }

    /// What it has written to standard error until now.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Number of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Exit status, the remaining events, and what was said.
    pub(crate) fn end(mut self) -> (Option<i32>, Vec<Value>, String) {
        let events = mem::replace(&mut self.lines, Box::new(iter::empty())).collect();
        let status = self.child.wait().unwrap().code();
        self.listener
            .take()
            .map(JoinHandle::join)
            .transpose()
            .unwrap();
        (status, events, self.said())
    }
}

/// A test that fails leaves no run behind, stopped ones least of all.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
