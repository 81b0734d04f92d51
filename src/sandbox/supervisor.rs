//! The process that holds a sandbox, and stops it when its lifeline ends.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::unix::pipe,
    signal::unix::{Signal, SignalKind, signal},
};

use super::{
    control_plane::ControlPlane,
    error::SandboxError,
    home::{Home, Settings, State},
    message::Message,
    processes,
};

/// The word on the lifeline by which the front end lets go: the sandbox goes on without it.
pub(super) const DETACH: &str = "detach";

/// Holds a sandbox: starts its programs, says so on standard output, and stops them when it is told
/// to by SIGTERM or when standard input, the lifeline, ends.
pub(crate) async fn supervise(folder: PathBuf) -> Result<(), SandboxError> {
    let home = Home::at(folder);
    // A session of its own: Ctrl-C in the user's terminal is for the front end alone.
    let _ = rustix::process::setsid();
    let Some(settings) = home.settings() else {
        return Err(SandboxError::NotFound(home.name()));
    };
    let mut state = State {
        supervisor: own_process(),
        started: SystemTime::now(),
        ready: false,
    };
    home.write_state(&state)?;
    let mut signals =
        Signals::new().map_err(SandboxError::file("listen for signals of", home.folder()))?;
    let mut control_plane = ControlPlane::new(home.clone(), settings.clone());
    let result = tokio::select! {
        result = control_plane.start() => result,
        () = signals.stop() => Err(SandboxError::Interrupted),
    };
    if let Err(error) = result {
        control_plane.stop().await;
        Message::Failed(error.to_string()).send();
        return Err(error);
    }
    state.ready = true;
    home.write_state(&state)?;
    Message::Ready.send();
    let result = tokio::select! {
        error = control_plane.serve() => Err(error),
        () = signals.stop() => Ok(()),
    };
    end(&home, &settings, control_plane, result).await
}

async fn end(
    home: &Home,
    settings: &Settings,
    mut control_plane: ControlPlane,
    result: Result<(), SandboxError>,
) -> Result<(), SandboxError> {
    // First whatever a command of `run` has left behind, so that nobody holds on to the API server.
    processes::sweep(&settings.id, &control_plane.processes());
    control_plane.stop().await;
    processes::sweep(&settings.id, &[]);
    match result {
        Ok(()) => home.remove(),
        // The logs say why a program ended, so they stay until `stop` or the next `start`.
        Err(error) => {
            Message::Failed(error.to_string()).send();
            Err(error)
        }
    }
}

fn own_process() -> i32 {
    i32::try_from(std::process::id()).expect("process ids are positive 32-bit numbers")
}

/// What tells the supervisor to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    lifeline: Option<BufReader<pipe::Receiver>>,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        use std::os::fd::AsFd as _;
        let input = std::io::stdin().as_fd().try_clone_to_owned()?;
        let lifeline = pipe::Receiver::from_owned_fd(input)
            .ok()
            .map(BufReader::new);
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            lifeline,
        })
    }

    async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => (),
            _ = self.interrupt.recv() => (),
            () = cut(&mut self.lifeline) => (),
        }
    }
}

/// Returns when the lifeline ends; never, once the front end has let go.
async fn cut(lifeline: &mut Option<BufReader<pipe::Receiver>>) {
    if let Some(reader) = lifeline {
        let mut line = String::new();
        if !matches!(reader.read_line(&mut line).await, Ok(length) if length > 0 && line.trim() == DETACH)
        {
            return;
        }
        *lifeline = None;
    }
    std::future::pending::<()>().await;
}

/// The log that the supervisor's own standard error goes to.
pub(super) fn log(home: &Home) -> PathBuf {
    home.log("supervisor")
}

/// The arguments that start a supervisor for the sandbox in `folder`.
pub(super) fn arguments(folder: &Path) -> [std::ffi::OsString; 4] {
    [
        "sandbox".into(),
        "supervise".into(),
        "--home".into(),
        folder.into(),
    ]
}
