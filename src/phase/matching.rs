//! The rules of a plan that name objects: `match` entries, and folders named after a phase.

use std::path::{Component, Path};

use globset::GlobBuilder;

use super::reason::PhaseReason;
use crate::{
    object::{ManifestView, Object, PhaseHint},
    plan::{Match, PhaseSettings},
};

/// The first phase, in phase order, with a `match` entry that fits.
pub(super) fn by_match(
    object: &Object,
    hint: &PhaseHint,
    phases: &[PhaseSettings],
) -> Option<(usize, PhaseReason)> {
    phases.iter().enumerate().find_map(|(index, phase)| {
        let entry = phase
            .matches
            .iter()
            .find(|entry| fits(entry, object, hint))?;
        Some((index, PhaseReason::Match(written(entry))))
    })
}

/// Whether all keys of `entry` fit. An entry without keys fits nothing.
pub(super) fn fits(entry: &Match, object: &Object, hint: &PhaseHint) -> bool {
    let id = &object.id;
    let equal = |wanted: &Option<String>, actual: &str| {
        wanted.as_ref().is_none_or(|wanted| wanted == actual)
    };
    let globbed = |wanted: &Option<String>, actual: &str| {
        wanted.as_ref().is_none_or(|wanted| is_like(wanted, actual))
    };
    let manifest = ManifestView(&object.body);
    !written(entry).is_empty()
        && equal(&entry.kind, &id.kind)
        && equal(&entry.group, &id.group)
        && globbed(&entry.name, &id.name)
        && globbed(
            &entry.namespace,
            id.namespace.as_deref().unwrap_or_default(),
        )
        && globbed(&entry.file, &hint.file.to_string_lossy())
        && entry
            .labels
            .iter()
            .all(|(key, value)| manifest.label(key) == Some(value))
}

fn is_like(pattern: &str, actual: &str) -> bool {
    let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
    pattern == actual
        || GlobBuilder::new(pattern)
            .literal_separator(true)
            .build()
            .is_ok_and(|glob| glob.compile_matcher().is_match(actual))
}

/// An entry of `match` as one line of YAML.
fn written(entry: &Match) -> String {
    let keys = [
        ("kind", &entry.kind),
        ("group", &entry.group),
        ("name", &entry.name),
        ("namespace", &entry.namespace),
        ("file", &entry.file),
    ];
    let mut parts: Vec<String> = keys
        .iter()
        .filter_map(|(key, value)| Some(format!("{key}: {}", value.as_ref()?)))
        .collect();
    parts.extend(
        entry
            .labels
            .iter()
            .map(|(key, value)| format!("{key}={value}")),
    );
    parts.join(", ")
}

/// The phase that the plan gives to everything of the object's source.
pub(super) fn by_source(
    hint: &PhaseHint,
    phases: &[PhaseSettings],
) -> Option<(usize, PhaseReason)> {
    let name = hint.source_phase.as_ref()?;
    let index = phases.iter().position(|phase| phase.name == *name)?;
    Some((index, PhaseReason::Source))
}

/// The phase that the file's name or the innermost of its folders is named after.
pub(super) fn by_path(hint: &PhaseHint, phases: &[PhaseSettings]) -> Option<(usize, PhaseReason)> {
    let stem = hint.path.file_stem()?.to_string_lossy().into_owned();
    if let Some(index) = named(&stem, phases) {
        let name = hint.path.file_name()?.to_string_lossy().into_owned();
        return Some((index, PhaseReason::FileName(name)));
    }
    let folders = hint
        .path
        .parent()
        .unwrap_or(Path::new(""))
        .components()
        .rev();
    folders
        .filter_map(|component| {
            if let Component::Normal(name) = component {
                Some(name.to_string_lossy())
            } else {
                None
            }
        })
        .find_map(|name| {
            let index = named(&name, phases)?;
            Some((index, PhaseReason::Folder(name.into_owned())))
        })
}

/// The phase that `name` means: a leading number is only for sorting, and a plural may be a
/// singular (`03-database`).
fn named(name: &str, phases: &[PhaseSettings]) -> Option<usize> {
    let unsorted = name.trim_start_matches(|first: char| first.is_ascii_digit());
    let bare = if unsorted.len() < name.len() {
        unsorted.trim_start_matches(['-', '_', '.', ' '])
    } else {
        name
    };
    let bare = bare.to_lowercase();
    let position = |same: &dyn Fn(&str) -> bool| phases.iter().position(|phase| same(&phase.name));
    position(&|phase| phase == bare).or_else(|| {
        position(&|phase| {
            phase.strip_suffix('s') == Some(&bare) || bare.strip_suffix('s') == Some(phase)
        })
    })
}
