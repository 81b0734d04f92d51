//! The words that the table's rows are written in.

use crate::{
    object::Truth,
    readiness::{case::Case, verdict::Verdict},
};

/// What a step answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// As wanted and working.
    Ready,
    /// On its way.
    Busy,
    /// Will not become ready by itself. What a condition says is tolerated for a while first.
    Failed,
    /// Failed, once the object is older than what a start may take; until then on its way.
    Late,
    /// Does nothing because somebody wants it so.
    Idle,
    /// Does nothing because it waits for somebody or for something else: called suspended, but a
    /// phase does not pass.
    Waiting,
    /// Its controller itself says that it does not know, or has not said anything.
    Unknown,
    /// What it stands for outside the cluster is not there.
    Missing,
}

/// Something that is so or is not so about an object.
#[derive(Debug)]
pub(super) enum Test {
    /// It has a condition of this type (`*Ready`: that ends so), with one of these truths and one
    /// of these reasons (none: any).
    Condition {
        kind: &'static str,
        truths: &'static [Truth],
        reasons: &'static [&'static str],
    },
    /// A condition of this type is false and its message begins so.
    Told {
        kind: &'static str,
        messages: &'static [&'static str],
    },
    /// A condition that is false has this `severity`.
    Severity(&'static str),
    /// It has this condition, but of an earlier generation.
    Outdated(&'static str),
    /// It has conditions, but none of this type.
    NoCondition(&'static str),
    /// The word or number at the pointer is one of these, whatever their case; `Updating*` stands
    /// for all that begin so.
    Says {
        at: &'static str,
        words: &'static [&'static str],
    },
    /// A word or number stands at the pointer, and it is none of these.
    SaysOther {
        at: &'static str,
        words: &'static [&'static str],
    },
    /// `true` or `false` stands at the pointer.
    Flag { at: &'static str, value: bool },
    /// Something stands at the pointer that is neither `null` nor empty.
    Has(&'static str),
    /// Nothing stands at the pointer, or `null`, or something empty.
    Lacks(&'static str),
    /// The number at the pointer is above zero.
    Positive(&'static str),
    /// The first number (absent: zero) is smaller than the second.
    Fewer {
        have: &'static str,
        want: &'static str,
    },
    /// It has an annotation of this value.
    Annotated {
        key: &'static str,
        value: &'static str,
    },
    /// It has a label of this value.
    Labelled {
        key: &'static str,
        value: &'static str,
    },
    /// The reference at the first pointer of this entry is none of those in the list at the second
    /// pointer of the whole object.
    Unreferenced {
        reference: &'static str,
        among: &'static str,
    },
    /// Whatever it is.
    Always,
}

/// One look at an object.
#[derive(Debug)]
pub(super) enum Step {
    /// The answer where the test holds.
    When(Test, Outcome),
    /// No further step has an answer where the test holds.
    Ignore(Test),
    /// The condition of this type tells all: true is ready, unknown on its way, false is this.
    Summary {
        kind: &'static str,
        when_false: Outcome,
    },
    /// These steps for each entry of the list or map at the pointer; the worst answer is that of
    /// all.
    Each {
        at: &'static str,
        steps: &'static [Step],
    },
    /// These steps for the object at the pointer, whose conditions stand in it directly.
    Inside {
        at: &'static str,
        steps: &'static [Step],
    },
    /// What no words of this table say.
    Own(fn(&Case<'_>) -> Option<Verdict>),
    /// As `Own`, with an answer to everything.
    Rule(fn(&Case<'_>) -> Verdict),
    /// The rule for kinds without a row, once there is a status.
    General,
}

const TRUE: &[Truth] = &[Truth::True];
const FALSE: &[Truth] = &[Truth::False];
const NOT_TRUE: &[Truth] = &[Truth::False, Truth::Unknown, Truth::Other];
const ANY: &[Truth] = &[Truth::True, Truth::False, Truth::Unknown, Truth::Other];

const fn when(kind: &'static str, truths: &'static [Truth], outcome: Outcome) -> Step {
    Step::When(
        Test::Condition {
            kind,
            truths,
            reasons: &[],
        },
        outcome,
    )
}

/// Ready, failed or on its way as the condition is true, false or unknown.
pub(super) const fn summary(kind: &'static str) -> Step {
    Step::Summary {
        kind,
        when_false: Outcome::Failed,
    }
}

/// Ready where the condition is true, else on its way.
pub(super) const fn settles(kind: &'static str) -> Step {
    Step::Summary {
        kind,
        when_false: Outcome::Busy,
    }
}

/// Ready where the condition is true.
pub(super) const fn ready_if(kind: &'static str) -> Step {
    when(kind, TRUE, Outcome::Ready)
}

/// On its way where the condition is true.
pub(super) const fn busy_if(kind: &'static str) -> Step {
    when(kind, TRUE, Outcome::Busy)
}

/// On its way where the condition is there and not true.
pub(super) const fn busy_unless(kind: &'static str) -> Step {
    when(kind, NOT_TRUE, Outcome::Busy)
}

/// On its way where the condition is unknown.
pub(super) const fn busy_while_unknown(kind: &'static str) -> Step {
    when(kind, &[Truth::Unknown], Outcome::Busy)
}

/// Failed where the condition is true.
pub(super) const fn fails_if(kind: &'static str) -> Step {
    when(kind, TRUE, Outcome::Failed)
}

/// Failed where the condition is false.
pub(super) const fn fails_unless(kind: &'static str) -> Step {
    when(kind, FALSE, Outcome::Failed)
}

/// Failed where the condition is there and not true, be it unknown.
pub(super) const fn fails_unless_true(kind: &'static str) -> Step {
    when(kind, NOT_TRUE, Outcome::Failed)
}

/// Failed where the condition's status is a word that conditions do not have.
pub(super) const fn fails_if_odd(kind: &'static str) -> Step {
    when(kind, &[Truth::Other], Outcome::Failed)
}

/// Suspended where the condition is there and not true.
pub(super) const fn idle_unless(kind: &'static str) -> Step {
    when(kind, NOT_TRUE, Outcome::Idle)
}

/// On its way where the condition is of an earlier generation.
pub(super) const fn outdated(kind: &'static str) -> Step {
    Step::When(Test::Outdated(kind), Outcome::Busy)
}

/// On its way where there is no such condition among the others.
pub(super) const fn busy_without(kind: &'static str) -> Step {
    Step::When(Test::NoCondition(kind), Outcome::Busy)
}

/// Suspended where the condition is true.
pub(super) const fn idle_if(kind: &'static str) -> Step {
    when(kind, TRUE, Outcome::Idle)
}

/// The answer where the condition has one of these reasons, whatever its truth.
pub(super) const fn reason(
    kind: &'static str,
    reasons: &'static [&'static str],
    outcome: Outcome,
) -> Step {
    Step::When(
        Test::Condition {
            kind,
            truths: ANY,
            reasons,
        },
        outcome,
    )
}

/// The answer where the condition is false for one of these reasons.
pub(super) const fn false_for(
    kind: &'static str,
    reasons: &'static [&'static str],
    outcome: Outcome,
) -> Step {
    Step::When(
        Test::Condition {
            kind,
            truths: FALSE,
            reasons,
        },
        outcome,
    )
}

/// The answer where the condition is true for one of these reasons.
pub(super) const fn true_for(
    kind: &'static str,
    reasons: &'static [&'static str],
    outcome: Outcome,
) -> Step {
    Step::When(
        Test::Condition {
            kind,
            truths: TRUE,
            reasons,
        },
        outcome,
    )
}

/// The answer where one of these words stands at the pointer.
pub(super) const fn says(
    at: &'static str,
    words: &'static [&'static str],
    outcome: Outcome,
) -> Step {
    Step::When(Test::Says { at, words }, outcome)
}

/// On its way where another word than these stands at the pointer.
pub(super) const fn busy_unless_says(at: &'static str, words: &'static [&'static str]) -> Step {
    Step::When(Test::SaysOther { at, words }, Outcome::Busy)
}

/// The answer where a flag at the pointer has this value.
pub(super) const fn flag(at: &'static str, value: bool, outcome: Outcome) -> Step {
    Step::When(Test::Flag { at, value }, outcome)
}

/// The answer where something stands at the pointer.
pub(super) const fn has(at: &'static str, outcome: Outcome) -> Step {
    Step::When(Test::Has(at), outcome)
}

/// The answer where nothing stands at the pointer.
pub(super) const fn lacks(at: &'static str, outcome: Outcome) -> Step {
    Step::When(Test::Lacks(at), outcome)
}

/// On its way where the first number is smaller than the second.
pub(super) const fn fewer(have: &'static str, want: &'static str) -> Step {
    Step::When(Test::Fewer { have, want }, Outcome::Busy)
}

/// These steps for each entry of the list or map at the pointer.
pub(super) const fn each(at: &'static str, steps: &'static [Step]) -> Step {
    Step::Each { at, steps }
}

/// Ready as soon as it is stored (if no earlier step says otherwise).
pub(super) const fn stored() -> Step {
    Step::When(Test::Always, Outcome::Ready)
}

impl Test {
    /// Whether it looks at what people want, not at what a controller says: what is switched off is
    /// never observed.
    pub(super) fn is_about_wishes(&self) -> bool {
        match self {
            Test::Flag { at, .. } | Test::Says { at, .. } => at.starts_with("/spec/"),
            Test::Annotated { .. } => true,
            _ => false,
        }
    }
}
