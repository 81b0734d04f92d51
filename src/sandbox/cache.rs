//! The folder that holds programs, CRDs and the sandboxes themselves.

use std::{env, fs, path::PathBuf};

use etcetera::BaseStrategy as _;

use super::{
    error::SandboxError,
    home::Home,
    programs::{Programs, digest},
};

/// Names the folder that holds built programs and running sandboxes, instead of the user's cache
/// folder.
const CACHE_VARIABLE: &str = "DEPLOYCTL_SANDBOX_CACHE";

/// The folder that holds built programs, CRDs and the folders of running sandboxes.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The folder of `DEPLOYCTL_SANDBOX_CACHE`, else `deployctl/sandbox` in the user's cache folder
    /// (<https://specifications.freedesktop.org/basedir-spec/latest/>).
    pub(crate) fn locate() -> Result<Self, SandboxError> {
        let root = if let Some(path) = env::var_os(CACHE_VARIABLE).filter(|value| !value.is_empty())
        {
            std::path::absolute(path).map_err(|_| SandboxError::CacheFolder)?
        } else {
            let strategy =
                etcetera::choose_base_strategy().map_err(|_| SandboxError::CacheFolder)?;
            strategy.cache_dir().join("deployctl/sandbox")
        };
        fs::create_dir_all(root.join("sandboxes")).map_err(SandboxError::file("create", &root))?;
        Ok(Self { root })
    }

    pub(super) fn root(&self) -> &PathBuf {
        &self.root
    }

    /// Where the programs of this version belong; it exists only when they are complete.
    pub(super) fn programs_folder(&self) -> PathBuf {
        self.root.join(digest())
    }

    /// The built programs, unless they are yet to be installed.
    pub(super) fn programs(&self) -> Option<Programs> {
        let folder = self.programs_folder();
        folder
            .is_dir()
            .then(|| Programs::find_in(&folder.join("bin")))
    }

    /// Where the CRDs of a set are kept after their first use.
    pub(super) fn crds_folder(&self, set: &str, version: &str) -> PathBuf {
        self.root.join("crds").join(format!("{set}-{version}"))
    }

    pub(super) fn lock_file(&self, name: &str) -> PathBuf {
        self.root.join(format!("{name}.lock"))
    }

    /// The folder of the sandbox `name`.
    pub(crate) fn home(&self, name: &str) -> Result<Home, SandboxError> {
        let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty()
            || name.len() > 40
            || name.starts_with('-')
            || name.ends_with('-')
            || !name.chars().all(valid)
        {
            return Err(SandboxError::Name(name.to_owned()));
        }
        Ok(Home::at(self.root.join("sandboxes").join(name)))
    }

    /// The folders of all sandboxes, running or dead, by name.
    pub(super) fn homes(&self) -> Result<Vec<Home>, SandboxError> {
        let folder = self.root.join("sandboxes");
        let entries = fs::read_dir(&folder).map_err(SandboxError::file("read", &folder))?;
        let mut homes: Vec<Home> = entries
            .filter_map(Result::ok)
            .map(|entry| Home::at(entry.path()))
            .collect();
        homes.sort_by_key(Home::name);
        Ok(homes)
    }
}
