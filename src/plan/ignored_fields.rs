//! Fields of objects that a plan leaves to others.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    field_selector::FieldSelector,
    match_check::{check_globs, check_keys},
    node::Position,
    phase_declaration::Match,
    problem::{Document, KeyPath, Problem},
};

/// Fields of objects that others decide about. They are sent only where the object is created, and
/// never compared.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct IgnoredFieldsDeclaration {
    /// The objects, as in phases: entries are alternatives, and the keys of one must all hold.
    #[serde(rename = "match")]
    #[schemars(length(min = 1))]
    pub(crate) matches: Vec<Match>,
    /// The fields: `spec.replicas`, `metadata.annotations["example.com/x"]`,
    /// `spec.template.spec.containers[name=web].resources`.
    #[schemars(length(min = 1))]
    pub(crate) fields: Vec<String>,
}

/// Fields of objects that others decide about.
#[derive(Debug, Clone)]
pub(crate) struct IgnoredFields {
    /// The objects.
    pub(crate) matches: Vec<Match>,
    /// The fields, each with its place in the plan.
    pub(crate) fields: Vec<(FieldSelector, FieldPlace)>,
    /// Where the entry stands.
    pub(crate) place: FieldPlace,
}

/// A place in the plan file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FieldPlace {
    /// Line, from 1.
    pub(crate) line: u32,
    /// Column, from 1.
    pub(crate) column: u32,
}

impl From<Position> for FieldPlace {
    fn from(position: Position) -> Self {
        Self {
            line: position.line,
            column: position.column,
        }
    }
}

/// What makes an object the one that it is, and ours.
const NEEDED: [&[&str]; 5] = [
    &["apiVersion"],
    &["kind"],
    &["metadata", "name"],
    &["metadata", "namespace"],
    // Only as a whole: the label of the release is in it.
    &["metadata", "labels", ""],
];

/// The entries of `ignoreFields`. All that is wrong with them is added to `problems`.
pub(super) fn resolve(
    document: &Document,
    declared: Vec<IgnoredFieldsDeclaration>,
    problems: &mut Vec<Problem>,
) -> Vec<IgnoredFields> {
    let path = KeyPath::top("ignoreFields");
    declared
        .into_iter()
        .enumerate()
        .map(|(index, declared)| resolved(document, &path.item(index), declared, problems))
        .collect()
}

fn resolved(
    document: &Document,
    path: &KeyPath,
    declared: IgnoredFieldsDeclaration,
    problems: &mut Vec<Problem>,
) -> IgnoredFields {
    let IgnoredFieldsDeclaration { matches, fields } = declared;
    for key in [("match", matches.is_empty()), ("fields", fields.is_empty())] {
        if let (key, true) = key {
            let message = format!("`{path}.{key}` is empty; name at least one");
            problems.push(document.error(&path.key(key), message));
        }
    }
    for (index, rule) in matches.iter().enumerate() {
        check_match(document, &path.key("match").item(index), rule, problems);
    }
    let mut selectors = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        let path = path.key("fields").item(index);
        match selector(field) {
            Ok(selector) => selectors.push((selector, document.position(&path).into())),
            Err(message) => problems.push(document.error(&path, message)),
        }
    }
    IgnoredFields {
        matches,
        fields: selectors,
        place: document.position(path).into(),
    }
}

fn check_match(document: &Document, path: &KeyPath, rule: &Match, problems: &mut Vec<Problem>) {
    check_keys(document, path, rule, problems);
    let of_phases = [
        ("recreate", rule.recreate),
        ("rollback", rule.rollback.is_some()),
    ];
    for (key, _) in of_phases.into_iter().filter(|(_, given)| *given) {
        let message = format!("`{key}` belongs to a `match` of a phase");
        problems.push(document.error(&path.key(key), message));
    }
    check_globs(document, path, rule, problems);
}

fn selector(written: &str) -> Result<FieldSelector, String> {
    let selector = FieldSelector::parse(written)?;
    if NEEDED.iter().any(|needed| selector.covers(needed)) {
        return Err(format!(
            "`{written}` cannot be left to others: it says which object this is, or that it is of this release"
        ));
    }
    Ok(selector)
}
