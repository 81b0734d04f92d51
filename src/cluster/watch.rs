//! Watches that survive what ends them: lost connections, expired versions, missing
//! permissions.

use std::{
    error::Error,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{Stream, StreamExt as _, TryStreamExt as _};
use http::StatusCode;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_util::{
    codec::{AnyDelimiterCodec, AnyDelimiterCodecError, FramedRead},
    io::StreamReader,
};

use super::{
    discovery::Resource,
    error::{RequestError, is_not_permitted},
    observe::parameter,
    refusal::Refusal,
    request::{Call, Cluster, Verb},
};
use crate::object::{HasKind as _, ManifestView, ObjectId, strip_managed_fields};

/// What a watch is about: a kind, in a namespace or in all, that carries a label or any, of one name
/// or any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WatchScope {
    /// The kind.
    pub(crate) resource: Resource,
    /// Its namespace; `None`: all.
    pub(crate) namespace: Option<String>,
    /// Label selector.
    pub(crate) selector: Option<String>,
    /// Name; `None`: any.
    pub(crate) name: Option<String>,
}

impl WatchScope {
    /// Whether the object `id` of the kind `resource` is among what it is about, whatever it carries.
    pub(crate) fn covers(&self, id: &ObjectId, resource: &Resource) -> bool {
        let namespace = self.namespace.as_ref();
        self.resource == *resource
            && namespace.is_none_or(|namespace| id.namespace.as_ref() == Some(namespace))
            && self.name.as_ref().is_none_or(|name| id.name == *name)
    }

    /// The parameters of a request for it, beside its path.
    fn parameters(&self) -> String {
        let name = self
            .name
            .as_ref()
            .map(|name| format!("metadata.name={name}"));
        parameter("labelSelector", self.selector.as_deref())
            + &parameter("fieldSelector", name.as_deref())
    }
}

/// What a watch saw.
#[derive(Debug)]
pub(crate) enum Watched {
    /// Everything there is; what was known before and is not in it is gone.
    All(Arc<WatchScope>, Vec<Arc<Value>>),
    /// One object is new or different.
    Changed(Arc<Value>),
    /// One object is gone.
    Gone(Arc<Value>),
    /// The watch cannot go on: the user may not list, or the kind cannot be listed.
    Forbidden(Arc<WatchScope>),
}

/// What a watch saw, and when it was read off the network.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) at: Instant,
    pub(crate) what: Watched,
}

fn tell(seen: &UnboundedSender<Heard>, what: Watched) -> Result<(), ReceiverGone> {
    seen.send(Heard {
        at: Instant::now(),
        what,
    })
    .map_err(|_| ReceiverGone)
}

/// Nobody listens any more.
struct ReceiverGone;

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    object: &'a RawValue,
}

/// Seconds after which the server ends a watch, so that a connection that died silently is noticed.
const WATCH_SECONDS: u64 = 240;
/// Time without any line, bookmarks included, after which the connection is taken for dead.
const SILENCE: Duration = Duration::from_secs(WATCH_SECONDS + 20);
/// Time in which a watch must be opened: the server begins its answer at once, whether or not there
/// is something to tell.
const OPENED_WITHIN: Duration = Duration::from_secs(10);
/// Pause between two LISTs where watching is not permitted, or two GETs where neither is.
const INTERVAL: Duration = Duration::from_secs(2);
/// Pause before a watch that ended is opened again.
const PAUSE: Duration = Duration::from_millis(500);

impl Cluster {
    /// Watches `scope` and tells `seen` until the receiver is gone.
    ///
    /// Starts at `resource_version` where a LIST was made already, else with a LIST. A watch that
    /// breaks goes on where it stopped; where the server has forgotten that point (410) it lists
    /// again.
    pub(crate) async fn watch(
        self,
        scope: WatchScope,
        resource_version: Option<String>,
        seen: UnboundedSender<Heard>,
    ) {
        let scope = Arc::new(scope);
        let path = watch_path(
            &scope.resource,
            scope.namespace.as_deref(),
            &scope.parameters(),
        );
        let mut position = resource_version;
        loop {
            let from = match position.take() {
                Some(from) => from,
                None => match self
                    .list_with(
                        &scope.resource,
                        scope.namespace.as_deref(),
                        &scope.parameters(),
                    )
                    .await
                {
                    Ok(listed) => {
                        if tell(&seen, Watched::All(Arc::clone(&scope), listed.items)).is_err() {
                            return;
                        }
                        listed.resource_version
                    }
                    Err(error) if error.is_forbidden() || error.is_not_allowed() => {
                        let _ = tell(&seen, Watched::Forbidden(Arc::clone(&scope)));
                        return self.await_served(&scope, &seen).await;
                    }
                    // A token that has just run out, or a server that does not know the kind yet.
                    Err(error) => {
                        let is_slow = error.is_not_permitted();
                        tokio::time::sleep(if is_slow { INTERVAL } else { PAUSE }).await;
                        continue;
                    }
                },
            };
            match self.follow(&path, from, &seen).await {
                Followed::ReceiverGone => return,
                // A server that ends every watch at once is not to be asked without a pause either.
                Followed::Expired => tokio::time::sleep(PAUSE).await,
                // Who may list and not watch is told a little later.
                Followed::Refused => tokio::time::sleep(INTERVAL).await,
                Followed::Ended(last) | Followed::Broken(last) => {
                    tokio::time::sleep(PAUSE).await;
                    position = Some(last);
                }
            }
        }
    }

    /// Tells `seen` that the one definition of `scope`, which may not be read, is established, once
    /// the server serves its kind: everybody may ask what is served. Nothing for other scopes.
    async fn await_served(&self, scope: &WatchScope, seen: &UnboundedSender<Heard>) {
        let Some(name) = scope
            .name
            .as_ref()
            .filter(|_| scope.resource.is_definition())
        else {
            return;
        };
        while !seen.is_closed() {
            if self
                .discover()
                .await
                .is_ok_and(|served| served.serves_crd(name))
            {
                let definition = Arc::new(established(name));
                let _ = tell(seen, Watched::Changed(definition));
                return;
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Reads the object `id` every 2 s, and tells `seen` of what is different since it was `known`
    /// until the receiver is gone: for those who may neither list nor watch its kind.
    pub(crate) async fn read_repeatedly(
        self,
        resource: Resource,
        id: ObjectId,
        mut known: Option<Arc<Value>>,
        seen: UnboundedSender<Heard>,
    ) {
        while !seen.is_closed() {
            tokio::time::sleep(INTERVAL).await;
            let there = self.get_served(&resource, id.namespace.as_deref(), &id.name);
            let watched = match there.await {
                Ok(Some(mut object)) => {
                    let version = known.as_deref().map(resource_version);
                    if version == Some(resource_version(&object)) {
                        continue;
                    }
                    strip_managed_fields(&mut object);
                    Watched::Changed(Arc::clone(known.insert(Arc::new(object))))
                }
                Ok(None) => match known.take() {
                    Some(known) => Watched::Gone(known),
                    None => continue,
                },
                Err(_) => continue,
            };
            if tell(&seen, watched).is_err() {
                return;
            }
        }
    }

    /// Waits until `holds` is true of the object `id`, or it is gone.
    pub(crate) async fn until(
        &self,
        resource: &Resource,
        id: &ObjectId,
        holds: impl Fn(&Value) -> bool,
    ) -> Result<(), RequestError> {
        let Some(there) = self
            .get(resource, id.namespace.as_deref(), &id.name)
            .await?
            .filter(|there| !holds(there))
        else {
            return Ok(());
        };
        let position = resource_version(&there);
        let (sender, mut watched) = unbounded_channel::<Heard>();
        let met = async {
            while let Some(heard) = watched.recv().await {
                match heard.what {
                    Watched::Changed(object) if !holds(&object) => {}
                    Watched::All(..)
                    | Watched::Changed(_)
                    | Watched::Gone(_)
                    | Watched::Forbidden(_) => return,
                }
            }
        };
        tokio::select! {
            () = met => {}
            () = self.clone().watch_object(resource.clone(), id.clone(), position, sender) => {}
        }
        Ok(())
    }

    /// Waits until the object `id` of this `uid` is gone.
    pub(crate) async fn until_gone(
        &self,
        resource: &Resource,
        id: &ObjectId,
        uid: &str,
    ) -> Result<(), RequestError> {
        let is_it = |object: &Value| ManifestView(object).uid() == Some(uid);
        self.until(resource, id, |object| !is_it(object)).await
    }

    /// Watches the object `id` from `resource_version` on, and tells `seen` until the receiver is
    /// gone. Ends where a GET finds no object.
    ///
    /// Needs no permission beyond that object. Where it may not be watched, it is read every 2 s.
    pub(crate) async fn watch_object(
        self,
        resource: Resource,
        id: ObjectId,
        resource_version: String,
        seen: UnboundedSender<Heard>,
    ) {
        let namespace = id.namespace.as_deref();
        let name = format!("metadata.name={}", id.name);
        let path = watch_path(
            &resource,
            namespace,
            &parameter("fieldSelector", Some(&name)),
        );
        let mut position = resource_version;
        loop {
            let pause = match self.follow(&path, position.clone(), &seen).await {
                Followed::ReceiverGone => return,
                Followed::Ended(last) | Followed::Broken(last) => {
                    position = last;
                    PAUSE
                }
                Followed::Expired => Duration::ZERO,
                Followed::Refused => INTERVAL,
            };
            tokio::time::sleep(pause).await;
            let watched = match self.get(&resource, namespace, &id.name).await {
                Ok(Some(object)) => {
                    let version = ManifestView(&object).resource_version();
                    position = version.map_or(position, str::to_owned);
                    Watched::Changed(Arc::new(object))
                }
                Ok(None) => Watched::Gone(Arc::new(Value::Null)),
                Err(_) => continue,
            };
            let gone = matches!(watched, Watched::Gone(_));
            if tell(&seen, watched).is_err() || gone {
                return;
            }
        }
    }

    /// Follows one watch request, of `path` from the resource version `from`, to its end.
    async fn follow(&self, path: &str, from: String, seen: &UnboundedSender<Heard>) -> Followed {
        let path = format!("{path}&resourceVersion={from}");
        let call = Call::get(Verb::Watch, path);
        let response = match self.open(&call, OPENED_WITHIN).await {
            Ok(response) if response.status().is_success() => response,
            Ok(response) if response.status() == StatusCode::GONE => return Followed::Expired,
            Ok(response) if is_not_permitted(response.status().as_u16()) => {
                return Followed::Refused;
            }
            Ok(_) | Err(_) => return Followed::Broken(from),
        };
        let mut lines = lines(response.into_body());
        let mut position = from;
        loop {
            let line = tokio::select! {
                () = seen.closed() => return Followed::ReceiverGone,
                line = tokio::time::timeout(SILENCE, lines.next()) => line,
            };
            let line = match line {
                Ok(Some(Ok(line))) => line,
                Ok(None) => return Followed::Ended(position),
                Ok(Some(Err(_))) | Err(_) => return Followed::Broken(position),
            };
            match read_line(&line) {
                Ok(Some((version, watched))) => {
                    position = version;
                    if watched.is_some_and(|watched| tell(seen, watched).is_err()) {
                        return Followed::ReceiverGone;
                    }
                }
                Ok(None) => {}
                Err(_) => return Followed::Expired,
            }
        }
    }
}

/// As much of the definition `name`, whose kind is served, as that tells.
fn established(name: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "status": {"conditions": [{"type": "Established", "status": "True"}]},
    })
}

/// The lines of `body`; where it ends within one, what there is of that line is the last.
///
/// They are bytes: what is not UTF-8 is for [`read_line`] to refuse, not a connection that broke.
pub(super) fn lines(
    body: impl Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin,
) -> impl Stream<Item = Result<Bytes, AnyDelimiterCodecError>> + Unpin {
    let data = body.into_data_stream().map_err(io::Error::other);
    let line_feed = || b"\n".to_vec();
    FramedRead::new(
        StreamReader::new(data),
        AnyDelimiterCodec::new(line_feed(), line_feed()),
    )
}

/// Path of a watch of `resource`, to which the resource version is still to be added.
fn watch_path(resource: &Resource, namespace: Option<&str>, selector: &str) -> String {
    format!(
        "{}?watch=true&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}{selector}",
        resource.collection(namespace)
    )
}

enum Followed {
    /// Nobody listens any more.
    ReceiverGone,
    /// The server ended the watch in order.
    Ended(String),
    /// The connection broke.
    Broken(String),
    /// The server has forgotten the position: list again.
    Expired,
    /// The user may not watch, or the kind cannot be watched: list again and again.
    Refused,
}

/// One line of a watch: the resource version it leads to, and what it says; `None` where there is
/// nothing in it, or only the start of one, behind which the answer ended. An error line is an
/// error.
fn read_line(line: &[u8]) -> Result<Option<(String, Option<Watched>)>, RequestError> {
    let unreadable = |error: &serde_json::Error| RequestError::Unreadable {
        what: "watch".to_owned(),
        why: error.to_string(),
    };
    let line: Line<'_> = match serde_json::from_slice(line) {
        Ok(line) => line,
        Err(error) if error.is_eof() => return Ok(None),
        Err(error) => return Err(unreadable(&error)),
    };
    if line.kind == "ERROR" {
        return Err(RequestError::Refused(Refusal::read(
            StatusCode::GONE.as_u16(),
            line.object.get().as_bytes(),
            None,
        )));
    }
    let mut object: Value =
        serde_json::from_str(line.object.get()).map_err(|error| unreadable(&error))?;
    let version = resource_version(&object);
    strip_managed_fields(&mut object);
    let object = Arc::new(object);
    let watched = match line.kind {
        "ADDED" | "MODIFIED" => Some(Watched::Changed(object)),
        "DELETED" => Some(Watched::Gone(object)),
        _ => None,
    };
    Ok(Some((version, watched)))
}

fn resource_version(object: &Value) -> String {
    let version = ManifestView(object).resource_version();
    version.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;

    #[test]
    fn lines_say_what_happened_and_where_to_go_on() {
        let line = br#"{"type":"ADDED","object":{"kind":"Pod","metadata":{"name":"a","resourceVersion":"7","managedFields":[]}}}"#;
        let (version, watched) = read_line(line).expect("readable").expect("not empty");
        assert_eq!(version, "7");
        let Some(Watched::Changed(object)) = watched else {
            panic!("a new object is a change")
        };
        assert!(object["metadata"].get("managedFields").is_none());
        let bookmark =
            br#"{"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"9"}}}"#;
        assert!(matches!(read_line(bookmark), Ok(Some((version, None))) if version == "9"));
        assert!(read_line(b"").expect("readable").is_none());
        assert!(read_line(b" \r").expect("readable").is_none());
        assert!(read_line(&bookmark[..40]).expect("readable").is_none());
        assert!(read_line(b"\xff").is_err());
    }

    #[tokio::test]
    async fn lines_come_whole_however_the_network_cuts_them() {
        let pieces = ["{\"a\"", ":1}\n{}\n\n[", "]\nhal"]
            .map(|piece| io::Result::Ok(Frame::data(Bytes::from(piece))));
        let body = StreamBody::new(stream::iter(pieces));
        let lines: Vec<Bytes> = lines(body)
            .map(|line| line.expect("a line"))
            .collect()
            .await;
        assert_eq!(lines, ["{\"a\":1}", "{}", "", "[]", "hal"]);
    }

    #[test]
    fn an_error_line_means_listing_again() {
        assert!(
            read_line(
                br#"{"type":"ERROR","object":{"code":410,"message":"too old resource version"}}"#
            )
            .is_err()
        );
    }
}
