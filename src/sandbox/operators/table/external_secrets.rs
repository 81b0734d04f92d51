//! External Secrets: stores are valid, and what they hold is made up.
//!
//! See <https://external-secrets.io/latest/api/externalsecret/>.

use serde_json::{Map, Value, json};

use super::secret::{Data, filled, secret};
use crate::sandbox::operators::{
    kind::{Absence, PlayedKind, Reference, played},
    subject::{NOW, Subject, entries, keys, made_up, namespace, text_or},
};

const GROUP: &str = "external-secrets.io";
const OPERATOR: &str = "external-secrets";
const API_VERSION: &str = "external-secrets.io/v1";

/// Names the keys that `dataFrom` brings, which only the real store knows.
const KEYS: &str = "sandbox.deployctl.dev/keys";

pub(super) const KINDS: &[PlayedKind] = &[
    played(OPERATOR, (GROUP, "SecretStore"), store),
    played(OPERATOR, (GROUP, "ClusterSecretStore"), store),
    played(OPERATOR, (GROUP, "ExternalSecret"), external_secret)
        .making(secrets)
        .referring(stores),
    played(OPERATOR, (GROUP, "PushSecret"), push_secret).referring(pushed),
];

fn store(subject: &Subject<'_>) -> Value {
    let badly = ("InvalidProviderConfig", "unable to create client");
    json!({
        "capabilities": "ReadWrite",
        "conditions": [subject.condition("Ready", ("Valid", "store validated"), badly)],
    })
}

fn external_secret(subject: &Subject<'_>) -> Value {
    let badly = (
        "SecretSyncedError",
        "could not get secret data from provider",
    );
    let mut status = json!({
        "conditions": [subject.condition("Ready", ("SecretSynced", "secret synced"), badly)],
        "refreshTime": NOW,
    });
    if subject.fault.is_none() {
        let generation = &subject.object["metadata"]["generation"];
        let digest = made_up(&[&subject.spec().to_string()]);
        status["syncedResourceVersion"] = format!("{generation}-{digest}").into();
        status["binding"] = json!({"name": target_name(subject)});
    }
    status
}

fn target_name<'a>(subject: &Subject<'a>) -> &'a str {
    text_or(&subject.spec()["target"]["name"], subject.name())
}

fn stores(object: &Value) -> Vec<Reference> {
    let spec = &object["spec"];
    let own = entries(&spec["data"])
        .iter()
        .chain(entries(&spec["dataFrom"]))
        .map(|entry| &entry["sourceRef"]["storeRef"]);
    let mut references = Vec::new();
    for store in own.chain([&spec["secretStoreRef"]]) {
        let reference = store_reference(object, store);
        if !references.contains(&reference) && !reference.name.is_empty() {
            references.push(reference);
        }
    }
    references
}

fn store_reference(object: &Value, store: &Value) -> Reference {
    let kind = text_or(&store["kind"], "SecretStore");
    let namespace = if kind == "ClusterSecretStore" {
        ""
    } else {
        namespace(object)
    };
    Reference::to(
        (API_VERSION, kind),
        namespace,
        text_or(&store["name"], ""),
        Absence::Fails,
    )
}

fn secrets(subject: &Subject<'_>) -> Vec<Value> {
    let target = &subject.spec()["target"];
    let policy = text_or(&target["creationPolicy"], "Owner");
    if !["Owner", "Orphan"].contains(&policy) || !target["manifest"].is_null() {
        return Vec::new();
    }
    let values = values(subject);
    let template = &target["template"];
    let mut data = if keys(&template["data"]).next().is_none() || template["mergePolicy"] == "Merge"
    {
        values.clone()
    } else {
        Data::new()
    };
    for key in keys(&template["data"]) {
        let text = text_or(&template["data"][key], "");
        data.insert(key.to_owned(), filled(text, &values));
    }
    let mut secret = secret(subject.namespace(), target_name(subject), &data);
    secret["type"] = text_or(&template["type"], "Opaque").into();
    // Without a template, the Secret takes the labels and annotations of the ExternalSecret over.
    let metadata = if template.is_null() {
        &subject.object["metadata"]
    } else {
        &template["metadata"]
    };
    secret["metadata"]["annotations"] = metadata["annotations"].clone();
    let mut labels = metadata["labels"]
        .as_object()
        .cloned()
        .unwrap_or_else(Map::new);
    labels.insert(
        "reconcile.external-secrets.io/managed".to_owned(),
        "true".into(),
    );
    if policy == "Owner" {
        let creator = made_up(&[subject.namespace(), subject.name()]);
        labels.insert(
            "reconcile.external-secrets.io/created-by".to_owned(),
            creator.into(),
        );
    } else {
        secret["metadata"]["ownerReferences"] = json!([]);
    }
    secret["metadata"]["labels"] = labels.into();
    if target["immutable"] == true {
        secret["immutable"] = true.into();
    }
    vec![secret]
}

/// What the store holds for an `ExternalSecret`.
fn values(subject: &Subject<'_>) -> Data {
    let spec = subject.spec();
    let named = entries(&spec["data"])
        .iter()
        .filter_map(|entry| entry["secretKey"].as_str());
    // A generator of passwords makes this one key.
    let generated = entries(&spec["dataFrom"])
        .iter()
        .filter(|entry| entry["sourceRef"]["generatorRef"]["kind"] == "Password")
        .map(|_| "password");
    let annotated = subject.annotation(KEYS).unwrap_or_default();
    let annotated = annotated
        .split(',')
        .map(str::trim)
        .filter(|key| !key.is_empty());
    let value = |key: &str| made_up(&[subject.namespace(), subject.name(), key]);
    named
        .chain(generated)
        .chain(annotated)
        .map(|key| (key.to_owned(), value(key)))
        .collect()
}

fn push_secret(subject: &Subject<'_>) -> Value {
    let badly = ("Errored", "set secret failed");
    json!({
        "conditions": [subject.condition("Ready", ("Synced", "PushSecret synced successfully"), badly)],
        "refreshTime": NOW,
    })
}

fn pushed(object: &Value) -> Vec<Reference> {
    let spec = &object["spec"];
    let stores = entries(&spec["secretStoreRefs"])
        .iter()
        .map(|store| store_reference(object, store));
    let secret = &spec["selector"]["secret"]["name"];
    let secret = secret
        .as_str()
        .map(|name| Reference::to(("v1", "Secret"), namespace(object), name, Absence::Fails));
    stores
        .filter(|store| !store.name.is_empty())
        .chain(secret)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The Secret that is made for an `ExternalSecret` with this target.
    fn made(target: &Value) -> Vec<Value> {
        let object = json!({
            "metadata": {"name": "shop", "namespace": "web", "labels": {"app": "shop"}},
            "spec": {"target": target, "data": [{"secretKey": "password"}]},
        });
        secrets(&Subject::of(&object))
    }

    #[test]
    fn without_a_template_the_secret_is_labelled_as_what_it_is_made_for() {
        let secret = &made(&json!({}))[0];
        assert_eq!(secret["metadata"]["name"], "shop");
        assert_eq!(secret["metadata"]["labels"]["app"], "shop");
        assert_eq!(keys(&secret["data"]).collect::<Vec<_>>(), ["password"]);
    }

    #[test]
    fn a_template_says_which_keys_there_are_unless_they_are_merged() {
        let target =
            |policy: &str| json!({"template": {"mergePolicy": policy, "data": {"url": "db"}}});
        let keys_of = |target: &Value| -> Vec<String> {
            keys(&made(target)[0]["data"]).map(str::to_owned).collect()
        };
        assert_eq!(keys_of(&target("Replace")), ["url"]);
        assert_eq!(keys_of(&target("Merge")), ["password", "url"]);
    }

    #[test]
    fn only_what_is_to_be_created_is_made_and_an_orphan_belongs_to_nobody() {
        assert_eq!(made(&json!({"creationPolicy": "None"})), [] as [Value; 0]);
        assert_eq!(made(&json!({"creationPolicy": "Merge"})), [] as [Value; 0]);
        let orphan = &made(&json!({"creationPolicy": "Orphan"}))[0];
        assert_eq!(orphan["metadata"]["ownerReferences"], json!([]));
    }
}
