//! The part of a plan that a run is about.

use serde_json::Value;

use crate::{
    engine::desired::DesiredObject,
    object::{LabelSelector, ObjectId},
    plan::PhaseId,
};

/// The part of a plan that a run is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selection {
    /// All.
    All,
    /// Only what all of this is said of.
    Only(Part),
    /// Nothing: what is deployed goes on being wanted.
    Nothing,
}

/// A part of a plan. What is empty says nothing; what is given narrows the rest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Part {
    /// The names of phases.
    pub(crate) phases: Vec<String>,
    /// Objects as the user names them.
    pub(crate) objects: Vec<String>,
    /// What objects are labelled with.
    pub(crate) labels: Option<LabelSelector>,
}

impl Part {
    fn holds_phase(&self, phase: &PhaseId) -> bool {
        self.phases.is_empty() || self.phases.iter().any(|name| phase.is_declared_as(name))
    }

    /// Whether not all objects of a phase are chosen.
    pub(crate) fn is_of_objects(&self) -> bool {
        !self.objects.is_empty() || self.labels.is_some()
    }

    /// Whether `id` is among what is named, if anything is.
    pub(crate) fn names(&self, id: &ObjectId) -> bool {
        self.objects.is_empty() || self.objects.iter().any(|name| id.is_called(name))
    }

    fn is_labelled(&self, object: &Value) -> bool {
        let labels = self.labels.as_ref();
        labels.is_none_or(|labels| labels.selects(object))
    }

    /// The flags that it was chosen by.
    pub(crate) fn flags(&self) -> String {
        let given = [
            ("`--phase`", !self.phases.is_empty()),
            ("`--only`", !self.objects.is_empty()),
            ("`--selector`", self.labels.is_some()),
        ];
        let given = given.into_iter().filter(|(_, given)| *given);
        given
            .map(|(flag, _)| flag)
            .collect::<Vec<_>>()
            .join(" and ")
    }
}

impl Selection {
    /// Whether anything of `phase` may be part of the run.
    pub(crate) fn holds(&self, phase: &PhaseId) -> bool {
        match self {
            Selection::All => true,
            Selection::Only(part) => part.holds_phase(phase),
            Selection::Nothing => false,
        }
    }

    /// Whether everything of `phase` is part of the run.
    pub(crate) fn holds_whole(&self, phase: &PhaseId) -> bool {
        self.holds(phase) && !self.is_of_objects()
    }

    /// Whether only some objects of its phases are part of the run.
    pub(crate) fn is_of_objects(&self) -> bool {
        matches!(self, Selection::Only(part) if part.is_of_objects())
    }

    /// Whether the object `id` of `phase` is part of the run, which is written as `object`.
    pub(crate) fn holds_object(&self, phase: &PhaseId, id: &ObjectId, object: &Value) -> bool {
        let is_chosen = || match self {
            Selection::Only(part) => part.names(id) && part.is_labelled(object),
            Selection::All | Selection::Nothing => true,
        };
        self.holds(phase) && is_chosen()
    }

    /// Whether `wanted` is part of the run.
    pub(crate) fn holds_wanted(&self, wanted: &DesiredObject) -> bool {
        self.holds_object(&wanted.phase, &wanted.object.id, &wanted.object.body)
    }

    /// Whether something of `phase` that is not wanted any more, and is there as `live`, is part of
    /// the run. Names are those of what is wanted.
    pub(crate) fn holds_unwanted(&self, phase: &PhaseId, live: Option<&Value>) -> bool {
        let is_chosen = || match self {
            Selection::Only(part) if part.is_of_objects() => {
                part.objects.is_empty() && live.is_some_and(|live| part.is_labelled(live))
            }
            _ => true,
        };
        self.holds(phase) && is_chosen()
    }
}
