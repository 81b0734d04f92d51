//! Finds the plan file: by path, or by name in the nearest `plans/` folder.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

use super::names::{listed, nearest};

/// Why no plan file was found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DiscoverError {
    /// No name was given and there is no `plans/` folder.
    #[error("no plan was named, and there is no folder `plans` here or above {}", folder.display())]
    NoFolder {
        /// Where the search began.
        folder: PathBuf,
    },
    /// No name was given and the folder holds none or several.
    #[error("{}", none_or_several(folder, names))]
    NotOne {
        /// The `plans/` folder.
        folder: PathBuf,
        /// Names of the plans in it.
        names: Vec<String>,
    },
    /// There is no plan of that name.
    #[error("there is no plan `{name}` in the folder `{}`{}", folder.display(), unknown(name, names))]
    Unknown {
        /// The name asked for.
        name: String,
        /// The `plans/` folder.
        folder: PathBuf,
        /// Names of the plans in it.
        names: Vec<String>,
    },
    /// The path leads to no file.
    #[error("there is no plan file `{}`", path.display())]
    NoFile {
        /// The path asked for.
        path: PathBuf,
    },
    /// The file or folder cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn none_or_several(folder: &Path, names: &[String]) -> String {
    match names {
        [] => format!("the folder `{}` holds no plan", folder.display()),
        names => format!(
            "the folder `{}` holds several plans: {}; name one",
            folder.display(),
            listed(names)
        ),
    }
}

fn unknown(name: &str, names: &[String]) -> String {
    match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("; did you mean `{near}`?"),
        None if names.is_empty() => ", which holds none".to_owned(),
        None => format!("; it holds {}", listed(names)),
    }
}

/// The plan file that `plan` names: a path, a name in the nearest `plans/` folder at or above
/// `folder`, or the only one in it.
pub(super) fn discover(plan: Option<&str>, folder: &Path) -> Result<PathBuf, DiscoverError> {
    if let Some(text) = plan
        && (is_path(text) || has_plan_extension(Path::new(text)))
    {
        let path = folder.join(text);
        return if path.is_file() {
            Ok(tidied(&path))
        } else {
            Err(DiscoverError::NoFile {
                path: PathBuf::from(text),
            })
        };
    }
    let plans = folder
        .ancestors()
        .map(|above| above.join("plans"))
        .find(|plans| plans.is_dir());
    let plans = plans.ok_or_else(|| match plan {
        Some(name) => DiscoverError::NoFile {
            path: Path::new("plans").join(format!("{name}.yaml")),
        },
        None => DiscoverError::NoFolder {
            folder: folder.to_owned(),
        },
    })?;
    let files = plan_files(&plans)?;
    let names = || files.iter().map(|file| stem(file)).collect::<Vec<_>>();
    let shown = displayed(&plans, folder);
    match plan {
        None if files.len() == 1 => Ok(files[0].clone()),
        None => Err(DiscoverError::NotOne {
            folder: shown,
            names: names(),
        }),
        Some(name) => {
            let file = files.iter().find(|file| stem(file) == name).cloned();
            file.ok_or_else(|| DiscoverError::Unknown {
                name: name.to_owned(),
                folder: shown,
                names: names(),
            })
        }
    }
}

/// `path` as the user would write it from `folder`: relative where that is not longer.
pub(crate) fn displayed(path: &Path, folder: &Path) -> PathBuf {
    let common = path
        .components()
        .zip(folder.components())
        .take_while(|(left, right)| left == right)
        .count();
    let ups = folder.components().count() - common;
    let relative: PathBuf = std::iter::repeat_n(Component::ParentDir, ups)
        .chain(path.components().skip(common))
        .collect();
    if relative.as_os_str().is_empty() {
        PathBuf::from(".")
    } else if relative.as_os_str().len() <= path.as_os_str().len() {
        relative
    } else {
        path.to_owned()
    }
}

/// The name of the plan in `file` where it names none itself.
pub(super) fn stem(file: &Path) -> String {
    file.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn is_path(text: &str) -> bool {
    text.contains(std::path::MAIN_SEPARATOR) || text.contains('/')
}

fn has_plan_extension(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml")
}

fn plan_files(folder: &Path) -> Result<Vec<PathBuf>, DiscoverError> {
    let unreadable = |source| DiscoverError::Unreadable {
        path: folder.to_owned(),
        source,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && has_plan_extension(&path) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// `path` without `.` and `x/..`, so that it is shown as it would be written.
fn tidied(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(tidy.components().next_back(), Some(Component::Normal(_))) =>
            {
                tidy.pop();
            }
            other => tidy.push(other),
        }
    }
    tidy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_relative_where_that_is_shorter() {
        let shown = |path, folder| {
            displayed(Path::new(path), Path::new(folder))
                .display()
                .to_string()
        };
        assert_eq!(shown("/a/plans/x.yaml", "/a"), "plans/x.yaml");
        assert_eq!(shown("/a/plans/x.yaml", "/a/b"), "../plans/x.yaml");
        assert_eq!(shown("/x.yaml", "/a/b/c/d"), "/x.yaml");
        assert_eq!(shown("/a", "/a"), ".");
        assert_eq!(tidied(Path::new("/a/./b/../c")), Path::new("/a/c"));
    }
}
