//! The keys that this version reads and does not carry out, so that none is left out silently.

use super::{
    file::PlanFile,
    phase_declaration::PhaseDeclaration,
    problem::{Document, KeyPath},
};

/// The keys that this version reads but does not carry out, each as ``FILE:LINE: `KEY` ``.
pub(super) fn unsupported(document: &Document, file: &PlanFile) -> Vec<(KeyPath, String)> {
    let mut paths = Vec::new();
    for (name, phase) in &file.phases {
        paths.extend(in_phase(&KeyPath::top("phases").key(name), phase));
    }
    paths
        .into_iter()
        .map(|path| (path.clone(), described(document, &path)))
        .collect()
}

fn in_phase(path: &KeyPath, phase: &PhaseDeclaration) -> Vec<KeyPath> {
    let given = [
        (!phase.backup.is_empty(), "backup"),
        (!phase.before_apply.is_empty(), "beforeApply"),
        (!phase.after_ready.is_empty(), "afterReady"),
        (!phase.checks.is_empty(), "checks"),
    ];
    given
        .into_iter()
        .filter(|(given, _)| *given)
        .map(|(_, key)| path.key(key))
        .collect()
}

fn described(document: &Document, path: &KeyPath) -> String {
    format!(
        "{}:{}: `{path}`",
        document.file.display(),
        document.position(path).line
    )
}
