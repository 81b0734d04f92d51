//! The rooms of the engine: which of its folders may use which.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{
    module_tree::{FileArrow, file_arrows},
    source_text::{sources, without_comments_and_literals},
};

/// The folders of `src/engine` and its single files, floor by floor, the lowest first. An arrow
/// stays inside of its room or goes to a lower floor.
const FLOORS: [&[&str]; 5] = [
    &["desired", "events", "phase_plan"],
    &["observe", "watch"],
    &["plan", "execute"],
    &["diagnose"],
    &["prepare", "run", "status"],
];

/// The room that `file` lies in: `plan` for `engine/plan/rollback.rs`; nothing where it is not of
/// the engine, or only declares its rooms.
fn room(file: &Path) -> Option<String> {
    let within = file.strip_prefix("engine").ok()?.with_extension("");
    let room = within.iter().next()?.to_string_lossy().into_owned();
    (room != "mod").then_some(room)
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn is_allowed(arrow: &FileArrow) -> bool {
    match (room(&arrow.from), room(&arrow.to)) {
        (Some(from), Some(to)) => from == to || floor(&to) < floor(&from),
        _ => true,
    }
}

fn violations(sources: &BTreeMap<PathBuf, String>) -> Vec<String> {
    file_arrows(sources)
        .iter()
        .filter(|arrow| !is_allowed(arrow))
        .map(FileArrow::to_string)
        .collect()
}

#[test]
fn arrows_between_rooms_go_down() {
    let found = violations(&sources());
    assert!(
        found.is_empty(),
        "{} arrows between rooms of the engine are not allowed:\n{}",
        found.len(),
        found.join("\n")
    );
}

#[test]
fn every_room_has_its_floor() {
    let rooms: BTreeSet<String> = sources().keys().filter_map(|file| room(file)).collect();
    let placed: BTreeSet<String> = FLOORS
        .iter()
        .flat_map(|rooms| rooms.iter().map(ToString::to_string))
        .collect();
    assert_eq!(
        rooms, placed,
        "the floors in tests/it/architecture/rooms.rs are those of all rooms, and of no others"
    );
}

/// What no planner needs: a connection, time that passes, a wait.
const IMPURE: [&str; 5] = ["Cluster", "Served", "Store", "async", "await"];

/// The words of [`IMPURE`] that `text` has, comments and literals apart.
fn impurities(text: &str) -> Vec<&'static str> {
    let code = without_comments_and_literals(text);
    let words: BTreeSet<&str> = code
        .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .collect();
    IMPURE
        .into_iter()
        .filter(|word| words.contains(word))
        .collect()
}

#[test]
fn planners_are_pure() {
    let found: Vec<String> = sources()
        .iter()
        .filter(|(file, _)| room(file).as_deref() == Some("plan"))
        .flat_map(|(file, text)| {
            let words = impurities(text).into_iter();
            words.map(|word| format!("{}: {word}", file.display()))
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert_eq!(
        impurities("/// async\nfn a(cluster: &Cluster, clusters: &str) { \"await\" }"),
        ["Cluster"]
    );
}

#[test]
fn planted_arrows_between_rooms_are_found() {
    let planted = [
        ("engine/watch/cache.rs", "use super::super::run::Run;", 1),
        (
            "engine/watch/cache.rs",
            "use crate::engine::execute::policy::Limits;",
            1,
        ),
        ("engine/watch/cache.rs", "use crate::engine::Limits;", 1),
        ("engine/events.rs", "use super::desired::DesiredState;", 1),
        ("engine/diagnose.rs", "use super::run::Run;", 1),
        (
            "engine/diagnose.rs",
            "use super::execute::policy::Limits;",
            0,
        ),
        ("engine/execute/wait.rs", "use super::policy::Limits;", 0),
        (
            "engine/run/lifecycle.rs",
            "use super::super::execute::policy::Limits;",
            0,
        ),
        ("cli/up/mod.rs", "use crate::engine::Limits;", 0),
    ];
    let others = [
        (
            "engine/mod.rs",
            "mod execute;\nmod run;\nmod desired;\npub(crate) use execute::policy::Limits;",
        ),
        ("engine/execute/mod.rs", "pub(super) mod policy;"),
        ("engine/execute/policy.rs", "pub(crate) struct Limits;"),
        ("engine/run/mod.rs", "pub(crate) struct Run;"),
        ("engine/desired.rs", "pub(crate) struct DesiredState;"),
    ];
    for (file, text, expected) in planted {
        let sources = others
            .into_iter()
            .chain([(file, text)])
            .map(|(file, text)| (PathBuf::from(file), text.to_owned()))
            .collect();
        let found = violations(&sources);
        assert_eq!(found.len(), expected, "{file}: {text}\n{found:?}");
    }
}
