//! What the pods of a release have read when they started, as watches have told.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use serde_json::Value;

use crate::support::{eventually, list, sandbox};

/// Everything that happened to the pods of a namespace and to what they read, since it is watched.
///
/// Versions of objects of all kinds are numbers of one row: they say what was there when a pod
/// started, whatever the clocks say.
/// <https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions>
pub(super) struct Starts {
    namespace: String,
    pods: Watch,
    settings: Watch,
}

impl Starts {
    /// Of the pods in `namespace`, which need not exist, and of the `ConfigMap` `settings`.
    pub(super) fn of(namespace: &str) -> Self {
        let path = |plural: &str| format!("/api/v1/namespaces/{namespace}/{plural}?watch=1");
        Self {
            namespace: namespace.to_owned(),
            pods: Watch::start(&path("pods")),
            settings: Watch::start(&path("configmaps")),
        }
    }

    /// The pods that stay and have started on something else than what is there now.
    pub(super) fn stale(&self) -> Vec<String> {
        let settings = list(&self.namespace, "configmaps");
        let is_settings = |object: &&Value| object["metadata"]["name"] == "settings";
        let Some(now) = settings.iter().find(is_settings) else {
            return Vec::new();
        };
        let history = self.settings.until(now);
        let changes: Vec<(u64, &Value)> = history
            .iter()
            .filter(|event| is_settings(&&event["object"]))
            .map(|event| {
                let value = match event["type"].as_str() {
                    Some("DELETED") => &Value::Null,
                    _ => &event["object"]["data"],
                };
                (version(&event["object"]), value)
            })
            .collect();
        let pods = list(&self.namespace, "pods");
        let stays = |pod: &&Value| {
            pod["metadata"]["deletionTimestamp"].is_null()
                && pod["spec"]["containers"][0]["envFrom"].is_array()
        };
        let stale = pods.iter().filter(stays).filter_map(|pod| {
            let (created, started) = self.start(pod)?;
            let read = values(&changes, created, started);
            let is_fresh = read.contains(&&now["data"]);
            (!is_fresh).then(|| {
                format!(
                    "Pod {}: it has started on {}, and {} is there",
                    pod["metadata"]["name"],
                    read.iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                        .join(" or "),
                    now["data"]
                )
            })
        });
        stale.collect()
    }

    /// When `pod` was created and when it was seen to run; `None` where it does not run yet.
    fn start(&self, pod: &Value) -> Option<(u64, u64)> {
        let events = self.pods.until(pod);
        let mut of_pod = events
            .iter()
            .map(|event| &event["object"])
            .filter(|object| object["metadata"]["uid"] == pod["metadata"]["uid"]);
        let created = version(of_pod.next()?);
        let running = of_pod.find(|object| object["status"]["phase"] == "Running")?;
        Some((created, version(running)))
    }
}

/// Which values there were between two versions, the first one included.
fn values<'a>(changes: &[(u64, &'a Value)], from: u64, to: u64) -> Vec<&'a Value> {
    let before = changes.iter().rev().find(|(at, _)| *at <= from);
    let then = before.map_or(&Value::Null, |(_, value)| *value);
    let between = changes
        .iter()
        .filter(|(at, _)| (from + 1..=to).contains(at));
    std::iter::once(then)
        .chain(between.map(|(_, value)| *value))
        .collect()
}

fn version(object: &Value) -> u64 {
    let version = object["metadata"]["resourceVersion"].as_str();
    version.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// A watch, whose events are kept.
struct Watch {
    process: Child,
    events: Arc<Mutex<Vec<Value>>>,
}

impl Watch {
    fn start(path: &str) -> Self {
        let sandbox = sandbox();
        let mut process = Command::new(&sandbox.kubectl)
            .args(["get", "--raw", path])
            .env("KUBECONFIG", &sandbox.kubeconfig)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("kubectl can be run");
        let lines = BufReader::new(process.stdout.take().expect("its output is piped")).lines();
        let events = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&events);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let event = serde_json::from_str(&line).expect("a watch tells JSON");
                heard
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(event);
            }
        });
        Self { process, events }
    }

    /// All events, once that is among them which made `object` what it is.
    fn until(&self, object: &Value) -> Vec<Value> {
        let is_it = |event: &Value| {
            event["object"]["metadata"]["uid"] == object["metadata"]["uid"]
                && version(&event["object"]) >= version(object)
        };
        eventually("the watch tells of it", || {
            let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
            events.iter().any(is_it).then(|| events.clone())
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_pod_has_read_what_was_there_between_its_creation_and_its_start() {
    let (one, two) = (Value::from(1), Value::from(2));
    let changes = [(10, &one), (20, &two)];
    assert_eq!(values(&changes, 5, 8), [&Value::Null]);
    assert_eq!(values(&changes, 12, 15), [&one]);
    assert_eq!(values(&changes, 12, 25), [&one, &two]);
    assert_eq!(values(&changes, 20, 25), [&two]);
}
