//! Upgrades that fail. What is deployed comes from a scratch plan: the same objects as they are
//! rendered, whatever source they have, with one of them made to fail.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    super::rendered::{Rendered, title},
    release::Release,
    variant,
};
use crate::support::{dump::Dump, project::events, refusal};

/// The label that makes the sandbox play a fault.
const FAULT: &str = "sandbox.deployctl.dev/fault";

/// An annotation that makes an object differ, and does nothing else.
const ATTEMPT: &str = "example.org/attempt";

/// A plan with the objects of a release.
struct Scratch<'a> {
    release: &'a Release,
    folder: TempDir,
    plan: Value,
    /// Each with the phase that it belongs to, in the order of the phases.
    objects: Vec<(String, Value)>,
    set: String,
}

/// The upgrade to another image fails in every phase that has something to fail, and each time
/// everything is as it was. Returns how it went.
pub(super) fn fails_in_every_phase(release: &Release) -> String {
    let scratch = Scratch::new(release);
    let unchanged = scratch
        .up(&scratch.objects, &scratch.plan)
        .exited(0)
        .events();
    assert!(
        events(&unchanged, "object-written").is_empty(),
        "the scratch plan is not the plan: {:#?}",
        events(&unchanged, "object-written")
    );
    release.comes_to_rest();
    let phases = scratch.phases();
    for (number, phase) in phases.iter().enumerate() {
        scratch.fails_in(phase, number);
    }
    format!("as before, {} phases", phases.len())
}

impl<'a> Scratch<'a> {
    fn new(release: &'a Release) -> Self {
        let image = release.platform.data.expectations.image.as_ref();
        let image = image.expect("the data file has `image`");
        let set = BTreeMap::from([(image.variable.clone(), Value::from(image.value.clone()))]);
        let environment = &release.rendered.environment;
        let rendered = variant::rendered(release.platform, environment, &set);
        let mut plan = release.platform.plan.clone();
        plan["name"] = release.platform.data.plan.clone().into();
        plan["sources"] = json!(["../objects"]);
        // Nobody waits to see whether what fails on purpose gets better.
        plan["failureBudget"] = json!({"restarts": 0, "grace": "2s"});
        for (_, phase) in plan["phases"].as_object_mut().into_iter().flatten() {
            if let Some(keys) = phase.as_object_mut() {
                keys.remove("failureBudget");
            }
        }
        Self {
            release,
            folder: tempfile::tempdir().unwrap(),
            plan,
            objects: placed(rendered),
            set: format!("{}={}", image.variable, image.value),
        }
    }

    /// The phases that have objects or declared Secrets, in their order.
    fn phases(&self) -> Vec<String> {
        let mut phases: Vec<String> = Vec::new();
        for (phase, _) in &self.objects {
            if !phases.contains(phase) {
                phases.push(phase.clone());
            }
        }
        let declares = self.plan["secrets"]
            .as_array()
            .is_some_and(|secrets| secrets.iter().any(is_always_there));
        if declares && !phases.iter().any(|phase| phase == "secrets") {
            phases.push("secrets".to_owned());
        }
        phases
    }

    fn up(&self, objects: &[(String, Value)], plan: &Value) -> crate::support::Outcome {
        let write = |path: &str, text: String| -> PathBuf {
            let path = self.folder.path().join(path);
            fs::create_dir_all(path.parent().expect("it is in a folder")).unwrap();
            fs::write(&path, text).unwrap();
            path
        };
        let documents = objects.iter().map(|(_, object)| object.to_string());
        write(
            "objects/all.yaml",
            documents.collect::<Vec<_>>().join("\n---\n"),
        );
        let name = format!("plans/{}.yaml", self.release.platform.data.plan);
        let plan = write(&name, plan.to_string());
        self.release
            .up_of(&plan, std::slice::from_ref(&self.set))
            .run()
    }

    /// An upgrade fails in `phase`, after something was changed in every phase before it.
    fn fails_in(&self, phase: &str, number: usize) {
        let (mut objects, mut plan) = (self.objects.clone(), self.plan.clone());
        let earlier = objects
            .iter()
            .position(|(own, _)| own == phase)
            .unwrap_or(objects.len());
        let mut changed = Vec::new();
        for (own, object) in &mut objects[..earlier] {
            if !changed.contains(own) {
                changed.push(own.clone());
                object["metadata"]["annotations"][ATTEMPT] = number.to_string().into();
            }
        }
        let what = break_one(&mut objects, &mut plan, phase);
        let before = self.release.dump();
        let run = self.up(&objects, &plan);
        assert_eq!(
            run.status, 1,
            "{phase}: {what} does not fail:\n{}",
            run.stderr
        );
        let log = run.events();
        let explained = events(&log, "failure-explained");
        assert_eq!(explained.len(), 1, "{phase}: {what}:\n{}", run.stderr);
        assert_eq!(
            explained[0]["diagnosis"]["phase"], phase,
            "{what}: {:#}",
            explained[0]
        );
        let proved = events(&log, "rollback-proved");
        assert_eq!(proved.len(), 1, "{phase}: {what}:\n{}", run.stderr);
        assert_eq!(
            proved[0]["proof"]["differences"],
            json!([]),
            "{phase}: {what}"
        );
        self.release.comes_to_rest();
        let differences = Dump::differences(&before, &self.release.dump());
        assert_eq!(differences, Vec::<String>::new(), "{phase}: {what}");
    }
}

/// The objects of `rendered` with their phases, so that they are read again as they are.
fn placed(rendered: Rendered) -> Vec<(String, Value)> {
    let phases = rendered.phases().clone();
    let place = |mut object: Value| {
        let phase = phases[&title(&object)].clone();
        let annotations = &mut object["metadata"]["annotations"];
        annotations["deployctl.dev/phase"] = phase.clone().into();
        annotations["deployctl.dev/substitute"] = "false".into();
        (phase, object)
    };
    rendered.items.into_iter().map(place).collect()
}

/// Makes the last workload of a phase fail, or else has the API server refuse its last object, or
/// else a Secret that the plan declares; says which.
fn break_one(objects: &mut [(String, Value)], plan: &mut Value, phase: &str) -> String {
    let kinds = ["Deployment", "StatefulSet", "DaemonSet"];
    let is_workload = |object: &Value| kinds.iter().any(|kind| object["kind"] == *kind);
    let mut own: Vec<&mut Value> = objects
        .iter_mut()
        .filter(|(own, _)| own == phase)
        .map(|(_, object)| object)
        .collect();
    if let Some(workload) = own.iter_mut().rev().find(|object| is_workload(object)) {
        workload["spec"]["template"]["metadata"]["labels"][FAULT] = "crash-loop".into();
        return title(workload);
    }
    if let Some(object) = own.last_mut() {
        object["metadata"]["labels"][refusal::LABEL] = "now".into();
        return title(object);
    }
    let mut secrets = plan["secrets"].as_array_mut().into_iter().flatten();
    let secret = secrets
        .find(|secret| is_always_there(secret))
        .expect("a Secret is declared");
    secret["labels"][refusal::LABEL] = "now".into();
    format!("Secret {}", secret["name"])
}

/// Whether a declared Secret stands under no condition.
fn is_always_there(secret: &Value) -> bool {
    secret["when"].is_null() && secret["unless"].is_null()
}
