//! Why an object is in its phase, as `render --phases` shows it.

use std::fmt;

use crate::object::ObjectId;

/// Why an object belongs to its phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PhaseReason {
    /// The object's annotation `deployctl.dev/phase`.
    Annotation,
    /// An entry of `match` of the phase in the plan, written out.
    Match(String),
    /// What the plan says of the source.
    Source,
    /// The name of a folder that the file is in.
    Folder(String),
    /// The name of the file.
    FileName(String),
    /// What is known about it beside its kind: its image, its name, a label.
    Known(String),
    /// The table of kinds.
    Kind,
    /// It serves, or is needed by, this object.
    Follows(ObjectId),
    /// An object that cannot exist without it is in this phase, whatever the file is called.
    Moved {
        /// That object.
        before: ObjectId,
        /// What its file is called, and where it would be by that.
        from: String,
    },
}

impl PhaseReason {
    /// Whether somebody wrote it down, so that only what cannot exist without the object may move
    /// it.
    pub(super) fn is_explicit(&self) -> bool {
        self.is_said_of_object()
            || matches!(
                self,
                Self::Source | Self::Folder(_) | Self::FileName(_) | Self::Moved { .. }
            )
    }

    /// Whether somebody wrote it down of this object, so that nothing may move it. A file is called
    /// after most of what is in it.
    pub(super) fn is_said_of_object(&self) -> bool {
        matches!(self, Self::Annotation | Self::Match(_))
    }
}

impl fmt::Display for PhaseReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Annotation => formatter.write_str("annotation `deployctl.dev/phase`"),
            Self::Match(entry) => write!(formatter, "match `{entry}`"),
            Self::Source => formatter.write_str("its source's `phase`"),
            Self::Folder(name) => write!(formatter, "folder `{name}`"),
            Self::FileName(name) => write!(formatter, "file name `{name}`"),
            Self::Known(what) => formatter.write_str(what),
            Self::Kind => formatter.write_str("kind"),
            Self::Follows(object) => write!(formatter, "follows {object}"),
            Self::Moved { before, from } => {
                write!(formatter, "before {before}, not in {from}")
            }
        }
    }
}
