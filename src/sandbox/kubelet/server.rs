//! The server that the API server takes for every kubelet, and where each request goes.

use std::{convert::Infallible, sync::Arc};

use http::{Request, Response, StatusCode, Uri, header::HOST};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::ring::default_provider,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
        server::WebPkiClientVerifier,
    },
};

use super::{
    answer::{Body, BoxError, plain},
    channels,
    exec::{self, Commands},
    forward::forward,
    logs,
    pod::PodName,
    responder::{Slots, any_container_runs},
    tunnel::{is_tunnel, tunnel},
};
use crate::sandbox::{api::Api, certificates::Certificates, error::SandboxError};

/// The server that the API server takes for every kubelet.
pub(in crate::sandbox) struct Kubelet {
    api: Api,
    slots: Slots,
    commands: Commands,
    /// Where kwok serves. It asks nobody who they are, so it answers only to names that nobody else
    /// knows.
    kwok: u16,
    acceptor: TlsAcceptor,
}

impl Kubelet {
    /// A server that lets in the holder of the API server's certificate alone.
    pub(in crate::sandbox) fn new(
        api: Api,
        slots: Slots,
        commands: Commands,
        kwok: u16,
        certificates: &Certificates,
    ) -> Result<Self, SandboxError> {
        let acceptor =
            acceptor(certificates).map_err(|error| SandboxError::Tls(error.to_string()))?;
        Ok(Self {
            api,
            slots,
            commands,
            kwok,
            acceptor,
        })
    }

    /// Serves until it is dropped.
    pub(in crate::sandbox) async fn serve(self, listener: std::net::TcpListener) {
        let _ = listener.set_nonblocking(true);
        let Ok(listener) = TcpListener::from_std(listener) else {
            return;
        };
        let kubelet = Arc::new(self);
        kubelet.slots.serve(&kubelet.api);
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&kubelet).connection(stream));
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream) {
        let Ok(stream) = self.acceptor.accept(stream).await else {
            return;
        };
        let service = service_fn(|request| {
            let kubelet = Arc::clone(&self);
            async move { Ok::<_, Infallible>(kubelet.answer(request).await) }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service);
        let _ = connection.with_upgrades().await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
        match segments[..] {
            ["containerLogs", namespace, name, container] => {
                logs::answer(
                    &self.api,
                    &pod(namespace, name),
                    container,
                    request.uri().query().unwrap_or_default(),
                )
                .await
            }
            ["exec", namespace, name, .., container] => {
                self.exec(request, &pod(namespace, name), container).await
            }
            ["portForward", namespace, name, ..] => {
                self.port_forward(request, pod(namespace, name)).await
            }
            _ => self.pass_on(request, None, ()).await,
        }
    }

    /// Runs a command on this machine, by kwok where the client speaks an older protocol; the
    /// command learns by variables which pod it is for.
    async fn exec(
        &self,
        request: Request<Incoming>,
        pod: &PodName,
        container: &str,
    ) -> Response<Body> {
        let found = self
            .api
            .get(&pod.path())
            .await
            .ok()
            .flatten()
            .unwrap_or_default();
        if !logs::is_running(&found, container) {
            return plain(
                StatusCode::INTERNAL_SERVER_ERROR,
                format!("container not found (\"{container}\")"),
            );
        }
        if exec::is_answerable(&request) {
            return exec::answer(request, &self.commands, pod, &found, container);
        }
        let variables = [
            ("HOSTNAME", pod.name.as_str()),
            ("POD_NAME", &pod.name),
            ("POD_NAMESPACE", &pod.namespace),
            ("CONTAINER_NAME", container),
        ];
        let command = variables.iter().fold(String::new(), |text, (name, value)| {
            text + &format!("command={name}%3D{value}&")
        });
        let query = request.uri().query().unwrap_or_default();
        let target = format!(
            "/exec/sandbox/{}/{container}?command=env&{command}{query}",
            self.slots.secret()
        );
        self.pass_on(request, Some(target), ()).await
    }

    async fn port_forward(&self, request: Request<Incoming>, pod: PodName) -> Response<Body> {
        let found = self
            .api
            .get(&pod.path())
            .await
            .ok()
            .flatten()
            .unwrap_or_default();
        // Nothing listens in a pod whose containers are all down.
        if !any_container_runs(&found) {
            let phase = found["status"]["phase"].as_str().unwrap_or("Unknown");
            return plain(
                StatusCode::INTERNAL_SERVER_ERROR,
                format!("no container of the pod is running: its phase is {phase}"),
            );
        }
        if channels::is_answerable(&request) {
            return channels::answer(request, self.api.clone(), pod);
        }
        let slot = self.slots.take(pod).await;
        let query = request
            .uri()
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        let target = format!("/portForward/sandbox/{}{query}", slot.name());
        if is_tunnel(request.headers()) {
            return reached(tunnel(request, self.kwok, &target, slot).await);
        }
        self.pass_on(request, Some(target), slot).await
    }

    /// Hands the request to kwok under another path; `held` is kept until the stream ends.
    async fn pass_on(
        &self,
        mut request: Request<Incoming>,
        target: Option<String>,
        held: impl Send + 'static,
    ) -> Response<Body> {
        if let Some(Ok(uri)) = target.map(|target| target.parse::<Uri>()) {
            *request.uri_mut() = uri;
        }
        if let Ok(host) = format!("127.0.0.1:{}", self.kwok).parse() {
            request.headers_mut().insert(HOST, host);
        }
        reached(forward(request, self.kwok, held).await)
    }
}

fn reached(answer: Result<Response<Body>, BoxError>) -> Response<Body> {
    answer.unwrap_or_else(|error| {
        plain(
            StatusCode::BAD_GATEWAY,
            format!("the kubelet could not be reached: {error}"),
        )
    })
}

fn pod(namespace: &str, name: &str) -> PodName {
    PodName {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

fn acceptor(certificates: &Certificates) -> Result<TlsAcceptor, Box<dyn std::error::Error>> {
    let provider = Arc::new(default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(
        certificates.authority.as_bytes(),
    )?)?;
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()?;
    let chain = vec![CertificateDer::from_pem_slice(
        certificates.server.as_bytes(),
    )?];
    let key = PrivateKeyDer::from_pem_slice(certificates.server_key.as_bytes())?;
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = builder
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
