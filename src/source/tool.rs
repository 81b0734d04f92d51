//! The programs that build sources: found, run, and asked for their version.

use std::{fmt, path::Path, sync::OnceLock, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    object::Problem,
    process::{self, ProcessError},
};

/// How long a program may take to build a source. Charts and remote bases may come over a slow line.
const LIMIT: Duration = Duration::from_mins(5);

/// A program that a source was built with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct UsedTool {
    /// Its name: `kustomize`, `kubectl` or `helm`.
    pub(crate) name: String,
    /// Its version, as it prints it.
    pub(crate) version: String,
}

impl fmt::Display for UsedTool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.name, self.version)
    }
}

/// The programs of a run that build its sources, each looked for and asked for its version once.
#[derive(Debug, Default)]
pub(super) struct Tools {
    helm: OnceLock<Option<UsedTool>>,
    kustomize: OnceLock<Option<UsedTool>>,
    kubectl: OnceLock<Option<UsedTool>>,
}

impl Tools {
    /// `helm`; `None` where `PATH` does not have it.
    pub(super) fn helm(&self) -> Option<&UsedTool> {
        once(&self.helm, &["helm", "version", "--short"])
    }

    /// `kustomize`; `None` where `PATH` does not have it.
    pub(super) fn kustomize(&self) -> Option<&UsedTool> {
        once(&self.kustomize, &["kustomize", "version"])
    }

    /// `kubectl`; `None` where `PATH` does not have it.
    pub(super) fn kubectl(&self) -> Option<&UsedTool> {
        once(&self.kubectl, &["kubectl", "version", "--client"])
    }
}

/// The program that `question` asks for its version.
fn once<'a>(known: &'a OnceLock<Option<UsedTool>>, question: &[&str]) -> Option<&'a UsedTool> {
    let asked = || {
        process::found(question[0])?;
        Some(UsedTool {
            name: question[0].to_owned(),
            version: version(question),
        })
    };
    known.get_or_init(asked).as_ref()
}

/// What the command prints when it is run in `folder`; `task` is what it is to do, as people know it:
/// `build …`.
pub(super) fn run(command: &[String], folder: &Path, task: &str) -> Result<String, Problem> {
    let printed = process::output(command, folder, LIMIT)
        .map_err(|error| failure(&command[0], error, task))?;
    String::from_utf8(printed.to_vec()).map_err(|_| {
        let message = format!(
            "`{}` prints no UTF-8 text where it is to {task}",
            command[0]
        );
        Problem::error(message)
    })
}

fn failure(program: &str, error: ProcessError, task: &str) -> Problem {
    match error {
        ProcessError::NotFound => Problem::error(format!("`{program}` is not in `PATH`")),
        ProcessError::Start(error) => {
            Problem::error(format!("`{program}` could not be started: {error}"))
        }
        ProcessError::TimedOut => Problem::error(format!(
            "`{program}` took longer than {} min to {task}",
            LIMIT.as_secs() / 60
        )),
        ProcessError::Interrupted => {
            Problem::error(format!("interrupted while `{program}` was to {task}"))
        }
        ProcessError::Failed(status, said) if said.is_empty() => Problem::error(format!(
            "`{program}` cannot {task}: it ended with {status} and said nothing"
        )),
        ProcessError::Failed(_, said) => Problem::error(format!(
            "`{program}` cannot {task}:\n  {}",
            said.join("\n  ")
        )),
    }
}

/// What the program prints of its version; `?` where it prints nothing.
fn version(command: &[&str]) -> String {
    let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
    let printed = process::output(&command, Path::new("."), Duration::from_secs(10));
    let printed = printed.map(|text| String::from_utf8_lossy(&text).into_owned());
    let text = printed.unwrap_or_default();
    let known = text.split_whitespace().find(|word| {
        let digits = word.strip_prefix('v').unwrap_or(word);
        digits.starts_with(|first: char| first.is_ascii_digit()) && digits.contains('.')
    });
    // A program that was built from source may know none.
    known
        .or(text.lines().next())
        .unwrap_or("?")
        .trim()
        .to_owned()
}
