//! Helm for tests.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use super::{Deployctl, deployctl::inherited_environment, programs::built};

/// Which Helm.
#[derive(Clone, Copy)]
pub(crate) enum Helm {
    Three,
    Four,
}

impl Helm {
    /// The folder that holds the program `helm`.
    pub(crate) fn folder(self) -> &'static Path {
        static THREE: OnceLock<PathBuf> = OnceLock::new();
        static FOUR: OnceLock<PathBuf> = OnceLock::new();
        match self {
            Self::Three => THREE.get_or_init(|| build("3")),
            Self::Four => FOUR.get_or_init(|| build("4")),
        }
    }

    /// `command` with this Helm on its `PATH`.
    pub(crate) fn of(self, command: Deployctl) -> Deployctl {
        let path = command.path_variable();
        let folders = [self.folder().to_owned()].into_iter();
        let path = env::join_paths(folders.chain(env::split_paths(&path))).unwrap();
        command.env("PATH", path)
    }

    /// Runs this Helm itself in `folder`, which must succeed.
    #[track_caller]
    pub(crate) fn run(self, folder: &Path, arguments: &[&str], environment: &[(&str, &Path)]) {
        let output = Command::new(self.folder().join("helm"))
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .envs(inherited_environment())
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }
}

fn build(major: &str) -> PathBuf {
    let package = format!("helm.sh/helm/v{major}/cmd/helm");
    built(&format!("helm{major}"), &package, "helm")
}
