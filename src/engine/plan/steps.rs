//! Steps that several programs have: what removes objects, wave by wave.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::engine::plan::decide::{ChangeAction, Decision};
use crate::{
    cluster::Live,
    object::{HasKind as _, ManifestView, ObjectId, field::text, is_unbound_claim},
    plan::PhaseId,
    release::{Belongings, Program, StepId, Work},
};

/// An object that is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Removal {
    /// The object.
    pub(crate) id: ObjectId,
    /// The phase that it belonged to.
    pub(crate) phase: PhaseId,
    /// How it goes.
    pub(crate) how: RemovalMode,
}

/// How an object goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RemovalMode {
    /// It is deleted, where it still has this uid.
    Delete {
        uid: String,
        belongings: Belongings,
        /// It stays where something is in it: in a Namespace, of the kind of a definition, on a
        /// claim that had no volume when it was looked at.
        if_empty: bool,
    },
    /// Others hold it too: our mark is taken off.
    GiveUp,
}

impl Removal {
    /// The deletion of `live`, the object `id`, of `phase`.
    pub(crate) fn delete(id: &ObjectId, phase: &PhaseId, live: &Value) -> Self {
        let uid = ManifestView(live).uid().unwrap_or_default().to_owned();
        Self {
            id: id.clone(),
            phase: phase.clone(),
            how: RemovalMode::Delete {
                uid,
                belongings: belongings(id, live),
                if_empty: id.is_container() || is_unbound_claim(live),
            },
        }
    }

    /// It goes with all that belongs to it, and with its data.
    pub(crate) fn with_data(&mut self) {
        if let RemovalMode::Delete {
            belongings,
            if_empty,
            ..
        } = &mut self.how
        {
            *belongings = Belongings::Go;
            *if_empty = self.id.is_container();
        }
    }

    /// What belongs to the object stays for what is created in its place: the pods and claims of a
    /// StatefulSet.
    pub(crate) fn orphan_dependents(&mut self) {
        if let (RemovalMode::Delete { belongings, .. }, true) =
            (&mut self.how, self.id.is_like_stateful_set())
        {
            *belongings = Belongings::Stay;
        }
    }

    /// What it has taken over stays; what it made goes with it.
    fn spare_taken_over(&mut self) {
        if let RemovalMode::Delete { belongings, .. } = &mut self.how
            && *belongings == Belongings::Go
        {
            *belongings = Belongings::TakenOverStays;
        }
    }

    /// Whether it certainly goes: it does not depend on what is in it, or needed for a claim.
    fn is_certain(&self) -> bool {
        matches!(
            self.how,
            RemovalMode::Delete {
                if_empty: false,
                ..
            }
        )
    }

    /// Whether it is deleted, and not only given up.
    pub(crate) fn is_deletion(&self) -> bool {
        matches!(self.how, RemovalMode::Delete { .. })
    }

    /// The step that removes it.
    pub(crate) fn work(&self) -> Work {
        let object = self.id.clone();
        match &self.how {
            RemovalMode::Delete {
                uid,
                belongings,
                if_empty,
            } => Work::Delete {
                object,
                uid: uid.clone(),
                belongings: *belongings,
                if_empty: *if_empty,
            },
            RemovalMode::GiveUp => Work::GiveUp { object },
        }
    }
}

/// Lets those of `removals` that are among `secrets` stay where a claim stays that may need them.
pub(crate) fn keep_while_needed(removals: &mut [Removal], secrets: &BTreeSet<ObjectId>) {
    for removal in removals {
        if let (RemovalMode::Delete { if_empty, .. }, true) =
            (&mut removal.how, secrets.contains(&removal.id))
        {
            *if_empty = true;
        }
    }
}

/// Keeps those of `removals` from taking along what belongs to them in `live` and `stays`, a
/// question about an object and the owner that goes: an operator may have put what it made of one
/// of them into the `ownerReferences` of an object that was there before.
/// <https://kubernetes.io/docs/concepts/architecture/garbage-collection/#owners-dependents>
pub(crate) fn spare_taken_over(
    removals: &mut [Removal],
    live: &Live,
    stays: impl Fn(&ObjectId, &Value, &Value) -> bool,
) {
    let certain = removals.iter().filter(|removal| removal.is_certain());
    let going: BTreeSet<ObjectId> = certain.map(|removal| removal.id.clone()).collect();
    let owned: Vec<(&ObjectId, &Value)> = live
        .present()
        .map(|(id, there)| (id, there.as_ref()))
        .filter(|(id, there)| !going.contains(*id) && ManifestView(there).owners().next().is_some())
        .collect();
    for removal in removals {
        let Some(owner) = live.object(&removal.id) else {
            continue;
        };
        let belongs = |there: &Value| ManifestView(there).belongs_to(owner);
        if owned
            .iter()
            .any(|(id, there)| belongs(there) && stays(id, there, owner))
        {
            removal.spare_taken_over();
        }
    }
}

/// What becomes of what belongs to `live` when it is deleted: a StatefulSet that would take its
/// claims along is kept from it.
/// <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention>
fn belongings(id: &ObjectId, live: &Value) -> Belongings {
    let when_deleted = text(
        live,
        "/spec/persistentVolumeClaimRetentionPolicy/whenDeleted",
    );
    if id.is_like_stateful_set() && when_deleted == Some("Delete") {
        Belongings::ClaimsStay
    } else {
        Belongings::Go
    }
}

/// What a webhook or an aggregated API does to requests ends with it: it goes before everything
/// else, since it may stand in the way.
pub(crate) fn intercepts_requests(id: &ObjectId) -> bool {
    let policy_binding = (
        "admissionregistration.k8s.io",
        "ValidatingAdmissionPolicyBinding",
    );
    id.is_webhook_configuration() || id.is_api_service() || id.group_and_kind() == policy_binding
}

/// Adds steps that remove `removals` after the steps `after`, the last phase of `phases` first, and
/// wait for each phase until what was deleted is gone. `in_phase` says under which name the steps
/// run. Returns the last steps.
///
/// Within a phase Namespaces and CustomResourceDefinitions go last: what is in them goes before. A
/// phase that is unknown counts as the last one.
pub(crate) fn push_removals(
    program: &mut Program,
    removals: &[Removal],
    phases: &[PhaseId],
    after: Vec<StepId>,
    in_phase: impl Fn(&Removal) -> PhaseId,
) -> Vec<StepId> {
    let mut waves: Vec<(Wave, Vec<&Removal>)> = Vec::new();
    for removal in removals {
        let wave = Wave::of(removal, phases);
        match waves.iter_mut().find(|(known, _)| *known == wave) {
            Some((_, members)) => members.push(removal),
            None => waves.push((wave, vec![removal])),
        }
    }
    waves.sort_by_key(|(wave, _)| *wave);
    let mut after = after;
    for (number, (_, members)) in waves.iter().enumerate() {
        let later: Vec<PhaseId> = waves[number + 1..]
            .iter()
            .flat_map(|(_, members)| members)
            .map(|removal| in_phase(removal))
            .collect();
        let mut by_phase: BTreeMap<PhaseId, Vec<&Removal>> = BTreeMap::new();
        for removal in members {
            by_phase.entry(in_phase(removal)).or_default().push(removal);
        }
        let groups = by_phase.into_iter();
        after = groups
            .map(|(phase, members)| {
                push_group(program, &phase, &members, &after, !later.contains(&phase))
            })
            .collect();
    }
    after
}

/// Adds the steps that remove `members` of one phase, and the wait until they are gone; returns the
/// wait.
fn push_group(
    program: &mut Program,
    phase: &PhaseId,
    members: &[&Removal],
    after: &[StepId],
    ends_phase: bool,
) -> StepId {
    let steps: Vec<StepId> = members
        .iter()
        .map(|removal| program.push(phase, after.to_vec(), u32::MAX, removal.work()))
        .collect();
    let deleted = members.iter().filter(|removal| removal.is_deletion());
    let objects = deleted.map(|removal| removal.id.clone()).collect();
    program.push(
        phase,
        steps,
        u32::MAX,
        Work::AwaitGone {
            objects,
            ends_phase,
            required: false,
        },
    )
}

/// Adds the deletion of what has the name of something that is created anew next, and the wait for
/// it; returns the wait. What belongs to it stays for its successor.
pub(crate) fn push_replaced(
    program: &mut Program,
    mut removal: Removal,
    after: Vec<StepId>,
) -> StepId {
    removal.orphan_dependents();
    let deleted = program.push(&removal.phase, after, u32::MAX, removal.work());
    push_await_free(program, &removal.phase, vec![deleted], removal.id)
}

/// Adds the steps after which the name of an object is free, where it has to be created anew, and
/// returns the last one.
pub(crate) fn push_cleared(
    program: &mut Program,
    decision: &Decision,
    (phase, live): (&PhaseId, &Live),
    before: &[StepId],
) -> Option<StepId> {
    let (id, after) = (&decision.id, before.to_vec());
    if decision.action == ChangeAction::Replace {
        let removal = Removal::delete(id, phase, live.object(id)?);
        Some(push_replaced(program, removal, after))
    } else if decision.terminating {
        Some(push_await_free(program, phase, after, id.clone()))
    } else {
        None
    }
}

/// Adds the wait until the name of `id` is free, because it is created next.
pub(crate) fn push_await_free(
    program: &mut Program,
    phase: &PhaseId,
    after: Vec<StepId>,
    id: ObjectId,
) -> StepId {
    let work = Work::AwaitGone {
        objects: vec![id],
        ends_phase: false,
        required: true,
    };
    program.push(phase, after, u32::MAX, work)
}

/// Adds the wait until `objects` are ready.
pub(crate) fn push_await_ready(
    program: &mut Program,
    phase: &PhaseId,
    after: Vec<StepId>,
    objects: Vec<ObjectId>,
    ends_phase: bool,
) -> StepId {
    let work = Work::AwaitReady {
        objects,
        ends_phase,
    };
    program.push(phase, after, u32::MAX, work)
}

/// When an object goes: lower waves first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Wave {
    /// 0: what stands in the way; 1: the others; 2: Namespaces and definitions.
    container: u8,
    /// The last phase first.
    phase: usize,
    /// 0: most; 1: claims that must have no volume, once what makes them is gone; 2: Secrets that
    /// such a claim may need.
    late: u8,
}

impl Wave {
    fn of(removal: &Removal, phases: &[PhaseId]) -> Self {
        let from_the_end = phases
            .iter()
            .rev()
            .position(|phase| *phase == removal.phase)
            .map_or(0, |position| position + 1);
        let id = &removal.id;
        let (container, phase) = if intercepts_requests(id) {
            (0, 0)
        } else if id.is_definition() {
            (2, 0)
        } else if id.is_namespace() {
            (2, 1)
        } else {
            (1, from_the_end)
        };
        let late = match &removal.how {
            RemovalMode::Delete { if_empty: true, .. } if id.is_claim() => 1,
            RemovalMode::Delete { if_empty: true, .. } if id.is_secret() => 2,
            _ => 0,
        };
        Self {
            container,
            phase,
            late,
        }
    }
}
