//! What a plan renders to in the platforms' cluster: `render` knows no cluster, and takes it that
//! conditions on one hold.

use std::{collections::BTreeMap, fs, os::unix::fs::symlink};

use serde_json::Value;

use super::{
    super::{
        platform::{Platform, root},
        rendered::{Rendered, items},
    },
    cluster::cluster,
};

/// The environment as it is rendered where conditions on the cluster are those of this one.
pub(super) fn rendered(
    platform: &Platform,
    environment: &str,
    set: &BTreeMap<String, Value>,
) -> Rendered {
    let mut plan = platform.plan.clone();
    let mut sources: Vec<Value> = items(&plan["sources"]).cloned().collect();
    sources.retain_mut(|source| {
        holds(source, "when") != Some(false) && holds(source, "unless") != Some(true)
    });
    for source in &mut sources {
        for key in ["when", "unless"] {
            if holds(source, key).is_some()
                && let Some(keys) = source.as_object_mut()
            {
                keys.remove(key);
            }
        }
    }
    plan["sources"] = sources.into();
    plan["name"] = platform.data.plan.clone().into();
    let folder = tempfile::tempdir().unwrap();
    for shared in ["manifests", "docs"] {
        symlink(root().join(shared), folder.path().join(shared)).unwrap();
    }
    let plans = folder.path().join("plans");
    fs::create_dir(&plans).unwrap();
    let own = root().join("plans").join(&platform.data.plan);
    if own.is_dir() {
        symlink(own, plans.join(&platform.data.plan)).unwrap();
    }
    let path = plans.join(format!("{}.yaml", platform.data.plan));
    fs::write(&path, plan.to_string()).unwrap();
    let path = path.to_str().expect("it is UTF-8");
    let rendered = Rendered::of_plan(&platform.data, path, &plan, (environment, set));
    rendered.phases();
    rendered
}

/// Whether a condition of a source on the cluster holds; nothing where it has none.
fn holds(source: &Value, key: &str) -> Option<bool> {
    let condition = &source[key];
    let path = match (condition["crd"].as_str(), condition["api"].as_str()) {
        (Some(name), _) => {
            format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}")
        }
        (_, Some(api)) => format!("/apis/{api}"),
        _ => return None,
    };
    Some(!cluster().api.get(&path).is_null())
}
