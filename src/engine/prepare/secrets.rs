//! The Secrets that a plan declares: their values are decided about, asked for, and join what is
//! wanted.

use std::{path::Path, sync::Arc};

use serde_json::{Value, json};

use crate::engine::{
    desired::{DesiredObject, DesiredState, SECRETS_PHASE},
    plan::selection::Selection,
    prepare::ask::Ask,
    prepare::context::PrepareContext,
    prepare::prepared::Prepared,
};
use crate::{
    cluster::{Live, Seen},
    error::{CommandError, ExitCode},
    object::{Object, ObjectId, Origin},
    phase::Ordered,
    plan::{PhaseId, Plan, SecretDeclaration},
    secret::{
        self, FROM_THE_PLAN, Known, Needs, Resolved, Rotate, Supplied, Surroundings, command_error,
        plan_values,
    },
};

/// Secret values as they were given on the command line and in the environment, checked against the
/// plan.
#[derive(Debug)]
pub(crate) struct GivenSecrets {
    /// Values.
    pub(crate) supplied: Supplied,
    /// Values that the cluster has and that are replaced.
    pub(crate) rotate: Vec<Rotate>,
}

/// The Secrets that a plan declares, with what was given for them.
#[derive(Clone, Copy)]
pub(crate) struct Declarations<'a> {
    /// The plan.
    pub(crate) plan: &'a Plan,
    /// What was given.
    pub(crate) given: &'a GivenSecrets,
    /// Whether nothing is going to be written: then what is missing is shown as such, and nobody is
    /// asked for it.
    pub(crate) looks_only: bool,
}

impl Declarations<'_> {
    /// Decides where every value comes from. Asks nothing.
    ///
    /// An error lists everything that is missing or contradictory at once (exit 2), what cannot be
    /// asked for where nobody `is_interactive` among it.
    fn needs(self, live: &Live, is_interactive: bool) -> Result<Needs, CommandError> {
        let mut needs = self.needs_again(live)?;
        needs.note_absent_files(&self.plan.paths.folder);
        if self.looks_only {
            needs.leave_open(is_interactive);
            return Ok(needs);
        }
        if let Some(error) = needs.missing_error(is_interactive) {
            return Err(error);
        }
        if !is_interactive {
            needs.leave_out_unasked();
        }
        Ok(needs)
    }

    /// Decides it once more, where every value was resolved before, so that none can be missing.
    fn needs_again(self, live: &Live) -> Result<Needs, CommandError> {
        let Self { plan, given, .. } = self;
        check_seen(plan, live)?;
        let needs = plan_values(
            &plan.contents.secrets,
            &plan.namespace.name,
            &|namespace, name| live.object(&id(namespace, name)).map(AsRef::as_ref),
            &given.supplied,
            &given.rotate,
        );
        if needs.problems.is_empty() {
            Ok(needs)
        } else {
            Err(command_error(&needs.problems))
        }
    }
}

/// The Secrets that the plan declares.
pub(crate) fn declared(plan: &Plan) -> impl Iterator<Item = ObjectId> {
    declared_as(plan).map(|(id, _)| id)
}

/// The keys, as `NAME/KEY`, whose values stand in the plan, and that they do: what is known of declared
/// Secrets where none of them is part of the run.
pub(crate) fn open_sources(plan: &Plan) -> Vec<(String, String)> {
    let keys = plan.contents.secrets.iter().flat_map(|secret| {
        let open = secret.data.iter().filter(|(_, key)| key.value.is_some());
        open.map(|(key, _)| (format!("{}/{key}", secret.name), FROM_THE_PLAN.to_owned()))
    });
    keys.collect()
}

/// The Secrets that the plan declares, each as far as it is known without values.
pub(crate) fn declared_as(plan: &Plan) -> impl Iterator<Item = (ObjectId, Value)> {
    declarations(plan).map(|(id, secret)| (id, json!({"metadata": {"labels": secret.labels}})))
}

/// The Secrets that the plan declares, each as it is declared.
pub(crate) fn declarations(plan: &Plan) -> impl Iterator<Item = (ObjectId, &SecretDeclaration)> {
    plan.contents.secrets.iter().flat_map(|secret| {
        let namespaces = if secret.namespaces.is_empty() {
            vec![plan.namespace.name.clone()]
        } else {
            secret.namespaces.clone()
        };
        namespaces
            .into_iter()
            .map(move |namespace| (id(&namespace, &secret.name), secret))
    })
}

/// The Secrets that the plan declares and that `selection` holds.
pub(crate) fn selected(plan: &Plan, selection: &Selection) -> impl Iterator<Item = ObjectId> {
    let phase = PhaseId::declared(SECRETS_PHASE);
    let selected =
        declared_as(plan).filter(move |(id, object)| selection.holds_object(&phase, id, object));
    selected.map(|(id, _)| id)
}

/// Whether declared Secrets are part of a run of `selection`. Refused is a part of them where
/// another one is not there yet: what is composed of its values would not fit it later.
pub(crate) fn are_selected(
    plan: &Plan,
    selection: &Selection,
    live: &Live,
) -> Result<bool, CommandError> {
    if !selection.is_of_objects() {
        return Ok(selection.holds(&PhaseId::declared(SECRETS_PHASE)));
    }
    let selected: Vec<ObjectId> = selected(plan, selection).collect();
    let is_missing = |id: &ObjectId| !selected.contains(id) && live.object(id).is_none();
    match declared(plan).find(is_missing) {
        Some(missing) if !selected.is_empty() => Err(CommandError::usage(format!(
            "{} is a part of the Secrets that the plan declares, and {missing} is not there yet",
            selected[0]
        ))
        .hint("Secrets may be composed of each other's values: deploy all of them with `--phase secrets`")),
        _ => Ok(!selected.is_empty()),
    }
}

fn id(namespace: &str, name: &str) -> ObjectId {
    ObjectId::core("Secret", Some(namespace), name)
}

fn check_seen(plan: &Plan, live: &Live) -> Result<(), CommandError> {
    if let Some(hidden) =
        declared(plan).find(|id| matches!(live.seen(id), Seen::Forbidden | Seen::Unasked))
    {
        // Taking it for absent would generate its values anew, and lock the database out that was
        // made with the old ones.
        return Err(CommandError::new(ExitCode::Refused, format!("you may not read {hidden}, so its values cannot be kept; nothing was changed"))
            .hint("ask the cluster's administrator for the permission to get, list and patch Secrets in this namespace"));
    }
    Ok(())
}

/// Decides where every value comes from, asks for those that nothing else can supply, and puts the
/// Secrets among what is wanted. What is missing and cannot be asked for is an error that lists all
/// of it.
pub(crate) fn resolve(
    context: PrepareContext<'_>,
    declarations: Declarations<'_>,
    selection: &Selection,
    prepared: &mut Prepared,
    ask: &mut dyn Ask,
) -> Result<(), CommandError> {
    let needs = declarations.needs(&prepared.observation.live, ask.is_interactive())?;
    let plan = declarations.plan;
    if !needs.to_prompt.is_empty() {
        // Nobody should type a password without knowing which cluster it is for.
        ask.note(&format!(
            "{} in context {} ({})",
            plan.address.release,
            context.cluster.context(),
            context.cluster.server()
        ));
    }
    add(&needs, (plan, selection), prepared, ask)
}

/// Keeps the values that have come into the cluster since they were resolved. All others are what
/// they were: nobody is asked for them a second time, and none is generated anew.
pub(crate) fn resolve_again(
    declarations: Declarations<'_>,
    selection: &Selection,
    prepared: &mut Prepared,
    ask: &mut dyn Ask,
) -> Result<(), CommandError> {
    let needs = declarations.needs_again(&prepared.observation.live)?;
    add(&needs, (declarations.plan, selection), prepared, ask)
}

/// Puts the Secrets that are selected among what is wanted, with the values that `needs` says and
/// those that are known.
fn add(
    needs: &Needs,
    (plan, selection): (&Plan, &Selection),
    prepared: &mut Prepared,
    ask: &mut dyn Ask,
) -> Result<(), CommandError> {
    let Prepared {
        desired, secrets, ..
    } = prepared;
    let resolved = tokio::task::block_in_place(|| asked(needs, &secrets.known, plan, ask))?;
    let selected: Vec<ObjectId> = selected(plan, selection).collect();
    let manifests = resolved.manifests.into_iter();
    for object in manifests.filter_map(|manifest| object(manifest, plan)) {
        if selected.contains(&object.id) {
            add_object(object, desired);
        }
    }
    secrets.sources = needs.sources();
    secrets.known = resolved.known;
    Ok(())
}

/// Lists what will be asked, asks for what is not `known`, and returns the Secrets to apply.
fn asked(
    needs: &Needs,
    known: &Known,
    plan: &Plan,
    ask: &mut dyn Ask,
) -> Result<Resolved, CommandError> {
    // Where nothing is asked, the changes say where each new value comes from.
    if needs.to_prompt.iter().any(|need| !known.holds(&need.name)) {
        needs.describe().iter().for_each(|line| ask.paragraph(line));
    }
    let surroundings = Surroundings {
        folder: &plan.paths.folder,
        variables: &plan.variables.values,
    };
    let resolved = secret::resolve(needs, known, ask.prompt(), &surroundings)
        .map_err(|errors| command_error(&errors))?;
    for warning in &resolved.warnings {
        ask.note(&format!("Warning: {warning}"));
    }
    Ok(resolved)
}

fn add_object(object: Object, desired: &mut DesiredState) {
    let order = Ordered {
        id: object.id.clone(),
        after: Vec::new(),
        ready: Vec::new(),
        soft_dependencies: Vec::new(),
        priority: 0,
        last: false,
    };
    let phase = PhaseId::declared(SECRETS_PHASE);
    let id = object.id.clone();
    let object = DesiredObject::new(object, phase, order, &desired.release);
    desired.objects.insert(id, object);
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
pub(crate) fn origin(plan: &Plan) -> Origin {
    Origin {
        file: Arc::from(Path::new(&plan.paths.file)),
        line: 1,
    }
}
