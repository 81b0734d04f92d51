//! `deployctl render`: the objects of a plan as they will be sent, and the phase of each.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Global,
    check_arguments::CheckArguments,
    plan_arguments::{PlanArguments, check_phases, rendered},
};
use crate::{
    engine::Rendering,
    error::{CommandError, ExitCode},
    object::{Object, ObjectId},
    phase,
    plan::{Plan, PlanPart, SecretDeclaration, Skipped},
    report::{Output, neutralise},
    source,
};

/// Print the objects of a plan without a cluster
///
/// Variables are replaced, namespaces filled in, and the objects stand in the order in which `up`
/// writes them. Secrets that the plan declares have no values without a cluster: they are left out,
/// and named on standard error.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl render --phases
  deployctl render shop --env dev --phase databases
  deployctl render plans/shop.yaml --set image_tag=v2 -o json")]
pub(crate) struct Arguments {
    #[command(flatten)]
    plan: PlanArguments,
    /// Only the objects of this phase; may be given several times
    #[arg(long, value_name = "PHASE")]
    phase: Vec<String>,
    /// Show which object goes into which phase and why, instead of the objects
    #[arg(long)]
    phases: bool,
    /// Form of the data: YAML documents or one JSON List; with `--phases` a table where it is not
    /// given
    #[arg(short, long, value_enum, env = "DEPLOYCTL_OUTPUT")]
    output: Option<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// YAML documents, separated by `---`
    Yaml,
    /// One JSON document
    Json,
}

/// One object, the phase that it belongs to, and why.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PlacedObject {
    phase: String,
    object: String,
    reason: String,
    file: String,
    line: u32,
}

/// Prints the objects of the plan, or their phases.
pub(crate) fn run(
    arguments: &Arguments,
    _global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let plan = arguments.plan.load(&CheckArguments::default(), output)?;
    check_phases(&arguments.phase, &plan)?;
    let rendering = rendered(&plan, output)?;
    let ordered = ordered(&plan, &rendering, &arguments.phase);
    if arguments.phases {
        let placed: Vec<PlacedObject> = ordered
            .iter()
            .map(|(phase, object)| placed(phase, object, &rendering))
            .collect();
        output.data(&placements(&placed, arguments.output));
    } else {
        output.data(&objects(&ordered, arguments.output.unwrap_or(Format::Yaml)));
    }
    for Skipped { part, why } in &rendering.choice.skipped {
        output.note(&format!("Skipped: {part}: {why}"));
    }
    for Skipped { part, why } in &rendering.choice.assumed {
        output.note(&format!("Note: {part}: {why}"));
    }
    left_out(&plan.chosen(&rendering.choice), output);
    Ok(ExitCode::Done)
}

/// The objects in the order of the phases and of what they need, of all phases or only of those in
/// `only`.
fn ordered<'a>(
    plan: &'a Plan,
    rendering: &'a Rendering,
    only: &[String],
) -> Vec<(&'a str, &'a Object)> {
    let object = |id: &ObjectId| &rendering.rendered.objects[id];
    let phases = plan
        .contents
        .phases
        .iter()
        .enumerate()
        .filter(|(_, phase)| only.is_empty() || only.contains(&phase.name))
        .filter(|(_, phase)| {
            let part = PlanPart::Phase(phase.name.clone());
            !rendering.choice.skips(&part)
        });
    let in_phase = |(number, phase): (usize, &'a crate::plan::PhaseSettings)| {
        let objects: Vec<&Object> = rendering
            .assignment
            .objects_of(number)
            .map(object)
            .collect();
        let ordered = phase::order(&objects, &rendering.references);
        ordered
            .into_iter()
            .map(|ordered| (phase.name.as_str(), object(&ordered.id)))
            .collect::<Vec<_>>()
    };
    phases.flat_map(in_phase).collect()
}

fn objects(ordered: &[(&str, &Object)], format: Format) -> String {
    let bodies = ordered.iter().map(|(_, object)| object.body.as_ref());
    match format {
        Format::Yaml => bodies
            .map(source::to_text)
            .collect::<Vec<_>>()
            .join("---\n"),
        Format::Json => json_text(
            &json!({"apiVersion": "v1", "kind": "List", "items": bodies.collect::<Vec<_>>()}),
        ),
    }
}

fn json_text(value: &Value) -> String {
    format!("{value:#}\n")
}

fn placed(phase: &str, object: &Object, rendering: &Rendering) -> PlacedObject {
    let reason = rendering
        .assignment
        .placements
        .get(&object.id)
        .map(|placement| placement.reason.to_string());
    PlacedObject {
        phase: phase.to_owned(),
        object: object.id.to_string(),
        reason: reason.unwrap_or_default(),
        file: object.origin.file.display().to_string(),
        line: object.origin.line,
    }
}

fn placements(placed: &[PlacedObject], format: Option<Format>) -> String {
    match format {
        None => table(placed),
        Some(Format::Yaml) => source::to_text(&json!(placed)),
        Some(Format::Json) => json_text(&json!(placed)),
    }
}

/// Columns as wide as their widest cell. The data is of use to `grep` and `awk` too, so that
/// nothing is cut.
fn table(placed: &[PlacedObject]) -> String {
    let row = |placed: &PlacedObject| {
        let place = format!("{}:{}", placed.file, placed.line);
        [&placed.phase, &placed.object, &placed.reason, &place].map(|cell| neutralise(cell))
    };
    let titles = ["PHASE", "OBJECT", "WHY", "FILE"].map(str::to_owned);
    let rows: Vec<[String; 4]> = std::iter::once(titles)
        .chain(placed.iter().map(row))
        .collect();
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths = [width(0), width(1), width(2)];
    let line = |row: &[String; 4]| {
        let [phase, object, reason, file] = row;
        let [first, second, third] = widths;
        format!("{phase:first$}  {object:second$}  {reason:third$}  {file}\n")
    };
    rows.iter().map(line).collect()
}

/// Names the Secrets that are not printed, because their values are known only with a cluster.
fn left_out(plan: &Plan, output: &mut Output) {
    let namespaces = |secret: &SecretDeclaration| match secret.namespaces.as_slice() {
        [] => vec![plan.namespace.name.clone()],
        namespaces => namespaces.to_vec(),
    };
    let in_namespaces = |secret: &SecretDeclaration| {
        let names = namespaces(secret)
            .into_iter()
            .map(|namespace| format!("Secret/{namespace}/{}", secret.name));
        names.collect::<Vec<_>>()
    };
    let names: Vec<String> = plan
        .contents
        .secrets
        .iter()
        .flat_map(in_namespaces)
        .collect();
    if !names.is_empty() {
        output.note(&format!(
            "Left out, because the plan declares them and `up` makes them: {}",
            names.join(", ")
        ));
    }
}
