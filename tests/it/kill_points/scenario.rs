use super::{platform::Variant, release::Release};
use crate::support::Deployctl;

/// What is being done when the program is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scenario {
    /// The first `up`.
    Install,
    /// An `up` that changes, adds and removes.
    Upgrade,
    /// A `rollback` of such an `up`.
    Rollback,
}

/// How a release that was killed comes into a whole state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Rollback,
}

/// A state of a release that is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// What the killed run was to bring.
    Wanted,
    /// What was there before it.
    Before,
}

/// What became of the newest revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The killed run has not stored one.
    Untouched,
    /// It is neither completed nor rolled back.
    Unsettled,
    /// The killed run, or one after it, has brought what is wanted.
    Succeeded,
    /// The killed run is rolled back.
    RolledBack,
}

impl Scenario {
    /// What is deployed, one after the other, before it begins.
    pub(super) fn before(self) -> &'static [Variant] {
        match self {
            Self::Install => &[],
            Self::Upgrade => &[Variant::Base],
            Self::Rollback => &[Variant::Base, Variant::Changed],
        }
    }

    /// What it is to bring.
    pub(super) fn wanted(self) -> Variant {
        match self {
            Self::Install | Self::Rollback => Variant::Base,
            Self::Upgrade => Variant::Changed,
        }
    }

    /// What is there when it has come to `end`; `None` where nothing is.
    pub(super) fn at(self, end: End) -> Option<Variant> {
        match end {
            End::Wanted => Some(self.wanted()),
            End::Before => self.before().last().copied(),
        }
    }

    /// The command that is killed.
    pub(super) fn command(self, release: &Release<'_>) -> Deployctl {
        match self {
            Self::Install | Self::Upgrade => release.up(self.wanted()),
            Self::Rollback => release.rollback(),
        }
    }

    /// The state that `rollback` brings after a kill that left the newest revision at `standing`;
    /// `None` where there is nothing to go back to, so that it refuses.
    pub(super) fn rolls_back_to(self, standing: Standing) -> Option<End> {
        match (self, standing) {
            (_, Standing::Unsettled) | (Self::Upgrade, Standing::Succeeded) => Some(End::Before),
            // The last good revision is the one that what is there now came from, and `rollback`
            // goes to the one before.
            (Self::Rollback, Standing::Untouched | Standing::RolledBack) => Some(End::Wanted),
            // A second rollback goes one revision further back, and there is none.
            (Self::Install | Self::Upgrade, _) | (Self::Rollback, Standing::Succeeded) => None,
        }
    }
}
