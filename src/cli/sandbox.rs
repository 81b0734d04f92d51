//! `deployctl sandbox`: installs, starts, lists and stops sandboxes, and runs commands in one.

use std::{
    ffi::OsString,
    future::Future,
    io::IsTerminal as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    cli::Global,
    error::{CommandError, ExitCode},
    report::Output,
    sandbox::{
        self, Cache, Ended, InstallOutcome, InstallProgress, SandboxError, StartOptions,
        StartOutcome, StartProgress, StopOutcome, Summary,
    },
};

/// Throw-away Kubernetes on this machine, without containers
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl sandbox run -- kubectl get nodes
  export KUBECONFIG=$(deployctl sandbox start)
  deployctl sandbox stop")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Build the sandbox's programs with your Go, once
    Install(InstallArguments),
    /// Start a sandbox and leave it running; prints its kubeconfig's path
    Start(StartArguments),
    /// Stop a sandbox and remove everything of it
    Stop(StopArguments),
    /// Show the sandboxes of this machine
    List(ListArguments),
    /// Start a sandbox, run a command in it, stop it
    Run(RunArguments),
    /// Hold a sandbox
    #[command(hide = true)]
    Supervise(SuperviseArguments),
    /// Become a program that ends with its parent
    #[command(hide = true)]
    Exec(ExecArguments),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl sandbox install
  deployctl sandbox install --from ~/kubernetes/bin")]
struct InstallArguments {
    /// Use the prebuilt programs in this folder
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct SandboxFlags {
    /// Use the prebuilt programs in this folder, as `KUBEBUILDER_ASSETS` does
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// Number of nodes
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    nodes: u16,
    /// Name of the context in the kubeconfig [default: sandbox-NAME]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Log every user's requests to this file, as the API server's audit log
    #[arg(long, value_name = "FILE")]
    audit_log: Option<PathBuf>,
    /// Install CRDs: cert-manager, prometheus-operator, external-secrets, gateway-api, keda, vpa,
    /// zalando, sealed-secrets, argo-cd, snapshotter, velero, or a file or folder of your own
    #[arg(long, value_name = "SET", value_delimiter = ',')]
    crds: Vec<String>,
    /// Where `kubectl exec` looks for programs first
    #[arg(long, value_name = "DIR")]
    exec_path: Option<PathBuf>,
    /// Create a storage class of this name, for plans that expect one to be there; can be given
    /// several times
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    storage_class: Vec<String>,
    /// Leave out the metrics API, as clusters without a metrics server do
    #[arg(long)]
    no_metrics: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  export KUBECONFIG=$(deployctl sandbox start)
  deployctl sandbox start try --nodes 5 --crds cert-manager,prometheus-operator")]
struct StartArguments {
    /// Name of the sandbox
    #[arg(default_value = "default")]
    name: String,
    #[command(flatten)]
    flags: SandboxFlags,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl sandbox stop
  deployctl sandbox stop try")]
struct StopArguments {
    /// Name of the sandbox
    #[arg(default_value = "default")]
    name: String,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl sandbox list
  deployctl sandbox list -o json")]
struct ListArguments {
    /// Output format
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    /// One JSON document
    Json,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl sandbox run -- kubectl get nodes
  deployctl sandbox run --crds cert-manager -- deployctl up --yes")]
struct RunArguments {
    #[command(flatten)]
    flags: SandboxFlags,
    /// The command and its arguments
    #[arg(required = true, last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

#[derive(Debug, clap::Args)]
struct SuperviseArguments {
    #[arg(long)]
    home: PathBuf,
}

#[derive(Debug, clap::Args)]
struct ExecArguments {
    #[arg(long)]
    parent: u32,
    #[arg(required = true, last = true)]
    command: Vec<OsString>,
}

pub(crate) fn run(
    arguments: Arguments,
    global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    match arguments.command {
        Command::Install(arguments) => install(&arguments, global, output),
        Command::Start(arguments) => start(&arguments, global, output),
        Command::Stop(arguments) => stop(&arguments, output),
        Command::List(arguments) => list(&arguments, output),
        Command::Run(arguments) => run_command(&arguments, global, output),
        Command::Supervise(arguments) => {
            block_on(sandbox::supervise(arguments.home)).map(|()| ExitCode::Done)
        }
        Command::Exec(arguments) => exec(&arguments),
    }
}

fn install(
    arguments: &InstallArguments,
    global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let cache = Cache::locate().map_err(|error| explain(&error))?;
    let mut progress = Progress::new(global, output);
    let outcome = sandbox::install(&cache, arguments.from.as_deref(), &mut |step| {
        progress.install(&step);
    });
    progress.finish();
    match outcome.map_err(|error| explain(&error))? {
        InstallOutcome::NothingToDo(folder) => {
            output.note(&format!(
                "Nothing to do: the sandbox's programs are in `{}`",
                folder.display()
            ));
        }
        InstallOutcome::Installed(folder) => output.note(&format!(
            "Installed the sandbox's programs in `{}`",
            folder.display()
        )),
    }
    Ok(ExitCode::Done)
}

fn start(
    arguments: &StartArguments,
    global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let cache = Cache::locate().map_err(|error| explain(&error))?;
    let mut progress = Progress::new(global, output);
    let options = arguments.flags.options();
    let outcome = block_on(sandbox::start(
        &cache,
        &arguments.name,
        &options,
        &mut |step| progress.start(&step),
    ));
    progress.finish();
    let (home, word) = match outcome? {
        StartOutcome::Running(home) => (home, "runs already"),
        StartOutcome::Started(home) => (home, "is ready"),
    };
    let kubeconfig = home.kubeconfig();
    output.note(&format!(
        "The sandbox `{}` {word}; use it with\n  export KUBECONFIG={}",
        arguments.name,
        kubeconfig.display()
    ));
    output.data(&format!("{}\n", kubeconfig.display()));
    Ok(ExitCode::Done)
}

fn stop(arguments: &StopArguments, output: &mut Output) -> Result<ExitCode, CommandError> {
    let cache = Cache::locate().map_err(|error| explain(&error))?;
    let word = match sandbox::stop(&cache, &arguments.name).map_err(|error| explain(&error))? {
        StopOutcome::Stopped => "is stopped",
        StopOutcome::CleanedUp => "was dead already; what it left behind is removed",
    };
    output.note(&format!("The sandbox `{}` {word}", arguments.name));
    Ok(ExitCode::Done)
}

fn list(arguments: &ListArguments, output: &mut Output) -> Result<ExitCode, CommandError> {
    let cache = Cache::locate().map_err(|error| explain(&error))?;
    let sandboxes = sandbox::list(&cache).map_err(|error| explain(&error))?;
    match arguments.output {
        Some(Format::Json) => {
            let summaries =
                serde_json::to_value(&sandboxes).expect("summaries have string keys only");
            output.json(&summaries);
        }
        None if sandboxes.is_empty() => {
            output.note("No sandboxes; start one with `deployctl sandbox start`");
        }
        None => output.data(&table(&sandboxes)),
    }
    Ok(ExitCode::Done)
}

fn run_command(
    arguments: &RunArguments,
    global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let cache = Cache::locate().map_err(|error| explain(&error))?;
    let mut progress = Progress::new(global, output);
    let options = arguments.flags.options();
    let ended = block_on(sandbox::run(
        &cache,
        &options,
        &arguments.command,
        &mut |step| progress.start(&step),
    ));
    Ok(match ended? {
        Ended::Status(status) => ExitCode::Command(status),
        Ended::Interrupted => ExitCode::Interrupted,
    })
}

/// Only fails: on success this process is the other program. 126 and 127 are what shells say.
fn exec(arguments: &ExecArguments) -> Result<ExitCode, CommandError> {
    let Err(error) = sandbox::become_program(arguments.parent, &arguments.command);
    let status = if error.kind() == std::io::ErrorKind::NotFound {
        127
    } else {
        126
    };
    let program = arguments
        .command
        .first()
        .map(|program| program.to_string_lossy())
        .unwrap_or_default();
    Err(CommandError::new(
        ExitCode::Command(status),
        format!("`{program}` could not be run"),
    )
    .because(&error))
}

impl SandboxFlags {
    fn options(&self) -> StartOptions {
        StartOptions {
            from: self.from.clone(),
            nodes: self.nodes,
            context: self.context.clone(),
            audit_log: self.audit_log.clone(),
            crds: self.crds.clone(),
            exec_path: self.exec_path.clone(),
            storage_classes: self.storage_class.clone(),
            metrics: !self.no_metrics,
        }
    }
}

/// Runs on this thread alone: the programs of a sandbox end when the thread ends that started them.
fn block_on<T>(future: impl Future<Output = Result<T, SandboxError>>) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| {
        CommandError::failed("the asynchronous runtime could not be started").because(&error)
    })?;
    runtime.block_on(future).map_err(|error| explain(&error))
}

fn explain(error: &SandboxError) -> CommandError {
    let (exit, hint) = match error {
        SandboxError::GoMissing(_) | SandboxError::GoTooOld { .. } => (
            ExitCode::Usage,
            Some(
                "install Go from <https://go.dev/dl>, or name a folder of prebuilt programs with `--from DIR`",
            ),
        ),
        SandboxError::ProgramsMissing { .. } => (
            ExitCode::Usage,
            Some("leave out `--from` to have the programs built by your Go"),
        ),
        SandboxError::UnknownCrds(_) => (
            ExitCode::Usage,
            Some("`deployctl sandbox start --help` lists the sets"),
        ),
        SandboxError::Name(_) | SandboxError::NoCrds(_) => (ExitCode::Usage, None),
        SandboxError::NotFound(_) => (
            ExitCode::Usage,
            Some("`deployctl sandbox list` shows those there are"),
        ),
        SandboxError::Interrupted => (ExitCode::Interrupted, None),
        _ => (ExitCode::Failed, None),
    };
    let command_error = match std::error::Error::source(error) {
        Some(source) => {
            CommandError::new(exit, format!("failed to run the sandbox: {error}")).because(source)
        }
        None => CommandError::new(exit, error.to_string()),
    };
    match hint {
        Some(hint) => command_error.hint(hint),
        None => command_error,
    }
}

fn table(sandboxes: &[Summary]) -> String {
    let header = ["NAME", "STATE", "AGE", "CONTEXT", "KUBECONFIG"].map(str::to_owned);
    let row = |sandbox: &Summary| {
        let state = if sandbox.alive { "running" } else { "dead" };
        let age = format!(
            "{:#}",
            jiff::SignedDuration::from_secs(i64::try_from(sandbox.age_seconds).unwrap_or(i64::MAX))
        );
        [
            sandbox.name.clone(),
            state.to_owned(),
            age,
            sandbox.context.clone(),
            sandbox.kubeconfig.display().to_string(),
        ]
    };
    let rows: Vec<[String; 5]> = std::iter::once(header)
        .chain(sandboxes.iter().map(row))
        .collect();
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].len())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..4).map(width).collect();
    let line = |row: &[String; 5]| {
        let cells = row[..4]
            .iter()
            .zip(&widths)
            .fold(String::new(), |text, (cell, width)| {
                text + &format!("{cell:width$}  ")
            });
        format!("{cells}{}\n", row[4])
    };
    rows.iter().map(line).collect()
}

/// What goes on, on standard error: a spinner on a terminal, plain lines otherwise.
struct Progress<'a> {
    spinner: Option<ProgressBar>,
    output: &'a mut Output,
    packages: usize,
    began: Instant,
    said: Instant,
}

/// Without a terminal, a build that takes minutes says every so often that it goes on.
const PLAIN_INTERVAL: Duration = Duration::from_secs(10);

impl<'a> Progress<'a> {
    fn new(global: &Global, output: &'a mut Output) -> Self {
        let visible = std::io::stderr().is_terminal() && !global.quiet;
        let spinner = visible.then(|| {
            let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})")
                .expect("the template is valid");
            let spinner = ProgressBar::new_spinner().with_style(style);
            spinner.enable_steady_tick(Duration::from_millis(100));
            spinner
        });
        let now = Instant::now();
        Self {
            spinner,
            output,
            packages: 0,
            began: now,
            said: now,
        }
    }

    fn start(&mut self, step: &StartProgress<'_>) {
        match step {
            StartProgress::Install(step) => self.install(step),
            StartProgress::Step(step) => self.say(&format!("The sandbox is {step}")),
            StartProgress::Ready => self.finish(),
        }
    }

    fn install(&mut self, step: &InstallProgress<'_>) {
        match step {
            InstallProgress::Waiting => {
                self.say("Waiting for another installation of the sandbox's programs");
            }
            InstallProgress::Building => {
                self.say("Building the sandbox's programs; the first time takes some minutes");
            }
            InstallProgress::Lacking(programs) => self.say(&format!(
                "`KUBEBUILDER_ASSETS` lacks {programs}: the built ones are used"
            )),
            InstallProgress::Package(line) => self.package(line),
        }
    }

    /// Go writes a line for each package that it compiles, and for each module that it fetches.
    fn package(&mut self, line: &str) {
        self.packages += usize::from(!line.starts_with("go: "));
        if let Some(spinner) = &self.spinner {
            spinner.set_message(format!(
                "Building the sandbox's programs: {} packages, now {line}",
                self.packages
            ));
        } else if self.said.elapsed() >= PLAIN_INTERVAL {
            self.say(&format!(
                "{} packages built after {} s",
                self.packages,
                self.began.elapsed().as_secs()
            ));
        }
    }

    fn say(&mut self, line: &str) {
        self.said = Instant::now();
        match &self.spinner {
            Some(spinner) => spinner.set_message(line.to_owned()),
            None => self.output.note(line),
        }
    }

    fn finish(&mut self) {
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
    }
}
