//! Port-forward in the WebSocket protocol of Kubernetes, with a channel pair for each port.

use futures::{SinkExt as _, Stream, StreamExt as _};
use http::{Request, Response};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncWriteExt as _, DuplexStream, WriteHalf};
use tokio_tungstenite::tungstenite::{self, Message};

use super::{
    answer::{Body, BoxError},
    pod::PodName,
    responder::serve_connection,
    websocket::{self, Socket, message, pump},
};
use crate::sandbox::api::Api;

/// Port-forward over a WebSocket with two channels per port, as kube's Rust client speaks it
/// (<https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/cri-streaming/pkg/streaming/portforward/websocket.go>).
const PROTOCOL: &str = "v4.channel.k8s.io";

/// Whether the request speaks this protocol.
pub(super) fn is_answerable(request: &Request<Incoming>) -> bool {
    websocket::agreed(request.headers(), &[PROTOCOL]).is_some()
}

/// Connects each port that the query names with the answers of the pod.
pub(super) fn answer(request: Request<Incoming>, api: Api, pod: PodName) -> Response<Body> {
    let ports = ports(request.uri().query().unwrap_or_default());
    websocket::accept(request, PROTOCOL, move |socket| async move {
        let _ = session(socket, &ports, &api, &pod).await;
    })
}

/// The ports of a query, each time one or several: `port=80%2C443` or `port=80&port=443`.
fn ports(query: &str) -> Vec<u16> {
    let values = query.split('&').filter_map(|pair| {
        pair.strip_prefix("port=")
            .or_else(|| pair.strip_prefix("ports="))
    });
    let decoded: Vec<_> = values
        .map(|value| percent_decode_str(value).decode_utf8_lossy().into_owned())
        .collect();
    decoded
        .iter()
        .flat_map(|value| value.split(','))
        .filter_map(|port| port.parse().ok())
        .collect()
}

async fn session(socket: Socket, ports: &[u16], api: &Api, pod: &PodName) -> Result<(), BoxError> {
    let (mut sink, incoming) = socket.split();
    let (sender, mut messages) = tokio::sync::mpsc::channel(16);
    let mut writers = Vec::new();
    for (index, port) in (0_u8..).zip(ports) {
        // The first message of a channel says which port it is about: the even ones carry data, the
        // odd ones errors.
        for channel in [index * 2, index * 2 + 1] {
            sink.send(message(channel, &port.to_le_bytes())).await?;
        }
        let (near, far) = tokio::io::duplex(64 * 1024);
        tokio::spawn(serve_connection(far, pod.clone(), api.clone()));
        let (reader, writer) = tokio::io::split(near);
        writers.push(writer);
        tokio::spawn(pump(reader, index * 2, sender.clone()));
    }
    drop(sender);
    let output = async {
        while let Some(message) = messages.recv().await {
            sink.send(message).await?;
        }
        websocket::close(&mut sink).await?;
        Ok(())
    };
    tokio::select! {
        result = output => result,
        () = feed(incoming, writers) => Ok(()),
    }
}

/// Hands on what comes in; returns when the client ends the connection.
async fn feed(
    incoming: impl Stream<Item = Result<Message, tungstenite::Error>>,
    mut writers: Vec<WriteHalf<DuplexStream>>,
) {
    let mut incoming = std::pin::pin!(incoming);
    while let Some(Ok(message)) = incoming.next().await {
        if message.is_close() {
            return;
        }
        let data = message.into_data();
        if let Some((channel, bytes)) = data.split_first()
            && channel % 2 == 0
            && let Some(writer) = writers.get_mut(usize::from(channel / 2))
        {
            // A server that has closed its side is known by its output's end.
            let _ = writer.write_all(bytes).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_listed_or_repeated() {
        assert_eq!(ports("port=80%2C443"), [80, 443]);
        assert_eq!(ports("ports=80&port=9000&x=1"), [80, 9000]);
    }
}
