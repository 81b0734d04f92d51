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
        field::{integer, is_present, list, text},
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

/// One start of a container: the uid of its pod, its name, and how often it was started before.
type Attempt = (String, String, i64);

/// The logs that are followed: of each container from its start to its end.
pub(super) struct FollowedLogs {
    cluster: Cluster,
    emitter: Emitter,
    known: HashSet<Attempt>,
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

    /// Follows the logs of those containers of `pod`, which is `id`, that have started since. Of an
    /// attempt that has ended between two looks, what it wrote is told at once.
    pub(super) fn follow(&mut self, phase: &PhaseId, id: &ObjectId, pod: &Value) {
        let uid = ManifestView(pod).uid().unwrap_or_default();
        for (container, number, previous) in attempts(pod) {
            let attempt = (uid.to_owned(), container.to_owned(), number);
            if self.known.insert(attempt) {
                let log = Log {
                    phase: phase.clone(),
                    pod: id.clone(),
                    container: container.to_owned(),
                    previous,
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

/// The attempts of the containers of `pod` of which there is a log: the container, how often it was
/// started before, and whether it has been started, or waits for that, since.
///
/// Of a container that waits to be started again only `lastState` tells, and the kubelet keeps the
/// log of that attempt alone.
fn attempts(pod: &Value) -> Vec<(&str, i64, bool)> {
    let statuses = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let statuses = statuses.into_iter().flat_map(|place| list(pod, place));
    let of_container = |status| {
        let name = text(status, "/name")?;
        let restarts = integer(status, "/restartCount").unwrap_or(0);
        let is_waiting = is_present(status, "/state/waiting");
        let has_started =
            is_present(status, "/state/running") || is_present(status, "/state/terminated");
        // While it waits, the kubelet has not counted the start to come.
        let last = is_present(status, "/lastState/terminated");
        let earlier = if is_waiting { restarts } else { restarts - 1 };
        let previous = last.then_some((name, earlier, true));
        let current = has_started.then_some((name, restarts, false));
        Some(previous.into_iter().chain(current))
    };
    statuses.filter_map(of_container).flatten().collect()
}

/// The log of one container.
struct Log {
    phase: PhaseId,
    pod: ObjectId,
    container: String,
    /// Whether it is that of the attempt before the present one.
    previous: bool,
}

impl Log {
    async fn tell(self, cluster: &Cluster, emitter: &Emitter) {
        for _ in 0..ATTEMPTS {
            if let Some(mut lines) = cluster
                .follow_log(&self.pod, &self.container, self.previous)
                .await
            {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_attempt_is_told_once_whenever_it_is_looked_at() {
        let ended = json!({"terminated": {"exitCode": 1}});
        let seen = |restarts: i64, state: &Value, last: &Value| {
            let status = json!({"name": "main", "restartCount": restarts, "state": state, "lastState": last});
            let pod = json!({"status": {"containerStatuses": [status]}});
            let attempts = attempts(&pod).into_iter();
            let attempts =
                attempts.map(|(name, number, previous)| (name.to_owned(), number, previous));
            attempts.collect::<Vec<_>>()
        };
        let first = |previous| ("main".to_owned(), 0, previous);
        let second = |previous| ("main".to_owned(), 1, previous);
        let waiting = |reason: &str| json!({"waiting": {"reason": reason}});
        let running = json!({"running": {}});
        assert_eq!(seen(0, &waiting("ContainerCreating"), &json!({})), []);
        assert_eq!(seen(0, &running, &json!({})), [first(false)]);
        assert_eq!(seen(0, &ended, &json!({})), [first(false)]);
        let backing_off = waiting("CrashLoopBackOff");
        assert_eq!(seen(0, &backing_off, &ended), [first(true)]);
        assert_eq!(seen(1, &running, &ended), [first(true), second(false)]);
        assert_eq!(seen(1, &ended, &ended), [first(true), second(false)]);
        assert_eq!(seen(1, &backing_off, &ended), [second(true)]);
    }
}
