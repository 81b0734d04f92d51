//! What a plan or an annotation says about how an object is changed and put back.

use serde::{Deserialize, Serialize};

/// The annotation on a template of pods by which they are restarted where something changed that
/// they read only when they start.
pub(crate) const CONFIG_DIGEST: &str = "deployctl.dev/config-digest";

/// What the plan, or annotations on the object, say about how it is changed and put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Marks {
    /// It may be deleted and created anew where it is changed in what cannot be changed.
    pub(crate) recreate: bool,
    /// What a rollback does with it.
    pub(crate) rollback: RollbackMark,
    /// Whether its pods are restarted when a ConfigMap or Secret changes that they read; `None`: as
    /// the plan says.
    pub(crate) restart_on_change: Option<bool>,
}

/// What annotations on an object say; what is not said there is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct AnnotatedMarks {
    /// See [`Marks::recreate`].
    pub(crate) recreate: Option<bool>,
    /// See [`Marks::rollback`].
    pub(crate) rollback: Option<RollbackMark>,
    /// See [`Marks::restart_on_change`].
    pub(crate) restart_on_change: Option<bool>,
}

/// What a rollback does with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RollbackMark {
    /// It is put back; what runs once is not run again.
    #[default]
    Restore,
    /// It is left as it is, and named: somebody has to decide. For databases whose schema has moved
    /// on.
    Manual,
    /// It is put back, and run again where it is a Job.
    Rerun,
}
