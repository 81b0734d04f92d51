//! The watches that are under way, and what they bring.

use std::collections::HashSet;

use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
};

use crate::cluster::{Cluster, Heard, Resource, WatchScope};

/// The watches that are under way. They end with it.
pub(super) struct Watches {
    cluster: Cluster,
    /// Kinds, with the namespace or the name that they are watched in or by.
    watched: HashSet<(Resource, Option<String>, Option<String>)>,
    tasks: JoinSet<()>,
    sender: UnboundedSender<Heard>,
    receiver: UnboundedReceiver<Heard>,
}

impl Watches {
    pub(super) fn new(cluster: Cluster) -> Self {
        let (sender, receiver) = unbounded_channel();
        Self {
            cluster,
            watched: HashSet::new(),
            tasks: JoinSet::new(),
            sender,
            receiver,
        }
    }

    /// The connection.
    pub(super) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Watches `scope`, where that is not watched yet, from `position` or from a list of its own.
    pub(super) fn start(&mut self, scope: WatchScope, position: Option<String>) {
        let (namespace, name) = (scope.namespace.clone(), scope.name.clone());
        if self
            .watched
            .insert((scope.resource.clone(), namespace, name))
        {
            let watch = self
                .cluster
                .clone()
                .watch(scope, position, self.sender.clone());
            self.tasks.spawn(watch);
        }
    }

    /// What is heard next. Never returns where nothing is watched.
    pub(super) async fn next(&mut self) -> Option<Heard> {
        self.receiver.recv().await
    }

    /// What was heard already and not taken yet.
    pub(super) fn next_at_once(&mut self) -> Option<Heard> {
        self.receiver.try_recv().ok()
    }
}
