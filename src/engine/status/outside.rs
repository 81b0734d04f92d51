//! What others have done to a release since its last revision, field by field.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::engine::{
    desired::SECRETS_PHASE,
    status::{
        drift::Drift,
        overview::{ObjectOverview, Overview},
    },
};
use crate::{
    diff::{Masker, OutsideField, Secrecy, View, drifted},
    object::{HasKind as _, ManifestView, ObjectId},
};

/// An object that others have changed.
pub(crate) struct OutsideObject {
    /// Its phase.
    pub(crate) phase: String,
    /// The object.
    pub(crate) id: ObjectId,
    /// What they did to it.
    pub(crate) what: OutsideChanges,
}

/// What others have done to an object.
pub(crate) enum OutsideChanges {
    /// They deleted it.
    Deleted,
    /// They changed these fields.
    Fields(Vec<OutsideField>),
    /// They have written it anew, with no other value in what is ours: the managers, as far as they are
    /// known.
    Rewritten(BTreeSet<String>),
}

/// What others have done to the objects of `overview`, phase by phase.
pub(crate) fn outside(overview: &Overview) -> Vec<OutsideObject> {
    let phases = overview.phases();
    let objects = || phases.iter().flat_map(|phase| &phase.objects);
    let live = objects().filter_map(|object| object.live.as_deref());
    let sent = objects().filter_map(|object| overview.sent(&object.id));
    let is_secret = |object: &&Value| ManifestView(object).is_secret();
    let of_plan = phases.iter().filter(|phase| phase.name == SECRETS_PHASE);
    let of_plan = of_plan.flat_map(|phase| &phase.objects);
    let declared: BTreeSet<&ObjectId> = of_plan.map(|object| &object.id).collect();
    // There is no plan that says more about a key.
    let secrecy = |secret: &Value, _: &str| {
        let id = ObjectId::of(secret);
        if id.is_some_and(|id| declared.contains(&id)) {
            Secrecy::Declared
        } else {
            Secrecy::Assumed
        }
    };
    let masker = Masker::of(live.chain(sent).filter(is_secret), &secrecy);
    let release = &overview.revision().release;
    let view = View {
        masker: &masker,
        label: &release.label(),
        sources: &BTreeMap::new(),
    };
    let manager = release.field_manager();
    let mut found = Vec::new();
    for phase in &phases {
        let changed = phase.objects.iter().filter_map(|object| {
            Some(OutsideObject {
                phase: phase.name.clone(),
                id: object.id.clone(),
                what: changes(overview, &view, object, &manager)?,
            })
        });
        found.extend(changed);
    }
    found
}

fn changes(
    overview: &Overview,
    view: &View<'_>,
    object: &ObjectOverview,
    manager: &str,
) -> Option<OutsideChanges> {
    let managers = match object.drift.as_ref()? {
        Drift::Deleted => return Some(OutsideChanges::Deleted),
        Drift::Changed(managers) => managers,
    };
    let id = &object.id;
    let known = object.live.as_deref().zip(overview.sent(id));
    let fields = known.map(|known| drifted(view, id, known, manager));
    Some(match fields.filter(|fields| !fields.is_empty()) {
        Some(fields) => OutsideChanges::Fields(fields),
        None => OutsideChanges::Rewritten(managers.clone()),
    })
}
