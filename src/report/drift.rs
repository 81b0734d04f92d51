//! What `drift` shows: what others have changed since the last revision.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    field::{DiffOutside, field_line, who},
    line::{BAD, FAINT, GOOD, Line, STRONG, WARNING},
    status::{RevisionInfo, SOMEBODY},
    units::{age, count},
};
use crate::object::ObjectId;

/// What others have changed since the last revision.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DriftView {
    /// The release.
    pub(crate) release: String,
    /// Context of the kubeconfig.
    pub(crate) context: String,
    /// The revision that is compared with; `None` where there is none.
    pub(crate) revision: Option<RevisionInfo>,
    /// What has been changed.
    pub(crate) objects: Vec<DriftObject>,
}

/// An object that others have changed.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DriftObject {
    /// Its phase.
    pub(crate) phase: String,
    /// The object.
    pub(crate) object: ObjectId,
    /// What was done to it.
    pub(crate) change: DriftKind,
    /// The managers that have written it anew, as far as they are known; of fields, each says who.
    pub(crate) by: Vec<String>,
    /// The fields: `before` is what the release wrote, `after` what is there now.
    pub(crate) fields: Vec<DiffOutside>,
}

/// What others have done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DriftKind {
    /// They deleted it.
    Deleted,
    /// They changed fields of it.
    Changed,
    /// They wrote it anew without changing what the release wrote.
    Rewritten,
}

impl DriftView {
    /// The view for people. Lines of fields are as long as they are.
    pub(crate) fn text(&self, width: Option<usize>, now: Timestamp) -> String {
        let mut lines = self.head(now).wrapped(width, 2, 3);
        let mut phase = None;
        for object in &self.objects {
            if phase.replace(&object.phase) != Some(&object.phase) {
                lines.push(Line::default());
                lines.push(Line::default().styled(STRONG, &object.phase));
            }
            lines.extend(object.lines(width, now));
        }
        lines.iter().map(|line| line.render() + "\n").collect()
    }

    fn head(&self, now: Timestamp) -> Line {
        let Some(revision) = &self.revision else {
            let text = format!(
                "{} has no revision in context {}",
                self.release, self.context
            );
            return Line::default().styled(FAINT, text);
        };
        let when = age(revision.finished.unwrap_or(revision.started), now);
        let since = format!("since revision {} ({when})", revision.number);
        let release = &self.release;
        if self.objects.is_empty() {
            let line = Line::default().styled(GOOD, "✓ ");
            return line.text(format!(
                "{release}: nothing was changed outside deployctl {since}"
            ));
        }
        let objects = count(self.objects.len(), "object");
        let was = if self.objects.len() == 1 {
            "was"
        } else {
            "were"
        };
        let line = Line::default().styled(WARNING, "! ");
        line.text(format!(
            "{release}: {objects} {was} changed outside deployctl {since}"
        ))
    }
}

impl DriftObject {
    fn lines(&self, width: Option<usize>, now: Timestamp) -> Vec<Line> {
        let (mark, style, said) = match self.change {
            DriftKind::Deleted => ("-", BAD, "deleted".to_owned()),
            DriftKind::Changed => ("~", WARNING, String::new()),
            DriftKind::Rewritten => ("~", WARNING, self.rewritten()),
        };
        let name = Line::of("  ").styled(style, mark);
        let name = name.text(format!(" {}", self.object));
        let name = name.styled(FAINT, format!("  {said}"));
        let mut lines = name.wrapped(width, 6, 3);
        for outside in &self.fields {
            lines.push(Line::of("    ").joined(field_line(&outside.field)));
            lines.push(Line::of("      ").styled(FAINT, format!("by {}", who(outside, now))));
        }
        lines
    }

    fn rewritten(&self) -> String {
        let by = if self.by.is_empty() {
            SOMEBODY.to_owned()
        } else {
            self.by.join(" and ")
        };
        format!("written anew by {by}; no field of the release has another value")
    }
}
