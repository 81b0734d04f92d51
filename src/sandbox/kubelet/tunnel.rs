//! Port-forward as SPDY inside a WebSocket, which kwok does not speak: taken apart here.

use futures::{SinkExt as _, StreamExt as _};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::Empty;
use hyper::{
    body::{Bytes, Incoming},
    upgrade::Upgraded,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::Message;

use super::{
    answer::{Body, BoxError, plain},
    websocket::{self, Socket},
};

/// SPDY inside a WebSocket, as kubectl forwards ports
/// (<https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/4006-transition-spdy-to-websockets>).
const TUNNEL: &str = "SPDY/3.1+portforward.k8s.io";

/// What the protocol is called without the WebSocket.
const PORT_FORWARD: &str = "portforward.k8s.io";

/// Whether the request wants SPDY inside a WebSocket, which kwok does not speak.
pub(super) fn is_tunnel(headers: &HeaderMap) -> bool {
    websocket::agreed(headers, &[TUNNEL]).is_some()
}

/// Takes the SPDY out of the WebSocket and hands it to the server at a loopback port; `held` is
/// dropped at the end.
pub(super) async fn tunnel(
    request: Request<Incoming>,
    port: u16,
    target: &str,
    held: impl Send + 'static,
) -> Result<Response<Body>, BoxError> {
    let server = match open(port, target).await? {
        Ok(server) => server,
        Err(status) => return Ok(plain(status, "the port could not be forwarded")),
    };
    Ok(websocket::accept(request, TUNNEL, |socket| async move {
        let _ = join(socket, TokioIo::new(server)).await;
        drop(held);
    }))
}

/// Opens a SPDY connection; the inner error is the status of a server that does not want to.
async fn open(port: u16, target: &str) -> Result<Result<Upgraded, StatusCode>, BoxError> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        let _ = connection.with_upgrades().await;
    });
    let request = Request::builder()
        .method(Method::POST)
        .uri(target)
        .header(header::HOST, format!("127.0.0.1:{port}"));
    let request = request
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "SPDY/3.1");
    let request = request
        .header("X-Stream-Protocol-Version", PORT_FORWARD)
        .body(Empty::<Bytes>::new())?;
    let mut response = sender.send_request(request).await?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(Err(response.status()));
    }
    Ok(Ok(hyper::upgrade::on(&mut response).await?))
}

async fn join(client: Socket, server: TokioIo<Upgraded>) -> Result<(), BoxError> {
    let (mut sink, mut messages) = client.split();
    let (mut reader, mut writer) = tokio::io::split(server);
    let upward = async {
        while let Some(message) = messages.next().await {
            let message = message?;
            if message.is_close() {
                break;
            }
            writer.write_all(&message.into_data()).await?;
        }
        Ok::<_, BoxError>(())
    };
    let downward = async {
        let mut buffer = vec![0; 32 * 1024];
        loop {
            let length = reader.read(&mut buffer).await?;
            if length == 0 {
                return Ok(websocket::close(&mut sink).await?);
            }
            sink.send(Message::binary(buffer[..length].to_vec()))
                .await?;
        }
    };
    tokio::select! {
        result = upward => result,
        result = downward => result,
    }
}
