//! Hears of pods that are held back and of what they read, and says in the pods what keeps them, or
//! lets them go.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    pin::pin,
};

use futures::{StreamExt as _, future, stream};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    judge::{Judgement, Warning, is_held_back, judge},
    reading::text,
    stored::{Keys, Kind, Known, LookedUp, Place, Stored, There},
};
use crate::sandbox::{
    api::Api,
    follow::{Heard, RETRY, follow},
};

/// Pods that are seen to at once.
const PARALLEL: usize = 16;

/// Revisions are large, and no pod reads them.
const SECRETS: &str = "/api/v1/secrets?fieldSelector=type%21%3Ddeployctl.dev%2Frevision";
const CONFIG_MAPS: &str = "/api/v1/configmaps?";
/// What runs does not wait for anything.
const PODS: &str = "/api/v1/pods?fieldSelector=status.phase%3DPending%2Cspec.nodeName%21%3D";

/// Plays what a kubelet does before it starts containers, for all pods that the stages hold back.
pub(in super::super) async fn hold_back(api: Api) {
    let client = api.client();
    let secrets =
        follow::<Stored>(&client, SECRETS).map(|heard| News::of_stored(Kind::Secret, heard));
    let config_maps =
        follow::<Stored>(&client, CONFIG_MAPS).map(|heard| News::of_stored(Kind::ConfigMap, heard));
    let pods = follow::<Value>(&client, PODS).map(News::Pod);
    let mut news = pin!(stream::select_all([
        secrets.boxed(),
        config_maps.boxed(),
        pods.boxed()
    ]));
    let mut ward = Ward::default();
    loop {
        tokio::select! {
            // All that is there to be heard comes before anything is done about it.
            biased;
            next = news.next() => match next {
                Some(news) => ward.note(news),
                None => return,
            },
            () = future::ready(()), if !ward.due.is_empty() => ward.see_to_all(&api).await,
        }
    }
}

/// What is heard of pods, and of what they read.
enum News {
    Pod(Heard<Value>),
    Anew(Kind),
    Is(Place, Keys),
    Gone(Place),
}

impl News {
    fn of_stored(kind: Kind, heard: Heard<Stored>) -> Self {
        match heard {
            Heard::Anew => Self::Anew(kind),
            Heard::Is(stored) => Self::Is(stored.place(kind), stored.into_keys()),
            Heard::Gone(stored) => Self::Gone(stored.place(kind)),
        }
    }
}

/// Namespace and name of a pod.
type PodPlace = (String, String);

/// The pods that are held back, and what is known of what they read.
#[derive(Default)]
struct Ward {
    known: Known,
    held: HashMap<PodPlace, Held>,
    due: BTreeSet<PodPlace>,
}

/// A pod that is held back.
#[derive(Default)]
struct Held {
    pod: Value,
    missing: BTreeSet<Place>,
    told: HashSet<Warning>,
}

/// What came of seeing to a pod.
struct Seen {
    place: PodPlace,
    looked_up: LookedUp,
    missing: BTreeSet<Place>,
    told: Vec<Warning>,
    /// Whether something has to be tried again that could not be written.
    again: bool,
}

impl Ward {
    fn note(&mut self, news: News) {
        match news {
            News::Pod(Heard::Anew) => {
                self.held.clear();
                self.due.clear();
            }
            News::Pod(Heard::Is(pod)) if is_held_back(&pod) && !is_going(&pod) => {
                let place = place_of(&pod);
                let held = self.held.entry(place.clone()).or_default();
                if held.pod["metadata"]["uid"] != pod["metadata"]["uid"] {
                    *held = Held::default();
                }
                held.pod = pod;
                self.due.insert(place);
            }
            News::Pod(Heard::Is(pod) | Heard::Gone(pod)) => {
                let place = place_of(&pod);
                self.held.remove(&place);
                self.due.remove(&place);
            }
            News::Anew(kind) => self.known.0.retain(|place, _| place.kind != kind),
            News::Gone(place) => drop(self.known.0.remove(&place)),
            News::Is(place, keys) => {
                let waiting = self.held.iter();
                let waiting = waiting.filter(|(_, held)| held.missing.contains(&place));
                self.due.extend(waiting.map(|(pod, _)| pod.clone()));
                self.known.0.insert(place, keys);
            }
        }
    }

    /// Sees to all pods of which something was heard.
    async fn see_to_all(&mut self, api: &Api) {
        let due = std::mem::take(&mut self.due);
        let known = &self.known;
        let seen: Vec<_> = due
            .into_iter()
            .filter_map(|place| Some(see_to(api, known, self.held.get(&place)?, place)))
            .collect();
        let seen: Vec<Seen> = stream::iter(seen)
            .buffer_unordered(PARALLEL)
            .collect()
            .await;
        let fails = seen.iter().any(|seen| seen.again);
        for seen in seen {
            self.take_in(seen);
        }
        if fails {
            tokio::time::sleep(RETRY).await;
        }
    }

    fn take_in(&mut self, seen: Seen) {
        for (place, found) in seen.looked_up {
            match found {
                Some(keys) => drop(self.known.0.insert(place, keys)),
                None => drop(self.known.0.remove(&place)),
            }
        }
        if seen.again {
            self.due.insert(seen.place.clone());
        }
        if let Some(held) = self.held.get_mut(&seen.place) {
            held.missing = seen.missing;
            held.told.extend(seen.told);
        }
    }
}

/// Writes what a kubelet would make of a pod, and tells what there is to tell for the first time.
async fn see_to(api: &Api, known: &Known, held: &Held, place: PodPlace) -> Seen {
    let pod = &held.pod;
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let (judgement, looked_up) = judged(api, known, pod, &now).await;
    let again = match &judgement.status {
        Some(status) => write(api, pod, status).await,
        None => false,
    };
    let news = judgement.warnings.into_iter();
    let news: Vec<Warning> = news.filter(|it| !held.told.contains(it)).collect();
    for warning in &news {
        // A namespace that goes takes no events.
        let _ = api
            .create(&events_path(pod), &event(pod, warning, &now))
            .await;
    }
    Seen {
        place,
        looked_up,
        missing: judgement.missing,
        told: news,
        again,
    }
}

/// What a kubelet would make of a pod, and what was looked up for that: what was created before the
/// pod may not have been heard of yet.
async fn judged(api: &Api, known: &Known, pod: &Value, now: &str) -> (Judgement, LookedUp) {
    let nothing = LookedUp::new();
    let there = There {
        known,
        looked_up: &nothing,
    };
    let judgement = judge(pod, there, now);
    if judgement.missing.is_empty() {
        return (judgement, nothing);
    }
    let places = judgement.missing.iter();
    let looked_up = future::join_all(places.map(|place| look_up(api, place))).await;
    let there = There {
        known,
        looked_up: &looked_up,
    };
    (judge(pod, there, now), looked_up)
}

async fn look_up(api: &Api, place: &Place) -> (Place, Option<Keys>) {
    let found = api.get(&place.path()).await.ok().flatten();
    let stored = found.and_then(|found| serde_json::from_value::<Stored>(found).ok());
    (place.clone(), stored.map(Stored::into_keys))
}

/// Writes the status of a pod as it was seen: where somebody has written since, that is yet to be
/// heard of, and the pod is judged again then. Whether it has to be tried again.
async fn write(api: &Api, pod: &Value, status: &Value) -> bool {
    let metadata = &pod["metadata"];
    let (namespace, name) = place_of(pod);
    let path = format!("/api/v1/namespaces/{namespace}/pods/{name}/status");
    let patch = json!({
        "metadata": {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]},
        "status": status,
    });
    api.merge_as_seen(&path, &patch).await.is_err()
}

fn events_path(pod: &Value) -> String {
    format!("/api/v1/namespaces/{}/events", place_of(pod).0)
}

fn event(pod: &Value, warning: &Warning, now: &str) -> Value {
    let (namespace, name) = place_of(pod);
    let node = &pod["spec"]["nodeName"];
    let involved = json!({
        "apiVersion": "v1", "kind": "Pod", "namespace": namespace, "name": name, "uid": pod["metadata"]["uid"],
        "resourceVersion": pod["metadata"]["resourceVersion"], "fieldPath": warning.field,
    });
    json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"namespace": namespace, "generateName": format!("{name}.")},
        "involvedObject": involved, "type": "Warning", "reason": warning.reason, "message": warning.message,
        "source": {"component": "kubelet", "host": node}, "reportingComponent": "kubelet", "reportingInstance": node,
        "firstTimestamp": now, "lastTimestamp": now, "count": 1,
    })
}

fn place_of(pod: &Value) -> PodPlace {
    let metadata = &pod["metadata"];
    (
        text(&metadata["namespace"]).to_owned(),
        text(&metadata["name"]).to_owned(),
    )
}

fn is_going(pod: &Value) -> bool {
    !pod["metadata"]["deletionTimestamp"].is_null()
}
