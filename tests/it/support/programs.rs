//! Programs for tests: pinned Go modules of their own, built once.

use std::{fs, path::Path, path::PathBuf, process::Command};

use super::deployctl::inherited_environment;

/// The folder that holds `program`, which the module in `tests/programs/MODULE` builds of `package`.
///
/// Go does nothing where what it has built is still what its module says.
pub(crate) fn built(module: &str, package: &str, program: &str) -> PathBuf {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(module);
    fs::create_dir_all(&folder).unwrap();
    // Tests of several processes may build it at once; each puts a whole program in its place.
    let unfinished = folder.join(format!("{program}.{}", std::process::id()));
    let built = Command::new("go")
        .args(["build", "-trimpath", "-ldflags", "-s -w", "-o"])
        .arg(&unfinished)
        .arg(package)
        .current_dir(sources.join(module))
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
    fs::rename(unfinished, folder.join(program)).unwrap();
    folder
}
