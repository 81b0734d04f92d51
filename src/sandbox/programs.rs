//! The pinned programs: which, in which version, and where they are.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub(super) const GO_MOD: &str = include_str!("programs/go.mod");
pub(super) const GO_SUM: &str = include_str!("programs/go.sum");

/// Without these no sandbox starts.
const REQUIRED: [&str; 5] = [
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kwok",
];
/// These are put on the `PATH` of a command that `run` runs.
const OPTIONAL: [&str; 2] = ["kubectl", "kustomize"];

/// Names the folder that built programs are kept in: it changes with every pinned version.
pub(super) fn digest() -> String {
    let digest = Sha256::new()
        .chain_update(GO_MOD)
        .chain_update(GO_SUM)
        .finalize();
    digest
        .iter()
        .take(8)
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// The oldest Go that the embedded go.mod accepts, for example `1.26.0`.
pub(super) fn needed_go() -> &'static str {
    GO_MOD
        .lines()
        .find_map(|line| line.strip_prefix("go "))
        .expect("go.mod has a go line")
        .trim()
}

/// The version of a module that the embedded go.mod requires directly, for example `v1.36.3`.
pub(super) fn pinned(module: &str) -> &'static str {
    let requirement = |line: &'static str| {
        line.trim()
            .strip_prefix(module)?
            .strip_prefix(' ')?
            .split_whitespace()
            .next()
    };
    GO_MOD
        .lines()
        .find_map(requirement)
        .expect("the module is required by go.mod")
}

/// Where each program is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Programs(BTreeMap<String, PathBuf>);

impl Programs {
    /// The programs that `folder` holds. etcd's is called `server` when it comes out of `go
    /// install`.
    pub(super) fn find_in(folder: &Path) -> Self {
        let candidates = |name: &'static str| {
            if name == "etcd" {
                vec!["etcd", "server"]
            } else {
                vec![name]
            }
        };
        let find = |name: &'static str| {
            candidates(name)
                .into_iter()
                .map(|file| folder.join(file))
                .find(|path| path.is_file())
        };
        Self(
            REQUIRED
                .into_iter()
                .chain(OPTIONAL)
                .filter_map(|name| Some((name.to_owned(), find(name)?)))
                .collect(),
        )
    }

    /// The programs that a sandbox cannot do without and that are not there.
    pub(super) fn missing(&self) -> Vec<&'static str> {
        REQUIRED
            .into_iter()
            .filter(|name| !self.0.contains_key(*name))
            .collect()
    }

    /// These programs, and those of `other` where these lack one.
    pub(super) fn or(mut self, other: &Self) -> Self {
        for (name, path) in &other.0 {
            self.0.entry(name.clone()).or_insert_with(|| path.clone());
        }
        self
    }

    /// The path of a required program.
    pub(super) fn path<'a>(&'a self, name: &'a str) -> &'a Path {
        self.0
            .get(name)
            .map_or_else(|| Path::new(name), PathBuf::as_path)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.0
            .iter()
            .map(|(name, path)| (name.as_str(), path.as_path()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pinned_versions_are_read_from_the_embedded_go_mod() {
        assert!(pinned("k8s.io/kubernetes").starts_with("v1."));
        assert!(pinned("sigs.k8s.io/kwok").starts_with("v0."));
        assert!(needed_go().starts_with("1."));
        assert_eq!(digest().len(), 16);
    }

    #[test]
    fn a_folder_that_lacks_programs_names_them() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["server", "kube-apiserver", "kubectl"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let programs = Programs::find_in(folder.path());
        assert_eq!(
            programs.missing(),
            ["kube-controller-manager", "kube-scheduler", "kwok"]
        );
        assert!(programs.path("etcd").ends_with("server"));
    }
}
