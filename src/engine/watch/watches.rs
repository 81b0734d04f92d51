//! The watches that are under way, and what they bring.

use std::{collections::HashSet, sync::Arc};

use serde_json::Value;
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
};

use crate::{
    cluster::{Cluster, Heard, Resource, WatchScope},
    object::ObjectId,
};

/// The watches that are under way. They end with it.
pub(super) struct Watches {
    cluster: Cluster,
    /// Kinds, with the namespace or the name that they are watched in or by.
    watched: HashSet<(Resource, Option<String>, Option<String>)>,
    /// What of them may not be listed, so that objects are read one by one instead.
    unlistable: Vec<Arc<WatchScope>>,
    read: HashSet<ObjectId>,
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
            unlistable: Vec::new(),
            read: HashSet::new(),
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

    /// Notes that nothing is heard of `scope`, because it may not be listed.
    pub(super) fn note_unlistable(&mut self, scope: Arc<WatchScope>) {
        self.unlistable.push(scope);
    }

    /// Reads the object `id`, which is `known` as it was seen last, again and again, where what is
    /// watched of its kind may not be listed.
    pub(super) fn read_unlistable(
        &mut self,
        id: &ObjectId,
        resource: &Resource,
        known: Option<&Arc<Value>>,
    ) {
        let mut scopes = self.unlistable.iter();
        if scopes.any(|scope| scope.covers(id, resource)) && self.read.insert(id.clone()) {
            let (cluster, sender) = (self.cluster.clone(), self.sender.clone());
            let read =
                cluster.read_repeatedly(resource.clone(), id.clone(), known.cloned(), sender);
            self.tasks.spawn(read);
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
