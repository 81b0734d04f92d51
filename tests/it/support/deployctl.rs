use std::{
    env,
    ffi::OsString,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::cluster::sandbox;

/// The built program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_deployctl");

/// No run takes longer, however slow the machine.
const LONGEST: Duration = Duration::from_mins(2);

/// A run of the built program in an environment that holds nothing but what is said here.
#[must_use]
pub(crate) struct Deployctl {
    command: Command,
    stdin: Vec<u8>,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The exit status; 128 and the signal's number for a death by signal.
    pub(crate) status: i32,
    /// Data.
    pub(crate) stdout: String,
    /// Everything else.
    pub(crate) stderr: String,
}

/// What the program and Go need of the environment: where things are, not how they behave.
pub(crate) fn inherited_environment() -> Vec<(OsString, OsString)> {
    let keep = |name: &str| {
        [
            "PATH",
            "HOME",
            "TMPDIR",
            "DEPLOYCTL_SANDBOX_CACHE",
            "KUBEBUILDER_ASSETS",
            "XDG_CACHE_HOME",
        ]
        .contains(&name)
            || name.starts_with("GO")
    };
    env::vars_os()
        .filter(|(name, _)| name.to_str().is_some_and(keep))
        .collect()
}

impl Deployctl {
    /// A run that knows no cluster.
    pub(crate) fn new() -> Self {
        let mut command = Command::new(PROGRAM);
        command
            .env_clear()
            .envs(inherited_environment())
            .env("KUBECONFIG", "/nonexistent/kubeconfig")
            .env("COLUMNS", "120");
        Self {
            command,
            stdin: Vec::new(),
        }
    }

    /// A run against the shared sandbox, with its kubectl on the `PATH`.
    pub(crate) fn in_sandbox() -> Self {
        let sandbox = sandbox();
        let bin = sandbox
            .kubectl
            .parent()
            .expect("kubectl is in a folder")
            .to_owned();
        let path = env::join_paths(
            std::iter::once(bin).chain(env::split_paths(&env::var_os("PATH").unwrap_or_default())),
        )
        .unwrap();
        Self::new()
            .env("KUBECONFIG", &sandbox.kubeconfig)
            .env("PATH", path)
    }

    pub(crate) fn args<I: IntoIterator<Item = S>, S: Into<OsString>>(
        mut self,
        arguments: I,
    ) -> Self {
        self.command.args(arguments.into_iter().map(Into::into));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.command.env(name, value.into());
        self
    }

    /// Where its command looks for programs.
    pub(crate) fn path_variable(&self) -> OsString {
        let own = self.command.get_envs().find(|(name, _)| *name == "PATH");
        own.and_then(|(_, value)| value)
            .map(ToOwned::to_owned)
            .unwrap_or_default()
    }

    pub(crate) fn env_remove(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub(crate) fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = text.into();
        self
    }

    pub(crate) fn current_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// The command itself, for tests that need the running process.
    pub(crate) fn into_command(self) -> Command {
        self.command
    }

    /// Runs the program to its end; the test fails where it does not end by itself.
    #[track_caller]
    pub(crate) fn run(self) -> Outcome {
        self.run_with(|_| {})
    }

    /// [`Deployctl::run`], and says which process it is as soon as it is started.
    #[track_caller]
    pub(crate) fn run_with(mut self, started: impl FnOnce(Pid)) -> Outcome {
        use std::os::unix::process::ExitStatusExt as _;
        self.command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("the built program can be run");
        let mut stdin = child.stdin.take().expect("its input is piped");
        let text = std::mem::take(&mut self.stdin);
        // A program that does not read its input is no failure of the test.
        thread::spawn(move || drop(stdin.write_all(&text)));
        let process = Pid::from_child(&child);
        started(process);
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || sender.send(child.wait_with_output()));
        let Ok(output) = receiver.recv_timeout(LONGEST) else {
            let _ = kill_process(process, Signal::KILL);
            let output = receiver
                .recv()
                .expect("it was killed")
                .expect("its output is read");
            panic!(
                "it did not end by itself; its standard output:\n{}\nits standard error:\n{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        };
        let output = output.expect("its output is read");
        let status = output
            .status
            .code()
            .unwrap_or_else(|| 128 + output.status.signal().unwrap_or_default());
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program writes UTF-8");
        Outcome {
            status,
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Outcome {
    /// The events of `-o jsonl`.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).expect("every line is JSON"))
            .collect()
    }

    /// The document of `-o json`.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).expect("standard output is one JSON document")
    }

    /// The outcome itself, if the exit status is as expected; otherwise the test fails with all
    /// that was written.
    #[track_caller]
    pub(crate) fn exited(self, status: i32) -> Self {
        assert_eq!(
            self.status, status,
            "stdout:\n{}\nstderr:\n{}",
            self.stdout, self.stderr
        );
        self
    }
}
