use std::io;

use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Bytes, Frame, Incoming};

use super::{
    answer::Answer,
    rule::{Lasts, WatchEnd},
};
use crate::support::upstream::BoxError;

/// The body of an answer; one that ends with an error makes the connection break.
pub(super) type Body = UnsyncBoxBody<Bytes, BoxError>;

/// A body that is known.
pub(super) fn full(content: impl Into<Bytes>) -> Body {
    Full::new(content.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// The API server's own body, piece by piece as it comes.
pub(super) fn untouched(body: Incoming) -> Body {
    body.map_err(BoxError::from).boxed_unsync()
}

/// The first half of `content`, then a broken connection.
pub(super) fn broken_half_way(mut content: Bytes) -> Body {
    content.truncate(content.len() / 2);
    streamed(stream::iter([Ok(content)]).chain(broken()))
}

/// The lines of a watch for as long as it `lasts`, then its end.
pub(super) fn short_watch(body: Incoming, lasts: Lasts, end: WatchEnd) -> Body {
    let lines = lines(body);
    let lines = match lasts {
        Lasts::Events(count) => lines.take(count).boxed(),
        Lasts::For(time) => lines.take_until(tokio::time::sleep(time)).boxed(),
    };
    match end {
        WatchEnd::Closed => streamed(lines),
        WatchEnd::Reset => streamed(lines.chain(broken())),
        WatchEnd::Expired => {
            streamed(lines.chain(stream::iter([Ok(Bytes::from(Answer::expired().event()))])))
        }
    }
}

fn streamed(pieces: impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static) -> Body {
    StreamBody::new(pieces.map_ok(Frame::data)).boxed_unsync()
}

/// An error, once what came before it was really sent: the connection writes out what it has when
/// the body lets it wait.
fn broken() -> impl Stream<Item = Result<Bytes, BoxError>> + Send {
    stream::once(async {
        tokio::task::yield_now().await;
        Err(BoxError::from(io::Error::from(
            io::ErrorKind::ConnectionReset,
        )))
    })
}

/// The whole lines of `body`, each with its end.
fn lines(body: Incoming) -> impl Stream<Item = Result<Bytes, BoxError>> + Send {
    let pieces = body.into_data_stream().map_err(BoxError::from).boxed();
    stream::try_unfold(
        (pieces, Vec::new()),
        |(mut pieces, mut pending)| async move {
            loop {
                if let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
                    let rest = pending.split_off(end + 1);
                    return Ok(Some((Bytes::from(pending), (pieces, rest))));
                }
                match pieces.try_next().await? {
                    Some(piece) => pending.extend_from_slice(&piece),
                    None => return Ok(None),
                }
            }
        },
    )
}
