//! Secrets that both the plan and a manifest make.

use super::wanted::Wanted;
use crate::{
    finding::Check,
    object::{ManifestView, Object, ObjectId, field::text, made_secret},
    preflight::Finding,
};

/// Objects that are, or make, a Secret which the plan declares under `secrets`: only one of the two
/// would be deployed.
pub(super) fn declared_secrets(wanted: &Wanted<'_>) -> Vec<Finding> {
    let declared: Vec<ObjectId> = declared(wanted).collect();
    let twice = wanted.objects().filter_map(|object| {
        let made = made_secret(&object.id, &object.body).filter(|_| !only_adds(object));
        let secret = made.as_ref().unwrap_or(&object.id);
        if !declared.contains(secret) {
            return None;
        }
        let message = match &made {
            Some(secret) => {
                format!("it makes {secret}, which the plan makes too, under `secrets`")
            }
            None => "the plan makes it too, under `secrets`".to_owned(),
        };
        let finding = Finding::of(Check::DeclaredSecret, message).about(object);
        Some(finding.remedy("leave it out of one of the two"))
    });
    twice.collect()
}

/// Whether `object`, of which an operator makes a Secret, only adds to one that somebody else makes.
/// <https://external-secrets.io/latest/guides/ownership-deletion-policy/#creation-policy>,
/// <https://github.com/bitnami-labs/sealed-secrets#patching-existing-secrets>
fn only_adds(object: &Object) -> bool {
    const PATCH: &str = "sealedsecrets.bitnami.com/patch";
    let body = &object.body;
    let policy = text(body, "/spec/target/creationPolicy");
    let of_secret = "/spec/template/metadata/annotations/sealedsecrets.bitnami.com~1patch";
    let patches = text(body, of_secret).or_else(|| ManifestView(body).annotation(PATCH));
    matches!(policy, Some("Merge" | "None")) || patches == Some("true")
}

fn declared(wanted: &Wanted<'_>) -> impl Iterator<Item = ObjectId> {
    let own = std::slice::from_ref(&wanted.plan.namespace.name);
    let secrets = wanted.plan.contents.secrets.iter();
    secrets.flat_map(move |secret| {
        let namespaces = if secret.namespaces.is_empty() {
            own
        } else {
            secret.namespaces.as_slice()
        };
        let id = |namespace: &String| ObjectId::core("Secret", Some(namespace), &secret.name);
        namespaces.iter().map(id).collect::<Vec<_>>()
    })
}
