//! The files of a source: a file, a folder or a glob, without what belongs to other tools.

use std::{
    collections::HashSet,
    fs, io,
    path::{Component, Path, PathBuf},
};

use globset::GlobBuilder;

use crate::object::Problem;

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
/// Hidden files and folders are left out in folders, so are kustomizations and Helm charts, each of
/// which is a problem.
pub(super) fn files_of(source: &Path, folder: &Path) -> Files {
    let mut files = Files::default();
    let path = folder.join(source);
    match fs::metadata(&path) {
        Ok(metadata) if metadata.is_dir() => walk_source(&mut files, &path, source),
        Ok(_) => files.found.push(Found {
            within: path.file_name().map(PathBuf::from).unwrap_or_default(),
            path,
            named: true,
        }),
        Err(_) if is_glob(source) => glob(&mut files, source, folder),
        Err(error) => files
            .problems
            .push(unreadable(&path, &error).hint("correct the path in `sources`")),
    }
    files
}

fn walk_source(files: &mut Files, path: &Path, source: &Path) {
    // `manifests/..` has no name of its own, which then says nothing about a phase.
    let within = path.file_name().map(PathBuf::from).unwrap_or_default();
    walk(files, path, &within, &mut HashSet::new());
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

fn walk(files: &mut Files, folder: &Path, within: &Path, seen: &mut HashSet<PathBuf>) {
    // Symbolic links may lead back up; each folder is read once.
    if !seen.insert(fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())) {
        return;
    }
    let mut entries = match entries(folder) {
        Ok(entries) => entries,
        Err(error) => return files.problems.push(unreadable(folder, &error)),
    };
    entries.sort();
    if let Some(problem) = entries.iter().find_map(|name| foreign_folder(folder, name)) {
        return files.problems.push(problem);
    }
    for name in entries.iter().filter(|name| !is_hidden(name)) {
        let (path, within) = (folder.join(name), within.join(name));
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => walk(files, &path, &within, seen),
            Ok(_) if is_manifest(name) => files.found.push(Found {
                path,
                within,
                named: false,
            }),
            Err(error) if is_manifest(name) => files.problems.push(unreadable(&path, &error)),
            _ => {}
        }
    }
}

fn entries(folder: &Path) -> io::Result<Vec<String>> {
    fs::read_dir(folder)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect()
}

/// A kustomization or Helm chart is a source of its own kind: its files make sense only together.
fn foreign_folder(folder: &Path, name: &str) -> Option<Problem> {
    let (what, key) = match name {
        "kustomization.yaml" | "kustomization.yml" | "Kustomization" => {
            ("a kustomization", "kustomize")
        }
        "Chart.yaml" => ("a Helm chart", "helm"),
        _ => return None,
    };
    let message = format!(
        "`{}` is {what}, not a folder of plain manifests",
        shown(folder).display()
    );
    Some(
        Problem::error(message)
            .hint(format!("name it as a `{key}` source, or leave it out by naming the other files or folders, or a glob, in `sources`")),
    )
}

fn glob(files: &mut Files, source: &Path, folder: &Path) {
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

    fn found(source: &str, folder: &Path) -> Vec<String> {
        let files = files_of(Path::new(source), folder);
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
        for (source, text) in [
            ("m", "the folder `m` holds no manifests"),
            ("m/*.yml", "the glob `m/*.yml` matches no manifests"),
            ("n", "n`: No such file or directory"),
            ("m/{a", "is not a valid glob"),
        ] {
            if source == "m" {
                fs::remove_file(folder.path().join("m/[a].yaml")).unwrap();
            }
            let files = files_of(Path::new(source), folder.path());
            assert_eq!(files.problems.len(), 1, "{source}");
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
            ("m/kustomization.yaml", "name it as a `kustomize` source"),
            ("m/sub/Chart.yaml", "name it as a `helm` source"),
        ] {
            let folder = folder(&[file, "m/sub/values.yaml"]);
            let files = files_of(Path::new("m"), folder.path());
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
        let files = files_of(Path::new("m"), folder.path());
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
