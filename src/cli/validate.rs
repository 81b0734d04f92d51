//! `deployctl validate`: all that is wrong with a plan in one environment or in all, without a
//! cluster.

use std::collections::HashSet;

use serde::Serialize;

use crate::{
    cli::{
        Global,
        plan_arguments::{PlanArguments, problems_error, warning_line},
    },
    engine::Rendering,
    error::{CommandError, ExitCode},
    object::{self, KnownScopes, ObjectId},
    plan::{Examined, NoCluster, Plan, Problem, ReadinessRule, Severity, nearest},
    report::Output,
};

/// Check a plan without a cluster
///
/// Looks at all environments unless one is named, and tells all findings at once. Exits with 0
/// where the plan can be used, else with 2.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl validate
  deployctl validate shop --env dev
  deployctl validate plans/shop.yaml --set image_tag=v2 -o json")]
pub(crate) struct Arguments {
    #[command(flatten)]
    plan: PlanArguments,
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
    problems: &'a [Problem],
}

/// Checks the plan in one environment or in all.
pub(crate) fn run(
    arguments: &Arguments,
    _global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let mut examined = arguments.plan.examine()?;
    add_rendering(&mut examined);
    let valid = !examined.problems.iter().any(Problem::is_error);
    match arguments.output {
        Format::Json => output.data(&json(&examined, valid)),
        Format::Text => {
            for warning in examined
                .problems
                .iter()
                .filter(|problem| !problem.is_error())
            {
                output.note(&warning_line(warning));
            }
            if !valid {
                return Err(problems_error(&examined.file, &examined.problems));
            }
            output.note(&summary(&examined));
        }
    }
    Ok(if valid {
        ExitCode::Done
    } else {
        ExitCode::Usage
    })
}

/// Adds what is wrong with the objects of each environment; most is the same in all of them.
fn add_rendering(examined: &mut Examined) {
    let Examined {
        plans, problems, ..
    } = examined;
    let mut objects = Some(HashSet::new());
    for plan in plans.iter() {
        let found = match Rendering::with(plan, &KnownScopes, &NoCluster) {
            Ok(rendering) => {
                if let Some(objects) = &mut objects {
                    objects.extend(rendering.rendered.objects.keys().cloned());
                }
                let idle: Vec<object::Problem> = rendering.idle_selectors().collect();
                rendering
                    .rendered
                    .warnings
                    .into_iter()
                    .chain(rendering.assignment.warnings)
                    .chain(idle)
                    .collect()
            }
            Err(found) => {
                objects = None;
                found
            }
        };
        for problem in found.into_iter().map(in_manifest) {
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
    }
    // What could not be rendered may hold the object that a rule is for.
    if let Some(objects) = objects {
        problems.extend(idle_rules(plans, &objects));
    }
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
        severity: Severity::Warning,
        file: Some(rule.place.file.clone().into()),
        line: Some(rule.place.line),
        column: None,
        path: None,
        object: None,
        message,
        excerpt: None,
    }
}

/// A problem of a manifest, in the form of those of the plan.
fn in_manifest(problem: object::Problem) -> Problem {
    let severity = if problem.is_error() {
        Severity::Error
    } else {
        Severity::Warning
    };
    let object::Problem {
        origin,
        column,
        object,
        message,
        hint,
        excerpt,
        ..
    } = problem;
    Problem {
        severity,
        line: origin.as_ref().map(|origin| origin.line),
        file: origin.map(|origin| origin.file.to_path_buf()),
        column,
        path: None,
        object: object.map(|object| object.to_string()),
        message: hint.map_or_else(|| message.clone(), |hint| format!("{message}; {hint}")),
        excerpt,
    }
}

fn json(examined: &Examined, valid: bool) -> String {
    let Examined {
        file,
        name,
        environments,
        problems,
        ..
    } = examined;
    let document = Document {
        file,
        plan: name,
        environments,
        valid,
        problems,
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
