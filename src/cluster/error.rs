//! Why a request did not succeed, and what that says about whether it was carried out.

use std::time::Duration;

use super::refusal::Refusal;
use crate::event::seconds;

/// Why a request to the API server did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    /// No answer: the connection could not be made, or broke.
    #[error("cannot reach the API server at {server}: {why}")]
    Unreachable {
        server: String,
        why: String,
        /// Whether there was a connection, which broke: somebody is there.
        broke: bool,
    },
    /// The server accepted the request and did not answer in time.
    #[error("the API server at {server} accepted the request but did not answer within {} s", seconds(*after))]
    TimedOut { server: String, after: Duration },
    /// Credentials could not be obtained or read.
    #[error("cannot authenticate: {why}")]
    Credentials { why: String },
    /// The server answered with an error.
    #[error("{0}")]
    Refused(Refusal),
    /// Something answered that is no API server, such as a proxy's login page.
    #[error("{server} is no Kubernetes API server: its answer to discovery cannot be read")]
    NotKubernetes { server: String },
    /// The answer is not what the API promises.
    #[error("the API server's answer to {what} cannot be read: {why}")]
    Unreadable { what: String, why: String },
    /// The lock under which the write was to be made is not held any more. Where it was sent, it
    /// may have been done.
    #[error("the lock of the release is lost, {}", if *sent { "so the answer was not waited for" } else { "so nothing more is written" })]
    LockLost { sent: bool },
}

impl RequestError {
    /// The HTTP status of the server's answer, if there was one.
    pub(crate) fn code(&self) -> Option<u16> {
        match self {
            RequestError::Refused(refusal) => Some(refusal.code),
            _ => None,
        }
    }

    /// How long the server asks to be left alone, where it says so.
    pub(super) fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            RequestError::Refused(refusal) => {
                refusal.retry_after.map(std::time::Duration::from_secs)
            }
            _ => None,
        }
    }

    /// Whether it is not known who asks: there are no credentials, or the server does not accept
    /// them.
    pub(crate) fn is_unauthenticated(&self) -> bool {
        matches!(self, RequestError::Credentials { .. }) || self.code() == Some(401)
    }

    /// Whether the user may not do that.
    pub(crate) fn is_forbidden(&self) -> bool {
        self.code() == Some(403)
    }

    /// Whether the object, its namespace or its kind is not there.
    pub(crate) fn is_absent(&self) -> bool {
        self.code() == Some(404)
    }

    /// Whether the path is one that the server does not know: the kind is not served, or not in that
    /// version, and nothing is said of the object. A 404 about an object names it.
    pub(crate) fn is_unserved(&self) -> bool {
        matches!(self, RequestError::Refused(refusal) if refusal.code == 404 && !refusal.names_object)
    }

    /// Whether the server has forgotten the state that a LIST in pages, or a watch, goes on from.
    pub(super) fn is_expired(&self) -> bool {
        self.code() == Some(410)
    }

    /// Whether that cannot be done with the kind.
    pub(crate) fn is_not_allowed(&self) -> bool {
        self.code() == Some(405)
    }

    /// Whether something is not as the request wants it to be: an object is there that was to be
    /// created, or is another one or of another version, or another manager owns a field.
    pub(crate) fn is_conflict(&self) -> bool {
        self.code() == Some(409)
    }

    /// Whether an object of that name was there already.
    pub(crate) fn is_already_exists(&self) -> bool {
        self.is_conflict() && self.is_of_reason("AlreadyExists")
    }

    /// Whether somebody else has written in between.
    pub(super) fn is_lost_race(&self) -> bool {
        self.is_conflict() && self.is_of_reason("Conflict")
    }

    /// Whether somebody else has written a quota in between, which counts what the request creates.
    pub(super) fn is_race_for_quota(&self) -> bool {
        let is_of_quota =
            matches!(self, RequestError::Refused(refusal) if refusal.about == "resourcequotas");
        is_of_quota && self.is_lost_race()
    }

    fn is_of_reason(&self, reason: &str) -> bool {
        matches!(self, RequestError::Refused(refusal) if refusal.reason == reason)
    }

    /// Whether trying again does not help until somebody permits it, or the kind is served.
    pub(super) fn is_not_permitted(&self) -> bool {
        self.code().is_some_and(is_not_permitted)
    }

    /// The same error, of a request that was sent before and is `maybe_done` since.
    pub(super) fn after(mut self, maybe_done: bool) -> Self {
        if let RequestError::Refused(refusal) = &mut self {
            refusal.maybe_done = maybe_done;
        }
        self
    }

    /// Whether the write may have been carried out all the same: only a refusal, of a request that
    /// was sent once, says that it was not.
    pub(crate) fn may_be_done(&self) -> bool {
        match self {
            RequestError::Refused(refusal) => {
                refusal.maybe_done || !(400..500).contains(&refusal.code)
            }
            RequestError::LockLost { sent } => *sent,
            RequestError::Credentials { .. } => false,
            RequestError::Unreachable { .. }
            | RequestError::TimedOut { .. }
            | RequestError::NotKubernetes { .. }
            | RequestError::Unreadable { .. } => true,
        }
    }

    /// Whether a connection was there and broke.
    pub(super) fn is_broken_connection(&self) -> bool {
        matches!(self, RequestError::Unreachable { broke: true, .. })
    }

    /// Whether this may be a conflict with an earlier attempt of the same request, which was
    /// carried out and whose answer was lost.
    pub(super) fn may_be_with_itself(&self) -> bool {
        matches!(
            self,
            RequestError::Refused(Refusal {
                code: 409,
                maybe_done: true,
                ..
            })
        )
    }

    /// Whether the same request may succeed a little later.
    ///
    /// A 500 without a reason is the answer to a typo in a manifest and is never mended by a retry.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            RequestError::Unreachable { .. } | RequestError::TimedOut { .. } => true,
            RequestError::Refused(refusal) => {
                matches!(refusal.code, 429 | 502 | 503 | 504)
                    || (refusal.code == 500
                        && matches!(
                            refusal.reason.as_str(),
                            "InternalError" | "ServerTimeout" | "Timeout"
                        ))
            }
            RequestError::Credentials { .. }
            | RequestError::NotKubernetes { .. }
            | RequestError::Unreadable { .. }
            | RequestError::LockLost { .. } => false,
        }
    }
}

/// Whether the status `code` says that trying again does not help until somebody permits it, or the
/// kind is served.
pub(super) fn is_not_permitted(code: u16) -> bool {
    matches!(code, 401 | 403 | 404 | 405)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_not_retried_and_an_overload_is() {
        let typo =
            Refusal::read(500, br#"{"kind":"Status","message":"failed to create typed patch object: field not declared in schema"}"#, None);
        assert!(!RequestError::Refused(typo).is_passing());
        let busy = Refusal::read(429, b"slow down", Some(3));
        assert_eq!(busy.message, "slow down");
        assert_eq!(busy.retry_after, Some(3));
        assert!(RequestError::Refused(busy).is_passing());
    }

    #[test]
    fn what_names_no_object_is_about_the_kind() {
        let refused = |body: &[u8]| RequestError::Refused(Refusal::read(404, body, None));
        let object = refused(br#"{"kind":"Status","message":"gauges.test \"main\" not found","reason":"NotFound","details":{"name":"main","group":"test","kind":"gauges"}}"#);
        assert!(object.is_absent() && !object.is_unserved());
        let path = refused(b"404 page not found\n");
        assert!(path.is_absent() && path.is_unserved());
        let kind = refused(br#"{"kind":"Status","message":"the server could not find the requested resource","reason":"NotFound","details":{}}"#);
        assert!(kind.is_unserved());
    }

    #[test]
    fn only_a_refusal_of_what_was_sent_once_says_that_nothing_was_done() {
        let refused = |code| RequestError::Refused(Refusal::read(code, b"", None));
        assert!(!refused(403).may_be_done());
        assert!(refused(403).after(true).may_be_done());
        assert!(refused(503).may_be_done());
        assert!(
            RequestError::TimedOut {
                server: String::new(),
                after: Duration::ZERO
            }
            .may_be_done()
        );
        assert!(!RequestError::LockLost { sent: false }.may_be_done());
    }
}
