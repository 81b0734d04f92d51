//! A plan in one cluster: what conditions leave out there, what charts may ask about it, and what of
//! theirs stays as it is.

use std::collections::BTreeSet;

use crate::engine::{
    prepare::ask::Ask,
    prepare::context::{PrepareContext, PrepareError},
    prepare::prepared::Prepared,
    prepare::render::Rendering,
};
use crate::{
    plan::{Plan, SourceKind},
    source::ChartCapabilities,
};

/// `plan` and its `rendering` in the cluster: without what conditions leave out there.
pub(crate) async fn settle(
    context: PrepareContext<'_>,
    plan: &Plan,
    rendering: Rendering,
    ask: &mut dyn Ask,
) -> Result<(Plan, Rendering), PrepareError> {
    let said: Vec<String> = rendering.warnings().map(ToString::to_string).collect();
    let capabilities = capabilities(context, plan).await?;
    let rendering = rendering.for_cluster(plan, context.served, capabilities.as_ref())?;
    let warnings = rendering.warnings().map(ToString::to_string);
    for warning in warnings.filter(|warning| !said.contains(warning)) {
        ask.note(&format!("Warning: {warning}"));
    }
    Ok((plan.chosen(&rendering.choice), rendering))
}

/// What charts may ask about the cluster; `None` where there are none.
async fn capabilities(
    context: PrepareContext<'_>,
    plan: &Plan,
) -> Result<Option<ChartCapabilities>, PrepareError> {
    let mut sources = plan.contents.sources.iter();
    if !sources.any(|source| matches!(source.kind, SourceKind::Helm(_))) {
        return Ok(None);
    }
    let version = context
        .unless_interrupted(context.cluster.version())
        .await?;
    let kubernetes = match version {
        Err(error) if error.is_forbidden() => None,
        version => {
            let version = context.answer("cannot read the server's version", async { version });
            Some(version.await?.2)
        }
    };
    let kinds = context.served.kinds();
    let names = kinds.flat_map(|kind| {
        let version = kind.api_version();
        [format!("{version}/{}", kind.kind), version]
    });
    let api_versions: BTreeSet<String> = names.collect();
    Ok(Some(ChartCapabilities {
        kubernetes,
        api_versions: api_versions.into_iter().collect(),
    }))
}

/// Takes over from the cluster what charts make anew with each rendering, and says so.
pub(crate) fn keep_generated(rendering: &Rendering, prepared: &mut Prepared, ask: &mut dyn Ask) {
    for (id, hint) in &rendering.rendered.hints {
        let live = prepared.observation.live.object(id);
        let wanted = prepared.desired.objects.get_mut(id);
        let (Some(live), Some(wanted)) = (live, wanted) else {
            continue;
        };
        let kept = wanted.keep_values(&hint.generated, live);
        if !kept.is_empty() {
            let kept = kept.join("`, `");
            ask.note(&format!(
                "Note: {id}: `{kept}` stays as in the cluster, since the chart makes it anew each time"
            ));
        }
    }
}
