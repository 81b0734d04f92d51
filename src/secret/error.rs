//! Why secret values cannot be had, and what the user is told about it.

use std::{io, path::PathBuf};

use super::{key_name::KeyName, rejection::Rejection};
use crate::error::{CommandError, ExitCode};

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// Ctrl-C or SIGTERM. The terminal is as it was.
    #[error("interrupted at a prompt")]
    Interrupted,
    /// Standard input or standard error is no terminal.
    #[error("there is no terminal to ask at")]
    NoTerminal,
    /// The terminal could not be read or written.
    #[error("cannot ask at the terminal")]
    Terminal(#[source] io::Error),
}

/// Why secret values cannot be had. No variant contains a value.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    /// `--secret` without the form it needs. The argument is not shown: it may be a value.
    #[error("`--secret` must be written `NAME/KEY=@FILE`; `@-` reads standard input")]
    MalformedFlag,
    /// A value in the arguments.
    #[error("`--secret {name}=…` has a value in it, which everybody on this machine can read in the list of processes; write `--secret {name}=@FILE` or set `{}`", name.variable())]
    LiteralValue {
        /// Which value.
        name: KeyName,
    },
    /// Two flags for one value.
    #[error("`{name}` is supplied twice; give `--secret {name}` once")]
    SuppliedTwice {
        /// Which value.
        name: KeyName,
    },
    /// Two values from standard input.
    #[error(
        "`--secret {name}=@-` is the second one that reads standard input; use a file for one of them"
    )]
    StdinTwice {
        /// Which value.
        name: KeyName,
    },
    /// `--rotate` without the form it needs.
    #[error("`--rotate {given}` must be written `NAME/KEY`")]
    MalformedRotate {
        /// The argument.
        given: String,
    },
    /// A name that the plan does not declare.
    #[error("{given_by} names `{name}`, which the plan does not declare{suggestion}")]
    Unknown {
        /// The name.
        name: KeyName,
        /// Flag, or file and line.
        given_by: String,
        /// What was probably meant.
        suggestion: String,
    },
    /// A value that is made from the plan at every run cannot be supplied or rotated.
    #[error(
        "{given_by} names `{name}`, which follows its `{source_kind}` in the plan; change that, or the values it is made from"
    )]
    Derived {
        /// Which value.
        name: KeyName,
        /// The key of the plan.
        source_kind: &'static str,
        /// Flag or variable.
        given_by: String,
    },
    /// A self-signed certificate and its key go together.
    #[error("`{given}` is supplied without `{missing}`; supply both or none")]
    HalfPair {
        /// The one that is supplied.
        given: KeyName,
        /// The one that is not.
        missing: KeyName,
    },
    /// A file that `--secrets-file` names.
    #[error("{}:{line}: {problem}", file.display())]
    SecretsFile {
        /// The file.
        file: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong and what to write instead.
        problem: String,
    },
    /// A file that cannot be read.
    #[error("cannot read `{}` for {needed_by}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The value or flag that needs it.
        needed_by: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The namespaces of one Secret hold different values.
    #[error("Secret/{first}/{} and Secret/{second}/{} hold different values for `{}`; make them equal, replace both by `--rotate {name}`, or supply one by `--secret {name}=@FILE`", name.secret, name.secret, name.key)]
    Diverged {
        /// Which value.
        name: KeyName,
        /// A namespace.
        first: String,
        /// Another one.
        second: String,
    },
    /// The type of a Secret cannot be changed.
    #[error(
        "Secret/{namespace}/{secret} has type `{live}` and the plan says `{wanted}`, which cannot be changed; delete the Secret or change the plan"
    )]
    TypeDiffers {
        /// Name of the Secret.
        secret: String,
        /// Its namespace.
        namespace: String,
        /// Type in the cluster.
        live: String,
        /// Type in the plan.
        wanted: &'static str,
    },
    /// A value that is there and is not acceptable.
    #[error(
        "the value of `{name}` from {origin} is refused: {rejection}; {}",
        remedy(name, origin)
    )]
    Rejected {
        /// Which value.
        name: KeyName,
        /// Where it came from.
        origin: String,
        /// Why.
        rejection: Rejection,
    },
    /// A pattern that is no regular expression.
    #[error("the pattern of `{name}` is not a regular expression; correct it in the plan")]
    Pattern {
        /// Which value.
        name: KeyName,
        /// Why.
        #[source]
        source: Box<regex::Error>,
    },
    /// A declaration without any source.
    #[error(
        "`{name}` has no source; give it one of `value`, `generate`, `prompt`, `file`, `env`, `command`, `sops`, `template`"
    )]
    NoSource {
        /// Which value.
        name: KeyName,
    },
    /// Keys that the type of the Secret needs.
    #[error(
        "Secret `{secret}` of type `{kind}` needs the key `{key}`; declare it under `data`, and not as optional"
    )]
    MissingKey {
        /// Name of the Secret.
        secret: String,
        /// Its type.
        kind: &'static str,
        /// The key that is missing.
        key: &'static str,
    },
    /// A certificate with a private key that is not its own.
    #[error(
        "`{secret}/tls.key` is not the private key of the certificate in `{secret}/tls.crt`; supply the two that belong together"
    )]
    PairMismatch {
        /// Name of the Secret.
        secret: String,
    },
    /// A template that cannot be composed.
    #[error("the template of `{name}` {problem}")]
    Template {
        /// Which value.
        name: KeyName,
        /// What is wrong and what to write instead.
        problem: String,
    },
    /// A generator that cannot make what the plan asks for.
    #[error("cannot generate `{name}`: {problem}")]
    Generator {
        /// Which value.
        name: KeyName,
        /// What is wrong.
        problem: String,
    },
    /// A program that is not there.
    #[error("`{program}` is needed for `{name}` and was not found; {remedy}")]
    ProgramMissing {
        /// Which value.
        name: KeyName,
        /// The program.
        program: String,
        /// How to get it.
        remedy: String,
    },
    /// A program that could not be started or failed. Its output is not part of this; its last
    /// error lines are.
    #[error("`{program}` {problem} while it was run for `{name}`; run it by hand to see more")]
    ProgramFailed {
        /// Which value.
        name: KeyName,
        /// The program.
        program: String,
        /// What happened, as a verb.
        problem: String,
        /// The last lines of its standard error.
        hint: Box<[String]>,
    },
    /// The user was not asked, or did not answer.
    #[error(transparent)]
    Ask(#[from] AskError),
}

/// How a value that is kept from the cluster is called in messages.
pub(super) const KEPT: &str = "the cluster";

fn remedy(name: &KeyName, origin: &str) -> String {
    if origin == KEPT {
        format!("replace it by `--rotate {name}` or `--secret {name}=@FILE`")
    } else {
        "correct it there".to_owned()
    }
}

impl SecretError {
    fn exit(&self) -> ExitCode {
        match self {
            Self::Ask(AskError::Interrupted) => ExitCode::Interrupted,
            Self::ProgramFailed { .. } | Self::Ask(AskError::Terminal(_)) => ExitCode::Failed,
            _ => ExitCode::Usage,
        }
    }

    fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(
                cause
                    .to_string()
                    .lines()
                    .next_back()
                    .unwrap_or_default()
                    .trim(),
            );
            source = cause.source();
        }
        text
    }
}

/// All of `errors` as one error of the command line. An interruption silences the others.
pub(crate) fn command_error(errors: &[SecretError]) -> CommandError {
    let interrupted = errors
        .iter()
        .find(|error| error.exit() == ExitCode::Interrupted);
    let shown: Vec<&SecretError> =
        interrupted.map_or_else(|| errors.iter().collect(), |error| vec![error]);
    let exit = shown
        .iter()
        .map(|error| error.exit())
        .find(|exit| *exit != ExitCode::Failed)
        .unwrap_or(ExitCode::Failed);
    let message = match shown.as_slice() {
        [only] => only.with_causes(),
        several => {
            let lines: Vec<String> = several.iter().map(|error| error.with_causes()).collect();
            format!(
                "{} problems with secret values:\n  {}",
                several.len(),
                lines.join("\n  ")
            )
        }
    };
    let hints = shown.iter().filter_map(|error| match error {
        SecretError::ProgramFailed { program, hint, .. } if !hint.is_empty() => {
            Some(format!("`{program}` said: {}", hint.join(" | ")))
        }
        _ => None,
    });
    hints.fold(CommandError::new(exit, message), CommandError::hint)
}
