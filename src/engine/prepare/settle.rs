//! A plan in one cluster: what conditions leave out there, what charts may ask about it, and what of
//! theirs stays as it is.

use std::collections::BTreeSet;

use crate::engine::{
    plan::selection::Selection,
    prepare::ask::Ask,
    prepare::context::{PrepareContext, PrepareError},
    prepare::prepared::Prepared,
    prepare::render::Rendering,
};
use crate::{plan::Plan, source::ChartCapabilities};

/// `plan` and its `rendering` in the cluster: without what conditions leave out there. A plan that
/// has not been rendered without one, as it has charts, is rendered for it.
pub(crate) async fn settle(
    context: PrepareContext<'_>,
    plan: &Plan,
    rendering: Option<Rendering>,
    ask: &mut dyn Ask,
) -> Result<(Plan, Rendering), PrepareError> {
    let said = rendering.iter().flat_map(Rendering::warnings);
    let said: Vec<String> = said.map(ToString::to_string).collect();
    let rendering = if let Some(rendering) = rendering {
        rendering.for_cluster(plan, context.served)?
    } else {
        let capabilities = capabilities(context).await?;
        Rendering::in_cluster(plan, context.served, &capabilities)?
    };
    let warnings = rendering.warnings().map(ToString::to_string);
    for warning in warnings.filter(|warning| !said.contains(warning)) {
        ask.note(&format!("Warning: {warning}"));
    }
    Ok((plan.chosen(&rendering.choice), rendering))
}

/// What charts may ask about the cluster.
async fn capabilities(context: PrepareContext<'_>) -> Result<ChartCapabilities, PrepareError> {
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
    Ok(ChartCapabilities {
        kubernetes,
        api_versions: api_versions.into_iter().collect(),
    })
}

/// Takes over from the cluster what charts make anew with each rendering, and says so.
pub(crate) fn keep_generated(
    rendering: &Rendering,
    selection: &Selection,
    prepared: &mut Prepared,
    ask: &mut dyn Ask,
) {
    let wanted = prepared.desired.objects.iter_mut();
    for (id, wanted) in wanted.filter(|(_, wanted)| selection.holds_wanted(wanted)) {
        let live = prepared.observation.live.object(id);
        let hint = rendering.rendered.hints.get(id);
        let (Some(live), Some(hint)) = (live, hint) else {
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
