use std::{
    fmt,
    time::{Duration, Instant},
};

use http::request::Parts;

/// One request that came to the proxy.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    /// `GET`, `PATCH`, …
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    /// Whether it would change something in the cluster: dry runs and questions about permissions
    /// do not.
    pub(crate) mutating: bool,
    /// When it was read.
    pub(crate) at: Instant,
    /// What it was answered with, by the API server or the proxy, whether or not the answer was
    /// handed back.
    pub(crate) status: Option<u16>,
}

impl Logged {
    /// The request with `head`, unanswered.
    pub(super) fn of(head: &Parts) -> Self {
        let path = head
            .uri
            .path_and_query()
            .map(ToString::to_string)
            .unwrap_or_default();
        let reviews = [
            "/apis/authorization.k8s.io/",
            "/apis/authentication.k8s.io/",
        ];
        let changes_nothing =
            path.contains("dryRun=All") || reviews.iter().any(|prefix| path.starts_with(prefix));
        let mutating =
            !matches!(head.method.as_str(), "GET" | "HEAD" | "OPTIONS") && !changes_nothing;
        Self {
            method: head.method.to_string(),
            path,
            mutating,
            at: Instant::now(),
            status: None,
        }
    }

    /// Whether it asks for a watch.
    pub(crate) fn is_watch(&self) -> bool {
        self.method == "GET" && self.path.contains("watch=true")
    }

    /// What the API server calls the method of a write.
    pub(crate) fn verb(&self) -> &'static str {
        match self.method.as_str() {
            "POST" => "create",
            "PUT" => "update",
            "PATCH" => "patch",
            "DELETE" => "delete",
            other => panic!("{other} is no write"),
        }
    }

    /// Time from `other` until this one came.
    pub(crate) fn after(&self, other: &Self) -> Duration {
        self.at.duration_since(other.at)
    }
}

impl fmt::Display for Logged {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.method, self.path)?;
        match self.status {
            Some(status) => write!(formatter, " ({status})"),
            None => write!(formatter, " (unanswered)"),
        }
    }
}
