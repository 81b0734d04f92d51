//! Something that would make the run fail, and the refusal that lists all of them.

use std::fmt::Write as _;

use crate::{
    error::{CommandError, ExitCode},
    object::{ObjectId, Origin},
};

/// Something that would make the run fail, found before the first write.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    /// The exit code that it ends the program with.
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

/// One error that lists all `findings`, or `None` where there are none.
pub(crate) fn refusal(findings: &[Finding]) -> Option<CommandError> {
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
    for finding in findings {
        if findings.len() > 1 {
            message.push_str("\n  ");
        }
        if let Some(at) = &finding.at {
            let _ = write!(message, "{at}: ");
        }
        if let Some(object) = &finding.object {
            let _ = write!(message, "{object}: ");
        }
        message.push_str(&finding.message);
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
        Finding {
            exit: ExitCode::Failed,
            at: None,
            object: None,
            message: message.to_owned(),
            remedy: Some(remedy.to_owned()),
        }
    }

    #[test]
    fn all_findings_come_at_once_and_a_remedy_only_once() {
        assert!(refusal(&[]).is_none());
        let error = refusal(&[finding("a", "do x"), finding("b", "do x")]).expect("two findings");
        assert_eq!(
            error.message,
            "nothing was changed; 2 problems found:\n  a\n  b"
        );
        assert_eq!(error.hints, ["do x"]);
    }
}
