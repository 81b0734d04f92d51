//! What the conditions in a plan leave out.

use crate::engine::{desired::SECRETS_PHASE, prepare::brought::Brought};
use crate::{
    object::Problem,
    phase::Assignment,
    plan::{Capabilities, Choice, Conditions, Judgement, NoCluster, Plan, PlanPart, Required},
    source::{self, Rendered},
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
    for source in &plan.contents.sources {
        let judgement = source.conditions.judge(variables, served);
        choice.add(PlanPart::Source(source.to_string()), judgement);
    }
    for phase in &plan.contents.phases {
        if !phase.conditions.is_empty() {
            let brought = brought(plan, rendered, assignment, &choice);
            let judgement = phase.conditions.judge(variables, &brought.or(served));
            choice.add(PlanPart::Phase(phase.name.clone()), judgement);
        }
    }
    let brought = brought(plan, rendered, assignment, &choice);
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
    for requirement in &plan.contents.requires {
        let Required::Crd(crd) = &requirement.what else {
            continue;
        };
        let judgement = crd.conditions().judge(variables, &served);
        choice.add(PlanPart::RequiredCrd(crd.name.clone()), judgement);
    }
    choice
}

/// Which of the sources of `plan` are not left out in a cluster that serves `served`. What the run
/// itself brings does not count: it is known only once the sources are read.
pub(crate) fn chosen_sources(plan: &Plan, served: &dyn Capabilities) -> Vec<bool> {
    let sources = plan.contents.sources.iter();
    let judged = sources.map(|source| source.conditions.judge(&plan.variables.values, served));
    judged
        .map(|judgement| judgement.skipped.is_none())
        .collect()
}

/// A problem for each source with a condition on what the plan itself brings: the next run would find
/// it there, and take the source the other way.
pub(crate) fn self_made(plan: &Plan, rendered: &Rendered, assignment: &Assignment) -> Vec<Problem> {
    let brought = brought(plan, rendered, assignment, &Choice::default());
    let own = brought.or(&NoCluster);
    let mut problems = Vec::new();
    for source in &plan.contents.sources {
        let Conditions { when, unless } = &source.conditions;
        let conditions = when.iter().chain(unless);
        let facts = conditions.filter_map(|it| {
            let crd = it.crd.as_ref().filter(|crd| own.crd(crd) == Some(true));
            crd.or_else(|| it.api.as_ref().filter(|api| own.api(api) == Some(true)))
        });
        for fact in facts {
            let message =
                format!("the source `{source}` depends on `{fact}`, which the plan itself brings");
            let problem = Problem::error(message).at(&source::place(plan, source));
            problems.push(problem.hint("let it depend on a variable"));
        }
    }
    problems
}

/// What the phases of `plan` bring that `choice` does not leave out.
fn brought(plan: &Plan, rendered: &Rendered, assignment: &Assignment, choice: &Choice) -> Brought {
    let mut brought = Brought::default();
    for (number, phase) in plan.contents.phases.iter().enumerate() {
        if choice.skips(&PlanPart::Phase(phase.name.clone())) {
            continue;
        }
        phase.expects.iter().for_each(|crd| brought.expect(crd));
        for id in assignment.objects_of(number) {
            brought.add(&rendered.objects[id]);
        }
    }
    brought
}
