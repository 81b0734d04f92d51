//! What commands that talk to a cluster share: the runtime, signals, the connection, and its errors
//! as users read them.

use std::future::Future;

use globset::Glob;
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};
use tokio_util::sync::CancellationToken;

use super::plan_arguments::ClusterArguments;
use crate::{
    cluster::{Cluster, ConnectError, Notice, RequestError, Resource, Served, Target},
    engine::{CancelSignals, PrepareContext, PrepareError},
    error::{CommandError, ExitCode},
    object::{Digest, ManifestView},
    plan::{Address, ReleaseId},
    release::{Held, Store, StoreError},
};

/// A connection to a cluster that answered, and what it serves.
pub(super) struct Session {
    pub(super) cluster: Cluster,
    pub(super) served: Served,
    /// Retries and warnings of the requests.
    pub(super) notices: UnboundedReceiver<Notice>,
    /// What stops a run.
    pub(super) stops: CancelSignals,
}

/// Worker threads beside the main one: requests wait for the API server, not for us.
const WORKERS: usize = 2;

/// Runs `work` to its end on a runtime of its own. Threads that still wait for a terminal are left
/// behind.
pub(super) fn block_on<T>(
    work: impl Future<Output = Result<T, CommandError>>,
) -> Result<T, CommandError> {
    let runtime: Runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(|error| CommandError::failed("cannot start the runtime").because(&error))?;
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    result
}

impl Session {
    /// Connects to the cluster of `arguments` and discovers what it serves.
    pub(super) async fn open(
        arguments: &ClusterArguments,
        address: Option<&Address>,
    ) -> Result<Self, CommandError> {
        let stops = stops()?;
        let (sender, notices) = unbounded_channel();
        let target = Target {
            context: arguments.context.clone(),
            kubeconfig: arguments.kubeconfig.clone(),
        };
        let cluster = unless_interrupted(&stops.interrupt, Cluster::connect(&target, sender))
            .await?
            .map_err(|error| connect_error(&error))?;
        if let Some(address) = address {
            check_context(&address.release, &address.contexts, cluster.context())?;
        }
        let served = unless_interrupted(&stops.interrupt, cluster.discover())
            .await?
            .map_err(|error| request_error("cannot connect to the cluster", &error, &cluster))?;
        Ok(Self {
            cluster,
            served,
            notices,
            stops,
        })
    }

    /// Digest of what no other cluster has: the uid of a namespace that each has as long as it is there;
    /// `None` where it cannot be read.
    pub(super) async fn identity(&self) -> Result<Option<Digest>, CommandError> {
        let namespaces = Resource::namespaces();
        let there = self.cluster.get(&namespaces, None, "kube-system");
        let there = self.unless_interrupted(there).await?.ok().flatten();
        let uid = there.as_ref().and_then(|it| ManifestView(it).uid());
        Ok(uid.map(|uid| Digest::of(&uid.into())))
    }

    /// The revisions of the release at `address`.
    pub(super) fn store(&self, address: &Address) -> Store {
        Store::new(
            &self.cluster,
            &self.served,
            &address.state_namespace,
            &address.release,
        )
    }

    /// What a change to the release of `store` is prepared with.
    pub(super) fn context<'a>(&'a self, store: &'a Store) -> PrepareContext<'a> {
        PrepareContext {
            cluster: &self.cluster,
            served: &self.served,
            store,
            interrupt: &self.stops.interrupt,
        }
    }

    /// Refuses this context where `contexts`, the globs that the environment of `release` names, do
    /// not name it.
    pub(super) fn check_context(
        &self,
        release: &ReleaseId,
        contexts: &[String],
    ) -> Result<(), CommandError> {
        check_context(release, contexts, self.cluster.context())
    }

    /// The same session, whose writes end with the lock `held`.
    pub(super) fn through(self, held: &Held) -> Self {
        let (lost, token) = (held.lost(), self.stops.lock_lost.clone());
        tokio::spawn(async move {
            lost.await;
            token.cancel();
        });
        Self {
            cluster: held.cluster(),
            ..self
        }
    }

    /// Awaits `work`, or ends with exit code 130 where a signal comes first.
    pub(super) async fn unless_interrupted<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> Result<T, CommandError> {
        unless_interrupted(&self.stops.interrupt, work).await
    }

    /// `error` of a change that could not be prepared, as users read it.
    pub(super) fn prepare_error(&self, error: PrepareError) -> CommandError {
        let is_refused = match &error {
            PrepareError::Request { source, .. }
            | PrepareError::Store(StoreError::Request { source, .. }) => source.is_forbidden(),
            _ => false,
        };
        let explained = self.explained(error);
        if is_refused {
            explained.ending_with(ExitCode::Refused)
        } else {
            explained
        }
    }

    fn explained(&self, error: PrepareError) -> CommandError {
        match error {
            PrepareError::Interrupted => interrupted(),
            PrepareError::Request { what, source } => self.request_error(what, &source),
            PrepareError::Store(source) => self.store_error(&source),
            PrepareError::Target { source, others } => self.store_error(&source).hint(others),
            PrepareError::Refused(refusal) => refusal,
        }
    }

    /// `error` of a request made to `what`, as users read it.
    pub(super) fn request_error(&self, what: &str, error: &RequestError) -> CommandError {
        request_error(what, error, &self.cluster)
    }

    /// `error` of the revision store, as users read it.
    pub(super) fn store_error(&self, error: &StoreError) -> CommandError {
        match error {
            StoreError::Request { source, .. } => {
                let failed = request_error(&error.to_string(), source, &self.cluster);
                if source.is_forbidden() {
                    failed.hint(
                        "revisions can be recorded in a namespace of yours: `--state-namespace NAMESPACE`, or `stateNamespace` in the plan",
                    )
                } else {
                    failed
                }
            }
            StoreError::NoRoom { .. } => CommandError::new(ExitCode::Refused, error.to_string()).hint(
                "raise the quota, or make room: `deployctl down PLAN --env ENV --purge` deletes the history of a release that is not needed",
            ),
            StoreError::Damaged { .. } => CommandError::failed(error.to_string()).hint(
                "put that Secret back from a backup of the cluster; where there is none, delete the head that needs it \
                 (`deployctl.PLAN.ENV.vNUMBER`): `deployctl up` then continues from the revision before, and `deployctl prune --orphans` \
                 finds what only the lost one recorded",
            ),
            StoreError::Overtaken { .. } => CommandError::failed(error.to_string()).hint("`deployctl status` shows what became of it"),
            StoreError::Newer { .. } => CommandError::failed(error.to_string()),
        }
    }
}

/// Listens to SIGINT, SIGTERM and SIGHUP: the first asks to stop and put everything back, another
/// SIGINT or SIGTERM to stop at once. SIGHUP does not: a terminal that goes away may send several,
/// and nobody is there who has asked for it.
fn stops() -> Result<CancelSignals, CommandError> {
    let stops = CancelSignals::default();
    for kind in [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ] {
        let mut signals = signal(kind)
            .map_err(|error| CommandError::failed("cannot listen to signals").because(&error))?;
        let stops = stops.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                if stops.interrupt.is_cancelled() && kind != SignalKind::hangup() {
                    stops.at_once.cancel();
                }
                stops.interrupt.cancel();
            }
        });
    }
    Ok(stops)
}

async fn unless_interrupted<T>(
    interrupt: &CancellationToken,
    work: impl Future<Output = T>,
) -> Result<T, CommandError> {
    let done = interrupt.run_until_cancelled(work).await;
    done.ok_or_else(interrupted)
}

fn interrupted() -> CommandError {
    CommandError::new(ExitCode::Interrupted, "interrupted; nothing was changed")
}

/// Refuses a context that the environment does not name.
fn check_context(
    release: &ReleaseId,
    contexts: &[String],
    context: &str,
) -> Result<(), CommandError> {
    let matches =
        |glob: &String| Glob::new(glob).is_ok_and(|glob| glob.compile_matcher().is_match(context));
    if contexts.is_empty() || contexts.iter().any(matches) {
        return Ok(());
    }
    let allowed = contexts
        .iter()
        .map(|glob| format!("`{glob}`"))
        .collect::<Vec<_>>()
        .join(", ");
    let environment = &release.environment;
    Err(CommandError::usage(format!("environment `{environment}` may only touch contexts {allowed}, and `{context}` is none of them"))
        .hint("choose another with `--context`, or another environment with `--env`"))
}

fn connect_error(error: &ConnectError) -> CommandError {
    let (exit, hint) = match error {
        ConnectError::NoSuchContext { .. } | ConnectError::NoCurrentContext { .. } => {
            (ExitCode::Usage, "name one of them with `--context`")
        }
        ConnectError::Kubeconfig { .. } => (
            ExitCode::Usage,
            "set `KUBECONFIG` or name the file with `--kubeconfig`; `deployctl sandbox start` makes a cluster to try things on",
        ),
        ConnectError::Credentials { .. } => {
            (ExitCode::Failed, "install the program, or log in again")
        }
        ConnectError::Client { .. } => (
            ExitCode::Failed,
            "check the user and the cluster of this context in the kubeconfig",
        ),
    };
    CommandError::new(exit, error.to_string()).hint(hint)
}

fn request_error(what: &str, error: &RequestError, cluster: &Cluster) -> CommandError {
    let context = cluster.context();
    let failed = CommandError::failed(format!("{what} in context `{context}`")).because(error);
    match error {
        RequestError::Unreachable { why, .. } if why.contains("certificate") => failed.hint(format!(
            "the certificate of {} does not fit `certificate-authority-data` of the kubeconfig: fetch a new kubeconfig",
            cluster.server()
        )),
        RequestError::Unreachable { .. } | RequestError::TimedOut { .. } => failed
            .hint(format!("check that the cluster of context `{context}` runs and that {} can be reached from here", cluster.server())),
        RequestError::NotKubernetes { .. } => failed
            .hint(format!("check the address of the cluster of context `{context}` in the kubeconfig, and that no proxy answers instead")),
        error if error.is_unauthenticated() => {
            failed.hint(format!("the credentials of context `{context}` are missing, expired or not accepted: log in again"))
        }
        error if error.is_forbidden() => failed.hint("ask the cluster's administrator for this permission"),
        _ => failed,
    }
}
