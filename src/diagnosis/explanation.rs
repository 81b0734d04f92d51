//! What a diagnosis found out, and which log it wants to see.

use crate::{
    event::{FurtherCause, ObjectDiagnosis},
    object::{ObjectId, quoted},
    readiness::Verdict,
};

/// Why an object is not ready, as far as it can be known without asking further.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Explanation {
    /// The pod that shows the cause, if one does.
    pub(crate) pod: Option<String>,
    /// The container in it.
    pub(crate) container: Option<String>,
    /// The most specific cause found; one line without control characters.
    pub(crate) cause: Option<String>,
    /// The log that shows more, where one does.
    pub(crate) log: Option<LogRequest>,
    /// Commands that show more, the most useful first.
    pub(crate) more: Vec<String>,
    /// What else keeps the object from being ready, in other containers or for other reasons.
    pub(crate) further: Vec<Explanation>,
}

/// Which lines of which container's log to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogRequest {
    /// The pod's namespace.
    pub(crate) namespace: String,
    /// The pod.
    pub(crate) pod: String,
    /// The container.
    pub(crate) container: String,
    /// Whether it is the attempt before the present one.
    pub(crate) previous: bool,
    /// How many of the last lines.
    pub(crate) tail: u32,
}

/// Longest line of a log that is shown, in characters.
const LOG_LINE: usize = 500;

impl Explanation {
    /// The logs that show more: its own, and those of all that is [`Explanation::further`].
    pub(crate) fn logs(&self) -> Vec<Option<&LogRequest>> {
        let further = self.further.iter().flat_map(Explanation::logs);
        std::iter::once(self.log.as_ref()).chain(further).collect()
    }

    /// The explanation as an event carries it, with what [`Explanation::logs`] asked for, made
    /// harmless.
    pub(crate) fn into_diagnosis(
        self,
        object: ObjectId,
        verdict: Verdict,
        logs: &[String],
    ) -> ObjectDiagnosis {
        let mut logs = logs.iter().map(|log| harmless_lines(log));
        let log = logs.next().unwrap_or_default();
        let further = self
            .further
            .into_iter()
            .map(|explanation| FurtherCause {
                pod: explanation.pod,
                container: explanation.container,
                cause: explanation.cause.unwrap_or_default(),
                log: logs.next().unwrap_or_default(),
            })
            .collect();
        ObjectDiagnosis {
            object,
            verdict,
            pod: self.pod,
            container: self.container,
            cause: self.cause,
            log,
            further,
        }
    }
}

fn harmless_lines(log: &str) -> Vec<String> {
    let lines = log.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| indented(line, LOG_LINE)).collect()
}

/// One harmless line that keeps its indentation, because stack traces live by it.
fn indented(line: &str, limit: usize) -> String {
    let text = line.trim_start();
    let indentation = " ".repeat((line.chars().count() - text.chars().count()).min(16));
    format!("{indentation}{}", quoted(text, limit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readiness::State;

    #[test]
    fn log_lines_are_harmless_and_keep_their_indentation() {
        let object = ObjectId {
            group: String::new(),
            kind: "Pod".to_owned(),
            namespace: None,
            name: "api".to_owned(),
        };
        let verdict = Verdict::new(State::Failed, "", "");
        let log = "Traceback:\n    at \u{1b}[31mmain\n\n";
        assert_eq!(
            Explanation::default()
                .into_diagnosis(object, verdict, &[log.to_owned()])
                .log,
            ["Traceback:", "    at \\x1b[31mmain"]
        );
    }
}
