//! Questions at the terminal, on standard error. Whatever ends them, the terminal is left as it was
//! found.

use std::{
    io::{self, IsTerminal as _},
    thread,
};

use console::Term;
use dialoguer::{Confirm, Input, Password};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;
use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

use crate::secret::{Ask, AskError, SecretPrompt};

/// Whether somebody can be asked: standard input and standard error are terminals.
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks at the terminal of this process.
///
/// May be called from anywhere, inside a runtime too, and blocks until there is an answer. Asking
/// installs handlers for SIGINT and SIGTERM that stay for the rest of the process: whoever goes on
/// after a question must listen to these signals itself.
#[derive(Debug, Default)]
pub(crate) struct TerminalAsk;

impl Ask for TerminalAsk {
    fn secret(&mut self, prompt: &SecretPrompt) -> Result<SecretString, AskError> {
        let prompt = prompt.clone();
        interruptible(move || {
            let line = shortened(&prompt);
            let again = format!("{line}, again");
            // Empty answers are judged by the prompt, which knows whether they are allowed.
            let mut password = Password::new()
                .with_prompt(&line)
                .allow_empty_password(true);
            if prompt.confirm {
                password = password.with_confirmation(again, "the two differ; type both again");
            }
            password
                .validate_with(|answer: &String| prompt.check(answer))
                .interact()
                .map(SecretString::from)
        })
    }

    fn confirm(&mut self, question: &str) -> Result<bool, AskError> {
        let question = question.to_owned();
        interruptible(move || {
            Confirm::new()
                .with_prompt(question)
                .default(false)
                .wait_for_newline(true)
                .interact()
        })
    }

    fn typed_name(&mut self, question: &str, name: &str) -> Result<bool, AskError> {
        let question = question.to_owned();
        let typed = interruptible(move || {
            Input::<String>::new()
                .with_prompt(question)
                .allow_empty(true)
                .interact_text()
        })?;
        Ok(typed.trim() == name)
    }
}

/// The line of `prompt`, or a shorter one where the terminal would break it: an answered prompt is
/// drawn again, above its first half.
fn shortened(prompt: &SecretPrompt) -> String {
    /// What follows the line: `: [hidden]`.
    const ANSWER: usize = 10;
    let line = prompt.line();
    let columns = usize::from(Term::stderr().size().1);
    if console::measure_text_width(&line) + ANSWER < columns {
        return line;
    }
    // What the value is was listed before the first question.
    format!(
        "{}{}",
        prompt.name,
        if prompt.optional {
            " (Enter for none)"
        } else {
            ""
        }
    )
}

/// Runs `question` until it is answered, or until SIGINT or SIGTERM.
///
/// A password is read in the terminal's line mode, where Ctrl-C is a signal that dialoguer does not
/// survive: without a handler the process dies with echo off, with one the read goes on. So the
/// question has a thread of its own, which is left behind in its read when a signal comes; it does
/// not keep the process alive. The other questions read Ctrl-C as a key and raise the signal
/// themselves.
fn interruptible<T: Send + 'static>(
    question: impl FnOnce() -> dialoguer::Result<T> + Send + 'static,
) -> Result<T, AskError> {
    if !is_interactive() {
        return Err(AskError::NoTerminal);
    }
    let terminal = SavedTerminal::save()?;
    // The signals need a runtime, and the caller may already be inside one, where another cannot be
    // entered.
    let answer = thread::spawn(move || answer_or_signal(question)).join();
    let answer = answer.unwrap_or_else(|_| {
        Err(AskError::Terminal(io::Error::other(
            "the question's thread ended",
        )))
    });
    if answer.is_err() {
        terminal.restore();
    }
    answer
}

fn answer_or_signal<T: Send + 'static>(
    question: impl FnOnce() -> dialoguer::Result<T> + Send + 'static,
) -> Result<T, AskError> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .map_err(AskError::Terminal)?;
    runtime.block_on(async {
        let mut interrupt = listen(SignalKind::interrupt())?;
        let mut terminate = listen(SignalKind::terminate())?;
        let (sender, receiver) = oneshot::channel();
        thread::spawn(move || drop(sender.send(question())));
        tokio::select! {
            biased;
            _ = interrupt.recv() => Err(AskError::Interrupted),
            _ = terminate.recv() => Err(AskError::Interrupted),
            answer = receiver => match answer.unwrap_or_else(|_| Err(io::Error::other("the question's thread ended").into())) {
                Ok(answer) => Ok(answer),
                Err(dialoguer::Error::IO(error)) if error.kind() == io::ErrorKind::Interrupted => Err(AskError::Interrupted),
                Err(dialoguer::Error::IO(error)) => Err(AskError::Terminal(error)),
            },
        }
    })
}

fn listen(kind: SignalKind) -> Result<Signal, AskError> {
    signal(kind).map_err(AskError::Terminal)
}

/// How the terminal was before the question.
struct SavedTerminal(Termios);

impl SavedTerminal {
    fn save() -> Result<Self, AskError> {
        tcgetattr(io::stdin())
            .map(Self)
            .map_err(|error| AskError::Terminal(error.into()))
    }

    /// Puts back echo, line mode and the cursor, and ends the line. What cannot be put back is
    /// beyond help.
    fn restore(self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
        let terminal = Term::stderr();
        let _ = terminal
            .show_cursor()
            .and_then(|()| terminal.write_line(""));
    }
}
