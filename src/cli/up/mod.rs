//! `deployctl up`: the main job.

mod arguments;

pub(crate) use arguments::Arguments;

use std::time::Duration;

use super::{
    Global,
    approval::{approval, check_approved, read_approval},
    consent::Consent,
    deployment::{Deployment, Files, told_tools},
    diff::dry_run,
    execution::Execution,
    git,
    prompter::Prompter,
    removal::tell_kept,
    run_reporter::RunReporter,
    session::{Session, block_on},
};
use crate::{
    diff::Approval,
    engine::{
        Ask as _, Limits, Prepared, Rechecked, Rendering, RevisionMetadata, RunOptions, access,
        recheck,
    },
    error::{CommandError, ExitCode},
    object::Digest,
    plan::Address,
    release::{Author, Found, Guard, Lock, Operation, Store},
    report::Output,
    source::UsedTool,
};

pub(crate) fn run(
    arguments: &Arguments,
    global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let approved = arguments.approved.as_deref().map(read_approval);
    let approved = approved.transpose()?;
    let files = arguments.deployment.files(output)?;
    let Files {
        plan,
        selection,
        rendering,
        given,
    } = files;
    let release = plan.address.release.to_string();
    let deployment = Deployment {
        arguments: &arguments.deployment,
        plan: &plan,
        selection: &selection,
        given: &given,
        by: &Author::this_process(Operation::Deploy),
        rolls_back: !arguments.no_rollback,
        // Who has approved exactly this has said yes to it.
        yes: match &approved {
            Some(_) => Some(&release),
            None => arguments.run.yes.as_deref(),
        },
        looks_only: arguments.dry_run,
    };
    if arguments.dry_run {
        return dry_run(
            deployment,
            rendering,
            (arguments.run.output, global),
            output,
        );
    }
    let up = Up {
        arguments,
        global,
        deployment,
        approved: approved.as_ref(),
    };
    block_on(up.up(rendering, output))
}

/// A deployment that is carried out.
#[derive(Clone, Copy)]
struct Up<'a> {
    arguments: &'a Arguments,
    global: &'a Global,
    deployment: Deployment<'a>,
    approved: Option<&'a Approval>,
}

impl Up<'_> {
    async fn up(
        &self,
        rendering: Option<Rendering>,
        output: &mut Output,
    ) -> Result<ExitCode, CommandError> {
        let address = Some(&self.deployment.plan.address);
        let session = Session::open(&self.arguments.deployment.cluster, address).await?;
        let settled = self.deployment.settled(rendering, &session, output);
        let (plan, rendering) = settled.await?;
        let chosen = Up {
            deployment: Deployment {
                plan: &plan,
                ..self.deployment
            },
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
        let Self { deployment, .. } = *self;
        let address = &deployment.plan.address;
        let store = session.store(address);
        let consent = deployment.consent(&session);
        let tools = told_tools(&rendering, self.global.verbose, output);
        let mut prompter = Prompter::new(&consent, output);
        let prepare = deployment.prepared(rendering, (&session, &store), &mut prompter);
        // At the same time, so that it costs no time: without changes the lock is not taken.
        let (prepared, lock) = tokio::join!(prepare, locked(address, &session));
        let prepared = prepared?;
        let cluster = match self.approved {
            Some(_) => session.identity().await?,
            None => None,
        };
        let first = self.approved_now(&consent, &prepared, cluster)?;
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
            let prepared = self
                .rechecked((&session, &store), (prepared, first), &consent, output)
                .await?;
            self.carry_out(&prepared, &tools, session, &store, output)
                .await
        };
        let lock = &self.arguments.run.lock;
        lock.locked(session, address, deployment.by, output, work)
            .await
    }

    /// `prepared` as it is under the lock; `first` is that as it was found approved.
    async fn rechecked(
        &self,
        (session, store): (&Session, &Store),
        (prepared, first): (Prepared, Option<Approval>),
        consent: &Consent<'_>,
        output: &mut Output,
    ) -> Result<Prepared, CommandError> {
        let mut prompter = Prompter::new(consent, output);
        let declarations = Some(self.deployment.declarations());
        let (context, request) = (session.context(store), self.deployment.request());
        let Rechecked { prepared, anew } =
            recheck(context, &request, declarations, prepared, &mut prompter)
                .await
                .map_err(|error| session.prepare_error(error))?;
        if let (Some(approved), Some(first)) = (self.approved, first) {
            let now = approval(consent, &prepared, (approved, first.cluster.clone()));
            // What has not changed was not tried again: the answers of the first look are those of it.
            let now = if anew {
                now
            } else {
                first.with_removals_of(now)
            };
            check_approved(approved, &now)?;
        }
        Ok(prepared)
    }

    /// What `prepared` is in the `cluster`. Refuses to do anything else than what was approved, where
    /// something was.
    fn approved_now(
        &self,
        consent: &Consent<'_>,
        prepared: &Prepared,
        cluster: Option<Digest>,
    ) -> Result<Option<Approval>, CommandError> {
        let Some(approved) = self.approved else {
            return Ok(None);
        };
        let now = approval(consent, prepared, (approved, cluster));
        check_approved(approved, &now)?;
        Ok(Some(now))
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
            arguments,
            deployment,
            ..
        } = *self;
        let plan = deployment.plan;
        // Otherwise the question has shown it.
        if prepared.writes() == 0 {
            tell_kept(&prepared.pruning, output);
        }
        let execution = Execution {
            prepared,
            options: RunOptions {
                selection: deployment.selection,
                limits: Limits {
                    parallel: arguments.run.parallel,
                    timeout: arguments.timeout.unwrap_or(plan.timeouts.run),
                },
                timeout_rollback: plan.timeouts.rollback,
                rolls_back: deployment.rolls_back,
                force_conflicts: arguments.deployment.force_conflicts,
                delete_timeout: None,
            },
            metadata: RevisionMetadata {
                by: deployment.by.clone(),
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
