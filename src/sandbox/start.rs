//! Starts a sandbox and leaves it in the care of its supervisor.

use std::{fs::File, path::PathBuf, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use super::{
    cache::Cache,
    certificates::token,
    crds,
    error::SandboxError,
    home::{Home, Settings, tail},
    install::{InstallProgress, resolve},
    launch,
    message::Message,
    processes::{self, MARKER, STOP_TIMEOUT},
    supervisor,
};

/// What a new sandbox is to be like.
#[derive(Debug, Clone, Default)]
pub(crate) struct StartOptions {
    /// A folder of prebuilt programs.
    pub(crate) from: Option<PathBuf>,
    /// How many nodes it has.
    pub(crate) nodes: u16,
    /// The context in its kubeconfig; by default `sandbox-NAME`.
    pub(crate) context: Option<String>,
    /// Where the API server logs the requests of users.
    pub(crate) audit_log: Option<PathBuf>,
    /// Sets, files and folders of CRDs.
    pub(crate) crds: Vec<String>,
    /// Put in front of the `PATH` of commands that `kubectl exec` runs.
    pub(crate) exec_path: Option<PathBuf>,
    /// Names of `StorageClass`es beside the usual ones.
    pub(crate) storage_classes: Vec<String>,
    /// Whether the metrics API is played.
    pub(crate) metrics: bool,
}

/// How a start ended.
#[derive(Debug)]
pub(crate) enum StartOutcome {
    /// It ran already.
    Running(Home),
    /// It was started.
    Started(Home),
}

/// What goes on while a sandbox starts.
#[derive(Debug)]
pub(crate) enum StartProgress<'a> {
    /// The programs are being installed.
    Install(InstallProgress<'a>),
    /// What the supervisor does.
    Step(&'a str),
    /// It can be used; the terminal belongs to the command now.
    Ready,
}

/// Starts the sandbox `name` and leaves it running, in the care of its supervisor.
pub(crate) async fn start(
    cache: &Cache,
    name: &str,
    options: &StartOptions,
    progress: &mut dyn FnMut(StartProgress<'_>),
) -> Result<StartOutcome, SandboxError> {
    let home = cache.home(name)?;
    let lock = cache.lock_file(&format!("start-{name}"));
    let lock_file = File::create(&lock).map_err(SandboxError::file("create", &lock))?;
    lock_file
        .lock()
        .map_err(SandboxError::file("lock", &lock))?;
    if home.supervisor().is_some() {
        return Ok(StartOutcome::Running(home));
    }
    let mut supervisor = Supervisor::launch(cache, &home, options, progress)?;
    supervisor.await_ready(progress).await?;
    supervisor.detach().await?;
    Ok(StartOutcome::Started(home))
}

/// The supervisor of a sandbox as the process that started it sees it. Dropping it cuts the
/// lifeline: the sandbox stops.
pub(super) struct Supervisor {
    pub(super) home: Home,
    pub(super) id: String,
    pub(super) child: Child,
    lifeline: Option<ChildStdin>,
    messages: Lines<BufReader<ChildStdout>>,
}

impl Supervisor {
    /// Installs what is missing, makes the sandbox's folder and starts its supervisor.
    pub(super) fn launch(
        cache: &Cache,
        home: &Home,
        options: &StartOptions,
        progress: &mut dyn FnMut(StartProgress<'_>),
    ) -> Result<Self, SandboxError> {
        let programs = resolve(cache, options.from.as_deref(), &mut |step| {
            progress(StartProgress::Install(step));
        })?;
        let absolute =
            |path: &PathBuf| std::path::absolute(path).map_err(SandboxError::file("find", path));
        let id = format!("{}-{}", home.name(), token());
        let settings = Settings {
            id: id.clone(),
            nodes: options.nodes,
            context: options
                .context
                .clone()
                .unwrap_or_else(|| format!("sandbox-{}", home.name())),
            audit_log: options.audit_log.as_ref().map(absolute).transpose()?,
            crds: crds::resolve(cache, &options.crds)?,
            exec_path: options.exec_path.as_ref().map(absolute).transpose()?,
            storage_classes: options.storage_classes.clone(),
            metrics: options.metrics,
            programs,
        };
        stop_leftovers(home);
        home.create(&settings)?;
        let log = supervisor::log(home);
        let stderr = File::create(&log).map_err(SandboxError::file("create", &log))?;
        let mut command = launch::own_program();
        command
            .args(supervisor::arguments(home.folder()))
            .env(MARKER, &id);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr);
        let spawn_error = |source| SandboxError::Spawn {
            program: "the supervisor".to_owned(),
            source,
        };
        let mut child = Command::from(command).spawn().map_err(spawn_error)?;
        let messages = BufReader::new(child.stdout.take().expect("its output is piped")).lines();
        Ok(Self {
            home: home.clone(),
            id,
            lifeline: child.stdin.take(),
            child,
            messages,
        })
    }

    /// Returns when the sandbox can be used.
    pub(super) async fn await_ready(
        &mut self,
        progress: &mut dyn FnMut(StartProgress<'_>),
    ) -> Result<(), SandboxError> {
        while let Ok(Some(line)) = self.messages.next_line().await {
            match serde_json::from_str(&line) {
                Ok(Message::Step(step)) => progress(StartProgress::Step(&step)),
                Ok(Message::Ready) => {
                    progress(StartProgress::Ready);
                    return Ok(());
                }
                Ok(Message::Failed(message)) => return Err(SandboxError::Supervisor(message)),
                Err(_) => (),
            }
        }
        Err(self.died())
    }

    /// Whether it is ending: it kills what was run in the sandbox first.
    pub(super) async fn has_ended(&mut self) -> bool {
        let ended = tokio::time::timeout(STOP_TIMEOUT * 5, self.child.wait());
        ended.await.is_ok()
    }

    /// The error for a supervisor that ended without a word.
    pub(super) fn died(&self) -> SandboxError {
        let log = supervisor::log(&self.home);
        SandboxError::Died {
            program: "the supervisor".to_owned(),
            status: "unexpectedly".to_owned(),
            tail: tail(&log, 15),
            log,
        }
    }

    /// Lets the sandbox go on without this process.
    async fn detach(mut self) -> Result<(), SandboxError> {
        let mut lifeline = self
            .lifeline
            .take()
            .expect("the lifeline is cut only at the end");
        let line = format!("{}\n", supervisor::DETACH);
        lifeline
            .write_all(line.as_bytes())
            .await
            .map_err(SandboxError::file("let go of", self.home.folder()))
    }

    /// Cuts the lifeline and waits until nothing of the sandbox is left.
    pub(super) async fn stop(&mut self) -> Result<(), SandboxError> {
        drop(self.lifeline.take());
        if tokio::time::timeout(STOP_TIMEOUT * 5, self.child.wait())
            .await
            .is_err()
        {
            let _ = self.child.kill().await;
        }
        processes::sweep(&self.id, &[]);
        self.home.remove()
    }
}

/// A supervisor that was killed may have left processes behind.
pub(super) fn stop_leftovers(home: &Home) {
    if let Some(settings) = home.settings() {
        processes::sweep(&settings.id, &[]);
    }
}
