//! Objects that the plan puts before what they cannot exist without.

use super::Finding;
use crate::{
    error::ExitCode,
    object::{Object, ObjectId},
    plan::PhaseId,
};

/// A wanted object and the phase that it is put into.
#[derive(Clone, Copy)]
pub(crate) struct Placed<'a> {
    /// The object.
    pub(crate) object: &'a Object,
    /// The phase.
    pub(crate) phase: &'a PhaseId,
}

/// That `object` is put before `need`, which is not there yet and without which it is refused, or
/// deleted at once.
pub(crate) fn too_early(object: Placed<'_>, need: Placed<'_>) -> Finding {
    let needed = &need.object.id;
    Finding {
        exit: ExitCode::Usage,
        at: Some(object.object.origin.clone()),
        object: Some(object.object.id.clone()),
        message: format!(
            "it is in phase `{}` and cannot exist without {needed} ({}), which phase `{}` creates",
            object.phase, need.object.origin, need.phase
        ),
        remedy: Some(format!(
            "put {needed} into phase `{}` or an earlier one: its annotation `deployctl.dev/phase`, or the plan's `match`, puts it into `{}`",
            object.phase, need.phase
        )),
    }
}

/// That `object`, a hook of a chart, is no part of a run that writes others of its chart.
pub(crate) fn cut_off_hook(object: &Object) -> Finding {
    Finding {
        exit: ExitCode::Usage,
        at: Some(object.origin.clone()),
        object: Some(object.id.clone()),
        message:
            "this hook is to be run with its chart, of which this run writes a part without it"
                .to_owned(),
        remedy: Some(
            "deploy the chart as a whole, without `--phase`, `--only` and `--selector`".to_owned(),
        ),
    }
}

/// That annotations put `object` after `first`, which is no part of the run and not there.
pub(crate) fn after_absent(object: &Object, first: &ObjectId) -> Finding {
    Finding {
        exit: ExitCode::Usage,
        at: Some(object.origin.clone()),
        object: Some(object.id.clone()),
        message: format!(
            "its annotations put it after {first}, which is not there and no part of this run"
        ),
        remedy: Some(format!("run it first, or too: `--only {first}`")),
    }
}
