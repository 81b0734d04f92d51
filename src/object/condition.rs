//! Conditions as controllers write them, read whatever their spelling.
//! <https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#typical-status-properties>

use jiff::Timestamp;
use serde_json::Value;

use super::field::{integer, text, time};

/// What a condition says of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Truth {
    /// It is so.
    True,
    /// It is not.
    False,
    /// The controller cannot tell, or has not written it.
    Unknown,
    /// A word that conditions do not have.
    Other,
}

/// One entry of `status.conditions`, or of another list of conditions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Condition<'a> {
    /// Its `type`.
    pub(crate) kind: &'a str,
    /// Its `status`.
    pub(crate) truth: Truth,
    /// One word, or empty.
    pub(crate) reason: &'a str,
    /// For people, or empty.
    pub(crate) message: &'a str,
    /// Since when it says so: its `lastTransitionTime`.
    pub(crate) since: Option<Timestamp>,
    /// The generation that it was made for: its `observedGeneration`.
    pub(crate) generation: Option<i64>,
}

impl<'a> Condition<'a> {
    /// The condition `value`, wherever it stands. Some controllers write the status as a boolean
    /// or in lower case.
    pub(crate) fn of(value: &'a Value) -> Option<Self> {
        let truth = match value.get("status") {
            Some(Value::Bool(true)) => Truth::True,
            Some(Value::Bool(false)) => Truth::False,
            Some(Value::String(status)) if status.eq_ignore_ascii_case("true") => Truth::True,
            Some(Value::String(status)) if status.eq_ignore_ascii_case("false") => Truth::False,
            Some(Value::String(status))
                if !status.is_empty() && !status.eq_ignore_ascii_case("unknown") =>
            {
                Truth::Other
            }
            _ => Truth::Unknown,
        };
        Some(Self {
            kind: text(value, "/type")?,
            truth,
            reason: text(value, "/reason").unwrap_or_default(),
            message: text(value, "/message").unwrap_or_default(),
            since: time(value, "/lastTransitionTime"),
            generation: integer(value, "/observedGeneration"),
        })
    }

    /// Whether the condition says that it is so.
    pub(crate) fn is_true(&self) -> bool {
        self.truth == Truth::True
    }

    /// Whether the condition says that it is not so.
    pub(crate) fn is_false(&self) -> bool {
        self.truth == Truth::False
    }

    /// The message, else the reason, else the type: never empty for a condition with a type.
    pub(crate) fn says(&self) -> &str {
        [self.message, self.reason]
            .into_iter()
            .find(|text| !text.is_empty())
            .unwrap_or(self.kind)
    }

    /// The reason, or `otherwise` where there is none.
    pub(crate) fn reason_or(&self, otherwise: &'static str) -> String {
        if self.reason.is_empty() {
            otherwise.to_owned()
        } else {
            self.reason.to_owned()
        }
    }
}
