//! Requests to the API server by HTTP: starting kubectl for each costs more than the answer does.

use std::{path::Path, sync::LazyLock, sync::Mutex};

use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{
    cluster::sandbox,
    upstream::{BoxError, Sender, Upstream},
};

const JSON: &str = "application/json";

/// One user's connections to the shared sandbox, which are used again.
pub(crate) struct Api {
    upstream: Upstream,
    idle: Mutex<Vec<Sender>>,
}

impl Api {
    /// Of the sandbox's own user, who may do everything.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: LazyLock<Api> = LazyLock::new(|| Api::of(&sandbox().kubeconfig));
        &SHARED
    }

    /// Of the current user of `kubeconfig`, which is JSON.
    pub(crate) fn of(kubeconfig: &Path) -> Self {
        Self {
            upstream: Upstream::of(kubeconfig),
            idle: Mutex::default(),
        }
    }

    /// What the server holds at `path`; null where it holds nothing.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, answer) = wait_for(self.read(path, JSON)).expect("the API server answers");
        assert!(
            [StatusCode::OK, StatusCode::NOT_FOUND].contains(&status),
            "GET {path}: {status}: {answer}"
        );
        answer
    }

    /// Creates `object` in the collection at `path`, as kubectl would, and returns what was made
    /// of it.
    #[track_caller]
    pub(crate) fn create(&self, path: &str, object: &Value) -> Value {
        let path = format!("{path}?fieldManager=kubectl-create");
        let request = self.send(Method::POST, &path, JSON, object.to_string());
        let (status, answer) = wait_for(request).expect("the API server answers");
        assert_eq!(status, StatusCode::CREATED, "POST {path}: {answer}");
        answer
    }

    /// What the server answers to a GET: JSON, and null where there is nothing.
    pub(crate) async fn read(
        &self,
        path: &str,
        accept: &str,
    ) -> Result<(StatusCode, Value), BoxError> {
        self.send(Method::GET, path, accept, String::new()).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: String,
    ) -> Result<(StatusCode, Value), BoxError> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.upstream.address())
            .header(header::AUTHORIZATION, self.upstream.authorization())
            .header(header::CONTENT_TYPE, JSON)
            .header(header::ACCEPT, accept)
            .body(Full::new(Bytes::from(body)))?;
        let mut sender = self.connection().await?;
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        self.idle().push(sender);
        // Of a group that is gone the server says so in plain text.
        let answer = if status == StatusCode::NOT_FOUND {
            Value::Null
        } else {
            serde_json::from_slice(&body)?
        };
        Ok((status, answer))
    }

    /// A connection that is open, an old one if there is one.
    async fn connection(&self) -> Result<Sender, BoxError> {
        loop {
            let Some(mut sender) = self.idle().pop() else {
                return self.upstream.connect().await;
            };
            if sender.ready().await.is_ok() {
                return Ok(sender);
            }
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Sender>> {
        self.idle.lock().expect("nothing panics while it is locked")
    }
}

/// Waits in the test's own thread; connections are served by a thread of their own.
pub(crate) fn wait_for<T>(work: impl Future<Output = T>) -> T {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime can be built")
    });
    RUNTIME.block_on(work)
}
