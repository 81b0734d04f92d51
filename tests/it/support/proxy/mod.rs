//! A proxy between the program and the API server that breaks what a test tells it to break.

mod answer;
mod connection;
mod log;
mod rule;
mod socket;
mod state;
mod stream;
mod victim;

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot};

pub(crate) use self::{
    answer::Answer,
    log::Logged,
    rule::{Fault, Lasts, Requests, Rule, WatchEnd, When},
};
use self::{connection::Connection, state::State};
use super::{Deployctl, Outcome, sandbox, upstream::Upstream};

/// A proxy in front of the shared sandbox's API server.
///
/// Who a request is from is said by the request itself: the proxy only hands its token on. Without
/// rules it changes nothing.
pub(crate) struct Proxy {
    kubeconfig: PathBuf,
    state: Arc<State>,
    _folder: TempDir,
    /// The proxy ends when this is dropped.
    _stop: oneshot::Sender<()>,
}

impl Proxy {
    /// A proxy for the sandbox's own user, who may do everything.
    pub(crate) fn start() -> Self {
        Self::for_kubeconfig(&sandbox().kubeconfig)
    }

    /// A proxy for the users of `kubeconfig`, which is JSON.
    pub(crate) fn for_kubeconfig(kubeconfig: &Path) -> Self {
        let upstream = Arc::new(Upstream::of(kubeconfig));
        let state = Arc::new(State::default());
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let through = folder.path().join("kubeconfig");
        fs::write(
            &through,
            redirected(kubeconfig, listener.local_addr().unwrap()),
        )
        .unwrap();
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&state);
        thread::spawn(move || serve(listener, &shared, &upstream, stopped));
        Self {
            kubeconfig: through,
            state,
            _folder: folder,
            _stop: stop,
        }
    }

    /// The kubeconfig of its users.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// `run` through this proxy.
    pub(crate) fn through(&self, run: Deployctl) -> Deployctl {
        run.env("KUBECONFIG", self.kubeconfig.as_os_str())
    }

    /// Runs the program through this proxy, to its end or until a rule kills it.
    ///
    /// When this returns, every request that was handed on is answered: nothing is written any
    /// more.
    #[track_caller]
    pub(crate) fn run(&self, run: Deployctl) -> Outcome {
        let outcome = self
            .through(run)
            .run_with(|process| self.state.victim.is(process));
        self.state.victim.has_ended();
        self.state.settle();
        outcome
    }

    /// Breaks what `rules` say from now on, and nothing else; requests so far are forgotten, and so
    /// is a network that is down.
    pub(crate) fn inject(&self, rules: impl IntoIterator<Item = Rule>) {
        self.state.inject(rules.into_iter().collect());
    }

    /// The requests since the last [`Proxy::inject`] in the order in which they came.
    pub(crate) fn requests(&self) -> Vec<Logged> {
        self.state.requests()
    }

    /// Those of [`Proxy::requests`] that change something in the cluster.
    pub(crate) fn mutating(&self) -> Vec<Logged> {
        self.requests()
            .into_iter()
            .filter(|request| request.mutating)
            .collect()
    }
}

/// `kubeconfig` with `address` for every server.
fn redirected(kubeconfig: &Path, address: SocketAddr) -> String {
    let mut config: Value = serde_json::from_str(&fs::read_to_string(kubeconfig).unwrap()).unwrap();
    for cluster in config["clusters"].as_array_mut().unwrap() {
        cluster["cluster"] = json!({"server": format!("http://{address}")});
    }
    config.to_string()
}

/// Serves until `stopped`.
///
/// One thread does everything, so that nothing else goes on while it kills the program.
fn serve(
    listener: std::net::TcpListener,
    state: &Arc<State>,
    upstream: &Arc<Upstream>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let accept = async {
        listener.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(Connection::serve(
                stream,
                Arc::clone(state),
                Arc::clone(upstream),
            ));
        }
    };
    runtime.block_on(async {
        tokio::select! {
            () = accept => {}
            // The sender is dropped with the proxy.
            _ = stopped => {}
        }
    });
}
