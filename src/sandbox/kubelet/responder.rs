//! Answers HTTP behind port-forward, in the name of the pod that the session is about.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, TcpListener as StdListener},
    sync::{Arc, Mutex, PoisonError},
};

use http::{Response, StatusCode, header::CONTENT_TYPE};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::{OwnedSemaphorePermit, Semaphore},
};

use super::{
    answer::{Body, whole},
    pod::{PodName, annotation},
};
use crate::sandbox::{api::Api, certificates::token, error::SandboxError};

/// How many port-forward sessions can be open at once; one more waits.
const SLOTS: usize = 48;

/// Connections behind port-forward arrive without a word about their pod. So each session gets a
/// slot, which is a port of its own, and the slot knows the pod.
pub(in crate::sandbox) struct Slots {
    secret: String,
    listeners: Mutex<Vec<StdListener>>,
    ports: Vec<u16>,
    pods: Arc<Mutex<Vec<Option<PodName>>>>,
    free: Arc<Semaphore>,
}

/// A slot that is in use; it is free again when this is dropped.
pub(super) struct Slot {
    index: usize,
    secret: String,
    pods: Arc<Mutex<Vec<Option<PodName>>>>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Slots {
    /// Binds a port per slot.
    pub(in crate::sandbox) fn bind() -> Result<Self, SandboxError> {
        let bind =
            || StdListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|_| SandboxError::NoPorts);
        let listeners = (0..SLOTS).map(|_| bind()).collect::<Result<Vec<_>, _>>()?;
        let port = |listener: &StdListener| {
            listener
                .local_addr()
                .map(|address| address.port())
                .map_err(|_| SandboxError::NoPorts)
        };
        let ports = listeners.iter().map(port).collect::<Result<Vec<_>, _>>()?;
        let pods = Arc::new(Mutex::new(vec![None; SLOTS]));
        Ok(Self {
            secret: token(),
            listeners: Mutex::new(listeners),
            ports,
            pods,
            free: Arc::new(Semaphore::new(SLOTS)),
        })
    }

    /// The pod name under which kwok runs commands, and the beginning of those under which it
    /// forwards ports.
    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    /// kwok's configuration: what each name is good for.
    pub(in crate::sandbox) fn configuration(&self, folder: &str) -> String {
        let exec = json!({
            "apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "ClusterExec", "metadata": {"name": "exec"},
            "spec": {"selector": {"matchNames": [self.secret]}, "execs": [{"local": {"workDir": folder}}]},
        });
        let forward = |(index, port): (usize, &u16)| {
            json!({
                "apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "ClusterPortForward", "metadata": {"name": format!("slot-{index}")},
                "spec": {
                    "selector": {"matchNames": [slot_name(&self.secret, index)]},
                    "forwards": [{"target": {"address": "127.0.0.1", "port": port}}],
                },
            })
        };
        let documents = std::iter::once(exec).chain(self.ports.iter().enumerate().map(forward));
        documents.fold(String::new(), |text, document| {
            text + &format!("\n---\n{document}\n")
        })
    }

    /// Waits for a free slot and gives it to the pod.
    pub(super) async fn take(&self, pod: PodName) -> Slot {
        let permit = Arc::clone(&self.free).acquire_owned().await.ok();
        let mut pods = self.pods.lock().unwrap_or_else(PoisonError::into_inner);
        let index = pods.iter().position(Option::is_none).unwrap_or_default();
        pods[index] = Some(pod);
        Slot {
            index,
            secret: self.secret.clone(),
            pods: Arc::clone(&self.pods),
            _permit: permit,
        }
    }

    /// Answers behind every slot, on tasks of its own.
    pub(super) fn serve(&self, api: &Api) {
        let listeners = std::mem::take(
            &mut *self
                .listeners
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        for (index, listener) in listeners.into_iter().enumerate() {
            let _ = listener.set_nonblocking(true);
            if let Ok(listener) = TcpListener::from_std(listener) {
                tokio::spawn(serve_slot(
                    listener,
                    index,
                    Arc::clone(&self.pods),
                    api.clone(),
                ));
            }
        }
    }
}

impl Slot {
    pub(super) fn name(&self) -> String {
        slot_name(&self.secret, self.index)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.pods.lock().unwrap_or_else(PoisonError::into_inner)[self.index] = None;
    }
}

fn slot_name(secret: &str, index: usize) -> String {
    format!("{secret}-{index}")
}

async fn serve_slot(
    listener: TcpListener,
    index: usize,
    pods: Arc<Mutex<Vec<Option<PodName>>>>,
    api: Api,
) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let pod = pods.lock().unwrap_or_else(PoisonError::into_inner)[index].clone();
            // A connection of nobody's is closed.
            if let Some(pod) = pod {
                tokio::spawn(serve_connection(stream, pod, api.clone()));
            }
        }
    }
}

/// Answers HTTP on a connection to the pod.
pub(super) async fn serve_connection(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    pod: PodName,
    api: Api,
) {
    let Ok(Some(found)) = api.get(&pod.path()).await else {
        return;
    };
    // Nothing listens in a pod whose containers are all down.
    if !any_container_runs(&found) {
        return;
    }
    let service = service_fn(|_request| async {
        let current = api
            .get(&pod.path())
            .await
            .ok()
            .flatten()
            .unwrap_or_default();
        Ok::<_, Infallible>(answer(&current))
    });
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

pub(super) fn any_container_runs(pod: &Value) -> bool {
    pod["status"]["containerStatuses"]
        .as_array()
        .is_some_and(|all| {
            all.iter()
                .any(|status| status["state"]["running"].is_object())
        })
}

/// What the pod's annotations say, `200 ok` by default.
fn answer(pod: &Value) -> Response<Body> {
    let status = annotation(pod, "http-status")
        .and_then(|text| text.parse().ok())
        .unwrap_or(StatusCode::OK);
    let text = annotation(pod, "http-body").unwrap_or("ok");
    let media_type = if text.starts_with(['{', '[']) {
        "application/json"
    } else {
        "text/plain"
    };
    let mut response = Response::new(whole(text.to_owned()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, http::HeaderValue::from_static(media_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> PodName {
        PodName {
            namespace: "shop".to_owned(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn annotations_set_status_and_body() {
        let pod = json!({"metadata": {"annotations": {"sandbox.deployctl.dev/http-status": "503", "sandbox.deployctl.dev/http-body": "{}"}}});
        let response = answer(&pod);
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
        assert_eq!(answer(&json!({})).status(), 200);
    }

    #[tokio::test]
    async fn a_slot_belongs_to_one_session_until_it_ends() {
        let slots = Slots::bind().unwrap();
        let first = slots.take(name("a")).await;
        let second = slots.take(name("b")).await;
        assert_ne!(first.name(), second.name());
        let freed = first.name();
        drop(first);
        assert_eq!(slots.take(name("c")).await.name(), freed);
    }
}
