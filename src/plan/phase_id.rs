//! Which phase something belongs to: one that the plan declares, or one of the program's own.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A phase of a run.
///
/// Its text, in revisions and in events, is the name. A plan may declare a phase that has the name
/// of one of the program's own: then its text is `phases/NAME`, since no name holds a slash.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum PhaseId {
    /// One that the plan declares, or that every plan has.
    Declared(String),
    /// What is no longer wanted is removed in it, once everything else is ready.
    Prune,
    /// For objects of which no phase is known, or one that has left the plan.
    Unassigned,
    /// For objects with the marks of a release that none of its revisions remembers.
    Orphans,
    /// Hooks of charts are run in it before the release is deleted.
    PreDelete,
    /// Hooks of charts are run in it once the release is deleted.
    PostDelete,
    /// The tests of charts are run in it.
    Tests,
}

const PRUNE: &str = "prune";
const UNASSIGNED: &str = "others";
const ORPHANS: &str = "orphans";
const PRE_DELETE: &str = "pre-delete";
const POST_DELETE: &str = "post-delete";
const TESTS: &str = "tests";
/// The names of the program's own phases.
const OWN: [&str; 6] = [PRUNE, UNASSIGNED, ORPHANS, PRE_DELETE, POST_DELETE, TESTS];
/// What the text of a declared phase begins with whose name would be read as another one.
const DECLARED: &str = "phases/";

impl PhaseId {
    /// The phase that a plan declares under `name`.
    pub(crate) fn declared(name: &str) -> Self {
        Self::Declared(name.to_owned())
    }

    /// The name, as people read it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Declared(name) => name,
            Self::Prune => PRUNE,
            Self::Unassigned => UNASSIGNED,
            Self::Orphans => ORPHANS,
            Self::PreDelete => PRE_DELETE,
            Self::PostDelete => POST_DELETE,
            Self::Tests => TESTS,
        }
    }

    /// Whether it is the phase that the plan declares under `name`.
    pub(crate) fn is_declared_as(&self, name: &str) -> bool {
        matches!(self, Self::Declared(declared) if declared == name)
    }

    /// The phase whose text is `text`. None at all is what older revisions say of an object of which
    /// no phase is known.
    fn parse(text: &str) -> Self {
        match text {
            PRUNE => Self::Prune,
            UNASSIGNED | "" => Self::Unassigned,
            ORPHANS => Self::Orphans,
            PRE_DELETE => Self::PreDelete,
            POST_DELETE => Self::PostDelete,
            TESTS => Self::Tests,
            text => Self::declared(text.strip_prefix(DECLARED).unwrap_or(text)),
        }
    }
}

impl fmt::Display for PhaseId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl Serialize for PhaseId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Declared(name) if OWN.contains(&name.as_str()) => {
                serializer.collect_str(&format_args!("{DECLARED}{name}"))
            }
            phase => serializer.serialize_str(phase.name()),
        }
    }
}

impl<'de> Deserialize<'de> for PhaseId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::parse(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_is_read_as_it_was_written() {
        let others = ["apps", "kept"];
        let declared = OWN.into_iter().chain(others).map(PhaseId::declared);
        let own = OWN.map(PhaseId::parse);
        assert!(
            !own.iter()
                .any(|phase| matches!(phase, PhaseId::Declared(_)))
        );
        for phase in declared.chain(own) {
            let text = serde_json::to_string(&phase).expect("a text can be written");
            let read: PhaseId = serde_json::from_str(&text).expect("it is a text");
            assert_eq!(read, phase, "{text}");
        }
    }

    #[test]
    fn what_older_revisions_say_is_read() {
        let read = |text: &str| serde_json::from_value::<PhaseId>(text.into()).expect("a text");
        assert_eq!(read("apps"), PhaseId::declared("apps"));
        assert_eq!(read("prune"), PhaseId::Prune);
        assert_eq!(read(""), PhaseId::Unassigned);
        assert_eq!(read("others"), PhaseId::Unassigned);
    }
}
