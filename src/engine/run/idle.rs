//! Services and disruption budgets of a release that select no pods once everything runs.

use futures::future::join_all;

use crate::engine::{events::Emitter, run::context::Run};
use crate::{
    cluster::{Cluster, Resource},
    event::{EventKind, Purpose},
    object::{IdleSelector, ObjectId, Scope, idle_selectors},
};

/// Tells of Services and disruption budgets of `run` that select no pods of the plan and none of the
/// cluster, and returns them. Asked is only about those that select none of the plan.
pub(crate) async fn tell_idle(run: &Run<'_>, purpose: Purpose, emitter: &Emitter) -> Vec<ObjectId> {
    if !matches!(purpose, Purpose::Deploy | Purpose::BringBack) {
        return Vec::new();
    }
    let objects = run.desired.objects.values();
    let candidates = idle_selectors(objects.map(|wanted| &wanted.object));
    let of_run = candidates.into_iter().filter(|idle| {
        let wanted = &run.desired.objects[&idle.id];
        run.options.selection.holds_wanted(wanted)
    });
    let looked_at = join_all(of_run.map(async |idle| {
        let is_idle = selects_none(run.target.cluster, &idle).await;
        (idle, is_idle)
    }))
    .await;
    let idle = looked_at.into_iter().filter(|(_, is_idle)| *is_idle);
    idle.map(|(idle, _)| {
        emitter.emit(EventKind::Noted { text: text(&idle) });
        idle.id
    })
    .collect()
}

/// Whether the cluster has no pod either, as far as the user may look; what cannot be looked up for
/// another reason is not told of.
async fn selects_none(cluster: &Cluster, idle: &IdleSelector) -> bool {
    let pods = Resource::built_in("", "v1", "Pod", "pods", Scope::Namespaced);
    let namespace = idle.id.namespace.as_deref();
    let selector = Some(idle.selector.as_str());
    match cluster.list_metadata(&pods, namespace, selector).await {
        Ok(listed) => listed.items.is_empty(),
        Err(error) => error.is_forbidden(),
    }
}

fn text(idle: &IdleSelector) -> String {
    let IdleSelector { id, selector, hint } = idle;
    let hint = hint
        .as_ref()
        .map_or_else(String::new, |hint| format!("; {hint}"));
    if selector.is_empty() {
        return format!("{id} selects all pods of its namespace, and there are none");
    }
    format!("{id} selects no pods: {selector}{hint}")
}
