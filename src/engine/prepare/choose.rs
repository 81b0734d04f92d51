//! What the conditions in a plan leave out.

use std::collections::BTreeSet;

use crate::engine::prepare::secrets::SECRETS_PHASE;
use crate::{
    object::{
        HasKind as _, Object,
        field::{is_true, list, text},
    },
    phase::Assignment,
    plan::{Capabilities, Choice, Judgement, Plan, PlanPart},
    source::Rendered,
};

/// What conditions leave out of `plan` in a cluster that serves `served`.
///
/// What the run itself brings counts as served: definitions among the objects, those that
/// controllers are expected to create, and API services; but not what a phase would bring that is
/// left out itself.
pub(crate) fn choose(
    plan: &Plan,
    rendered: &Rendered,
    assignment: &Assignment,
    served: &dyn Capabilities,
) -> Choice {
    let mut choice = Choice::default();
    let variables = &plan.variables.values;
    for phase in &plan.contents.phases {
        if !phase.conditions.is_empty() {
            let brought = Brought::by(plan, rendered, assignment, &choice);
            let judgement = phase.conditions.judge(variables, &brought.or(served));
            choice.add(PlanPart::Phase(phase.name.clone()), judgement);
        }
    }
    let brought = Brought::by(plan, rendered, assignment, &choice);
    let served = brought.or(served);
    let no_secrets = choice.skips(&PlanPart::Phase(SECRETS_PHASE.to_owned()));
    for secret in &plan.contents.secrets {
        let judgement = if no_secrets {
            Judgement::skipped(format!("its phase `{SECRETS_PHASE}` is skipped"))
        } else {
            secret.conditions().judge(variables, &served)
        };
        choice.add(PlanPart::Secret(secret.name.clone()), judgement);
    }
    for crd in &plan.contents.requires.crds {
        let judgement = crd.conditions().judge(variables, &served);
        choice.add(PlanPart::RequiredCrd(crd.name.clone()), judgement);
    }
    choice
}

/// What the objects of a plan make the cluster serve.
struct Brought {
    definitions: BTreeSet<String>,
    apis: BTreeSet<String>,
}

impl Brought {
    /// What the phases of `plan` bring that `choice` does not leave out.
    fn by(plan: &Plan, rendered: &Rendered, assignment: &Assignment, choice: &Choice) -> Self {
        let mut brought = Self {
            definitions: BTreeSet::new(),
            apis: BTreeSet::new(),
        };
        for (number, phase) in plan.contents.phases.iter().enumerate() {
            if choice.skips(&PlanPart::Phase(phase.name.clone())) {
                continue;
            }
            let expected = phase.expects.iter().map(|crd| crd.name.clone());
            brought.definitions.extend(expected);
            for id in assignment.objects_of(number) {
                brought.add(&rendered.objects[id]);
            }
        }
        brought
    }

    fn add(&mut self, object: &Object) {
        let body = &object.body;
        if object.id.is_definition() {
            self.definitions.insert(object.id.name.clone());
            let group = text(body, "/spec/group").unwrap_or_default();
            let versions = list(body, "/spec/versions").iter();
            let served = versions.filter(|version| is_true(version, "/served"));
            let names = served.filter_map(|version| text(version, "/name"));
            self.apis
                .extend(names.map(|version| format!("{group}/{version}")));
        } else if object.id.is_api_service() {
            let part = |pointer| text(body, pointer).unwrap_or_default();
            let (group, version) = (part("/spec/group"), part("/spec/version"));
            self.apis.insert(format!("{group}/{version}"));
        }
    }

    /// It, and what `served` serves.
    fn or<'a>(&'a self, served: &'a dyn Capabilities) -> Promised<'a> {
        Promised {
            brought: self,
            served,
        }
    }
}

/// What a cluster serves once the run is over.
struct Promised<'a> {
    brought: &'a Brought,
    served: &'a dyn Capabilities,
}

impl Capabilities for Promised<'_> {
    fn crd(&self, name: &str) -> Option<bool> {
        if self.brought.definitions.contains(name) {
            return Some(true);
        }
        self.served.crd(name)
    }

    fn api(&self, group_version: &str) -> Option<bool> {
        if self.brought.apis.contains(group_version) {
            return Some(true);
        }
        self.served.api(group_version)
    }
}
