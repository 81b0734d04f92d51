//! `deployctl up`: the main job.

mod arguments;
mod confirm;
mod follow;
mod prepare;
mod secrets;

pub(crate) use arguments::{Arguments, check_phases};

use super::{
    Global,
    secret_arguments::GivenSecrets,
    session::{Session, block_on},
    wanted::Rendering,
};
use crate::{
    engine::{Emitter, Limits, Run, RunError, Selection, carry_out},
    error::{CommandError, ExitCode},
    plan::Plan,
    release::Author,
    report::Output,
};

pub(crate) fn run(arguments: &Arguments, global: &Global, output: &mut Output) -> Result<ExitCode, CommandError> {
    let plan = arguments.plan.load(output)?;
    refuse_unsupported(&plan)?;
    let selection = arguments.selection(&plan)?;
    // Everything that is wrong with the files is said before the cluster is asked for anything.
    let rendering = Rendering::offline(&plan, output)?;
    let given = arguments.secrets.read(&plan)?;
    block_on(up(arguments, global, &plan, &selection, rendering, &given, output))
}

/// A plan that asks for what this version cannot do is refused: a step silently left out is worse than none.
fn refuse_unsupported(plan: &Plan) -> Result<(), CommandError> {
    if plan.unsupported.is_empty() {
        return Ok(());
    }
    let keys = plan.unsupported.join("\n  ");
    Err(CommandError::usage(format!("this version of deployctl cannot carry out all of the plan:\n  {keys}"))
        .hint("take these keys out of the plan, or update deployctl"))
}

fn run_error(error: &RunError, session: &Session) -> CommandError {
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
    let mut session = Session::open(&arguments.cluster, Some(&plan.address())).await?;
    let prepared = prepare::prepare(arguments, plan, selection, rendering, given, &session, output).await?;
    if prepared.writes() > 0 {
        confirm::confirm(arguments, plan, &prepared, &session, output)?;
    }
    let run = Run {
        cluster: &session.cluster,
        served: &session.served,
        wanted: &prepared.wanted,
        decisions: &prepared.decisions,
        look: &prepared.look,
        selection,
        previous: prepared.previous.as_ref(),
        records: prepared.records.clone(),
        limits: Limits { parallel: arguments.parallel, timeout: arguments.timeout.unwrap_or(plan.timeout) },
        force_conflicts: arguments.force_conflicts,
        state_namespace: &plan.state_namespace,
        by: Author::this_process("up"),
        access: prepare::access(plan, session.cluster.kubectl()),
    };
    let (sender, events) = tokio::sync::mpsc::unbounded_channel();
    let emitter = Emitter::new(sender);
    for (phase, why) in &prepared.skipped {
        emitter.emit(crate::event::EventKind::PhaseSkipped { phase: phase.clone(), why: why.clone() });
    }
    let work = carry_out(run, &emitter, &session.interrupt);
    let result = follow::follow(work, &emitter, events, &mut session.notices, arguments.output, global.verbose, output).await;
    result.map_err(|error| run_error(&error, &session))
}
