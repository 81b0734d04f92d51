//! When an `HTTPProxy` of Contour that includes others is ready.

use crate::{
    object::{
        Condition,
        field::{list, text},
    },
    readiness::{case::Case, verdict::Verdict},
};

/// A proxy that is only at odds with the children that it includes serves its own routes: children
/// come and go by themselves.
///
/// See <https://projectcontour.io/docs/main/config/inclusion-delegation/>.
pub(in crate::readiness::custom) fn includes(case: &Case<'_>) -> Option<Verdict> {
    case.view().condition("Valid").filter(Condition::is_false)?;
    let valid = list(case.object, "/status/conditions")
        .iter()
        .find(|entry| text(entry, "/type") == Some("Valid"))?;
    let errors = list(valid, "/errors");
    let only_includes = !errors.is_empty()
        && errors
            .iter()
            .all(|error| text(error, "/type") == Some("IncludeError"));
    only_includes.then(|| {
        Verdict::ready("its own routes are valid, but a child that it includes is missing")
    })
}
