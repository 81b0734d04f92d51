//! Sealed Secrets: what is sealed is unsealed to a value that is made up.
//!
//! See <https://github.com/bitnami-labs/sealed-secrets#sealedsecrets-as-templates-for-secrets>.

use serde_json::{Value, json};

use super::secret::{Data, filled, secret};
use crate::sandbox::operators::{
    kind::{PlayedKind, played},
    subject::{NOW, Subject, keys, made_up, text_or},
};

pub(super) const KINDS: &[PlayedKind] = &[played(
    "sealed-secrets-controller",
    ("bitnami.com", "SealedSecret"),
    status,
)
.making(secrets)];

fn status(subject: &Subject<'_>) -> Value {
    json!({
        "observedGeneration": subject.object["metadata"]["generation"],
        "conditions": [{
            "type": "Synced",
            "status": subject.either("True", "False"),
            "message": subject.either(String::new(), subject.because("no key could decrypt secret")),
            "lastUpdateTime": NOW,
            "lastTransitionTime": NOW,
        }],
    })
}

fn secrets(subject: &Subject<'_>) -> Vec<Value> {
    let template = &subject.spec()["template"];
    let mut data = Data::new();
    for key in keys(&subject.spec()["encryptedData"]) {
        data.insert(
            key.to_owned(),
            made_up(&[subject.namespace(), subject.name(), key]),
        );
    }
    let unsealed = data.clone();
    for key in keys(&template["data"]) {
        let text = || filled(text_or(&template["data"][key], ""), &unsealed);
        data.entry(key.to_owned()).or_insert_with(text);
    }
    let mut secret = secret(subject.namespace(), subject.name(), &data);
    secret["type"] = text_or(&template["type"], "Opaque").into();
    for part in ["labels", "annotations"] {
        secret["metadata"][part] = template["metadata"][part].clone();
    }
    if template["immutable"] == true {
        secret["immutable"] = true.into();
    }
    vec![secret]
}
