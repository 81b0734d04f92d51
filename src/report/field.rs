//! A field that changes, on one line.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::{
    line::{BAD, GOOD, Line, WARNING},
    status::SOMEBODY,
    units::{age, count},
};
use crate::object::one_line;

/// Values of fields are not longer than this on their line.
const LONGEST: usize = 160;

/// A field that changes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DiffField {
    /// The field.
    pub(crate) path: String,
    /// What it is; `None` where it is not there.
    pub(crate) before: Option<Value>,
    /// What it is going to be; `None` where it goes.
    pub(crate) after: Option<Value>,
    /// Its values are secret: something else stands for them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) secret: bool,
}

/// A field that others have changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DiffOutside {
    /// The field.
    #[serde(flatten)]
    pub(crate) field: DiffField,
    /// What the release wrote, where that is neither.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) was: Option<Value>,
    /// The manager that changed it, where that is known.
    pub(crate) by: Option<String>,
    /// When that manager wrote last.
    pub(crate) at: Option<Timestamp>,
}

/// `kubectl-edit, 3 min ago; was 2`.
pub(super) fn who(outside: &DiffOutside, now: Timestamp) -> String {
    let by = outside.by.as_deref().unwrap_or(SOMEBODY);
    let at = outside
        .at
        .map_or(String::new(), |at| format!(", {}", age(at, now)));
    let was = outside.was.as_ref();
    let was = was.map_or(String::new(), |was| {
        format!("; the release wrote {}", inline(was))
    });
    format!("{by}{at}{was}")
}

/// `spec.replicas: 2 → 3`.
pub(super) fn field_line(field: &DiffField) -> Line {
    let DiffField {
        path,
        before,
        after,
        secret,
    } = field;
    match (before, after) {
        (Some(_), Some(after)) if *secret => {
            let line = Line::default()
                .styled(WARNING, "~ ")
                .text(format!("{path}: "));
            line.styled(GOOD, inline(after))
        }
        (Some(Value::String(before)), Some(Value::String(after)))
            if before.trim_end().contains('\n') || after.trim_end().contains('\n') =>
        {
            let line = Line::default()
                .styled(WARNING, "~ ")
                .text(format!("{path}: "));
            line.text(changed_lines(before, after))
        }
        (Some(before), Some(after)) => {
            let line = Line::default()
                .styled(WARNING, "~ ")
                .text(format!("{path}: "));
            let line = line.styled(BAD, inline(before)).text(" → ");
            line.styled(GOOD, inline(after))
        }
        (None, Some(after)) => Line::default().styled(GOOD, format!("+ {path}: {}", inline(after))),
        (Some(before), None) => {
            Line::default().styled(BAD, format!("- {path}: {}", inline(before)))
        }
        (None, None) => Line::default().styled(WARNING, "~ ").text(path),
    }
}

/// `1 line goes, 2 come` of a text of several lines.
fn changed_lines(before: &str, after: &str) -> String {
    let number = |these: &str, those: &str| {
        let mut left: Vec<&str> = those.lines().collect();
        let new = these.lines().filter(|line| {
            let found = left.iter().position(|other| other == line);
            found.map(|position| left.swap_remove(position)).is_none()
        });
        new.count()
    };
    let (gone, new) = (number(before, after), number(after, before));
    if gone == 0 && new == 0 {
        return "its lines come in another order".to_owned();
    }
    format!("{} removed, {new} added", count(gone, "line"))
}

/// A value on one line.
pub(super) fn inline(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() => one_line(text, LONGEST),
        value => one_line(&value.to_string(), LONGEST),
    }
}
