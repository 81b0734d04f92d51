//! Starts programs that die with whoever started them, however that ends.

use std::{
    convert::Infallible,
    ffi::{OsStr, OsString},
    io,
    os::unix::process::CommandExt as _,
    process::Command,
};

use rustix::process::{Signal, getppid, set_parent_process_death_signal};

/// This program, whatever has become of its file since.
pub(super) fn own_program() -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("deployctl");
    command
}

/// A command that starts `program` and dies with the thread that starts it, also by SIGKILL.
///
/// It goes through this program once more (`become_program`), because the kernel is asked for that
/// by the child itself, and code between fork and exec would be unsafe. Start it from the main
/// thread only: the signal comes when the parent's thread ends, not its process
/// (`PR_SET_PDEATHSIG`,
/// <https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html>).
pub(super) fn mortal(program: &OsStr) -> Command {
    let mut command = own_program();
    command
        .args([
            "sandbox",
            "exec",
            "--parent",
            &std::process::id().to_string(),
            "--",
        ])
        .arg(program);
    command
}

/// Becomes the program of `command` after asking the kernel for SIGKILL at the end of `parent`;
/// returns only on failure.
pub(crate) fn become_program(parent: u32, command: &[OsString]) -> Result<Infallible, io::Error> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have died before the kernel was asked.
    let alive = getppid().is_some_and(|id| u32::try_from(id.as_raw_nonzero().get()) == Ok(parent));
    if !alive {
        return Err(io::Error::other("the process that started it is gone"));
    }
    let (program, arguments) = command
        .split_first()
        .ok_or_else(|| io::Error::other("no program given"))?;
    Err(Command::new(program).args(arguments).exec())
}
