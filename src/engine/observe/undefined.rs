//! Objects of kinds that the API server does not serve: gone with what defined them, or there and
//! not to be looked at now.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value;

use crate::{
    cluster::{Cluster, ListScope, Live, RequestError, Resource, Seen, Tolerated},
    object::{Definition, ObjectId, Scope, field::text},
};

/// Where the API server itself says that it has made an `APIService` of a definition, and takes it
/// away with that.
/// <https://github.com/kubernetes/kube-aggregator/blob/master/pkg/controllers/autoregister/autoregister_controller.go>
const AUTOMANAGED: &str = "/metadata/labels/kube-aggregator.kubernetes.io~1automanaged";

/// Notes in `live` as absent what of `ids` nobody could look at because nothing defines its kind any
/// more. `lost` are definitions that are known to be gone.
///
/// Whatever else is not served comes back with its API server, or with the next change of its
/// definition: of that nothing is noted.
pub(crate) async fn note_undefined<'a>(
    cluster: &Cluster,
    ids: impl Iterator<Item = &'a ObjectId>,
    lost: &[&Value],
    live: &mut Live,
) -> Result<(), RequestError> {
    let is_lost = |id: &ObjectId| lost.iter().any(|definition| defines(definition, id));
    let unasked = ids.filter(|id| matches!(live.seen(id), Seen::Unasked));
    let (mut gone, others): (Vec<&ObjectId>, Vec<&ObjectId>) = unasked.partition(|id| is_lost(id));
    if !others.is_empty()
        && let Some((definitions, services)) = what_defines(cluster).await?
    {
        let is_defined = |id: &ObjectId| {
            definitions.iter().any(|definition| defines(definition, id))
                || services.iter().any(|service| provides(service, id))
        };
        gone.extend(others.into_iter().filter(|id| !is_defined(id)));
    }
    for id in gone {
        live.note(id.clone(), Seen::Absent);
    }
    Ok(())
}

/// All definitions, and all `APIService`s; `None` where the user may not see them all.
async fn what_defines(
    cluster: &Cluster,
) -> Result<Option<(Vec<Arc<Value>>, Vec<Arc<Value>>)>, RequestError> {
    let list = async |group, kind, plural| {
        let resource = Resource::built_in(group, "v1", kind, plural, Scope::Cluster);
        let everywhere = ListScope::Everywhere {
            otherwise: &BTreeSet::new(),
        };
        cluster
            .list_permitted(&resource, everywhere, None, Tolerated::Forbidden)
            .await
    };
    let definitions = list(
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        "customresourcedefinitions",
    );
    let services = list("apiregistration.k8s.io", "APIService", "apiservices");
    let (definitions, services) = tokio::try_join!(definitions, services)?;
    let all = definitions.complete && services.complete;
    Ok(all.then_some((definitions.items, services.items)))
}

/// Whether `definition` defines the kind of `id`.
pub(super) fn defines(definition: &Value, id: &ObjectId) -> bool {
    Definition::of(definition)
        .is_some_and(|definition| definition.group() == id.group && definition.kind() == id.kind)
}

/// Whether the kind of `id` may be one of those that come by `service`, of an API server beside or
/// of the API server's own: which kinds they have only discovery says.
fn provides(service: &Value, id: &ObjectId) -> bool {
    text(service, "/spec/group").unwrap_or_default() == id.group
        && text(service, AUTOMANAGED) != Some("true")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_definition_was_made_into_provides_nothing_without_it() {
        let service = |managed: &str| {
            json!({
                "metadata": {"labels": {"kube-aggregator.kubernetes.io/automanaged": managed}},
                "spec": {"group": "shop.test", "version": "v1"},
            })
        };
        let id = |group| ObjectId {
            group: String::from(group),
            ..ObjectId::core("Widget", None, "main")
        };
        assert!(!provides(&service("true"), &id("shop.test")));
        assert!(provides(&service("onstart"), &id("shop.test")));
        let beside = json!({"spec": {"group": "shop.test", "version": "v1"}});
        assert!(provides(&beside, &id("shop.test")));
        assert!(!provides(&beside, &id("others.test")));
    }
}
