//! Sockets whose messages carry the number of a channel in their first byte, over `WebSocket`.

use futures::Sink;
use http::{HeaderMap, Request, Response, StatusCode, header};
use hyper::{body::Incoming, upgrade::Upgraded};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    sync::mpsc::Sender,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message,
        handshake::derive_accept_key,
        protocol::{CloseFrame, Role, frame::coding::CloseCode},
    },
};

use super::answer::{Body, plain, whole};

/// A WebSocket with a client, by way of the API server.
pub(super) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// The first of our protocols that the client offers.
pub(super) fn agreed(headers: &HeaderMap, ours: &[&'static str]) -> Option<&'static str> {
    let offered = headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let offered: Vec<&str> = offered
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    ours.iter()
        .copied()
        .find(|protocol| offered.contains(protocol))
}

/// Agrees to a WebSocket and runs `session` on it, on a task of its own.
pub(super) fn accept<F>(
    mut request: Request<Incoming>,
    protocol: &str,
    session: impl FnOnce(Socket) -> F + Send + 'static,
) -> Response<Body>
where
    F: Future<Output = ()> + Send,
{
    let Some(key) = request.headers().get(header::SEC_WEBSOCKET_KEY) else {
        return plain(StatusCode::BAD_REQUEST, "a WebSocket needs a key");
    };
    let key = derive_accept_key(key.as_bytes());
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            session(
                WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await,
            )
            .await;
        }
    });
    let response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "Upgrade");
    let response = response
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_ACCEPT, key);
    let response = response
        .header(header::SEC_WEBSOCKET_PROTOCOL, protocol)
        .body(whole(""));
    response.unwrap_or_else(|error| plain(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

/// A message on a channel: its number is the first byte.
pub(super) fn message(channel: u8, data: &[u8]) -> Message {
    let mut bytes = Vec::with_capacity(data.len() + 1);
    bytes.push(channel);
    bytes.extend_from_slice(data);
    Message::binary(bytes)
}

/// Sends what is read as messages on a channel, until the end.
pub(super) async fn pump(
    mut output: impl AsyncRead + Unpin,
    channel: u8,
    messages: Sender<Message>,
) {
    let mut buffer = vec![0; 32 * 1024];
    while let Ok(length) = output.read(&mut buffer).await {
        if length == 0
            || messages
                .send(message(channel, &buffer[..length]))
                .await
                .is_err()
        {
            return;
        }
    }
}

/// Ends the connection in order: clients take a close without a code for a broken one.
pub(super) async fn close(
    sink: &mut (impl Sink<Message, Error = tungstenite::Error> + Unpin),
) -> Result<(), tungstenite::Error> {
    use futures::SinkExt as _;
    sink.send(Message::Close(Some(CloseFrame {
        code: CloseCode::Normal,
        reason: "".into(),
    })))
    .await
}
