//! What a plan brings: its objects, what is made for them, the Secrets that it declares, and what
//! annotations say.

use crate::engine::{plan::selection::Selection, prepare::secrets};
use crate::{
    object::{Keys, Object, ObjectId, Provided, Provisions},
    plan::{Plan, SecretDeclaration, SecretKind},
};

/// What is known of the keys of declared Secrets.
#[derive(Clone, Copy)]
pub(crate) enum SecretKeys<'a> {
    /// What the plan declares.
    Declared,
    /// What has come of it, where the Secrets are part of a run: those that are wanted are among the
    /// objects.
    Resolved(&'a Selection),
}

/// What there will be because of `objects`, which are what is wanted of `plan`; `provided` is what
/// their annotations say.
pub(crate) fn provisions<'a>(
    objects: impl Iterator<Item = &'a Object>,
    plan: &Plan,
    secrets: SecretKeys<'_>,
    provided: &[(ObjectId, Provided)],
) -> Provisions {
    let mut provisions = Provisions::of(objects);
    let resolved: Vec<ObjectId> = match secrets {
        SecretKeys::Declared => Vec::new(),
        SecretKeys::Resolved(selection) => secrets::selected(plan, selection).collect(),
    };
    for (id, declaration) in secrets::declarations(plan) {
        if !resolved.contains(&id) {
            provisions.add(id.clone(), declared_keys(declaration), &id);
        }
    }
    for (by, provided) in provided {
        let (targets, keys) = provided.meant(by);
        for target in targets {
            provisions.add(target, keys.clone(), by);
        }
    }
    provisions
}

/// The keys of a Secret that the plan declares, those that may be left out apart.
fn declared_keys(declaration: &SecretDeclaration) -> Keys {
    let mut keys = Keys::default();
    match declaration.kind {
        SecretKind::DockerConfigJson => drop(keys.always.insert(".dockerconfigjson".to_owned())),
        SecretKind::Tls => keys
            .always
            .extend(["tls.crt".to_owned(), "tls.key".to_owned()]),
        SecretKind::Opaque | SecretKind::BasicAuth => {}
    }
    for (key, value) in &declaration.data {
        let known = if value.optional {
            &mut keys.sometimes
        } else {
            &mut keys.always
        };
        known.insert(key.clone());
    }
    keys
}
