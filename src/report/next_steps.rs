//! In which state a run left the cluster, and what to do next.

use anstyle::Style;

use super::{
    line::{Line, paragraph},
    progress::Run,
    summary::Ending,
};
use crate::{
    error::ExitCode,
    event::{Proof, Purpose, RunOutcome},
};

/// In which state a run that came to no good end left the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndState {
    /// Nothing was written.
    Untouched,
    /// Everything is as it was.
    RolledBack,
    /// It was rolled back, and not everything is as it was.
    Differs,
    /// The rollback was interrupted.
    Halfway,
    /// What was written stays.
    Left,
}

impl EndState {
    /// The state after `ending`; `proof` is what the rollback came to, where there was one.
    pub(super) fn of(ending: &Ending<'_>, proof: Option<&Proof>) -> Self {
        match (ending.outcome, proof) {
            (RunOutcome::RolledBack, Some(_)) => Self::RolledBack,
            (RunOutcome::RolledBack, None) => Self::Untouched,
            (RunOutcome::RollingBack, _) => Self::Halfway,
            (_, Some(_)) => Self::Differs,
            (_, None) if ending.exit == ExitCode::Changed => Self::Left,
            (_, None) => Self::Untouched,
        }
    }
}

/// What to do after a run that came to no good end, and in what state it left the cluster.
/// `failed`: there is a cause to fix.
pub(super) fn next_steps(
    run: Option<&Run>,
    end_state: EndState,
    failed: bool,
    width: Option<usize>,
) -> Vec<Line> {
    let first = if failed { "fix the cause, then " } else { "" };
    let command = |name: &str| match run {
        Some(Run { release, .. }) => format!(
            "`deployctl {name} {} --env {}`",
            release.plan, release.environment
        ),
        None => format!("`deployctl {name}`"),
    };
    let forward = run.map_or("up", |run| match run.purpose {
        Purpose::TakeDown => "down",
        Purpose::Prune => "prune --orphans",
        Purpose::Verify => "verify",
        Purpose::Deploy | Purpose::BringBack | Purpose::PutBack => "up",
    });
    let is_test = run.is_some_and(|run| run.purpose == Purpose::Verify);
    let (up, rollback) = (command(forward), command("rollback"));
    let on_or_back = format!(
        "{first}run {up} again: it continues from there; or {rollback} restores what was there before"
    );
    let (now, next) = match end_state {
        _ if is_test => (None, format!("{first}run {up} again")),
        EndState::Untouched => (None, format!("nothing was changed; {first}run {up} again")),
        EndState::RolledBack => (None, format!("{first}run {up} again")),
        EndState::Differs => (
            Some("not everything could be restored, see above".to_owned()),
            format!("{rollback} tries again; {up} deploys again"),
        ),
        EndState::Halfway => (
            Some(format!("{} shows what is there", command("status"))),
            format!("{rollback} continues the rollback; {up} deploys again"),
        ),
        EndState::Left => (
            Some(format!(
                "what was written is left in place. {} shows it",
                command("status")
            )),
            on_or_back,
        ),
    };
    let now = now.map(|now| ("  now:  ", now));
    let lines = now.into_iter().chain([("  next: ", next)]);
    lines
        .flat_map(|(lead, text)| paragraph(lead, &text, (width, usize::MAX), Style::new()))
        .collect()
}
