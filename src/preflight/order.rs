//! Objects that the plan puts before what they cannot exist without.

use super::Finding;
use crate::{
    finding::Check,
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
    let message = format!(
        "it is in phase `{}` and cannot exist without {needed} ({}), which phase `{}` creates",
        object.phase, need.object.origin, need.phase
    );
    Finding::of(Check::TooEarly, message)
        .about(object.object)
        .remedy(format!(
            "put {needed} into phase `{}` or an earlier one: its annotation `deployctl.dev/phase`, or the plan's `match`, puts it into `{}`",
            object.phase, need.phase
        ))
        .of_usage()
}

/// That `object`, a hook of a chart, is no part of a run that writes others of its chart.
pub(crate) fn cut_off_hook(object: &Object) -> Finding {
    let message =
        "this hook is to be run with its chart, of which this run writes a part without it";
    Finding::of(Check::IncompletePart, message)
        .about(object)
        .remedy("deploy the chart as a whole, without `--phase`, `--only` and `--selector`")
        .of_usage()
}

/// That annotations put `object` after `first`, which is no part of the run and not there.
pub(crate) fn after_absent(object: &Object, first: &ObjectId) -> Finding {
    let message =
        format!("its annotations put it after {first}, which is not there and no part of this run");
    Finding::of(Check::IncompletePart, message)
        .about(object)
        .remedy(format!("run it first, or too: `--only {first}`"))
        .of_usage()
}
