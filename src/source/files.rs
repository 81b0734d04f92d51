//! The files of a source: a file, a folder or a glob, without what belongs to other tools.

use std::{
    collections::HashSet,
    fs, io,
    path::{Component, Path, PathBuf},
};

use globset::{GlobBuilder, GlobMatcher};

use crate::{object::Problem, plan::ManifestSource};

/// One file of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Where to read it.
    pub(super) path: PathBuf,
    /// Path from the source on, the source's own last component included.
    pub(super) within: PathBuf,
    /// Whether it was named itself, not found in a folder or by a glob.
    pub(super) named: bool,
}

/// The files of one source, sorted, and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) found: Vec<Found>,
    pub(super) problems: Vec<Problem>,
}

/// The manifest files (`.yaml`, `.yml`, `.json`) of `source`: a file, a folder with everything
/// below it, or a glob.
///
/// Hidden files and folders are left out in folders, so is what the source excludes.
/// Kustomizations and Helm charts are problems there.
pub(super) fn files_of(source: &ManifestSource, folder: &Path) -> Files {
    let mut files = Files::default();
    let excluded = excluded(&source.exclude, &mut files.problems);
    let source = source.path.as_path();
    let path = folder.join(source);
    match fs::metadata(&path) {
        Ok(metadata) if metadata.is_dir() => {
            walk_source(&mut files, &path, source, &excluded);
        }
        Ok(_) if !excluded.is_empty() => files.problems.push(
            Problem::error(format!(
                "`{}` is a file, so nothing can be excluded",
                source.display()
            ))
            .hint("remove `exclude` in `sources`"),
        ),
        Ok(_) => files.found.push(Found {
            within: path.file_name().map(PathBuf::from).unwrap_or_default(),
            path,
            named: true,
        }),
        Err(_) if is_glob(source) => glob(&mut files, source, folder, &excluded),
        Err(error) => files
            .problems
            .push(unreadable(&path, &error).hint("correct the path in `sources`")),
    }
    files
}

/// The globs of `exclude`. One that ends in `/**` also leaves out what the folder is.
fn excluded(exclude: &[String], problems: &mut Vec<Problem>) -> Vec<GlobMatcher> {
    let mut globs = Vec::new();
    for written in exclude {
        let folder = written.strip_suffix("/**").into_iter();
        for glob in folder.chain([written.as_str()]) {
            match GlobBuilder::new(glob).literal_separator(true).build() {
                Ok(glob) => globs.push(glob.compile_matcher()),
                Err(error) => problems.push(wrong_glob("exclude", written, &error)),
            }
        }
    }
    globs
}

fn wrong_glob(key: &str, glob: &str, error: &globset::Error) -> Problem {
    let message = format!("`{glob}` in `{key}` is not a valid glob: {}", error.kind());
    Problem::error(message).hint("correct it in `sources`")
}

fn walk_source(files: &mut Files, path: &Path, source: &Path, excluded: &[GlobMatcher]) {
    // `manifests/..` has no name of its own, which then says nothing about a phase.
    let within = path.file_name().map(PathBuf::from).unwrap_or_default();
    let mut walk = Walk {
        files,
        source,
        excluded,
        seen: HashSet::new(),
    };
    walk.folder(path, &within, Path::new(""));
    if files.found.is_empty() && files.problems.is_empty() {
        let message = format!(
            "the folder `{}` holds no manifests (`.yaml`, `.yml` or `.json`)",
            source.display()
        );
        files
            .problems
            .push(Problem::error(message).hint("correct the path in `sources`"));
    }
}

/// A walk through a source's folders.
struct Walk<'a> {
    files: &'a mut Files,
    /// The source, as the plan writes it.
    source: &'a Path,
    excluded: &'a [GlobMatcher],
    /// Symbolic links may lead back up; each folder is read once.
    seen: HashSet<PathBuf>,
}

impl Walk<'_> {
    /// Takes the files of `folder`: `within` is its path from the source on, `below` below it.
    fn folder(&mut self, folder: &Path, within: &Path, below: &Path) {
        let known = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        if !self.seen.insert(known) {
            return;
        }
        let mut entries = match entries(folder) {
            Ok(entries) => entries,
            Err(error) => return self.files.problems.push(unreadable(folder, &error)),
        };
        entries.retain(|name| !is_excluded(&below.join(name), self.excluded));
        entries.sort();
        let entry = if below == Path::new("") {
            self.source.to_owned()
        } else {
            self.source.join(below)
        };
        let foreign = |names: &[String]| {
            names
                .iter()
                .find_map(|name| foreign_folder(folder, &entry, name))
        };
        if let Some(problem) = foreign(&entries) {
            return self.files.problems.push(problem);
        }
        for name in entries.iter().filter(|name| !is_hidden(name)) {
            let (path, within) = (folder.join(name), within.join(name));
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => {
                    self.folder(&path, &within, &below.join(name));
                }
                Ok(_) if is_manifest(name) => self.files.found.push(Found {
                    path,
                    within,
                    named: false,
                }),
                Err(error) if is_manifest(name) => {
                    self.files.problems.push(unreadable(&path, &error));
                }
                _ => {}
            }
        }
    }
}

fn is_excluded(path: &Path, excluded: &[GlobMatcher]) -> bool {
    excluded.iter().any(|glob| glob.is_match(path))
}

fn entries(folder: &Path) -> io::Result<Vec<String>> {
    fs::read_dir(folder)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect()
}

/// The names under which kustomize looks for a kustomization, in its order.
/// <https://kubectl.docs.kubernetes.io/references/kustomize/glossary/#kustomization>
pub(super) const KUSTOMIZATIONS: [&str; 3] =
    ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// The file of the kustomization in `folder`.
pub(super) fn kustomization_in(folder: &Path) -> Option<PathBuf> {
    let files = KUSTOMIZATIONS.iter().map(|name| folder.join(name));
    files.into_iter().find(|file| file.is_file())
}

/// A kustomization or Helm chart is a source of its own kind: its files make sense only together.
///
/// `entry` is the path of `folder` from the plan on.
fn foreign_folder(folder: &Path, entry: &Path, name: &str) -> Option<Problem> {
    let path = entry.display();
    let (what, entry) = match name {
        name if KUSTOMIZATIONS.contains(&name) => {
            ("a kustomization", format!("{{kustomize: {path}}}"))
        }
        "Chart.yaml" => ("a Helm chart", format!("{{helm: {{chart: {path}}}}}")),
        _ => return None,
    };
    let shown = shown(folder);
    let message = format!(
        "`{}` is {what}, not a folder of plain manifests",
        shown.display()
    );
    Some(Problem::error(message).hint(format!(
        "write `- {entry}` into `sources`, or leave it out by `exclude`"
    )))
}

fn glob(files: &mut Files, source: &Path, folder: &Path, excluded: &[GlobMatcher]) {
    let (root, pattern) = split_glob(source);
    let matcher = match GlobBuilder::new(&pattern).literal_separator(true).build() {
        Ok(glob) => glob.compile_matcher(),
        Err(error) => {
            let message = format!(
                "the source `{}` is not a valid glob: {}",
                source.display(),
                error.kind()
            );
            return files
                .problems
                .push(Problem::error(message).hint("correct it in `sources`"));
        }
    };
    let base = folder.join(&root);
    let name = base.file_name().map(PathBuf::from).unwrap_or_default();
    let mut paths = Vec::new();
    collect(&mut paths, &base, Path::new(""), &mut HashSet::new());
    paths.retain(|relative| {
        matcher.is_match(relative)
            && !is_excluded(relative, excluded)
            && relative
                .file_name()
                .is_some_and(|name| is_manifest(&name.to_string_lossy()))
    });
    files.found.extend(paths.into_iter().map(|relative| Found {
        path: base.join(&relative),
        within: name.join(relative),
        named: false,
    }));
    if files.found.is_empty() {
        let message = format!(
            "the glob `{}` matches no manifests (`.yaml`, `.yml` or `.json`)",
            source.display()
        );
        files
            .problems
            .push(Problem::error(message).hint("correct it in `sources`"));
    }
}

/// All files below `folder`, sorted, relative to it, hidden ones left out.
fn collect(found: &mut Vec<PathBuf>, folder: &Path, relative: &Path, seen: &mut HashSet<PathBuf>) {
    if !seen.insert(fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())) {
        return;
    }
    let mut names = entries(folder).unwrap_or_default();
    names.sort();
    for name in names.iter().filter(|name| !is_hidden(name)) {
        let path = folder.join(name);
        if path.is_dir() {
            collect(found, &path, &relative.join(name), seen);
        } else {
            found.push(relative.join(name));
        }
    }
}

/// Splits a glob into the folder that it starts in and the pattern below that folder.
fn split_glob(source: &Path) -> (PathBuf, String) {
    let components: Vec<Component<'_>> = source.components().collect();
    let plain = components
        .iter()
        .take_while(|component| !is_glob(Path::new(component)))
        .count();
    let root: PathBuf = components[..plain].iter().collect();
    let pattern: PathBuf = components[plain..].iter().collect();
    (root, pattern.to_string_lossy().into_owned())
}

fn is_glob(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '[', '{'])
}

fn is_hidden(name: &str) -> bool {
    // Editors' backups (`x.yaml~`, `#x.yaml#`, `x.yaml.bak`) have other endings than manifests.
    name.starts_with('.')
}

fn is_manifest(name: &str) -> bool {
    let ending = Path::new(name)
        .extension()
        .and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| {
        ["yaml", "yml", "json"]
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
    })
}

/// A problem that names a path that cannot be read.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> Problem {
    Problem::error(format!("cannot read `{}`: {error}", shown(path).display()))
}

/// `path` as the user would name it: relative to the current folder where that is shorter, without
/// detours.
pub(super) fn shown(path: &Path) -> PathBuf {
    let resolve = |path: &Path| match (path.parent(), path.file_name()) {
        // The last component stays as it is: a symbolic link is shown by its own name.
        (Some(parent), Some(name)) => {
            let parent = if parent.as_os_str().is_empty() {
                Path::new(".")
            } else {
                parent
            };
            fs::canonicalize(parent)
                .map(|parent| parent.join(name))
                .ok()
        }
        _ => fs::canonicalize(path).ok(),
    };
    let (Some(absolute), Ok(current)) = (
        resolve(path),
        std::env::current_dir().and_then(fs::canonicalize),
    ) else {
        return path.to_owned();
    };
    let relative = relative_to(&absolute, &current);
    if relative.as_os_str().len() <= absolute.as_os_str().len() {
        relative
    } else {
        absolute
    }
}

/// `path` relative to `base`; both absolute and resolved.
pub(super) fn relative_to(path: &Path, base: &Path) -> PathBuf {
    let common = path
        .components()
        .zip(base.components())
        .take_while(|(left, right)| left == right)
        .count();
    let up = base.components().skip(common).map(|_| Component::ParentDir);
    let relative: PathBuf = up.chain(path.components().skip(common)).collect();
    if relative.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        relative
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "a: 1\n").unwrap();
        }
        folder
    }

    fn source(path: &str, exclude: &[&str]) -> ManifestSource {
        ManifestSource {
            path: path.into(),
            exclude: exclude.iter().map(|glob| (*glob).to_owned()).collect(),
        }
    }

    fn found(path: &str, folder: &Path) -> Vec<String> {
        found_without(path, &[], folder)
    }

    fn found_without(path: &str, exclude: &[&str], folder: &Path) -> Vec<String> {
        let files = files_of(&source(path, exclude), folder);
        assert!(files.problems.is_empty(), "{:?}", files.problems);
        files
            .found
            .iter()
            .map(|found| found.within.display().to_string())
            .collect()
    }

    #[test]
    fn folders_are_read_with_everything_below_them() {
        let folder = folder(&[
            "m/b.yaml",
            "m/a/z.yml",
            "m/a/y.JSON",
            "m/.hidden.yaml",
            "m/.git/x.yaml",
            "m/b.yaml~",
            "m/#b.yaml#",
            "m/README.md",
            "m/b.yaml.bak",
        ]);
        assert_eq!(
            found("m", folder.path()),
            ["m/a/y.JSON", "m/a/z.yml", "m/b.yaml"]
        );
        assert_eq!(found("m/a/", folder.path()), ["a/y.JSON", "a/z.yml"]);
        assert_eq!(found("m/b.yaml", folder.path()), ["b.yaml"]);
    }

    #[test]
    fn what_is_excluded_is_left_out() {
        let folder = folder(&[
            "m/b.yaml",
            "m/chart/Chart.yaml",
            "m/chart/templates/c.yaml",
            "m/a/values-prod.yaml",
            "m/a/d.yaml",
        ]);
        let without = |path: &str, exclude: &[&str]| found_without(path, exclude, folder.path());
        assert_eq!(
            without("m", &["chart/**", "**/values*.yaml"]),
            ["m/a/d.yaml", "m/b.yaml"]
        );
        assert_eq!(without("m", &["chart", "a"]), ["m/b.yaml"]);
        assert_eq!(without("m/**/*.yaml", &["chart/**", "a/*"]), ["m/b.yaml"]);
        let problems = |path: &str, glob: &str| {
            let files = files_of(&source(path, &[glob]), folder.path());
            files
                .problems
                .iter()
                .map(ToString::to_string)
                .collect::<String>()
        };
        assert!(problems("m/a", "{a").contains("`{a` in `exclude` is not a valid glob"));
        assert!(problems("m/b.yaml", "x").contains("nothing can be excluded"));
    }

    #[test]
    fn globs_match_below_the_folder_they_start_in() {
        let folder = folder(&["m/b.yaml", "m/a/z.yml", "m/a/b/c.yaml", "m/x.txt"]);
        assert_eq!(found("m/*.yaml", folder.path()), ["m/b.yaml"]);
        assert_eq!(
            found("m/**/*.yaml", folder.path()),
            ["m/a/b/c.yaml", "m/b.yaml"]
        );
        assert_eq!(found("m/{a,b}*/*", folder.path()), ["m/a/z.yml"]);
        assert_eq!(found("m/**", folder.path()).len(), 3);
    }

    #[test]
    fn what_holds_nothing_is_named() {
        let folder = folder(&["m/x.txt", "m/[a].yaml"]);
        for (path, text) in [
            ("m", "the folder `m` holds no manifests"),
            ("m/*.yml", "the glob `m/*.yml` matches no manifests"),
            ("n", "n`: No such file or directory"),
            ("m/{a", "is not a valid glob"),
        ] {
            if path == "m" {
                fs::remove_file(folder.path().join("m/[a].yaml")).unwrap();
            }
            let files = files_of(&source(path, &[]), folder.path());
            assert_eq!(files.problems.len(), 1, "{path}");
            assert!(
                files.problems[0].to_string().contains(text),
                "{}",
                files.problems[0]
            );
        }
    }

    #[test]
    fn kustomizations_and_charts_are_said_to_be_such() {
        for (file, text) in [
            (
                "m/kustomization.yaml",
                "write `- {kustomize: m}` into `sources`",
            ),
            (
                "m/sub/Chart.yaml",
                "write `- {helm: {chart: m/sub}}` into `sources`",
            ),
        ] {
            let folder = folder(&[file, "m/sub/values.yaml"]);
            let files = files_of(&source("m", &[]), folder.path());
            assert_eq!(files.problems.len(), 1);
            assert!(
                files.problems[0].to_string().contains(text),
                "{}",
                files.problems[0]
            );
            assert!(files.found.is_empty());
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_that_lead_back_up_do_no_harm() {
        use std::os::unix::fs::symlink;
        let folder = folder(&["m/a/b.yaml"]);
        symlink("..", folder.path().join("m/a/up")).unwrap();
        symlink("nowhere", folder.path().join("m/gone.yaml")).unwrap();
        let files = files_of(&source("m", &[]), folder.path());
        assert_eq!(files.found.len(), 1);
        assert!(
            files.problems[0]
                .to_string()
                .contains("gone.yaml`: No such file"),
            "{}",
            files.problems[0]
        );
        assert_eq!(
            found(
                "m/**/*.yaml",
                &folder
                    .path()
                    .join("m/a/..")
                    .canonicalize()
                    .unwrap()
                    .join("..")
            )
            .len(),
            2
        );
    }

    #[test]
    fn paths_are_shown_without_detours() {
        assert_eq!(
            relative_to(Path::new("/a/b/c"), Path::new("/a/d")),
            Path::new("../b/c")
        );
        assert_eq!(
            relative_to(Path::new("/a/b"), Path::new("/a/b")),
            Path::new(".")
        );
        assert_eq!(
            shown(Path::new("src/../Cargo.toml")),
            Path::new("Cargo.toml")
        );
        assert_eq!(shown(Path::new("Cargo.toml")), Path::new("Cargo.toml"));
    }
}
