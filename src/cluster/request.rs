//! One request: sent, sent again where that is safe, counted, and its errors told apart.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    io::{self, ErrorKind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use kube::{Client, client::Body};
use serde_json::Value;
use tokio::{sync::mpsc::UnboundedSender, time::timeout};

use super::{
    bearer::Bearer,
    connect::{self, ConnectError, Target},
    error::RequestError,
    fence::Fence,
    refusal::Refusal,
};
use crate::{
    event::RequestCounts,
    object::{HasKind as _, ObjectId, one_line},
};

/// Something that a request met with and that a user may want to know.
#[derive(Debug, Clone)]
pub(crate) enum Notice {
    /// A request will be sent again.
    Retried {
        verb: Verb,
        object: Option<ObjectId>,
        attempt: u32,
        delay: Duration,
        why: String,
    },
    /// A dry run was refused for what the run has yet to write.
    TriedInTurn { object: ObjectId, why: String },
    /// The server sent a `Warning` header; `is_told` where it did so for a dry run, and that was told.
    Warned { text: String, is_told: bool },
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
    pub(super) accept: Option<&'static str>,
    pub(super) content: Option<Content>,
    pub(super) object: Option<ObjectId>,
    pub(super) timeout: Duration,
    /// Whether a conflict passes: that of a creation is with somebody else's write of a quota.
    pub(super) outlasts_conflicts: bool,
}

/// What a request carries.
#[derive(Debug, Clone)]
pub(super) struct Content {
    media_type: &'static str,
    bytes: Arc<[u8]>,
}

impl Call {
    /// Whether it is about a quota itself: what it has lost a race for.
    fn is_of_quota(&self) -> bool {
        self.object.as_ref().is_some_and(ObjectId::is_quota)
    }

    /// A GET of `path`.
    pub(super) fn get(verb: Verb, path: String) -> Self {
        Self {
            verb,
            method: Method::GET,
            path,
            accept: None,
            content: None,
            object: None,
            timeout: CALL_TIMEOUT,
            outlasts_conflicts: false,
        }
    }

    /// A request that carries `body`.
    pub(super) fn with_body(
        verb: Verb,
        method: Method,
        path: String,
        content_type: &'static str,
        body: Vec<u8>,
    ) -> Self {
        Self {
            method,
            content: Some(Content {
                media_type: content_type,
                bytes: Arc::from(body),
            }),
            ..Self::get(verb, path)
        }
    }

    /// Whether it changes what is stored: dry runs do not, and reviews are created only to be
    /// answered.
    fn is_write(&self) -> bool {
        let review = self.path.starts_with("/apis/authorization.k8s.io/")
            || self.path.starts_with("/apis/authentication.k8s.io/");
        match self.verb {
            Verb::Patch | Verb::Create | Verb::Update | Verb::Delete => !review,
            Verb::Get | Verb::List | Verb::Watch | Verb::DryRun => false,
        }
    }

    /// Whether it only reads: then no error is the answer to what it carries.
    fn is_read(&self) -> bool {
        matches!(self.verb, Verb::Get | Verb::List)
    }

    /// The same request, which the API server gives up after `limit`.
    fn limited_to(&self, limit: Duration) -> Self {
        let separator = if self.path.contains('?') { '&' } else { '?' };
        let path = format!("{}{separator}timeout={}ms", self.path, limit.as_millis());
        Self {
            path,
            ..self.clone()
        }
    }

    fn request(&self) -> Request<Body> {
        let mut builder = Request::builder()
            .method(self.method.clone())
            .uri(&self.path);
        let mut body = Vec::new();
        if let Some(content) = &self.content {
            builder = builder.header(header::CONTENT_TYPE, content.media_type);
            body = content.bytes.to_vec();
        }
        if let Some(accept) = self.accept {
            builder = builder.header(header::ACCEPT, accept);
        }
        builder
            .body(Body::from(body))
            .expect("paths are made of escaped parts")
    }
}

/// Time in which a request must be answered.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Time in which the first request must be answered: a user waits for it with nothing on the
/// screen.
const FIRST_TIMEOUT: Duration = Duration::from_secs(8);
/// One that is to fail fast and took longer to fail is not sent again: what hangs will hang again.
const QUICK: Duration = Duration::from_secs(1);

/// How often it is sent again otherwise.
const QUICK_ATTEMPTS: u8 = 2;

/// How a request is sent again that met with a passing error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resend {
    /// For longer than an API server takes to start again.
    Patiently,
    /// As patiently, once it is known that somebody is there: before, only where it fails at once,
    /// for a user waits with nothing on the screen.
    OnceReached,
    /// Where it fails at once: somebody waits for it.
    WhileQuick,
    /// Not at all: the caller does.
    Never,
}

/// How long the server may ask a user to wait who sees nothing yet.
const LONGEST_FIRST_PAUSE: Duration = Duration::from_secs(10);

impl Resend {
    /// How often it is sent again before giving up.
    fn attempts(self) -> usize {
        match self {
            Resend::Patiently | Resend::OnceReached => 6,
            Resend::WhileQuick => QUICK_ATTEMPTS.into(),
            Resend::Never => 0,
        }
    }
}

/// A connection to one cluster. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Cluster {
    client: Client,
    shared: Arc<Shared>,
    resend: Resend,
    /// Time in which each request must be answered; that of the request where this is longer.
    limit: Duration,
    /// What lets writes through; without it nothing holds them up.
    fence: Option<Fence>,
}

struct Shared {
    context: String,
    namespace: String,
    kubectl: String,
    server: String,
    /// The token that every request carries.
    bearer: Option<Bearer>,
    counts: Counts,
    heard: Mutex<Heard>,
    notices: UnboundedSender<Notice>,
}

/// What has been heard of the API server.
#[derive(Default)]
struct Heard {
    /// Whether there was any answer, whatever it said.
    anything: bool,
    /// Why the last request failed, where none has succeeded since.
    last_error: Option<String>,
    /// What its clock said in its last answer.
    time: Option<Timestamp>,
    /// What it warned of in dry runs.
    warnings: Warnings,
}

/// Texts that the API server warned with, and the objects whose dry runs it answered so.
#[derive(Default)]
struct Warnings {
    /// Those that nobody has taken yet.
    new: BTreeMap<String, BTreeSet<ObjectId>>,
    /// Those that somebody has.
    told: HashSet<String>,
}

#[derive(Default)]
struct Counts {
    verbs: [AtomicU64; 8],
    retried: AtomicU64,
}

impl Cluster {
    /// Reads the kubeconfig, logs in where it names a program for that, and makes a client; no
    /// request is sent yet. Retries and warnings are told to `notices`.
    pub(crate) async fn connect(
        target: &Target,
        notices: UnboundedSender<Notice>,
    ) -> Result<Self, ConnectError> {
        let resolved = connect::resolve(target)?;
        let server = resolved
            .config
            .cluster_url
            .to_string()
            .trim_end_matches('/')
            .to_owned();
        let context = resolved.context;
        let namespace = resolved.config.default_namespace.clone();
        let (bearer, login) = (resolved.bearer, resolved.login);
        let (client, bearer) = connect::client(resolved.config, bearer, login, &context).await?;
        let kubectl = format!("kubectl{}", resolved.kubectl_flags);
        let shared = Shared {
            context,
            namespace,
            kubectl,
            server,
            bearer,
            counts: Counts::default(),
            heard: Mutex::default(),
            notices,
        };
        Ok(Self {
            client,
            shared: Arc::new(shared),
            resend: Resend::Patiently,
            limit: Duration::MAX,
            fence: None,
        })
    }

    /// The same connection, for the first requests: where nobody answers they fail soon.
    pub(super) fn first(&self) -> Self {
        Self {
            resend: Resend::OnceReached,
            ..self.fail_fast()
        }
    }

    /// The same connection, whose requests fail soon: what hangs is given up, and what failed at
    /// once is tried only twice again.
    pub(super) fn fail_fast(&self) -> Self {
        Self {
            resend: Resend::WhileQuick,
            limit: FIRST_TIMEOUT,
            ..self.clone()
        }
    }

    /// The same connection, whose requests are not sent again.
    pub(crate) fn tried_once(&self) -> Self {
        Self {
            resend: Resend::Never,
            ..self.clone()
        }
    }

    /// The same connection, whose requests must each be answered within `limit`.
    pub(crate) fn answered_within(&self, limit: Duration) -> Self {
        Self {
            limit,
            ..self.clone()
        }
    }

    /// The same connection, whose writes go through `fence`: where that is closed they are refused,
    /// and each ends, here and at the API server, within the time that the fence allows.
    pub(crate) fn fenced(&self, fence: Fence) -> Self {
        Self {
            fence: Some(fence),
            ..self.clone()
        }
    }

    /// Who holds the lock now under which this connection wrote, where that is lost.
    pub(crate) async fn lock_holder(&self) -> Option<String> {
        self.fence.as_ref()?.holder().await
    }

    /// Name of the context.
    pub(crate) fn context(&self) -> &str {
        &self.shared.context
    }

    /// The namespace of the context; `default` where it names none.
    pub(crate) fn namespace(&self) -> &str {
        &self.shared.namespace
    }

    /// The start of a kubectl command about this cluster: `kubectl`, with the flags that it needs
    /// for that.
    pub(crate) fn kubectl(&self) -> &str {
        &self.shared.kubectl
    }

    /// Address of the API server.
    pub(crate) fn server(&self) -> &str {
        &self.shared.server
    }

    /// Why the last request failed, where none has succeeded since.
    pub(crate) fn last_error(&self) -> Option<String> {
        self.heard().last_error.clone()
    }

    /// What the clock of the API server said in its last answer.
    pub(crate) fn server_time(&self) -> Option<Timestamp> {
        self.heard().time
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        let heard = self.shared.heard.lock();
        heard.unwrap_or_else(PoisonError::into_inner)
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

    /// Sends `call` until it is answered by something else than a passing error, and returns status
    /// and body of a success.
    pub(super) async fn call(&self, call: &Call) -> Result<(u16, Vec<u8>), RequestError> {
        self.call_until_done(call).await.map(|(answer, _)| answer)
    }

    /// As [`call`](Self::call), and whether an attempt before, whose answer did not come, may have
    /// been carried out already.
    pub(super) async fn call_until_done(
        &self,
        call: &Call,
    ) -> Result<((u16, Vec<u8>), bool), RequestError> {
        let mut delays = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(200))
            .with_max_delay(Duration::from_secs(5))
            .with_max_times(self.resend.attempts())
            .with_jitter()
            .build();
        let mut attempt = 1;
        let mut maybe_done = false;
        loop {
            let started = Instant::now();
            let error = match self.once(call).await {
                Ok(answer) => return Ok((answer, maybe_done)),
                // An attempt before, whose answer did not come, may have been done.
                Err(RequestError::LockLost { sent }) => {
                    return Err(RequestError::LockLost {
                        sent: sent || attempt > 1,
                    });
                }
                Err(error) => error.after(maybe_done),
            };
            let passes = error.is_passing()
                || (call.outlasts_conflicts && error.is_lost_race())
                || (error.is_race_for_quota() && !call.is_of_quota())
                || (call.is_read() && error.code() == Some(500));
            let is_hopeless = self.is_hopeless(&error, attempt, started.elapsed());
            let Some(delay) = delays.next().filter(|_| passes && !is_hopeless) else {
                return Err(error);
            };
            // Only these say for certain that nothing was done.
            maybe_done |= !matches!(error.code(), Some(409 | 429));
            let delay = error.retry_after().map_or(delay, |asked| asked.max(delay));
            attempt += 1;
            self.shared.counts.retried.fetch_add(1, Ordering::Relaxed);
            self.notice(Notice::Retried {
                verb: call.verb,
                object: call.object.clone(),
                attempt,
                delay,
                why: error.to_string(),
            });
            self.pause(call, delay).await?;
        }
    }

    /// Whether a request that failed with `error` after so many attempts, the last of which `took`
    /// so long, is not to be sent again although that may pass.
    fn is_hopeless(&self, error: &RequestError, attempts: u32, took: Duration) -> bool {
        match self.resend {
            Resend::Patiently | Resend::Never => false,
            Resend::WhileQuick => took >= QUICK,
            // What is asked to come again in minutes is told at once: nothing is on the screen yet.
            Resend::OnceReached if error.retry_after() > Some(LONGEST_FIRST_PAUSE) => true,
            Resend::OnceReached => {
                let is_reached = error.is_broken_connection() || self.heard().anything;
                !is_reached && (took >= QUICK || attempts > u32::from(QUICK_ATTEMPTS))
            }
        }
    }

    /// Waits before `call` is sent again, where it still may be.
    async fn pause(&self, call: &Call, delay: Duration) -> Result<(), RequestError> {
        let pause = tokio::time::sleep(delay);
        match self.fence.as_ref().filter(|_| call.is_write()) {
            None => pause.await,
            Some(fence) => fence
                .while_open(pause)
                .await
                .ok_or(RequestError::LockLost { sent: true })?,
        }
        Ok(())
    }

    /// Sends `call` and reads the JSON of a success.
    pub(super) async fn json<T: serde::de::DeserializeOwned>(
        &self,
        call: &Call,
    ) -> Result<T, RequestError> {
        let (_, body) = self.call(call).await?;
        read_json(&body, call)
    }

    /// Sends `call` once, and says so where what the client does is to be seen. Bodies and answers
    /// are not: they may hold secrets.
    async fn once(&self, call: &Call) -> Result<(u16, Vec<u8>), RequestError> {
        let start = Instant::now();
        let result = self.exchange(call).await;
        self.note_last_error(result.as_ref().err());
        let outcome = match &result {
            Ok((code, body)) => format!("{code}, {} bytes", body.len()),
            Err(RequestError::Refused(refusal)) => refusal.code.to_string(),
            Err(error) => one_line(&error.to_string(), 200),
        };
        tracing::debug!(
            "{} {}: {outcome} after {} ms",
            call.method,
            call.path,
            start.elapsed().as_millis()
        );
        result
    }

    /// Remembers why a request failed. One that the fence held up was not answered, so it says
    /// nothing about the server.
    fn note_last_error(&self, error: Option<&RequestError>) {
        if !matches!(error, Some(RequestError::LockLost { .. })) {
            self.heard().last_error = error
                .filter(|error| error.is_passing())
                .map(ToString::to_string);
        }
    }

    /// Sends `call` through the fence, where there is one and it is a write.
    async fn exchange(&self, call: &Call) -> Result<(u16, Vec<u8>), RequestError> {
        let limit = call.timeout.min(self.limit);
        match self.fence.as_ref().filter(|_| call.is_write()) {
            None => self.answer(call, limit).await,
            Some(fence) if !fence.is_open() => Err(RequestError::LockLost { sent: false }),
            Some(fence) => {
                let limit = limit.min(fence.longest_write());
                let call = call.limited_to(limit);
                // In a box: what is awaited in two branches takes its room twice, in every future
                // that sends a request.
                let answer = fence.while_open(Box::pin(self.answer(&call, limit))).await;
                answer.unwrap_or(Err(RequestError::LockLost { sent: true }))
            }
        }
    }

    async fn answer(&self, call: &Call, limit: Duration) -> Result<(u16, Vec<u8>), RequestError> {
        let response = self.open(call, limit).await?;
        let code = response.status().as_u16();
        let retry_after = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let body = timeout(limit, response.into_body().collect())
            .await
            .map_err(|_| self.timed_out(limit))?
            .map_err(|error| self.unreachable(&innermost(&error), true))?
            .to_bytes();
        if (200..300).contains(&code) {
            Ok((code, Vec::from(body)))
        } else {
            Err(RequestError::Refused(Refusal::read(
                code,
                &body,
                retry_after,
            )))
        }
    }

    /// Sends `call` and returns the answer with its body unread, which must begin within `limit`.
    ///
    /// Whoever the API server does not accept is told so before anything is done. Where there may
    /// be another token, every request is therefore sent once more with that.
    pub(super) async fn open(
        &self,
        call: &Call,
        limit: Duration,
    ) -> Result<Response<Body>, RequestError> {
        let mut is_second = false;
        loop {
            let mut request = call.request();
            let bearer = self.shared.bearer.as_ref();
            // Outside of the limit: a login program may ask somebody.
            let token = match bearer {
                Some(bearer) => bearer.authorize(&mut request).await.map(Some),
                None => Ok(None),
            };
            let token = token.map_err(|why| RequestError::Credentials { why })?;
            let response = self.send(call, request, limit).await?;
            let (Some(bearer), Some(token), StatusCode::UNAUTHORIZED) =
                (bearer, token, response.status())
            else {
                return Ok(response);
            };
            bearer.refused(&token).await;
            if is_second || !bearer.is_renewed() {
                return Ok(response);
            }
            is_second = true;
        }
    }

    async fn send(
        &self,
        call: &Call,
        request: Request<Body>,
        limit: Duration,
    ) -> Result<Response<Body>, RequestError> {
        self.shared.counts.verbs[call.verb as usize].fetch_add(1, Ordering::Relaxed);
        let response = timeout(limit, self.client.send(request))
            .await
            .map_err(|_| self.timed_out(limit))?
            .map_err(|error| self.transport(&error))?;
        self.note_answer(&response);
        for warning in response.headers().get_all(header::WARNING) {
            if let Some(text) = warning_text(warning) {
                self.note_warning(call, text);
            }
        }
        Ok(response)
    }

    /// Keeps what the server warns of in a dry run, for whoever shows what a run is going to do; says
    /// everything else.
    fn note_warning(&self, call: &Call, text: String) {
        let mut heard = self.heard();
        let Warnings { new, told } = &mut heard.warnings;
        match &call.object {
            Some(object) if call.verb == Verb::DryRun => {
                if !told.contains(&text) && !is_of_another_namespace(call, object, &text) {
                    new.entry(text).or_default().insert(object.clone());
                }
            }
            _ => {
                let is_told = told.contains(&text);
                drop(heard);
                self.notice(Notice::Warned { text, is_told });
            }
        }
    }

    /// What the server has warned of in dry runs since this was last asked, with the objects that it
    /// was about; each text is told once.
    pub(crate) fn take_warnings(&self) -> BTreeMap<String, BTreeSet<ObjectId>> {
        let warnings = &mut self.heard().warnings;
        let new = std::mem::take(&mut warnings.new);
        warnings.told.extend(new.keys().cloned());
        new
    }

    fn timed_out(&self, after: Duration) -> RequestError {
        RequestError::TimedOut {
            server: self.shared.server.clone(),
            after,
        }
    }

    /// Notes that there is an answer, and what time it is by the server's clock.
    /// <https://www.rfc-editor.org/rfc/rfc9110#name-date>
    fn note_answer(&self, response: &Response<Body>) {
        let date = response.headers().get(header::DATE);
        let time = date.and_then(|date| {
            let parser = jiff::fmt::rfc2822::DateTimeParser::new();
            parser.parse_timestamp(date.to_str().ok()?).ok()
        });
        let mut heard = self.heard();
        heard.anything = true;
        heard.time = time.or(heard.time);
    }

    /// Tells whoever listens to the connection.
    pub(crate) fn notice(&self, notice: Notice) {
        // Nobody may be listening any more at the end of a run.
        let _ = self.shared.notices.send(notice);
    }

    fn unreachable(&self, why: &str, broke: bool) -> RequestError {
        RequestError::Unreachable {
            server: self.shared.server.clone(),
            why: why.to_owned(),
            broke,
        }
    }

    fn transport(&self, error: &kube::Error) -> RequestError {
        match error {
            kube::Error::Auth(error) => RequestError::Credentials {
                why: connect::auth_problem(error),
            },
            other => self.unreachable(&innermost(other), is_broken(other)),
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

/// Whether a connection was there and broke.
fn is_broken(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut current = Some(error);
    while let Some(error) = current {
        let io = error.downcast_ref::<io::Error>().map(io::Error::kind);
        let http = error.downcast_ref::<hyper::Error>();
        let broke = matches!(
            io,
            Some(
                ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::BrokenPipe
                    | ErrorKind::UnexpectedEof
            )
        );
        if broke || http.is_some_and(|error| error.is_incomplete_message() || error.is_closed()) {
            return true;
        }
        current = error.source();
    }
    false
}

/// Whether `text`, said to the dry run `call`, is about a namespace that `object` was only tried in, as
/// its own does not exist yet.
/// <https://kubernetes.io/docs/concepts/security/pod-security-admission/#pod-security-admission-labels-for-namespaces>
fn is_of_another_namespace(call: &Call, object: &ObjectId, text: &str) -> bool {
    let own = object.namespace.as_deref().unwrap_or_default();
    text.contains("PodSecurity") && !call.path.contains(&format!("/namespaces/{own}/"))
}

/// The quoted text of a `Warning` header: `299 - "text"` (RFC 7234, 5.5).
fn warning_text(header: &HeaderValue) -> Option<String> {
    // It is sent as it is, in whatever language it was written.
    let header = String::from_utf8_lossy(header.as_bytes());
    let text = header.splitn(3, ' ').nth(2)?.trim().strip_prefix('"')?;
    let text = text.strip_suffix('"').unwrap_or(text);
    Some(text.replace("\\\"", "\"").replace("\\\\", "\\"))
}

/// Reads the JSON answer to `call`. The text of an answer that cannot be read is not shown: it may
/// hold secrets.
pub(super) fn read_json<T: serde::de::DeserializeOwned>(
    body: &[u8],
    call: &Call,
) -> Result<T, RequestError> {
    serde_json::from_slice(body).map_err(|error| RequestError::Unreadable {
        what: format!(
            "{} {}",
            call.verb.as_str(),
            call.path.split('?').next().unwrap_or_default()
        ),
        why: format!("line {}, column {}", error.line(), error.column()),
    })
}

/// `value` written as the body of a request.
pub(super) fn body(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).expect("JSON values can be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_something_is_a_write() {
        let is_write = |verb, path: &str| Call::get(verb, path.to_owned()).is_write();
        for verb in [Verb::Patch, Verb::Create, Verb::Update, Verb::Delete] {
            assert!(is_write(verb, "/api/v1/namespaces/shop/configmaps"));
        }
        for verb in [Verb::Get, Verb::List, Verb::Watch, Verb::DryRun] {
            assert!(!is_write(verb, "/api/v1/namespaces/shop/configmaps"));
        }
        assert!(!is_write(
            Verb::Create,
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        ));
    }

    #[test]
    fn the_server_is_told_how_long_a_write_may_take() {
        let limited = |path: &str| {
            Call::get(Verb::Patch, path.to_owned())
                .limited_to(Duration::from_millis(1_500))
                .path
        };
        assert_eq!(limited("/api/v1/nodes/a"), "/api/v1/nodes/a?timeout=1500ms");
        assert_eq!(
            limited("/api/v1/nodes/a?force=true"),
            "/api/v1/nodes/a?force=true&timeout=1500ms"
        );
    }

    #[test]
    fn what_is_said_of_a_namespace_counts_there_alone() {
        let object = ObjectId::core("Pod", Some("shop"), "web");
        let call = |path: &str| Call::get(Verb::DryRun, path.to_owned());
        let (own, other) = (
            call("/api/v1/namespaces/shop/pods/web"),
            call("/api/v1/namespaces/default/pods"),
        );
        let of_pods = "would violate PodSecurity \"restricted:latest\"";
        assert!(!is_of_another_namespace(&own, &object, of_pods));
        assert!(is_of_another_namespace(&other, &object, of_pods));
        assert!(!is_of_another_namespace(
            &other,
            &object,
            "v1 is deprecated"
        ));
    }

    #[test]
    fn warnings_lose_their_wrapping() {
        let read = |header: &str| {
            warning_text(&HeaderValue::from_bytes(header.as_bytes()).expect("it is a header"))
        };
        assert_eq!(
            read(r#"299 - "policy/v1beta1 is \"old\"""#).as_deref(),
            Some(r#"policy/v1beta1 is "old""#)
        );
        assert_eq!(
            read(r#"299 - "≥ 2 répliques""#).as_deref(),
            Some("≥ 2 répliques")
        );
        assert_eq!(read("299"), None);
    }
}
