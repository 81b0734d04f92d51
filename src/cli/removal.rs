//! What commands share that only remove: `down`, and `prune --orphans`.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use indexmap::IndexMap;

use super::{
    Global,
    intent::{ChangeRequest, Verb},
    run_arguments::RunArguments,
    session::Session,
    up::{
        confirm::{consent, consent_to_loss, deletes_data, removed},
        follow, run_error,
    },
};
use crate::{
    engine::{
        DesiredState, Emitter, Limits, Observation, PrunePlan, ReleaseHistory, Removal,
        RevisionMetadata, Run, RunOptions, Selection, remove_all,
    },
    error::{CommandError, ExitCode},
    object::ObjectId,
    plan::{self, Address, PhaseId},
    release::{Author, Guard, PhaseRecord, Store},
    report::{ChangeSummary, Extent, Output},
};

/// How a command removes.
#[derive(Debug, clap::Args)]
pub(super) struct RemovalArguments {
    /// Also delete volumes with the data on them; needs the release's name: typed, or
    /// `--yes=PLAN.ENV`
    #[arg(long)]
    pub(super) delete_data: bool,
    /// How long to wait in each phase until its objects are deleted, before continuing without them
    #[arg(long, alias = "patience", value_name = "DURATION", default_value = "5m", value_parser = plan::parse_duration)]
    delete_timeout: Duration,
    /// Time limit of the whole run, for example `20m`; by default that of the last `up`
    #[arg(long, value_name = "DURATION", env = "DEPLOYCTL_TIMEOUT", value_parser = plan::parse_duration)]
    timeout: Option<Duration>,
    #[command(flatten)]
    pub(super) run: RunArguments,
}

/// What was worked out before anything is asked or written.
pub(super) struct Prepared {
    pub(super) before: ReleaseHistory,
    pub(super) observation: Observation,
    pub(super) pruning: PrunePlan,
}

/// A command that removes, and what it removes from.
pub(super) struct Removing<'a> {
    pub(super) arguments: &'a RemovalArguments,
    pub(super) global: &'a Global,
    pub(super) address: &'a Address,
    pub(super) verb: Verb,
    pub(super) by: Author,
}

/// Shows what goes and what is kept, and asks.
pub(super) fn confirm(
    removing: &Removing<'_>,
    guard: &Guard,
    prepared: &Prepared,
    session: &Session,
    output: &mut Output,
) -> Result<(), CommandError> {
    let Removing {
        arguments, address, ..
    } = removing;
    let asks = arguments.run.yes.is_none();
    let rows = output.stderr_rows().filter(|_| asks);
    let extent = Extent {
        width: output.stderr_width(),
        rows,
        creations: asks,
    };
    output.note(summary(address, prepared, session).text(extent).trim_end());
    output.note("");
    let plain = ChangeRequest::plain(
        &address.release,
        removing.verb,
        guard.protected,
        arguments.run.yes.as_deref(),
    );
    let intent = ChangeRequest {
        delete_data: arguments.delete_data,
        ..plain
    };
    let context = session.cluster.context();
    if deletes_data(&prepared.pruning) {
        consent_to_loss(&intent, context)
    } else {
        consent(&intent, context)
    }
}

fn summary(address: &Address, prepared: &Prepared, session: &Session) -> ChangeSummary {
    let namespaces: BTreeSet<String> = prepared
        .pruning
        .removals
        .iter()
        .filter_map(|removal| removal.id.namespace.clone())
        .collect();
    let mut rows = removed(&prepared.pruning, PhaseId::clone);
    let phases: Vec<PhaseId> = prepared
        .before
        .newest()
        .into_iter()
        .flat_map(|head| &head.revision.phases)
        .map(|phase| PhaseId::declared(&phase.name))
        .collect();
    let position = |phase: &PhaseId| phases.iter().position(|known| known == phase);
    rows.sort_by_key(|row| {
        std::cmp::Reverse(
            position(&row.phase).map_or(-1, |position| i64::try_from(position).unwrap_or(i64::MAX)),
        )
    });
    ChangeSummary {
        release: address.release.to_string(),
        context: session.cluster.context().to_owned(),
        server: session.cluster.server().to_owned(),
        namespaces: namespaces.into_iter().collect(),
        rows,
        variables_not_from_file: Vec::new(),
        secrets: Vec::new(),
    }
}

/// Refuses to go on where something would go that was not shown.
pub(super) fn check_same(shown: &PrunePlan, now: &PrunePlan) -> Result<(), CommandError> {
    let was_shown: BTreeMap<&ObjectId, &Removal> = shown
        .removals
        .iter()
        .map(|removal| (&removal.id, removal))
        .collect();
    match now
        .removals
        .iter()
        .find(|removal| was_shown.get(&removal.id) != Some(removal))
    {
        None => Ok(()),
        Some(new) => Err(CommandError::new(
            ExitCode::Refused,
            format!(
                "{} has changed since the question was asked; nothing was changed",
                new.id
            ),
        )
        .hint("run the same command again: it starts from the present state")),
    }
}

/// Removes what was prepared, as a revision of its own. `selection` says whether what is deployed
/// goes on being wanted. Returns the session with the exit code.
pub(super) async fn carry_out(
    removing: &Removing<'_>,
    prepared: &Prepared,
    selection: &Selection,
    mut session: Session,
    store: &Store,
    output: &Output,
) -> Result<(ExitCode, Session), CommandError> {
    let Removing {
        arguments,
        global,
        address,
        by,
        ..
    } = removing;
    let Some(newest) = prepared.before.newest().map(|head| &head.revision) else {
        return Err(CommandError::failed(
            "the release's revisions are gone; nothing was changed",
        ));
    };
    let goes_on = prepared
        .before
        .deployed()
        .filter(|_| *selection == Selection::Nothing);
    let like = goes_on.unwrap_or(newest);
    let wanted = DesiredState {
        release: address.release.clone(),
        objects: IndexMap::new(),
        phases: like.phases.iter().map(PhaseRecord::settings).collect(),
        readiness: like.readiness.clone(),
    };
    let run = Run {
        cluster: &session.cluster,
        served: &session.served,
        wanted: &wanted,
        decisions: &[],
        pruning: &prepared.pruning,
        observation: &prepared.observation,
        selection,
        before: &prepared.before,
        store,
        terms: RunOptions {
            limits: Limits {
                parallel: arguments.run.parallel,
                timeout: arguments.timeout.unwrap_or(newest.timeout),
            },
            timeout_rollback: newest.timeout_rollback,
            rolls_back: false,
            force_conflicts: false,
        },
        origin: RevisionMetadata {
            by: by.clone(),
            source: None,
            back_to: None,
            guard: newest.guard.clone(),
            access: goes_on
                .map(|revision| revision.access.clone())
                .unwrap_or_default(),
        },
    };
    let (sender, events) = tokio::sync::mpsc::unbounded_channel();
    let emitter = Emitter::new(sender);
    let work = remove_all(run, arguments.delete_timeout, &emitter, &session.stops);
    let result = follow::follow(
        work,
        &emitter,
        events,
        &mut session.notices,
        arguments.run.output,
        global.verbose,
        output,
    )
    .await;
    match result {
        Ok(exit) => Ok((exit, session)),
        Err(error) => Err(run_error(&error, &session)),
    }
}

/// Says what is kept, and why.
pub(super) fn tell_kept(pruning: &PrunePlan, output: &mut Output) {
    for (id, why) in &pruning.kept {
        output.note(&format!("{id} is kept: {why}"));
    }
}
