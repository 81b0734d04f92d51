//! Decides what has to be done, and tries every change without storing it.

use jiff::Timestamp;
use serde_json::Value;

use crate::engine::{
    observe::claims::{observe_claims, observe_claims_if_permitted},
    observe::objects::Observation,
    observe::webhooks::find_webhooks,
    plan::config_restart::{preserve_restart_annotation, restart},
    plan::decide::{ChangeAction, Decision, decide},
    plan::hooks::{HookHistory, cut_off, decide_hooks},
    plan::left_out_readers::name_left_out_readers,
    plan::prune::{PruneCandidate, PruneInput, plan_prune, unwanted},
    prepare::autoscalers::leave_replicas,
    prepare::checks::refuse,
    prepare::claims::expand_claims,
    prepare::context::{PrepareContext, PrepareError},
    prepare::difference::masker,
    prepare::dry_run::{dead_webhooks, dry_runs},
    prepare::exclusive::{free_first, holder},
    prepare::prepared::Prepared,
    prepare::request::Request,
};
use crate::{
    cluster::{Force, Refusal},
    object::{HasKind as _, ObjectId},
    preflight::{self, DryRun, Finding},
    readiness::{Surroundings, judge},
};

/// Decides what has to be done with each wanted object, and tries every change without storing it.
pub(crate) async fn decide_changes(
    context: PrepareContext<'_>,
    request: &Request<'_>,
    prepared: &mut Prepared,
) -> Result<(), PrepareError> {
    let PrepareContext {
        cluster, served, ..
    } = context;
    preserve_restart_annotation(&mut prepared.desired, &prepared.observation.live);
    let mut decisions = leave_to_autoscalers(context, request, prepared).await?;
    let tried = try_changes(context, request, prepared, &mut decisions).await?;
    prepared.observation.dead_webhooks =
        dead_webhooks(&prepared.desired, &decisions, &prepared.observation, &tried);
    let tried = if is_blocked(prepared, &decisions, &tried) {
        tried.into_iter().map(DryRun::into_refused).collect()
    } else {
        tried
    };
    let tried = free_first(context, prepared, &mut decisions, tried);
    let mut findings = refused(context, prepared, &decisions, &tried).await?;
    let cut = cut_off(
        &prepared.desired,
        &decisions,
        hook_history(request, prepared),
    );
    findings.extend(
        cut.into_iter()
            .map(|hook| preflight::cut_off_hook(&hook.object)),
    );
    let Prepared {
        desired,
        observation,
        history,
        ..
    } = &mut *prepared;
    let expanded = expand_claims(cluster, served, desired, observation, &mut decisions);
    findings.extend(context.answer("cannot read the claims", expanded).await?);
    let restarted = restart(desired, &mut decisions, &tried, history, &observation.live);
    let mut untried: Vec<Decision> = decisions
        .iter()
        .filter(|decision| restarted.contains(&decision.id))
        .cloned()
        .collect();
    note_answers(&mut prepared.observation, &decisions, tried);
    let tried = try_changes(context, request, prepared, &mut untried).await?;
    findings.extend(refused(context, prepared, &untried, &tried).await?);
    note_answers(&mut prepared.observation, &untried, tried);
    for tried in untried {
        if let Some(decision) = decisions.iter_mut().find(|it| it.id == tried.id) {
            *decision = tried;
        }
    }
    name_left_out_readers(
        &mut prepared.desired,
        &mut decisions,
        &prepared.history,
        &prepared.observation,
    );
    prepared.decisions = decisions;
    refuse(&findings)
}

/// Remembers what the API server would store.
fn note_answers(observation: &mut Observation, decisions: &[Decision], tried: Vec<DryRun>) {
    for (decision, tried) in decisions.iter().zip(tried) {
        if let DryRun::Taken(Some(answer)) = tried {
            observation.answers.insert(decision.id.clone(), *answer);
        }
    }
}

/// Decides by what was seen, once the numbers of replicas are left to those who decide about them.
async fn leave_to_autoscalers(
    context: PrepareContext<'_>,
    request: &Request<'_>,
    prepared: &mut Prepared,
) -> Result<Vec<Decision>, PrepareError> {
    let decisions = decided_alone(request, prepared);
    let left = leave_replicas(
        (context.cluster, context.served),
        &mut prepared.desired,
        &prepared.observation.live,
        &decisions,
        force(request),
    );
    let left = context.answer("cannot read the autoscalers", left).await?;
    if left.is_empty() {
        return Ok(decisions);
    }
    let mut decisions = decided_alone(request, prepared);
    for (id, remark) in left {
        let decision = decisions.iter_mut().find(|decision| decision.id == id);
        if let (Some(decision), Some(remark)) = (decision, remark) {
            decision.note(&remark);
        }
    }
    Ok(decisions)
}

fn force(request: &Request<'_>) -> Force {
    if request.force_conflicts {
        Force::Yes
    } else {
        Force::No
    }
}

fn hook_history<'a>(request: &Request<'_>, prepared: &'a Prepared) -> HookHistory<'a> {
    let history = &prepared.history;
    let unsettled = history.unsettled.as_ref();
    HookHistory {
        live: &prepared.observation.live,
        records: unsettled.map_or(&history.records, |unsettled| &unsettled.records),
        is_unsettled: unsettled.is_some(),
        operation: request.by.operation,
    }
}

/// Decides by what was seen alone.
pub(crate) fn decided_alone(request: &Request<'_>, prepared: &Prepared) -> Vec<Decision> {
    let Prepared {
        desired,
        observation,
        history,
        retained,
        ..
    } = prepared;
    let mut decisions = decide(
        desired,
        &observation.live,
        &history.records,
        request.selection,
    );
    decide_hooks(desired, &mut decisions, hook_history(request, prepared));
    for decision in decisions
        .iter_mut()
        .filter(|decision| retained.contains(&decision.id))
    {
        decision.action = ChangeAction::Keep;
    }
    decisions
}

async fn try_changes(
    context: PrepareContext<'_>,
    request: &Request<'_>,
    prepared: &Prepared,
    decisions: &mut [Decision],
) -> Result<Vec<DryRun>, PrepareError> {
    let tried = dry_runs(
        context.cluster,
        &prepared.desired,
        context.served,
        &prepared.observation,
        decisions,
        force(request),
    );
    context.unless_interrupted(tried).await
}

/// Whether every write is refused by webhooks that nothing answers and that the run does not
/// change: then nothing of it can bring them up. What is there already and not ready yet may do so,
/// and so may what an interrupted run has just written.
fn is_blocked(prepared: &Prepared, decisions: &[Decision], tried: &[DryRun]) -> bool {
    let written = decisions.iter().zip(tried);
    let mut written = written.filter(|(decision, _)| decision.action != ChangeAction::Keep);
    let now = Timestamp::now();
    let is_ready = |there: &Value| judge(there, &Surroundings::none(now)).passes();
    let mut kept = decisions
        .iter()
        .filter(|decision| decision.action == ChangeAction::Keep)
        .filter_map(|decision| prepared.observation.live.object(&decision.id));
    prepared.observation.dead_webhooks.is_empty()
        && prepared.history.unsettled.is_none()
        && kept.all(|there| is_ready(there))
        && written.all(|(_, tried)| tried.is_refused_by_a_dead_webhook())
}

/// What the API server would not take.
async fn refused(
    context: PrepareContext<'_>,
    prepared: &Prepared,
    decisions: &[Decision],
    tried: &[DryRun],
) -> Result<Vec<Finding>, PrepareError> {
    let is_conflict = |refusal: &Refusal| refusal.is_ownership_conflict();
    let has_conflicts = tried
        .iter()
        .any(|tried| tried.refusal().is_some_and(is_conflict));
    let masker = has_conflicts.then(|| masker(prepared));
    let webhooks = tried.iter().filter_map(DryRun::refusing_webhook);
    let names = webhooks.map(|webhook| webhook.name).collect();
    let found = find_webhooks(context.cluster, names);
    let found = context.unless_interrupted(found).await?;
    let by_webhook = |tried: &DryRun| {
        let webhook = tried.refusing_webhook()?;
        let kubectl = context.cluster.kubectl();
        Some(preflight::explained(
            webhook,
            found.get(webhook.name)?,
            kubectl,
        ))
    };
    let mut findings = Vec::new();
    for (decision, tried) in decisions.iter().zip(tried) {
        let wanted = &prepared.desired.objects[&decision.id];
        let advice = match (by_webhook(tried), tried.refusal()) {
            (None, Some(refusal)) => {
                holder(context, refusal, (&decision.id, wanted.sent())).await?
            }
            (advice, _) => advice,
        };
        let mut finding = preflight::judge_dry_run(&wanted.object, tried, advice);
        if let (Some(finding), Some(masker), Some(refusal)) = (
            &mut finding,
            &masker,
            tried.refusal().filter(|it| is_conflict(it)),
        ) && let Some(live) = prepared.observation.live.object(&decision.id)
            && !decision.id.is_secret()
        {
            let hide = |text: &str| masker.text(text);
            let values = preflight::contested(refusal, live, wanted.sent(), &hide);
            finding
                .message
                .extend(values.map(|values| format!("; {values}")));
        }
        findings.extend(finding);
    }
    Ok(findings)
}

/// Decides what becomes of what is no longer wanted.
pub(crate) async fn decide_removals(
    context: PrepareContext<'_>,
    request: &Request<'_>,
    prepared: &mut Prepared,
) -> Result<(), PrepareError> {
    let live = &prepared.observation.live;
    let candidates = unwanted(
        &prepared.desired,
        &prepared.history,
        request.selection,
        live,
    );
    remove(context, request, prepared, candidates, false).await
}

/// Decides what becomes of `candidates`; `await_terminating`: also of those that somebody has
/// deleted already, and that are still there.
pub(crate) async fn remove(
    context: PrepareContext<'_>,
    request: &Request<'_>,
    prepared: &mut Prepared,
    candidates: Vec<PruneCandidate>,
    await_terminating: bool,
) -> Result<(), PrepareError> {
    let Prepared {
        desired,
        observation,
        history,
        pruning,
        ..
    } = prepared;
    let (secrets, others): (Vec<&ObjectId>, Vec<&ObjectId>) = candidates
        .iter()
        .map(|(id, _)| id)
        .partition(|id| id.is_secret());
    let (cluster, served) = (context.cluster, context.served);
    let claims = observe_claims(cluster, served, secrets.into_iter(), observation);
    context.answer("cannot read the claims", claims).await?;
    let claims = observe_claims_if_permitted(cluster, served, others.into_iter(), observation);
    context.answer("cannot read the claims", claims).await?;
    *pruning = plan_prune(
        candidates,
        &PruneInput {
            live: &observation.live,
            records: &history.records,
            unsettled: history.unsettled.as_ref(),
            manager: &request.release.field_manager(),
            delete_data: request.delete_data,
            await_terminating,
            operation: request.by.operation,
            wanted: desired,
        },
    );
    Ok(())
}
