//! Running a program for what it prints.

use std::{
    env, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::process::Command;
use zeroize::Zeroizing;

/// Why a program printed nothing usable.
#[derive(Debug)]
pub(crate) enum ProcessError {
    /// It is not there.
    NotFound,
    /// It could not be started.
    Start(io::Error),
    /// It took longer than it may.
    TimedOut,
    /// Ctrl-C.
    Interrupted,
    /// It ended with this status; the lines of its standard error.
    Failed(String, Vec<String>),
}

/// The program that `PATH` has under `name`.
pub(crate) fn found(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    let mut files = env::split_paths(&folders).map(|folder| folder.join(name));
    files.find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    let metadata = file.metadata();
    metadata.is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

/// What `program` prints to standard output when it is run in `folder`, without a shell and without
/// standard input.
///
/// It is killed when `limit` is over or at Ctrl-C. Runs on a thread of its own, so that it may be
/// called from anywhere.
pub(crate) fn output(
    program: &[String],
    folder: &Path,
    limit: Duration,
) -> Result<Zeroizing<Vec<u8>>, ProcessError> {
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(ProcessError::Start)?;
            let result = runtime.block_on(run(program, folder, limit));
            runtime.shutdown_background();
            result
        });
        worker.join().unwrap_or_else(|_| {
            Err(ProcessError::Start(io::Error::other(
                "the thread that ran it ended",
            )))
        })
    })
}

async fn run(
    program: &[String],
    folder: &Path,
    limit: Duration,
) -> Result<Zeroizing<Vec<u8>>, ProcessError> {
    let (name, arguments) = program.split_first().ok_or(ProcessError::NotFound)?;
    // A path is meant from the plan, like every other one in it; a bare name is looked for in
    // `PATH`.
    let path = if name.contains('/') {
        folder.join(name)
    } else {
        name.into()
    };
    let mut command = Command::new(path);
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ProcessError::NotFound,
        _ => ProcessError::Start(error),
    })?;
    let output = tokio::select! {
        output = child.wait_with_output() => output.map_err(ProcessError::Start)?,
        () = tokio::time::sleep(limit) => return Err(ProcessError::TimedOut),
        _ = tokio::signal::ctrl_c() => return Err(ProcessError::Interrupted),
    };
    let stdout = Zeroizing::new(output.stdout);
    if output.status.success() {
        return Ok(stdout);
    }
    Err(ProcessError::Failed(
        output.status.to_string(),
        said(&output.stderr, &stdout),
    ))
}

/// The lines of `stderr`, without control characters. Nothing where it repeats what was printed to
/// standard output, which may be a secret value.
fn said(stderr: &[u8], stdout: &[u8]) -> Vec<String> {
    let printed = stdout.trim_ascii();
    if !printed.is_empty()
        && stderr
            .windows(printed.len())
            .any(|window| window == printed)
    {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(stderr);
    let clean = |line: &str| {
        line.chars()
            .filter(|character| !character.is_control())
            .collect::<String>()
    };
    let lines = text.lines().map(clean);
    lines.filter(|line| !line.trim().is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_a_file_that_may_be_run() {
        assert!(found("sh").is_some() && found("no-such-program").is_none());
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::write(&data, "").unwrap();
        assert!(!is_program(&data) && !is_program(folder.path()));
    }

    fn shell(script: &str, limit: Duration) -> Result<Zeroizing<Vec<u8>>, ProcessError> {
        output(
            &["sh".to_owned(), "-c".to_owned(), script.to_owned()],
            Path::new("/"),
            limit,
        )
    }

    #[test]
    fn output_is_returned_and_failures_say_only_what_stderr_said() {
        assert_eq!(
            shell("printf 'a\\nb\\n'; pwd", Duration::MAX)
                .expect("output")
                .as_slice(),
            b"a\nb\n/\n"
        );
        let failed = shell(
            "echo hunter2; printf 'no \\033[31mvault\\n' >&2; exit 3",
            Duration::MAX,
        );
        let Err(ProcessError::Failed(status, said)) = failed else {
            panic!("must fail")
        };
        assert!(status.contains('3'));
        assert_eq!(said, ["no [31mvault"]);
        let Err(ProcessError::Failed(_, said)) =
            shell("echo hunter2 | tee /dev/stderr; exit 3", Duration::MAX)
        else {
            panic!("must fail")
        };
        assert!(said.is_empty(), "standard error repeats the value");
    }

    #[test]
    fn a_program_that_hangs_or_is_not_there_is_an_error() {
        assert!(matches!(
            shell("exec sleep 1000", Duration::from_millis(50)),
            Err(ProcessError::TimedOut)
        ));
        assert!(matches!(
            output(
                &["no-such-program".to_owned()],
                Path::new("/"),
                Duration::MAX
            ),
            Err(ProcessError::NotFound)
        ));
    }
}
