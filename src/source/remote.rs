//! What a kustomization names that is not on this machine.

use std::{collections::HashSet, fs, path::Path, sync::Arc};

use serde_json::Value;

use super::{
    files::{kustomization_in, shown},
    yaml::documents,
};
use crate::object::{Origin, Problem, field::list};

/// The keys of a kustomization that name files or folders.
/// <https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/>
const LISTS: [&str; 9] = [
    "/resources",
    "/bases",
    "/components",
    "/crds",
    "/configurations",
    "/generators",
    "/transformers",
    "/validators",
    "/patchesStrategicMerge",
];
/// Those whose entries name one in `path`.
const LISTS_OF_PATHS: [&str; 3] = ["/patches", "/patchesJson6902", "/replacements"];

/// Generators of ConfigMaps and Secrets, and where each of them names files: `KEY=FILE`, or `FILE`.
const GENERATORS: [&str; 2] = ["/configMapGenerator", "/secretGenerator"];
const FILES_OF_GENERATORS: [&str; 3] = ["/files", "/envs", "/env"];

/// A problem for each entry of the kustomization in `folder`, and of those that it is built on, that
/// kustomize would fetch.
pub(super) fn remote_entries(folder: &Path) -> Vec<Problem> {
    let (mut problems, mut seen) = (Vec::new(), HashSet::new());
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let known = fs::canonicalize(&folder).unwrap_or_else(|_| folder.clone());
        let Some(file) = kustomization_in(&folder).filter(|_| seen.insert(known)) else {
            continue;
        };
        // What cannot be read is for kustomize to say.
        let text = fs::read_to_string(&file).unwrap_or_default();
        let read = documents(&text, &file).unwrap_or_default();
        for entry in read.iter().flat_map(|document| entries(&document.value)) {
            let path = folder.join(entry);
            if path.is_dir() {
                open.push(path);
            } else if !path.exists() && is_remote(entry) {
                problems.push(remote(entry, &text, &file));
            }
        }
    }
    problems
}

fn entries(kustomization: &Value) -> impl Iterator<Item = &str> {
    let named = LISTS
        .iter()
        .flat_map(|key| list(kustomization, key).iter().filter_map(Value::as_str));
    let paths = LISTS_OF_PATHS.iter().flat_map(|key| {
        let entries = list(kustomization, key).iter();
        entries.filter_map(|entry| entry.get("path")?.as_str())
    });
    let schema = kustomization
        .pointer("/openapi/path")
        .and_then(Value::as_str);
    let generators = GENERATORS.iter().flat_map(|key| list(kustomization, key));
    let generated = generators.flat_map(|generator| {
        FILES_OF_GENERATORS.iter().flat_map(move |key| {
            let one = generator.pointer(key).and_then(Value::as_str);
            let several = list(generator, key).iter().filter_map(Value::as_str);
            let files = one.into_iter().chain(several);
            files.map(|file| file.split_once('=').map_or(file, |(_, file)| file))
        })
    });
    // Text of several lines is a patch itself.
    named
        .chain(paths)
        .chain(generated)
        .chain(schema)
        .filter(|entry| !entry.contains('\n'))
}

/// Whether kustomize takes `entry`, which is not here, for a repository or an address.
/// <https://github.com/kubernetes-sigs/kustomize/blob/master/api/internal/git/repospec.go>
fn is_remote(entry: &str) -> bool {
    let host = entry.split(['/', ':']).next().unwrap_or_default();
    let is_host = !host.starts_with('.') && host.contains('.') && entry.contains(['/', ':']);
    entry.contains("://")
        || entry.contains("?ref=")
        || entry.starts_with("git@")
        || entry.starts_with("git::")
        || is_host
}

fn remote(entry: &str, text: &str, file: &Path) -> Problem {
    let line = text.lines().position(|line| names(line, entry));
    let origin = Origin {
        file: Arc::from(shown(file)),
        line: line.map_or(1, |index| u32::try_from(index + 1).unwrap_or(u32::MAX)),
    };
    // A password may be part of it.
    let shown = match entry.split_once('@') {
        Some((before, host)) if before.contains("://") => format!("…@{host}"),
        _ => entry.to_owned(),
    };
    Problem::error(format!("`{shown}` is not on this machine"))
        .at(&origin)
        .hint("put a copy beside it, or write `allowRemote: true` beside `kustomize` in the plan")
}

/// Whether `line` holds `entry`, and not only another one of which it is a part.
fn names(line: &str, entry: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || "./-_?=&:@%+~".contains(letter);
    let code = line.trim_start();
    let mut found = line.match_indices(entry).filter(|_| !code.starts_with('#'));
    found.any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + entry.len()..].chars().next();
        // A generator writes `KEY=FILE`.
        !before.is_some_and(|it| is_part(it) && it != '=') && !after.is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn what_kustomize_would_fetch_is_told_from_what_is_missing() {
        for remote in [
            "https://example.test/a.yaml",
            "github.com/example/repository//base?ref=v1",
            "github.com/example/repository",
            "git@example.test:team/repository.git",
            "ssh://git@example.test/team/repository",
            "git::https://example.test/repository",
        ] {
            assert!(is_remote(remote), "{remote}");
        }
        for local in [
            "base",
            "../base",
            "./a.yaml",
            "a.yaml",
            "apps/web.yaml",
            "..",
        ] {
            assert!(!is_remote(local), "{local}");
        }
    }

    #[test]
    fn an_entry_is_told_from_one_that_it_is_a_part_of() {
        let entry = "example.com/a";
        for other in [
            "- example.com/a.yaml",
            "- b.example.com/a",
            "# example.com/a",
            "- https://example.com/a",
        ] {
            assert!(!names(other, entry), "{other}");
        }
        for same in [
            "- example.com/a",
            "  - 'example.com/a' # why",
            "resources: [b, example.com/a]",
            "files: [k=example.com/a]",
        ] {
            assert!(names(same, entry), "{same}");
        }
    }

    #[test]
    fn bases_are_looked_through_and_what_is_here_is_not_remote() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let overlay = "resources:\n- ../base\n- example.com/a.yaml\nconfigMapGenerator:\n- name: a\n  files: [b=https://example.test/c.txt, d.txt]\npatches:\n- path: https://user:word@example.test/p.yaml\n- patch: |\n    a: https://b/c\n";
        write("overlay/kustomization.yaml", overlay);
        write("overlay/example.com/a.yaml", "");
        write(
            "base/Kustomization",
            "components:\n- ../overlay\n- github.com/example/x?ref=v1\n",
        );
        let problems = remote_entries(&folder.path().join("overlay"));
        let said: Vec<String> = problems
            .iter()
            .map(|problem| {
                let origin = problem.origin.as_ref().unwrap();
                let file = PathBuf::from(origin.file.file_name().unwrap());
                format!("{}:{} {}", file.display(), origin.line, problem.message)
            })
            .collect();
        assert_eq!(
            said,
            [
                "kustomization.yaml:8 `…@example.test/p.yaml` is not on this machine",
                "kustomization.yaml:6 `https://example.test/c.txt` is not on this machine",
                "Kustomization:3 `github.com/example/x?ref=v1` is not on this machine",
            ]
        );
    }
}
