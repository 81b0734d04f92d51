use http::{Response, header};
use serde_json::json;

use super::stream::{Body, full};

/// An answer that the proxy gives in the API server's place: a `Status`
/// (<https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/>).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    pub(super) code: u16,
    reason: &'static str,
    message: &'static str,
    retry_after: Option<u64>,
    /// The plural name of the kind that it is about; empty where it does not say.
    about: &'static str,
}

impl Answer {
    /// An error without a reason, as for a typo in an applied manifest.
    pub(crate) fn without_reason(code: u16) -> Self {
        Self {
            code,
            reason: "",
            message: "the proxy answers",
            retry_after: None,
            about: "",
        }
    }

    /// 500 `InternalError`.
    pub(crate) fn internal_error() -> Self {
        Self {
            reason: "InternalError",
            ..Self::without_reason(500)
        }
    }

    /// 503 `ServiceUnavailable`.
    pub(crate) fn unavailable() -> Self {
        Self {
            reason: "ServiceUnavailable",
            ..Self::without_reason(503)
        }
    }

    /// 429 `TooManyRequests` with `Retry-After`.
    pub(crate) fn too_many_requests(seconds: u64) -> Self {
        Self {
            reason: "TooManyRequests",
            retry_after: Some(seconds),
            ..Self::without_reason(429)
        }
    }

    /// 409 `Conflict`: somebody else has written in between.
    pub(crate) fn conflict() -> Self {
        Self {
            reason: "Conflict",
            message: "the object has been modified",
            ..Self::without_reason(409)
        }
    }

    /// 409 `Conflict` of a quota: somebody else has been counted in between.
    pub(crate) fn conflict_of_quota() -> Self {
        Self {
            message: "Operation cannot be fulfilled on resourcequotas \"most\": the object has been modified",
            about: "resourcequotas",
            ..Self::conflict()
        }
    }

    /// 401 `Unauthorized`: the token has run out.
    pub(crate) fn unauthorized() -> Self {
        Self {
            reason: "Unauthorized",
            message: "Unauthorized",
            ..Self::without_reason(401)
        }
    }

    /// 404 about a path that the server does not know: the kind is not served.
    pub(crate) fn unserved() -> Self {
        Self {
            reason: "NotFound",
            message: "the server could not find the requested resource",
            ..Self::without_reason(404)
        }
    }

    /// 410 `Expired`: the answer to a LIST or a watch from a position that is too old.
    pub(crate) fn expired() -> Self {
        Self {
            reason: "Expired",
            message: "too old resource version",
            ..Self::without_reason(410)
        }
    }

    /// The answer as it is sent.
    pub(super) fn response(self) -> Response<Body> {
        let mut builder = Response::builder()
            .status(self.code)
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(seconds) = self.retry_after {
            builder = builder.header(header::RETRY_AFTER, seconds);
        }
        builder.body(full(self.status())).unwrap()
    }

    /// The answer as an event of a watch, with the end of its line.
    pub(super) fn event(self) -> String {
        format!("{{\"type\":\"ERROR\",\"object\":{}}}\n", self.status())
    }

    fn status(self) -> String {
        let mut status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": self.code, "message": self.message});
        if !self.reason.is_empty() {
            status["reason"] = self.reason.into();
        }
        if !self.about.is_empty() {
            status["details"] = json!({"name": "most", "kind": self.about});
        }
        status.to_string()
    }
}
