//! The program at a terminal.

use std::{fs::File, process::Command};

use rexpect::{
    process::{Signal, WaitStatus},
    session::{PtySession, spawn_command},
};
use rustix::termios::{LocalModes, tcgetattr};

use super::{Deployctl, eventually};

/// The program at a terminal of 24 rows.
pub(crate) struct Pty {
    session: PtySession,
    side: File,
    transcript: String,
}

/// How a run at a terminal ended.
pub(crate) struct Ended {
    /// The exit status; 128 and more for a death by signal.
    pub(crate) status: i32,
    /// All that was written to the terminal.
    pub(crate) transcript: String,
    /// Whether the terminal shows what is typed.
    pub(crate) echoes: bool,
}

impl Pty {
    /// At one of as many columns as asked for, which shows nothing of what is typed.
    pub(crate) fn run(program: Deployctl, columns: usize) -> Self {
        Self::set(program, &format!("rows 24 cols {columns}"))
    }

    /// At one of 120 columns that shows what is typed, as those of people do: rexpect hands over
    /// terminals without echo, at which nothing could be seen to be hidden.
    pub(crate) fn echoing(program: Deployctl) -> Self {
        Self::set(program, "rows 24 cols 120 echo")
    }

    fn set(program: Deployctl, settings: &str) -> Self {
        let program = program.env_remove("COLUMNS").into_command();
        let mut command = Command::new("sh");
        command.args(["-c", &format!("stty {settings} && exec \"$0\" \"$@\"")]);
        command.arg(program.get_program()).args(program.get_args());
        command.env_clear().env("TERM", "xterm-256color");
        command.envs(
            program
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
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

    /// Waits until `text` is written.
    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) {
        match self.session.exp_string(text) {
            Ok(before) => self.transcript += &(before + text),
            Err(error) => panic!(
                "`{text}` is not shown: {error}\nbefore it:\n{}",
                self.transcript
            ),
        }
    }

    /// Types `line` and Enter.
    pub(crate) fn type_line(&mut self, line: &str) {
        self.session
            .send_line(line)
            .expect("the terminal takes input");
    }

    /// Types `value` and Enter at a hidden prompt.
    pub(crate) fn answer(&mut self, value: &str) {
        self.type_unfinished(&format!("{value}\n"));
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
        self.transcript
            .push_str(&self.session.exp_eof().expect("the program ends"));
        let status = match self.session.process().wait().expect("the program ends") {
            WaitStatus::Exited(_, status) => status,
            WaitStatus::Signaled(_, signal, _) => 128 + signal as i32,
            other => panic!("the program is {other:?}"),
        };
        Ended {
            status,
            transcript: decoded(&self.transcript),
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

/// What was written as UTF-8: rexpect hands over each byte as a character.
fn decoded(transcript: &str) -> String {
    let bytes = transcript
        .chars()
        .map(|byte| u8::try_from(byte).expect("a byte"))
        .collect();
    String::from_utf8(bytes).expect("the program writes UTF-8")
}
