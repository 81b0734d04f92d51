//! Runs a command with a sandbox around it.

use std::{
    env,
    ffi::{OsStr, OsString},
    os::unix::process::ExitStatusExt as _,
    process::ExitStatus,
};

use rustix::process::Signal;
use tokio::{
    process::Command,
    signal::unix::{SignalKind, signal},
};

use super::{
    cache::Cache,
    error::SandboxError,
    home::Home,
    launch, processes,
    start::{StartOptions, StartProgress, Supervisor, stop_leftovers},
};

/// How a command that was run in a sandbox ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// With this status; death by a signal is 128 and its number, as shells say it.
    Status(u8),
    /// The user interrupted the start; the command was not run.
    Interrupted,
}

/// Starts a sandbox, runs `command` with `KUBECONFIG` set, and stops the sandbox when the command
/// has ended.
///
/// Nothing is left behind, however it ends: the supervisor notices when this process is gone, kills
/// what the command has left, and stops the control plane.
pub(crate) async fn run(
    cache: &Cache,
    options: &StartOptions,
    command: &[OsString],
    progress: &mut dyn FnMut(StartProgress<'_>),
) -> Result<Ended, SandboxError> {
    remove_dead_runs(cache)?;
    let home = cache.home(&format!("run-{}", std::process::id()))?;
    let mut signals = Signals::new(&home)?;
    let options = StartOptions {
        context: options.context.clone().or(Some("sandbox".to_owned())),
        ..options.clone()
    };
    let mut supervisor = Supervisor::launch(cache, &home, &options, progress)?;
    let started = tokio::select! {
        result = supervisor.await_ready(progress) => result.map(|()| true),
        _ = signals.any() => Ok(false),
    };
    let ended = match started {
        Ok(true) => run_command(&mut supervisor, command, &mut signals).await,
        Ok(false) => Ok(Ended::Interrupted),
        Err(error) => Err(error),
    };
    supervisor.stop().await?;
    ended
}

async fn run_command(
    supervisor: &mut Supervisor,
    command: &[OsString],
    signals: &mut Signals,
) -> Result<Ended, SandboxError> {
    let (program, arguments) = command
        .split_first()
        .expect("the command line asks for a command");
    let mut child = launch::mortal(program);
    child
        .args(arguments)
        .env("KUBECONFIG", supervisor.home.kubeconfig())
        .env(processes::MARKER, &supervisor.id);
    child.env("PATH", search_path(&supervisor.home));
    let spawn_error = |source| SandboxError::Spawn {
        program: program.to_string_lossy().into_owned(),
        source,
    };
    let mut child = Command::from(child).spawn().map_err(spawn_error)?;
    let process = child.id().and_then(|id| i32::try_from(id).ok());
    loop {
        tokio::select! {
            status = child.wait() => {
                let status = status.map_err(spawn_error)?;
                let is_killed = status.signal() == Some(Signal::KILL.as_raw());
                if is_killed && supervisor.has_ended().await {
                    return Err(supervisor.died());
                }
                return Ok(Ended::Status(code(status)));
            }
            // The terminal has sent Ctrl-C to the command too, which decides what to make of it.
            signal = signals.any() => if let (Some(process), false) = (process, signal == Signal::INT) {
                processes::signal(process, signal);
            },
            _ = supervisor.child.wait() => {
                let _ = child.kill().await;
                return Err(supervisor.died());
            }
        }
    }
}

fn code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

fn search_path(home: &Home) -> OsString {
    let inherited = env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(home.bin()).chain(env::split_paths(&inherited));
    env::join_paths(folders).unwrap_or_else(|_| OsStr::new("").to_owned())
}

/// Folders of runs whose supervisor was killed are of no use to anybody.
fn remove_dead_runs(cache: &Cache) -> Result<(), SandboxError> {
    let is_dead_run = |home: &Home| {
        let owner = home
            .name()
            .strip_prefix("run-")
            .and_then(|id| id.parse::<u32>().ok());
        owner.is_some_and(|id| !std::path::Path::new(&format!("/proc/{id}")).exists())
            && home.supervisor().is_none()
    };
    for home in cache.homes()?.iter().filter(|home| is_dead_run(home)) {
        stop_leftovers(home);
        home.remove()?;
    }
    Ok(())
}

/// The signals by which a user or a service manager ends a program.
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

impl Signals {
    fn new(home: &Home) -> Result<Self, SandboxError> {
        let listen =
            |kind| signal(kind).map_err(SandboxError::file("listen for signals of", home.folder()));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    async fn any(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::INT,
            _ = self.terminate.recv() => Signal::TERM,
            _ = self.hang_up.recv() => Signal::HUP,
        }
    }
}
