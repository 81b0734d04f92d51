//! Whether what an object has and nobody wants has to do with a refusal.

use crate::{cluster::RefusalCause, ownership::Leftover};

/// How near a field that nobody wants is to one that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Nearness {
    /// It is that field, or lies around it.
    Named,
    /// It is another member of the union of which only one may be there.
    Member,
}

/// How the API server says that only one member of a union may be there: it names the last one, be
/// it wanted or not.
const ONE_ONLY: [&str; 3] = [
    "may not specify more than",
    "must not specify more than",
    "exactly one",
];

/// How near `left` is to the nearest of `causes`; `None` where it has nothing to do with them.
pub(super) fn nearness_of(left: &Leftover, causes: &[RefusalCause]) -> Option<Nearness> {
    let path = fields_of(&left.path.to_string());
    let (parent, _) = path.rsplit_once('.').unwrap_or_default();
    let near = |cause: &RefusalCause| {
        let field = fields_of(&cause.field);
        let (around, _) = field.rsplit_once('.').unwrap_or_default();
        let is_union = ONE_ONLY.iter().any(|words| cause.message.contains(words));
        if field == path || field.starts_with(&format!("{path}.")) {
            Some(Nearness::Named)
        } else {
            let is_beside = parent == field || parent == around;
            (is_beside && is_union && left.has_parts).then_some(Nearness::Member)
        }
    };
    causes.iter().filter_map(near).min()
}

/// `path` without what says which item of a list is meant: the API server counts them, and
/// `managedFields` name them by their keys.
fn fields_of(path: &str) -> String {
    let mut depth = 0_usize;
    let mut is_outside = |character: char| {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => return depth == 0,
        }
        false
    };
    path.chars()
        .filter(|character| is_outside(*character))
        .collect()
}
