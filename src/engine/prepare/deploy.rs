//! Prepares the deployment of a plan: observe → decide → check.

use crate::engine::{
    plan::config_restart::preserve_restart_annotation,
    prepare::ask::Ask,
    prepare::checks::{
        absent_before, check_deletions, not_permitted, obstacles, refuse, tell_server_warnings,
        terminating, too_early, warn,
    },
    prepare::context::{PrepareContext, PrepareError},
    prepare::decide::{decide_changes, decide_removals, decided_alone},
    prepare::observed::observe,
    prepare::owners::absent_owners,
    prepare::prepared::{Prepared, ResolvedSecrets},
    prepare::recreate,
    prepare::references::{Judged, ReferenceCheck},
    prepare::render::Rendering,
    prepare::request::Request,
    prepare::requirements::unmet,
    prepare::room::without_room,
    prepare::secrets::{self, Declarations},
    prepare::settle::keep_generated,
    prepare::unsettled,
};
use crate::{cluster::Seen, object::ObjectId, ownership::is_ours, plan::Plan, preflight::Finding};

/// Looks at the cluster, checks all that can be known, asks for secrets, and decides what has to be
/// done. The plan and its `rendering` are those of this cluster ([`super::settle::settle`]).
pub(crate) async fn prepare_deploy(
    context: PrepareContext<'_>,
    request: &Request<'_>,
    declarations: Declarations<'_>,
    rendering: Rendering,
    ask: &mut dyn Ask,
) -> Result<Prepared, PrepareError> {
    let Declarations { plan, .. } = declarations;
    let mut references = ReferenceCheck::of(&rendering);
    let (mut prepared, findings) = observed(context, request, plan, rendering, ask).await?;
    recreate::check(request.recreate, &prepared.desired, plan)?;
    let run = (request, plan);
    check(
        context,
        run,
        &mut prepared,
        (findings, &mut references),
        ask,
    )
    .await?;
    if secrets::are_selected(plan, request.selection, &prepared.observation.live)? {
        secrets::resolve(context, declarations, request.selection, &mut prepared, ask)?;
    }
    recreate::mark(request.recreate, &mut prepared.desired);
    decide_removals(context, request, &mut prepared).await?;
    check_references_again(run, &prepared, &mut references, ask)?;
    decide_changes(context, request, &mut prepared).await?;
    tell_server_warnings(context.cluster, plan, &prepared.desired, ask);
    check_deletions(context, &prepared).await?;
    Ok(prepared)
}

/// What is wanted in this cluster, and what is there; and what is put before what it cannot exist
/// without.
async fn observed(
    context: PrepareContext<'_>,
    request: &Request<'_>,
    plan: &Plan,
    rendering: Rendering,
    ask: &mut dyn Ask,
) -> Result<(Prepared, Vec<Finding>), PrepareError> {
    let desired = rendering.desired(plan);
    let history = context.history().await?;
    // What has not ended may be a run that is alive, which the lock tells.
    if history.interrupted().is_none() {
        unsettled::check_part(request.selection, &desired, &history)?;
    }
    let declared: Vec<ObjectId> = secrets::declared(plan).collect();
    let (observation, history) = observe(context, &desired, &declared, history).await?;
    let secrets = ResolvedSecrets {
        sources: secrets::open_sources(plan),
        declared: Some(declared.into_iter().collect()),
        ..ResolvedSecrets::default()
    };
    let mut prepared = Prepared {
        secrets,
        skipped: rendering.choice.skipped.clone(),
        ..Prepared::observed(desired, observation, history)
    };
    for namespace in &rendering.rendered.implied_namespaces {
        if belongs_to_others(&prepared, namespace) {
            prepared.desired.objects.shift_remove(namespace);
        }
    }
    keep_generated(&rendering, request.selection, &mut prepared, ask);
    let mut findings = too_early(request, &rendering.assignment.too_early, &prepared);
    let before = absent_before(request, &rendering.references, &prepared);
    findings.extend(before);
    Ok((prepared, findings))
}

/// Whether a namespace that no manifest describes is there without us: then it is left alone, also
/// by those who may not write it.
///
/// Where the user may not even look at it, whether it is there shows when the objects in it are
/// tried.
fn belongs_to_others(prepared: &Prepared, namespace: &ObjectId) -> bool {
    match prepared.observation.live.seen(namespace) {
        // Our entry goes with our label, which somebody may have taken off; the record stays. A
        // rollback that was killed between creating the namespace again and setting its owners
        // leaves neither.
        Seen::Present(there) => {
            let manager = prepared.desired.release.field_manager();
            !is_ours(there, &manager) && prepared.history.records.get(namespace).is_none()
        }
        Seen::Forbidden => true,
        Seen::Absent | Seen::Unasked => false,
    }
}

/// Refuses to go on where something stands in the way that shows before anybody is asked for
/// secrets.
async fn check(
    context: PrepareContext<'_>,
    (request, plan): (&Request<'_>, &Plan),
    prepared: &mut Prepared,
    (mut findings, references): (Vec<Finding>, &mut ReferenceCheck),
    ask: &mut dyn Ask,
) -> Result<(), PrepareError> {
    findings.extend(unmet(context, request, plan, prepared).await?);
    findings.extend(obstacles(context, request, plan, prepared));
    findings.extend(absent_owners(context, request, prepared).await?);
    for being_deleted in terminating(request, prepared) {
        ask.note(&format!("Note: {being_deleted}"));
    }
    preserve_restart_annotation(&mut prepared.desired, &prepared.observation.live);
    let decisions = decided_alone(request, prepared);
    let declared: Vec<ObjectId> = secrets::selected(plan, request.selection).collect();
    let looked = Box::pin(references.look(context, (request, plan), prepared, &decisions));
    let not_permitted = not_permitted(context, request, prepared, &declared, &decisions);
    let without_room = Box::pin(without_room(context, prepared, &decisions));
    let ((), not_permitted, without_room) =
        futures::try_join!(looked, not_permitted, without_room)?;
    findings.extend(not_permitted);
    findings.extend(without_room);
    let judged = Judged {
        decisions: &decisions,
        is_resolved: false,
    };
    findings.extend(references.findings((request, plan), prepared, judged));
    findings.retain(|finding| plan.checks.tells(finding.check));
    warn(&findings, ask);
    refuse(&findings)
}

/// Refuses to go on where what is removed, or a value that nobody has given, leaves an object without
/// what it refers to.
fn check_references_again(
    (request, plan): (&Request<'_>, &Plan),
    prepared: &Prepared,
    references: &mut ReferenceCheck,
    ask: &mut dyn Ask,
) -> Result<(), PrepareError> {
    let judged = Judged {
        decisions: &decided_alone(request, prepared),
        is_resolved: true,
    };
    let mut findings = references.findings((request, plan), prepared, judged);
    findings.retain(|finding| plan.checks.tells(finding.check));
    warn(&findings, ask);
    refuse(&findings)
}
