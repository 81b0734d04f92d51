//! What the type of a `match` entry cannot say.

use globset::Glob;

use super::{
    phase_declaration::Match,
    problem::{Document, KeyPath, Problem},
};

/// That `rule`, which stands at `path`, says nothing of objects is added to `problems`: it would be
/// about all of them.
pub(super) fn check_keys(
    document: &Document,
    path: &KeyPath,
    rule: &Match,
    problems: &mut Vec<Problem>,
) {
    if rule.is_empty() {
        let message = "a rule without keys would match everything; give `kind` or another key";
        problems.push(document.error(path, message));
    }
}

/// What of `rule`, which stands at `path`, has to be a glob and is none is added to `problems`.
pub(super) fn check_globs(
    document: &Document,
    path: &KeyPath,
    rule: &Match,
    problems: &mut Vec<Problem>,
) {
    let globs = [
        ("name", &rule.name),
        ("namespace", &rule.namespace),
        ("file", &rule.file),
    ];
    for (key, glob) in globs {
        if let Some(Err(error)) = glob.as_deref().map(Glob::new) {
            let message = format!(
                "`{}` is not a glob: {}",
                error.glob().unwrap_or_default(),
                error.kind()
            );
            problems.push(document.error(&path.key(key), message));
        }
    }
}
