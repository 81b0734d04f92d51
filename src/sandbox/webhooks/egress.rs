//! The proxy by which the API server reaches kubelets and pods
//! (<https://kubernetes.io/docs/tasks/extend-kubernetes/setup-konnectivity/>): kubelets are on this
//! machine, and for pods it answers itself, the metrics server among them.

use std::{convert::Infallible, fs::File, net::SocketAddr, os::fd::AsRawFd as _};

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Bytes, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use rcgen::{Issuer, KeyPair};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpStream, UnixListener, UnixStream},
};
use tokio_rustls::TlsAcceptor;

use super::{certificates::acceptor, review};
use crate::sandbox::{api::Api, error::SandboxError, home::Home, metrics};

/// The socket in the sandbox's folder.
const SOCKET: &str = "egress.sock";

/// More than this nobody sends to ask for a connection.
const REQUEST: usize = 4096;

/// The configuration that has the API server reach kubelets and pods by the proxy. Its programs run
/// in a folder of the sandbox's own; a path from there is short enough for a socket.
pub(in crate::sandbox) fn configuration() -> String {
    format!(
        "apiVersion: apiserver.k8s.io/v1beta1\nkind: EgressSelectorConfiguration\negressSelections:\n- name: cluster\n  \
         connection: {{proxyProtocol: HTTPConnect, transport: {{uds: {{udsName: ../{SOCKET}}}}}}}\n"
    )
}

/// The proxy.
pub(in crate::sandbox) struct Egress {
    api: Api,
    listener: UnixListener,
    acceptor: TlsAcceptor,
}

impl Egress {
    /// A proxy that answers for pods with certificates of `issuer`'s.
    pub(in crate::sandbox) fn bind(
        home: &Home,
        api: Api,
        issuer: Issuer<'static, KeyPair>,
    ) -> Result<Self, SandboxError> {
        let folder = home.folder();
        let open = File::open(folder).map_err(SandboxError::file("open", folder))?;
        // The path of a socket has 108 bytes at most, and the folder may lie deep.
        let short = format!("/proc/self/fd/{}/{SOCKET}", open.as_raw_fd());
        let listener = UnixListener::bind(short)
            .map_err(SandboxError::file("create", &folder.join(SOCKET)))?;
        Ok(Self {
            api,
            listener,
            acceptor: acceptor(issuer)?,
        })
    }

    /// Serves until it is dropped.
    pub(in crate::sandbox) async fn serve(self) {
        loop {
            if let Ok((stream, _)) = self.listener.accept().await {
                tokio::spawn(connection(stream, self.acceptor.clone(), self.api.clone()));
            }
        }
    }
}

async fn connection(mut stream: UnixStream, acceptor: TlsAcceptor, api: Api) {
    let Some(target) = target(&mut stream).await else {
        return;
    };
    if target.ip().is_loopback() {
        splice(stream, target).await;
    } else if stream.write_all(CONNECTED).await.is_ok() {
        answer_for_pod(stream, acceptor, &api).await;
    }
}

const CONNECTED: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";
const NOBODY: &[u8] = b"HTTP/1.1 502 Bad Gateway\r\n\r\n";

/// The address that the API server asks to be connected with.
async fn target(stream: &mut UnixStream) -> Option<SocketAddr> {
    let mut request = Vec::new();
    // Byte by byte: what follows belongs to whoever it is connected with.
    while !request.ends_with(b"\r\n\r\n") {
        if request.len() > REQUEST {
            return None;
        }
        request.push(stream.read_u8().await.ok()?);
    }
    let request = String::from_utf8(request).ok()?;
    let address = request.strip_prefix("CONNECT ")?.split(' ').next()?;
    address.parse().ok()
}

async fn splice(mut stream: UnixStream, target: SocketAddr) {
    match TcpStream::connect(target).await {
        Ok(mut there) => {
            let _ = there.set_nodelay(true);
            if stream.write_all(CONNECTED).await.is_ok() {
                let _ = copy_bidirectional(&mut stream, &mut there).await;
            }
        }
        Err(_) => drop(stream.write_all(NOBODY).await),
    }
}

async fn answer_for_pod(stream: UnixStream, acceptor: TlsAcceptor, api: &Api) {
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let service = service_fn(|request| async { Ok::<_, Infallible>(answer(request, api).await) });
    let mut connection = hyper::server::conn::http1::Builder::new();
    // One that stayed open would outlive the pod.
    connection.keep_alive(false);
    let _ = connection
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(request: Request<Incoming>, api: &Api) -> Response<Full<Bytes>> {
    let answer = if metrics::is_asked(request.uri()) {
        metrics::answer(api, request.uri()).await
    } else {
        let body = request.into_body().collect().await;
        let bytes = body.map(http_body_util::Collected::to_bytes);
        let review = bytes.ok().and_then(|it| serde_json::from_slice(&it).ok());
        review.as_ref().and_then(review::answer)
    };
    let mut response = Response::new(Full::default());
    match answer {
        Some(answer) => {
            let json = http::HeaderValue::from_static("application/json");
            *response.body_mut() = Full::new(answer.to_string().into());
            response
                .headers_mut()
                .insert(http::header::CONTENT_TYPE, json);
        }
        None => *response.status_mut() = StatusCode::NOT_FOUND,
    }
    response
}
