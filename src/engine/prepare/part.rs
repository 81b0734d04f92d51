//! `--only KIND/NAME` and `--selector`: which objects of a plan a run is about.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::engine::{
    desired::SECRETS_PHASE,
    plan::selection::{Part, Selection},
    prepare::render::Rendering,
    prepare::secrets,
};
use crate::{
    error::CommandError,
    object::{ManifestView, ObjectId},
    plan::{self, PhaseId, Plan},
};

/// An object that may be chosen: its phase, and how it is written.
struct Candidate {
    id: ObjectId,
    phase: PhaseId,
    object: Value,
}

/// Refuses names that no object of `plan` has, or several, and objects of which there are none.
pub(crate) fn check_part(
    part: &Part,
    rendering: &Rendering,
    plan: &Plan,
) -> Result<(), CommandError> {
    let known = candidates(rendering, plan);
    for name in &part.objects {
        check_name("--only", name, known.iter().map(|candidate| &candidate.id))?;
    }
    let selection = Selection::Only(part.clone());
    let is_chosen = |it: &Candidate| selection.holds_object(&it.phase, &it.id, &it.object);
    // A phase may be empty: what has left it goes.
    if !part.is_of_objects() || known.iter().any(is_chosen) {
        return Ok(());
    }
    Err(nothing_chosen(part, &known))
}

/// Everything that a part may hold: what is rendered, and the Secrets that are declared.
fn candidates(rendering: &Rendering, plan: &Plan) -> Vec<Candidate> {
    let placements = rendering.assignment.placements.iter();
    let rendered = placements.filter_map(|(id, placement)| {
        Some(Candidate {
            id: id.clone(),
            phase: plan.contents.phases[placement.phase].id(),
            object: (*rendering.rendered.objects.get(id)?.body).clone(),
        })
    });
    let declared = secrets::declared_as(plan).map(|(id, object)| Candidate {
        id,
        phase: PhaseId::declared(SECRETS_PHASE),
        object,
    });
    rendered.chain(declared).collect()
}

/// Refuses `name`, given as `flag`, where it is not that of one of `known`.
pub(crate) fn check_name<'a>(
    flag: &str,
    name: &str,
    known: impl Iterator<Item = &'a ObjectId>,
) -> Result<(), CommandError> {
    let known: Vec<&ObjectId> = known.collect();
    let meant: Vec<&&ObjectId> = known.iter().filter(|id| id.is_called(name)).collect();
    match meant.as_slice() {
        [_] => Ok(()),
        [] => Err(unknown(flag, name, &known)),
        several => {
            let texts: Vec<String> = several.iter().map(|id| format!("`{id}`")).collect();
            Err(CommandError::usage(format!(
                "`{flag} {name}` names {} objects: {}",
                texts.len(),
                texts.join(", ")
            ))
            .hint("name its namespace too: KIND/NAMESPACE/NAME"))
        }
    }
}

/// The error for a `name` that nothing has, with what is nearby: what has the name and is of another
/// kind, or is written like it.
fn unknown(flag: &str, name: &str, known: &[&ObjectId]) -> CommandError {
    let error = CommandError::usage(format!("`{flag} {name}` names no object of the plan"));
    let last = name.rsplit('/').next().unwrap_or_default();
    let others = known.iter().filter(|id| id.name == last).take(SHOWN);
    let others: Vec<String> = others.map(|id| format!("`{flag} {id}`")).collect();
    if !others.is_empty() {
        return error.hint(format!("there is {}", others.join(", ")));
    }
    let texts = known.iter().flat_map(|id| {
        let short = format!("{}/{}", id.kind, id.name);
        [short, id.to_string()]
    });
    let texts: Vec<String> = texts.collect();
    match plan::nearest(name, texts.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean `{flag} {near}`?")),
        None => error.hint("write it as KIND/NAME or KIND/NAMESPACE/NAME; `deployctl render --phases` lists all objects"),
    }
}

/// The error for a part in which nothing is, with what is nearby.
fn nothing_chosen(part: &Part, known: &[Candidate]) -> CommandError {
    let error = CommandError::usage(format!(
        "no object of the plan is chosen by {}",
        part.flags()
    ));
    let named: Vec<&Candidate> = known.iter().filter(|it| part.names(&it.id)).collect();
    let elsewhere: Vec<String> = named
        .iter()
        .filter(|_| !part.objects.is_empty() && !part.phases.is_empty())
        .map(|it| format!("{} is in phase `{}`", it.id, it.phase))
        .collect();
    let error = match elsewhere.as_slice() {
        [] => error,
        places => error.hint(places.join(", ")),
    };
    let Some(labels) = &part.labels else {
        return error;
    };
    let hints = labels.keys().map(|key| values_of(key, &named));
    let hints: BTreeSet<String> = hints.collect();
    hints.into_iter().fold(error, CommandError::hint)
}

/// The values that the label `key` has in `objects`, or the labels that there are.
fn values_of(key: &str, objects: &[&Candidate]) -> String {
    let labels = || {
        let labels = objects
            .iter()
            .filter_map(|it| ManifestView(&it.object).labels());
        labels.flatten()
    };
    let shown = |texts: BTreeSet<&str>| {
        let texts: Vec<String> = texts
            .iter()
            .take(SHOWN)
            .map(|it| format!("`{it}`"))
            .collect();
        texts.join(", ")
    };
    let values = labels().filter(|(name, _)| *name == key);
    let values: BTreeSet<&str> = values.filter_map(|(_, value)| value.as_str()).collect();
    let keys: BTreeSet<&str> = labels().map(|(name, _)| name.as_str()).collect();
    match (values.is_empty(), keys.is_empty()) {
        (false, _) => format!("the label `{key}` is {}", shown(values)),
        (true, false) => format!("nothing has the label `{key}`; there are {}", shown(keys)),
        (true, true) => "nothing has any label".to_owned(),
    }
}

/// So many names are shown.
const SHOWN: usize = 8;
