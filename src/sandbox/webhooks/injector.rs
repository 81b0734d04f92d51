//! Fills in whom the API server trusts behind a webhook.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::{StreamExt as _, stream};
use serde_json::Value;

use super::injection::{Injector, change, injector};
use crate::sandbox::{
    api::Api,
    follow::{Heard, follow},
};

const GROUP: &str = "/apis/admissionregistration.k8s.io/v1";
const VALIDATING: &str = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations?";
const MUTATING: &str = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations?";
const ENDPOINTS: &str = "/apis/discovery.k8s.io/v1/endpointslices?";

/// How long cert-manager waits for what was not there.
const RETRY: Duration = Duration::from_millis(500);

/// What is heard.
enum News {
    Configuration(&'static str, Heard<Value>),
    Endpoints(Heard<Value>),
}

/// Fills in `caBundle` of webhooks: as cert-manager does where it is asked to, and as the pods behind
/// them do where nobody is. `authority` is the certificate that all of them trust.
pub(in crate::sandbox) async fn inject(api: Api, authority: String) {
    let client = api.client();
    let configurations = |path, plural| {
        follow::<Value>(&client, path).map(move |heard| News::Configuration(plural, heard))
    };
    let mut news = std::pin::pin!(stream::select_all([
        configurations(VALIDATING, "validatingwebhookconfigurations").boxed(),
        configurations(MUTATING, "mutatingwebhookconfigurations").boxed(),
        follow::<Value>(&client, ENDPOINTS)
            .map(News::Endpoints)
            .boxed(),
    ]));
    let mut known = Webhooks {
        bundle: STANDARD.encode(authority),
        ..Webhooks::default()
    };
    loop {
        let waits = !known.due.is_empty();
        tokio::select! {
            next = news.next() => match next {
                Some(news) => known.note(news),
                None => return,
            },
            () = tokio::time::sleep(RETRY), if waits => {}
        }
        known.fill_in(&api).await;
    }
}

/// A configuration, by its plural and its name.
type Place = (&'static str, String);

/// What is known of webhooks.
#[derive(Default)]
struct Webhooks {
    bundle: String,
    configurations: HashMap<Place, Value>,
    /// Services as `NAMESPACE/NAME` that have a pod which is ready, by the slice that says so.
    ready: HashMap<(String, String), String>,
    due: BTreeSet<Place>,
}

impl Webhooks {
    fn note(&mut self, news: News) {
        match news {
            News::Configuration(plural, Heard::Anew) => {
                self.configurations.retain(|(of, _), _| *of != plural);
                self.due.retain(|(of, _)| *of != plural);
            }
            News::Configuration(plural, Heard::Is(configuration)) => {
                let place = (plural, text(&configuration["metadata"]["name"]));
                self.due.insert(place.clone());
                self.configurations.insert(place, configuration);
            }
            News::Configuration(plural, Heard::Gone(configuration)) => {
                let place = (plural, text(&configuration["metadata"]["name"]));
                self.due.remove(&place);
                self.configurations.remove(&place);
            }
            News::Endpoints(Heard::Anew) => self.ready.clear(),
            News::Endpoints(Heard::Is(slice)) => self.note_slice(&slice, has_ready(&slice)),
            News::Endpoints(Heard::Gone(slice)) => self.note_slice(&slice, false),
        }
    }

    fn note_slice(&mut self, slice: &Value, is_ready: bool) {
        let metadata = &slice["metadata"];
        let key = (text(&metadata["namespace"]), text(&metadata["name"]));
        if !is_ready {
            self.ready.remove(&key);
            return;
        }
        let service = text(&metadata["labels"]["kubernetes.io/service-name"]);
        let service = format!("{}/{service}", key.0);
        if self.ready.insert(key, service).is_none() {
            self.due.extend(self.configurations.keys().cloned());
        }
    }

    /// Fills in what is due; what cannot be filled in yet stays due.
    async fn fill_in(&mut self, api: &Api) {
        for place in std::mem::take(&mut self.due) {
            let Some(configuration) = self.configurations.get(&place) else {
                continue;
            };
            let has_pods = |service: &str| self.ready.values().any(|it| it == service);
            let Some(change) = change(configuration, &self.bundle, has_pods) else {
                continue;
            };
            let injector = injector(configuration);
            if let Injector::From(source) = &injector
                && !matches!(api.get(source).await, Ok(Some(_)))
            {
                self.due.insert(place);
                continue;
            }
            let (plural, name) = &place;
            let path = format!("{GROUP}/{plural}/{name}?fieldManager={}", injector.name());
            if api.merge_as_seen(&path, &change).await.is_err() {
                self.due.insert(place);
            }
        }
    }
}

fn has_ready(slice: &Value) -> bool {
    let endpoints = slice["endpoints"].as_array().into_iter().flatten();
    endpoints
        .into_iter()
        .any(|endpoint| endpoint["conditions"]["ready"] != false)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
