//! Annotations by which other tools are told what to do with an object, and what they mean here:
//! what says in which order, or that an object is kept, is understood; the rest is named.
//!
//! `docs/compatibility.md` lists the rows.

use indexmap::{IndexMap, IndexSet};
use serde_json::Value;

use super::{Object, ObjectId, Problem, field::map};
use crate::finding::Check;

/// An annotation that some tool reads.
struct Peer {
    /// Its name; one that ends in `*` stands for all that begin so.
    name: &'static str,
    /// The value that it must have for that; `None` for any.
    value: Option<&'static str>,
    meaning: Meaning,
}

/// What an annotation means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The object stays where it would be deleted.
    Keep(Keep),
    /// The object comes after those with lower numbers.
    Wave,
    /// The object comes after others, or before them: the notation in which they are named.
    Order(Notation),
    /// What it asks for is so anyway, or it asks for nothing.
    Met,
    /// It has no effect: what to do instead.
    Unheard(&'static str),
}

/// When an object stays that would be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    Always,
    /// Where it is not wanted any more.
    WhenUnwanted,
    /// Where its release is uninstalled.
    WhenUninstalled,
}

/// How an annotation names the objects before or after which one comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notation {
    /// `GROUP/namespaces/NAMESPACE/KIND/NAME`, `GROUP/KIND/NAME`, several with commas between.
    /// <https://kpt.dev/reference/annotations/depends-on/>
    Paths,
    /// `kind=KIND,name=NAME,namespace=NAMESPACE,group=GROUP`.
    /// <https://werf.io/docs/latest/reference/deploy_annotations.html>
    Pairs,
    /// The name of a group that the object belongs to.
    /// <https://carvel.dev/kapp/docs/latest/apply-ordering/>
    Group,
    /// `upsert after upserting GROUP`, `upsert before upserting GROUP`.
    Rule,
}

const fn row(name: &'static str, value: Option<&'static str>, meaning: Meaning) -> Peer {
    Peer {
        name,
        value,
        meaning,
    }
}

const RECREATE: Meaning = Meaning::Unheard(
    "`deployctl.dev/recreate: \"true\"` lets an object be deleted and created anew where it has to be",
);
const HOOK: Meaning = Meaning::Unheard(
    "it is deployed like everything else: give it a phase of its own, or leave it out of `sources`",
);
const LEFT_OUT: Meaning = Meaning::Unheard("leave the file out of `sources` if it is not meant");
const IGNORED: Meaning = Meaning::Unheard("`ignoreFields` in the plan leaves fields to others");
const WAITING: Meaning = Meaning::Unheard("`readiness` in the plan says when an object is ready");
const NOTHING: Meaning = Meaning::Unheard("remove it where only deployctl deploys the object");
const ALWAYS: Meaning = Meaning::Keep(Keep::Always);

/// The option list of Argo CD: each of its items is looked up like a value of its own.
const SYNC_OPTIONS: &str = "argocd.argoproj.io/sync-options";

/// The first row that fits is taken.
const PEERS: &[Peer] = &[
    row("deployctl.dev/keep", Some("true"), ALWAYS),
    row("deployctl.dev/*", None, Meaning::Met),
    // Helm: pkg/kube/resource_policy.go, pkg/release/hook.go.
    row("helm.sh/resource-policy", Some("keep"), ALWAYS),
    row("helm.sh/hook*", None, HOOK),
    row("helm.sh/chart", None, Meaning::Met),
    row("helm.sh/*", None, NOTHING),
    // cli-utils (kpt): pkg/common, pkg/object/dependson.
    row(
        "client.lifecycle.config.k8s.io/deletion",
        Some("detach"),
        ALWAYS,
    ),
    row("client.lifecycle.config.k8s.io/mutation", None, IGNORED),
    row("client.lifecycle.config.k8s.io/*", None, NOTHING),
    row("cli-utils.sigs.k8s.io/on-remove", Some("keep"), ALWAYS),
    row(
        "cli-utils.sigs.k8s.io/on-remove",
        Some("delete"),
        Meaning::Met,
    ),
    row("cli-utils.sigs.k8s.io/*", None, NOTHING),
    row(
        "config.kubernetes.io/depends-on",
        None,
        Meaning::Order(Notation::Paths),
    ),
    row(
        "config.kubernetes.io/local-config",
        Some("false"),
        Meaning::Met,
    ),
    row("config.kubernetes.io/local-config", None, LEFT_OUT),
    row("config.kubernetes.io/apply-time-mutation", None, NOTHING),
    row("config.kubernetes.io/function", None, LEFT_OUT),
    // kapp: pkg/kapp/diffgraph, pkg/kapp/clusterapply.
    row(
        "kapp.k14s.io/change-group",
        None,
        Meaning::Order(Notation::Group),
    ),
    row(
        "kapp.k14s.io/change-group.*",
        None,
        Meaning::Order(Notation::Group),
    ),
    row(
        "kapp.k14s.io/change-rule",
        None,
        Meaning::Order(Notation::Rule),
    ),
    row(
        "kapp.k14s.io/change-rule.*",
        None,
        Meaning::Order(Notation::Rule),
    ),
    row("kapp.k14s.io/delete-strategy", Some("orphan"), ALWAYS),
    row("kapp.k14s.io/update-strategy", None, RECREATE),
    row(
        "kapp.k14s.io/create-strategy",
        Some("fallback-on-update"),
        Meaning::Met,
    ),
    row(
        "kapp.k14s.io/nonce",
        None,
        Meaning::Unheard("change the object itself where it is to be written anew"),
    ),
    row(
        "kapp.k14s.io/versioned*",
        None,
        Meaning::Unheard(
            "workloads restart where a ConfigMap or Secret changes that they read when they start",
        ),
    ),
    row("kapp.k14s.io/identity", None, Meaning::Met),
    row("kapp.k14s.io/original*", None, Meaning::Met),
    row("kapp.k14s.io/*", None, NOTHING),
    // Argo CD: util/argo, gitops-engine/pkg/sync.
    row("argocd.argoproj.io/sync-wave", None, Meaning::Wave),
    row(
        SYNC_OPTIONS,
        Some("Prune=false"),
        Meaning::Keep(Keep::WhenUnwanted),
    ),
    row(
        SYNC_OPTIONS,
        Some("Delete=false"),
        Meaning::Keep(Keep::WhenUninstalled),
    ),
    row(SYNC_OPTIONS, Some("Prune=true"), Meaning::Met),
    row(SYNC_OPTIONS, Some("PruneLast=true"), Meaning::Met),
    row(SYNC_OPTIONS, Some("ServerSideApply=true"), Meaning::Met),
    row(
        SYNC_OPTIONS,
        Some("SkipDryRunOnMissingResource=true"),
        Meaning::Met,
    ),
    row(SYNC_OPTIONS, Some("ApplyOutOfSyncOnly=true"), Meaning::Met),
    row(SYNC_OPTIONS, Some("Validate=true"), Meaning::Met),
    row(SYNC_OPTIONS, Some("Replace=true"), RECREATE),
    row(SYNC_OPTIONS, Some("Force=true"), RECREATE),
    row(SYNC_OPTIONS, None, NOTHING),
    row("argocd.argoproj.io/hook*", None, HOOK),
    row("argocd.argoproj.io/compare-options", None, IGNORED),
    row("argocd.argoproj.io/ignore-healthcheck", None, WAITING),
    row("argocd.argoproj.io/tracking-id", None, Meaning::Met),
    row("argocd.argoproj.io/installation-id", None, Meaning::Met),
    row("argocd.argoproj.io/*", None, NOTHING),
    // Flux: kustomize-controller, docs/spec/v1/kustomizations.md.
    row(
        "kustomize.toolkit.fluxcd.io/prune",
        Some("disabled"),
        ALWAYS,
    ),
    row(
        "kustomize.toolkit.fluxcd.io/prune",
        Some("enabled"),
        Meaning::Met,
    ),
    row("kustomize.toolkit.fluxcd.io/force", None, RECREATE),
    row("kustomize.toolkit.fluxcd.io/ssa", None, IGNORED),
    row("kustomize.toolkit.fluxcd.io/checksum", None, Meaning::Met),
    row("kustomize.toolkit.fluxcd.io/*", None, NOTHING),
    // werf and Nelm.
    row("werf.io/weight", None, Meaning::Wave),
    row(
        "werf.io/deploy-dependency-*",
        None,
        Meaning::Order(Notation::Pairs),
    ),
    row("werf.io/version", None, Meaning::Met),
    row("werf.io/track-termination-mode", None, WAITING),
    row("werf.io/fail-mode", None, WAITING),
    row("werf.io/*", None, NOTHING),
    // Krane, and its former name.
    row("krane.shopify.io/deploy-method-override", None, RECREATE),
    row("krane.shopify.io/required-rollout", None, WAITING),
    row("krane.shopify.io/*", None, NOTHING),
    row("kubernetes-deploy.shopify.io/*", None, NOTHING),
    // Kluctl, Timoni, Pulumi.
    row("kluctl.io/skip-delete", Some("true"), ALWAYS),
    row("kluctl.io/hook*", None, HOOK),
    row("kluctl.io/*", None, NOTHING),
    row("action.timoni.sh/prune", Some("disabled"), ALWAYS),
    row("action.timoni.sh/force", None, RECREATE),
    row("action.timoni.sh/*", None, NOTHING),
    row("pulumi.com/skipAwait", None, WAITING),
    row("pulumi.com/*", None, NOTHING),
];

impl Peer {
    fn fits(&self, name: &str, value: &str) -> bool {
        let is_named = match self.name.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == self.name,
        };
        let fits = |expected: &str| expected.eq_ignore_ascii_case(value);
        is_named && self.value.is_none_or(fits)
    }
}

/// The annotations of `object` that a tool reads, each with its value and what it means here.
pub(super) fn peers(object: &Value) -> impl Iterator<Item = (&str, &str, Meaning)> {
    peers_at(object, "/metadata/annotations")
}

fn peers_at<'a>(
    object: &'a Value,
    place: &str,
) -> impl Iterator<Item = (&'a str, &'a str, Meaning)> {
    let annotations = map(object, place).into_iter().flatten();
    let texts = annotations.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
    let parts = texts.flat_map(|(name, value)| {
        let separator = if name == SYNC_OPTIONS { "," } else { "\n" };
        let parts = value.split(separator).map(str::trim);
        parts.map(move |part| (name, part))
    });
    parts.filter_map(|(name, value)| {
        let peer = PEERS.iter().find(|peer| peer.fits(name, value))?;
        Some((name, value, peer.meaning))
    })
}

/// The annotation that keeps `object`, which is there, from being deleted, as `NAME: VALUE`.
/// `uninstalled`: with its whole release, and not because it is not wanted any more. Flux takes a
/// label for it too.
pub(crate) fn keeping_annotation(object: &Value, uninstalled: bool) -> Option<String> {
    let keeps = |meaning| match meaning {
        Meaning::Keep(Keep::Always) => true,
        Meaning::Keep(Keep::WhenUnwanted) => !uninstalled,
        Meaning::Keep(Keep::WhenUninstalled) => uninstalled,
        _ => false,
    };
    let mut said = peers(object).chain(peers_at(object, "/metadata/labels"));
    let (name, value, _) = said.find(|(_, _, meaning)| keeps(*meaning))?;
    Some(format!("{name}: {value}"))
}

/// The number by which an annotation orders `object` among others: lower ones come first, and what
/// has none counts as 0.
/// <https://argo-cd.readthedocs.io/en/stable/user-guide/sync-waves/>
pub(crate) fn annotated_wave(object: &Value) -> Option<i64> {
    let mut waves = peers(object).filter(|(_, _, meaning)| *meaning == Meaning::Wave);
    waves.find_map(|(_, value, _)| value.parse().ok())
}

/// A warning for each annotation of other tools that has no effect: where it is first, and on how
/// many objects.
pub(crate) fn unheard_annotations(objects: &IndexMap<ObjectId, Object>) -> Vec<Problem> {
    let mut found: IndexMap<&str, (&'static str, IndexSet<&ObjectId>)> = IndexMap::new();
    for (id, object) in objects {
        for (name, _, meaning) in peers(&object.body) {
            if let Meaning::Unheard(hint) = meaning {
                let (_, on) = found.entry(name).or_insert((hint, IndexSet::new()));
                on.insert(id);
            }
        }
    }
    let warning = |(name, (hint, on)): (&str, (&str, IndexSet<&ObjectId>))| {
        let first = &objects[on[0]];
        let others = match on.len() - 1 {
            0 => String::new(),
            1 => ", here and on 1 more object".to_owned(),
            others => format!(", here and on {others} more objects"),
        };
        let message = format!("the annotation `{name}` has no effect{others}");
        let problem = Problem::of(Check::UnheardAnnotation, message);
        problem.at(&first.origin).about(&first.id).hint(hint)
    };
    found.into_iter().map(warning).collect()
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use serde_json::json;

    use super::*;
    use crate::object::Origin;

    fn annotated(annotations: &Value) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "annotations": annotations}})
    }

    #[test]
    fn what_keeps_an_object_is_known_in_every_tools_words() {
        for (name, value, unwanted, uninstalled) in [
            ("deployctl.dev/keep", "true", true, true),
            ("deployctl.dev/keep", "false", false, false),
            ("helm.sh/resource-policy", "keep", true, true),
            ("helm.sh/resource-policy", "Keep", true, true),
            ("helm.sh/resource-policy", "other", false, false),
            (
                "client.lifecycle.config.k8s.io/deletion",
                "detach",
                true,
                true,
            ),
            ("cli-utils.sigs.k8s.io/on-remove", "keep", true, true),
            ("cli-utils.sigs.k8s.io/on-remove", "delete", false, false),
            ("kapp.k14s.io/delete-strategy", "orphan", true, true),
            (
                "argocd.argoproj.io/sync-options",
                "Replace=true, Prune=false",
                true,
                false,
            ),
            (
                "argocd.argoproj.io/sync-options",
                "Delete=false",
                false,
                true,
            ),
            ("kustomize.toolkit.fluxcd.io/prune", "disabled", true, true),
            ("kluctl.io/skip-delete", "true", true, true),
            ("action.timoni.sh/prune", "disabled", true, true),
            ("example.org/keep", "true", false, false),
        ] {
            let object = annotated(&json!({name: value}));
            let kept = [false, true].map(|all| keeping_annotation(&object, all).is_some());
            assert_eq!(kept, [unwanted, uninstalled], "{name}: {value}");
        }
        let labels = json!({"kustomize.toolkit.fluxcd.io/prune": "disabled"});
        let labelled = json!({"metadata": {"labels": labels}});
        assert!(keeping_annotation(&labelled, false).is_some());
    }

    #[test]
    fn what_has_no_effect_is_named_once_with_its_first_place_and_a_count() {
        let objects = ["a", "b", "c"].map(|name| {
            let mut body = annotated(&json!({
                "krane.shopify.io/skip-endpoint-validation": "true",
                "helm.sh/resource-policy": "keep",
                "argocd.argoproj.io/sync-options": "ServerSideApply=true",
                "kapp.k14s.io/identity": "v1;",
                "example.org/note": "x",
            }));
            body["metadata"]["name"] = name.into();
            if name == "b" {
                body["metadata"]["annotations"]["helm.sh/hook"] = "pre-install".into();
            }
            let id = ObjectId::of(&body).expect("it has a name");
            let origin = Origin {
                file: Arc::from(Path::new(name)),
                line: 1,
            };
            let object = Object {
                id: id.clone(),
                api_version: "v1".to_owned(),
                body: Arc::new(body),
                origin,
            };
            (id, object)
        });
        let warnings = unheard_annotations(&objects.into_iter().collect());
        let texts: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "a:1: ConfigMap/a: the annotation `krane.shopify.io/skip-endpoint-validation` has no effect, here and on 2 more objects; remove it where only deployctl deploys the object [unheard-annotation]",
                "b:1: ConfigMap/b: the annotation `helm.sh/hook` has no effect; it is deployed like everything else: give it a phase of its own, or leave it out of `sources` [unheard-annotation]",
            ]
        );
    }

    /// The page lists every row.
    #[test]
    fn every_row_is_documented() {
        let page = include_str!("../../docs/compatibility.md");
        for Peer { name, value, .. } in PEERS {
            let name = name.trim_end_matches('*');
            assert!(
                page.contains(name),
                "{name} is not in docs/compatibility.md"
            );
            assert!(value.is_none_or(|value| page.contains(value)), "{value:?}");
        }
    }
}
