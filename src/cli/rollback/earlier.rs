//! Back to what an earlier revision wanted, as a new revision.

use std::collections::{BTreeMap, BTreeSet};

use super::arguments::Rollback;
use crate::{
    cli::{
        intent::{ChangeRequest, Verb},
        lock_arguments,
        session::Session,
        up::{
            again, confirm,
            follow::RunReporter,
            prepare::{self, Prepared},
            run_error,
            secrets::ResolvedSecrets,
        },
    },
    engine::{
        self, DesiredState, Limits, ReleaseHistory, RequiredPermissions, Retained,
        RevisionMetadata, Run, RunOptions, Selection, StoredDesiredState,
    },
    error::{CommandError, ExitCode},
    object::ObjectId,
    preflight,
    release::{Head, Revision, Store, StoreError},
    report::Output,
};

/// Works out what has to be done to go back to revision `number`, shows it, asks, and does it under
/// the lock.
pub(super) async fn go_back(
    rollback: &Rollback<'_>,
    number: u64,
    before: ReleaseHistory,
    session: Session,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let Rollback {
        arguments,
        address,
        store,
        by,
        ..
    } = rollback;
    let then = revision(&before.heads, number)?.clone();
    let is_settled = before.unsettled.is_none();
    let (intent, prepared) = prepared(rollback, number, before, &session, output).await?;
    if prepared.writes() == 0 && is_settled {
        output.note(&format!(
            "{} is as in revision {number} already: no changes",
            address.release
        ));
        return Ok(ExitCode::Done);
    }
    output.note(&format!(
        "Rolling back to revision {number} of {}, of {}",
        address.release,
        then.started.strftime("%Y-%m-%d %H:%M:%S UTC")
    ));
    confirm::confirm(&intent, &prepared, &session, output)?;
    let held = arguments
        .run
        .lock
        .acquire(&session, address, by, output)
        .await?;
    let session = session.through(&held);
    let store = store.through(&session.cluster);
    let result = match again::recheck(&intent, None, prepared, &session, &store, by, output).await {
        Ok(prepared) => {
            carry_out_prepared(rollback, &then, &prepared, session, &store, output).await
        }
        Err(error) => Err(error),
    };
    lock_arguments::release(held, output).await;
    result
}

fn revision(heads: &[Head], number: u64) -> Result<&Revision, CommandError> {
    let found = heads
        .iter()
        .map(|head| &head.revision)
        .find(|revision| revision.number == number);
    found.ok_or_else(|| CommandError::usage(format!("there is no revision {number}")))
}

/// Looks at the cluster, decides what is brought back and what is left, and what has to be done for
/// it.
async fn prepared<'a>(
    rollback: &'a Rollback<'_>,
    number: u64,
    before: ReleaseHistory,
    session: &Session,
    output: &mut Output,
) -> Result<(ChangeRequest<'a>, Prepared), CommandError> {
    let (then, now) = session
        .unless_interrupted(intentions(rollback, number, &before))
        .await?
        .map_err(|error| {
            let hint = format!(
                "of {}, there are also {}",
                rollback.address.release,
                engine::others(&before.heads, number)
            );
            session.store_error(&error).hint(hint)
        })?;
    let mut intent = intent(rollback);
    let (mut observation, before) =
        prepare::observe(session, &intent, &then.to_look_at(&now), before).await?;
    let mut again = then.again(
        &now,
        &observation.live,
        &before.records,
        rollback.arguments.restore_secrets,
    );
    intent.left_alone = again
        .left
        .keys()
        .filter(|id| again.wanted.objects.contains_key(*id))
        .cloned()
        .collect();
    tell_of(&again.left, output);
    check(&intent, &again.wanted, &observation, &before, session).await?;
    // Whoever goes back wants what was there, also where it must be created anew for that; the
    // question shows which objects.
    again
        .wanted
        .objects
        .values_mut()
        .for_each(|object| object.marks.recreate = true);
    engine::keep_sizes(&mut again.wanted, &observation.live);
    let decisions = prepare::decided(
        &intent,
        &mut again.wanted,
        &mut observation,
        &before,
        session,
    )
    .await?;
    let pruning =
        prepare::pruning(&intent, &again.wanted, &before, &mut observation, session).await?;
    prepare::check_deletions(&decisions, &pruning, session).await?;
    let prepared = Prepared {
        wanted: again.wanted,
        observation,
        decisions,
        pruning,
        before,
        skipped: Vec::new(),
        chosen: ResolvedSecrets::default(),
    };
    Ok((intent, prepared))
}

/// What revision `number` wanted, and what was wanted of what is there now: by the newest revision
/// where it was not rolled back, and by the newest that succeeded.
async fn intentions(
    rollback: &Rollback<'_>,
    number: u64,
    before: &ReleaseHistory,
) -> Result<(StoredDesiredState, Vec<StoredDesiredState>), StoreError> {
    use crate::event::RunOutcome::{RolledBack, Succeeded};
    let store = &rollback.store;
    let mut wanted = BTreeMap::new();
    for head in &before.heads {
        wanted.insert(head.revision.number, head);
    }
    let newest = before
        .newest()
        .filter(|head| head.revision.outcome != RolledBack);
    let good = before
        .heads
        .iter()
        .rev()
        .find(|head| head.revision.outcome == Succeeded);
    let numbers: BTreeSet<u64> = newest
        .into_iter()
        .chain(good)
        .map(|head| head.revision.number)
        .collect();
    let mut now = Vec::new();
    for number in numbers.into_iter().rev() {
        now.push(StoredDesiredState::read(store, wanted[&number]).await?);
    }
    Ok((StoredDesiredState::read(store, wanted[&number]).await?, now))
}

fn intent<'a>(rollback: &'a Rollback<'_>) -> ChangeRequest<'a> {
    let plain = ChangeRequest::plain(
        &rollback.address.release,
        Verb::RollBack,
        rollback.guard.protected,
        rollback.arguments.run.yes.as_deref(),
    );
    ChangeRequest {
        force_conflicts: rollback.arguments.force_conflicts,
        ..plain
    }
}

/// Names what is not brought back, and why.
fn tell_of(left: &BTreeMap<ObjectId, Retained>, output: &mut Output) {
    for (id, why) in left {
        let what = match why {
            Retained::Same => continue,
            Retained::Secret => {
                "is not restored: `--restore-secrets` restores the values of Secrets"
            }
            Retained::Data => "is not restored: it holds data",
            Retained::Manual => "is not restored: it is marked `rollback: manual`",
            Retained::ManualAbsent => "is not created again: it is marked `rollback: manual`",
            Retained::RunsOnce => "is not restored: it would run again",
            Retained::RanAlready => "is not created again: it has completed",
        };
        output.note(&format!("{id} {what}"));
    }
}

/// What stands in the way of it: kinds that are not served any more, and what the user may not do.
async fn check(
    intent: &ChangeRequest<'_>,
    wanted: &DesiredState,
    observation: &engine::Observation,
    before: &ReleaseHistory,
    session: &Session,
) -> Result<(), CommandError> {
    let objects = wanted.objects.values().map(|object| {
        (
            &object.object,
            wanted.resource(&object.object, &session.served),
        )
    });
    let mut findings = preflight::unknown_kinds(objects, &session.served);
    let mut decisions =
        engine::decide(wanted, &observation.live, &before.records, intent.selection);
    decisions.retain(|decision| !intent.left_alone.contains(&decision.id));
    let rights = RequiredPermissions::to_write(
        wanted,
        &session.served,
        &decisions,
        &BTreeSet::new(),
        intent.rolls_back,
    );
    findings.extend(prepare::not_permitted(rights, session).await?);
    preflight::refusal(&findings).map_or(Ok(()), Err)
}

async fn carry_out_prepared(
    rollback: &Rollback<'_>,
    then: &Revision,
    prepared: &Prepared,
    mut session: Session,
    store: &Store,
    output: &Output,
) -> Result<ExitCode, CommandError> {
    let Rollback {
        arguments,
        global,
        guard,
        by,
        ..
    } = rollback;
    let run = Run {
        cluster: &session.cluster,
        served: &session.served,
        wanted: &prepared.wanted,
        decisions: &prepared.decisions,
        pruning: &prepared.pruning,
        observation: &prepared.observation,
        selection: &Selection::All,
        before: &prepared.before,
        store,
        terms: RunOptions {
            limits: Limits {
                parallel: arguments.run.parallel,
                timeout: then.timeout,
            },
            timeout_rollback: then.timeout_rollback,
            rolls_back: true,
            force_conflicts: arguments.force_conflicts,
        },
        origin: RevisionMetadata {
            by: by.clone(),
            source: None,
            back_to: Some(then.number),
            guard: guard.clone(),
            access: then.access.clone(),
        },
    };
    let reporter = RunReporter {
        format: arguments.run.output,
        verbosity: global.verbose,
        output,
    };
    let result = reporter
        .carry_out(run, &[], &session.stops, &mut session.notices)
        .await;
    result.map_err(|error| run_error(&error, &session))
}
