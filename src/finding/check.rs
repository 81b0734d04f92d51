//! What is known of a check, whatever it finds.

use serde::Serialize;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Severity {
    /// Nothing is done before it is mended.
    Error,
    /// It can be done, but may not be what was meant.
    Warning,
}

/// Where a check runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Without a cluster: in `validate`, and in whatever reads the plan.
    Offline,
    /// With what the cluster holds and says, in `up`.
    Cluster,
}

/// Whether a check can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Skip {
    /// By `--skip-check NAME`.
    ByName,
    /// It cannot: nothing could be done all the same, because the program or the API server would
    /// refuse it, or another flag is there to decide about it.
    Never,
}

/// What is known of a check.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// Its name, which scripts rely on.
    pub(super) name: &'static str,
    /// How bad what it finds is.
    pub(super) severity: Severity,
    /// Where it runs.
    pub(super) place: Place,
    /// Whether it can be left out.
    pub(super) skip: Skip,
    /// What it finds, in one sentence.
    pub(super) finds: &'static str,
}
