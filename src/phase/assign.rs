//! Puts every object into a phase, by the first rule that has an answer.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::{
    matching::{by_match, by_path, by_source},
    reason::PhaseReason,
    table::{follows, phase_of_image, phase_of_kind, phase_of_labels},
};
use crate::{
    finding::Check,
    object::{Object, ObjectId, PhaseHint, Problem, References},
    plan::PhaseSettings,
};

/// The phase of one object, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placement {
    /// Number of the phase in the plan's order of phases.
    pub(crate) phase: usize,
    /// Why it is there.
    pub(crate) reason: PhaseReason,
}

/// Which object belongs to which phase.
#[derive(Debug, Clone, Default)]
pub(crate) struct Assignment {
    /// The placement of every object, in the order of the objects.
    pub(crate) placements: IndexMap<ObjectId, Placement>,
    /// Objects that need something of a phase that does not come before theirs.
    pub(crate) warnings: Vec<Problem>,
    /// Those of them that cannot exist without it, each with what it needs.
    pub(crate) too_early: Vec<(ObjectId, ObjectId)>,
}

impl Assignment {
    /// The objects of the phase with number `phase`, in their order.
    pub(crate) fn objects_of(&self, phase: usize) -> impl Iterator<Item = &ObjectId> {
        self.placements
            .iter()
            .filter(move |(_, placement)| placement.phase == phase)
            .map(|(id, _)| id)
    }
}

/// Puts every object into a phase of `phases`, which are in order.
///
/// What was written down decides first: the annotation, then `match`, then folder and file name.
/// Then what the object is. Objects that serve a workload follow it, into the earliest phase if
/// they serve several, and what an object of an earlier phase needs is moved there, unless it was
/// written down otherwise. What that object cannot exist without is moved out of its file's phase
/// too, and stays only where annotation or `match` say so.
pub(crate) fn assign(
    objects: &IndexMap<ObjectId, Object>,
    hints: &HashMap<ObjectId, PhaseHint>,
    references: &References,
    phases: &[PhaseSettings],
) -> Result<Assignment, Vec<Problem>> {
    let mut assigning = Assigning {
        objects,
        references,
        phases,
        before: predecessors(phases),
        placements: IndexMap::new(),
    };
    let mut problems = Vec::new();
    let nothing = PhaseHint::default();
    for (id, object) in objects {
        match assigning.place(object, hints.get(id).unwrap_or(&nothing)) {
            Ok(placement) => drop(assigning.placements.insert(id.clone(), placement)),
            Err(problem) => problems.push(*problem),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    assigning.follow();
    while assigning.pull_forward() {}
    let late = assigning.late_needs();
    let is_vital = |(id, need): &&(&ObjectId, &ObjectId)| references.is_vital(id, need);
    Ok(Assignment {
        warnings: late.iter().map(|late| assigning.late(*late)).collect(),
        too_early: late
            .iter()
            .filter(is_vital)
            .map(|(id, need)| ((*id).clone(), (*need).clone()))
            .collect(),
        placements: assigning.placements,
    })
}

struct Assigning<'a> {
    objects: &'a IndexMap<ObjectId, Object>,
    references: &'a References,
    phases: &'a [PhaseSettings],
    /// For each phase, whether each other phase has ended before it starts.
    before: Vec<Vec<bool>>,
    placements: IndexMap<ObjectId, Placement>,
}

impl Assigning<'_> {
    fn place(&self, object: &Object, hint: &PhaseHint) -> Result<Placement, Box<Problem>> {
        if let Some(name) = &hint.annotation {
            let phase = self.phases.iter().position(|phase| phase.name == *name);
            return phase
                .map(|phase| Placement {
                    phase,
                    reason: PhaseReason::Annotation,
                })
                .ok_or_else(|| Box::new(self.unknown_phase(object, name)));
        }
        let written = by_match(object, hint, self.phases)
            .or_else(|| by_source(hint, self.phases))
            .or_else(|| by_path(hint, self.phases));
        if let Some((phase, reason)) = written {
            return Ok(Placement { phase, reason });
        }
        let known = phase_of_image(&object.id, &object.body)
            .or_else(|| phase_of_labels(&object.id, &object.body));
        let (name, reason) = match known {
            Some((name, what)) => (name, PhaseReason::Known(what)),
            None => (phase_of_kind(&object.id), PhaseReason::Kind),
        };
        let phase = self
            .phases
            .iter()
            .position(|phase| phase.name == name)
            .unwrap_or(0);
        Ok(Placement { phase, reason })
    }

    fn unknown_phase(&self, object: &Object, name: &str) -> Problem {
        let known = self
            .phases
            .iter()
            .map(|phase| format!("`{}`", phase.name))
            .collect::<Vec<_>>()
            .join(", ");
        let problem = Problem::error(format!(
            "the annotation `deployctl.dev/phase` names the phase `{name}`, which the plan does not have"
        ));
        problem
            .at(&object.origin)
            .about(&object.id)
            .hint(format!("use one of {known}"))
    }

    /// Moves what serves workloads to the earliest of their phases.
    fn follow(&mut self) {
        for id in self.objects.keys().filter(|id| follows(id)) {
            if self.placements[id].reason != PhaseReason::Kind {
                continue;
            }
            let served = self
                .references
                .serves(id)
                .iter()
                .filter_map(|workload| Some((self.placements.get(workload)?.phase, workload)));
            // The first of equals, so that the reason does not depend on a hash.
            if let Some((phase, workload)) = served.min_by_key(|(phase, _)| *phase) {
                let reason = PhaseReason::Follows(workload.clone());
                self.placements
                    .insert(id.clone(), Placement { phase, reason });
            }
        }
    }

    /// Moves what objects need and what does not come before them, and says whether anything was:
    /// what that needs in turn may have to be moved next. Moves go to lower numbers, so this ends.
    fn pull_forward(&mut self) -> bool {
        let mut ids: Vec<&ObjectId> = self.objects.keys().collect();
        ids.sort_by_key(|id| self.placements[*id].phase);
        let mut moved = false;
        for id in ids {
            for need in self.references.needs(id) {
                if let Some(placement) = self.moved(need, id) {
                    self.placements.insert(need.clone(), placement);
                    moved = true;
                }
            }
        }
        moved
    }

    /// Where `need` goes so that it comes before `id`: to the phase of `id`, or to the last one that
    /// comes before both; `None` where it comes before it, or may not be moved.
    fn moved(&self, need: &ObjectId, id: &ObjectId) -> Option<Placement> {
        let (own, placed) = (self.placements[id].phase, &self.placements[need]);
        let is_fixed = placed.reason.is_said_of_object()
            || placed.reason.is_explicit() && !self.references.is_vital(id, need);
        if is_fixed || self.is_in_time(placed.phase, own) {
            return None;
        }
        let mut earlier = (0..placed.phase).rev();
        let phase = earlier.find(|phase| self.is_in_time(*phase, own))?;
        let reason = match &placed.reason {
            PhaseReason::Moved { from, .. } => PhaseReason::Moved {
                before: id.clone(),
                from: from.clone(),
            },
            explicit if explicit.is_explicit() => PhaseReason::Moved {
                before: id.clone(),
                from: format!("`{}` ({explicit})", self.phases[placed.phase].name),
            },
            _ => PhaseReason::Follows(id.clone()),
        };
        Some(Placement { phase, reason })
    }

    /// Whether what is in `phase` is there for the objects of the phase `own`.
    fn is_in_time(&self, phase: usize, own: usize) -> bool {
        phase == own || self.before[own][phase]
    }

    /// Objects, each with something that it needs and that may come later.
    fn late_needs(&self) -> Vec<(&ObjectId, &ObjectId)> {
        let needs = |id| self.references.needs(id).iter().map(move |need| (id, need));
        let is_late = |(id, need): &(&ObjectId, &ObjectId)| {
            !self.is_in_time(self.placements[*need].phase, self.placements[*id].phase)
        };
        self.objects
            .keys()
            .flat_map(needs)
            .filter(is_late)
            .collect()
    }

    fn late(&self, (id, need): (&ObjectId, &ObjectId)) -> Problem {
        let placed = &self.placements[need];
        let own = &self.phases[self.placements[id].phase].name;
        let late = &self.phases[placed.phase].name;
        let message = format!(
            "it is in phase `{own}` and needs {need}, which is in phase `{late}` ({}) and may come later",
            placed.reason
        );
        let place = &self.objects[need].origin;
        let hint = format!("put {need} ({place}) into `{own}` or an earlier phase");
        Problem::of(Check::LateNeed, message)
            .at(&self.objects[id].origin)
            .about(id)
            .hint(hint)
    }
}

/// For each phase, which phases have ended before it starts, directly or by way of others.
pub(super) fn predecessors(phases: &[PhaseSettings]) -> Vec<Vec<bool>> {
    let mut before: Vec<Vec<bool>> = Vec::with_capacity(phases.len());
    for phase in phases {
        let mut own = vec![false; phases.len()];
        for index in phase
            .after
            .iter()
            .filter_map(|name| phases.iter().position(|other| other.name == *name))
        {
            own[index] = true;
            if let Some(further) = before.get(index) {
                own.iter_mut()
                    .zip(further)
                    .for_each(|(own, further)| *own |= further);
            }
        }
        before.push(own);
    }
    before
}
