//! The layers of `src/`: which top-level module may use which.
//!
//! `docs/architecture.md` shows the same rules as a picture. An arrow that is not allowed is a
//! design decision: it is made in the table below with a reason, or not at all.

use std::{collections::BTreeSet, fmt, path::Path};

use super::source_text::{at, is_name, is_root, sources, without_comments_and_literals};

/// What makes the layers; a module may use those of every lower layer and none of its own.
const LAYERS: [&[&str]; 5] = [
    &["plan", "object"],
    &[
        "cluster",
        "secret",
        "readiness",
        "ownership",
        "phase",
        "source",
    ],
    &[
        "preflight",
        "diff",
        "diagnosis",
        "action",
        "check",
        "backup",
        "release",
    ],
    &["engine"],
    &["cli"],
];

/// What everybody may use.
const EVERYWHERE: [&str; 4] = ["event", "error", "finding", "process"];

/// Modules that stand beside the layers, with all that they may use. Whoever may use them is in
/// [`EXCEPTIONS`].
const BESIDE: [(&str, &[&str]); 6] = [
    ("process", &[]),
    ("finding", &[]),
    ("event", &["object", "plan", "readiness"]),
    ("error", &["object", "plan", "readiness"]),
    ("report", &["object", "plan", "readiness"]),
    ("sandbox", &["report"]),
];

/// Arrows that the layers alone would not allow.
const EXCEPTIONS: [(&str, &str, &str); 2] = [
    (
        "cli",
        "report",
        "what is shown goes through the command line: the engine emits events and prints nothing",
    ),
    (
        "cli",
        "sandbox",
        "the sandbox is a command of its own, and nothing else starts a cluster",
    ),
];

/// Modules that may mention the Kubernetes client.
const CLIENT: [(&str, &str); 2] = [
    ("cluster", "the only place that talks to the API server"),
    (
        "sandbox",
        "puts the first objects into the control plane that it has just started, before there is anything to deploy",
    ),
];

/// One use of a module by another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Arrow {
    from: String,
    to: String,
    /// File and line of its first character.
    at: String,
}

impl fmt::Display for Arrow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}: `{}` must not use `{}`",
            self.at, self.from, self.to
        )
    }
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn is_known(module: &str) -> bool {
    layer(module).is_some() || BESIDE.iter().any(|(name, _)| *name == module)
}

fn is_allowed(from: &str, to: &str) -> bool {
    let excepted = EXCEPTIONS
        .iter()
        .any(|(source, target, _)| (*source, *target) == (from, to));
    if from == to || EVERYWHERE.contains(&to) || excepted {
        return true;
    }
    match BESIDE.iter().find(|(name, _)| *name == from) {
        Some((_, targets)) => targets.contains(&to),
        None => layer(from)
            .zip(layer(to))
            .is_some_and(|(from, to)| to < from),
    }
}

/// What is wrong in `text`, the source of `file` (relative to `src`).
fn violations(file: &Path, text: &str) -> Vec<String> {
    let module = module_of(file);
    let code = without_comments_and_literals(text);
    let arrows = arrows(&module, depth(file), file, &code);
    let mut found: Vec<String> = arrows
        .iter()
        .filter(|arrow| !is_allowed(&arrow.from, &arrow.to))
        .map(Arrow::to_string)
        .collect();
    if !CLIENT.iter().any(|(name, _)| *name == module) {
        let mentions = paths_from("kube", &code).into_iter();
        found.extend(mentions.map(|position| {
            format!(
                "{}: `{module}` must not mention `kube::`",
                at(file, &code, position)
            )
        }));
    }
    found
}

/// The top-level module that `file` belongs to: `cli` for `cli/up/mod.rs`, `event` for `event.rs`.
fn module_of(file: &Path) -> String {
    let first = file
        .components()
        .next()
        .expect("a file has a name")
        .as_os_str()
        .to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// How many modules lie between the crate's root and the code of `file`, the file's own included.
fn depth(file: &Path) -> usize {
    let names = file.components().count();
    if file.file_name().is_some_and(|name| name == "mod.rs") {
        names - 1
    } else {
        names
    }
}

/// Every top-level module that `code` names by a path from the crate's root, or by climbing there
/// with `super::`.
fn arrows(from: &str, depth: usize, file: &Path, code: &str) -> BTreeSet<Arrow> {
    let arrow = |to: &str, position| Arrow {
        from: from.to_owned(),
        to: to.to_owned(),
        at: at(file, code, position),
    };
    let mut found = BTreeSet::new();
    for position in paths_from("crate", code) {
        let rest = &code[position + "crate".len()..];
        found.extend(heads(rest).into_iter().map(|to| arrow(&to, position)));
    }
    // Only names of top-level modules count here: inside an inline module one `super::` fewer
    // reaches the root.
    let climb = "super::".repeat(depth);
    for (position, _) in code.match_indices(&climb) {
        let rest = &code[position + climb.len() - "::".len()..];
        found.extend(
            heads(rest)
                .into_iter()
                .filter(|to| is_known(to))
                .map(|to| arrow(&to, position)),
        );
    }
    found
}

/// Where paths that start with the name `root` begin in `code`.
fn paths_from(root: &str, code: &str) -> Vec<usize> {
    let path = format!("{root}::");
    let before = |position: usize| code[..position].chars().next_back();
    let starts = |position: &usize| {
        before(*position)
            .is_none_or(|character| !is_name(character) && !matches!(character, '$' | ':'))
    };
    let uses = [format!("use {root};"), format!("use {root} as ")];
    let whole = uses
        .iter()
        .flat_map(|text| code.match_indices(text))
        .map(|(position, _)| position + "use ".len());
    code.match_indices(&path)
        .map(|(position, _)| position)
        .filter(starts)
        .chain(whole)
        .collect()
}

/// The first names after `::` in `rest`: one for `::plan::Plan`, one for each entry of
/// `::{plan::Plan, object}`.
fn heads(rest: &str) -> Vec<String> {
    let Some(rest) = rest.strip_prefix("::") else {
        return vec!["crate".to_owned()];
    };
    let Some(group) = rest.strip_prefix('{') else {
        return vec![head(rest)];
    };
    let mut heads = vec![head(group)];
    let mut depth = 0;
    for (position, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(head(&group[position + 1..])),
            _ => {}
        }
    }
    heads.retain(|head| !head.is_empty());
    heads
}

/// The name that `text` starts with; `*` stands for itself, so that taking everything in is an
/// arrow to nowhere.
fn head(text: &str) -> String {
    let text = text.trim_start();
    if text.starts_with('*') {
        "*".to_owned()
    } else {
        text.chars()
            .take_while(|character| is_name(*character))
            .collect()
    }
}

#[test]
fn arrows_point_down_only() {
    let sources = sources();
    let found: Vec<String> = sources
        .iter()
        .filter(|(file, _)| !is_root(file))
        .flat_map(|(file, text)| violations(file, text))
        .collect();
    assert!(
        found.is_empty(),
        "{} arrows are not allowed (docs/architecture.md):\n{}",
        found.len(),
        found.join("\n")
    );
}

#[test]
fn every_module_has_its_place() {
    let unplaced: BTreeSet<String> = sources()
        .keys()
        .filter(|file| !is_root(file))
        .map(|file| module_of(file))
        .filter(|module| !is_known(module))
        .collect();
    assert!(
        unplaced.is_empty(),
        "give these modules a layer in tests/it/architecture.rs: {unplaced:?}"
    );
}

#[test]
fn the_checker_sees_the_code_that_it_is_given() {
    let sources = sources();
    let seen: BTreeSet<(String, String)> = sources
        .iter()
        .flat_map(|(file, text)| {
            arrows(
                &module_of(file),
                depth(file),
                file,
                &without_comments_and_literals(text),
            )
        })
        .map(|arrow| (arrow.from, arrow.to))
        .collect();
    for (from, to) in [
        ("cli", "engine"),
        ("engine", "cluster"),
        ("release", "object"),
        ("cluster", "object"),
        ("report", "event"),
    ] {
        assert!(
            seen.contains(&(from.to_owned(), to.to_owned())),
            "the arrow from `{from}` to `{to}` was not seen"
        );
    }
}

#[test]
fn planted_arrows_are_found() {
    let planted = [
        ("cluster/write.rs", "use crate::engine::Run;"),
        (
            "plan/file.rs",
            "use crate::{\n    error::CommandError,\n    source::{yaml, Rendered},\n};",
        ),
        (
            "object/id.rs",
            "fn id() { let _ = crate::readiness::judge; }",
        ),
        ("readiness/judge.rs", "use crate::secret::Needs;"),
        ("engine/run.rs", "use crate::report::Output;"),
        (
            "engine/run.rs",
            "#[cfg(test)]\nmod tests {\n    use crate::cli::Global;\n}",
        ),
        ("engine/run.rs", "use super::super::cli::Global;"),
        ("engine/mod.rs", "pub(crate) use super::report::Output;"),
        ("report/line.rs", "use crate::cluster::Notice;"),
        ("report/line.rs", "use crate::engine::Decision;"),
        ("release/store.rs", "use crate::sandbox::Cache;"),
        ("sandbox/start.rs", "use crate::cluster::Cluster;"),
        (
            "event.rs",
            "use crate::{object::ObjectId, release::Revision};",
        ),
        ("preflight/kinds.rs", "use crate::{release::Records};"),
        ("secret/value.rs", "use crate::*;"),
        ("readiness/judge.rs", "use kube::Client;"),
        ("diagnosis/explain.rs", "fn f(error: &kube::Error) {}"),
        ("engine/run.rs", "use kube as k;"),
    ];
    for (file, text) in planted {
        let found = violations(Path::new(file), text);
        assert_eq!(found.len(), 1, "{file}: {text}\n{found:?}");
    }
}

#[test]
fn a_violation_says_where_and_what() {
    let text = "//! Docs.\n\nuse crate::{\n    object::ObjectId,\n};\nuse crate::engine::Run;\n";
    assert_eq!(
        violations(Path::new("cluster/write.rs"), text),
        ["src/cluster/write.rs:6: `cluster` must not use `engine`"]
    );
}

#[test]
fn what_is_allowed_or_only_written_about_is_not_found() {
    let innocent = [
        (
            "cli/up/mod.rs",
            "use crate::{\n    engine::{self, Run},\n    report::Output,\n    sandbox,\n};\nuse super::super::cli::Global;",
        ),
        (
            "engine/run.rs",
            "use super::write::Writer;\npub(crate) use super::super::engine::Run;\nuse crate::{cluster::Cluster, release::{Revision, Store}};",
        ),
        ("release/store.rs", "use crate::cluster::{Cluster, Force};"),
        (
            "readiness/judge.rs",
            "/// [`crate::engine::Run`] and kube::Client\n// use crate::engine;\n/* use crate::cli; */ fn f() {}",
        ),
        (
            "readiness/judge.rs",
            "const A: &str = \"crate::engine \\\" crate::cli\"; const B: &str = r#\"kube::\"#; const C: char = '\"';",
        ),
        (
            "readiness/judge.rs",
            "fn f<'a>(text: &'a str) -> &'a str { text } const Q: char = '\\''; pub(in crate::readiness) fn g() {}",
        ),
        (
            "plan/file.rs",
            "use crate::error::CommandError; use my_kube::Client; macro_rules! m { () => { $crate::engine } }",
        ),
        ("cluster/request.rs", "use kube::{Client, core::Status};"),
    ];
    for (file, text) in innocent {
        assert_eq!(
            violations(Path::new(file), text),
            Vec::<String>::new(),
            "{file}: {text}"
        );
    }
}
