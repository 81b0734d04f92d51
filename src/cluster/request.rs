use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use http::{Method, Request, Response, header};
use http_body_util::BodyExt as _;
use kube::{Client, client::Body};
use serde_json::Value;
use tokio::{sync::mpsc::UnboundedSender, time::timeout};

use super::{
    connect::{self, ConnectError, Target},
    error::{Refusal, RequestError},
};
use crate::{
    event::RequestCounts,
    object::{ObjectId, one_line},
};

/// Something that a request met with and that a user may want to know.
#[derive(Debug, Clone)]
pub(crate) enum Notice {
    /// A request will be sent again.
    Retried { verb: Verb, object: Option<ObjectId>, attempt: u32, delay: Duration, why: String },
    /// The server sent a `Warning` header.
    Warned { text: String },
}

/// What a request does, in the API server's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    List,
    Watch,
    Patch,
    Create,
    Update,
    Delete,
    DryRun,
}

impl Verb {
    /// The verb as it is counted and shown.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Verb::Get => "get",
            Verb::List => "list",
            Verb::Watch => "watch",
            Verb::Patch => "patch",
            Verb::Create => "create",
            Verb::Update => "update",
            Verb::Delete => "delete",
            Verb::DryRun => "dry-run",
        }
    }
}

/// One request, kept so that it can be sent again.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) verb: Verb,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) content_type: Option<&'static str>,
    pub(super) accept: Option<&'static str>,
    pub(super) body: Arc<[u8]>,
    pub(super) object: Option<ObjectId>,
    pub(super) timeout: Duration,
}

impl Call {
    /// A GET of `path`.
    pub(super) fn get(verb: Verb, path: String) -> Self {
        Self { verb, method: Method::GET, path, content_type: None, accept: None, body: Arc::from([]), object: None, timeout: CALL_TIMEOUT }
    }

    /// A request that carries `body`.
    pub(super) fn with_body(verb: Verb, method: Method, path: String, content_type: &'static str, body: Vec<u8>) -> Self {
        Self { method, content_type: Some(content_type), body: Arc::from(body), ..Self::get(verb, path) }
    }

    fn request(&self) -> Request<Body> {
        let mut builder = Request::builder().method(self.method.clone()).uri(&self.path);
        if let Some(content_type) = self.content_type {
            builder = builder.header(header::CONTENT_TYPE, content_type);
        }
        if let Some(accept) = self.accept {
            builder = builder.header(header::ACCEPT, accept);
        }
        builder.body(Body::from(self.body.to_vec())).expect("paths are made of escaped parts")
    }
}

/// Time in which a request must be answered.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Time in which the first request must be answered: a user waits for it with nothing on the screen.
const FIRST_TIMEOUT: Duration = Duration::from_secs(8);
/// How often a request is sent again before giving up.
const ATTEMPTS: usize = 6;

/// A connection to one cluster. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Cluster {
    client: Client,
    shared: Arc<Shared>,
    retries: bool,
}

struct Shared {
    context: String,
    kubectl: String,
    server: String,
    /// The program that the kubeconfig names for logging in.
    login: Option<String>,
    counts: Counts,
    notices: UnboundedSender<Notice>,
}

#[derive(Default)]
struct Counts {
    verbs: [AtomicU64; 8],
    retried: AtomicU64,
}

impl Cluster {
    /// Reads the kubeconfig and makes a client; no request is sent yet. Retries and warnings are told to `notices`.
    pub(crate) async fn connect(target: &Target, notices: UnboundedSender<Notice>) -> Result<Self, ConnectError> {
        let resolved = connect::resolve(target).await?;
        let server = resolved.config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let context = resolved.context;
        // An exec plugin runs while the client is made, and blocks: it must not hold up the runtime.
        let config = resolved.config;
        let login = config.auth_info.exec.as_ref().and_then(|exec| exec.command.clone());
        let runtime = tokio::runtime::Handle::current();
        let client = tokio::task::spawn_blocking(move || {
            let _guard = runtime.enter();
            Client::try_from(config)
        })
        .await
        .map_err(|error| ConnectError::Client { context: context.clone(), why: error.to_string() })?
        .map_err(|error| match error {
            kube::Error::Auth(error) => {
                ConnectError::Credentials { context: context.clone(), why: connect::login_problem(&error, login.as_deref()) }
            }
            error => ConnectError::Client { context: context.clone(), why: error.to_string() },
        })?;
        let kubectl = format!("kubectl{}", resolved.kubectl_flags);
        let shared = Shared { context, kubectl, server, login, counts: Counts::default(), notices };
        Ok(Self { client, shared: Arc::new(shared), retries: true })
    }

    /// The same connection, whose requests fail at the first error and within a short time.
    pub(super) fn impatient(&self) -> Self {
        Self { retries: false, ..self.clone() }
    }

    /// Name of the context.
    pub(crate) fn context(&self) -> &str {
        &self.shared.context
    }

    /// The start of a kubectl command about this cluster: `kubectl`, with the flags that it needs for that.
    pub(crate) fn kubectl(&self) -> &str {
        &self.shared.kubectl
    }

    /// Address of the API server.
    pub(crate) fn server(&self) -> &str {
        &self.shared.server
    }

    /// Requests sent so far.
    pub(crate) fn counts(&self) -> RequestCounts {
        let count = |verb: Verb| self.shared.counts.verbs[verb as usize].load(Ordering::Relaxed);
        RequestCounts {
            get: count(Verb::Get),
            list: count(Verb::List),
            watch: count(Verb::Watch),
            patch: count(Verb::Patch),
            create: count(Verb::Create),
            update: count(Verb::Update),
            delete: count(Verb::Delete),
            dry_run: count(Verb::DryRun),
            retried: self.shared.counts.retried.load(Ordering::Relaxed),
        }
    }

    /// Sends `call` until it is answered by something else than a passing error, and returns status and body of a success.
    pub(super) async fn call(&self, call: &Call) -> Result<(u16, Vec<u8>), RequestError> {
        let mut delays = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(200))
            .with_max_delay(Duration::from_secs(5))
            .with_max_times(if self.retries { ATTEMPTS } else { 0 })
            .with_jitter()
            .build();
        let mut attempt = 1;
        loop {
            let error = match self.once(call).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let Some(delay) = delays.next().filter(|_| error.is_passing()) else { return Err(error) };
            let delay = match &error {
                RequestError::Refused(Refusal { retry_after: Some(seconds), .. }) => Duration::from_secs(*seconds).max(delay),
                _ => delay,
            };
            attempt += 1;
            self.shared.counts.retried.fetch_add(1, Ordering::Relaxed);
            self.notice(Notice::Retried { verb: call.verb, object: call.object.clone(), attempt, delay, why: error.to_string() });
            tokio::time::sleep(delay).await;
        }
    }

    /// Sends `call` and reads the JSON of a success.
    pub(super) async fn json<T: serde::de::DeserializeOwned>(&self, call: &Call) -> Result<T, RequestError> {
        let (_, body) = self.call(call).await?;
        read_json(&body, call)
    }

    /// Sends `call` once, and says so where what the client does is to be seen. Bodies and answers are not: they may hold secrets.
    async fn once(&self, call: &Call) -> Result<(u16, Vec<u8>), RequestError> {
        let start = Instant::now();
        let result = self.exchange(call).await;
        let outcome = match &result {
            Ok((code, body)) => format!("{code}, {} bytes", body.len()),
            Err(RequestError::Refused(refusal)) => refusal.code.to_string(),
            Err(error) => one_line(&error.to_string(), 200),
        };
        tracing::debug!("{} {}: {outcome} after {} ms", call.method, call.path, start.elapsed().as_millis());
        result
    }

    async fn exchange(&self, call: &Call) -> Result<(u16, Vec<u8>), RequestError> {
        let limit = if self.retries { call.timeout } else { FIRST_TIMEOUT };
        let exchange = async {
            let response = self.open(call).await?;
            let code = response.status().as_u16();
            let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            let body = response.into_body().collect().await.map_err(|error| self.unreachable(&error.to_string()))?.to_bytes();
            if (200..300).contains(&code) {
                Ok((code, Vec::from(body)))
            } else {
                Err(RequestError::Refused(Refusal::read(code, &body, retry_after)))
            }
        };
        timeout(limit, exchange).await.unwrap_or_else(|_| Err(RequestError::TimedOut { server: self.shared.server.clone(), after: limit }))
    }

    /// Sends `call` and returns the answer with its body unread.
    pub(super) async fn open(&self, call: &Call) -> Result<Response<Body>, RequestError> {
        self.shared.counts.verbs[call.verb as usize].fetch_add(1, Ordering::Relaxed);
        let response = self.client.send(call.request()).await.map_err(|error| self.transport(&error))?;
        for warning in response.headers().get_all(header::WARNING) {
            if let Some(text) = warning.to_str().ok().and_then(warning_text) {
                self.notice(Notice::Warned { text });
            }
        }
        Ok(response)
    }

    fn notice(&self, notice: Notice) {
        // Nobody may be listening any more at the end of a run.
        let _ = self.shared.notices.send(notice);
    }

    fn unreachable(&self, why: &str) -> RequestError {
        RequestError::Unreachable { server: self.shared.server.clone(), why: why.to_owned() }
    }

    fn transport(&self, error: &kube::Error) -> RequestError {
        match error {
            kube::Error::Auth(error) => RequestError::Credentials { why: connect::login_problem(error, self.shared.login.as_deref()) },
            other => self.unreachable(&innermost(other)),
        }
    }
}

/// The text of the innermost cause: what the operating system or the TLS library said.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut current = error;
    while let Some(source) = current.source() {
        current = source;
    }
    current.to_string()
}

/// The quoted text of a `Warning` header: `299 - "text"` (RFC 7234, 5.5).
fn warning_text(header: &str) -> Option<String> {
    let text = header.splitn(3, ' ').nth(2)?.trim().strip_prefix('"')?;
    let text = text.strip_suffix('"').unwrap_or(text);
    Some(text.replace("\\\"", "\"").replace("\\\\", "\\"))
}

/// Reads the JSON answer to `call`. The text of an answer that cannot be read is not shown: it may hold secrets.
pub(super) fn read_json<T: serde::de::DeserializeOwned>(body: &[u8], call: &Call) -> Result<T, RequestError> {
    serde_json::from_slice(body).map_err(|error| RequestError::Unreadable {
        what: format!("{} {}", call.verb.as_str(), call.path.split('?').next().unwrap_or_default()),
        why: format!("line {}, column {}", error.line(), error.column()),
    })
}

/// `value` written as the body of a request.
pub(super) fn body(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).expect("JSON values can be written")
}

#[cfg(test)]
mod tests {
    use super::warning_text;

    #[test]
    fn warnings_lose_their_wrapping() {
        assert_eq!(warning_text(r#"299 - "policy/v1beta1 is \"old\"""#).as_deref(), Some(r#"policy/v1beta1 is "old""#));
        assert_eq!(warning_text("299"), None);
    }
}
