//! A finding as it is shown, be it about the plan, a manifest or what they describe.

use std::path::PathBuf;

use serde::Serialize;

use crate::{
    error::ExitCode,
    finding::{Check, Severity},
    object::{self, Origin},
    plan::Problem,
    preflight::Finding,
};

/// A finding as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Shown {
    /// What found it.
    pub(super) check: Check,
    severity: Severity,
    #[serde(flatten)]
    place: Place,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    /// All of it for people, with the line in question where that is known.
    #[serde(skip)]
    pub(super) text: String,
    /// What `up` would end with because of it.
    #[serde(skip)]
    exit: ExitCode,
}

/// Where something was written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Place {
    /// The file, as the user would name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
    /// Line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    /// Column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    /// Path in the plan, for example `environments.dev`.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

impl Place {
    fn of(origin: Option<Origin>, column: Option<u32>) -> Self {
        Self {
            line: origin.as_ref().map(|origin| origin.line),
            file: origin.map(|origin| origin.file.to_path_buf()),
            column,
            path: None,
        }
    }
}

impl Shown {
    /// Whether it stops a run.
    pub(super) fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The exit code that all of `shown` end the program with: that of `up`, where unusable files
    /// outrank what is found in them.
    pub(super) fn exit(shown: &[Self]) -> ExitCode {
        let errors = || shown.iter().filter(|it| it.is_error());
        match errors().find(|error| error.exit == ExitCode::Usage) {
            Some(error) => error.exit,
            None => errors().next().map_or(ExitCode::Done, |error| error.exit),
        }
    }
}

impl From<Problem> for Shown {
    fn from(problem: Problem) -> Self {
        Self {
            check: problem.check,
            severity: problem.check.severity(),
            text: problem.to_string(),
            place: Place {
                file: problem.file,
                line: problem.line,
                column: problem.column,
                path: problem.path,
            },
            object: problem.object,
            message: problem.message,
            remedy: None,
            exit: ExitCode::Usage,
        }
    }
}

impl From<object::Problem> for Shown {
    fn from(problem: object::Problem) -> Self {
        Self {
            check: problem.check,
            severity: problem.check.severity(),
            text: problem.to_string(),
            place: Place::of(problem.origin, problem.column),
            object: problem.object.map(|object| object.to_string()),
            message: problem.message,
            remedy: problem.hint,
            exit: ExitCode::Usage,
        }
    }
}

impl From<Finding> for Shown {
    fn from(finding: Finding) -> Self {
        Self {
            check: finding.check,
            severity: finding.check.severity(),
            text: finding.to_string(),
            place: Place::of(finding.at, None),
            object: finding.object.map(|object| object.to_string()),
            message: finding.message,
            remedy: finding.remedy,
            exit: finding.exit,
        }
    }
}
