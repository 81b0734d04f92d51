//! The folder of one sandbox: settings, state, logs, kubeconfig.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{error::SandboxError, processes, programs::Programs};

/// What a sandbox is started with; written by the front end, read by the supervisor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// Marks every process of this sandbox, in its environment.
    pub(super) id: String,
    pub(super) nodes: u16,
    pub(super) context: String,
    pub(super) audit_log: Option<PathBuf>,
    /// Files of CRDs that are created before the sandbox is ready.
    pub(super) crds: Vec<PathBuf>,
    /// Put in front of the `PATH` of commands that `kubectl exec` runs.
    pub(super) exec_path: Option<PathBuf>,
    /// Names of `StorageClass`es beside the usual ones.
    pub(super) storage_classes: Vec<String>,
    /// Whether the metrics API is played.
    pub(super) metrics: bool,
    pub(super) programs: Programs,
}

/// What the supervisor says about itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) supervisor: i32,
    pub(super) started: SystemTime,
    pub(super) ready: bool,
}

/// One line of `deployctl sandbox list`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Summary {
    /// The sandbox's name.
    pub(crate) name: String,
    /// Whether its supervisor runs.
    pub(crate) alive: bool,
    /// Seconds since it was started.
    pub(crate) age_seconds: u64,
    /// The context in its kubeconfig.
    pub(crate) context: String,
    /// Its kubeconfig.
    pub(crate) kubeconfig: PathBuf,
    /// The folder with the logs of its programs.
    pub(crate) logs: PathBuf,
}

/// The folder of one sandbox: its data, certificates, logs and kubeconfig.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    folder: PathBuf,
}

impl Home {
    /// The sandbox in `folder`; nothing is read or made yet.
    pub(crate) fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(super) fn name(&self) -> String {
        self.folder
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The kubeconfig that users point `KUBECONFIG` at.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.file("kubeconfig")
    }

    /// The folder that links the programs by their usual names, for the `PATH`.
    pub(super) fn bin(&self) -> PathBuf {
        self.file("bin")
    }

    pub(super) fn logs(&self) -> PathBuf {
        self.file("logs")
    }

    pub(super) fn log(&self, program: &str) -> PathBuf {
        self.logs().join(format!("{program}.log"))
    }

    /// Makes the folder for a new sandbox; what a dead one left there is removed.
    pub(super) fn create(&self, settings: &Settings) -> Result<(), SandboxError> {
        self.remove()?;
        for folder in [
            self.folder.clone(),
            self.logs(),
            self.bin(),
            self.file("pki"),
            self.file("exec"),
        ] {
            fs::create_dir_all(&folder).map_err(SandboxError::file("create", &folder))?;
        }
        restrict(&self.folder).map_err(SandboxError::file("restrict", &self.folder))?;
        for (name, path) in settings.programs.iter() {
            let link = self.bin().join(name);
            std::os::unix::fs::symlink(path, &link).map_err(SandboxError::file("link", link))?;
        }
        self.write_json("settings.json", settings)
    }

    /// Removes everything of the sandbox.
    pub(super) fn remove(&self) -> Result<(), SandboxError> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(SandboxError::file("remove", &self.folder)(error))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn settings(&self) -> Option<Settings> {
        self.read_json("settings.json")
    }

    pub(super) fn state(&self) -> Option<State> {
        self.read_json("state.json")
    }

    pub(super) fn write_state(&self, state: &State) -> Result<(), SandboxError> {
        self.write_json("state.json", state)
    }

    /// The supervisor's process, if it runs and is really this sandbox's.
    pub(super) fn supervisor(&self) -> Option<i32> {
        let process = self.state()?.supervisor;
        processes::carries(process, &self.settings()?.id).then_some(process)
    }

    /// What `list` shows; nothing for a folder that is no sandbox.
    pub(super) fn summary(&self) -> Option<Summary> {
        let settings = self.settings()?;
        let started = self
            .state()
            .map_or_else(SystemTime::now, |state| state.started);
        Some(Summary {
            name: self.name(),
            alive: self.supervisor().is_some(),
            age_seconds: started.elapsed().unwrap_or(Duration::ZERO).as_secs(),
            context: settings.context,
            kubeconfig: self.kubeconfig(),
            logs: self.logs(),
        })
    }

    /// Writes a file that only the user can read.
    pub(super) fn write(&self, name: &str, content: &str) -> Result<PathBuf, SandboxError> {
        let path = self.file(name);
        fs::write(&path, content).map_err(SandboxError::file("write", &path))?;
        Ok(path)
    }

    fn read_json<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_slice(&fs::read(self.file(name)).ok()?).ok()
    }

    /// Replaces the file at once, so that a reader never sees half of it.
    fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), SandboxError> {
        let text =
            serde_json::to_string_pretty(value).expect("settings and state have string keys only");
        let temporary = self.write(&format!("{name}.new"), &text)?;
        let path = self.file(name);
        fs::rename(temporary, &path).map_err(SandboxError::file("write", path))
    }
}

/// The folder holds tokens and keys: nobody else may look into it.
fn restrict(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

/// The last lines of a file, for error messages; empty where it cannot be read.
pub(super) fn tail(path: &Path, lines: usize) -> String {
    let text = fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
