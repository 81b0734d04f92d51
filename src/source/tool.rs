//! The programs that build sources: found, run, and asked for their version.

use std::{
    env, fmt,
    path::{Path, PathBuf},
    time::Duration,
};

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

/// Whether `PATH` holds a program called `name`.
pub(super) fn is_there(name: &str) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let is_program = |path: PathBuf| {
        let metadata = path.metadata();
        metadata.is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
    };
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).any(|folder| is_program(folder.join(name)))
}

/// What the command prints when it is run in `folder`; `about` is what is built, as people know it.
pub(super) fn run(command: &[String], folder: &Path, about: &str) -> Result<String, Problem> {
    let printed = process::output(command, folder, LIMIT)
        .map_err(|error| failure(&command[0], error, about))?;
    String::from_utf8(printed.to_vec())
        .map_err(|_| Problem::error(format!("`{}` prints no UTF-8 text for {about}", command[0])))
}

fn failure(program: &str, error: ProcessError, about: &str) -> Problem {
    match error {
        ProcessError::NotFound => Problem::error(format!("`{program}` is not in `PATH`")),
        ProcessError::Start(error) => {
            Problem::error(format!("`{program}` could not be started: {error}"))
        }
        ProcessError::TimedOut => Problem::error(format!(
            "`{program}` took longer than {} min for {about}",
            LIMIT.as_secs() / 60
        )),
        ProcessError::Interrupted => {
            Problem::error(format!("interrupted while `{program}` built {about}"))
        }
        ProcessError::Failed(status, said) if said.is_empty() => Problem::error(format!(
            "`{program}` cannot build {about}: it ended with {status} and said nothing"
        )),
        ProcessError::Failed(_, said) => Problem::error(format!(
            "`{program}` cannot build {about}:\n  {}",
            said.join("\n  ")
        )),
    }
}

/// What the program prints of its version; `?` where it prints nothing.
pub(super) fn version(command: &[&str]) -> String {
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
