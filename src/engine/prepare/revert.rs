//! Prepares going back to what an earlier revision wanted: observe → decide → check.

use std::collections::BTreeMap;

use crate::engine::{
    desired::{DesiredObject, DesiredState},
    observe::desired_state::read_desired_state,
    observe::history::ReleaseHistory,
    plan::revert::{Retained, plan_revert, to_observe},
    plan::volume_expansion::keep_sizes,
    prepare::ask::Ask,
    prepare::checks::{check_deletions, not_permitted, refuse, unknown_kinds},
    prepare::context::{PrepareContext, PrepareError},
    prepare::decide::{decide_changes, decide_removals, decided_alone},
    prepare::observed::observe,
    prepare::owners::absent_owners,
    prepare::prepared::Prepared,
    prepare::request::Request,
    prepare::target,
};
use crate::{
    event::RunOutcome,
    object::{ChartChange, ObjectId},
    release::{Head, Store, StoreError},
};

/// Which revision is gone back to, and how.
#[derive(Clone, Copy)]
pub(crate) struct Revert<'a> {
    /// The revision.
    pub(crate) to: &'a Head,
    /// Whether Secrets get the values again that they had.
    pub(crate) restore_secrets: bool,
    /// Whether the hooks of charts are run that they have for going back.
    pub(crate) runs_hooks: bool,
}

/// Looks at the cluster, decides what is brought back and what is left, and what has to be done for
/// it.
pub(crate) async fn prepare_revert(
    context: PrepareContext<'_>,
    request: &Request<'_>,
    revert: Revert<'_>,
    history: ReleaseHistory,
    ask: &mut dyn Ask,
) -> Result<Prepared, PrepareError> {
    let mut prepared = observed(context, revert, history, ask).await?;
    check(context, request, &prepared).await?;
    // Whoever goes back wants what was there, also where it must be created anew for that; the
    // question shows which objects.
    prepared
        .desired
        .objects
        .values_mut()
        .for_each(|object| object.marks.recreate = true);
    keep_sizes(&mut prepared.desired, &prepared.observation.live);
    decide_changes(context, request, &mut prepared).await?;
    decide_removals(context, request, &mut prepared).await?;
    check_deletions(context, &prepared).await?;
    Ok(prepared)
}

/// What is wanted of what is there, and what stays as it is; that is named.
async fn observed(
    context: PrepareContext<'_>,
    revert: Revert<'_>,
    history: ReleaseHistory,
    ask: &mut dyn Ask,
) -> Result<Prepared, PrepareError> {
    let stored = stored(context.store, revert.to, &history);
    let (then, now) = context
        .unless_interrupted(stored)
        .await?
        .map_err(|source| PrepareError::Target {
            source,
            others: format!(
                "of {}, there are also {}",
                revert.to.revision.release,
                target::others(&history.heads, revert.to.revision.number)
            ),
        })?;
    let (observation, history) = observe(context, &to_observe(&then, &now), &[], history).await?;
    let plan = plan_revert(
        &then,
        &now,
        &observation.live,
        &history.records,
        revert.restore_secrets,
    );
    name_retained(&plan.retained, ask);
    let whole = plan.retained.iter().filter(|(_, why)| why.is_whole());
    let is_skipped = |it: &&DesiredObject| {
        let hook = it.hook().filter(|_| !revert.runs_hooks);
        hook.is_some_and(|hook| hook.is_run_at(ChartChange::Rollback))
    };
    let skipped = plan.wanted.objects.values().filter(is_skipped);
    let retained = whole
        .map(|(id, _)| id.clone())
        .chain(skipped.map(|it| it.object.id.clone()))
        .collect();
    Ok(Prepared {
        retained,
        ..Prepared::observed(plan.wanted, observation, history)
    })
}

/// What `to` wanted, and what was wanted of what is there now: by the newest revision where it was
/// not rolled back, and by the newest that succeeded.
async fn stored(
    store: &Store,
    to: &Head,
    history: &ReleaseHistory,
) -> Result<(DesiredState, Vec<DesiredState>), StoreError> {
    let newest = history
        .newest()
        .filter(|head| head.revision.outcome != RunOutcome::RolledBack);
    let good = history
        .heads
        .iter()
        .rev()
        .find(|head| head.revision.outcome == RunOutcome::Succeeded);
    let mut heads: Vec<&Head> = newest.into_iter().chain(good).collect();
    heads.dedup_by_key(|head| head.revision.number);
    let mut now = Vec::new();
    for head in heads {
        now.push(read_desired_state(store, head).await?);
    }
    Ok((read_desired_state(store, to).await?, now))
}

/// Names what is not brought back, and why.
fn name_retained(retained: &BTreeMap<ObjectId, Retained>, ask: &mut dyn Ask) {
    for (id, why) in retained {
        let what = match why {
            Retained::Same => continue,
            Retained::Secret => {
                "is not restored: `--restore-secrets` restores the values of Secrets"
            }
            Retained::SecretValues => {
                "keeps its values, and only its labels and annotations are restored: `--restore-secrets` restores the values of Secrets"
            }
            Retained::Data => "is not restored: it holds data",
            Retained::StoredVersion => {
                "is not restored: objects are stored in a version that it did not have then"
            }
            Retained::Manual => "is not restored: it is marked `rollback: manual`",
            Retained::ManualAbsent => "is not created again: it is marked `rollback: manual`",
            Retained::RunsOnce => "is not restored: it would run again",
            Retained::RanAlready => "is not created again: it has completed",
        };
        ask.note(&format!("{id} {what}"));
    }
}

/// What stands in the way of it: kinds that are not served any more, owners that are gone, and what
/// the user may not do.
async fn check(
    context: PrepareContext<'_>,
    request: &Request<'_>,
    prepared: &Prepared,
) -> Result<(), PrepareError> {
    let mut findings = unknown_kinds(request, prepared, context.served);
    findings.extend(absent_owners(context, request, prepared).await?);
    let decisions = decided_alone(request, prepared);
    findings.extend(not_permitted(context, request, prepared, &[], &decisions).await?);
    refuse(&findings)
}
