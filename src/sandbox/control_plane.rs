//! Starts the programs of a sandbox in their order, watches over them, and stops them.

use std::{
    fs::File,
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use futures::future::select_all;
use rustix::process::Signal;
use tokio::{
    process::{Child, Command},
    task::JoinSet,
};

use super::{
    api::Api,
    bootstrap,
    certificates::{Certificates, token},
    crds,
    error::SandboxError,
    home::{Home, Settings, tail},
    job_results,
    kubeconfig::{User, kubeconfig},
    kubelet::{Commands, Kubelet, Slots},
    launch,
    message::Message,
    metrics, operators,
    ports::Ports,
    processes::{self, MARKER, STOP_TIMEOUT},
    servers::Servers,
    stages, starting, webhooks,
};

/// Requests of the control plane's own parts are left out, so that the log holds what users did
/// (<https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/>).
const AUDIT_POLICY: &str = include_str!("audit-policy.yaml");

/// Nothing of a start takes longer than this on a slow machine.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// A program of the control plane that runs.
struct Running {
    name: String,
    child: Child,
    log: PathBuf,
}

/// The programs of one sandbox, in the order in which they were started.
pub(super) struct ControlPlane {
    home: Home,
    settings: Settings,
    running: Vec<Running>,
    api: Option<Api>,
    /// The certificate that the sandbox's own are issued by.
    authority: String,
    tasks: JoinSet<()>,
}

impl ControlPlane {
    pub(super) fn new(home: Home, settings: Settings) -> Self {
        Self {
            home,
            settings,
            running: Vec::new(),
            api: None,
            authority: String::new(),
            tasks: JoinSet::new(),
        }
    }

    /// The processes of the control plane.
    pub(super) fn processes(&self) -> Vec<i32> {
        self.running.iter().filter_map(Running::process).collect()
    }

    /// Starts everything and returns when pods can be scheduled.
    pub(super) async fn start(&mut self) -> Result<(), SandboxError> {
        let ports = Ports::claim()?;
        let users = Users::new();
        let certificates = Certificates::generate()?;
        let slots = Slots::bind()?;
        let own = self.write_files(&ports, &users, &certificates, &slots)?;
        self.authority.clone_from(&certificates.authority);
        Message::Step("starting etcd and the API server".to_owned()).send();
        let servers = Servers {
            home: &self.home.clone(),
            ports: &ports,
        };
        self.spawn("etcd", &servers.etcd())?;
        self.await_port("etcd", ports.etcd_client()).await?;
        self.spawn(
            "kube-apiserver",
            &servers.api_server(self.settings.audit_log.as_deref()),
        )?;
        let api = Api::connect(&own).await?;
        self.wait("the API server", "kube-apiserver", async || {
            Ok(api.is_ready().await)
        })
        .await?;
        Message::Step("starting the controllers, the scheduler and the kubelets".to_owned()).send();
        self.spawn("kube-controller-manager", &servers.controller_manager())?;
        self.spawn("kube-scheduler", &servers.scheduler())?;
        bootstrap::bootstrap(&api, self.settings.nodes, &self.settings.storage_classes).await?;
        self.spawn("kwok", &servers.kwok())?;
        self.create_crds(&api).await?;
        let kubelet = Kubelet::new(
            api.clone(),
            slots,
            self.commands(),
            ports.kwok(),
            &certificates,
        )?;
        self.tasks.spawn(kubelet.serve(ports.listener()?));
        let egress = webhooks::Egress::bind(&self.home, api.clone(), certificates.issuer)?;
        self.tasks.spawn(egress.serve());
        let nodes = self.settings.nodes;
        self.wait("the nodes", "kwok", async || {
            bootstrap::is_settled(&api, nodes).await
        })
        .await?;
        self.api = Some(api);
        Ok(())
    }

    async fn create_crds(&self, api: &Api) -> Result<(), SandboxError> {
        if self.settings.crds.is_empty() {
            return Ok(());
        }
        Message::Step("creating CRDs".to_owned()).send();
        crds::create(api, &self.settings.crds).await?;
        self.wait("the CRDs", "kube-apiserver", async || {
            crds::are_established(api).await
        })
        .await
    }

    /// Plays what no program of the control plane plays; returns when one of them has ended.
    pub(super) async fn serve(&mut self) -> SandboxError {
        let Some(api) = self.api.clone() else {
            return SandboxError::Interrupted;
        };
        self.tasks.spawn(starting::hold_back(api.clone()));
        self.tasks.spawn(job_results::make(api.clone()));
        self.tasks
            .spawn(webhooks::inject(api.clone(), self.authority.clone()));
        if self.settings.metrics {
            self.tasks
                .spawn(metrics::register(api.clone(), self.authority.clone()));
        }
        self.tasks.spawn(operators::play_served(api.client()));
        died(&mut self.running).await
    }

    /// Stops the programs in the opposite order; etcd last, otherwise the API server hangs and
    /// keeps its port.
    pub(super) async fn stop(&mut self) {
        // The API server waits for its clients, of which this process is one.
        self.tasks.shutdown().await;
        self.api = None;
        let (store, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.running)
            .into_iter()
            .partition(|running| running.name == "etcd");
        let (server, clients): (Vec<_>, Vec<_>) = rest
            .into_iter()
            .partition(|running| running.name == "kube-apiserver");
        for group in [clients, server, store] {
            stop_together(group).await;
        }
    }

    /// Writes certificates, kubeconfigs and configurations; returns the supervisor's own
    /// kubeconfig.
    fn write_files(
        &self,
        ports: &Ports,
        users: &Users,
        certificates: &Certificates,
        slots: &Slots,
    ) -> Result<String, SandboxError> {
        let server = format!("https://127.0.0.1:{}", ports.api_server());
        let config =
            |contexts: &[(String, &User)]| kubeconfig(&server, &certificates.authority, contexts);
        let context = &self.settings.context;
        let single = |user: &User| {
            kubeconfig(
                &server,
                &certificates.authority,
                &[("sandbox".to_owned(), user)],
            )
        };
        let own = single(&users.own);
        let files = [
            ("pki/ca.crt", certificates.authority.clone()),
            ("pki/ca.key", certificates.authority_key.clone()),
            ("pki/server.crt", certificates.server.clone()),
            ("pki/server.key", certificates.server_key.clone()),
            (
                "pki/service-account.key",
                certificates.service_account_key.clone(),
            ),
            (
                "pki/service-account.pub",
                certificates.service_account_public_key.clone(),
            ),
            (
                "pki/tokens.csv",
                users.all().map(User::token_line).collect(),
            ),
            (
                "pki/controller-manager.kubeconfig",
                single(&users.controller_manager),
            ),
            ("pki/scheduler.kubeconfig", single(&users.scheduler)),
            ("pki/kwok.kubeconfig", single(&users.kwok)),
            ("audit-policy.yaml", AUDIT_POLICY.to_owned()),
            ("egress.yaml", webhooks::configuration()),
            (
                "stages.yaml",
                stages::core()
                    + &slots.configuration(&self.home.file("exec").display().to_string()),
            ),
            (
                "kubeconfig",
                config(&[
                    (context.clone(), &users.admin),
                    (format!("{context}-restricted"), &users.restricted),
                ]),
            ),
        ];
        for (name, content) in files {
            self.home.write(name, &content)?;
        }
        Ok(own)
    }

    fn spawn(&mut self, name: &str, arguments: &[String]) -> Result<(), SandboxError> {
        self.spawn_as(name, name, arguments)
    }

    fn spawn_as(
        &mut self,
        name: &str,
        program: &str,
        arguments: &[String],
    ) -> Result<(), SandboxError> {
        let log = self.home.log(name);
        let file = File::create(&log).map_err(SandboxError::file("create", &log))?;
        let error = file.try_clone().map_err(SandboxError::file("open", &log))?;
        let mut command = launch::mortal(self.settings.programs.path(program).as_os_str());
        command
            .args(arguments)
            .env(MARKER, &self.settings.id)
            .current_dir(self.home.file("exec"));
        command
            .env("PATH", self.search_path())
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(error);
        let child = Command::from(command)
            .spawn()
            .map_err(|source| SandboxError::Spawn {
                program: name.to_owned(),
                source,
            })?;
        self.running.push(Running {
            name: name.to_owned(),
            child,
            log,
        });
        Ok(())
    }

    fn commands(&self) -> Commands {
        Commands {
            id: self.settings.id.clone(),
            folder: self.home.file("exec"),
            search_path: self.search_path(),
        }
    }

    /// The `PATH` of commands that `kubectl exec` runs, some of which are children of kwok.
    fn search_path(&self) -> std::ffi::OsString {
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let folders = self
            .settings
            .exec_path
            .clone()
            .into_iter()
            .chain(std::env::split_paths(&inherited));
        std::env::join_paths(folders).unwrap_or(inherited)
    }

    async fn await_port(&mut self, program: &'static str, port: u16) -> Result<(), SandboxError> {
        self.wait(program, program, async || {
            Ok(tokio::net::TcpStream::connect(("127.0.0.1", port))
                .await
                .is_ok())
        })
        .await
    }

    /// Asks again and again until the answer is yes; a program that ends meanwhile is an error.
    async fn wait(
        &self,
        what: &'static str,
        program: &str,
        ready: impl AsyncFn() -> Result<bool, SandboxError>,
    ) -> Result<(), SandboxError> {
        let deadline = Instant::now() + START_TIMEOUT;
        while !ready().await? {
            if let Some(running) = self.running.iter().find(|running| running.is_gone()) {
                return Err(running.died("early"));
            }
            if Instant::now() > deadline {
                return Err(SandboxError::NotReady {
                    what,
                    seconds: START_TIMEOUT.as_secs(),
                    log: self.home.log(program),
                });
            }
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        Ok(())
    }
}

impl Running {
    fn process(&self) -> Option<i32> {
        i32::try_from(self.child.id()?).ok()
    }

    /// Whether the process has ended, also if nobody has asked for its status yet.
    fn is_gone(&self) -> bool {
        let stat = self
            .process()
            .and_then(|process| std::fs::read_to_string(format!("/proc/{process}/stat")).ok());
        stat.is_none_or(|stat| {
            stat.rsplit(')')
                .next()
                .is_some_and(|rest| rest.trim_start().starts_with('Z'))
        })
    }

    fn died(&self, status: &str) -> SandboxError {
        let (program, log) = (self.name.clone(), self.log.clone());
        SandboxError::Died {
            program,
            status: status.to_owned(),
            tail: tail(&log, 15),
            log,
        }
    }
}

/// Returns when one of the programs has ended.
async fn died(running: &mut [Running]) -> SandboxError {
    let waits = running
        .iter_mut()
        .map(|running| Box::pin(running.child.wait()));
    let (status, index, _) = select_all(waits).await;
    running[index].died(&status.map_or_else(|error| error.to_string(), |status| status.to_string()))
}

async fn stop_together(mut group: Vec<Running>) {
    for process in group.iter().filter_map(Running::process) {
        processes::signal(process, Signal::TERM);
    }
    let all = futures::future::join_all(group.iter_mut().map(|running| running.child.wait()));
    if tokio::time::timeout(STOP_TIMEOUT, all).await.is_err() {
        for running in &mut group {
            let _ = running.child.kill().await;
        }
    }
}

/// Everybody who may talk to the API server.
struct Users {
    admin: User,
    restricted: User,
    own: User,
    kwok: User,
    controller_manager: User,
    scheduler: User,
}

impl Users {
    fn new() -> Self {
        let user = |name, groups| User {
            name,
            groups,
            token: token(),
        };
        Self {
            admin: user("sandbox-admin", "system:masters"),
            restricted: user("restricted", ""),
            own: user("system:sandbox", "system:masters"),
            kwok: user("system:kwok", "system:masters"),
            controller_manager: user("system:kube-controller-manager", ""),
            scheduler: user("system:kube-scheduler", ""),
        }
    }

    fn all(&self) -> std::array::IntoIter<&User, 6> {
        [
            &self.admin,
            &self.restricted,
            &self.own,
            &self.kwok,
            &self.controller_manager,
            &self.scheduler,
        ]
        .into_iter()
    }
}
