//! What stands in the way of a change, found before anything is written.

use crate::engine::{
    desired::DesiredState,
    plan::decide::Decision,
    prepare::ask::Ask,
    prepare::context::{PrepareContext, PrepareError},
    prepare::permissions::RequiredPermissions,
    prepare::prepared::Prepared,
    prepare::request::Request,
    prepare::secrets,
};
use crate::{
    cluster::{Cluster, Seen, Served},
    finding::Check,
    object::{HasKind as _, Object, ObjectId, Origin, References, field::integer, pod_spec},
    plan::Plan,
    preflight::{self, Existing, Finding, Placed},
};

/// What stands in the way of deploying `plan` and does not depend on the values of secrets.
pub(crate) fn obstacles(
    context: PrepareContext<'_>,
    request: &Request<'_>,
    plan: &Plan,
    prepared: &Prepared,
) -> Vec<Finding> {
    let mut findings = unknown_kinds(request, prepared, context.served);
    findings.extend(absent_namespaces(request, plan, prepared));
    if !request.adopt {
        findings.extend(owned_elsewhere(request, plan, prepared));
    }
    findings
}

/// Kinds that the cluster does not serve.
pub(crate) fn unknown_kinds(
    request: &Request<'_>,
    prepared: &Prepared,
    served: &Served,
) -> Vec<Finding> {
    let desired = &prepared.desired;
    // What brings a kind must be part of the run.
    let selection = request.selection;
    let is_brought = |object: &Object| {
        if let Some(definition) = desired.definition_of(object) {
            return selection.holds_wanted(definition);
        }
        let phase = desired.expecting_phase(object);
        phase.is_none_or(|phase| selection.holds_whole(&phase))
    };
    let kind = |object: &Object| match served.exact(&object.api_version, &object.id.kind) {
        Some(resource) => Some(resource.clone()),
        None => desired.defined_here(object).filter(|_| is_brought(object)),
    };
    let objects = selected(request, prepared).map(|object| (object, kind(object)));
    preflight::unknown_kinds(objects, served)
}

/// Objects of the run that come before what they cannot exist without and what is not there yet;
/// `candidates` are those that come before it.
pub(crate) fn too_early(
    request: &Request<'_>,
    candidates: &[(ObjectId, ObjectId)],
    prepared: &Prepared,
) -> Vec<Finding> {
    let placed = |id: &ObjectId| {
        let wanted = prepared.desired.objects.get(id)?;
        Some(Placed {
            object: &wanted.object,
            phase: &wanted.phase,
        })
    };
    let live = &prepared.observation.live;
    let is_missing = |id: &ObjectId| matches!(live.seen(id), Seen::Absent);
    let missing = candidates.iter().filter(|(_, need)| is_missing(need));
    let early = missing.filter_map(|(id, need)| Some((placed(id)?, placed(need)?)));
    let desired = &prepared.desired;
    early
        .filter(|(placed, _)| {
            let object = placed.object;
            let selection = request.selection;
            selection.holds_object(placed.phase, &object.id, &object.body)
        })
        .filter(|(object, need)| {
            !makes_pods_in_its_turn(object.object) || desired.comes_before(object.phase, need.phase)
        })
        .filter(|(object, _)| !makes_no_pods_yet(object.object))
        .map(|(object, need)| preflight::too_early(object, need))
        .collect()
}

/// Whether `object` makes pods that a controller tries to create again and again: what they need may
/// come a little later, as long as its phase need not have ended first.
fn makes_pods_in_its_turn(object: &Object) -> bool {
    !object.id.is_pod() && pod_spec(&object.body).is_some()
}

/// Whether `object` is ready without any pods.
fn makes_no_pods_yet(object: &Object) -> bool {
    makes_pods_in_its_turn(object)
        && (object.id.is_cron_job() || integer(&object.body, "/spec/replicas") == Some(0))
}

/// What is being deleted although it is wanted.
pub(crate) fn terminating(request: &Request<'_>, prepared: &Prepared) -> Vec<String> {
    let live = &prepared.observation.live;
    preflight::terminating(
        selected(request, prepared)
            .filter_map(|object| Some((object, live.object(&object.id)?.as_ref()))),
    )
}

/// The wanted objects that are selected.
fn selected<'a>(
    request: &'a Request<'_>,
    prepared: &'a Prepared,
) -> impl Iterator<Item = &'a Object> {
    let selected = prepared
        .desired
        .objects
        .values()
        .filter(|object| request.selection.holds_wanted(object));
    selected.map(|object| &object.object)
}

/// What is going to be written, with where it was written down.
///
/// Declared Secrets join what is wanted once their values are known, which is after these checks.
fn to_write(request: &Request<'_>, plan: &Plan, prepared: &Prepared) -> Vec<(ObjectId, Origin)> {
    let rendered =
        selected(request, prepared).map(|object| (object.id.clone(), object.origin.clone()));
    let declared = secrets::selected(plan, request.selection).map(|id| (id, secrets::origin(plan)));
    rendered.chain(declared).collect()
}

/// Objects that belong to other releases, or that this one has deployed without remembering it.
fn owned_elsewhere(request: &Request<'_>, plan: &Plan, prepared: &Prepared) -> Vec<Finding> {
    let all = to_write(request, plan, prepared);
    let existing = || {
        all.iter().filter_map(|(id, origin)| {
            Some(Existing {
                id,
                origin: origin.clone(),
                live: prepared.observation.live.object(id)?,
            })
        })
    };
    let mut findings = preflight::held_by_other_releases(existing(), &plan.address.release);
    if prepared.history.heads.is_empty() {
        findings.extend(preflight::unremembered(
            existing(),
            &plan.address.release,
            &plan.address.state_namespace,
        ));
    }
    findings
}

/// Namespaces that do not exist and that nothing of the run creates.
fn absent_namespaces(request: &Request<'_>, plan: &Plan, prepared: &Prepared) -> Vec<Finding> {
    let namespace_of = |name: &str| {
        prepared
            .desired
            .objects
            .iter()
            .find(|(id, _)| id.is_namespace() && id.name == name)
            .map(|(_, object)| object)
    };
    let is_created = |name: &str| {
        namespace_of(name).is_some_and(|object| request.selection.holds_wanted(object))
    };
    let to_write = to_write(request, plan, prepared);
    let absent = prepared
        .observation
        .absent_namespaces
        .iter()
        .filter(|name| !is_created(name));
    absent
        .filter_map(|name| {
            let (id, origin) = to_write
                .iter()
                .find(|(id, _)| id.namespace.as_deref() == Some(name))?;
            let message = format!(
                "namespace `{name}` does not exist, and no manifest of this run creates it"
            );
            let remedy = match namespace_of(name) {
                Some(_) if request.selection.is_of_objects() => {
                    format!("run it first: `--only Namespace/{name}`")
                }
                Some(namespace) => format!("run its phase too: `--phase {}`", namespace.phase),
                None => format!("add a Namespace `{name}` to the manifests"),
            };
            Some(Finding {
                at: Some(origin.clone()),
                object: Some(id.clone()),
                ..Finding::of(Check::MissingNamespace, message)
                    .remedy(remedy)
                    .of_usage()
            })
        })
        .collect()
}

/// Objects of the run that annotations put after others, of whatever phase, which are no part of it
/// and not there.
pub(crate) fn absent_before(
    request: &Request<'_>,
    references: &References,
    prepared: &Prepared,
) -> Vec<Finding> {
    if !request.selection.is_of_objects() {
        return Vec::new();
    }
    let (wanted, live) = (&prepared.desired.objects, &prepared.observation.live);
    let is_missing = |id: &&ObjectId| {
        let wanted = wanted.get(*id);
        wanted.is_some_and(|wanted| !request.selection.holds_wanted(wanted))
            && matches!(live.seen(id), Seen::Absent)
    };
    let selected = wanted
        .values()
        .filter(|wanted| request.selection.holds_wanted(wanted));
    let waiting = selected.filter_map(|waiting| {
        let before = references.declared_before(&waiting.object.id);
        let first = before.iter().find(is_missing)?;
        Some(preflight::after_absent(&waiting.object, first))
    });
    waiting.collect()
}

/// What the user may not do: asked before somebody is asked for the values of the Secrets that are
/// `declared` and selected, and where no dry run could tell because a namespace is new.
pub(crate) async fn not_permitted(
    context: PrepareContext<'_>,
    request: &Request<'_>,
    prepared: &Prepared,
    declared: &[ObjectId],
    decisions: &[Decision],
) -> Result<Vec<Finding>, PrepareError> {
    let live = &prepared.observation.live;
    let created = declared.iter().filter(|id| live.object(id).is_none());
    let secrets: Vec<&ObjectId> = created.collect();
    let required = RequiredPermissions::to_write(
        &prepared.desired,
        context.served,
        decisions,
        &secrets,
        request.rolls_back,
    );
    missing(context, required).await
}

/// Refuses to go on where the user may not delete what has to go.
pub(crate) async fn check_deletions(
    context: PrepareContext<'_>,
    prepared: &Prepared,
) -> Result<(), PrepareError> {
    let Prepared {
        desired,
        decisions,
        pruning,
        ..
    } = prepared;
    let (served, removals) = (context.served, &pruning.removals);
    let required = RequiredPermissions::to_delete(desired, served, decisions, removals);
    refuse(&missing(context, required).await?)
}

async fn missing(
    context: PrepareContext<'_>,
    required: RequiredPermissions,
) -> Result<Vec<Finding>, PrepareError> {
    let missing = required.missing(context.cluster);
    let missing = context
        .answer("cannot ask what is permitted", missing)
        .await?;
    Ok(preflight::not_permitted(&missing))
}

/// Says what the API server has warned of in the dry runs of what is `desired`.
pub(crate) fn tell_server_warnings(
    cluster: &Cluster,
    plan: &Plan,
    desired: &DesiredState,
    ask: &mut dyn Ask,
) {
    let warnings = cluster.take_warnings();
    let object = |id: &ObjectId| desired.objects.get(id).map(|wanted| &wanted.object);
    if plan.checks.tells(Check::ServerWarning) {
        warn(&preflight::server_warnings(&warnings, object), ask);
    }
}

/// Says the warnings among `findings`.
pub(crate) fn warn(findings: &[Finding], ask: &mut dyn Ask) {
    for warning in findings.iter().filter(|finding| !finding.is_error()) {
        ask.note(&format!("Warning: {warning}"));
    }
}

/// Refuses to go on where there are errors among `findings`.
pub(crate) fn refuse(findings: &[Finding]) -> Result<(), PrepareError> {
    match preflight::refusal(findings) {
        Some(refusal) => Err(refusal.into()),
        None => Ok(()),
    }
}
