//! Something found before the first write, and the refusal that lists all errors.

use std::fmt::{self, Write as _};

use crate::{
    error::{CommandError, ExitCode},
    finding::Check,
    object::{Object, ObjectId, Origin},
};

/// Something found before the first write: an error stops the run, a warning is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What found it, which says how bad it is.
    pub(crate) check: Check,
    /// The exit code that an error ends the program with.
    pub(crate) exit: ExitCode,
    /// Where the cause was written down.
    pub(crate) at: Option<Origin>,
    /// The object.
    pub(crate) object: Option<ObjectId>,
    /// What is wrong, as a fragment without a full stop.
    pub(crate) message: String,
    /// What to do.
    pub(crate) remedy: Option<String>,
}

impl Finding {
    /// What `check` has found, which refuses the run (exit 5) where it is an error.
    pub(crate) fn of(check: Check, message: impl Into<String>) -> Self {
        Self {
            check,
            exit: ExitCode::Refused,
            at: None,
            object: None,
            message: message.into(),
            remedy: None,
        }
    }

    /// Says that it is about `object`, and where that was written down.
    pub(crate) fn about(self, object: &Object) -> Self {
        Self {
            at: Some(object.origin.clone()),
            object: Some(object.id.clone()),
            ..self
        }
    }

    /// Says what to do.
    pub(crate) fn remedy(self, remedy: impl Into<String>) -> Self {
        Self {
            remedy: Some(remedy.into()),
            ..self
        }
    }

    /// Says that who wrote the files has to mend it (exit 2).
    pub(crate) fn of_usage(self) -> Self {
        Self {
            exit: ExitCode::Usage,
            ..self
        }
    }

    /// Whether it stops the run.
    pub(crate) fn is_error(&self) -> bool {
        self.check.is_error()
    }

    /// `FILE:LINE: OBJECT: MESSAGE`, without what is not known.
    fn said(&self) -> String {
        let mut said = String::new();
        if let Some(at) = &self.at {
            let _ = write!(said, "{at}: ");
        }
        if let Some(object) = &self.object {
            let _ = write!(said, "{object}: ");
        }
        said.push_str(&self.message);
        said
    }
}

impl fmt::Display for Finding {
    /// `FILE:LINE: OBJECT: MESSAGE; REMEDY [CHECK]`, without what is not known.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.said())?;
        if let Some(remedy) = &self.remedy {
            write!(formatter, "; {remedy}")?;
        }
        formatter.write_str(&self.check.mark())
    }
}

/// One error that lists all errors among `findings`, or `None` where there are none.
pub(crate) fn refusal(findings: &[Finding]) -> Option<CommandError> {
    let findings: Vec<&Finding> = findings.iter().filter(|it| it.is_error()).collect();
    let first = findings.first()?;
    // A plan error outranks what the cluster lacks: it is there to be mended first.
    let exit = findings
        .iter()
        .map(|finding| finding.exit)
        .find(|exit| *exit == ExitCode::Usage)
        .unwrap_or(first.exit);
    let mut message = match findings.len() {
        1 => "nothing was changed: ".to_owned(),
        many => format!("nothing was changed; {many} problems found:"),
    };
    for finding in &findings {
        if findings.len() > 1 {
            message.push_str("\n  ");
        }
        message.push_str(&finding.said());
        message.push_str(&finding.check.mark());
    }
    let mut error = CommandError::new(exit, message);
    for remedy in findings
        .iter()
        .filter_map(|finding| finding.remedy.as_ref())
    {
        if !error.hints.contains(remedy) {
            error = error.hint(remedy);
        }
    }
    Some(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(message: &str, remedy: &str) -> Finding {
        Finding::of(Check::UnknownKind, message).remedy(remedy)
    }

    #[test]
    fn all_findings_come_at_once_and_a_remedy_only_once() {
        assert!(refusal(&[]).is_none());
        assert!(refusal(&[Finding::of(Check::SelectsNothing, "a warning")]).is_none());
        let error = refusal(&[finding("a", "do x"), finding("b", "do x")]).expect("two findings");
        assert_eq!(
            error.message,
            "nothing was changed; 2 problems found:\n  a [unknown-kind]\n  b [unknown-kind]"
        );
        assert_eq!(error.hints, ["do x"]);
    }
}
