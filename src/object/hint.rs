use std::path::PathBuf;

/// What was written about the phase of an object outside of what is sent to the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct PhaseHint {
    /// Value of the annotation `deployctl.dev/phase`, which is removed before apply.
    pub(crate) annotation: Option<String>,
    /// Path of the file from the source on, the source's own last component included: `shop/databases/postgres.yaml`.
    pub(crate) path: PathBuf,
    /// Path of the file relative to the plan's folder.
    pub(crate) file: PathBuf,
}
