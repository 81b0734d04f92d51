//! Reading values from files and programs.

use std::{path::Path, time::Duration};

use super::{
    error::{AskError, SecretError},
    file::read_file,
    key_name::KeyName,
    value::SecretBytes,
};
use crate::process::{self, ProcessError};

/// How long a command may take to print a value.
const COMMAND_LIMIT: Duration = Duration::from_mins(1);

/// The content of `file`, which is relative to `folder`, byte for byte. `None` where an optional
/// file is not there.
pub(super) fn file(
    name: &KeyName,
    file: &Path,
    folder: &Path,
    optional: bool,
) -> Result<Option<SecretBytes>, SecretError> {
    match read_file(&folder.join(file), &format!("`{name}`")) {
        Err(SecretError::Unreadable { source, .. })
            if optional && source.kind() == std::io::ErrorKind::NotFound =>
        {
            Ok(None)
        }
        read => read.map(Some),
    }
}

/// What `command` prints, without the line end at its end.
pub(super) fn command(
    name: &KeyName,
    command: &[String],
    folder: &Path,
) -> Result<SecretBytes, SecretError> {
    let remedy = "install it or correct `command` in the plan";
    let printed = process::output(command, folder, COMMAND_LIMIT)
        .map_err(|error| explain(name, command, error, remedy))?;
    Ok(SecretBytes::new(printed.to_vec()).without_line_end())
}

/// What `sops` decrypts out of `file`, which is relative to `folder`.
pub(super) fn sops(
    name: &KeyName,
    file: &Path,
    extract: Option<&str>,
    folder: &Path,
) -> Result<SecretBytes, SecretError> {
    let path = folder.join(file);
    if !path.is_file() {
        let source = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(SecretError::Unreadable {
            file: path,
            needed_by: format!("`{name}`"),
            source,
        });
    }
    let mut command: Vec<String> = ["sops", "-d"].map(str::to_owned).to_vec();
    if let Some(extract) = extract {
        command.extend(["--extract".to_owned(), extract.to_owned()]);
    }
    command.push(file.display().to_string());
    let remedy = "get it from https://github.com/getsops/sops/releases and put it into `PATH`";
    let printed = process::output(&command, folder, COMMAND_LIMIT)
        .map_err(|error| explain(name, &command, error, remedy))?;
    Ok(SecretBytes::new(printed.to_vec()))
}

fn explain(name: &KeyName, command: &[String], error: ProcessError, remedy: &str) -> SecretError {
    // Arguments are not shown: a token may be among them.
    let program = command.first().cloned().unwrap_or_default();
    let failed = |problem: String, hint: Vec<String>| SecretError::ProgramFailed {
        name: name.clone(),
        program: program.clone(),
        problem,
        hint: hint.into(),
    };
    match error {
        ProcessError::NotFound => SecretError::ProgramMissing {
            name: name.clone(),
            program,
            remedy: remedy.to_owned(),
        },
        ProcessError::Interrupted => SecretError::Ask(AskError::Interrupted),
        ProcessError::Start(error) => failed(format!("could not be started ({error})"), Vec::new()),
        ProcessError::TimedOut => failed(
            format!("took longer than {} s", COMMAND_LIMIT.as_secs()),
            Vec::new(),
        ),
        ProcessError::Failed(status, said) => {
            failed(format!("failed ({status})"), last_lines(&said))
        }
    }
}

/// As much of what a failed program said as a hint holds.
fn last_lines(said: &[String]) -> Vec<String> {
    const LINES: usize = 5;
    const CHARACTERS: usize = 200;
    let last = said[said.len().saturating_sub(LINES)..].iter();
    last.map(|line| line.chars().take(CHARACTERS).collect())
        .collect()
}
