//! No two files of `src/` use each other, be it over others in between: whoever changes one of them
//! has to read them all.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{
    module_tree::{FileArrow, file_arrows, taken_in_as_a_whole},
    source_text::sources,
};

/// Files of which each uses all others, directly or not, with the arrows between them.
#[derive(Debug)]
struct Circle {
    files: BTreeSet<PathBuf>,
    arrows: Vec<FileArrow>,
}

impl Circle {
    fn described(&self) -> String {
        let arrows: Vec<String> = self.arrows.iter().map(FileArrow::to_string).collect();
        format!(
            "a circle of {} files:\n  {}",
            self.files.len(),
            arrows.join("\n  ")
        )
    }
}

fn circles(sources: &BTreeMap<PathBuf, String>) -> Vec<Circle> {
    let arrows = file_arrows(sources);
    let mut targets: BTreeMap<&Path, BTreeSet<&Path>> = BTreeMap::new();
    for arrow in &arrows {
        targets.entry(&arrow.from).or_default().insert(&arrow.to);
    }
    let reached: BTreeMap<&Path, BTreeSet<&Path>> = targets
        .keys()
        .map(|file| (*file, reachable(file, &targets)))
        .collect();
    let reaches = |from: &Path, to: &Path| {
        reached
            .get(from)
            .is_some_and(|reached| reached.contains(to))
    };
    let groups: BTreeSet<BTreeSet<PathBuf>> = reached
        .iter()
        .filter(|(file, reached)| reached.contains(**file))
        .map(|(file, reached)| {
            reached
                .iter()
                .filter(|other| reaches(other, file))
                .map(|other| PathBuf::from(*other))
                .collect()
        })
        .collect();
    groups
        .into_iter()
        .map(|files| Circle {
            arrows: arrows
                .iter()
                .filter(|arrow| files.contains(&arrow.from) && files.contains(&arrow.to))
                .cloned()
                .collect(),
            files,
        })
        .collect()
}

/// Every file that `start` uses, directly or not.
fn reachable<'a>(
    start: &'a Path,
    targets: &BTreeMap<&'a Path, BTreeSet<&'a Path>>,
) -> BTreeSet<&'a Path> {
    let mut found = BTreeSet::new();
    let mut open = vec![start];
    while let Some(file) = open.pop() {
        for target in targets.get(file).into_iter().flatten() {
            if found.insert(*target) {
                open.push(target);
            }
        }
    }
    found
}

#[test]
fn no_files_use_each_other() {
    let found: Vec<String> = circles(&sources()).iter().map(Circle::described).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn everything_is_taken_in_by_name() {
    let planted = [
        ("a.rs", "use std::fmt::*;\nuse super::b::*;"),
        ("b.rs", "#[cfg(test)]\nmod tests {\n    use super::*;\n}"),
    ]
    .map(|(file, text)| (PathBuf::from(file), text.to_owned()));
    assert_eq!(taken_in_as_a_whole(&planted.into()), ["src/a.rs:2"]);
    assert_eq!(taken_in_as_a_whole(&sources()), Vec::<String>::new());
}

/// Made-up files with their text.
type Files<'a> = &'a [(&'a str, &'a str)];

fn planted(files: Files<'_>) -> Vec<Vec<String>> {
    let sources = files
        .iter()
        .map(|(file, text)| (PathBuf::from(file), (*text).to_owned()))
        .collect();
    circles(&sources)
        .into_iter()
        .map(|circle| {
            let names = circle.files.iter().map(|file| file.display().to_string());
            names.collect()
        })
        .collect()
}

/// What is planted, and the files that stand in a circle then.
const CIRCLES: [(&str, Files<'_>, &[&str]); 11] = [
    (
        "two files by paths from the root",
        &[
            ("a.rs", "use crate::b::B;\npub(crate) struct A(B);"),
            (
                "b.rs",
                "use crate::{error::E, a::A};\npub(crate) struct B(A);",
            ),
        ],
        &["a.rs", "b.rs"],
    ),
    (
        "over a third one, by a path in full",
        &[
            ("m/a.rs", "use super::b::B;"),
            ("m/b.rs", "fn f() { super::c::g(); }"),
            ("m/c.rs", "fn g(_: &crate::m::a::A) {}"),
            ("m/mod.rs", "mod a;\nmod b;\nmod c;"),
        ],
        &["m/a.rs", "m/b.rs", "m/c.rs"],
    ),
    (
        "through what a parent passes on",
        &[
            (
                "m/mod.rs",
                "mod a;\nmod b;\npub(crate) use a::A;\npub(crate) use self::b::{B as C};",
            ),
            ("m/a.rs", "use super::C;"),
            ("m/b.rs", "use crate::m::A;"),
        ],
        &["m/a.rs", "m/b.rs"],
    ),
    (
        "through two parents",
        &[
            ("m/mod.rs", "mod inner;\nmod b;\npub(crate) use inner::A;"),
            ("m/inner/mod.rs", "mod a;\npub(crate) use a::A;"),
            ("m/inner/a.rs", "use super::super::b::B;"),
            ("m/b.rs", "use super::A;"),
        ],
        &["m/b.rs", "m/inner/a.rs"],
    ),
    (
        "by the name of a module",
        &[
            ("m.rs", "mod a; mod b;"),
            ("m/a.rs", "use super::b;\nfn f() { b::g(); }"),
            ("m/b.rs", "use super::a as other;\nfn g() { other::f(); }"),
        ],
        &["m/a.rs", "m/b.rs"],
    ),
    (
        "a parent that has something of its own",
        &[
            (
                "m/mod.rs",
                "mod a;\npub(crate) struct Shared;\nfn f() { a::g(); }",
            ),
            ("m/a.rs", "use super::Shared;\npub(super) fn g() {}"),
        ],
        &["m/a.rs", "m/mod.rs"],
    ),
    (
        "a parent that stands on what it passes on",
        &[
            (
                "m/mod.rs",
                "mod a;\npub(crate) use a::A;\npub(crate) struct Shared(A);",
            ),
            ("m/a.rs", "use super::Shared;\npub(crate) struct A;"),
        ],
        &["m/a.rs", "m/mod.rs"],
    ),
    (
        "from inside of an inline module",
        &[
            (
                "a.rs",
                "mod inner { use super::super::b::B; }\npub(crate) struct A;",
            ),
            ("b.rs", "use crate::a::A;"),
        ],
        &["a.rs", "b.rs"],
    ),
    (
        "by an import inside of a function",
        &[
            ("a.rs", "fn f() { use crate::b::B; }"),
            ("b.rs", "use crate::a::A;"),
        ],
        &["a.rs", "b.rs"],
    ),
    (
        "after an item that only tests have",
        &[
            (
                "a.rs",
                "#[cfg(test)]\npub(crate) use c::{C, D};\n#[cfg(test)]\nfn f() { [1]; }\nuse crate::b::B;",
            ),
            ("b.rs", "use crate::a::A;"),
        ],
        &["a.rs", "b.rs"],
    ),
    (
        "a name beside its module",
        &[
            ("m/mod.rs", "pub(crate) mod a;\npub(crate) mod b;"),
            ("m/a.rs", "use super::b::{self, B};"),
            ("m/b.rs", "fn f() -> crate::m::a::A {}"),
        ],
        &["m/a.rs", "m/b.rs"],
    ),
];

#[test]
fn planted_circles_are_found() {
    for (what, files, expected) in CIRCLES {
        assert_eq!(planted(files), [expected], "{what}");
    }
}

/// What is planted, in which no file stands in a circle.
const NO_CIRCLES: [(&str, Files<'_>); 6] = [
    (
        "one arrow",
        &[
            ("a.rs", "use crate::b::B;"),
            ("b.rs", "pub(crate) struct B;"),
        ],
    ),
    (
        "a parent that only declares and passes on",
        &[
            (
                "m/mod.rs",
                "mod a;\nmod b;\npub(crate) use a::A;\npub(crate) use b::B;",
            ),
            ("m/a.rs", "pub(crate) struct A;"),
            ("m/b.rs", "use super::A;\npub(crate) struct B(A);"),
        ],
    ),
    (
        "an arrow back that only tests need",
        &[
            ("a.rs", "use crate::b::B;"),
            (
                "b.rs",
                "#[cfg(test)]\nmod tests {\n    use crate::a::A;\n    fn f() {}\n}",
            ),
        ],
    ),
    (
        "a file that only tests have",
        &[
            ("m/mod.rs", "mod a;\n#[cfg(test)]\npub(crate) mod cases;"),
            (
                "m/a.rs",
                "pub(crate) struct A;\nfn f() { super::cases::g(); }",
            ),
            ("m/cases.rs", "use super::a::A;"),
        ],
    ),
    (
        "an arrow back in a comment, a literal, or to somebody else's module",
        &[
            ("a.rs", "use crate::b::B;"),
            (
                "b.rs",
                "//! [`crate::a::A`]\nconst B: &str = \"crate::a::A\"; use other::a::A;",
            ),
        ],
    ),
    (
        "a field or method with the name of what a parent passes on",
        &[
            (
                "m/mod.rs",
                "mod a;\npub(crate) use a::list;\nstruct M;\nfn f(m: M) { m.list(); }",
            ),
            ("m/a.rs", "use super::M;\npub(crate) fn list() {}"),
        ],
    ),
];

#[test]
fn what_is_no_circle_is_not_found() {
    for (what, files) in NO_CIRCLES {
        assert_eq!(planted(files), Vec::<Vec<String>>::new(), "{what}");
    }
}

#[test]
fn a_circle_says_what_uses_what_and_where() {
    let sources = [
        ("a.rs", "//! A.\n\nuse crate::b::B;\n"),
        ("b.rs", "use crate::a::A;\n"),
    ]
    .map(|(file, text)| (PathBuf::from(file), text.to_owned()));
    assert_eq!(
        circles(&sources.into()).remove(0).described(),
        "a circle of 2 files:\n  src/a.rs:3 uses `B` of src/b.rs\n  src/b.rs:1 uses `A` of src/a.rs"
    );
}
