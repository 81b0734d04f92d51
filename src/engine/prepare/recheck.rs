//! The second look, under the lock: what was shown and confirmed must still hold.

use crate::engine::{
    desired::DesiredState,
    observe::objects::{Observation, fingerprint},
    plan::selection::Selection,
    prepare::ask::Ask,
    prepare::checks::tell_server_warnings,
    prepare::claims::observe_growing_claims,
    prepare::context::{PrepareContext, PrepareError},
    prepare::decide::{decide_changes, decide_removals},
    prepare::observed::observe,
    prepare::prepared::Prepared,
    prepare::recreate,
    prepare::request::Request,
    prepare::secrets::{self, Declarations},
    prepare::unsettled,
};
use crate::{
    error::{CommandError, ExitCode},
    object::{HasKind as _, ObjectId},
    release::Head,
};

/// What the second look has found.
pub(crate) struct Rechecked {
    /// What is to be done.
    pub(crate) prepared: Prepared,
    /// Whether what is written was decided and tried anew, and not only what is removed.
    pub(crate) anew: bool,
}

/// Looks again, now that nobody else can change the release. Where a wanted object has changed
/// since, or another run has ended in between, the change is shown anew and asked for again. Values
/// of `declarations` that have come into the cluster since are kept: what runs there may have been
/// made with them.
///
/// What an interrupted run had sent may take effect between the two looks. Whoever goes on from
/// that run wants no other end for it.
pub(crate) async fn recheck(
    context: PrepareContext<'_>,
    request: &Request<'_>,
    declarations: Option<Declarations<'_>>,
    first: Prepared,
    ask: &mut dyn Ask,
) -> Result<Rechecked, PrepareError> {
    if *request.selection != Selection::All {
        let history = context.history().await?;
        unsettled::check_part(request.selection, &first.desired, &history)?;
    }
    let history = context.take_over(request.by).await?;
    let same_head = is_same(first.history.newest(), history.newest());
    let declared: Vec<ObjectId> = declarations
        .iter()
        .flat_map(|declarations| secrets::declared(declarations.plan))
        .collect();
    let (mut observation, history) = observe(context, &first.desired, &declared, history).await?;
    observation.dead_webhooks = first.observation.dead_webhooks.clone();
    let changes = Meanwhile {
        same_head,
        changed: changed_since(&first.desired, &first.observation, &observation),
    };
    let mut prepared = Prepared {
        observation,
        history,
        ..first
    };
    if changes.is_nothing() {
        let claims = observe_growing_claims(
            context.cluster,
            context.served,
            &mut prepared.observation,
            &prepared.decisions,
        );
        context.answer("cannot read the claims", claims).await?;
        decide_removals(context, request, &mut prepared).await?;
        return Ok(Rechecked {
            prepared,
            anew: false,
        });
    }
    changes.check(&prepared, declarations.is_some(), ask)?;
    if let Some(declarations) = declarations
        && secrets::are_selected(
            declarations.plan,
            request.selection,
            &prepared.observation.live,
        )?
    {
        secrets::resolve_again(declarations, request.selection, &mut prepared, ask)?;
        recreate::mark(request.recreate, &mut prepared.desired);
    }
    decide_removals(context, request, &mut prepared).await?;
    decide_changes(context, request, &mut prepared).await?;
    if let Some(declarations) = declarations {
        tell_server_warnings(context.cluster, declarations.plan, &prepared.desired, ask);
    }
    ask.confirm(&prepared)?;
    Ok(Rechecked {
        prepared,
        anew: true,
    })
}

/// What has changed between the two looks.
struct Meanwhile {
    /// No run has ended in between.
    same_head: bool,
    /// The wanted objects that are others than they were.
    changed: Vec<ObjectId>,
}

impl Meanwhile {
    fn is_nothing(&self) -> bool {
        self.same_head && self.changed.is_empty()
    }

    /// Refuses to go on where nobody can be asked whether the changes that follow from it are
    /// wanted, and otherwise says what has changed.
    fn check(
        &self,
        prepared: &Prepared,
        has_declarations: bool,
        ask: &mut dyn Ask,
    ) -> Result<(), CommandError> {
        let secret = self
            .changed
            .iter()
            .find(|id| id.is_secret() && !prepared.retained.contains(*id));
        if let (false, Some(id)) = (has_declarations, secret) {
            // Which Secrets are left as they are was decided by the first look.
            return Err(changed_meanwhile(&format!("{id} was changed")));
        }
        let interrupted = prepared.history.interrupted();
        let is_late = self.same_head
            && interrupted
                .is_some_and(|run| self.changed.iter().all(|id| run.may_have_touched(id)));
        let what = self.described(is_late);
        if ask.has_consent() && !is_late {
            return Err(changed_meanwhile(&what));
        }
        ask.note(&format!("Meanwhile {what}. These are the changes now:"));
        Ok(())
    }

    /// `is_late`: the interrupted run that is gone on from may have done all of it.
    fn described(&self, is_late: bool) -> String {
        let whom = if is_late {
            "by the interrupted run"
        } else {
            "outside deployctl"
        };
        match self.changed.as_slice() {
            [] => "another run has changed the release".to_owned(),
            [id] => format!("{id} was changed {whom}"),
            [id, others @ ..] => {
                format!(
                    "{id} and {} other objects were changed {whom}",
                    others.len()
                )
            }
        }
    }
}

fn changed_meanwhile(what: &str) -> CommandError {
    CommandError::new(
        ExitCode::Refused,
        format!("{what} since the changes were planned; nothing was changed"),
    )
    .hint("run the same command again: it starts from the present state")
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
fn changed_since(
    desired: &DesiredState,
    first: &Observation,
    second: &Observation,
) -> Vec<ObjectId> {
    let manager = desired.release.field_manager();
    let differs = |id: &&ObjectId| {
        fingerprint(&first.live, id, &manager) != fingerprint(&second.live, id, &manager)
    };
    desired.objects.keys().filter(differs).cloned().collect()
}
