//! Logs that are followed while their container runs.

use futures::{Stream, StreamExt as _, stream};

use super::{
    observe::parameter,
    request::{Call, Cluster, Verb},
    watch::lines,
};
use crate::object::ObjectId;

impl Cluster {
    /// What a container writes, line by line from its start to its end, or has written, where
    /// `previous`, before it was started again; nothing where it may not be
    /// read. `None` where it cannot be read yet, such as before the container has started.
    pub(crate) async fn follow_log(
        &self,
        pod: &ObjectId,
        container: &str,
        previous: bool,
    ) -> Option<impl Stream<Item = String> + Unpin + use<>> {
        let namespace = pod.namespace.as_deref().unwrap_or_default();
        let path = format!(
            "/api/v1/namespaces/{namespace}/pods/{}/log?{}{}",
            pod.name,
            if previous {
                "previous=true"
            } else {
                "follow=true"
            },
            parameter("container", Some(container))
        );
        let call = Call::get(Verb::Get, path);
        let response = self.open(&call, call.timeout).await.ok()?;
        let status = response.status();
        if status.is_client_error() && status != http::StatusCode::FORBIDDEN {
            return None;
        }
        let is_log = status.is_success();
        let lines = lines(response.into_body())
            .take_while(move |line| std::future::ready(is_log && line.is_ok()))
            .filter_map(|line| std::future::ready(line.ok()))
            .map(|line| String::from_utf8_lossy(&line).into_owned());
        Some(stream::StreamExt::boxed(lines))
    }
}
