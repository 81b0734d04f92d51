//! `--recreate KIND/NAME`: which objects may be deleted and created anew.

use crate::engine::{desired::DesiredState, prepare::part::check_name, prepare::secrets};
use crate::{error::CommandError, object::ObjectId, plan::Plan};

/// Refuses names that no object of the plan has.
pub(crate) fn check(
    names: &[String],
    desired: &DesiredState,
    plan: &Plan,
) -> Result<(), CommandError> {
    let known: Vec<ObjectId> = desired
        .objects
        .keys()
        .cloned()
        .chain(secrets::declared(plan))
        .collect();
    let mut names = names.iter();
    names.try_for_each(|name| check_name("--recreate", name, known.iter()))
}

/// Marks the objects that `names` name.
pub(crate) fn mark(names: &[String], desired: &mut DesiredState) {
    for (id, object) in &mut desired.objects {
        object.marks.recreate |= names.iter().any(|name| id.is_called(name));
    }
}
