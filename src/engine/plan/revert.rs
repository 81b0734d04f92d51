//! What is wanted in order to go back to an earlier revision.

use std::collections::{BTreeMap, HashMap};

use indexmap::IndexMap;

use crate::engine::{
    desired::{DesiredObject, DesiredState},
    plan::decide::{has_run, is_run_once},
    plan::hooks::is_left_to_rollback,
    plan::irreversible::lost_version,
};
use crate::{
    cluster::{Live, Seen},
    object::{Definition, HasKind as _, ObjectId, RollbackMark},
    plan::PhaseSettings,
    release::Records,
};

/// What is wanted in order to go back to an earlier revision.
#[derive(Debug)]
pub(crate) struct RevertPlan {
    /// What is wanted: what the earlier revision wanted, but for what is retained.
    pub(crate) wanted: DesiredState,
    /// Objects that are not brought back, and why.
    pub(crate) retained: BTreeMap<ObjectId, Retained>,
}

/// Why an object is not brought back to what an earlier revision wanted of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retained {
    /// A Secret that is there as it was then: nothing is written.
    Same,
    /// A Secret that is another now: what was made with its values, as the database on a volume,
    /// knows no others.
    Secret,
    /// One that has other values now: its labels and annotations are brought back.
    SecretValues,
    /// A claim that is another now: what is on it stays, and it cannot become smaller.
    Data,
    /// A definition of which objects are stored in a version that it did not have then.
    StoredVersion,
    /// It is marked `rollback: manual`: somebody has to decide.
    Manual,
    /// It is marked so too, and is not there.
    ManualAbsent,
    /// It runs once, and is not run again for going back.
    RunsOnce,
    /// It is not there, and would be run again.
    RanAlready,
}

impl Retained {
    /// Whether the object is there and stays as it is; otherwise it is not wanted at all.
    fn is_there(self) -> bool {
        !matches!(self, Retained::ManualAbsent | Retained::RanAlready)
    }

    /// Whether it stays as it is in all that it holds.
    pub(crate) fn is_whole(self) -> bool {
        self.is_there() && self != Retained::SecretValues
    }
}

/// All that has to be observed before it is known what is wanted in order to go back to `then`;
/// `now` as for [`plan_revert`].
pub(crate) fn to_observe(then: &DesiredState, now: &[DesiredState]) -> DesiredState {
    let others = now
        .iter()
        .flat_map(|now| &now.objects)
        .filter(|(id, _)| !then.objects.contains_key(*id));
    let objects = then
        .objects
        .iter()
        .chain(others)
        .map(|(id, object)| (id.clone(), object.clone()))
        .collect();
    DesiredState {
        objects,
        ..without_objects(then)
    }
}

/// What is wanted in order to go back to `then`. `now` is what was wanted of what is there now, the
/// newest first; `live` what is there.
///
/// Secrets that are there keep their values, unless `restore_secrets`. Claims stay as they are, and
/// so do what is marked `rollback: manual`, and what runs once. They go on being wanted as they are now, so that
/// a next run finds them as it left them.
pub(crate) fn plan_revert(
    then: &DesiredState,
    now: &[DesiredState],
    live: &Live,
    records: &Records,
    restore_secrets: bool,
) -> RevertPlan {
    let mut wanted = without_objects(then);
    let mut retained = BTreeMap::new();
    for (id, then) in &then.objects {
        let current = current(id, now, records);
        let mut why = match then.hook() {
            Some(hook) if is_left_to_rollback(hook) => None,
            _ => why_retained(id, then, current, live, records, restore_secrets),
        };
        let object = match why {
            Some(why) if !why.is_there() => None,
            Some(Retained::Secret) => {
                let mut kept = in_place_of(then, current);
                if kept.take_metadata(then) {
                    live.object(id)
                        .into_iter()
                        .for_each(|live| kept.keep_data(live));
                    let has_others = kept.digest() != then.digest();
                    why = has_others.then_some(Retained::SecretValues);
                }
                Some(kept)
            }
            Some(_) => Some(in_place_of(then, current)),
            None => Some(then.clone()),
        };
        retained.extend(why.map(|why| (id.clone(), why)));
        wanted
            .objects
            .extend(object.map(|object| (id.clone(), object)));
    }
    carry_over(&mut wanted, &mut retained, now, live);
    rename_unserved(&mut wanted, &retained, live);
    RevertPlan { wanted, retained }
}

fn without_objects(state: &DesiredState) -> DesiredState {
    DesiredState {
        release: state.release.clone(),
        objects: IndexMap::new(),
        phases: state.phases.clone(),
        readiness: state.readiness.clone(),
        hooks: state.hooks.clone(),
    }
}

/// What was wanted last of `id`: what its record says was sent, or else the newest.
fn current<'a>(
    id: &ObjectId,
    now: &'a [DesiredState],
    records: &Records,
) -> Option<&'a DesiredObject> {
    let sent = records.get(id).map(|record| &record.wanted);
    let mut known = now.iter().filter_map(|now| now.objects.get(id));
    known
        .clone()
        .find(|object| Some(object.digest()) == sent)
        .or_else(|| known.next())
}

fn why_retained(
    id: &ObjectId,
    then: &DesiredObject,
    current: Option<&DesiredObject>,
    live: &Live,
    records: &Records,
    restore_secrets: bool,
) -> Option<Retained> {
    let mark = current.map_or(then.marks.rollback, |current| current.marks.rollback);
    let is_manual = [mark, then.marks.rollback].contains(&RollbackMark::Manual);
    let runs_once = is_run_once(id) && mark != RollbackMark::Rerun;
    let differs = current.is_some_and(|current| current.digest() != then.digest());
    match live.seen(id) {
        Seen::Absent if is_manual => Some(Retained::ManualAbsent),
        Seen::Absent if runs_once && !has_run(id, then, records) => Some(Retained::RanAlready),
        Seen::Present(_) if is_manual => Some(Retained::Manual),
        Seen::Present(_) if runs_once && differs => Some(Retained::RunsOnce),
        Seen::Present(there) if lost_version(then.sent(), there).is_some() => {
            Some(Retained::StoredVersion)
        }
        Seen::Present(_) if id.is_data() && differs => Some(Retained::Data),
        Seen::Present(_) if id.is_secret() && !restore_secrets => Some(if differs {
            Retained::Secret
        } else {
            Retained::Same
        }),
        _ => None,
    }
}

/// Writes custom resources in a version that is served where their definition stays as it is and
/// serves theirs no more. Without a webhook versions differ in nothing but the name; what only a
/// webhook could translate is left for preflight to name.
/// <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#specify-multiple-versions>
fn rename_unserved(
    wanted: &mut DesiredState,
    retained: &BTreeMap<ObjectId, Retained>,
    live: &Live,
) {
    let stays = retained
        .iter()
        .filter(|(_, why)| **why == Retained::StoredVersion);
    let definitions = stays
        .filter_map(|(id, _)| Definition::of(live.object(id)?))
        .filter(|definition| !definition.is_converted_by_webhook());
    for definition in definitions {
        let served = || definition.versions().filter(|version| version.is_served);
        // Through another version than the stored one, fields that it does not know would be lost.
        let best = served()
            .find(|version| version.is_stored)
            .or_else(|| served().next());
        let defined = wanted.objects.iter_mut().filter(|(id, _)| {
            (id.group.as_str(), id.kind.as_str()) == (definition.group(), definition.kind())
        });
        for (_, object) in defined {
            let version = object.object.api_version.split('/').nth(1);
            let is_served = served().any(|served| Some(served.name) == version);
            if let Some(best) = best.filter(|_| !is_served) {
                object.rename_version(&format!("{}/{}", definition.group(), best.name));
            }
        }
    }
}

/// What is there now in the place that the earlier revision has for it.
fn in_place_of(then: &DesiredObject, current: Option<&DesiredObject>) -> DesiredObject {
    let mut object = current.unwrap_or(then).clone();
    object.phase = then.phase.clone();
    object.order = then.order.clone();
    object
}

/// Goes on wanting what the earlier revision did not have and is marked `rollback: manual`, with
/// the phases that it belongs to.
fn carry_over(
    wanted: &mut DesiredState,
    retained: &mut BTreeMap<ObjectId, Retained>,
    now: &[DesiredState],
    live: &Live,
) {
    let mut phases: HashMap<&str, &PhaseSettings> = HashMap::new();
    for state in now.iter().rev() {
        phases.extend(
            state
                .phases
                .iter()
                .map(|phase| (phase.name.as_str(), phase)),
        );
    }
    for (id, object) in now.iter().flat_map(|now| &now.objects) {
        let is_new = !wanted.objects.contains_key(id) && !retained.contains_key(id);
        if !is_new || object.marks.rollback != RollbackMark::Manual || live.object(id).is_none() {
            continue;
        }
        retained.insert(id.clone(), Retained::Manual);
        wanted.objects.insert(id.clone(), object.clone());
        let is_known = wanted
            .phases
            .iter()
            .any(|phase| object.phase.is_declared_as(&phase.name));
        if let Some(phase) = phases.get(object.phase.name()).filter(|_| !is_known) {
            let mut phase = (*phase).clone();
            phase
                .after
                .retain(|name| wanted.phases.iter().any(|known| known.name == *name));
            wanted.phases.push(phase);
        }
    }
}
