//! Hooks of charts: what Helm runs before and after it installs or upgrades one.
//! <https://helm.sh/docs/topics/charts_hooks/>

use std::collections::BTreeSet;

use serde_json::Value;

use super::manifests::{Loaded, Manifest};
use crate::{
    finding::Check,
    object::{ChartPart, Hook, HookEvent, HookResult, ManifestView, ObjectId, Problem},
};

const HOOK: &str = "helm.sh/hook";
const WEIGHT: &str = "helm.sh/hook-weight";
const POLICY: &str = "helm.sh/hook-delete-policy";

/// The words of hooks, and what they mean; `test-success` is Helm 2's word for a test.
const EVENTS: [(&str, HookEvent); 10] = [
    ("pre-install", HookEvent::PreInstall),
    ("post-install", HookEvent::PostInstall),
    ("pre-upgrade", HookEvent::PreUpgrade),
    ("post-upgrade", HookEvent::PostUpgrade),
    ("pre-rollback", HookEvent::PreRollback),
    ("post-rollback", HookEvent::PostRollback),
    ("pre-delete", HookEvent::PreDelete),
    ("post-delete", HookEvent::PostDelete),
    ("test", HookEvent::Test),
    ("test-success", HookEvent::Test),
];

/// The words of delete policies. What is there of a hook goes before it is run anew in any case, as
/// `before-hook-creation` says, which is Helm's default.
const POLICIES: [(&str, HookResult); 2] = [
    ("hook-succeeded", HookResult::Succeeded),
    ("hook-failed", HookResult::Failed),
];

/// What the annotations of an object make it.
enum Role {
    /// A part of the chart like any other.
    Plain,
    Hook(Hook),
    /// A hook of what nobody does.
    Unheard,
}

/// Marks the objects of `chart` in `loaded` as its parts: hooks by when they are run. Those that are
/// never run are taken out, and named.
pub(super) fn mark_parts(loaded: &mut Loaded, chart: &str) {
    let mut left_out = Vec::new();
    loaded.manifests.retain_mut(|manifest| {
        let hook = match role(&manifest.value) {
            Role::Plain => None,
            Role::Hook(hook) => Some(hook),
            Role::Unheard => {
                left_out.push(unheard(manifest));
                return false;
            }
        };
        if hook.is_some() {
            take_annotations(&mut manifest.value);
        }
        manifest.hint.part = Some(ChartPart {
            chart: chart.to_owned(),
            hook,
        });
        true
    });
    loaded.problems.extend(left_out);
}

/// Says that a hook is not run.
fn unheard(manifest: &Manifest) -> Problem {
    let events = ManifestView(&manifest.value).annotation(HOOK);
    let message = format!("the hook `{}` is not run", events.unwrap_or_default());
    let problem = Problem::of(Check::UnheardHook, message).at(&manifest.origin);
    let hint = "run what it does by hand where it is needed";
    match ObjectId::of(&manifest.value) {
        Some(id) => problem.about(&id).hint(hint),
        None => problem.hint(hint),
    }
}

fn role(object: &Value) -> Role {
    let view = ManifestView(object);
    let Some(events) = view.annotation(HOOK) else {
        return Role::Plain;
    };
    // Helm 2's way of installing definitions first.
    if words(events).any(|word| word == "crd-install") {
        return Role::Plain;
    }
    // As soon as Helm does not know one of its words, it leaves a hook out.
    let Some(events) = meanings(events, &EVENTS).collect::<Option<_>>() else {
        return Role::Unheard;
    };
    let weight = view.annotation(WEIGHT);
    let policies = view.annotation(POLICY).unwrap_or_default();
    Role::Hook(Hook {
        events: sorted(events),
        weight: weight.and_then(|it| it.trim().parse().ok()).unwrap_or(0),
        deleted_on: sorted(meanings(policies, &POLICIES).flatten().collect()),
    })
}

/// The words of an annotation, in small letters, as Helm reads them.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(',').map(|word| word.trim().to_lowercase())
}

/// What each of the words of `text` means; `None` for one that is not known.
fn meanings<T: Copy>(text: &str, known: &[(&str, T)]) -> impl Iterator<Item = Option<T>> {
    let meaning = move |word: String| known.iter().find(|(known, _)| *known == word);
    words(text).map(move |word| Some(meaning(word)?.1))
}

/// `all`, each once.
fn sorted<T: Ord>(all: BTreeSet<T>) -> Vec<T> {
    all.into_iter().collect()
}

/// Takes the annotations away that Helm reads of hooks: they are followed here.
fn take_annotations(object: &mut Value) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
        return;
    };
    if let Some(annotations) = metadata
        .get_mut("annotations")
        .and_then(Value::as_object_mut)
    {
        for name in [HOOK, WEIGHT, POLICY] {
            annotations.remove(name);
        }
    }
    let is_empty = metadata.get("annotations").is_some_and(map_is_empty);
    if is_empty {
        metadata.remove("annotations");
    }
}

fn map_is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::{ChartChange, HookStage};

    fn hook(annotations: &Value) -> Option<Hook> {
        let object = json!({"kind": "Job", "metadata": {"annotations": annotations}});
        match role(&object) {
            Role::Hook(hook) => Some(hook),
            _ => None,
        }
    }

    #[test]
    fn hooks_are_run_as_their_annotations_say() {
        let both = hook(&json!({HOOK: "pre-upgrade, pre-install", WEIGHT: "-5"})).unwrap();
        let expected = Hook {
            events: vec![HookEvent::PreInstall, HookEvent::PreUpgrade],
            weight: -5,
            deleted_on: Vec::new(),
        };
        assert_eq!((both.stage(), both), (HookStage::Before, expected));
        let upgrade = hook(&json!({HOOK: "post-upgrade", WEIGHT: "many"})).unwrap();
        assert_eq!((upgrade.stage(), upgrade.weight), (HookStage::After, 0));
        assert!(
            !upgrade.is_run_at(ChartChange::Install) && upgrade.is_run_at(ChartChange::Upgrade)
        );
        let stage = |events: &str| hook(&json!({HOOK: events})).unwrap().stage();
        assert_eq!(stage("post-install,pre-upgrade"), HookStage::After);
        let account = "pre-install,pre-upgrade,post-install,post-upgrade";
        assert_eq!(stage(account), HookStage::Before);
        assert_eq!(stage("post-install,pre-delete"), HookStage::After);
        let spelt = hook(&json!({HOOK: " Pre-Install,TEST "})).unwrap();
        assert_eq!(spelt.events, [HookEvent::PreInstall, HookEvent::Test]);
        for none in [
            "test-failure",
            "crd-install",
            "CRD-Install",
            "pre-everything",
            "post-install,test-failure",
            "pre-install,",
            "",
        ] {
            assert_eq!(hook(&json!({HOOK: none})), None, "{none}");
        }
    }

    #[test]
    fn hooks_of_deletions_and_tests_are_kept_for_later() {
        for (events, brought, stored) in [
            ("pre-install", true, false),
            ("post-rollback", true, false),
            ("pre-delete", false, true),
            ("test", false, true),
            ("test-success", false, true),
            ("post-install,post-delete", true, true),
        ] {
            let hook = hook(&json!({HOOK: events})).unwrap();
            assert_eq!(
                (hook.is_brought(), hook.is_stored()),
                (brought, stored),
                "{events}"
            );
        }
        let deletion = hook(&json!({HOOK: "post-install,pre-delete"})).unwrap();
        assert_eq!(deletion.stage_of_deletion(), HookStage::Before);
    }

    #[test]
    fn policies_are_combined_and_others_mean_nothing() {
        let deleted_on = |policy: &str| {
            let hook = hook(&json!({HOOK: "pre-install", POLICY: policy}));
            hook.unwrap().deleted_on
        };
        let both = vec![HookResult::Succeeded, HookResult::Failed];
        assert_eq!(deleted_on("hook-failed, hook-succeeded"), both);
        assert_eq!(deleted_on("Hook-Succeeded,HOOK-FAILED, never"), both);
        assert_eq!(deleted_on("before-hook-creation"), []);
        assert_eq!(
            deleted_on("before-hook-creation,hook-failed"),
            [HookResult::Failed]
        );
        assert_eq!(deleted_on("never"), []);
    }
}
