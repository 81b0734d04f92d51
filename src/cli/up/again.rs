//! The second look, under the lock: what was shown and confirmed must still hold.

use super::{
    confirm, prepare,
    prepare::{Prepared, SECRETS_PHASE},
    recreate,
    secrets::{self, Declarations},
};
use crate::{
    cli::{intent::ChangeRequest, session::Session},
    engine::{self, DesiredState, Observation, ReleaseHistory, Selection, fingerprint},
    error::{CommandError, ExitCode},
    object::ObjectId,
    release::{Author, Head, Store},
    report::Output,
};

/// Looks again, now that nobody else can change the release. Where a wanted object has changed
/// since, or another run has ended in between, the change is shown anew and asked for again. Values
/// of `declarations` that have come into the cluster since are kept: what runs there may have been
/// made with them.
///
/// What an interrupted run had sent may take effect between the two looks. Whoever goes on from
/// that run wants no other end for it.
pub(in crate::cli) async fn recheck(
    intent: &ChangeRequest<'_>,
    declarations: Option<Declarations<'_>>,
    mut first: Prepared,
    session: &Session,
    store: &Store,
    by: &Author,
    output: &mut Output,
) -> Result<Prepared, CommandError> {
    if *intent.selection != Selection::All {
        let before = session
            .unless_interrupted(ReleaseHistory::read(store))
            .await?
            .map_err(|error| session.store_error(&error))?;
        engine::check_phases(intent.selection, &before)?;
    }
    let before = session
        .unless_interrupted(take_over(store, by))
        .await?
        .map_err(|error| session.store_error(&error))?;
    let same_head = is_same(first.before.newest(), before.newest());
    let (mut observation, before) =
        prepare::observe(session, intent, &first.wanted, before).await?;
    let moved = moved(&first.wanted, &first.observation, &observation);
    if same_head && moved.is_empty() {
        let claims = engine::look_at_growing_claims(
            &session.cluster,
            &session.served,
            &mut observation,
            &first.decisions,
        );
        let claims = session.unless_interrupted(claims).await?;
        claims.map_err(|error| session.request_error("cannot read the claims", &error))?;
        let pruning =
            prepare::pruning(intent, &first.wanted, &before, &mut observation, session).await?;
        return Ok(Prepared {
            observation,
            pruning,
            before,
            ..first
        });
    }
    if declarations.is_none()
        && let Some(id) = moved
            .iter()
            .find(|id| is_secret(id) && !intent.left_alone.contains(*id))
    {
        // Which Secrets are left as they are was decided by the first look.
        return Err(moved_since(&format!("{id} was changed")));
    }
    let is_late = same_head
        && before
            .interrupted()
            .is_some_and(|run| moved.iter().all(|id| run.may_have_touched(id)));
    let whom = if is_late {
        "by the interrupted run"
    } else {
        "outside deployctl"
    };
    let what = match moved.first() {
        Some(id) if moved.len() == 1 => format!("{id} was changed {whom}"),
        Some(id) => format!(
            "{id} and {} other objects were changed {whom}",
            moved.len() - 1
        ),
        None => "another run has changed the release".to_owned(),
    };
    if intent.yes.is_some() && !is_late {
        return Err(moved_since(&what));
    }
    output.note(&format!("Meanwhile {what}. These are the changes now:"));
    if let Some(declarations) =
        declarations.filter(|_| intent.selection.holds_declared(SECRETS_PHASE))
    {
        first.chosen = secrets::add_again(
            declarations,
            &first.chosen,
            &observation.live,
            &mut first.wanted,
            output,
        )?;
        recreate::mark(intent.recreate, &mut first.wanted);
    }
    let decisions = prepare::decided(
        intent,
        &mut first.wanted,
        &mut observation,
        &before,
        session,
    )
    .await?;
    let pruning =
        prepare::pruning(intent, &first.wanted, &before, &mut observation, session).await?;
    let prepared = Prepared {
        observation,
        decisions,
        pruning,
        before,
        ..first
    };
    confirm::confirm(intent, &prepared, session, output)?;
    Ok(prepared)
}

fn is_secret(id: &ObjectId) -> bool {
    id.group.is_empty() && id.kind == "Secret"
}

fn moved_since(what: &str) -> CommandError {
    CommandError::new(
        ExitCode::Refused,
        format!("{what} since the changes were planned; nothing was changed"),
    )
    .hint("run the same command again: it starts from the present state")
}

/// Reads the revisions, and marks the newest as taken over where it is not finished: whoever made
/// it cannot write to it any more.
pub(in crate::cli) async fn take_over(
    store: &Store,
    by: &Author,
) -> Result<ReleaseHistory, crate::release::StoreError> {
    let mut before = ReleaseHistory::read(store).await?;
    if let Some(newest) = before
        .heads
        .last_mut()
        .filter(|head| head.revision.finished.is_none())
    {
        newest.revision.taken_over = Some(by.clone());
        store.update(newest).await?;
        // What the other one wrote until now counts.
        before = ReleaseHistory::read(store).await?;
    }
    Ok(before)
}

fn is_same(first: Option<&Head>, second: Option<&Head>) -> bool {
    let mark = |head: &Head| {
        (
            head.revision.number,
            head.revision.outcome,
            head.revision.finished,
        )
    };
    first.map(mark) == second.map(mark)
}

/// The wanted objects that are others than they were: gone, new, or different in what is ours.
fn moved(wanted: &DesiredState, first: &Observation, second: &Observation) -> Vec<ObjectId> {
    let manager = wanted.release.field_manager();
    let differs = |id: &&ObjectId| {
        fingerprint(&first.live, id, &manager) != fingerprint(&second.live, id, &manager)
    };
    wanted.objects.keys().filter(differs).cloned().collect()
}
