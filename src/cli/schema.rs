//! `deployctl schema`: the JSON Schema of the plan file, for editors, and the list of all checks.

use crate::{
    cli::Global,
    error::{CommandError, ExitCode},
    finding, plan,
    report::Output,
};

/// Print the JSON Schema of the plan file
///
/// Editors with a YAML language server complete and check a plan that names the schema in its first
/// line: `# yaml-language-server: $schema=plan.schema.json`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl schema
  deployctl schema > plan.schema.json
  deployctl schema --checks")]
pub(crate) struct Arguments {
    /// Print the names of all checks before the first write instead, as a page in Markdown
    #[arg(long)]
    checks: bool,
}

/// Prints the schema, or the page of checks.
#[expect(clippy::unnecessary_wraps, reason = "every command has the same shape")]
pub(crate) fn run(
    arguments: &Arguments,
    _global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let text = if arguments.checks {
        finding::page()
    } else {
        plan::schema()
    };
    output.data(&text);
    Ok(ExitCode::Done)
}
