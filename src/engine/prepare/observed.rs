//! Looks at everything that a change may be about.

use std::collections::HashSet;

use crate::engine::{
    desired::{DesiredObject, DesiredState},
    observe::history::ReleaseHistory,
    observe::objects::{self, Observation},
    observe::storage_versions::served_now,
    prepare::context::{PrepareContext, PrepareError},
};
use crate::{
    cluster::{Resource, Seen, Served},
    object::{Definition, ObjectId},
};

/// Looks at everything that is `desired`, `declared`, or was touched by revisions before; and works
/// out what an interrupted one has done.
pub(crate) async fn observe(
    context: PrepareContext<'_>,
    desired: &DesiredState,
    declared: &[ObjectId],
    mut history: ReleaseHistory,
) -> Result<(Observation, ReleaseHistory), PrepareError> {
    let release = &desired.release;
    let mut known = readable(desired, declared, context.served);
    let named: HashSet<ObjectId> = known.iter().map(|(id, _)| id.clone()).collect();
    known.extend(
        history
            .touched(context.served)
            .into_iter()
            .filter(|(id, _)| !named.contains(id)),
    );
    known.extend(defined_just_now(context, &history, &known).await?);
    let looked = objects::observe(context.cluster, release, &known);
    let mut observation = context.answer("cannot read the objects", looked).await?;
    observation.forget_what_goes(desired.objects.keys());
    note_undefined(desired, context.served, &mut observation);
    history.complete(&observation.live, &release.field_manager());
    Ok((observation, history))
}

/// What an interrupted run may have written of kinds that it has defined and that are not said to be
/// served yet, beside what is `known`.
async fn defined_just_now(
    context: PrepareContext<'_>,
    history: &ReleaseHistory,
    known: &[(ObjectId, Resource)],
) -> Result<Vec<(ObjectId, Resource)>, PrepareError> {
    let (Some(unsettled), ids) = (&history.unsettled, history.undefined(context.served)) else {
        return Ok(Vec::new());
    };
    let kinds = served_now(context.cluster, context.served, &ids, &unsettled.snapshot);
    let kinds = context.answer("cannot read the definitions", kinds).await?;
    let is_new = |id: &ObjectId| !known.iter().any(|(known, _)| known == id);
    Ok(kinds.into_iter().filter(|(id, _)| is_new(id)).collect())
}

/// Takes what cannot be there for absent: objects whose definition is among those that are wanted,
/// and is not there, or is expected of a controller, and their kind is not served.
fn note_undefined(desired: &DesiredState, served: &Served, observation: &mut Observation) {
    let live = &observation.live;
    let absent = desired
        .objects
        .iter()
        .filter(|(id, _)| matches!(live.seen(id), Seen::Absent));
    let kinds: HashSet<(String, String)> = absent
        .filter_map(|(_, wanted)| Definition::of(&wanted.object.body))
        .map(|definition| (definition.group().to_owned(), definition.kind().to_owned()))
        .collect();
    let is_expected = |id: &ObjectId, wanted: &DesiredObject| {
        desired.is_expected(&wanted.object) && served.preferred(&id.group, &id.kind).is_none()
    };
    let undefined = desired.objects.iter().filter(|(id, wanted)| {
        matches!(live.seen(id), Seen::Unasked)
            && (kinds.contains(&(id.group.clone(), id.kind.clone())) || is_expected(id, wanted))
    });
    let undefined: Vec<ObjectId> = undefined.map(|(id, _)| id.clone()).collect();
    for id in undefined {
        observation.live.note(id, Seen::Absent);
    }
}

/// The objects to look at, with the kinds that they are read as: what is rendered, and the Secrets
/// that are declared.
fn readable(
    desired: &DesiredState,
    declared: &[ObjectId],
    served: &Served,
) -> Vec<(ObjectId, Resource)> {
    let rendered = desired.objects.values().filter_map(|object| {
        let object = &object.object;
        let resource = served.exact(&object.api_version, &object.id.kind)?;
        Some((object.id.clone(), resource.clone()))
    });
    let mut all: Vec<(ObjectId, Resource)> = rendered.collect();
    if let Some(resource) = served.exact("v1", "Secret") {
        all.extend(declared.iter().map(|id| (id.clone(), resource.clone())));
    }
    all
}
