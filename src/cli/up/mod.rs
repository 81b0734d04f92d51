//! `deployctl up`: the main job.

pub(super) mod again;
mod arguments;
pub(super) mod confirm;
pub(super) mod follow;
pub(super) mod prepare;
mod recreate;
pub(super) mod secrets;

pub(crate) use arguments::Arguments;

use std::collections::BTreeSet;

use follow::RunReporter;
use prepare::Prepared;
use secrets::Declarations;

use super::{
    Global, git,
    intent::{ChangeRequest, Verb},
    lock_arguments,
    plan_arguments::rendered,
    secret_arguments::GivenSecrets,
    session::{Session, block_on},
};
use crate::{
    engine::{Limits, Rendering, RevisionMetadata, Run, RunError, RunOptions, Selection},
    error::{CommandError, ExitCode},
    plan::Plan,
    release::{Author, Guard, Store},
    report::Output,
};

pub(crate) fn run(
    arguments: &Arguments,
    global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let plan = arguments.plan.load(output)?;
    refuse_unsupported(&plan)?;
    let selection = arguments.selection(&plan)?;
    // Everything that is wrong with the files is said before the cluster is asked for anything.
    let rendering = rendered(&plan, output)?;
    let given = arguments.secrets.read(&plan)?;
    block_on(up(
        arguments, global, &plan, &selection, rendering, &given, output,
    ))
}

/// A plan that asks for what this version cannot do is refused: a step silently left out is worse
/// than none.
fn refuse_unsupported(plan: &Plan) -> Result<(), CommandError> {
    if plan.unsupported.is_empty() {
        return Ok(());
    }
    let keys = plan.unsupported.join("\n  ");
    Err(CommandError::usage(format!(
        "the plan uses keys that are not supported yet:\n  {keys}"
    ))
    .hint("take these keys out of the plan, or update deployctl"))
}

/// `error` of a run as users read it.
pub(super) fn run_error(error: &RunError, session: &Session) -> CommandError {
    match error {
        RunError::NotStarted(source) => {
            let mut refused = session.store_error(source);
            refused.message = format!("nothing was changed: {}", refused.message);
            refused
        }
        RunError::NotRecorded(_) => CommandError::new(ExitCode::Changed, error.to_string())
            .because(error)
            .hint("run the same command again: it looks at the cluster, and records what is there"),
    }
}

async fn up(
    arguments: &Arguments,
    global: &Global,
    plan: &Plan,
    selection: &Selection,
    rendering: Rendering,
    given: &GivenSecrets,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let session = Session::open(&arguments.cluster, Some(&plan.address())).await?;
    let by = Author::this_process("up");
    let store = Store::new(
        &session.cluster,
        &session.served,
        &plan.state_namespace,
        &plan.release,
    );
    let intent = intent(arguments, plan, selection);
    let deployment = Deployment {
        arguments,
        global,
        plan,
        selection,
    };
    let prepared =
        prepare::prepare(&intent, plan, rendering, given, &session, &store, output).await?;
    if !prepared.needs_revision() {
        return deployment
            .carry_out(&prepared, session, &store, by, output)
            .await;
    }
    if prepared.writes() > 0 {
        confirm::confirm(&intent, &prepared, &session, output)?;
    }
    let held = arguments
        .run
        .lock
        .acquire(&session, &plan.address(), &by, output)
        .await?;
    let session = session.through(&held);
    let store = store.through(&session.cluster);
    let result = match again::recheck(
        &intent,
        Some(Declarations { plan, given }),
        prepared,
        &session,
        &store,
        &by,
        output,
    )
    .await
    {
        Ok(prepared) => {
            deployment
                .carry_out(&prepared, session, &store, by, output)
                .await
        }
        Err(error) => Err(error),
    };
    lock_arguments::release(held, output).await;
    result
}

fn intent<'a>(
    arguments: &'a Arguments,
    plan: &'a Plan,
    selection: &'a Selection,
) -> ChangeRequest<'a> {
    let value = |name: &String| plan.variables.get(name).map(text_of).unwrap_or_default();
    ChangeRequest {
        release: &plan.release,
        verb: Verb::Deploy,
        selection,
        protected: plan.protected,
        yes: arguments.run.yes.as_deref(),
        force_conflicts: arguments.force_conflicts,
        recreate: &arguments.recreate,
        rolls_back: !arguments.no_rollback,
        delete_data: arguments.delete_data,
        foreign_variables: plan
            .foreign_variables
            .iter()
            .map(|name| (name.clone(), value(name)))
            .collect(),
        declared: secrets::declared(plan).collect(),
        adopt: arguments.adopt,
        left_alone: BTreeSet::new(),
    }
}

fn text_of(value: &serde_json::Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// What is deployed, and how.
struct Deployment<'a> {
    arguments: &'a Arguments,
    global: &'a Global,
    plan: &'a Plan,
    selection: &'a Selection,
}

impl Deployment<'_> {
    async fn carry_out(
        &self,
        prepared: &Prepared,
        mut session: Session,
        store: &Store,
        by: Author,
        output: &Output,
    ) -> Result<ExitCode, CommandError> {
        let Self {
            arguments,
            global,
            plan,
            selection,
        } = *self;
        let run = Run {
            cluster: &session.cluster,
            served: &session.served,
            wanted: &prepared.wanted,
            decisions: &prepared.decisions,
            pruning: &prepared.pruning,
            observation: &prepared.observation,
            selection,
            before: &prepared.before,
            store,
            terms: RunOptions {
                limits: Limits {
                    parallel: arguments.run.parallel,
                    timeout: arguments.timeout.unwrap_or(plan.timeout),
                },
                timeout_rollback: plan.timeout_rollback,
                rolls_back: !arguments.no_rollback,
                force_conflicts: arguments.force_conflicts,
            },
            origin: RevisionMetadata {
                by,
                source: Some(git::source(plan)),
                back_to: None,
                guard: Guard {
                    contexts: plan.contexts.clone(),
                    protected: plan.protected,
                },
                access: prepare::access(plan, session.cluster.kubectl()),
            },
        };
        let reporter = RunReporter {
            format: arguments.run.output,
            verbosity: global.verbose,
            output,
        };
        let result = reporter
            .carry_out(run, &prepared.skipped, &session.stops, &mut session.notices)
            .await;
        result.map_err(|error| run_error(&error, &session))
    }
}
