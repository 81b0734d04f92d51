//! Tells whether a holder's process still exists, where it runs on this machine.

use std::fs;

use crate::object::ManifestView;
use rustix::{
    io::Errno,
    process::{Pid, test_kill_process},
};
use serde_json::{Map, Value, json};

/// What tells one process from every other, as far as a run on the same machine can look it up.
///
/// A boot and a PID namespace are one list of processes; in it a number and a start time are one
/// process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProcessMark {
    /// Drawn anew at each start of the machine.
    boot: String,
    /// The namespace of process numbers, which a container has of its own.
    pid_namespace: String,
    number: i32,
    /// When it started, in clock ticks after the machine's start.
    started: u64,
}

/// What can be said of the process that holds a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It ran on this machine, and does not exist any more.
    Gone,
    /// It runs on this machine.
    Running,
    /// It runs elsewhere, is stopped, or cannot be looked at: only its heartbeat tells.
    Unknown,
}

const BOOT: &str = "deployctl.dev/boot-id";
const PID_NAMESPACE: &str = "deployctl.dev/pid-namespace";
const NUMBER: &str = "deployctl.dev/pid";
const STARTED: &str = "deployctl.dev/process-start";

impl ProcessMark {
    /// This process; `None` where the system has no `/proc` that says so.
    pub(super) fn own() -> Option<Self> {
        let number = rustix::process::getpid().as_raw_pid();
        let (boot, pid_namespace) = here()?;
        Some(Self {
            boot,
            pid_namespace,
            number,
            started: Stat::read(number)?.started,
        })
    }

    /// The process that the annotations of a Lease name; `None` where they name none.
    pub(super) fn read(lease: ManifestView<'_>) -> Option<Self> {
        let text = |name: &str| lease.annotation(name);
        Some(Self {
            boot: text(BOOT)?.to_owned(),
            pid_namespace: text(PID_NAMESPACE)?.to_owned(),
            number: text(NUMBER)?.parse().ok()?,
            started: text(STARTED)?.parse().ok()?,
        })
    }

    /// The annotations that name it.
    pub(super) fn annotations(&self) -> Map<String, Value> {
        [
            (BOOT, json!(self.boot)),
            (PID_NAMESPACE, json!(self.pid_namespace)),
            (NUMBER, json!(self.number.to_string())),
            (STARTED, json!(self.started.to_string())),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect()
    }

    /// What can be said of it from here, now.
    pub(super) fn presence(&self) -> Presence {
        if here() != Some((self.boot.clone(), self.pid_namespace.clone())) {
            return Presence::Unknown;
        }
        // Where processes of others are hidden in /proc, only the answer to a signal tells hidden
        // from gone.
        let Some(number) = Pid::from_raw(self.number) else {
            return Presence::Unknown;
        };
        if test_kill_process(number) == Err(Errno::SRCH) {
            return Presence::Gone;
        }
        match Stat::read(self.number) {
            None => Presence::Unknown,
            // The number was given to another process since.
            Some(stat) if stat.started != self.started => Presence::Gone,
            Some(stat) => match stat.state {
                // It has ended, and only its parent has not looked yet.
                'Z' | 'X' => Presence::Gone,
                'T' | 't' => Presence::Unknown,
                _ => Presence::Running,
            },
        }
    }
}

/// This boot and this namespace of process numbers.
fn here() -> Option<(String, String)> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let pid_namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    Some((
        boot.trim().to_owned(),
        pid_namespace.to_string_lossy().into_owned(),
    ))
}

/// What `/proc/PID/stat` says of a process.
/// <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    state: char,
    started: u64,
}

impl Stat {
    fn read(number: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{number}/stat")).ok()?)
    }

    /// The second field, a program's name in parentheses, may hold spaces and parentheses of its
    /// own.
    fn parse(text: &str) -> Option<Self> {
        /// Fields are numbered from 1, and these are counted from the third on.
        const STARTED: usize = 22 - 3;
        let mut fields = text[text.rfind(')')? + 1..].split_whitespace();
        let state = fields.next()?.chars().next()?;
        Some(Self {
            state,
            started: fields.nth(STARTED - 1)?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use rustix::process::{Signal, WaitId, WaitIdOptions, kill_process, waitid};

    use super::*;

    /// A process that does nothing, until the test ends.
    struct Idle(Child);

    impl Idle {
        fn start() -> (Self, ProcessMark) {
            let idle = Self(
                Command::new("sleep")
                    .arg("600")
                    .spawn()
                    .expect("there is `sleep`"),
            );
            let number = idle.number().as_raw_pid();
            let mark = ProcessMark {
                number,
                started: Stat::read(number).expect("it can be looked at").started,
                ..ProcessMark::own().expect("there is /proc")
            };
            (idle, mark)
        }

        fn number(&self) -> Pid {
            Pid::from_child(&self.0)
        }

        /// Sends a signal and waits until it has taken effect, without removing what is left of an
        /// ended process.
        fn signal(&self, signal: Signal, effect: WaitIdOptions) {
            kill_process(self.number(), signal).expect("it is there");
            waitid(WaitId::Pid(self.number()), effect | WaitIdOptions::NOWAIT)
                .expect("it is our child");
        }
    }

    impl Drop for Idle {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn a_running_process_is_told_from_a_stopped_and_an_ended_one() {
        let (idle, mark) = Idle::start();
        assert_eq!(mark.presence(), Presence::Running);
        idle.signal(Signal::STOP, WaitIdOptions::STOPPED);
        assert_eq!(mark.presence(), Presence::Unknown);
        idle.signal(Signal::KILL, WaitIdOptions::EXITED);
        assert_eq!(
            mark.presence(),
            Presence::Gone,
            "it has ended, although its parent has not waited for it"
        );
        drop(idle);
        assert_eq!(mark.presence(), Presence::Gone);
    }

    #[test]
    fn a_number_that_was_given_again_is_another_process() {
        let (_idle, mark) = Idle::start();
        assert_eq!(
            ProcessMark {
                started: mark.started + 1,
                ..mark
            }
            .presence(),
            Presence::Gone
        );
    }

    #[test]
    fn nothing_is_known_of_other_machines_and_containers() {
        let own = ProcessMark::own().expect("there is /proc");
        assert_eq!(own.presence(), Presence::Running);
        // A number that no process here has would otherwise be taken for a dead one.
        let elsewhere = ProcessMark {
            number: i32::MAX,
            ..own.clone()
        };
        assert_eq!(elsewhere.presence(), Presence::Gone);
        assert_eq!(
            ProcessMark {
                boot: "another".to_owned(),
                ..elsewhere.clone()
            }
            .presence(),
            Presence::Unknown
        );
        assert_eq!(
            ProcessMark {
                pid_namespace: "pid:[1]".to_owned(),
                ..elsewhere
            }
            .presence(),
            Presence::Unknown
        );
    }

    #[test]
    fn annotations_name_the_same_process() {
        let own = ProcessMark::own().expect("there is /proc");
        assert_eq!(
            ProcessMark::read(ManifestView(
                &json!({"metadata": {"annotations": own.annotations()}})
            )),
            Some(own)
        );
        assert_eq!(ProcessMark::read(ManifestView(&Value::Null)), None);
    }

    #[test]
    fn names_of_programs_do_not_confuse() {
        let text = "42 (a) b (c) T 1 42 42 0 -1 4194304 1 0 0 0 1 1 0 0 20 0 1 0 98765 8192 99";
        assert_eq!(
            Stat::parse(text),
            Some(Stat {
                state: 'T',
                started: 98_765
            })
        );
        assert_eq!(Stat::parse("nothing"), None);
    }
}
