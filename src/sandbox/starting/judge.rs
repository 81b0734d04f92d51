//! What a kubelet would make of a pod, given what is there for it to read. A pure function.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    image,
    reading::{Reading, entries, environment, text, volumes},
    stored::{Kind, Place, There},
};

/// The condition by which a pod is held back: its volumes are mounted, and it has a network
/// (<https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-has-network>).
const STARTS: &str = "PodReadyToStartContainers";

/// The reasons for which a container waits that a kubelet cannot create; the stages hold back
/// what waits for one of them.
const CONFIG: &str = "CreateContainerConfigError";
const IMAGE: &str = "InvalidImageName";

/// The label that asks for a failure.
const FAULT: &str = "sandbox.deployctl.dev/fault";

/// What a kubelet would make of a pod.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Judgement {
    /// The change of its status; `None` where it says so already.
    pub(super) status: Option<Value>,
    /// What there is to tell about it.
    pub(super) warnings: Vec<Warning>,
    /// What it cannot start without.
    pub(super) missing: BTreeSet<Place>,
}

/// A warning, as an event tells it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Warning {
    pub(super) reason: &'static str,
    pub(super) message: String,
    /// The part of the pod that it is about; empty where it is all of it.
    pub(super) field: String,
}

/// Whether a pod is held back, so that somebody has to see to it.
pub(super) fn is_held_back(pod: &Value) -> bool {
    let lists = ["initContainerStatuses", "containerStatuses"];
    let mut statuses = lists.iter().flat_map(|list| entries(&pod["status"][*list]));
    condition(pod, STARTS) == Some("False")
        || (statuses.any(cannot_be_created) && fault(pod) != "missing-config")
}

/// What a kubelet would make of `pod`, which is held back, given what is `there` for it to read.
pub(super) fn judge(pod: &Value, there: There<'_>, now: &str) -> Judgement {
    let mut look = Look {
        pod,
        there,
        now,
        judgement: Judgement::default(),
    };
    if look.mounts() {
        look.pull_secrets();
        look.containers();
    }
    look.judgement
}

struct Look<'a> {
    pod: &'a Value,
    there: There<'a>,
    now: &'a str,
    judgement: Judgement,
}

impl<'a> Look<'a> {
    fn namespace(&self) -> &'a str {
        text(&self.pod["metadata"]["namespace"])
    }

    fn place(&self, kind: Kind, name: &str) -> Place {
        Place {
            kind,
            namespace: self.namespace().to_owned(),
            name: name.to_owned(),
        }
    }

    /// Remembers that the pod cannot start as long as what it reads there is as it is.
    fn misses(&mut self, kind: Kind, name: &str) {
        let place = self.place(kind, name);
        self.judgement.missing.insert(place);
    }

    /// What is wrong with a volume that reads this.
    fn mount_problem(&mut self, reading: &Reading<'_>) -> Option<String> {
        let found = self.there.keys(&self.place(reading.kind, reading.name));
        let problem = reading.mount_problem(found)?;
        self.misses(reading.kind, reading.name);
        Some(problem)
    }

    /// What is wrong with a container whose environment reads this.
    fn environment_problem(&mut self, reading: &Reading<'_>) -> Option<String> {
        let found = self.there.keys(&self.place(reading.kind, reading.name));
        let problem = reading.environment_problem(self.namespace(), found)?;
        self.misses(reading.kind, reading.name);
        Some(problem)
    }

    fn warn(&mut self, reason: &'static str, message: String, field: &str) {
        self.judgement.warnings.push(Warning {
            reason,
            message,
            field: field.to_owned(),
        });
    }

    /// Whether all volumes can be mounted.
    fn mounts(&mut self) -> bool {
        let mut all = true;
        for (name, readings) in volumes(self.pod) {
            let mut problems: Vec<String> = Vec::new();
            for reading in readings {
                let found = self.mount_problem(&reading);
                problems.extend(found.filter(|it| !problems.contains(it)));
            }
            let told = match problems.as_slice() {
                [] => continue,
                [only] => only.clone(),
                many => format!("[{}]", many.join(", ")),
            };
            all = false;
            let message = format!("MountVolume.SetUp failed for volume \"{name}\" : {told}");
            self.warn("FailedMount", message, "");
        }
        all
    }

    /// Tells of secrets for pulling images that are not there. A kubelet tries without them, and
    /// without those of another type, of which it says nothing.
    fn pull_secrets(&mut self) {
        let named = entries(&self.pod["spec"]["imagePullSecrets"]).iter();
        let names = named.map(|secret| text(&secret["name"]));
        let missing: Vec<&str> = names
            .filter(|name| !name.is_empty())
            .filter(|name| self.there.keys(&self.place(Kind::Secret, name)).is_none())
            .collect();
        if missing.is_empty() {
            return;
        }
        for name in &missing {
            self.misses(Kind::Secret, name);
        }
        let message = format!(
            "Unable to retrieve some image pull secrets ({}); attempting to pull the image may not succeed.",
            missing.join(", ")
        );
        self.warn("FailedToRetrieveImagePullSecret", message, "");
    }

    /// Init containers one after the other, then all others; what cannot be created waits.
    fn containers(&mut self) {
        let spec = &self.pod["spec"];
        let inits = entries(&spec["initContainers"]);
        let broken = inits.iter().enumerate().find_map(|(position, container)| {
            Some((position, self.cannot_create(container, "initContainers")?))
        });
        let mut status = json!({});
        if let Some(statuses) = self.init_statuses(inits, broken.as_ref()) {
            status["initContainerStatuses"] = statuses;
        }
        let never_reached = broken.is_some() || fault(self.pod) == "init-crash-loop";
        if !never_reached && let Some(statuses) = self.statuses() {
            status["containerStatuses"] = statuses;
        }
        if condition(self.pod, STARTS) == Some("False") {
            let started = json!({"type": STARTS, "status": "True", "lastTransitionTime": self.now});
            status["conditions"] = json!([started]);
        }
        let is_news = status.as_object().is_some_and(|status| !status.is_empty());
        self.judgement.status = is_news.then_some(status);
    }

    /// Why the container cannot be created: the reason for which it waits, and what it says.
    fn cannot_create(&mut self, container: &Value, list: &str) -> Option<(&'static str, String)> {
        let field = format!("spec.{list}{{{}}}", text(&container["name"]));
        if let Some(problem) = image::problem(text(&container["image"])) {
            self.warn("InspectFailed", problem.clone(), &field);
            self.warn("Failed", format!("Error: {IMAGE}"), &field);
            return Some((IMAGE, problem));
        }
        let problem = environment(container).find_map(|it| self.environment_problem(&it))?;
        self.warn("Failed", format!("Error: {problem}"), &field);
        Some((CONFIG, problem))
    }

    /// What the init containers' statuses have to be where one is `broken`, or was.
    fn init_statuses(
        &self,
        inits: &[Value],
        broken: Option<&(usize, (&'static str, String))>,
    ) -> Option<Value> {
        let current = &self.pod["status"]["initContainerStatuses"];
        let was_broken = entries(current).iter().any(cannot_be_created);
        let Some((broken, why)) = broken else {
            let all = inits
                .iter()
                .map(|it| status(it, &waiting("PodInitializing", "")));
            return was_broken.then(|| all.collect());
        };
        let statuses = inits.iter().enumerate().map(|(position, container)| {
            let state = match position.cmp(broken) {
                std::cmp::Ordering::Less => self.initialised(container),
                std::cmp::Ordering::Equal => waiting(why.0, &why.1),
                std::cmp::Ordering::Greater => waiting("PodInitializing", ""),
            };
            status(container, &state)
        });
        unless_said(statuses.collect(), current)
    }

    /// The state of an init container whose turn is over.
    fn initialised(&self, container: &Value) -> Value {
        match container["restartPolicy"].as_str() {
            Some("Always") => self.running(),
            _ => {
                json!({"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": self.now, "finishedAt": self.now}})
            }
        }
    }

    fn running(&self) -> Value {
        json!({"running": {"startedAt": self.now}})
    }

    /// What the containers' statuses have to be where one cannot be created, or could not.
    fn statuses(&mut self) -> Option<Value> {
        let containers = entries(&self.pod["spec"]["containers"]);
        let broken: Vec<_> = containers
            .iter()
            .map(|container| self.cannot_create(container, "containers"))
            .collect();
        let current = &self.pod["status"]["containerStatuses"];
        let is_initialised = condition(self.pod, "Initialized") == Some("True");
        let before = if entries(&self.pod["spec"]["initContainers"]).is_empty() {
            "ContainerCreating"
        } else {
            "PodInitializing"
        };
        if broken.iter().all(Option::is_none) {
            let was_broken = entries(current).iter().any(cannot_be_created);
            let all = containers.iter().map(|it| status(it, &waiting(before, "")));
            return was_broken.then(|| all.collect());
        }
        let statuses = containers.iter().zip(broken).map(|(container, broken)| {
            let state = match broken {
                Some((reason, message)) => waiting(reason, &message),
                None if is_initialised => self.running(),
                None => waiting(before, ""),
            };
            status(container, &state)
        });
        unless_said(statuses.collect(), current)
    }
}

/// `wanted`, unless the `current` statuses have the same states.
fn unless_said(wanted: Value, current: &Value) -> Option<Value> {
    let same = |(wanted, current): (&Value, &Value)| {
        let (wanted, current) = (&wanted["state"], &current["state"]);
        wanted["waiting"] == current["waiting"]
            && wanted["running"].is_null() == current["running"].is_null()
    };
    let (new, old) = (entries(&wanted), entries(current));
    let is_said = new.len() == old.len() && new.iter().zip(old).all(same);
    (!is_said).then_some(wanted)
}

fn waiting(reason: &str, message: &str) -> Value {
    if message.is_empty() {
        json!({"waiting": {"reason": reason}})
    } else {
        json!({"waiting": {"reason": reason, "message": message}})
    }
}

fn status(container: &Value, state: &Value) -> Value {
    let runs = !state["running"].is_null();
    let completed = !state["terminated"].is_null();
    let image_id = if runs || completed {
        text(&container["image"])
    } else {
        ""
    };
    json!({
        "name": container["name"], "image": container["image"], "imageID": image_id,
        "ready": runs || completed, "started": runs, "restartCount": 0, "state": state,
    })
}

/// Whether a status is of a container that a kubelet could not create.
fn cannot_be_created(status: &Value) -> bool {
    [CONFIG, IMAGE].contains(&text(&status["state"]["waiting"]["reason"]))
}

fn condition<'a>(pod: &'a Value, kind: &str) -> Option<&'a str> {
    let conditions = entries(&pod["status"]["conditions"]);
    conditions.iter().find(|it| it["type"] == kind)?["status"].as_str()
}

fn fault(pod: &Value) -> &str {
    text(&pod["metadata"]["labels"][FAULT])
}
