//! What was written about an object's phase outside of what is sent to the cluster.

use std::path::PathBuf;

use super::{AnnotatedMarks, ChartPart, Provided};

/// What was written about an object outside of what is sent to the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct PhaseHint {
    /// Value of the annotation `deployctl.dev/phase`, which is removed before apply.
    pub(crate) annotation: Option<String>,
    /// What the other annotations of ours say, which are removed too.
    pub(crate) marks: AnnotatedMarks,
    /// What its annotation says that there will be because of it.
    pub(crate) provides: Vec<Provided>,
    /// What it is in the chart that it comes from.
    pub(crate) part: Option<ChartPart>,
    /// Paths of the values that are others with each rendering.
    pub(crate) generated: Vec<Vec<String>>,
    /// The phase that the plan gives to all objects of their source.
    pub(crate) source_phase: Option<String>,
    /// Path of the file from the source on, the source's own last component included:
    /// `shop/databases/postgres.yaml`.
    pub(crate) path: PathBuf,
    /// Path of the file relative to the plan's folder.
    pub(crate) file: PathBuf,
}
