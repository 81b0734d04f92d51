//! Secrets that both the plan and a manifest make.

use super::wanted::Wanted;
use crate::{
    finding::Check,
    object::{ObjectId, made_secret},
    preflight::Finding,
};

/// Objects that are, or make, a Secret which the plan declares under `secrets`: only one of the two
/// would be deployed.
pub(super) fn declared_secrets(wanted: &Wanted<'_>) -> Vec<Finding> {
    let declared: Vec<ObjectId> = declared(wanted).collect();
    let twice = wanted.objects().filter_map(|object| {
        let made = made_secret(&object.id, &object.body);
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
