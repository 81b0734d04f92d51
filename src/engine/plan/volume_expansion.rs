//! How claims and claim templates of StatefulSets become larger, and never smaller.

use std::{collections::HashMap, sync::Arc};

use serde_json::Value;

use crate::engine::{
    desired::{DesiredObject, DesiredState},
    plan::decide::Expansion,
    plan::retention::is_of_template,
};
use crate::{
    cluster::Live,
    finding::Check,
    object::{
        HasKind as _, ManifestView, ObjectId, amount,
        field::{list, text},
    },
    preflight::{Finding, is_within},
};

/// How the claim templates of a StatefulSet are to change.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Templates {
    /// In nothing but that some ask for more.
    Grow,
    /// The template of this name asks for less than this.
    Shrink { name: String, from: String },
    /// Otherwise, or not at all.
    Other,
}

/// Compares the claim templates of the StatefulSet `sent` with those of `live`.
pub(crate) fn templates(sent: &Value, live: &Value) -> Templates {
    let (sent, live) = (claim_templates(sent), claim_templates(live));
    let pairs: Vec<(&Value, &Value)> = sent.iter().zip(live).collect();
    if sent.len() != live.len()
        || !pairs
            .iter()
            .all(|(sent, live)| is_within(&without_size(sent), &without_size(live)))
    {
        return Templates::Other;
    }
    let sizes = pairs.iter().map(|(sent, live)| {
        (
            name(sent),
            amount(size(sent)).unwrap_or_default(),
            amount(size(live)).unwrap_or_default(),
            size(live),
        )
    });
    let mut grows = false;
    for (name, sent, live, from) in sizes {
        if sent < live {
            return Templates::Shrink {
                name: name.to_owned(),
                from: from.to_owned(),
            };
        }
        grows |= sent > live;
    }
    if grows {
        Templates::Grow
    } else {
        Templates::Other
    }
}

/// Leaves claim templates as large as they are, where less is wanted: for going back to a time
/// before they grew. What is on the claims stays as large anyway.
pub(crate) fn keep_sizes(wanted: &mut DesiredState, live: &Live) {
    for (id, object) in wanted
        .objects
        .iter_mut()
        .filter(|(id, _)| id.is_stateful_set())
    {
        let Some(there) = live.object(id) else {
            continue;
        };
        if matches!(templates(object.sent(), there), Templates::Shrink { .. }) {
            let sizes = claim_templates(there).iter().map(size);
            object.set_claim_sizes(sizes);
        }
    }
}

/// What `object`, a StatefulSet, makes claims from.
pub(crate) fn claim_templates(object: &Value) -> &[Value] {
    list(object, "/spec/volumeClaimTemplates")
}

fn name(object: &Value) -> &str {
    ManifestView(object).name()
}

/// How much a claim, or a template of one, asks for.
fn size(claim: &Value) -> &str {
    text(claim, "/spec/resources/requests/storage").unwrap_or_default()
}

fn without_size(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(requests) = template
        .pointer_mut("/spec/resources/requests")
        .and_then(Value::as_object_mut)
    {
        requests.remove("storage");
    }
    template
}

/// Those of `claims` that are smaller than the templates of `object`, a StatefulSet, ask for.
pub(crate) fn growing(
    object: &DesiredObject,
    claims: Vec<Arc<Value>>,
) -> Vec<(Expansion, Arc<Value>)> {
    let templates: HashMap<&str, &Value> = claim_templates(object.sent())
        .iter()
        .map(|template| (name(template), template))
        .collect();
    let grows = |claim: Arc<Value>| {
        let template = templates
            .values()
            .find(|template| is_of_template(template, &object.object.id.name, name(&claim)))?;
        let (has, wants) = (amount(size(&claim))?, amount(size(template))?);
        let claim_id = ObjectId::of(&claim)?;
        (wants > has).then(|| {
            (
                Expansion {
                    claim: claim_id,
                    size: size(template).to_owned(),
                },
                claim,
            )
        })
    };
    claims.into_iter().filter_map(grows).collect()
}

/// The finding that `claim` cannot grow as `expansion` wants it to.
pub(crate) fn cannot_grow(
    object: &DesiredObject,
    expansion: &Expansion,
    claim: &Value,
    why: &str,
) -> Finding {
    let class = text(claim, "/spec/storageClassName").unwrap_or_default();
    let Expansion { claim, size } = expansion;
    let message = format!("{claim} of class `{class}` cannot grow to {size}: {why}");
    let remedy = format!(
        "set `allowVolumeExpansion: true` on StorageClass `{class}` if its provisioner can, or take the change back"
    );
    Finding::of(Check::UnresizableClaim, message)
        .about(&object.object)
        .remedy(remedy)
}

/// The finding that the claim template `name` of `object` asks for less than it did.
pub(crate) fn cannot_shrink(object: &DesiredObject, name: &str, from: &str) -> Finding {
    let message =
        format!("the claim template `{name}` asks for less than {from}, and a claim cannot shrink");
    Finding::of(Check::UnresizableClaim, message)
        .about(&object.object)
        .remedy(format!(
            "ask for {from} or more; to move to smaller volumes, copy the data to a new StatefulSet"
        ))
}
