//! Helm for tests: pinned Go modules of their own, built once.

use std::{env, fs, path::Path, path::PathBuf, process::Command, sync::OnceLock};

use super::{Deployctl, deployctl::inherited_environment};

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
}

/// Go does nothing where what it has built is still what its module says.
fn build(major: &str) -> PathBuf {
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/programs/helm{major}"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("helm{major}"));
    fs::create_dir_all(&folder).unwrap();
    // Tests of several processes may build it at once; each puts a whole program in its place.
    let unfinished = folder.join(format!("helm.{}", std::process::id()));
    let built = Command::new("go")
        .args(["build", "-trimpath", "-ldflags", "-s -w", "-o"])
        .arg(&unfinished)
        .arg(format!("helm.sh/helm/v{major}/cmd/helm"))
        .current_dir(module)
        .env_clear()
        .envs(inherited_environment())
        .envs([
            ("GOFLAGS", ""),
            ("GOWORK", "off"),
            ("GOTOOLCHAIN", "local"),
            ("CGO_ENABLED", "0"),
        ])
        .output()
        .expect("Go can be run");
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    fs::rename(unfinished, folder.join("helm")).unwrap();
    folder
}
