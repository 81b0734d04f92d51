//! Writing: apply, create, replace, patch and delete, for real or as a dry run.

use http::Method;
use serde_json::{Value, json};

use super::{
    discovery::Resource,
    error::RequestError,
    observe::parameter,
    request::{self, Call, Cluster, Verb},
};
use crate::object::{ManifestView, ObjectId, field::integer};

/// Whether an apply takes fields over that others own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Force {
    /// A conflict is an error that names the manager and the field.
    No,
    /// Conflicting fields are taken over.
    Yes,
}

/// The answer to an apply.
#[derive(Debug)]
pub(crate) struct Applied {
    /// The object as it is stored now.
    pub(crate) object: Value,
    /// Whether this request created it (HTTP 201).
    pub(crate) created: bool,
    /// Whether the same request was sent before, and may have been carried out without an answer:
    /// then it may have been that one which created the object.
    pub(crate) maybe_before: bool,
}

/// What becomes of the objects that belong to a deleted one.
/// <https://kubernetes.io/docs/concepts/architecture/garbage-collection/#cascading-deletion>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Propagation {
    /// They are deleted after it.
    Background,
    /// They are deleted before it; until then it is terminating.
    Foreground,
    /// They stay, and lose their owner reference to it.
    Orphan,
}

/// What must hold for an object to be deleted, and what else goes with it. Without preconditions
/// whatever has its name is deleted.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeleteOptions {
    /// `metadata.uid` that the object must still have: else the answer is 409.
    pub(crate) uid: Option<String>,
    /// `metadata.resourceVersion` that the object must still have: else the answer is 409.
    pub(crate) resource_version: Option<String>,
    /// What becomes of what belongs to it; the kind's own default where this is `None`.
    pub(crate) propagation: Option<Propagation>,
}

/// The answer to a deletion.
#[derive(Debug)]
pub(crate) enum Deleted {
    /// The object is gone.
    Gone,
    /// The object, which is going: finalizers, a grace period or what belongs to it hold it.
    Terminating(Value),
    /// There was none; where an earlier answer was lost, that request may have deleted it.
    Absent,
}

impl Cluster {
    /// Applies `body` to the object `id` as `manager`.
    /// <https://kubernetes.io/docs/reference/using-api/server-side-apply/>
    pub(crate) async fn apply(
        &self,
        resource: &Resource,
        id: &ObjectId,
        body: &Value,
        manager: &str,
        force: Force,
    ) -> Result<Applied, RequestError> {
        let call = apply_call(resource, id, body, manager, force, Verb::Patch);
        let ((code, answer), maybe_before) = self.call_until_done(&call).await?;
        let object = request::read_json(&answer, &Call::get(Verb::Patch, resource.path_of(id)))?;
        Ok(Applied {
            object,
            created: code == 201,
            maybe_before,
        })
    }

    /// What an apply would store; nothing is written.
    pub(crate) async fn apply_dry_run(
        &self,
        resource: &Resource,
        id: &ObjectId,
        body: &Value,
        manager: &str,
        force: Force,
    ) -> Result<Value, RequestError> {
        self.json(&apply_call(
            resource,
            id,
            body,
            manager,
            force,
            Verb::DryRun,
        ))
        .await
    }

    /// Whether the API server would take `body`, for the object `id`, as a new one in `namespace`; nothing
    /// is written.
    ///
    /// For objects whose own namespace does not exist yet: an apply there is answered with 404.
    pub(crate) async fn create_dry_run(
        &self,
        resource: &Resource,
        (id, namespace): (&ObjectId, Option<&str>),
        body: &Value,
    ) -> Result<(), RequestError> {
        self.dry_run(Method::POST, &resource.collection(namespace), id, body)
            .await
    }

    /// Tries to replace the object `id` by `body`, which has its resource version, without storing it.
    pub(crate) async fn replace_dry_run(
        &self,
        resource: &Resource,
        id: &ObjectId,
        body: &Value,
    ) -> Result<(), RequestError> {
        self.dry_run(Method::PUT, &resource.path_of(id), id, body)
            .await
    }

    /// Sends `body`, for the object `id`, to `path` without storing it.
    async fn dry_run(
        &self,
        method: Method,
        path: &str,
        id: &ObjectId,
        body: &Value,
    ) -> Result<(), RequestError> {
        let path = format!("{path}?dryRun=All&fieldValidation=Strict");
        let body = request::body(body);
        let call = Call {
            object: Some(id.clone()),
            ..Call::with_body(Verb::DryRun, method, path, "application/json", body)
        };
        self.call(&call).await.map(|_| ())
    }

    /// Changes the object `id` by a JSON patch (RFC 6902).
    pub(crate) async fn json_patch(
        &self,
        resource: &Resource,
        id: &ObjectId,
        patch: &Value,
        manager: &str,
    ) -> Result<Value, RequestError> {
        let call = json_patch_call((resource, id), patch, manager, Verb::Patch, "");
        self.json(&Call {
            object: Some(id.clone()),
            ..call
        })
        .await
    }

    /// Asks whether the object `id` could be changed by a JSON patch. Nothing is stored.
    pub(crate) async fn json_patch_dry_run(
        &self,
        resource: &Resource,
        id: &ObjectId,
        patch: &Value,
        manager: &str,
    ) -> Result<(), RequestError> {
        let of = (resource, id);
        let call = json_patch_call(of, patch, manager, Verb::DryRun, "&dryRun=All");
        self.call(&call).await.map(|_| ())
    }

    /// Creates `body`; an object of that name makes it fail with 409, but for its own, where only
    /// the answer was lost.
    ///
    /// The admission of quotas answers with 409 too, where it loses a race with others: then it is
    /// tried again.
    pub(crate) async fn create(
        &self,
        resource: &Resource,
        id: &ObjectId,
        body: &Value,
        manager: &str,
    ) -> Result<Value, RequestError> {
        let path = format!(
            "{}?{}",
            resource.collection(id.namespace.as_deref()),
            &parameter("fieldManager", Some(manager))[1..]
        );
        let call = Call::with_body(
            Verb::Create,
            Method::POST,
            path,
            "application/json",
            request::body(body),
        );
        self.stored(
            resource,
            id,
            body,
            &Call {
                outlasts_conflicts: true,
                ..call
            },
        )
        .await
    }

    /// Replaces the object `id` by `body`, whose `metadata.resourceVersion` must be the stored one.
    pub(crate) async fn replace(
        &self,
        resource: &Resource,
        id: &ObjectId,
        body: &Value,
        manager: &str,
    ) -> Result<Value, RequestError> {
        let path = format!(
            "{}?{}",
            resource.path_of(id),
            &parameter("fieldManager", Some(manager))[1..]
        );
        let call = Call::with_body(
            Verb::Update,
            Method::PUT,
            path,
            "application/json",
            request::body(body),
        );
        self.stored(resource, id, body, &call).await
    }

    /// Sends `call`, which stores `body`, and returns the object as it is stored.
    ///
    /// Where an earlier attempt was carried out and its answer was lost, the next one meets with a
    /// conflict: then what is there is looked at.
    async fn stored(
        &self,
        resource: &Resource,
        id: &ObjectId,
        body: &Value,
        call: &Call,
    ) -> Result<Value, RequestError> {
        let error = match self
            .json(&Call {
                object: Some(id.clone()),
                ..call.clone()
            })
            .await
        {
            Err(error) if error.may_be_with_itself() => error,
            result => return result,
        };
        let there = self
            .get(resource, id.namespace.as_deref(), &id.name)
            .await?;
        there.filter(|there| holds(there, body)).ok_or(error)
    }

    /// Evicts the pod `id` of this `uid`, as far as PodDisruptionBudgets allow: where they do not
    /// it is asked again for some time. A pod that is gone, or another one of its name, is left.
    /// <https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/>
    pub(crate) async fn evict(
        &self,
        resource: &Resource,
        id: &ObjectId,
        uid: &str,
    ) -> Result<(), RequestError> {
        let body = json!({
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": id.name, "namespace": id.namespace},
            "deleteOptions": {"preconditions": {"uid": uid}},
        });
        let path = format!("{}/eviction", resource.path_of(id));
        let call = Call::with_body(
            Verb::Create,
            Method::POST,
            path,
            "application/json",
            request::body(&body),
        );
        match self
            .call(&Call {
                object: Some(id.clone()),
                ..call
            })
            .await
        {
            Err(error) if error.is_absent() || error.is_conflict() => Ok(()),
            answer => answer.map(|_| ()),
        }
    }

    /// Deletes the object `id` where the preconditions of `options` hold.
    /// <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/delete-options/>
    pub(crate) async fn delete(
        &self,
        resource: &Resource,
        id: &ObjectId,
        options: &DeleteOptions,
    ) -> Result<Deleted, RequestError> {
        let body = request::body(&options.body());
        let call = Call::with_body(
            Verb::Delete,
            Method::DELETE,
            resource.path_of(id),
            "application/json",
            body,
        );
        match self
            .json::<Value>(&Call {
                object: Some(id.clone()),
                ..call
            })
            .await
        {
            Ok(answer) => Ok(if is_still_there(&answer) {
                Deleted::Terminating(answer)
            } else {
                Deleted::Gone
            }),
            Err(error) if error.is_absent() => Ok(Deleted::Absent),
            Err(error) => Err(error),
        }
    }
}

/// Whether `stored` has every value of `sent`, but for the resource version, which is another after
/// each write.
fn holds(stored: &Value, sent: &Value) -> bool {
    match (stored, sent) {
        (Value::Object(stored), Value::Object(sent)) => sent
            .iter()
            .filter(|(name, _)| *name != "resourceVersion")
            .all(|(name, sent)| stored.get(name).is_some_and(|stored| holds(stored, sent))),
        _ => stored == sent,
    }
}

/// Whether `answer`, a Status or the object as it was at last, is about something that is still
/// there.
///
/// Some kinds are answered with the object also where it is gone: not marked for deletion, or
/// marked with no time and no finalizer left, like a Pod that never ran. A Namespace is held by
/// `spec.finalizers` and has no grace period.
fn is_still_there(answer: &Value) -> bool {
    let view = ManifestView(answer);
    let is_held = view.finalizers().next().is_some();
    let has_time = integer(answer, "/metadata/deletionGracePeriodSeconds") != Some(0);
    view.is_terminating() && (is_held || has_time)
}

impl DeleteOptions {
    fn body(&self) -> Value {
        let mut body = json!({"apiVersion": "v1", "kind": "DeleteOptions"});
        for (name, value) in [
            ("uid", &self.uid),
            ("resourceVersion", &self.resource_version),
        ] {
            if let Some(value) = value {
                body["preconditions"][name] = value.as_str().into();
            }
        }
        if let Some(propagation) = self.propagation {
            body["propagationPolicy"] = propagation.as_str().into();
        }
        body
    }
}

impl Propagation {
    fn as_str(self) -> &'static str {
        match self {
            Propagation::Background => "Background",
            Propagation::Foreground => "Foreground",
            Propagation::Orphan => "Orphan",
        }
    }
}

fn apply_call(
    resource: &Resource,
    id: &ObjectId,
    body: &Value,
    manager: &str,
    force: Force,
    verb: Verb,
) -> Call {
    let dry_run = if verb == Verb::DryRun {
        "&dryRun=All"
    } else {
        ""
    };
    let path = format!(
        "{}?force={}&fieldValidation=Strict{dry_run}{}",
        resource.path_of(id),
        force == Force::Yes,
        parameter("fieldManager", Some(manager))
    );
    let call = Call::with_body(
        verb,
        Method::PATCH,
        path,
        "application/apply-patch+yaml",
        request::body(body),
    );
    Call {
        object: Some(id.clone()),
        ..call
    }
}

fn json_patch_call(
    (resource, id): (&Resource, &ObjectId),
    patch: &Value,
    manager: &str,
    verb: Verb,
    more: &str,
) -> Call {
    let manager = &parameter("fieldManager", Some(manager))[1..];
    Call::with_body(
        verb,
        Method::PATCH,
        format!("{}?{manager}{more}", resource.path_of(id)),
        "application/json-patch+json",
        request::body(patch),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_answered_may_be_gone_already() {
        let terminating = |metadata: Value| is_still_there(&json!({"metadata": metadata}));
        assert!(!terminating(json!({})));
        assert!(!terminating(
            json!({"deletionTimestamp": "t", "deletionGracePeriodSeconds": 0})
        ));
        assert!(terminating(
            json!({"deletionTimestamp": "t", "deletionGracePeriodSeconds": 0, "finalizers": ["a/b"]})
        ));
        assert!(terminating(
            json!({"deletionTimestamp": "t", "deletionGracePeriodSeconds": 30})
        ));
        assert!(terminating(json!({"deletionTimestamp": "t"})));
    }

    #[test]
    fn what_was_stored_is_known_again_by_what_was_sent() {
        let sent =
            json!({"metadata": {"name": "a", "resourceVersion": "1"}, "data": {"head": "x"}});
        let stored = |head: &str| json!({"metadata": {"name": "a", "resourceVersion": "2", "uid": "u"}, "data": {"head": head}, "type": "t"});
        assert!(holds(&stored("x"), &sent));
        assert!(!holds(&stored("y"), &sent));
    }

    #[test]
    fn a_deletion_says_only_what_was_asked_for() {
        assert_eq!(
            DeleteOptions::default().body(),
            json!({"apiVersion": "v1", "kind": "DeleteOptions"})
        );
        let options = DeleteOptions {
            uid: Some("u".to_owned()),
            resource_version: None,
            propagation: Some(Propagation::Orphan),
        };
        assert_eq!(
            options.body(),
            json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": "u"}, "propagationPolicy": "Orphan"})
        );
    }
}
