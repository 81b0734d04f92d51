//! The bodies that the kubelet answers with.

use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper::body::Bytes;

/// Anything that can go wrong in a connection; it ends that connection and nothing else.
pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of an answer, whole or streamed.
pub(super) type Body = UnsyncBoxBody<Bytes, BoxError>;

/// A body that is known as a whole.
pub(super) fn whole(text: impl Into<Bytes>) -> Body {
    Full::new(text.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// An answer in plain text, as kubelets give it.
pub(super) fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(whole(text));
    *response.status_mut() = status;
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("text/plain"),
    );
    response
}
