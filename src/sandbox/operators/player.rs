//! Plays the operator of one kind for one object.

use jiff::Timestamp;
use kube::{
    Api, Client,
    api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams},
    core::GroupVersionKind,
};
use serde_json::{Value, json};

use super::{
    kind::{Absence, Reference, owned},
    served::Served,
    status,
    subject::{FAULT, Subject, name, namespace},
};

/// Plays the operator of one kind.
#[derive(Clone)]
pub(super) struct Player {
    pub(super) client: Client,
    pub(super) served: Served,
}

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Played {
    /// Everything is as the operator wants it.
    Done,
    /// Something is not there that the object refers to; it is worth looking again.
    Waits,
}

impl Player {
    /// All objects of the kind.
    pub(super) fn objects(&self) -> Api<DynamicObject> {
        Api::all_with(self.client.clone(), &self.served.resource)
    }

    /// Makes what the operator would make, and writes the status that it would write.
    pub(super) async fn play(&self, object: &Value) -> Result<Played, kube::Error> {
        let label = object["metadata"]["labels"][FAULT].as_str();
        if label == Some("silent") {
            return Ok(Played::Done);
        }
        let mut subject = Subject::of(object);
        subject.fault =
            (label == Some("fails")).then(|| "the sandbox was asked to fail it".to_owned());
        let mut played = Played::Done;
        for reference in (self.served.kind.references)(object) {
            let found = self.find(&reference).await?;
            if found.is_none() && reference.absence != Absence::Bearable {
                played = Played::Waits;
                if reference.absence == Absence::Silent {
                    return Ok(played);
                }
                let fault = || format!("{} \"{}\" not found", reference.kind, reference.name);
                subject.fault.get_or_insert_with(fault);
            }
            subject.found.push(found);
        }
        if subject.fault.is_none()
            && let Some(refusal) = self.make_all(&subject).await?
        {
            played = Played::Waits;
            subject.fault = Some(refusal);
        }
        self.say(object, &(self.served.kind.status)(&subject))
            .await?;
        Ok(played)
    }

    /// Deletes what the operator has made for an object that is gone, and that the garbage
    /// collector leaves: what is in no namespace cannot belong to an object that is in one.
    pub(super) async fn clean_up(&self, object: &Value) -> Result<(), kube::Error> {
        let mut subject = Subject::of(object);
        for reference in (self.served.kind.references)(object) {
            subject.found.push(self.find(&reference).await?);
        }
        for made in (self.served.kind.made)(&subject) {
            if namespace(&made).is_empty() && self.served.is_namespaced {
                let objects = self.api_of(&made["apiVersion"], &made["kind"], "");
                match objects.delete(name(&made), &DeleteParams::default()).await {
                    Err(kube::Error::Api(status)) if status.code == 404 => {}
                    result => drop(result?),
                }
            }
        }
        Ok(())
    }

    async fn find(&self, reference: &Reference) -> Result<Option<Value>, kube::Error> {
        let objects = self.api_of(
            &json!(reference.api_version),
            &json!(reference.kind),
            &reference.namespace,
        );
        let found = objects.get_opt(&reference.name).await?;
        Ok(found.map(|found| json!(found)))
    }

    /// Returns what the API server says where it refuses something, for example because of a quota.
    async fn make_all(&self, subject: &Subject<'_>) -> Result<Option<String>, kube::Error> {
        for made in (self.served.kind.made)(subject) {
            match self.make(subject.object, made).await {
                Err(kube::Error::Api(refusal)) => return Ok(Some(refusal.message)),
                result => result?,
            }
        }
        Ok(None)
    }

    async fn make(&self, owner: &Value, made: Value) -> Result<(), kube::Error> {
        let objects = self.api_of(&made["apiVersion"], &made["kind"], namespace(&made));
        // Zalando's operator takes over the password of a Secret that is there already.
        let takes_over = self.served.kind.kind == "postgresql" && made["kind"] == "Secret";
        if takes_over && objects.get_opt(name(&made)).await?.is_some() {
            return Ok(());
        }
        let can_own =
            namespace(owner) == namespace(&made) && made["metadata"]["ownerReferences"].is_null();
        let made = if can_own { owned(owner, made) } else { made };
        let parameters = PatchParams::apply(self.served.kind.operator).force();
        objects
            .patch(name(&made), &parameters, &Patch::Apply(&made))
            .await?;
        Ok(())
    }

    async fn say(&self, object: &Value, wanted: &Value) -> Result<(), kube::Error> {
        let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let Some(change) = status::change(&object["status"], wanted, &now) else {
            return Ok(());
        };
        // Refused where somebody has written since, which this operator is yet to hear of.
        let version = &object["metadata"]["resourceVersion"];
        let patch =
            Patch::Merge(json!({"metadata": {"resourceVersion": version}, "status": change}));
        let parameters = PatchParams {
            field_manager: Some(self.served.kind.operator.to_owned()),
            ..PatchParams::default()
        };
        let objects = self.api_with(&self.served.resource, namespace(object));
        if self.served.has_status_subresource {
            objects
                .patch_status(name(object), &parameters, &patch)
                .await?;
        } else {
            objects.patch(name(object), &parameters, &patch).await?;
        }
        Ok(())
    }

    fn api_of(&self, api_version: &Value, kind: &Value, namespace: &str) -> Api<DynamicObject> {
        let (api_version, kind) = (api_version.as_str(), kind.as_str().unwrap_or_default());
        let (group, version) = api_version
            .unwrap_or_default()
            .rsplit_once('/')
            .unwrap_or(("", api_version.unwrap_or_default()));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        self.api_with(&resource, namespace)
    }

    fn api_with(&self, resource: &ApiResource, namespace: &str) -> Api<DynamicObject> {
        if namespace.is_empty() {
            Api::all_with(self.client.clone(), resource)
        } else {
            Api::namespaced_with(self.client.clone(), namespace, resource)
        }
    }
}
