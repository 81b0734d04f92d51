use std::process::Command;

use rexpect::{
    process::WaitStatus,
    session::{PtySession, spawn_command},
};

use super::Deployctl;

/// The program at a terminal of 24 rows and as many columns as asked for.
pub(crate) struct Pty {
    session: PtySession,
    transcript: String,
}

/// How a run at a terminal ended.
pub(crate) struct Ended {
    /// The exit status; 128 and more for a death by signal.
    pub(crate) status: i32,
    /// All that was written to the terminal.
    pub(crate) transcript: String,
}

impl Pty {
    pub(crate) fn run(program: Deployctl, columns: usize) -> Self {
        let program = program.env_remove("COLUMNS").into_command();
        let mut command = Command::new("sh");
        command.args([
            "-c",
            &format!("stty rows 24 cols {columns} && exec \"$0\" \"$@\""),
        ]);
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
        Self {
            session,
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

    pub(crate) fn type_line(&mut self, line: &str) {
        self.session
            .send_line(line)
            .expect("the terminal takes input");
    }

    pub(crate) fn press_ctrl_c(&mut self) {
        self.session
            .send_control('c')
            .expect("the terminal takes input");
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
        }
    }
}

/// What was written as UTF-8: rexpect hands over each byte as a character.
fn decoded(transcript: &str) -> String {
    let bytes = transcript
        .chars()
        .map(|byte| u8::try_from(byte).expect("a byte"))
        .collect();
    String::from_utf8(bytes).expect("the program writes UTF-8")
}
