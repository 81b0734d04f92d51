//! The program at a terminal that shows what is typed, except where the program hides it.

use std::{fs::File, process::Command};

use rexpect::{
    process::{Signal, WaitStatus},
    session::{PtySession, spawn_command},
};
use rustix::termios::{LocalModes, tcgetattr};

use super::{Deployctl, eventually};

/// The program at a terminal of its own.
pub(crate) struct Terminal {
    session: PtySession,
    side: File,
    transcript: String,
}

/// How a run at a terminal ended.
pub(crate) struct Ended {
    /// The exit status; 128 and more for a death by signal.
    pub(crate) status: i32,
    /// All that the terminal showed.
    pub(crate) transcript: String,
    /// Whether the terminal shows what is typed, as it did before.
    pub(crate) echoes: bool,
}

impl Terminal {
    pub(crate) fn run(program: Deployctl) -> Self {
        let program = program.into_command();
        // rexpect hands over terminals without echo, at which nothing could be seen to be hidden.
        let mut command = Command::new("sh");
        command
            .args(["-c", "stty echo && exec \"$0\" \"$@\""])
            .arg(program.get_program())
            .args(program.get_args());
        command
            .env_clear()
            .envs(
                program
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .env("TERM", "xterm-256color");
        if let Some(folder) = program.get_current_dir() {
            command.current_dir(folder);
        }
        let session = spawn_command(command, Some(120_000)).expect("the program can be run");
        let side = session
            .process()
            .get_file_handle()
            .expect("the terminal has a handle");
        Self {
            session,
            side,
            transcript: String::new(),
        }
    }

    /// Waits until the terminal shows `text`.
    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) {
        match self.session.exp_string(text) {
            Ok(before) => self.transcript.extend([before.as_str(), text]),
            Err(error) => panic!(
                "`{text}` is not shown: {error}\nbefore it:\n{}",
                self.transcript
            ),
        }
    }

    /// Types `value` and Enter at a hidden prompt.
    pub(crate) fn answer(&mut self, value: &str) {
        self.type_unfinished(&format!("{value}\n"));
    }

    /// Types `line` and Enter where it is seen.
    pub(crate) fn type_line(&mut self, line: &str) {
        self.session
            .send_line(line)
            .expect("the terminal takes input");
    }

    /// Types `value` once the terminal hides it. What is typed before that is thrown away by the
    /// prompt.
    pub(crate) fn type_unfinished(&mut self, value: &str) {
        eventually("the terminal hides what is typed", || {
            (!echoes(&self.side)).then_some(())
        });
        self.session
            .send(value)
            .and_then(|_| self.session.flush())
            .expect("the terminal takes input");
    }

    pub(crate) fn press_ctrl_c(&mut self) {
        self.session
            .send_control('c')
            .expect("the terminal takes input");
    }

    pub(crate) fn terminate(&mut self) {
        self.session
            .process_mut()
            .signal(Signal::SIGTERM)
            .expect("it runs");
    }

    /// Waits for the program's end.
    pub(crate) fn end(mut self) -> Ended {
        let rest = self.session.exp_eof().expect("the program ends");
        self.transcript.push_str(&rest);
        let status = match self.session.process().wait().expect("the program ends") {
            WaitStatus::Exited(_, status) => status,
            WaitStatus::Signaled(_, signal, _) => 128 + signal as i32,
            other => panic!("the program is {other:?}"),
        };
        Ended {
            status,
            transcript: self.transcript,
            echoes: echoes(&self.side),
        }
    }
}

fn echoes(side: &File) -> bool {
    tcgetattr(side)
        .expect("a terminal")
        .local_modes
        .contains(LocalModes::ECHO)
}
