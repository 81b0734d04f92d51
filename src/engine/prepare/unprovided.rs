//! What the objects of a plan refer to and the plan does not bring, as far as that is known without
//! a cluster.

use serde_json::Value;

use crate::engine::{
    prepare::provisions::{SecretKeys, provisions},
    prepare::render::Rendering,
    prepare::secrets,
};
use crate::{
    cluster::Seen,
    object::{ObjectId, Problem, Provisions},
    plan::{PhaseId, Plan},
    preflight::{self, Lacking, Referrer, Surroundings},
};

/// What the objects of a plan refer to and the plan does not bring.
#[derive(Debug, Default)]
pub(crate) struct Unprovided {
    /// What is doubtful: it has another key, is in another namespace, or has nearly the same name.
    pub(crate) problems: Vec<Problem>,
    /// What the cluster must have: `Secret/shop/db (key `password`)`.
    pub(crate) needed: Vec<String>,
}

/// What the objects of `rendering` refer to and `plan` does not bring.
pub(crate) fn unprovided(rendering: &Rendering, plan: &Plan) -> Unprovided {
    let desired = rendering.desired(plan);
    let objects = rendering.rendered.objects.values();
    let provisions = provisions(objects, plan, SecretKeys::Declared, &rendering.provided());
    let alone = PlanAlone {
        rendering,
        provisions: &provisions,
    };
    let lacking: Vec<Lacking<'_>> = desired
        .objects
        .values()
        .flat_map(|wanted| {
            let referrer = Referrer {
                object: &wanted.object,
                phase: &wanted.phase,
            };
            preflight::lacking(referrer, &alone)
        })
        .collect();
    let declared = secrets::declared(plan);
    let remedies = preflight::remedies(&lacking, &plan.namespace.name, declared);
    let problems = lacking
        .iter()
        .filter_map(|lacking| preflight::doubtful(lacking, &remedies, &alone));
    Unprovided {
        problems: problems.collect(),
        needed: preflight::listed(lacking.iter()),
    }
}

/// A plan of which nobody knows the cluster.
struct PlanAlone<'a> {
    rendering: &'a Rendering,
    provisions: &'a Provisions,
}

impl Surroundings for PlanAlone<'_> {
    fn provisions(&self) -> &Provisions {
        self.provisions
    }

    fn wanted(&self, id: &ObjectId) -> Option<&Value> {
        let object = self.rendering.rendered.objects.get(id)?;
        Some(&object.body)
    }

    fn live(&self, _: &ObjectId) -> Seen<&Value> {
        Seen::Unasked
    }

    fn is_of_run(&self, _: &ObjectId) -> bool {
        true
    }

    fn later_phase(&self, _: &ObjectId, _: &PhaseId) -> Option<PhaseId> {
        None
    }

    fn goes(&self, _: &ObjectId) -> bool {
        false
    }

    fn loses_key(&self, _: &ObjectId, _: &str) -> bool {
        false
    }

    fn has_volume_of(&self, _: &str) -> bool {
        false
    }

    fn is_offline(&self) -> bool {
        true
    }
}
