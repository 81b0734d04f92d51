//! What `list` shows: each release with its newest revision.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    line::Line,
    status::RevisionInfo,
    table::{Column, Table},
    units::age,
};

/// What `list` shows: the releases of a cluster.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListView {
    /// Context of the kubeconfig.
    pub(crate) context: String,
    /// The releases.
    pub(crate) releases: Vec<ListedRelease>,
}

/// A release and its newest revision.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListedRelease {
    /// The release's name, `PLAN.ENV`.
    pub(crate) release: String,
    /// Its newest revision.
    pub(crate) revision: RevisionInfo,
    /// How many objects that revision wanted.
    pub(crate) objects: usize,
}

impl ListView {
    /// The view as a table, no line wider than `width`.
    pub(crate) fn text(&self, width: Option<usize>, now: Timestamp) -> String {
        use Column::{Name, Number, Text};
        if self.releases.is_empty() {
            let line = Line::of(format!(
                "no releases in context {}; `deployctl up` makes one",
                self.context
            ));
            return line.cut(width).render() + "\n";
        }
        let mut table = Table::new(&[Name, Number, Text, Text, Number, Text], 0);
        table.titles(&["RELEASE", "REVISION", "OUTCOME", "WHEN", "OBJECTS", "BY"]);
        for listed in &self.releases {
            let RevisionInfo {
                number,
                started,
                finished,
                by,
                ..
            } = &listed.revision;
            let (word, style) = listed.revision.word();
            table.row(vec![
                Line::of(&listed.release),
                Line::of(number.to_string()),
                Line::default().styled(style, word),
                Line::of(age(finished.unwrap_or(*started), now)),
                Line::of(listed.objects.to_string()),
                Line::of(by),
            ]);
        }
        table
            .lines(width)
            .into_iter()
            .map(|line| line + "\n")
            .collect()
    }
}
