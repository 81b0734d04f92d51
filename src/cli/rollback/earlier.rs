//! Back to what an earlier revision wanted, as a new revision.

use super::arguments::Rollback;
use crate::{
    cli::{execution::Execution, prompter::Prompter, run_reporter::RunReporter, session::Session},
    engine::{
        Ask as _, Limits, Prepared, ReleaseHistory, Request, Revert, RevisionMetadata, RunOptions,
        Selection, prepare_revert, recheck,
    },
    error::{CommandError, ExitCode},
    release::{Head, Revision, Store},
    report::Output,
};

/// Works out what has to be done to go back to revision `number`, shows it, asks, and does it under
/// the lock.
pub(super) async fn go_back(
    rollback: &Rollback<'_>,
    number: u64,
    history: ReleaseHistory,
    session: Session,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let Rollback {
        arguments, address, ..
    } = rollback;
    let to = head(&history.heads, number)?.clone();
    let is_settled = history.unsettled.is_none();
    let (request, consent) = (request(rollback), rollback.consent(&session));
    let revert = Revert {
        to: &to,
        restore_secrets: arguments.restore_secrets,
        runs_hooks: !arguments.no_hooks,
    };
    let mut prompter = Prompter::new(&consent, output);
    let context = session.context(&rollback.store);
    let prepared = prepare_revert(context, &request, revert, history, &mut prompter)
        .await
        .map_err(|error| session.prepare_error(error))?;
    if prepared.writes() == 0 && is_settled {
        prompter.note(&format!(
            "{} is as in revision {number} already: no changes",
            address.release
        ));
        return Ok(ExitCode::Done);
    }
    prompter.note(&format!(
        "Rolling back to revision {number} of {}, of {}",
        address.release,
        to.revision.started.strftime("%Y-%m-%d %H:%M:%S UTC")
    ));
    prompter.confirm(&prepared)?;
    let work = async |session: Session, store: Store, output: &mut Output| {
        let mut prompter = Prompter::new(&consent, output);
        let context = session.context(&store);
        let second = recheck(context, &request, None, prepared, &mut prompter)
            .await
            .map_err(|error| session.prepare_error(error))?;
        carry_out(
            rollback,
            &to.revision,
            &second.prepared,
            session,
            &store,
            output,
        )
        .await
    };
    let lock = &arguments.run.lock;
    lock.locked(session, address, &rollback.by, output, work)
        .await
}

fn head(heads: &[Head], number: u64) -> Result<&Head, CommandError> {
    let found = heads.iter().find(|head| head.revision.number == number);
    found.ok_or_else(|| CommandError::usage(format!("there is no revision {number}")))
}

fn request<'a>(rollback: &'a Rollback<'_>) -> Request<'a> {
    Request {
        force_conflicts: rollback.arguments.force_conflicts,
        ..Request::plain(&rollback.address.release, &rollback.by)
    }
}

async fn carry_out(
    rollback: &Rollback<'_>,
    then: &Revision,
    prepared: &Prepared,
    mut session: Session,
    store: &Store,
    output: &Output,
) -> Result<ExitCode, CommandError> {
    let arguments = rollback.arguments;
    let execution = Execution {
        prepared,
        options: RunOptions {
            selection: &Selection::All,
            limits: Limits {
                parallel: arguments.run.parallel,
                timeout: then.timeout,
            },
            timeout_rollback: then.timeout_rollback,
            rolls_back: true,
            force_conflicts: arguments.force_conflicts,
            delete_timeout: None,
        },
        metadata: RevisionMetadata {
            by: rollback.by.clone(),
            source: None,
            back_to: Some(then.number),
            guard: rollback.guard.clone(),
            access: then.access.clone(),
        },
    };
    let reporter = RunReporter::new(&arguments.run, rollback.global, output);
    execution.carry_out(&mut session, store, &reporter).await
}
