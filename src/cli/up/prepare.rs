use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::{Arguments, secrets};
use crate::{
    cli::{secret_arguments::GivenSecrets, session::Session, wanted::Rendering},
    cluster::{Force, RequestError, Resource, Seen},
    engine::{self, ChangeAction, Decision, Look, Selection, Wanted},
    error::{CommandError, ExitCode},
    object::{ObjectId, Origin},
    ownership::apply_entry,
    plan::{OpenTarget, Plan},
    preflight::{self, Finding},
    release::{Records, Revision, Store, StoreError},
    report::Output,
};

/// Everything that is known before the first write.
pub(super) struct Prepared {
    pub(super) wanted: Wanted,
    pub(super) look: Look,
    pub(super) decisions: Vec<Decision>,
    pub(super) previous: Option<Revision>,
    pub(super) records: Records,
    /// Phases whose `when` does not hold, and why.
    pub(super) skipped: Vec<(String, String)>,
    /// `NAME/KEY` of declared Secrets and where the value comes from.
    pub(super) secret_sources: Vec<(String, String)>,
}

impl Prepared {
    /// How many objects would be written.
    pub(super) fn writes(&self) -> usize {
        self.decisions.iter().filter(|decision| decision.action != ChangeAction::Keep).count()
    }
}

/// Looks at the cluster, checks all that can be known, asks for secrets, and decides what has to be done.
pub(super) async fn prepare(
    arguments: &Arguments,
    plan: &Plan,
    selection: &Selection,
    rendering: Rendering,
    given: &GivenSecrets,
    session: &Session,
    output: &mut Output,
) -> Result<Prepared, CommandError> {
    let rendering = rendering.for_cluster(plan, &session.served)?;
    let skipped = rendering.skipped(plan, &session.served);
    let mut wanted = rendering.wanted(plan, &skipped);
    let implied_namespace = rendering.rendered.implied_namespace.clone();
    let known = readable(&wanted, plan, session);
    let store = Store::new(&session.cluster, &session.served, &plan.state_namespace, &plan.release);
    let observed = async { tokio::try_join!(seen(session, plan, &known), history(&store)) };
    let (look, (previous, records)) = session.unless_interrupted(observed).await?.map_err(|error| observe_error(session, error))?;

    if let Some(namespace) = implied_namespace.filter(|id| belongs_to_others(&look, &records, id, plan)) {
        wanted.objects.shift_remove(&namespace);
    }

    let mut secret_sources = Vec::new();
    let mut findings = static_findings(&wanted, &look, plan, selection, session).await?;
    let first = engine::decide(&wanted, &look.live, &records, selection);
    findings.extend(permissions(&wanted, &first, plan, &look, selection, session).await?);
    if let Some(error) = preflight::refusal(&findings) {
        return Err(error);
    }

    if selection.holds(SECRETS_PHASE) {
        let needs = secrets::plan_values(given, plan, &look.live)?;
        secret_sources = needs.sources();
        if !needs.to_prompt.is_empty() {
            // Nobody should type a password without knowing which cluster it is for.
            output.note(&format!("{} in context {} ({})", plan.release, session.cluster.context(), session.cluster.server()));
        }
        secrets::add(&needs, plan, &mut wanted, output)?;
    }
    let mut decisions = engine::decide(&wanted, &look.live, &records, selection);
    let force = if arguments.force_conflicts { Force::Yes } else { Force::No };
    let tried = engine::dry_runs(&session.cluster, &wanted, &session.served, &look, &mut decisions, force);
    let tried = session.unless_interrupted(tried).await?;
    let refused = decisions
        .iter()
        .zip(&tried)
        .filter_map(|(decision, dry_run)| preflight::judge_dry_run(&wanted.objects[&decision.id].object, dry_run));
    if let Some(error) = preflight::refusal(&refused.collect::<Vec<Finding>>()) {
        return Err(error);
    }
    Ok(Prepared { wanted, look, decisions, previous, records, skipped, secret_sources })
}

/// Whether a namespace that no manifest describes is there without us: then it is left alone, also by those who may not write it.
///
/// Where the user may not even look at it, whether it is there shows when the objects in it are tried.
fn belongs_to_others(look: &Look, records: &Records, namespace: &ObjectId, plan: &Plan) -> bool {
    match look.live.seen(namespace) {
        // Our entry goes with our label, which somebody may have taken off; the record stays.
        Seen::Present(there) => apply_entry(there, &plan.release.field_manager()).is_none() && records.get(namespace).is_none(),
        Seen::Forbidden => true,
        Seen::Absent | Seen::Unasked => false,
    }
}

/// The objects to look at, with the kinds that they are read as: what is rendered, and the Secrets that the plan declares.
fn readable(wanted: &Wanted, plan: &Plan, session: &Session) -> Vec<(ObjectId, Resource)> {
    let rendered = wanted.objects.values().filter_map(|object| {
        Some((object.object.id.clone(), session.served.exact(&object.object.api_version, &object.object.id.kind)?.clone()))
    });
    let mut all: Vec<(ObjectId, Resource)> = rendered.collect();
    if let Some(resource) = session.served.exact("v1", "Secret") {
        all.extend(secrets::declared(plan).map(|id| (id, resource.clone())));
    }
    all
}

enum ObserveError {
    Request(RequestError),
    Store(StoreError),
}

async fn seen(session: &Session, plan: &Plan, known: &[(ObjectId, Resource)]) -> Result<Look, ObserveError> {
    engine::look(&session.cluster, &plan.release, known).await.map_err(ObserveError::Request)
}

/// The last revision, and what it left.
async fn history(store: &Store<'_>) -> Result<(Option<Revision>, Records), ObserveError> {
    let previous = store.revisions().await.map_err(ObserveError::Store)?.pop();
    let records = match &previous {
        Some(previous) => store.records(previous).await.map_err(ObserveError::Store)?,
        None => Records::default(),
    };
    Ok((previous, records))
}

fn observe_error(session: &Session, error: ObserveError) -> CommandError {
    match error {
        ObserveError::Request(error) => session.request_error("cannot look at the cluster", &error),
        ObserveError::Store(error) => session.store_error(&error),
    }
}

/// What stands in the way and does not depend on the values of secrets.
async fn static_findings(
    wanted: &Wanted,
    look: &Look,
    plan: &Plan,
    selection: &Selection,
    session: &Session,
) -> Result<Vec<Finding>, CommandError> {
    let brought = engine::brought(&session.cluster, &session.served, &plan.requires).await;
    let brought = brought.map_err(|error| session.request_error("cannot look at what the cluster brings", &error))?;
    let mut findings = preflight::requirements(&plan.requires, &brought, &session.served);
    let objects = || wanted.objects.values().filter(|object| selection.holds(&object.phase)).map(|object| &object.object);
    findings.extend(preflight::unknown_kinds(objects().map(|object| (object, wanted.resource(object, &session.served))), &session.served));
    findings.extend(preflight::terminating(objects().filter_map(|object| Some((object, look.live.object(&object.id)?.as_ref())))));
    findings.extend(absent_namespaces(wanted, look, plan, selection));
    Ok(findings)
}

/// Namespaces that do not exist and that nothing of the run creates.
fn absent_namespaces(wanted: &Wanted, look: &Look, plan: &Plan, selection: &Selection) -> Vec<Finding> {
    let namespace_of =
        |name: &str| wanted.objects.iter().find(|(id, _)| id.kind == "Namespace" && id.name == name).map(|(_, object)| object);
    let created = |name: &str| namespace_of(name).is_some_and(|object| selection.holds(&object.phase));
    let rendered = wanted.objects.values().filter(|object| selection.holds(&object.phase));
    let rendered = rendered.map(|object| (object.object.id.clone(), object.object.origin.clone()));
    // Declared Secrets join what is wanted once their values are known, which is after this check.
    let declared = secrets::declared(plan).filter(|_| selection.holds(SECRETS_PHASE)).map(|id| (id, secrets::origin(plan)));
    let to_write: Vec<(ObjectId, Origin)> = rendered.chain(declared).collect();
    let absent = look.absent_namespaces.iter().filter(|name| !created(name));
    absent
        .filter_map(|name| {
            let (id, origin) = to_write.iter().find(|(id, _)| id.namespace.as_deref() == Some(name))?;
            Some(Finding {
                exit: ExitCode::Usage,
                at: Some(origin.clone()),
                object: Some(id.clone()),
                message: format!("namespace `{name}` does not exist, and no manifest of this run creates it"),
                remedy: Some(match namespace_of(name) {
                    Some(namespace) => format!("run its phase too: `--phase {}`", namespace.phase),
                    None => format!("add a Namespace `{name}` to the manifests"),
                }),
            })
        })
        .collect()
}

/// Asks what the user may do: before somebody is asked for secrets, and where no dry run could tell because a namespace is new.
async fn permissions(
    wanted: &Wanted,
    decisions: &[Decision],
    plan: &Plan,
    look: &Look,
    selection: &Selection,
    session: &Session,
) -> Result<Vec<Finding>, CommandError> {
    let secrets = secrets::declared(plan).filter(|id| selection.holds(SECRETS_PHASE) && look.live.object(id).is_none());
    let secrets = secrets.map(|id| id.namespace);
    let secrets: BTreeSet<Option<String>> = secrets.collect();
    let refused = engine::refused_writes(&session.cluster, wanted, &session.served, decisions, secrets);
    let refused = session.unless_interrupted(refused).await?;
    let refused = refused.map_err(|error| session.request_error("cannot ask what is permitted", &error))?;
    Ok(preflight::not_permitted(&refused))
}

/// The phase that declared Secrets belong to.
pub(super) const SECRETS_PHASE: &str = "secrets";

/// How to reach what the plan's `open` names.
pub(super) fn access(plan: &Plan, kubectl: &str) -> IndexMap<String, String> {
    plan.open.iter().map(|(name, target)| (name.clone(), how(target, &plan.namespace, kubectl))).collect()
}

fn how(target: &OpenTarget, default_namespace: &str, kubectl: &str) -> String {
    let namespace = target.namespace.as_deref().unwrap_or(default_namespace);
    let local = if target.port < 1024 { target.port + 8000 } else { target.port };
    let ports = if local == target.port { local.to_string() } else { format!("{local}:{}", target.port) };
    let forward = format!("{kubectl} port-forward -n {namespace} service/{} {ports}", target.service);
    let scheme = target.scheme.as_deref().unwrap_or("http");
    match (&target.connect, scheme) {
        (Some(connect), _) => format!("{forward}, then {connect}"),
        (None, "tcp") => format!("{forward}, then localhost:{local}"),
        (None, scheme) => format!("{forward}, then {scheme}://localhost:{local}{}", target.path.as_deref().unwrap_or_default()),
    }
}
