//! `kubectl logs`: what a pod's annotations say that it has written, or what a server might
//! say.

use std::{convert::Infallible, time::Duration};

use futures::{StreamExt as _, stream};
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{
    answer::{Body, BoxError, plain, whole},
    pod::{PodName, annotation},
};
use crate::sandbox::api::Api;

/// How often a followed log looks whether its container still runs, and says something new.
const FOLLOW_INTERVAL: Duration = Duration::from_secs(1);

/// The options of a request for logs
/// (<https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#get-read-log-of-the-specified-pod>).
#[derive(Debug, Default, PartialEq)]
struct Options {
    follow: bool,
    previous: bool,
    timestamps: bool,
    tail: Option<usize>,
    limit: Option<usize>,
    since: Option<Timestamp>,
}

/// A line of a log and when it was written.
type Line = (Timestamp, String);

/// Answers a request for the log of a container.
pub(super) async fn answer(
    api: &Api,
    name: &PodName,
    container: &str,
    query: &str,
) -> Response<Body> {
    let options = Options::parse(query, Timestamp::now());
    let Ok(Some(pod)) = api.get(&name.path()).await else {
        return plain(
            StatusCode::NOT_FOUND,
            format!("pod \"{}\" not found", name.name),
        );
    };
    let lines = match lines(&pod, container, options.previous) {
        Ok(lines) => lines,
        Err(message) => return plain(StatusCode::BAD_REQUEST, message),
    };
    let text = options.render(&lines);
    let body = if options.follow && is_running(&pod, container) {
        follow(
            api.clone(),
            name.clone(),
            container.to_owned(),
            options,
            text,
        )
    } else {
        whole(text)
    };
    let mut response = plain(StatusCode::OK, "");
    *response.body_mut() = body;
    response
}

impl Options {
    fn parse(query: &str, now: Timestamp) -> Self {
        let mut options = Self::default();
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let value = percent_decode_str(value).decode_utf8_lossy();
            match name {
                "follow" => options.follow = value == "true",
                "previous" => options.previous = value == "true",
                "timestamps" => options.timestamps = value == "true",
                "tailLines" => options.tail = value.parse().ok(),
                "limitBytes" => options.limit = value.parse().ok(),
                "sinceTime" => options.since = value.parse().ok(),
                "sinceSeconds" => {
                    options.since = value.parse().ok().and_then(|seconds| {
                        now.checked_sub(jiff::SignedDuration::from_secs(seconds))
                            .ok()
                    });
                }
                _ => (),
            }
        }
        options
    }

    fn render(&self, lines: &[Line]) -> String {
        let recent: Vec<&Line> = lines
            .iter()
            .filter(|(time, _)| self.since.is_none_or(|since| *time >= since))
            .collect();
        let first = recent.len().saturating_sub(self.tail.unwrap_or(usize::MAX));
        let mut text: String = recent[first..]
            .iter()
            .map(|line| self.render_line(line))
            .collect();
        if let Some(limit) = self.limit {
            text.truncate(text.floor_char_boundary(limit));
        }
        text
    }

    fn render_line(&self, (time, text): &Line) -> String {
        if self.timestamps {
            format!("{time:.9} {text}\n")
        } else {
            format!("{text}\n")
        }
    }
}

/// What the container has written: the annotation `log` (for one container `log.NAME`), or what a
/// server might say. An error is what a kubelet says when there is no log.
fn lines(pod: &Value, container: &str, previous: bool) -> Result<Vec<Line>, String> {
    let status = status(pod, container)
        .ok_or_else(|| format!("container \"{container}\" in pod is not available"))?;
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let last = &status["lastState"]["terminated"];
    let state = ["running", "terminated"]
        .into_iter()
        .map(|state| &status["state"][state])
        .find(|state| state.is_object());
    let run = match state {
        _ if previous && last.is_object() => last,
        _ if previous => {
            return Err(format!(
                "previous terminated container \"{container}\" in pod \"{name}\" not found"
            ));
        }
        Some(state) => state,
        // While a container waits for its restart, its log is that of its last run.
        None if last.is_object() => last,
        None => {
            let reason = status["state"]["waiting"]["reason"]
                .as_str()
                .unwrap_or("ContainerCreating");
            return Err(format!(
                "container \"{container}\" in pod \"{name}\" is waiting to start: {reason}"
            ));
        }
    };
    let began = run["startedAt"]
        .as_str()
        .and_then(|time| time.parse().ok())
        .unwrap_or_else(Timestamp::now);
    let texts = annotated(pod, container).unwrap_or_else(|| plausible(pod, container, run, began));
    let time = |index: usize| {
        began + jiff::SignedDuration::from_millis(i64::try_from(index).unwrap_or_default())
    };
    Ok(texts
        .into_iter()
        .enumerate()
        .map(|(index, text)| (time(index), text))
        .collect())
}

fn annotated(pod: &Value, container: &str) -> Option<Vec<String>> {
    let text = annotation(pod, &format!("log.{container}")).or_else(|| annotation(pod, "log"))?;
    Some(text.lines().map(str::to_owned).collect())
}

fn plausible(pod: &Value, container: &str, run: &Value, began: Timestamp) -> Vec<String> {
    let port = declared_port(pod, container);
    let closing = match run["exitCode"].as_i64() {
        None => {
            json!({"level": "info", "time": began, "msg": "listening", "address": format!("0.0.0.0:{port}")})
        }
        Some(0) => json!({"level": "info", "time": began, "msg": "done"}),
        Some(code) => {
            json!({"level": "error", "time": began, "msg": "giving up", "exitCode": code})
        }
    };
    let opening = json!({"level": "info", "time": began, "msg": "starting", "pod": pod["metadata"]["name"], "container": container});
    vec![opening.to_string(), closing.to_string()]
}

fn declared_port(pod: &Value, container: &str) -> i64 {
    spec(pod, container)["ports"][0]["containerPort"]
        .as_i64()
        .unwrap_or(8080)
}

/// The container in the pod's specification; null where there is none of that name.
pub(super) fn spec<'a>(pod: &'a Value, container: &str) -> &'a Value {
    let containers = pod["spec"]["containers"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    containers
        .iter()
        .find(|candidate| candidate["name"] == container)
        .unwrap_or(&Value::Null)
}

fn status<'a>(pod: &'a Value, container: &str) -> Option<&'a Value> {
    let lists = [
        "containerStatuses",
        "initContainerStatuses",
        "ephemeralContainerStatuses",
    ];
    let mut all = lists
        .into_iter()
        .filter_map(|list| pod["status"][list].as_array())
        .flatten();
    all.find(|status| status["name"] == container)
}

pub(super) fn is_running(pod: &Value, container: &str) -> bool {
    pod["metadata"]["deletionTimestamp"].is_null()
        && status(pod, container).is_some_and(|status| status["state"]["running"].is_object())
}

/// Streams the log on until the container ends.
fn follow(api: Api, name: PodName, container: String, options: Options, text: String) -> Body {
    let more = stream::unfold(
        (api, name, container, options, 1_u64),
        |(api, name, container, options, number)| async move {
            tokio::time::sleep(FOLLOW_INTERVAL).await;
            let pod = api.get(&name.path()).await.ok().flatten()?;
            if !is_running(&pod, &container) {
                return None;
            }
            let now = Timestamp::now();
            let line = json!({"level": "info", "time": now, "msg": "request served", "number": number, "status": 200}).to_string();
            // A log that is given by annotation says nothing else.
            let text = if annotated(&pod, &container).is_some() {
                String::new()
            } else {
                options.render_line(&(now, line))
            };
            Some((text, (api, name, container, options, number + 1)))
        },
    );
    let frames = stream::once(std::future::ready(text))
        .chain(more)
        .map(|text| Ok::<_, Infallible>(Frame::data(Bytes::from(text))));
    StreamBody::new(frames)
        .map_err(BoxError::from)
        .boxed_unsync()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crashed(annotations: &Value) -> Value {
        json!({
            "metadata": {"name": "web-1", "annotations": annotations},
            "spec": {"containers": [{"name": "app"}, {"name": "new"}]},
            "status": {"containerStatuses": [
                {
                    "name": "app", "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"exitCode": 3, "startedAt": "2026-01-02T03:04:05Z"}},
                },
                {"name": "new", "state": {"waiting": {"reason": "ContainerCreating"}}},
            ]},
        })
    }

    #[test]
    fn a_crashed_container_shows_its_last_words_also_as_previous() {
        let pod = crashed(&json!({"sandbox.deployctl.dev/log": "connecting\nno such host"}));
        for previous in [false, true] {
            let texts: Vec<String> = lines(&pod, "app", previous)
                .unwrap()
                .into_iter()
                .map(|(_, text)| text)
                .collect();
            assert_eq!(texts, ["connecting", "no such host"]);
        }
        let plausible = lines(&crashed(&json!({})), "app", false).unwrap();
        assert!(plausible[1].1.contains("\"exitCode\":3"));
    }

    #[test]
    fn a_container_that_never_ran_has_no_log() {
        let pod = crashed(&json!({}));
        assert_eq!(
            lines(&pod, "new", false).unwrap_err(),
            "container \"new\" in pod \"web-1\" is waiting to start: ContainerCreating"
        );
        assert!(
            lines(&pod, "new", true)
                .unwrap_err()
                .starts_with("previous terminated container")
        );
    }

    #[test]
    fn options_select_lines() {
        let start: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let all = [
            (start, "one".to_owned()),
            (start + jiff::SignedDuration::from_secs(5), "two".to_owned()),
        ];
        let render = |query: &str| {
            Options::parse(query, start + jiff::SignedDuration::from_secs(8)).render(&all)
        };
        assert_eq!(render(""), "one\ntwo\n");
        assert_eq!(render("tailLines=1"), "two\n");
        assert_eq!(render("sinceSeconds=4"), "two\n");
        assert_eq!(render("sinceTime=2026-01-02T03%3A04%3A06Z"), "two\n");
        assert_eq!(render("limitBytes=2"), "on");
        assert_eq!(
            render("timestamps=true&tailLines=1"),
            "2026-01-02T03:04:10.000000000Z two\n"
        );
    }
}
