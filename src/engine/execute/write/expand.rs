//! Asks for a larger volume for a claim.

use serde_json::{Value, json};

use super::{WriteOutcome, Writer};
use crate::{
    cluster::RequestError,
    event::WriteResult,
    object::{ObjectId, field::text},
};

impl Writer<'_> {
    /// Asks for `size` for the claim `id`; the class' provisioner makes the volume larger.
    /// <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#expanding-persistent-volumes-claims>
    pub(super) async fn expand(
        &self,
        id: &ObjectId,
        size: &str,
    ) -> Result<WriteOutcome, RequestError> {
        let live = self.read(id).await?;
        let patch = |live: &Value| {
            (text(live, "/spec/resources/requests/storage") != Some(size)).then(|| {
                json!([
                    {"op": "test", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
                    {"op": "replace", "path": "/spec/resources/requests/storage", "value": size},
                ])
            })
        };
        self.patch_until_done(id, self.stored_as(id), live.as_ref(), patch)
            .await?;
        Ok((WriteResult::Changed, self.read(id).await?))
    }
}
