use std::{path::Path, sync::Arc};

use serde_json::Value;

use crate::{
    cli::{
        secret_arguments::{GivenSecrets, ask_and_resolve},
        up::prepare::SECRETS_PHASE,
    },
    cluster::{Live, Seen},
    engine::{Wanted, WantedObject},
    error::CommandError,
    object::{Object, ObjectId, Origin},
    phase::Ordered,
    plan::Plan,
    report::Output,
    secret::Needs,
};

/// The Secrets that the plan declares.
pub(super) fn declared(plan: &Plan) -> impl Iterator<Item = ObjectId> {
    plan.secrets.iter().flat_map(|secret| {
        let namespaces = if secret.namespaces.is_empty() { vec![plan.namespace.clone()] } else { secret.namespaces.clone() };
        namespaces.into_iter().map(|namespace| id(&namespace, &secret.name))
    })
}

fn id(namespace: &str, name: &str) -> ObjectId {
    ObjectId { group: String::new(), kind: "Secret".to_owned(), namespace: Some(namespace.to_owned()), name: name.to_owned() }
}

/// Decides where every value comes from. What is missing and cannot be asked for is an error that lists all of it.
pub(super) fn plan_values(given: &GivenSecrets, plan: &Plan, live: &Live) -> Result<Needs, CommandError> {
    if let Some(hidden) = declared(plan).find(|id| matches!(live.seen(id), Seen::Forbidden | Seen::Unasked)) {
        // Taking it for absent would generate its values anew, and lock the database out that was made with the old ones.
        return Err(CommandError::failed(format!("you may not read {hidden}, so its values cannot be kept; nothing was changed"))
            .hint("ask the cluster's administrator for the permission to get, list and patch Secrets in this namespace"));
    }
    given.plan(plan, &|namespace, name| live.object(&id(namespace, name)).map(AsRef::as_ref))
}

/// Asks for what `needs` says and puts the Secrets among what is wanted.
pub(super) fn add(needs: &Needs, plan: &Plan, wanted: &mut Wanted, output: &mut Output) -> Result<(), CommandError> {
    let resolved = tokio::task::block_in_place(|| ask_and_resolve(needs, plan, output))?;
    for manifest in resolved.manifests {
        let Some(object) = object(manifest, plan) else { continue };
        let order = Ordered { id: object.id.clone(), after: Vec::new(), leans_on: Vec::new(), priority: 0, last: false };
        let wanted_object = WantedObject::new(object, SECRETS_PHASE, order, &plan.release);
        wanted.objects.insert(wanted_object.object.id.clone(), wanted_object);
    }
    Ok(())
}

fn object(manifest: Value, plan: &Plan) -> Option<Object> {
    Some(Object { id: ObjectId::of(&manifest)?, api_version: "v1".to_owned(), body: Arc::new(manifest), origin: origin(plan) })
}

/// Where declared Secrets are written down.
pub(super) fn origin(plan: &Plan) -> Origin {
    Origin { file: Arc::from(Path::new(&plan.file)), line: 1 }
}
