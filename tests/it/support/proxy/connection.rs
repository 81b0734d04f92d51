use std::{
    io,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use http::{HeaderValue, Request, Response, header, request::Parts};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, sync::oneshot};

use super::{
    log::Logged,
    rule::{Fault, When},
    socket::Socket,
    state::{Entry, State},
    stream::{Body, broken_half_way, short_watch, untouched},
};
use crate::support::upstream::{BoxError, Sender, Upstream};

/// One connection of the program, and the one that leads on from it to the API server.
#[derive(Clone)]
pub(super) struct Connection {
    state: Arc<State>,
    upstream: Arc<Upstream>,
    /// The way on, for the next request.
    sender: Arc<Mutex<Option<Sender>>>,
}

impl Connection {
    /// Serves the program on `stream` until it closes the connection or a fault breaks it.
    pub(super) async fn serve(stream: TcpStream, state: Arc<State>, upstream: Arc<Upstream>) {
        let broken = Arc::new(AtomicBool::new(state.is_down()));
        let _ = stream.set_nodelay(true);
        let socket = Socket::new(stream, Arc::clone(&broken));
        if state.is_down() {
            return;
        }
        let mut severed = state.severed();
        let connection = Self {
            state,
            upstream,
            sender: Arc::default(),
        };
        let service = service_fn(move |request| connection.clone().answer(request));
        let mut served =
            pin!(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
        let in_order = tokio::select! {
            biased;
            _ = severed.changed() => false,
            served = served.as_mut() => served.is_ok(),
        };
        broken.store(!in_order, Ordering::Relaxed);
    }

    /// The answer to `request`; an error breaks the connection.
    async fn answer(self, request: Request<Incoming>) -> Result<Response<Body>, BoxError> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let (entry, delay, fault) = self.state.arrived(Logged::of(&head));
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        match fault {
            Some(Fault::Silence) => std::future::pending().await,
            Some(Fault::Answer(answer)) => {
                self.state.answered(entry, answer.code);
                return Ok(answer.response());
            }
            _ => {}
        }
        self.strike(fault.as_ref(), When::Before)?;
        let answer = self.hand_on(entry, head, body).await?;
        self.strike(fault.as_ref(), When::After)?;
        hand_back(answer, fault).await
    }

    /// Makes happen what `fault` says about this moment.
    fn strike(&self, fault: Option<&Fault>, now: When) -> Result<(), BoxError> {
        match fault {
            Some(Fault::Reset(when)) if *when == now => {}
            Some(Fault::NetworkDown(when, time)) if *when == now => self.state.go_down(*time),
            Some(Fault::Kill(when)) if *when == now => {
                self.state.victim.kill();
                self.state.sever();
            }
            _ => return Ok(()),
        }
        Err(io::Error::from(io::ErrorKind::ConnectionReset).into())
    }

    /// Hands a request on to the API server, and waits for the head of its answer.
    ///
    /// What was handed on is carried out even where the program is gone in the meantime, as by a
    /// real network.
    async fn hand_on(
        &self,
        entry: Entry,
        head: Parts,
        body: Bytes,
    ) -> Result<Response<Incoming>, BoxError> {
        let (tell, answered) = oneshot::channel();
        let connection = self.clone();
        self.state.handed_on();
        tokio::spawn(async move {
            let answer = connection.exchange(head, body).await;
            if let Ok(answer) = &answer {
                connection.state.answered(entry, answer.status().as_u16());
            }
            connection.state.done();
            let _ = tell.send(answer);
        });
        answered.await?
    }

    async fn exchange(&self, mut head: Parts, body: Bytes) -> Result<Response<Incoming>, BoxError> {
        let mut sender = self.sender().await?;
        head.headers.insert(
            header::HOST,
            HeaderValue::from_str(self.upstream.address())?,
        );
        let answer = sender
            .send_request(Request::from_parts(head, Full::new(body)))
            .await?;
        *self
            .sender
            .lock()
            .expect("nothing panics while it is locked") = Some(sender);
        Ok(answer)
    }

    /// The way on that the last request took, where it is free again, or a new one.
    async fn sender(&self) -> Result<Sender, BoxError> {
        let last = self
            .sender
            .lock()
            .expect("nothing panics while it is locked")
            .take();
        if let Some(mut sender) = last
            && sender.ready().await.is_ok()
        {
            return Ok(sender);
        }
        self.upstream.connect().await
    }
}

/// The API server's answer, or what `fault` leaves of it.
async fn hand_back(
    answer: Response<Incoming>,
    fault: Option<Fault>,
) -> Result<Response<Body>, BoxError> {
    let (head, body) = answer.into_parts();
    let body = match fault {
        Some(Fault::ResetInBody) => broken_half_way(body.collect().await?.to_bytes()),
        Some(Fault::Watch(lasts, end)) => short_watch(body, lasts, end),
        _ => untouched(body),
    };
    Ok(Response::from_parts(head, body))
}
