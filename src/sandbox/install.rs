//! Puts the pinned programs into the cache: built by the user's Go, or links to prebuilt ones.

use std::{
    env,
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{
    cache::Cache,
    error::SandboxError,
    programs::{GO_MOD, GO_SUM, Programs, needed_go, pinned},
};

/// The convention of envtest for a folder of prebuilt programs
/// (<https://book.kubebuilder.io/reference/envtest>).
const ASSETS_VARIABLE: &str = "KUBEBUILDER_ASSETS";

/// What an installation is doing.
#[derive(Debug)]
pub(crate) enum InstallProgress<'a> {
    /// Another installation holds the lock; this one waits for it.
    Waiting,
    /// The build began.
    Building,
    /// Go has begun to compile another package.
    Package(&'a str),
    /// A folder of prebuilt programs lacks some, which are built instead.
    Lacking(&'a str),
}

/// How an installation ended.
#[derive(Debug)]
pub(crate) enum InstallOutcome {
    /// Everything was there.
    NothingToDo(PathBuf),
    /// The programs were built or linked.
    Installed(PathBuf),
}

/// Puts the sandbox's programs into the cache: links to those in `from`, or built by the user's Go.
///
/// Built programs appear under their final name only when all of them are there, so an interrupted
/// installation is never taken for a complete one; a lock keeps two installations apart.
pub(crate) fn install(
    cache: &Cache,
    from: Option<&Path>,
    progress: &mut dyn FnMut(InstallProgress<'_>),
) -> Result<InstallOutcome, SandboxError> {
    let target = cache.programs_folder();
    if target.is_dir() {
        return Ok(InstallOutcome::NothingToDo(target.join("bin")));
    }
    let _lock = lock(&cache.lock_file("install"), progress)?;
    if target.is_dir() {
        return Ok(InstallOutcome::NothingToDo(target.join("bin")));
    }
    let building = cache.root().join("building");
    remove(&building)?;
    match from {
        Some(folder) => link(&prebuilt(folder)?, &building)?,
        None => build(&building, progress)?,
    }
    fs::rename(&building, &target).map_err(SandboxError::file("create", &target))?;
    Ok(InstallOutcome::Installed(target.join("bin")))
}

/// The programs to start with: those in `from` or in `KUBEBUILDER_ASSETS`, the installed ones for
/// the rest.
pub(super) fn resolve(
    cache: &Cache,
    from: Option<&Path>,
    progress: &mut dyn FnMut(InstallProgress<'_>),
) -> Result<Programs, SandboxError> {
    if let Some(folder) = from {
        return prebuilt(folder);
    }
    let assets = env::var_os(ASSETS_VARIABLE).filter(|value| !value.is_empty());
    let programs = assets
        .map(|folder| Programs::find_in(Path::new(&folder)))
        .unwrap_or_default();
    let missing = programs.missing();
    if missing.is_empty() {
        return Ok(programs);
    }
    if programs.iter().next().is_some() {
        progress(InstallProgress::Lacking(&missing.join(", ")));
    }
    install(cache, None, progress)?;
    Ok(programs.or(&cache.programs().unwrap_or_default()))
}

fn prebuilt(folder: &Path) -> Result<Programs, SandboxError> {
    let folder = std::path::absolute(folder).map_err(SandboxError::file("find", folder))?;
    let programs = Programs::find_in(&folder);
    let missing = programs.missing();
    if missing.is_empty() {
        Ok(programs)
    } else {
        Err(SandboxError::ProgramsMissing {
            folder,
            programs: missing.join(", "),
        })
    }
}

fn lock(path: &Path, progress: &mut dyn FnMut(InstallProgress<'_>)) -> Result<File, SandboxError> {
    let file = File::create(path).map_err(SandboxError::file("create", path))?;
    if file.try_lock().is_err() {
        progress(InstallProgress::Waiting);
        file.lock().map_err(SandboxError::file("lock", path))?;
    }
    Ok(file)
}

fn link(programs: &Programs, folder: &Path) -> Result<(), SandboxError> {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).map_err(SandboxError::file("create", &bin))?;
    for (name, path) in programs.iter() {
        std::os::unix::fs::symlink(path, bin.join(name))
            .map_err(SandboxError::file("link", path))?;
    }
    Ok(())
}

fn build(folder: &Path, progress: &mut dyn FnMut(InstallProgress<'_>)) -> Result<(), SandboxError> {
    fs::create_dir_all(folder).map_err(SandboxError::file("create", folder))?;
    check_go(folder)?;
    for (name, text) in [("go.mod", GO_MOD), ("go.sum", GO_SUM)] {
        fs::write(folder.join(name), text)
            .map_err(SandboxError::file("write", folder.join(name)))?;
    }
    progress(InstallProgress::Building);
    let bin = folder.join("bin");
    go_install(folder, &bin, progress)?;
    let missing = Programs::find_in(&bin).missing();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(SandboxError::ProgramsMissing {
            folder: bin,
            programs: missing.join(", "),
        })
    }
}

fn go_install(
    folder: &Path,
    bin: &Path,
    progress: &mut dyn FnMut(InstallProgress<'_>),
) -> Result<(), SandboxError> {
    let mut command = go(folder);
    command.args([
        "install",
        "-v",
        "-trimpath",
        "-ldflags",
        &linker_flags(),
        "tool",
    ]);
    command
        .env("GOBIN", bin)
        .env("CGO_ENABLED", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(SandboxError::GoMissing)?;
    let stderr = child.stderr.take().expect("stderr is piped");
    let mut last = Vec::new();
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        progress(InstallProgress::Package(&line));
        last.push(line);
        if last.len() > 15 {
            last.remove(0);
        }
    }
    let status = child.wait().map_err(SandboxError::GoMissing)?;
    if status.success() {
        Ok(())
    } else {
        Err(SandboxError::Go {
            command: "go install tool".to_owned(),
            tail: last.join("\n"),
        })
    }
}

/// The servers say their version by these; without them clients meet `v0.0.0-master`.
fn linker_flags() -> String {
    let version = pinned("k8s.io/kubernetes");
    let mut numbers = version.trim_start_matches('v').split('.');
    let (major, minor) = (
        numbers.next().unwrap_or_default(),
        numbers.next().unwrap_or_default(),
    );
    let package = "k8s.io/component-base/version";
    format!(
        "-s -w -X {package}.gitVersion={version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor}"
    )
}

/// The user's Go, free of settings that would change what is built. It must not fetch another Go by
/// itself either.
pub(super) fn go(folder: &Path) -> Command {
    let mut command = Command::new("go");
    command
        .current_dir(folder)
        .env("GOWORK", "off")
        .env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "")
        .env_remove("GOOS")
        .env_remove("GOARCH");
    command
}

fn check_go(folder: &Path) -> Result<(), SandboxError> {
    let output = go(folder)
        .args(["env", "GOVERSION"])
        .output()
        .map_err(SandboxError::GoMissing)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let found = text.trim().trim_start_matches("go").to_owned();
    let needed = needed_go();
    if version_numbers(&found) >= version_numbers(needed) {
        Ok(())
    } else {
        Err(SandboxError::GoTooOld {
            found,
            needed: needed.to_owned(),
        })
    }
}

/// `1.26.8` and `1.27rc1` as numbers that can be compared.
fn version_numbers(version: &str) -> Vec<u32> {
    let digits = |part: &str| {
        part.chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>()
            .parse()
            .unwrap_or(0)
    };
    version.split('.').take(3).map(digits).collect()
}

fn remove(folder: &Path) -> Result<(), SandboxError> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(SandboxError::file("remove", folder))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_versions_are_compared_as_numbers() {
        assert!(version_numbers("1.26.8") >= version_numbers("1.26.0"));
        assert!(version_numbers("1.27rc1") >= version_numbers("1.26.0"));
        assert!(version_numbers("1.9.4") < version_numbers("1.26.0"));
        assert!(version_numbers("") < version_numbers("1.26.0"));
    }

    #[test]
    fn linker_flags_carry_the_pinned_version() {
        assert!(linker_flags().contains(&format!("gitVersion={}", pinned("k8s.io/kubernetes"))));
        assert!(linker_flags().contains("gitMajor=1 "));
    }
}
