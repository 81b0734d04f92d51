//! Whose fields a release takes over when it writes an object.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    entries::{Entry, entries},
    path::{Element, Path},
};
use crate::object::{HasKind as _, ManifestView, ObjectId};

/// Who wrote an object as `kubectl apply` does, or was there before anybody kept accounts: taken
/// over whenever the release writes the object.
///
/// `before-first-apply` is the API server's name for the fields of an object without entries when it
/// is applied for the first time.
const BY_APPLY: [&str; 2] = ["kubectl-client-side-apply", UNACCOUNTED];
const UNACCOUNTED: &str = "before-first-apply";

/// Who else writes what a manifest says, and is done with it: taken over when the release writes the
/// object for the first time. `kubectl` is that of `kubectl apply --server-side` and of versions
/// before 1.18; `oc` is the kubectl of `OpenShift`.
///
/// Not among them is who only adds something to what is there: `kubectl annotate`, `label`, `taint`,
/// `rollout restart`. `kubectl scale` writes a subresource.
/// <https://github.com/kubernetes/kubectl/tree/master/pkg/cmd> (`FieldManager`),
/// <https://github.com/helm/helm/blob/main/pkg/kube/client.go> (`ManagedFieldsManager`)
const BEFORE_THE_RELEASE: [&str; 13] = [
    "kubectl",
    "kubectl-autoscale",
    "kubectl-create",
    "kubectl-edit",
    "kubectl-expose",
    "kubectl-last-applied",
    "kubectl-patch",
    "kubectl-replace",
    "kubectl-run",
    "kubectl-set",
    "oc",
    "oc-create",
    "helm",
];

/// What `kubectl rollout pause` has written, beside the time of `restart`: pods that nothing rolls out
/// any more.
const ROLLOUT: &str = "kubectl-rollout";

/// The name of the program behind `manager`, which is that of its file: without `.exe`, and without a
/// version (`kubectl-1.36`, `helm3`).
fn program(manager: &str) -> &str {
    let name = manager.strip_suffix(".exe").unwrap_or(manager);
    let is_of_version = |character: char| character.is_ascii_digit() || ".-_v".contains(character);
    name.trim_end_matches(is_of_version)
}

/// Whether what `manager` holds is always taken over.
pub(super) fn is_of_kubectl_apply(manager: &str) -> bool {
    BY_APPLY.contains(&manager)
}

/// What a release takes over of an object.
pub(super) struct Adoption<'a> {
    manager: &'a str,
    /// Whether the release has not written the object so far.
    is_first: bool,
    /// Whether its `spec` was filled in when it was created and cannot be changed since.
    has_sealed_spec: bool,
    /// Whether every namespace has such an object by itself: what people have put into it was never a
    /// manifest's.
    is_of_the_system: bool,
}

impl<'a> Adoption<'a> {
    /// What `manager` takes over of `object` as it is.
    pub(super) fn of(object: &Value, manager: &'a str) -> Self {
        let is_ours =
            |entry: &Entry<'_>| entry.is_applied_by(manager) || entry.is_half_way_of(manager);
        Self {
            manager,
            is_first: !entries(object).any(|entry| is_ours(&entry)),
            has_sealed_spec: has_sealed_spec(ManifestView(object)),
            is_of_the_system: ObjectId::of(object).is_some_and(|id| id.is_made_by_the_system()),
        }
    }

    /// Whether what `entry` holds is taken over from somebody else.
    pub(super) fn is_from_others(&self, entry: &Entry<'_>) -> bool {
        let name = entry.manager();
        let is_known = is_of_kubectl_apply(name) && entry.is_update()
            || self.is_first && BEFORE_THE_RELEASE.contains(&program(name));
        let is_made_up = name == UNACCOUNTED && self.is_of_the_system;
        is_known && !is_made_up && entry.subresource().is_empty()
    }

    /// Whether what `entry` holds is taken over: also what an interrupted way back of ours left.
    pub(super) fn takes(&self, entry: &Entry<'_>) -> bool {
        self.is_from_others(entry) || entry.is_half_way_of(self.manager)
    }

    /// What of `entry`, which is not taken over, is all the same.
    pub(super) fn takes_of(&self, entry: &Entry<'_>) -> Option<Path> {
        let paused = Path::of_fields(&["spec", "paused"]);
        let is_paused = self.is_first && program(entry.manager()) == ROLLOUT && entry.is_update();
        (is_paused && entry.fields().contains(&paused)).then_some(paused)
    }

    /// Whether `path`, which is taken over, becomes ours. What is not ours stays unless it is sent: the
    /// status, which is a controller's, and fields of a sealed spec, half of which an admission plugin
    /// has set.
    pub(super) fn holds(&self, path: &Path) -> bool {
        match path.elements().first() {
            Some(Element::Field(name)) => {
                name != "status" && !(self.has_sealed_spec && name == "spec")
            }
            _ => true,
        }
    }
}

/// How fields that another manager holds become ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Yields {
    /// They are taken over before the apply.
    BeforeTheApply,
    /// By force: somebody wrote them at a terminal.
    ByForce,
}

/// Whether `entry` is what somebody's kubectl wrote at a terminal (`edit`, `patch`, `label`, `scale`,
/// …): in a field of ours that is drift, which the next `up` puts right.
pub(super) fn is_at_a_terminal(entry: &Entry<'_>) -> bool {
    entry.manager().starts_with("kubectl") && entry.is_update()
}

/// How what `other` holds of `live` becomes that of `manager` without being asked for; `None` where
/// it does not: it is a tool's.
///
/// `kubectl apply --server-side` is an applier of its own, and so is a conflict once the object is
/// ours.
pub(crate) fn yields(live: &Value, manager: &str, other: &str) -> Option<Yields> {
    if other == manager || is_of_kubectl_apply(other) {
        return Some(Yields::BeforeTheApply);
    }
    let adoption = Adoption::of(live, manager);
    let held: Vec<Entry<'_>> = entries(live)
        .filter(|entry| entry.manager() == other)
        .collect();
    if held.is_empty() {
        None
    } else if held.iter().all(|entry| adoption.takes(entry)) {
        Some(Yields::BeforeTheApply)
    } else {
        let yielding = |entry: &Entry<'_>| adoption.takes(entry) || is_at_a_terminal(entry);
        held.iter().all(yielding).then_some(Yields::ByForce)
    }
}

/// The tools that `manager` takes `live` over from when it writes it for the first time, as they are
/// called. Where there are no accounts at all, whoever wrote the object did so before.
pub(crate) fn taken_over_from(live: &Value, manager: &str) -> BTreeSet<&'static str> {
    let adoption = Adoption::of(live, manager);
    if entries(live).next().is_none() && !adoption.is_of_the_system {
        return BTreeSet::from(["an unknown manager"]);
    }
    let taken = entries(live).filter(|entry| adoption.is_first && adoption.is_from_others(entry));
    let tool = |entry: Entry<'_>| match entry.manager() {
        name if name.starts_with("helm") => Some("Helm"),
        name if name.starts_with("oc") => Some("oc"),
        name if name.starts_with("kubectl") => Some("kubectl"),
        _ => None,
    };
    taken.filter_map(tool).collect()
}

/// Whether the API server fills in the spec of `object`, by itself or by its own admission plugins, and
/// refuses most changes to it afterwards: who created it holds what was filled in.
/// <https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/> (`ServiceAccount`,
/// `DefaultTolerationSeconds`, `DefaultStorageClass`)
fn has_sealed_spec(object: ManifestView<'_>) -> bool {
    object.is_pod() || object.is_claim() || object.is_job()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OURS: &str = "deployctl.shop.dev";

    fn live(entries: &[(&str, &str, &str)]) -> Value {
        let entry = |(manager, operation, subresource): &(&str, &str, &str)| json!({"manager": manager, "operation": operation, "subresource": subresource, "fieldsV1": {}});
        let entries: Vec<Value> = entries.iter().map(entry).collect();
        json!({"metadata": {"managedFields": entries}})
    }

    #[test]
    fn what_becomes_ours_by_itself_is_what_was_written_by_hand() {
        let new = live(&[
            ("kubectl", "Apply", ""),
            ("kubectl-create", "Update", ""),
            ("kubectl-label", "Update", ""),
            ("helm", "Update", ""),
            ("argocd-controller", "Apply", ""),
            ("k9s", "Update", ""),
            ("helm.exe", "Update", ""),
            ("kubectl-1.36", "Update", ""),
            ("terraform-provider-helm_v2.9.0_x5", "Update", ""),
        ]);
        let how = |other: &str| yields(&new, OURS, other);
        assert_eq!(how("kubectl"), Some(Yields::BeforeTheApply));
        assert_eq!(how("kubectl-create"), Some(Yields::BeforeTheApply));
        assert_eq!(how("helm"), Some(Yields::BeforeTheApply));
        assert_eq!(how("before-first-apply"), Some(Yields::BeforeTheApply));
        assert_eq!(how(OURS), Some(Yields::BeforeTheApply));
        assert_eq!(how("kubectl-label"), Some(Yields::ByForce));
        assert_eq!(how("argocd-controller"), None);
        assert_eq!(how("helm.exe"), Some(Yields::BeforeTheApply));
        assert_eq!(how("kubectl-1.36"), Some(Yields::BeforeTheApply));
        assert_eq!(how("terraform-provider-helm_v2.9.0_x5"), None);
        assert_eq!(how("k9s"), None);
        assert_eq!(how("nobody"), None);
        let scaled = live(&[("kubectl", "Apply", ""), ("kubectl", "Update", "scale")]);
        assert_eq!(yields(&scaled, OURS, "kubectl"), Some(Yields::ByForce));
    }

    #[test]
    fn once_it_is_ours_appliers_and_tools_are_others() {
        let ours = live(&[
            (OURS, "Apply", ""),
            ("kubectl", "Apply", ""),
            ("kubectl-edit", "Update", ""),
            ("helm", "Update", ""),
        ]);
        let how = |other: &str| yields(&ours, OURS, other);
        assert_eq!(how("kubectl"), None);
        assert_eq!(how("kubectl-edit"), Some(Yields::ByForce));
        assert_eq!(how("helm"), None);
        assert!(taken_over_from(&ours, OURS).is_empty());
    }
}
