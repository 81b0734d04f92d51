//! Hands a request on to kwok, with all that follows where both switch protocols.

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::{body::Incoming, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::answer::{Body, BoxError, whole};

/// Hands a request to the server at a loopback port and its answer back, also where both switch to
/// another protocol, as exec and port-forward do. `held` is dropped when the switched streams end.
pub(super) async fn forward(
    mut request: Request<Incoming>,
    port: u16,
    held: impl Send + 'static,
) -> Result<Response<Body>, BoxError> {
    let client_side = hyper::upgrade::on(&mut request);
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        let _ = connection.with_upgrades().await;
    });
    let mut response = sender.send_request(request).await?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(response.map(|body| body.map_err(BoxError::from).boxed_unsync()));
    }
    let server_side = hyper::upgrade::on(&mut response);
    tokio::spawn(async move {
        let _ = join(client_side, server_side).await;
        drop(held);
    });
    let (parts, _) = response.into_parts();
    Ok(Response::from_parts(parts, whole("")))
}

async fn join(client: OnUpgrade, server: OnUpgrade) -> Result<(), BoxError> {
    let (mut client, mut server) = (TokioIo::new(client.await?), TokioIo::new(server.await?));
    tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
