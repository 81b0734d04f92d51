//! The one error type at the edge of the program, and the exit codes, which are a contract.

use std::fmt::Write as _;

/// What the program's exit status says. Scripts rely on these numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ExitCode {
    /// Done: the cluster is as wanted, or the question was answered.
    Done,
    /// Failed, and the cluster is as it was.
    Failed,
    /// Usage or plan error, missing input, or "no" at a question.
    Usage,
    /// Failed, and the cluster is not as it was.
    Changed,
    /// Another run holds the lock.
    Locked,
    /// Preflight refused.
    Refused,
    /// Differences were found and `--exit-code` asked to say so.
    Differences,
    /// Interrupted, and the cluster is as it was.
    Interrupted,
    /// What a command said that was run on the user's behalf, as by `sandbox run`.
    Command(u8),
}

impl ExitCode {
    /// The process exit status.
    pub(crate) fn status(self) -> u8 {
        match self {
            ExitCode::Done => 0,
            ExitCode::Failed => 1,
            ExitCode::Usage => 2,
            ExitCode::Changed => 3,
            ExitCode::Locked => 4,
            ExitCode::Refused => 5,
            ExitCode::Differences => 6,
            ExitCode::Interrupted => 130,
            ExitCode::Command(status) => status,
        }
    }
}

/// An expected failure as the user reads it: what went wrong, because of what, and what to do next.
///
/// Bugs are not expressed by it; they panic.
#[derive(Debug)]
pub(crate) struct CommandError {
    /// The exit status that this failure ends the program with.
    pub(crate) exit: ExitCode,
    /// One sentence without a full stop; several lines where several findings come at once.
    pub(crate) message: String,
    /// Causes, outermost first.
    pub(crate) causes: Vec<String>,
    /// What the user can do, one line each.
    pub(crate) hints: Vec<String>,
}

impl CommandError {
    /// An error that ends the program with `exit`.
    pub(crate) fn new(exit: ExitCode, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            causes: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// A usage or plan error, missing input, or "no" at a question (exit 2).
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Usage, message)
    }

    /// A failure that left the cluster as it was (exit 1).
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Failed, message)
    }

    /// Adds `error` and the errors behind it as causes, leaving out texts that the one before
    /// already contains.
    pub(crate) fn because(mut self, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut source = Some(error);
        while let Some(current) = source {
            let text = current.to_string();
            if !self.causes.last().unwrap_or(&self.message).contains(&text) {
                self.causes.push(text);
            }
            source = current.source();
        }
        self
    }

    /// The same failure with another exit status.
    pub(crate) fn ending_with(self, exit: ExitCode) -> Self {
        Self { exit, ..self }
    }

    /// Adds a line that says what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The error as text: `Error:`, `Caused by:` and `Hint:` lines.
    pub(crate) fn render(&self) -> String {
        let mut text = format!("Error: {}\n", self.message);
        for cause in &self.causes {
            let _ = writeln!(text, "Caused by: {cause}");
        }
        for hint in &self.hints {
            let _ = writeln!(text, "Hint: {hint}");
        }
        text
    }
}
