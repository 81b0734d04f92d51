//! `deployctl validate`: all that is wrong with a plan in one environment or in all, without a
//! cluster.

mod needed;
mod shown;

use std::collections::{BTreeSet, HashSet};

use serde::Serialize;

use crate::{
    cli::{
        Global,
        check_arguments::CheckArguments,
        plan_arguments::{PlanArguments, errors_error},
    },
    engine::{Rendering, unprovided},
    error::{CommandError, ExitCode},
    finding::Check,
    object::{KnownScopes, ObjectId},
    plan::{Examined, NoCluster, Plan, Problem, ReadinessRule, nearest},
    report::Output,
};

use needed::Needed;
use shown::Shown;

/// Check a plan without a cluster
///
/// Looks at all environments unless one is named, and tells all findings at once. Exits as `up`
/// would because of them: with 0 where there are no errors, with 2 where the plan or a manifest cannot
/// be used, and with 5 where a check refuses what they describe.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl validate
  deployctl validate shop --env dev
  deployctl validate plans/shop.yaml --set image_tag=v2 -o json")]
pub(crate) struct Arguments {
    #[command(flatten)]
    plan: PlanArguments,
    #[command(flatten)]
    checks: CheckArguments,
    /// How to print the findings
    #[arg(short, long, value_enum, default_value_t, env = "DEPLOYCTL_OUTPUT")]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Format {
    /// Lines for people, on standard error
    #[default]
    Text,
    /// One JSON document, on standard output
    Json,
}

/// The findings as one document.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    file: &'a std::path::Path,
    plan: &'a str,
    environments: &'a [String],
    valid: bool,
    findings: &'a [Shown],
    needed: &'a Needed,
}

/// Checks the plan in one environment or in all.
pub(crate) fn run(
    arguments: &Arguments,
    global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let mut examined = arguments.plan.examine()?;
    for plan in &mut examined.plans {
        arguments.checks.apply(plan);
    }
    let (findings, needed) = findings(&examined, &arguments.checks);
    let exit = Shown::exit(&findings);
    if arguments.output == Format::Json {
        output.data(&json(&examined, &findings, &needed));
        return Ok(exit);
    }
    let (errors, warnings): (Vec<&Shown>, Vec<&Shown>) =
        findings.iter().partition(|finding| finding.is_error());
    for warning in warnings {
        output.note(&format!("Warning: {}", warning.text));
    }
    if !errors.is_empty() {
        let errors: Vec<&str> = errors.iter().map(|error| error.text.as_str()).collect();
        return Err(errors_error(&examined.file, &errors).ending_with(exit));
    }
    output.note(&summary(&examined));
    needed.lines().for_each(|line| output.note(&line));
    if global.verbose > 0 {
        for test in tests(&examined) {
            output.note(&format!(
                "{test} is a test of its chart: `deployctl verify` runs it"
            ));
        }
    }
    Ok(exit)
}

/// The tests of charts, in all environments.
fn tests(examined: &Examined) -> BTreeSet<ObjectId> {
    let render = |plan| Rendering::with(plan, &KnownScopes, &NoCluster).ok();
    let renderings = examined.plans.iter().filter_map(render);
    renderings
        .flat_map(|it| it.tests().cloned().collect::<Vec<_>>())
        .collect()
}

/// All that is wrong with the plan, and with the objects of each environment; most is the same in
/// all of them. And what the cluster must have for them.
fn findings(examined: &Examined, checks: &CheckArguments) -> (Vec<Shown>, Needed) {
    let plans = &examined.plans;
    let mut needed = Needed::default();
    let mut findings: Vec<Shown> = examined.problems.iter().cloned().map(Shown::from).collect();
    let mut objects = Some(HashSet::new());
    for plan in plans {
        let found = match Rendering::with(plan, &KnownScopes, &NoCluster) {
            Ok(rendering) => {
                if let Some(objects) = &mut objects {
                    objects.extend(rendering.rendered.objects.keys().cloned());
                }
                let said = rendering.warnings().cloned().map(Shown::from);
                let unprovided = unprovided(&rendering, plan);
                needed.add(&plan.address.release.environment, unprovided.needed);
                let found = rendering.findings(plan).into_iter().map(Shown::from);
                let doubtful = unprovided.problems.into_iter().map(Shown::from);
                said.chain(found).chain(doubtful).collect()
            }
            Err(found) => {
                objects = None;
                found.into_iter().map(Shown::from).collect::<Vec<_>>()
            }
        };
        for finding in found {
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }
    // What could not be rendered may hold the object that a rule is for.
    if let Some(objects) = objects {
        findings.extend(idle_rules(plans, &objects).into_iter().map(Shown::from));
    }
    // What a plan leaves out, it leaves out in all of its environments.
    let tells = |check| checks.tells(check) && plans.iter().all(|plan| plan.checks.tells(check));
    findings.retain(|finding| tells(finding.check));
    (findings, needed)
}

/// Warnings about rules for readiness that fit none of `objects`, which are those of all
/// environments.
fn idle_rules(plans: &[Plan], objects: &HashSet<ObjectId>) -> Vec<Problem> {
    let fits = |rule: &ReadinessRule| {
        let selector = rule.selector();
        selector.is_ok_and(|selector| {
            objects
                .iter()
                .any(|id| selector.fits(&id.group, &id.kind, &id.name))
        })
    };
    let mut warnings: Vec<Problem> = Vec::new();
    // A rule with a variable may be another one in each environment, and stands in the same place.
    let places = plans.iter().flat_map(|plan| &plan.contents.readiness.rules);
    let used: HashSet<u32> = places
        .clone()
        .filter(|rule| fits(rule))
        .map(|rule| rule.place.line)
        .collect();
    for rule in places.filter(|rule| !used.contains(&rule.place.line)) {
        let warning = idle_rule(rule, objects);
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
    warnings
}

fn idle_rule(rule: &ReadinessRule, objects: &HashSet<ObjectId>) -> Problem {
    let kinds = objects.iter().map(|id| id.kind.as_str());
    let of_kind = objects.iter().any(|id| id.kind == rule.kind);
    let hint = nearest(&rule.kind, kinds)
        .filter(|_| !of_kind)
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    let message = format!("this rule for `{rule}` fits no object of the plan{hint}");
    Problem {
        check: Check::IdleReadinessRule,
        file: Some(rule.place.file.clone().into()),
        line: Some(rule.place.line),
        ..Problem::error(message)
    }
}

fn json(examined: &Examined, findings: &[Shown], needed: &Needed) -> String {
    let Examined {
        file,
        name,
        environments,
        ..
    } = examined;
    let document = Document {
        file,
        plan: name,
        environments,
        valid: !findings.iter().any(Shown::is_error),
        findings,
        needed,
    };
    let mut text = serde_json::to_string_pretty(&document).expect("findings are JSON");
    text.push('\n');
    text
}

fn summary(examined: &Examined) -> String {
    let noun = if examined.environments.len() == 1 {
        "environment"
    } else {
        "environments"
    };
    format!(
        "{} is valid ({noun}: {})",
        examined.file.display(),
        examined.environments.join(", ")
    )
}
