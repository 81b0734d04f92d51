//! The processes of a sandbox: found by the marker that they carry, and ended.

use std::{fs, thread, time::Duration};

use rustix::process::{Pid, Signal, kill_process};

/// The environment variable that marks every process of a sandbox with its id.
pub(super) const MARKER: &str = "DEPLOYCTL_SANDBOX_ID";

/// How long a program may take to end before it is killed.
pub(super) const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// Whether the process exists and carries the marker of the sandbox `id`, so that a reused process
/// id is never taken for it.
pub(super) fn carries(process: i32, id: &str) -> bool {
    let marker = format!("{MARKER}={id}");
    let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
    environment
        .split(|byte| *byte == 0)
        .any(|variable| variable == marker.as_bytes())
}

/// The processes of the sandbox `id`, without this one.
pub(super) fn of_sandbox(id: &str) -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let numbers = entries
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    numbers
        .filter(|process| *process != own && carries(*process, id))
        .collect()
}

/// Kills every process of the sandbox `id` but this one and `spared`, until none is left.
///
/// A process may fork while the list is read, hence the repetition; it ends after two seconds in
/// any case.
pub(super) fn sweep(id: &str, spared: &[i32]) {
    for _ in 0..100 {
        let left: Vec<i32> = of_sandbox(id)
            .into_iter()
            .filter(|process| !spared.contains(process))
            .collect();
        if left.is_empty() {
            return;
        }
        for process in left {
            signal(process, Signal::KILL);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Sends a signal; a process that is gone already is no error.
pub(super) fn signal(process: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(process) {
        let _ = kill_process(pid, signal);
    }
}
