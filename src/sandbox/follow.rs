//! Watches what is at a path of the API server, for as long as the sandbox runs.

use std::time::Duration;

use futures::{Stream, StreamExt as _, future, stream};
use kube::{Client, api::WatchEvent};
use serde::de::DeserializeOwned;

/// How long after a watch that failed it is worth trying again.
pub(super) const RETRY: Duration = Duration::from_millis(200);

/// What a watch tells.
pub(super) enum Heard<T> {
    /// It begins anew: what is not told again is gone.
    Anew,
    Is(T),
    Gone(T),
}

/// Watches what is at `path`, again and again; `path` ends with its query. It begins with all that
/// there is.
pub(super) fn follow<T: Clone + DeserializeOwned + Send + 'static>(
    client: &Client,
    path: &'static str,
) -> impl Stream<Item = Heard<T>> + use<T> {
    let client = client.clone();
    let watches = stream::repeat(()).then(move |()| watch::<T>(client.clone(), path));
    watches.flatten()
}

/// One watch of what is at `path`, and a moment's rest after it.
async fn watch<T: Clone + DeserializeOwned + Send + 'static>(
    client: Client,
    path: &'static str,
) -> stream::BoxStream<'static, Heard<T>> {
    let rest = stream::once(tokio::time::sleep(RETRY)).filter_map(|()| future::ready(None));
    // Version 0 begins with all objects that there are.
    let request = http::Request::get(format!("{path}&watch=true&resourceVersion=0"));
    let Ok(request) = request.body(Vec::new()) else {
        return rest.boxed();
    };
    let Ok(events) = client.request_events::<T>(request).await else {
        return rest.boxed();
    };
    let told = events.map(|event| match event {
        Ok(WatchEvent::Added(object) | WatchEvent::Modified(object)) => {
            Some(Some(Heard::Is(object)))
        }
        Ok(WatchEvent::Deleted(object)) => Some(Some(Heard::Gone(object))),
        Ok(WatchEvent::Bookmark(_)) => Some(None),
        Ok(WatchEvent::Error(_)) | Err(_) => None,
    });
    let told = told
        .take_while(|told| future::ready(told.is_some()))
        .filter_map(|told| future::ready(told.flatten()));
    stream::once(future::ready(Heard::Anew))
        .chain(told)
        .chain(rest)
        .boxed()
}
