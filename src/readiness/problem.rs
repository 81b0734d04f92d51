//! What keeps one pod from being ready, read from its status and from the events about it.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    budget::Budget,
    event::{ClusterEvent, events_about},
};
use crate::object::{
    Condition, ManifestView,
    field::{integer, is_present, is_true, list, part, text, time},
    quoted,
};

/// How specific a problem is as an explanation; the most specific comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// An image that cannot be had.
    Image,
    /// A container that ends with an error or cannot be started.
    Crash,
    /// An init container that ends with an error.
    InitCrash,
    /// A probe that fails, as an event tells.
    Probe,
    /// No node takes the pod.
    Unschedulable,
    /// A `ConfigMap`, Secret or key that is missing.
    Reference,
    /// A volume that cannot be attached or mounted, a network that cannot be made.
    Volume,
    /// A container that runs and is not ready, or an init container that has not ended: nothing is
    /// wrong yet.
    Waiting,
}

/// One run of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// The one that runs now, or the last one where none does.
    Current,
    /// The one before.
    Previous,
}

/// One thing that keeps a pod from being ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// How specific it is.
    pub(crate) rank: Rank,
    /// The pod.
    pub(crate) pod: String,
    /// The container, where it is one's.
    pub(crate) container: Option<String>,
    /// One word: the kubelet's or the scheduler's.
    pub(crate) reason: String,
    /// For people, without the pod's name.
    pub(crate) message: String,
    /// How often the container was restarted, where that is what counts.
    pub(crate) restarts: Option<i64>,
    /// The attempt of the container whose log shows more; `None` where no log does.
    pub(crate) log: Option<Attempt>,
    /// Since when, where that is what counts.
    since: Option<Timestamp>,
}

impl Problem {
    /// Whether it is known to be wrong by now, also where that is still tolerated: a probe may only
    /// be early.
    pub(crate) fn is_fault(&self) -> bool {
        !matches!(self.rank, Rank::Probe | Rank::Waiting)
    }

    /// Whether it has lasted, or come back, for longer than `budget` tolerates.
    ///
    /// What may mend itself when a node or a dependency comes (scheduling, probes, volumes) never
    /// does; the phase's deadline decides.
    pub(super) fn exceeds(&self, budget: Budget, now: Timestamp) -> bool {
        match self.rank {
            Rank::Crash | Rank::InitCrash => budget.is_spent(self.restarts),
            Rank::Image | Rank::Reference => {
                self.reason == "InvalidImageName" || budget.is_over(self.since, now)
            }
            Rank::Volume | Rank::Unschedulable | Rank::Probe | Rank::Waiting => false,
        }
    }
}

/// What keeps `pod` from being ready, the most specific first; nothing where no container has a
/// problem yet.
pub(crate) fn problems(pod: &Value, events: &[&Value]) -> Vec<Problem> {
    let look = Look {
        pod,
        events: events_about(events, pod),
    };
    let mut found: Vec<Problem> = look
        .scheduling()
        .into_iter()
        .chain(look.volumes())
        .collect();
    found.extend(
        list(pod, "/status/initContainerStatuses")
            .iter()
            .filter_map(|status| look.container(status, true)),
    );
    found.extend(
        list(pod, "/status/containerStatuses")
            .iter()
            .filter_map(|status| look.container(status, false)),
    );
    found.sort_by_key(|problem| problem.rank);
    found
}

const IMAGE_REASONS: &[&str] = &[
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];

const VOLUME_EVENTS: &[&str] = &[
    "FailedMount",
    "FailedAttachVolume",
    "FailedMapVolume",
    "FailedCreatePodSandBox",
];

/// Longest text of somebody else that is repeated in a message.
const QUOTE: usize = 240;

struct Look<'a> {
    pod: &'a Value,
    events: Vec<ClusterEvent<'a>>,
}

impl Look<'_> {
    fn problem(
        &self,
        rank: Rank,
        container: Option<&str>,
        reason: &str,
        message: String,
    ) -> Problem {
        Problem {
            rank,
            pod: ManifestView(self.pod).name().to_owned(),
            container: container.map(str::to_owned),
            reason: reason.to_owned(),
            message,
            restarts: None,
            log: None,
            since: None,
        }
    }

    fn scheduling(&self) -> Option<Problem> {
        let scheduled = ManifestView(self.pod)
            .condition("PodScheduled")
            .filter(Condition::is_false)?;
        // A container that has run was scheduled, whatever an old condition says.
        if !list(self.pod, "/status/containerStatuses").is_empty() {
            return None;
        }
        let message = if scheduled.message.is_empty() {
            "no node takes it".to_owned()
        } else {
            quoted(scheduled.message, QUOTE)
        };
        Some(self.problem(
            Rank::Unschedulable,
            None,
            &scheduled.reason_or("Unschedulable"),
            message,
        ))
    }

    /// Volumes and networks have no place in a pod's status: only events tell, and only as long as
    /// nothing of it runs.
    fn volumes(&self) -> Option<Problem> {
        let statuses = list(self.pod, "/status/containerStatuses")
            .iter()
            .chain(list(self.pod, "/status/initContainerStatuses"));
        if text(self.pod, "/status/phase") != Some("Pending")
            || statuses
                .clone()
                .any(|status| is_present(status, "/state/running"))
        {
            return None;
        }
        let event = self
            .events
            .iter()
            .find(|event| VOLUME_EVENTS.contains(&event.reason))?;
        Some(self.problem(
            Rank::Volume,
            None,
            event.reason,
            quoted(event.message, QUOTE),
        ))
    }

    fn container(&self, status: &Value, init: bool) -> Option<Problem> {
        if let Some(reason) = text(status, "/state/waiting/reason") {
            return self.waiting(status, reason, init);
        }
        if integer(status, "/state/terminated/exitCode").is_some_and(|code| code != 0) {
            return Some(self.crash(
                status,
                text(status, "/state/terminated/reason").unwrap_or("Error"),
                init,
            ));
        }
        if !is_present(status, "/state/running") || is_true(status, "/ready") {
            return None;
        }
        let container = name_of(status);
        if !init {
            return Some(self.probe(container));
        }
        // A sidecar is an init container that keeps running once it has started.
        let sidecar = self
            .spec_of(container)
            .is_some_and(|spec| text(spec, "/restartPolicy") == Some("Always"));
        let waits = !sidecar || !is_true(status, "/started");
        let message = format!("init container `{container}` is running");
        let problem = self.problem(Rank::Waiting, Some(container), "PodInitializing", message);
        waits.then_some(Problem {
            log: Some(Attempt::Current),
            ..problem
        })
    }

    fn waiting(&self, status: &Value, reason: &str, init: bool) -> Option<Problem> {
        match reason {
            "ContainerCreating" | "PodInitializing" => None,
            "CrashLoopBackOff" => Some(self.crash(status, reason, init)),
            "CreateContainerConfigError" => Some(self.reference(status, reason)),
            _ if IMAGE_REASONS.contains(&reason) => Some(self.image(status, reason)),
            _ => Some(self.start(status, reason, init)),
        }
    }

    fn image(&self, status: &Value, reason: &str) -> Problem {
        let container = name_of(status);
        let image = text(status, "/image").unwrap_or("its image");
        let message = format!(
            "container `{container}` cannot pull image `{image}`{}",
            self.answer(status)
        );
        let first = self.events.iter().filter(|event| {
            event.reason == "Failed"
                && event.message.contains("pull")
                && event.may_be_about(container)
        });
        let since = first
            .filter_map(|event| event.first)
            .min()
            .or_else(|| self.begun());
        Problem {
            since,
            ..self.problem(Rank::Image, Some(container), reason, message)
        }
    }

    /// What the registry said. While the kubelet backs off it only says that it does, so the event
    /// is worth more.
    fn answer(&self, status: &Value) -> String {
        let said = text(status, "/state/waiting/message").unwrap_or_default();
        let told = self.events.iter().find(|event| {
            event.reason == "Failed"
                && event.message.contains("Failed to pull")
                && event.may_be_about(name_of(status))
        });
        let answer = told.map_or(said, |event| event.message);
        let answer = without_preamble(answer);
        if answer.is_empty() {
            String::new()
        } else {
            format!(": {}", quoted(answer, QUOTE))
        }
    }

    fn reference(&self, status: &Value, reason: &str) -> Problem {
        let container = name_of(status);
        let missing = text(status, "/state/waiting/message")
            .unwrap_or("something that it refers to is missing");
        let message = format!("container `{container}`: {}", quoted(missing, QUOTE));
        Problem {
            since: self.begun(),
            ..self.problem(Rank::Reference, Some(container), reason, message)
        }
    }

    /// The container runtime could not start it: a command that is not in the image, a hook that
    /// fails.
    fn start(&self, status: &Value, reason: &str, init: bool) -> Problem {
        let container = name_of(status);
        let said = text(status, "/state/waiting/message").unwrap_or("it cannot be started");
        let message = format!("container `{container}`: {}", quoted(said, QUOTE));
        let rank = if init { Rank::InitCrash } else { Rank::Crash };
        Problem {
            restarts: integer(status, "/restartCount"),
            ..self.problem(rank, Some(container), reason, message)
        }
    }

    fn crash(&self, status: &Value, reason: &str, init: bool) -> Problem {
        let container = name_of(status);
        let waiting = is_present(status, "/state/waiting");
        let ended =
            part(status, "/state/terminated").or_else(|| part(status, "/lastState/terminated"));
        let restarts = integer(status, "/restartCount");
        let kind = if init { "init container" } else { "container" };
        let times = restarts
            .map(|restarts| {
                format!(
                    " ({restarts} restart{})",
                    if restarts == 1 { "" } else { "s" }
                )
            })
            .unwrap_or_default();
        let end = ended.map_or_else(
            || "keeps crashing".to_owned(),
            |ended| self.end(container, ended),
        );
        let last = ended
            .and_then(|ended| text(ended, "/message"))
            .map(|last| format!(": {}", quoted(last, QUOTE)))
            .unwrap_or_default();
        // A container that a probe has ended says no more than that it was ended.
        let probes = self.failed_probes(container).into_iter();
        let probes = probes.filter(|said| !said.starts_with("Readiness"));
        let crashed = format!("{kind} `{container}` {end}{times}{last}");
        let message = std::iter::once(crashed)
            .chain(probes)
            .collect::<Vec<_>>()
            .join("; ");
        let log = if waiting && restarts != Some(0) {
            Attempt::Previous
        } else {
            Attempt::Current
        };
        let rank = if init { Rank::InitCrash } else { Rank::Crash };
        Problem {
            restarts,
            log: Some(log),
            ..self.problem(rank, Some(container), reason, message)
        }
    }

    fn end(&self, container: &str, ended: &Value) -> String {
        let code = integer(ended, "/exitCode").unwrap_or_default();
        if text(ended, "/reason") == Some("OOMKilled") {
            let limit = self
                .memory_limit(container)
                .map(|limit| format!(", memory limit `{limit}`"))
                .unwrap_or_default();
            return format!("ran out of memory (OOMKilled, exit code {code}{limit})");
        }
        match integer(ended, "/signal")
            .filter(|signal| *signal != 0)
            .or_else(|| (129..=159).contains(&code).then(|| code - 128))
        {
            Some(signal) => format!("was ended by {} (exit code {code})", signal_name(signal)),
            None => format!("exited with code {code}"),
        }
    }

    fn memory_limit(&self, container: &str) -> Option<&str> {
        self.spec_of(container)
            .and_then(|spec| text(spec, "/resources/limits/memory"))
    }

    fn spec_of(&self, container: &str) -> Option<&Value> {
        let mut specs = list(self.pod, "/spec/containers")
            .iter()
            .chain(list(self.pod, "/spec/initContainers"));
        specs.find(|spec| name_of(spec) == container)
    }

    fn probe(&self, container: &str) -> Problem {
        let said = self.failed_probes(container);
        let (rank, reason) = if said.is_empty() {
            (Rank::Waiting, "ContainersNotReady")
        } else {
            (Rank::Probe, "Unhealthy")
        };
        let said = if said.is_empty() {
            String::new()
        } else {
            format!(": {}", said.join("; "))
        };
        let message = format!("container `{container}` is running but not ready{said}");
        Problem {
            log: Some(Attempt::Current),
            ..self.problem(rank, Some(container), reason, message)
        }
    }

    /// What was last said of each probe of `container` that fails: readiness, liveness, startup.
    fn failed_probes(&self, container: &str) -> Vec<String> {
        let mut told: Vec<(&str, String)> = Vec::new();
        let unhealthy = self
            .events
            .iter()
            .filter(|event| event.reason == "Unhealthy" && event.may_be_about(container));
        for event in unhealthy {
            let kind = event.message.split(' ').next().unwrap_or_default();
            if !told.iter().any(|(known, _)| *known == kind) {
                told.push((kind, quoted(event.message, QUOTE)));
            }
        }
        told.into_iter().map(|(_, said)| said).collect()
    }

    /// When the containers of the present stage could begin at the earliest: after scheduling, or
    /// after the last init container.
    fn begun(&self) -> Option<Timestamp> {
        let initialised = ManifestView(self.pod)
            .condition("Initialized")
            .filter(Condition::is_true)
            .and_then(|it| it.since);
        let finished = list(self.pod, "/status/initContainerStatuses")
            .iter()
            .filter_map(|it| time(it, "/state/terminated/finishedAt"));
        let created =
            time(self.pod, "/status/startTime").or_else(|| ManifestView(self.pod).created());
        finished.chain(initialised).chain(created).max()
    }
}

/// What kubelets and container runtimes say before they come to the registry's answer; most of it
/// names the image once more.
const PREAMBLE: [&str; 5] = [
    "Back-off pulling image ",
    "Failed to pull image ",
    "failed to pull and unpack image ",
    "ErrImagePull",
    "rpc error",
];

fn without_preamble(answer: &str) -> &str {
    let mut rest = answer;
    while let Some((_, after)) = PREAMBLE
        .iter()
        .find(|preamble| rest.starts_with(**preamble))
        .and_then(|preamble| {
            // The image may hold `: ` no more than a reference can, so that the next one ends the
            // phrase.
            rest[preamble.len()..].split_once(": ")
        })
    {
        rest = after;
    }
    rest.strip_prefix("code = ")
        .and_then(|code| code.split_once(" desc = "))
        .map_or(rest, |(_, after)| without_preamble(after))
}

fn name_of(status: &Value) -> &str {
    text(status, "/name").unwrap_or_default()
}

fn signal_name(signal: i64) -> String {
    let known = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        _ => return format!("signal {signal}"),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn first(pod: &Value, events: &[&Value]) -> Problem {
        problems(pod, events).into_iter().next().expect("a problem")
    }

    #[test]
    fn an_image_error_is_tolerated_from_its_first_event_on() {
        let pod = json!({"kind": "Pod", "metadata": {"name": "api", "namespace": "shop"},
            "status": {"phase": "Pending", "startTime": "2026-01-01T00:00:00Z", "containerStatuses": [
                {"name": "api", "image": "shop/api:nope", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}}]}});
        let event = json!({"kind": "Event", "reason": "Failed", "type": "Warning", "firstTimestamp": "2026-01-01T00:01:00Z",
            "message": "Failed to pull image \"shop/api:nope\": manifest unknown",
            "involvedObject": {"kind": "Pod", "name": "api", "namespace": "shop"}});
        let budget = Budget::default();
        let told = first(&pod, &[&event]);
        assert!(
            told.message.contains("shop/api:nope") && told.message.contains("manifest unknown"),
            "{}",
            told.message
        );
        assert!(!told.exceeds(budget, at("2026-01-01T00:01:20Z")));
        assert!(told.exceeds(budget, at("2026-01-01T00:01:21Z")));
        assert!(first(&pod, &[]).exceeds(budget, at("2026-01-01T00:00:21Z")));
    }

    #[test]
    fn of_a_failed_pull_only_the_registrys_answer_is_told() {
        let answer = "failed to resolve reference \"shop/api:1\": shop/api:1: not found";
        for before in [
            "",
            "Back-off pulling image \"shop/api:1\": ErrImagePull: failed to pull and unpack image \"shop/api:1\": ",
            "Failed to pull image \"shop/api:1\": rpc error: code = NotFound desc = failed to pull and unpack image \"shop/api:1\": ",
        ] {
            assert_eq!(without_preamble(&format!("{before}{answer}")), answer);
        }
        assert_eq!(
            without_preamble("Back-off pulling image \"shop/api:1\""),
            "Back-off pulling image \"shop/api:1\""
        );
    }

    #[test]
    fn an_init_container_that_took_long_does_not_count_against_the_image_after_it() {
        let pod = json!({"metadata": {"name": "api"}, "status": {"startTime": "2026-01-01T00:00:00Z",
            "initContainerStatuses": [{"name": "wait", "state": {"terminated": {"exitCode": 0, "finishedAt": "2026-01-01T00:05:00Z"}}}],
            "containerStatuses": [{"name": "api", "state": {"waiting": {"reason": "ErrImagePull"}}}]}});
        assert!(!first(&pod, &[]).exceeds(Budget::default(), at("2026-01-01T00:05:10Z")));
    }

    #[test]
    fn a_crash_names_code_signal_and_memory() {
        let pod = |terminated: Value| {
            json!({"metadata": {"name": "api"}, "spec": {"containers": [{"name": "api", "resources": {"limits": {"memory": "64Mi"}}}]},
                "status": {"containerStatuses": [{"name": "api", "restartCount": 3, "lastState": {"terminated": terminated},
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}})
        };
        let message = |terminated: Value| first(&pod(terminated), &[]).message;
        assert_eq!(
            message(json!({"exitCode": 1, "message": "bye\n"})),
            "container `api` exited with code 1 (3 restarts): bye"
        );
        assert_eq!(
            message(json!({"exitCode": 139})),
            "container `api` was ended by SIGSEGV (exit code 139) (3 restarts)"
        );
        let memory = message(json!({"exitCode": 137, "reason": "OOMKilled"}));
        assert_eq!(
            memory,
            "container `api` ran out of memory (OOMKilled, exit code 137, memory limit `64Mi`) (3 restarts)"
        );
    }

    #[test]
    fn a_crash_is_given_up_after_its_restarts_only() {
        let pod = |restarts: i64| {
            json!({"metadata": {"name": "api"}, "status": {"containerStatuses": [{"name": "api", "restartCount": restarts,
                "lastState": {"terminated": {"exitCode": 1}}, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}})
        };
        let now = at("2026-01-01T00:00:00Z");
        assert!(!first(&pod(2), &[]).exceeds(Budget::default(), now));
        assert!(first(&pod(3), &[]).exceeds(Budget::default(), now));
    }

    #[test]
    fn the_most_specific_problem_comes_first() {
        let pod = json!({"metadata": {"name": "api"}, "status": {"phase": "Running", "containerStatuses": [
            {"name": "proxy", "ready": false, "state": {"running": {}}},
            {"name": "api", "restartCount": 1, "state": {"terminated": {"exitCode": 2}}}]}});
        assert_eq!(
            problems(&pod, &[])
                .iter()
                .map(|problem| problem.rank)
                .collect::<Vec<_>>(),
            [Rank::Crash, Rank::Waiting]
        );
    }

    #[test]
    fn a_started_sidecar_and_a_finished_init_container_are_no_problem() {
        let pod = json!({"metadata": {"name": "api"}, "spec": {"initContainers": [{"name": "sidecar", "restartPolicy": "Always"}]},
            "status": {"initContainerStatuses": [
            {"name": "sidecar", "started": true, "ready": false, "state": {"running": {}}},
            {"name": "migrate", "ready": true, "state": {"terminated": {"exitCode": 0}}}]}});
        assert_eq!(problems(&pod, &[]), []);
    }

    #[test]
    fn an_init_container_that_runs_is_waited_for_also_where_it_says_that_it_started() {
        let pod = json!({"metadata": {"name": "api"}, "status": {"initContainerStatuses": [
            {"name": "migrate", "started": true, "ready": false, "state": {"running": {}}}]}});
        assert_eq!(
            first(&pod, &[]).message,
            "init container `migrate` is running"
        );
    }

    #[test]
    fn of_two_containers_each_has_its_own_events_and_all_probes_are_told() {
        let pod = json!({"kind": "Pod", "metadata": {"name": "web"}, "status": {"phase": "Running", "containerStatuses": [
            {"name": "a", "ready": false, "state": {"running": {}}}, {"name": "b", "ready": false, "state": {"running": {}}},
            {"name": "c", "restartCount": 4, "lastState": {"terminated": {"exitCode": 137}}, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}});
        let event = |container: &str, message: &str| {
            json!({"reason": "Unhealthy", "message": message,
                "involvedObject": {"kind": "Pod", "name": "web", "fieldPath": format!("spec.containers{{{container}}}")}})
        };
        let told = [
            event("a", "Readiness probe failed: HTTP 503"),
            event("a", "Readiness probe failed: HTTP 500"),
            event("a", "Liveness probe failed: timeout"),
            event("b", "Readiness probe failed: refused"),
            event("c", "Liveness probe failed: no answer"),
        ];
        let events: Vec<&Value> = told.iter().collect();
        let messages: Vec<String> = problems(&pod, &events)
            .into_iter()
            .map(|problem| problem.message)
            .collect();
        assert_eq!(
            messages,
            [
                "container `c` was ended by SIGKILL (exit code 137) (4 restarts); Liveness probe failed: no answer",
                "container `a` is running but not ready: Readiness probe failed: HTTP 503; Liveness probe failed: timeout",
                "container `b` is running but not ready: Readiness probe failed: refused",
            ]
        );
    }

    #[test]
    fn a_mount_that_fails_is_known_from_events_only() {
        let pod = json!({"kind": "Pod", "metadata": {"name": "db", "uid": "p"}, "status": {"phase": "Pending",
            "containerStatuses": [{"name": "db", "state": {"waiting": {"reason": "ContainerCreating"}}}]}});
        let event = json!({"reason": "FailedMount", "message": "secret \"tls\" not found", "involvedObject": {"kind": "Pod", "name": "db", "uid": "p"}});
        let namesake = json!({"reason": "FailedMount", "message": "old", "involvedObject": {"kind": "Pod", "name": "db", "uid": "gone"}});
        assert_eq!(problems(&pod, &[&namesake]), []);
        assert_eq!(first(&pod, &[&event]).message, "secret \"tls\" not found");
    }
}
