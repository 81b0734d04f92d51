//! Which fields of an object a plan leaves to others.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::matching::fits;
use crate::{
    finding::Check,
    object::{Object, ObjectId, Origin, PhaseHint, Problem},
    plan::{FieldPlace, FieldSelector, IgnoredFields},
};

/// The fields of `object` that `ignored` leaves to others; those only that its manifest has:
/// nothing else is ever sent.
pub(crate) fn ignored_fields(
    object: &Object,
    hint: &PhaseHint,
    ignored: &[IgnoredFields],
) -> Vec<FieldSelector> {
    let fitting = ignored
        .iter()
        .filter(|entry| is_about(entry, object, hint))
        .flat_map(|entry| &entry.fields);
    fitting
        .map(|(field, _)| field)
        .filter(|field| field.is_in(&object.body))
        .cloned()
        .collect()
}

/// Warnings about what of `ignored` fits no object, or no field of those that it fits.
pub(crate) fn idle_ignored_fields(
    objects: &IndexMap<ObjectId, Object>,
    hints: &HashMap<ObjectId, PhaseHint>,
    ignored: &[IgnoredFields],
    plan: &Origin,
) -> Vec<Problem> {
    let nothing = PhaseHint::default();
    let warning = |place: FieldPlace, message: String| Problem {
        column: Some(place.column),
        ..Problem::of(Check::IdleIgnoredField, message).at(&Origin {
            line: place.line,
            ..plan.clone()
        })
    };
    let mut warnings = Vec::new();
    for entry in ignored {
        let fitting: Vec<&Object> = objects
            .iter()
            .filter(|(id, object)| is_about(entry, object, hints.get(*id).unwrap_or(&nothing)))
            .map(|(_, object)| object)
            .collect();
        if fitting.is_empty() {
            let message = "this entry of `ignoreFields` fits no object of the manifests";
            warnings.push(warning(entry.place, message.to_owned()));
            continue;
        }
        let is_nowhere =
            |field: &FieldSelector| !fitting.iter().any(|object| field.is_in(&object.body));
        for (field, place) in entry.fields.iter().filter(|(field, _)| is_nowhere(field)) {
            let message = format!(
                "no manifest that this entry of `ignoreFields` fits has the field `{field}`; it is never sent anyway"
            );
            warnings.push(warning(*place, message));
        }
    }
    warnings
}

fn is_about(entry: &IgnoredFields, object: &Object, hint: &PhaseHint) -> bool {
    entry.matches.iter().any(|rule| fits(rule, object, hint))
}
