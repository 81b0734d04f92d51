use std::collections::HashSet;

use indexmap::IndexMap;

use super::{
    recreate,
    secrets::{self, ResolvedSecrets},
};
use crate::{
    cli::{intent::ChangeRequest, secret_arguments::GivenSecrets, session::Session},
    cluster::{Force, RequestError, Resource, Seen},
    engine::{
        self, ChangeAction, Decision, DesiredState, Observation, PruneCandidate, PruneInput,
        PrunePlan, ReleaseHistory, Rendering, RequiredPermissions, Selection,
    },
    error::{CommandError, ExitCode},
    event::RunOutcome,
    object::{ObjectId, Origin},
    ownership::apply_entry,
    plan::{OpenTarget, Plan, ReleaseId},
    preflight::{self, DryRun, Existing, Finding},
    release::{Records, Store},
    report::Output,
};

/// Everything that is known before the first write.
pub(in crate::cli) struct Prepared {
    pub(in crate::cli) wanted: DesiredState,
    pub(in crate::cli) observation: Observation,
    pub(in crate::cli) decisions: Vec<Decision>,
    /// What becomes of what is no longer wanted.
    pub(in crate::cli) pruning: PrunePlan,
    pub(in crate::cli) before: ReleaseHistory,
    /// Phases whose `when` does not hold, and why.
    pub(in crate::cli) skipped: Vec<(String, String)>,
    /// The values of declared Secrets.
    pub(in crate::cli) chosen: ResolvedSecrets,
}

impl Prepared {
    /// How many objects would be written.
    pub(in crate::cli) fn writes(&self) -> usize {
        self.decisions
            .iter()
            .filter(|decision| decision.action != ChangeAction::Keep)
            .count()
            + self.pruning.removals.len()
    }

    /// Whether a revision has to be stored, which needs the lock: something is written, or the
    /// newest one did not succeed, and what is wanted may be there all the same.
    pub(in crate::cli) fn needs_revision(&self) -> bool {
        let is_recorded = self
            .before
            .newest()
            .is_none_or(|newest| newest.revision.outcome == RunOutcome::Succeeded);
        self.writes() > 0 || !is_recorded
    }
}

/// Looks at the cluster, checks all that can be known, asks for secrets, and decides what has to be
/// done.
pub(super) async fn prepare(
    intent: &ChangeRequest<'_>,
    plan: &Plan,
    rendering: Rendering,
    given: &GivenSecrets,
    session: &Session,
    store: &Store,
    output: &mut Output,
) -> Result<Prepared, CommandError> {
    let selection = intent.selection;
    let rendering = rendering.for_cluster(plan, &session.served)?;
    let skipped = rendering.skipped(plan, &session.served);
    let mut wanted = rendering.desired(plan, &skipped);
    let implied_namespace = rendering.rendered.implied_namespace.clone();
    let before = session
        .unless_interrupted(ReleaseHistory::read(store))
        .await?
        .map_err(|error| session.store_error(&error))?;
    // What has not ended may be a run that is alive, which the lock tells.
    if before.interrupted().is_none() {
        engine::check_phases(selection, &before)?;
    }
    let (mut observation, before) = observe(session, intent, &wanted, before).await?;

    if let Some(namespace) =
        implied_namespace.filter(|id| belongs_to_others(&observation, &before.records, id, plan))
    {
        wanted.objects.shift_remove(&namespace);
    }

    recreate::check(intent.recreate, &wanted, plan)?;
    let mut chosen = ResolvedSecrets::default();
    let mut findings = static_findings(&wanted, &observation, plan, selection, session).await?;
    if !intent.adopt {
        findings.extend(owned_elsewhere(
            &wanted,
            &observation,
            &before,
            plan,
            selection,
        ));
    }
    for being_deleted in terminating(&wanted, &observation, selection) {
        output.note(&format!("Note: {being_deleted}"));
    }
    engine::preserve_restart_annotation(&mut wanted, &observation.live);
    let first = engine::decide(&wanted, &observation.live, &before.records, selection);
    findings.extend(permissions(intent, &wanted, &first, &observation, session).await?);
    if let Some(error) = preflight::refusal(&findings) {
        return Err(error);
    }

    if selection.holds_declared(SECRETS_PHASE) {
        let needs = secrets::plan_values(given, plan, &observation.live)?;
        if !needs.to_prompt.is_empty() {
            // Nobody should type a password without knowing which cluster it is for.
            output.note(&format!(
                "{} in context {} ({})",
                plan.release,
                session.cluster.context(),
                session.cluster.server()
            ));
        }
        chosen = secrets::add(&needs, plan, &mut wanted, output)?;
    }
    recreate::mark(intent.recreate, &mut wanted);
    let decisions = decided(intent, &mut wanted, &mut observation, &before, session).await?;
    let pruning = pruning(intent, &wanted, &before, &mut observation, session).await?;
    check_deletions(&decisions, &pruning, session).await?;
    Ok(Prepared {
        wanted,
        observation,
        decisions,
        pruning,
        before,
        skipped,
        chosen,
    })
}

/// Decides what has to be done with each wanted object, and tries every change without storing it.
pub(in crate::cli) async fn decided(
    intent: &ChangeRequest<'_>,
    wanted: &mut DesiredState,
    observation: &mut Observation,
    before: &ReleaseHistory,
    session: &Session,
) -> Result<Vec<Decision>, CommandError> {
    let (cluster, served) = (&session.cluster, &session.served);
    let unreadable =
        |what: &'static str| move |error: RequestError| session.request_error(what, &error);
    engine::preserve_restart_annotation(wanted, &observation.live);
    let mut decisions = decided_alone(intent, wanted, observation, before);
    let left = session
        .unless_interrupted(engine::leave_replicas(cluster, served, wanted, &decisions))
        .await?;
    if left.map_err(unreadable("cannot read the autoscalers"))? {
        decisions = decided_alone(intent, wanted, observation, before);
    }
    let force = if intent.force_conflicts {
        Force::Yes
    } else {
        Force::No
    };
    let tried = session
        .unless_interrupted(engine::dry_runs(
            cluster,
            wanted,
            served,
            observation,
            &mut decisions,
            force,
        ))
        .await?;
    let mut findings = refused(wanted, &decisions, &tried);
    let expanded = session
        .unless_interrupted(engine::expand_claims(
            cluster,
            served,
            wanted,
            observation,
            &mut decisions,
        ))
        .await?;
    findings.extend(expanded.map_err(unreadable("cannot read the claims"))?);
    let restarted = engine::restart(wanted, &mut decisions, &tried, before, &observation.live);
    let mut untried: Vec<Decision> = decisions
        .iter()
        .filter(|decision| restarted.contains(&decision.id))
        .cloned()
        .collect();
    let tried = session
        .unless_interrupted(engine::dry_runs(
            cluster,
            wanted,
            served,
            observation,
            &mut untried,
            force,
        ))
        .await?;
    findings.extend(refused(wanted, &untried, &tried));
    match preflight::refusal(&findings) {
        Some(error) => Err(error),
        None => Ok(decisions),
    }
}

/// Decides by what was seen alone.
fn decided_alone(
    intent: &ChangeRequest<'_>,
    wanted: &DesiredState,
    observation: &Observation,
    before: &ReleaseHistory,
) -> Vec<Decision> {
    let mut decisions =
        engine::decide(wanted, &observation.live, &before.records, intent.selection);
    for decision in decisions
        .iter_mut()
        .filter(|decision| intent.left_alone.contains(&decision.id))
    {
        decision.action = ChangeAction::Keep;
    }
    decisions
}

/// What the API server would not take.
fn refused(wanted: &DesiredState, decisions: &[Decision], tried: &[DryRun]) -> Vec<Finding> {
    let tried = decisions.iter().zip(tried);
    tried
        .filter_map(|(decision, tried)| {
            preflight::judge_dry_run(&wanted.objects[&decision.id].object, tried)
        })
        .collect()
}

/// Decides what becomes of what is no longer wanted.
pub(in crate::cli) async fn pruning(
    intent: &ChangeRequest<'_>,
    wanted: &DesiredState,
    before: &ReleaseHistory,
    observation: &mut Observation,
    session: &Session,
) -> Result<PrunePlan, CommandError> {
    let unwanted = engine::unwanted(wanted, before, intent.selection);
    leaving(
        session,
        unwanted,
        before,
        observation,
        intent.release,
        intent.delete_data,
        false,
    )
    .await
}

/// Decides what becomes of `candidates`; `await_terminating`: also of those that somebody has
/// deleted already, and that are still there.
pub(in crate::cli) async fn leaving(
    session: &Session,
    candidates: Vec<PruneCandidate>,
    before: &ReleaseHistory,
    observation: &mut Observation,
    release: &ReleaseId,
    delete_data: bool,
    await_terminating: bool,
) -> Result<PrunePlan, CommandError> {
    let looked =
        engine::look_at_claims(&session.cluster, &session.served, &candidates, observation);
    let looked = session.unless_interrupted(looked).await?;
    looked.map_err(|error| session.request_error("cannot read the claims", &error))?;
    let ReleaseHistory {
        records, unsettled, ..
    } = before;
    let (live, unsettled, manager) = (
        &observation.live,
        unsettled.as_ref(),
        &release.field_manager(),
    );
    Ok(engine::plan_prune(
        candidates,
        &PruneInput {
            live,
            records,
            unsettled,
            manager,
            delete_data,
            await_terminating,
        },
    ))
}

/// Looks at everything that is wanted, declared, or was touched by revisions before; and works out
/// what an interrupted one has done.
pub(in crate::cli) async fn observe(
    session: &Session,
    intent: &ChangeRequest<'_>,
    wanted: &DesiredState,
    mut before: ReleaseHistory,
) -> Result<(Observation, ReleaseHistory), CommandError> {
    let mut known = readable(wanted, intent, session);
    let named: HashSet<ObjectId> = known.iter().map(|(id, _)| id.clone()).collect();
    known.extend(
        before
            .touched(&session.served)
            .into_iter()
            .filter(|(id, _)| !named.contains(id)),
    );
    let observation = session
        .unless_interrupted(engine::observe(&session.cluster, intent.release, &known))
        .await?;
    let mut observation =
        observation.map_err(|error| session.request_error("cannot read the objects", &error))?;
    observation.forget_what_goes(wanted.objects.keys());
    before.complete(&observation.live, &intent.release.field_manager());
    Ok((observation, before))
}

/// Whether a namespace that no manifest describes is there without us: then it is left alone, also
/// by those who may not write it.
///
/// Where the user may not even look at it, whether it is there shows when the objects in it are
/// tried.
fn belongs_to_others(
    observation: &Observation,
    records: &Records,
    namespace: &ObjectId,
    plan: &Plan,
) -> bool {
    match observation.live.seen(namespace) {
        // Our entry goes with our label, which somebody may have taken off; the record stays.
        Seen::Present(there) => {
            apply_entry(there, &plan.release.field_manager()).is_none()
                && records.get(namespace).is_none()
        }
        Seen::Forbidden => true,
        Seen::Absent | Seen::Unasked => false,
    }
}

/// The objects to look at, with the kinds that they are read as: what is rendered, and the Secrets
/// that are declared.
fn readable(
    wanted: &DesiredState,
    intent: &ChangeRequest<'_>,
    session: &Session,
) -> Vec<(ObjectId, Resource)> {
    let rendered = wanted.objects.values().filter_map(|object| {
        Some((
            object.object.id.clone(),
            session
                .served
                .exact(&object.object.api_version, &object.object.id.kind)?
                .clone(),
        ))
    });
    let mut all: Vec<(ObjectId, Resource)> = rendered.collect();
    if let Some(resource) = session.served.exact("v1", "Secret") {
        all.extend(
            intent
                .declared
                .iter()
                .map(|id| (id.clone(), resource.clone())),
        );
    }
    all
}

/// What stands in the way and does not depend on the values of secrets.
async fn static_findings(
    wanted: &DesiredState,
    observation: &Observation,
    plan: &Plan,
    selection: &Selection,
    session: &Session,
) -> Result<Vec<Finding>, CommandError> {
    let brought = engine::brought(&session.cluster, &session.served, &plan.requires).await;
    let brought = brought
        .map_err(|error| session.request_error("cannot read what the cluster provides", &error))?;
    let mut findings = preflight::requirements(&plan.requires, &brought, &session.served);
    let objects = || {
        wanted
            .objects
            .values()
            .filter(|object| selection.holds(&object.phase))
            .map(|object| &object.object)
    };
    findings.extend(preflight::unknown_kinds(
        objects().map(|object| (object, wanted.resource(object, &session.served))),
        &session.served,
    ));
    findings.extend(absent_namespaces(wanted, observation, plan, selection));
    Ok(findings)
}

/// What is being deleted although it is wanted.
fn terminating(
    wanted: &DesiredState,
    observation: &Observation,
    selection: &Selection,
) -> Vec<String> {
    let selected = wanted
        .objects
        .values()
        .filter(|object| selection.holds(&object.phase))
        .map(|object| &object.object);
    preflight::terminating(
        selected.filter_map(|object| Some((object, observation.live.object(&object.id)?.as_ref()))),
    )
}

/// Objects that belong to other releases, or that this one has deployed without remembering it.
fn owned_elsewhere(
    wanted: &DesiredState,
    observation: &Observation,
    before: &ReleaseHistory,
    plan: &Plan,
    selection: &Selection,
) -> Vec<Finding> {
    let rendered = wanted
        .objects
        .values()
        .filter(|object| selection.holds(&object.phase))
        .map(|object| &object.object);
    let rendered = rendered.map(|object| (object.id.clone(), object.origin.clone()));
    let declared = secrets::declared(plan)
        .filter(|_| selection.holds_declared(SECRETS_PHASE))
        .map(|id| (id, secrets::origin(plan)));
    let all: Vec<(ObjectId, Origin)> = rendered.chain(declared).collect();
    let existing = || {
        let there = all
            .iter()
            .filter_map(|(id, origin)| Some((id, origin.clone(), observation.live.object(id)?)));
        there.map(|(id, origin, live)| Existing { id, origin, live })
    };
    let mut findings = preflight::held_by_other_releases(existing(), &plan.release);
    if before.heads.is_empty() {
        findings.extend(preflight::unremembered(
            existing(),
            &plan.release,
            &plan.state_namespace,
        ));
    }
    findings
}

/// Namespaces that do not exist and that nothing of the run creates.
fn absent_namespaces(
    wanted: &DesiredState,
    observation: &Observation,
    plan: &Plan,
    selection: &Selection,
) -> Vec<Finding> {
    let namespace_of = |name: &str| {
        wanted
            .objects
            .iter()
            .find(|(id, _)| id.kind == "Namespace" && id.name == name)
            .map(|(_, object)| object)
    };
    let created =
        |name: &str| namespace_of(name).is_some_and(|object| selection.holds(&object.phase));
    let rendered = wanted
        .objects
        .values()
        .filter(|object| selection.holds(&object.phase));
    let rendered = rendered.map(|object| (object.object.id.clone(), object.object.origin.clone()));
    // Declared Secrets join what is wanted once their values are known, which is after this check.
    let declared = secrets::declared(plan)
        .filter(|_| selection.holds_declared(SECRETS_PHASE))
        .map(|id| (id, secrets::origin(plan)));
    let to_write: Vec<(ObjectId, Origin)> = rendered.chain(declared).collect();
    let absent = observation
        .absent_namespaces
        .iter()
        .filter(|name| !created(name));
    absent
        .filter_map(|name| {
            let (id, origin) = to_write
                .iter()
                .find(|(id, _)| id.namespace.as_deref() == Some(name))?;
            Some(Finding {
                exit: ExitCode::Usage,
                at: Some(origin.clone()),
                object: Some(id.clone()),
                message: format!(
                    "namespace `{name}` does not exist, and no manifest of this run creates it"
                ),
                remedy: Some(match namespace_of(name) {
                    Some(namespace) => format!("run its phase too: `--phase {}`", namespace.phase),
                    None => format!("add a Namespace `{name}` to the manifests"),
                }),
            })
        })
        .collect()
}

/// What the user may not do: asked before somebody is asked for secrets, and where no dry run could
/// tell because a namespace is new.
async fn permissions(
    intent: &ChangeRequest<'_>,
    wanted: &DesiredState,
    decisions: &[Decision],
    observation: &Observation,
    session: &Session,
) -> Result<Vec<Finding>, CommandError> {
    let declared = intent.declared.iter().filter(|id| {
        intent.selection.holds_declared(SECRETS_PHASE) && observation.live.object(id).is_none()
    });
    let secrets = declared.map(|id| id.namespace.clone()).collect();
    not_permitted(
        RequiredPermissions::to_write(
            wanted,
            &session.served,
            decisions,
            &secrets,
            intent.rolls_back,
        ),
        session,
    )
    .await
}

/// Those of `rights` that the user does not have.
pub(in crate::cli) async fn not_permitted(
    rights: RequiredPermissions,
    session: &Session,
) -> Result<Vec<Finding>, CommandError> {
    let missing = session
        .unless_interrupted(rights.missing(&session.cluster))
        .await?;
    let missing =
        missing.map_err(|error| session.request_error("cannot ask what is permitted", &error))?;
    Ok(preflight::not_permitted(&missing))
}

/// Refuses to go on where the user may not delete what has to go.
pub(in crate::cli) async fn check_deletions(
    decisions: &[Decision],
    pruning: &PrunePlan,
    session: &Session,
) -> Result<(), CommandError> {
    let rights = RequiredPermissions::to_delete(&session.served, decisions, &pruning.removals);
    let findings = not_permitted(rights, session).await?;
    preflight::refusal(&findings).map_or(Ok(()), Err)
}

/// The phase that declared Secrets belong to.
pub(super) const SECRETS_PHASE: &str = "secrets";

/// How to reach what the plan's `open` names.
pub(super) fn access(plan: &Plan, kubectl: &str) -> IndexMap<String, String> {
    plan.open
        .iter()
        .map(|(name, target)| (name.clone(), how(target, &plan.namespace, kubectl)))
        .collect()
}

fn how(target: &OpenTarget, default_namespace: &str, kubectl: &str) -> String {
    let namespace = target.namespace.as_deref().unwrap_or(default_namespace);
    let local = if target.port < 1024 {
        target.port + 8000
    } else {
        target.port
    };
    let ports = if local == target.port {
        local.to_string()
    } else {
        format!("{local}:{}", target.port)
    };
    let forward = format!(
        "{kubectl} port-forward -n {namespace} service/{} {ports}",
        target.service
    );
    let scheme = target.scheme.as_deref().unwrap_or("http");
    match (&target.connect, scheme) {
        (Some(connect), _) => format!("{forward}, then {connect}"),
        (None, "tcp") => format!("{forward}, then localhost:{local}"),
        (None, scheme) => format!(
            "{forward}, then {scheme}://localhost:{local}{}",
            target.path.as_deref().unwrap_or_default()
        ),
    }
}
