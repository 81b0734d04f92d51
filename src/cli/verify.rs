//! `deployctl verify`: what the charts of a release have as tests.

use std::time::Duration;

use super::{
    Global,
    execution::Execution,
    not_deployed::no_revisions,
    plan_arguments::{ClusterArguments, PlanArguments},
    run_arguments::RunArguments,
    run_reporter::RunReporter,
    session::{Session, block_on},
};
use crate::{
    engine::{
        Emitter, Limits, Prepared, Request, RevisionMetadata, RunOptions, Selection, is_deployed,
        prepare_tests, run_tests, without_hooks,
    },
    error::{CommandError, ExitCode},
    plan::{self, Address},
    release::{Author, Guard, Operation, Store},
    report::Output,
};

/// Run the tests that the charts of a release have
///
/// Hooks of charts that are tests are created by their weights, and have to end well: what they write
/// is shown, and one that fails ends the command with exit code 1. They are those of the deployed
/// revision, so that neither the plan file nor the charts are needed, and are deleted as their
/// policies say, or by `down`. Meanwhile the release is locked.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl verify --env dev
  deployctl verify shop --env prod --timeout 10m -o jsonl")]
#[command(mut_arg("state_namespace", |argument| argument.hide(false)), mut_arg("set", |argument| argument.hide(true)), mut_arg("yes", |argument| argument.hide(true)))]
pub(crate) struct Arguments {
    #[command(flatten)]
    plan: PlanArguments,
    #[command(flatten)]
    cluster: ClusterArguments,
    /// How long all of them may take
    #[arg(long, value_name = "DURATION", default_value = "5m", env = "DEPLOYCTL_TIMEOUT", value_parser = plan::parse_duration)]
    timeout: Duration,
    #[command(flatten)]
    run: RunArguments,
}

pub(crate) fn run(
    arguments: &Arguments,
    global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let (address, missing) = arguments.plan.address_or_name()?;
    block_on(verify(arguments, global, &address, missing, output))
}

async fn verify(
    arguments: &Arguments,
    global: &Global,
    address: &Address,
    missing: Option<CommandError>,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let session = Session::open(&arguments.cluster, Some(address)).await?;
    let store = session.store(address);
    let history = session.context(&store).history().await;
    let history = history.map_err(|error| session.prepare_error(error))?;
    let Some(newest) = history.newest().filter(|_| is_deployed(&history.heads)) else {
        return Err(no_revisions(address, missing, &session).await);
    };
    session.check_context(&address.release, &newest.revision.guard.contexts)?;
    let without_hooks = without_hooks(session.context(&store), &history).await;
    if let Some(number) = without_hooks.map_err(|error| session.prepare_error(error))? {
        return Err(without_tests(number, address));
    }
    let by = Author::this_process(Operation::Verify);
    let work = async |session: Session, store: Store, output: &mut Output| {
        test(arguments, global, (address, &by), session, &store, output).await
    };
    let lock = &arguments.run.lock;
    lock.locked(session, address, &by, output, work).await
}

/// The error where nobody knows which tests there are: the revision `number` does not hold any.
fn without_tests(number: u64, address: &Address) -> CommandError {
    let message = format!(
        "revision {number} of {} was stored by an older deployctl, without the tests of its charts: none were run",
        address.release
    );
    CommandError::new(ExitCode::Refused, message).hint("`deployctl up` stores them")
}

/// Runs the tests under the lock.
async fn test(
    arguments: &Arguments,
    global: &Global,
    (address, by): (&Address, &Author),
    mut session: Session,
    store: &Store,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let context = session.context(store);
    let prepare = async {
        let history = context.history().await?;
        prepare_tests(context, &Request::plain(&address.release, by), history).await
    };
    let prepared = prepare
        .await
        .map_err(|error| session.prepare_error(error))?;
    if prepared.desired.objects.is_empty() {
        output.note(&format!("no chart of {} has tests", address.release));
        return Ok(ExitCode::Done);
    }
    let execution = execution(arguments, &prepared, by);
    let Session {
        cluster,
        served,
        notices,
        stops,
    } = &mut session;
    let run = execution.run(cluster, served, store);
    let work = async |emitter: &Emitter| run_tests(run, arguments.timeout, emitter, stops).await;
    let reporter = RunReporter::new(&arguments.run, global, output);
    Ok(reporter.follow(notices, work).await)
}

fn execution<'a>(arguments: &Arguments, prepared: &'a Prepared, by: &Author) -> Execution<'a> {
    Execution {
        prepared,
        options: RunOptions {
            selection: &Selection::All,
            limits: Limits {
                parallel: arguments.run.parallel,
                timeout: arguments.timeout,
            },
            timeout_rollback: arguments.timeout,
            rolls_back: false,
            force_conflicts: false,
            delete_timeout: None,
        },
        metadata: RevisionMetadata {
            by: by.clone(),
            source: None,
            back_to: None,
            guard: Guard::default(),
            access: indexmap::IndexMap::new(),
        },
    }
}
