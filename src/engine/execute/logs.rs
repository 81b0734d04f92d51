//! What Pods that run to completion write while they run.

use std::{collections::HashSet, time::Duration};

use futures::StreamExt as _;
use serde_json::Value;
use tokio::{task::JoinSet, time::timeout};

use crate::engine::events::Emitter;
use crate::{
    cluster::Cluster,
    event::EventKind,
    object::{
        ManifestView, ObjectId,
        field::{is_present, list, text},
        quoted,
    },
    plan::PhaseId,
};

/// Pause before a log that cannot be read yet is asked for again.
const PAUSE: Duration = Duration::from_millis(500);

/// How often that is done.
const ATTEMPTS: usize = 10;

/// So long the end of logs is waited for once the run is over.
const PATIENCE: Duration = Duration::from_secs(2);

/// Longest line that is told, in characters.
const LINE: usize = 500;

/// The logs that are followed: of each container from its start to its end.
pub(super) struct FollowedLogs {
    cluster: Cluster,
    emitter: Emitter,
    /// uids of pods, with the container.
    known: HashSet<(String, String)>,
    tasks: JoinSet<()>,
}

impl FollowedLogs {
    pub(super) fn new(cluster: Cluster, emitter: Emitter) -> Self {
        Self {
            cluster,
            emitter,
            known: HashSet::new(),
            tasks: JoinSet::new(),
        }
    }

    /// Follows the logs of those containers of `pod`, which is `id`, that have started since.
    pub(super) fn follow(&mut self, phase: &PhaseId, id: &ObjectId, pod: &Value) {
        let uid = ManifestView(pod).uid().unwrap_or_default();
        let statuses = ["/status/initContainerStatuses", "/status/containerStatuses"];
        let started = statuses
            .into_iter()
            .flat_map(|statuses| list(pod, statuses))
            .filter(|status| {
                is_present(status, "/state/running") || is_present(status, "/state/terminated")
            })
            .filter_map(|status| text(status, "/name"));
        for container in started {
            if self.known.insert((uid.to_owned(), container.to_owned())) {
                let log = Log {
                    phase: phase.clone(),
                    pod: id.clone(),
                    container: container.to_owned(),
                };
                let (cluster, emitter) = (self.cluster.clone(), self.emitter.clone());
                self.tasks
                    .spawn(async move { log.tell(&cluster, &emitter).await });
            }
        }
    }

    /// Waits until the logs that are followed have ended, for a moment.
    pub(super) async fn end(&mut self) {
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        let _ = timeout(PATIENCE, ended).await;
        self.tasks.abort_all();
    }
}

/// The log of one container.
struct Log {
    phase: PhaseId,
    pod: ObjectId,
    container: String,
}

impl Log {
    async fn tell(self, cluster: &Cluster, emitter: &Emitter) {
        for _ in 0..ATTEMPTS {
            if let Some(mut lines) = cluster.follow_log(&self.pod, &self.container).await {
                while let Some(line) = lines.next().await {
                    emitter.emit(EventKind::LogWritten {
                        phase: self.phase.clone(),
                        object: self.pod.clone(),
                        container: self.container.clone(),
                        line: quoted(&line, LINE),
                    });
                }
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
