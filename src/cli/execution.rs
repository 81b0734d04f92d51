//! Carries out what was prepared.

use super::{run_reporter::RunReporter, session::Session};
use crate::{
    cluster::{Cluster, Served},
    engine::{
        Emitter, Prepared, RevisionMetadata, Run, RunError, RunOptions, RunTarget, carry_out,
    },
    error::{CommandError, ExitCode},
    event::EventKind,
    plan::{PhaseId, PlanPart, Skipped},
    release::Store,
};

/// What is carried out, and how.
pub(super) struct Execution<'a> {
    /// What was prepared.
    pub(super) prepared: &'a Prepared,
    /// How it is run.
    pub(super) options: RunOptions<'a>,
    /// What its revision says of it.
    pub(super) metadata: RevisionMetadata,
}

impl<'a> Execution<'a> {
    /// Carries it out, reports what happens meanwhile, and returns the exit code.
    pub(super) async fn carry_out(
        self,
        session: &mut Session,
        store: &Store,
        reporter: &RunReporter<'_>,
    ) -> Result<ExitCode, CommandError> {
        let Session {
            cluster,
            served,
            notices,
            stops,
        } = &mut *session;
        let prepared = self.prepared;
        let run = self.run(cluster, served, store);
        let work = async |emitter: &Emitter| {
            for Skipped { part, why } in &prepared.skipped {
                let why = why.clone();
                emitter.emit(match part {
                    PlanPart::Phase(name) => EventKind::PhaseSkipped {
                        phase: PhaseId::declared(name),
                        why,
                    },
                    part => EventKind::PartSkipped {
                        part: part.to_string(),
                        why,
                    },
                });
            }
            carry_out(run, emitter, stops).await
        };
        let result = reporter.follow(notices, work).await;
        result.map_err(|error| run_error(&error, session))
    }

    /// The run that it is.
    pub(super) fn run<'b>(
        self,
        cluster: &'b Cluster,
        served: &'b Served,
        store: &'b Store,
    ) -> Run<'b>
    where
        'a: 'b,
    {
        let Prepared {
            desired,
            observation,
            history,
            decisions,
            pruning,
            ..
        } = self.prepared;
        Run {
            target: RunTarget {
                cluster,
                served,
                store,
            },
            desired,
            decisions,
            pruning,
            observation,
            history,
            options: self.options,
            metadata: self.metadata,
        }
    }
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
