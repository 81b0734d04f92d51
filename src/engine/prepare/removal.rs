//! Prepares what only removes: taking a release down, and deleting what no revision remembers.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use crate::engine::{
    desired::{DesiredObject, DesiredState},
    observe::history::ReleaseHistory,
    observe::orphans::{KnownObjects, Orphans, orphans},
    plan::hook_steps::has_begun_to_delete,
    plan::hooks::{deletion_hooks, hooks_of_brought, knows_no_hooks, test_hooks},
    plan::prune::{PruneCandidate, PrunePlan, give_up_foreign, written},
    plan::selection::Selection,
    plan::steps::Removal,
    prepare::checks::check_deletions,
    prepare::context::{PrepareContext, PrepareError},
    prepare::decide::{decide_changes, remove},
    prepare::observed::observe,
    prepare::prepared::Prepared,
    prepare::request::Request,
    prepare::unsettled::check_settled,
};
use crate::{
    cluster::Live,
    error::{CommandError, ExitCode},
    object::ObjectId,
    plan::PhaseId,
    release::{Operation, PhaseRecord, Revision},
};

/// What there is of orphans.
pub(crate) struct PreparedOrphans {
    /// The orphans, and what becomes of them.
    pub(crate) prepared: Prepared,
    /// Kinds that could not be looked at everywhere.
    pub(crate) incomplete_kinds: Vec<String>,
}

/// Whether the hooks of charts are run that they have for their deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeletionHooks {
    /// They are run, before and after all that goes.
    Run,
    /// They are not, as where one of them fails that nobody needs any more.
    Skip,
}

/// Looks at everything that the release has, and decides what becomes of it, and which hooks of its
/// charts are run for that.
pub(crate) async fn prepare_removal(
    context: PrepareContext<'_>,
    request: &Request<'_>,
    hooks: DeletionHooks,
    history: ReleaseHistory,
) -> Result<Prepared, PrepareError> {
    let mut desired = nothing_wanted(request, &history);
    desired.hooks = stored_hooks(context, &history).await?;
    // No revision remembers that they were run.
    let tests = by_id(test_hooks(&desired.hooks));
    desired.objects = by_id(deletion_hooks(&desired.hooks, false));
    desired.objects.extend(tests.clone());
    let (observation, history) = observe(context, &desired, &[], history).await?;
    desired.hooks = of_brought_charts(context, &history, &observation.live, desired.hooks).await?;
    desired.objects = match hooks {
        // What an unfinished run has done shows by what is there.
        DeletionHooks::Run if !desired.hooks.is_empty() => {
            let has_begun = has_begun(context, &history, &observation.live).await?;
            by_id(deletion_hooks(&desired.hooks, has_begun))
        }
        DeletionHooks::Run | DeletionHooks::Skip => IndexMap::new(),
    };
    let mut candidates = written(&history);
    let tests = tests.into_keys().map(|id| (id, PhaseId::Tests));
    let is_new = |(id, _): &PruneCandidate| !candidates.iter().any(|(known, _)| known == id);
    let tests: Vec<PruneCandidate> = tests.filter(is_new).collect();
    candidates.extend(tests);
    let mut prepared = Prepared::observed(desired, observation, history);
    if !prepared.desired.objects.is_empty() {
        decide_changes(context, request, &mut prepared).await?;
    }
    remove(context, request, &mut prepared, candidates, true).await?;
    Ok(prepared)
}

/// Looks at the tests that the charts of the release have that have been brought, and decides how they
/// are run.
pub(crate) async fn prepare_tests(
    context: PrepareContext<'_>,
    request: &Request<'_>,
    history: ReleaseHistory,
) -> Result<Prepared, PrepareError> {
    let mut desired = nothing_wanted(request, &history);
    let hooks = stored_hooks(context, &history).await?;
    desired.objects = by_id(test_hooks(&hooks));
    let (observation, history) = observe(context, &desired, &[], history).await?;
    let hooks = of_brought_charts(context, &history, &observation.live, hooks).await?;
    desired.objects = by_id(test_hooks(&hooks));
    let mut prepared = Prepared::observed(desired, observation, history);
    if !prepared.desired.objects.is_empty() {
        decide_changes(context, request, &mut prepared).await?;
        check_deletions(context, &prepared).await?;
    }
    Ok(prepared)
}

fn by_id(hooks: Vec<DesiredObject>) -> IndexMap<ObjectId, DesiredObject> {
    let hooks = hooks.into_iter();
    hooks.map(|hook| (hook.object.id.clone(), hook)).collect()
}

/// What the charts of what is deployed run where they are deleted or tested.
async fn stored_hooks(
    context: PrepareContext<'_>,
    history: &ReleaseHistory,
) -> Result<Vec<DesiredObject>, PrepareError> {
    match history.deployed().filter(|it| !it.is_taken_down()) {
        Some(deployed) => context.stored(context.store.read(&deployed.hooks)).await,
        None => Ok(Vec::new()),
    }
}

/// Those of the stored `hooks` whose charts have been brought: a part of the plan may not have been
/// run, or have failed first. A deletion stores only those, and whoever goes on from it takes them.
async fn of_brought_charts(
    context: PrepareContext<'_>,
    history: &ReleaseHistory,
    live: &Live,
    hooks: Vec<DesiredObject>,
) -> Result<Vec<DesiredObject>, PrepareError> {
    let deployed = history.deployed().filter(|_| !hooks.is_empty());
    let Some(deployed) = deployed.filter(|it| it.by.operation != Operation::Remove) else {
        return Ok(hooks);
    };
    let wanted = wanted(context, deployed).await?;
    let is_known = |id: &ObjectId| {
        let record = history.records.get(id).filter(|record| !record.kept);
        record.is_some() || live.object(id).is_some()
    };
    Ok(hooks_of_brought(hooks, &wanted, is_known))
}

/// The revision that is deployed, where it was built from charts and no hooks were stored with it.
pub(crate) async fn without_hooks(
    context: PrepareContext<'_>,
    history: &ReleaseHistory,
) -> Result<Option<u64>, PrepareError> {
    let deployed = history.deployed().filter(|it| !it.is_taken_down());
    let Some(deployed) = deployed.filter(|it| it.hooks.is_empty()) else {
        return Ok(None);
    };
    let tools = deployed.source.as_ref().map_or(&[][..], |it| &it.tools);
    // Nothing is read where no program would say so.
    if !knows_no_hooks(tools, &[]) {
        return Ok(None);
    }
    let wanted = wanted(context, deployed).await?;
    Ok(Some(deployed.number).filter(|_| knows_no_hooks(tools, &wanted)))
}

/// All that `revision` wanted.
async fn wanted(
    context: PrepareContext<'_>,
    revision: &Revision,
) -> Result<Vec<DesiredObject>, PrepareError> {
    let mut wanted: Vec<DesiredObject> = Vec::new();
    for phase in &revision.phases {
        let of_phase: Vec<DesiredObject> =
            context.stored(context.store.read(&phase.wanted)).await?;
        wanted.extend(of_phase);
    }
    Ok(wanted)
}

/// Whether an unfinished run has begun to take the release down, or one that it goes on from: what that
/// has deleted is in no later program.
async fn has_begun(
    context: PrepareContext<'_>,
    history: &ReleaseHistory,
    live: &Live,
) -> Result<bool, PrepareError> {
    let Some(unsettled) = &history.unsettled else {
        return Ok(false);
    };
    for (number, head) in history.removing().into_iter().enumerate() {
        let program = if number == 0 {
            unsettled.program.clone()
        } else {
            let program = context.store.read(&head.revision.program);
            context.stored(program).await?
        };
        if has_begun_to_delete(&program, &unsettled.traces, live) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Looks again, under the lock, and refuses to go on where something would go that was not `shown`.
pub(crate) async fn recheck_removal(
    context: PrepareContext<'_>,
    request: &Request<'_>,
    hooks: DeletionHooks,
    shown: &PrunePlan,
) -> Result<Prepared, PrepareError> {
    let history = context.take_over(request.by).await?;
    let prepared = prepare_removal(context, request, hooks, history).await?;
    check_same(shown, &prepared.pruning)?;
    Ok(prepared)
}

/// Finds what carries the marks of the release and none of its revisions remembers, and decides
/// what becomes of it. `state_namespace`: where its revisions are looked for.
pub(crate) async fn prepare_orphans(
    context: PrepareContext<'_>,
    request: &Request<'_>,
    state_namespace: &str,
    history: ReleaseHistory,
) -> Result<PreparedOrphans, PrepareError> {
    check_settled(&history)?;
    let release = request.release;
    let known = context
        .stored(KnownObjects::read(context.store, &history.heads))
        .await?;
    let found = orphans(context.cluster, context.served, release, &known);
    let Orphans {
        observation,
        ids,
        incomplete_kinds,
    } = context.answer("cannot list orphans", found).await?;
    if history.heads.is_empty() && !ids.is_empty() {
        return Err(unremembered(request, state_namespace, ids.len()).into());
    }
    let desired = nothing_wanted(request, &history);
    let mut prepared = Prepared::observed(desired, observation, history);
    let candidates = orphaned(ids);
    remove(context, request, &mut prepared, candidates, true).await?;
    give_up_foreign(
        &mut prepared.pruning,
        &prepared.observation.live,
        &release.field_manager(),
    );
    Ok(PreparedOrphans {
        prepared,
        incomplete_kinds,
    })
}

/// Looks for orphans again, under the lock, and refuses to go on where something would go that was
/// not `shown`.
pub(crate) async fn recheck_orphans(
    context: PrepareContext<'_>,
    request: &Request<'_>,
    state_namespace: &str,
    shown: &PrunePlan,
) -> Result<Prepared, PrepareError> {
    check_settled(&context.history().await?)?;
    let history = context.take_over(request.by).await?;
    let found = prepare_orphans(context, request, state_namespace, history).await?;
    check_same(shown, &found.prepared.pruning)?;
    Ok(found.prepared)
}

/// `ids` in the phase of what belongs to none.
fn orphaned(ids: Vec<ObjectId>) -> Vec<PruneCandidate> {
    ids.into_iter().map(|id| (id, PhaseId::Orphans)).collect()
}

/// No object, in the phases of what is deployed, which says in what order they go.
fn nothing_wanted(request: &Request<'_>, history: &ReleaseHistory) -> DesiredState {
    // Where nothing of what is deployed is selected, it goes on being wanted.
    let deployed = history
        .deployed()
        .filter(|_| *request.selection == Selection::Nothing);
    let like = deployed.or(history.newest().map(|head| &head.revision));
    DesiredState {
        release: request.release.clone(),
        objects: IndexMap::new(),
        phases: like
            .iter()
            .flat_map(|revision| revision.phases.iter().map(PhaseRecord::settings))
            .collect(),
        readiness: like
            .map(|revision| revision.readiness.clone())
            .unwrap_or_default(),
        hooks: Vec::new(),
    }
}

/// Refuses to go on where something would go that was not shown.
fn check_same(shown: &PrunePlan, now: &PrunePlan) -> Result<(), CommandError> {
    let was_shown: BTreeMap<&ObjectId, &Removal> = shown
        .removals
        .iter()
        .map(|removal| (&removal.id, removal))
        .collect();
    match now
        .removals
        .iter()
        .find(|removal| was_shown.get(&removal.id) != Some(removal))
    {
        None => Ok(()),
        Some(new) => Err(CommandError::new(
            ExitCode::Refused,
            format!(
                "{} has changed since the question was asked; nothing was changed",
                new.id
            ),
        )
        .hint("run the same command again: it starts from the present state")),
    }
}

/// Without any revision everything would be an orphan, where the revisions are merely kept
/// elsewhere.
fn unremembered(request: &Request<'_>, state_namespace: &str, number: usize) -> CommandError {
    let release = request.release;
    let message = format!(
        "{number} objects are labelled with {release}, which has no revision recorded in namespace `{state_namespace}`; nothing was changed"
    );
    CommandError::new(ExitCode::Refused, message)
        .hint("where its revisions are recorded in another namespace, name it: `--state-namespace`, or `stateNamespace` in the plan")
        .hint(format!(
            "where they are lost, `deployctl up {} --env {} --adopt` adopts the objects",
            release.plan, release.environment
        ))
}
