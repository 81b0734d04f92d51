//! A diff as one JSON document.

use serde::Serialize;
use serde_json::Value;

use super::view::{DiffCommit, DiffImpact, DiffObject, DiffRevision, DiffVariables, DiffView};
use crate::{
    object::ObjectId,
    plan::PhaseId,
    report::{
        changes::ChangeAction,
        field::{DiffField, DiffOutside},
    },
};

/// The document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    release: &'a str,
    context: &'a str,
    server: &'a str,
    /// Whether anything would be written.
    changes: bool,
    revision: Option<&'a DiffRevision>,
    commit: Option<&'a DiffCommit>,
    variables: &'a DiffVariables,
    secrets: Vec<SecretSource<'a>>,
    objects: Vec<Entry<'a>>,
    unchanged: usize,
    impact: &'a [DiffImpact],
}

/// Where the value of a key of a Secret comes from.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SecretSource<'a> {
    key: &'a str,
    source: &'a str,
}

/// An object that is not as it is wanted.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    phase: &'a PhaseId,
    object: &'a ObjectId,
    action: Action,
    detail: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    deleted_outside: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    untried: bool,
    fields: &'a [DiffField],
    outside: &'a [DiffOutside],
}

/// What is done, an adoption told from another change.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case", untagged)]
enum Action {
    Adopt(&'static str),
    Other(ChangeAction),
}

impl DiffView {
    /// The view as one JSON document.
    pub(crate) fn json(&self) -> Value {
        let summary = &self.summary;
        let secrets = summary.secrets.iter();
        let shown = self.objects.iter();
        let shown = shown.filter(|object| object.row.action != ChangeAction::Unchanged);
        let document = Document {
            release: &summary.release,
            context: &summary.context,
            server: &summary.server,
            changes: self.changes_anything(),
            revision: self.from.as_ref(),
            commit: self.commit.as_ref(),
            variables: &self.variables,
            secrets: secrets
                .map(|(key, source)| SecretSource { key, source })
                .collect(),
            objects: shown.map(entry).collect(),
            unchanged: self.unchanged(),
            impact: &self.impact,
        };
        serde_json::to_value(&document).expect("views can be written as JSON")
    }
}

fn entry(object: &DiffObject) -> Entry<'_> {
    let row = &object.row;
    Entry {
        phase: &row.phase,
        object: &row.object,
        action: if object.adopted && row.action == ChangeAction::Change {
            Action::Adopt("adopt")
        } else {
            Action::Other(row.action)
        },
        detail: row.detail.clone(),
        deleted_outside: object.deleted_outside,
        untried: object.untried,
        fields: &object.fields,
        outside: &object.outside,
    }
}
