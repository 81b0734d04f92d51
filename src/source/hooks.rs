//! Hooks of charts: what Helm runs before and after it installs or upgrades one.
//! <https://helm.sh/docs/topics/charts_hooks/>

use serde_json::Value;

use super::manifests::Loaded;
use crate::{
    finding::Check,
    object::{ChartPart, Hook, HookStage, ManifestView, ObjectId, Problem},
};

const HOOK: &str = "helm.sh/hook";
const WEIGHT: &str = "helm.sh/hook-weight";
const POLICY: &str = "helm.sh/hook-delete-policy";

/// What the annotations of an object make it.
enum Role {
    /// A part of the chart like any other.
    Plain,
    Hook(Hook),
    /// A test, which is run by hand.
    Test,
    /// A hook of what is not done here.
    Unheard,
}

/// Marks the objects of `chart` in `loaded` as its parts: hooks by when they are run. Those that are
/// not run are taken out, and named but for tests.
pub(super) fn mark_parts(loaded: &mut Loaded, chart: &str) {
    let mut left_out = Vec::new();
    loaded.manifests.retain_mut(|manifest| {
        let events = ManifestView(&manifest.value)
            .annotation(HOOK)
            .map(str::to_owned);
        let hook = match role(&manifest.value, events.as_deref()) {
            Role::Plain => None,
            Role::Hook(hook) => Some(hook),
            Role::Test => return false,
            Role::Unheard => {
                let events = events.unwrap_or_default();
                let problem = Problem::of(
                    Check::UnheardHook,
                    format!("the hook `{events}` is not run"),
                );
                let problem = problem.at(&manifest.origin);
                let hint = "run what it does by hand where it is needed";
                left_out.push(match ObjectId::of(&manifest.value) {
                    Some(id) => problem.about(&id).hint(hint),
                    None => problem.hint(hint),
                });
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

fn role(object: &Value, events: Option<&str>) -> Role {
    let Some(events) = events else {
        return Role::Plain;
    };
    let events: Vec<&str> = events.split(',').map(str::trim).collect();
    let is = |event: &str| events.contains(&event);
    let (before_install, before_upgrade) = (is("pre-install"), is("pre-upgrade"));
    let (after_install, after_upgrade) = (is("post-install"), is("post-upgrade"));
    if before_install || before_upgrade || after_install || after_upgrade {
        let weight = ManifestView(object).annotation(WEIGHT);
        // What hooks of both sides lean on has to be there for the first of them. One that comes after
        // an installation and before an upgrade needs what the chart has made.
        let is_of_both = before_install && after_install || before_upgrade && after_upgrade;
        let is_after = (after_install || after_upgrade) && !is_of_both;
        let stage = if is_after {
            HookStage::After
        } else {
            HookStage::Before
        };
        return Role::Hook(Hook {
            stage,
            weight: weight.and_then(|it| it.trim().parse().ok()).unwrap_or(0),
            on_install: before_install || after_install,
            on_upgrade: before_upgrade || after_upgrade,
        });
    }
    // Helm 2's way of installing definitions first.
    if is("crd-install") {
        Role::Plain
    } else if events.iter().all(|event| event.starts_with("test")) {
        Role::Test
    } else {
        Role::Unheard
    }
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

    fn hook(annotations: &Value) -> Option<Hook> {
        let object = json!({"kind": "Job", "metadata": {"annotations": annotations}});
        let events = ManifestView(&object).annotation(HOOK);
        match role(&object, events) {
            Role::Hook(hook) => Some(hook),
            _ => None,
        }
    }

    #[test]
    fn hooks_are_run_as_their_annotations_say() {
        let both = hook(&json!({HOOK: "pre-install, pre-upgrade", WEIGHT: "-5"})).unwrap();
        let expected = Hook {
            stage: HookStage::Before,
            weight: -5,
            on_install: true,
            on_upgrade: true,
        };
        assert_eq!(both, expected);
        let upgrade = hook(&json!({HOOK: "post-upgrade", WEIGHT: "many"})).unwrap();
        assert_eq!((upgrade.stage, upgrade.weight), (HookStage::After, 0));
        assert!(!upgrade.on_install && upgrade.on_upgrade);
        let mixed = hook(&json!({HOOK: "post-install,pre-upgrade"})).unwrap();
        assert_eq!(mixed.stage, HookStage::After);
        let account = "pre-install,pre-upgrade,post-install,post-upgrade";
        let account = hook(&json!({HOOK: account})).unwrap();
        assert_eq!(account.stage, HookStage::Before);
        for none in [
            "test",
            "test-success",
            "crd-install",
            "pre-delete",
            "pre-rollback",
        ] {
            assert_eq!(hook(&json!({HOOK: none})), None, "{none}");
        }
    }
}
