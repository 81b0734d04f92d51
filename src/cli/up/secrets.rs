use std::{path::Path, sync::Arc};

use serde_json::Value;

use crate::{
    cli::{
        secret_arguments::{GivenSecrets, ask_and_resolve},
        up::prepare::SECRETS_PHASE,
    },
    cluster::{Live, Seen},
    engine::{DesiredObject, DesiredState},
    error::CommandError,
    object::{Object, ObjectId, Origin},
    phase::Ordered,
    plan::{PhaseId, Plan},
    report::Output,
    secret::{Known, Needs},
};

/// The Secrets that a plan declares, with what was given for them.
#[derive(Clone, Copy)]
pub(in crate::cli) struct Declarations<'a> {
    pub(super) plan: &'a Plan,
    pub(super) given: &'a GivenSecrets,
}

/// The values of declared Secrets.
#[derive(Default)]
pub(in crate::cli) struct ResolvedSecrets {
    /// `NAME/KEY` and where the value comes from.
    pub(super) sources: Vec<(String, String)>,
    known: Known,
}

/// The Secrets that the plan declares.
pub(super) fn declared(plan: &Plan) -> impl Iterator<Item = ObjectId> {
    plan.secrets.iter().flat_map(|secret| {
        let namespaces = if secret.namespaces.is_empty() {
            vec![plan.namespace.clone()]
        } else {
            secret.namespaces.clone()
        };
        namespaces
            .into_iter()
            .map(|namespace| id(&namespace, &secret.name))
    })
}

fn id(namespace: &str, name: &str) -> ObjectId {
    ObjectId {
        group: String::new(),
        kind: "Secret".to_owned(),
        namespace: Some(namespace.to_owned()),
        name: name.to_owned(),
    }
}

/// Decides where every value comes from. What is missing and cannot be asked for is an error that
/// lists all of it.
pub(super) fn plan_values(
    given: &GivenSecrets,
    plan: &Plan,
    live: &Live,
) -> Result<Needs, CommandError> {
    check_seen(plan, live)?;
    given.plan(plan, &|namespace, name| {
        live.object(&id(namespace, name)).map(AsRef::as_ref)
    })
}

fn check_seen(plan: &Plan, live: &Live) -> Result<(), CommandError> {
    if let Some(hidden) =
        declared(plan).find(|id| matches!(live.seen(id), Seen::Forbidden | Seen::Unasked))
    {
        // Taking it for absent would generate its values anew, and lock the database out that was
        // made with the old ones.
        return Err(CommandError::failed(format!("you may not read {hidden}, so its values cannot be kept; nothing was changed"))
            .hint("ask the cluster's administrator for the permission to get, list and patch Secrets in this namespace"));
    }
    Ok(())
}

/// Asks for what `needs` says and puts the Secrets among what is wanted.
pub(super) fn add(
    needs: &Needs,
    plan: &Plan,
    wanted: &mut DesiredState,
    output: &mut Output,
) -> Result<ResolvedSecrets, CommandError> {
    add_knowing(needs, &Known::default(), plan, wanted, output)
}

/// Keeps the values that have come into the cluster since they were `chosen`. All others are what
/// they were: nobody is asked for them a second time, and none is generated anew.
pub(super) fn add_again(
    declarations: Declarations<'_>,
    chosen: &ResolvedSecrets,
    live: &Live,
    wanted: &mut DesiredState,
    output: &mut Output,
) -> Result<ResolvedSecrets, CommandError> {
    let Declarations { plan, given } = declarations;
    check_seen(plan, live)?;
    let needs = given.plan_again(plan, &|namespace, name| {
        live.object(&id(namespace, name)).map(AsRef::as_ref)
    })?;
    add_knowing(&needs, &chosen.known, plan, wanted, output)
}

fn add_knowing(
    needs: &Needs,
    known: &Known,
    plan: &Plan,
    wanted: &mut DesiredState,
    output: &mut Output,
) -> Result<ResolvedSecrets, CommandError> {
    let resolved = tokio::task::block_in_place(|| ask_and_resolve(needs, known, plan, output))?;
    for manifest in resolved.manifests {
        let Some(object) = object(manifest, plan) else {
            continue;
        };
        let order = Ordered {
            id: object.id.clone(),
            after: Vec::new(),
            soft_dependencies: Vec::new(),
            priority: 0,
            last: false,
        };
        let wanted_object = DesiredObject::new(
            object,
            PhaseId::declared(SECRETS_PHASE),
            order,
            &plan.release,
        );
        wanted
            .objects
            .insert(wanted_object.object.id.clone(), wanted_object);
    }
    Ok(ResolvedSecrets {
        sources: needs.sources(),
        known: resolved.known,
    })
}

fn object(manifest: Value, plan: &Plan) -> Option<Object> {
    Some(Object {
        id: ObjectId::of(&manifest)?,
        api_version: "v1".to_owned(),
        body: Arc::new(manifest),
        origin: origin(plan),
    })
}

/// Where declared Secrets are written down.
pub(super) fn origin(plan: &Plan) -> Origin {
    Origin {
        file: Arc::from(Path::new(&plan.file)),
        line: 1,
    }
}
