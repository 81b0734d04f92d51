//! `deployctl up`: the main job.

mod arguments;

pub(crate) use arguments::Arguments;

use std::time::Duration;

use super::{
    Global,
    consent::{Consent, Verb},
    execution::Execution,
    git,
    plan_arguments::rendered,
    prompter::Prompter,
    removal::tell_kept,
    run_reporter::RunReporter,
    session::{Session, block_on},
};
use crate::{
    engine::{
        Ask as _, Declarations, GivenSecrets, Limits, Prepared, Rendering, Request,
        RevisionMetadata, RunOptions, Selection, access, check_part, prepare_deploy, recheck,
        settle,
    },
    error::{CommandError, ExitCode},
    plan::{Address, Plan},
    release::{Author, Found, Guard, Lock, Operation, Store},
    report::Output,
    source::UsedTool,
};

pub(crate) fn run(
    arguments: &Arguments,
    global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let plan = arguments.plan.load(&arguments.checks, output)?;
    refuse_unsupported(&plan)?;
    let selection = arguments.selection(&plan)?;
    // Everything that is wrong with the files is said before the cluster is asked for anything; but
    // what a chart makes is known only then.
    let rendering = if plan.has_charts() {
        None
    } else {
        Some(rendered(&plan, output)?)
    };
    if let (Selection::Only(part), Some(rendering)) = (&selection, &rendering) {
        check_part(part, rendering, &plan)?;
    }
    let given = arguments.secrets.read(&plan)?;
    let deployment = Deployment {
        arguments,
        global,
        plan: &plan,
        selection: &selection,
        given: &given,
        by: &Author::this_process(Operation::Deploy),
    };
    block_on(deployment.up(rendering, output))
}

/// A plan that asks for what this version cannot do is refused: a step silently left out is worse
/// than none.
fn refuse_unsupported(plan: &Plan) -> Result<(), CommandError> {
    if plan.checks.unsupported.is_empty() {
        return Ok(());
    }
    let keys = plan.checks.unsupported.join("\n  ");
    Err(CommandError::usage(format!(
        "the plan uses keys that are not supported yet:\n  {keys}"
    ))
    .hint("take these keys out of the plan, or update deployctl"))
}

/// What is deployed, and how.
#[derive(Clone, Copy)]
struct Deployment<'a> {
    arguments: &'a Arguments,
    global: &'a Global,
    plan: &'a Plan,
    selection: &'a Selection,
    given: &'a GivenSecrets,
    by: &'a Author,
}

impl Deployment<'_> {
    async fn up(
        &self,
        rendering: Option<Rendering>,
        output: &mut Output,
    ) -> Result<ExitCode, CommandError> {
        let address = Some(&self.plan.address);
        let session = Session::open(&self.arguments.cluster, address).await?;
        let consent = self.consent(&session);
        let mut prompter = Prompter::new(&consent, output);
        let store = session.store(&self.plan.address);
        let settled = settle(session.context(&store), self.plan, rendering, &mut prompter).await;
        let (plan, rendering) = settled.map_err(|error| session.prepare_error(error))?;
        if let Selection::Only(part) = self.selection {
            check_part(part, &rendering, &plan)?;
        }
        let chosen = Deployment {
            plan: &plan,
            ..*self
        };
        chosen.deploy(rendering, session, output).await
    }

    /// Deploys the plan as it is in the cluster of `session`.
    async fn deploy(
        &self,
        rendering: Rendering,
        session: Session,
        output: &mut Output,
    ) -> Result<ExitCode, CommandError> {
        let Self {
            arguments,
            plan,
            given,
            by,
            ..
        } = *self;
        let address = &plan.address;
        let store = session.store(address);
        let (request, consent) = (self.request(), self.consent(&session));
        let declarations = Declarations { plan, given };
        let tools = rendering.tools();
        if self.global.verbose > 0 {
            for tool in &tools {
                output.note(&format!("Sources built with {tool}"));
            }
            for test in rendering.tests() {
                output.note(&format!("{test} is a test of its chart, and is not run"));
            }
        }
        let mut prompter = Prompter::new(&consent, output);
        let context = session.context(&store);
        let prepare = prepare_deploy(context, &request, declarations, rendering, &mut prompter);
        // At the same time, so that it costs no time: without changes the lock is not taken.
        let (prepared, lock) = tokio::join!(prepare, locked(address, &session));
        let prepared = prepared.map_err(|error| session.prepare_error(error))?;
        if !prepared.needs_revision() {
            if let Some(lock) = lock {
                session
                    .unless_interrupted(remove_dead(&lock, output))
                    .await?;
            }
            return self
                .carry_out(&prepared, &tools, session, &store, output)
                .await;
        }
        if prepared.writes() > 0 {
            prompter.confirm(&prepared)?;
        }
        let work = async |session: Session, store: Store, output: &mut Output| {
            let mut prompter = Prompter::new(&consent, output);
            let context = session.context(&store);
            let declarations = Some(declarations);
            let prepared = recheck(context, &request, declarations, prepared, &mut prompter)
                .await
                .map_err(|error| session.prepare_error(error))?;
            self.carry_out(&prepared, &tools, session, &store, output)
                .await
        };
        let lock = &arguments.run.lock;
        lock.locked(session, address, by, output, work).await
    }

    fn request(&self) -> Request<'_> {
        let arguments = self.arguments;
        Request {
            release: &self.plan.address.release,
            by: self.by,
            selection: self.selection,
            adopt: arguments.adopt,
            force_conflicts: arguments.force_conflicts,
            recreate: &arguments.recreate,
            rolls_back: !arguments.no_rollback,
            delete_data: arguments.delete_data,
        }
    }

    fn consent(&self, session: &Session) -> Consent<'_> {
        let plan = self.plan;
        let value = |name: &String| {
            plan.variables
                .values
                .get(name)
                .map(text_of)
                .unwrap_or_default()
        };
        let yes = self.arguments.run.yes.as_deref();
        Consent {
            foreign_variables: plan
                .variables
                .foreign
                .iter()
                .map(|name| (name.clone(), value(name)))
                .collect(),
            ..Consent::new(
                &plan.address.release,
                Verb::Deploy,
                plan.protected,
                yes,
                session,
            )
        }
    }

    async fn carry_out(
        &self,
        prepared: &Prepared,
        tools: &[UsedTool],
        mut session: Session,
        store: &Store,
        output: &mut Output,
    ) -> Result<ExitCode, CommandError> {
        let Self {
            arguments, plan, ..
        } = *self;
        // Otherwise the question has shown it.
        if prepared.writes() == 0 {
            tell_kept(&prepared.pruning, output);
        }
        let execution = Execution {
            prepared,
            options: RunOptions {
                selection: self.selection,
                limits: Limits {
                    parallel: arguments.run.parallel,
                    timeout: arguments.timeout.unwrap_or(plan.timeouts.run),
                },
                timeout_rollback: plan.timeouts.rollback,
                rolls_back: !arguments.no_rollback,
                force_conflicts: arguments.force_conflicts,
                delete_timeout: None,
            },
            metadata: RevisionMetadata {
                by: self.by.clone(),
                source: Some(git::source(plan, tools)),
                back_to: None,
                guard: Guard {
                    contexts: plan.address.contexts.clone(),
                    protected: plan.protected,
                },
                access: access(plan, session.cluster.kubectl()),
            },
        };
        let reporter = RunReporter::new(&arguments.run, self.global, output);
        execution.carry_out(&mut session, store, &reporter).await
    }
}

/// How long a look at the lock may take that only tidies up.
const LOOK: Duration = Duration::from_secs(5);

/// The lock of the release at `address`, where a run holds it and the user may look at it.
async fn locked(address: &Address, session: &Session) -> Option<Found> {
    // Nothing depends on it, so that nobody waits for it for long.
    let cluster = session.cluster.tried_once().answered_within(LOOK);
    let found = Lock::find(
        &cluster,
        &session.served,
        &address.state_namespace,
        &address.release,
    );
    found.await.ok().flatten()
}

/// Removes `lock` where its run is certainly dead. Who may not do that leaves it to the next one.
async fn remove_dead(lock: &Found, output: &mut Output) {
    if lock.remove_dead().await.unwrap_or(false) {
        output.note(&format!(
            "Removed the lock of a run that is dead: {}",
            lock.holder()
        ));
    }
}

fn text_of(value: &serde_json::Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
