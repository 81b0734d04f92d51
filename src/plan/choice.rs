//! Parts of a plan that conditions leave out.

use std::fmt;

use super::condition::Judgement;

/// A part of a plan that conditions may stand on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PlanPart {
    /// A phase, by its name.
    Phase(String),
    /// A declared Secret, by its name.
    Secret(String),
    /// A required definition, by its name.
    RequiredCrd(String),
    /// A source, as it is written.
    Source(String),
}

impl fmt::Display for PlanPart {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, name) = match self {
            Self::Phase(name) => ("phase", name),
            Self::Secret(name) => ("secret", name),
            Self::RequiredCrd(name) => ("required definition", name),
            Self::Source(name) => ("source", name),
        };
        write!(formatter, "{what} `{name}`")
    }
}

/// A part that is left out, or would be if something that is assumed were not so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Skipped {
    /// The part.
    pub(crate) part: PlanPart,
    /// Why it is left out, or what is assumed.
    pub(crate) why: String,
}

/// What conditions make of a plan.
#[derive(Debug, Clone, Default)]
pub(crate) struct Choice {
    /// The parts that are left out, and why.
    pub(crate) skipped: Vec<Skipped>,
    /// The parts that are there because something is assumed that only a cluster knows.
    pub(crate) assumed: Vec<Skipped>,
}

impl Choice {
    /// Whether `part` is left out.
    pub(crate) fn skips(&self, part: &PlanPart) -> bool {
        self.skipped.iter().any(|skipped| skipped.part == *part)
    }

    /// Takes down what the conditions on `part` have come to.
    pub(crate) fn add(&mut self, part: PlanPart, judgement: Judgement) {
        let Judgement { skipped, assumed } = judgement;
        if let Some(why) = skipped {
            self.skipped.push(Skipped { part, why });
        } else if let Some(why) = assumed {
            self.assumed.push(Skipped { part, why });
        }
    }
}
