//! Lists and stops sandboxes.

use std::{
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::{
    cache::Cache,
    error::SandboxError,
    home::{Home, Summary},
    processes::{self, STOP_TIMEOUT},
};

/// How a stop ended.
#[derive(Debug)]
pub(crate) enum StopOutcome {
    /// It was stopped.
    Stopped,
    /// Its supervisor was dead already; what was left of it is gone.
    CleanedUp,
}

/// All sandboxes, running or dead.
pub(crate) fn list(cache: &Cache) -> Result<Vec<Summary>, SandboxError> {
    Ok(cache.homes()?.iter().filter_map(Home::summary).collect())
}

/// Stops the sandbox `name` and removes everything of it.
pub(crate) fn stop(cache: &Cache, name: &str) -> Result<StopOutcome, SandboxError> {
    let home = cache.home(name)?;
    if !home.folder().is_dir() {
        return Err(SandboxError::NotFound(name.to_owned()));
    }
    let id = home.settings().map(|settings| settings.id);
    let supervisor = home.supervisor();
    if let (Some(process), Some(id)) = (supervisor, &id) {
        processes::signal(process, Signal::TERM);
        let deadline = Instant::now() + STOP_TIMEOUT * 5;
        while processes::carries(process, id) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
        }
    }
    if let Some(id) = &id {
        processes::sweep(id, &[]);
    }
    home.remove()?;
    Ok(if supervisor.is_some() {
        StopOutcome::Stopped
    } else {
        StopOutcome::CleanedUp
    })
}
