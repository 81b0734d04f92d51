//! `deployctl schema`: the JSON Schema of the plan file, for editors.

use crate::{
    cli::Global,
    error::{CommandError, ExitCode},
    plan,
    report::Output,
};

/// Print the JSON Schema of the plan file
///
/// Editors with a YAML language server complete and check a plan that names the schema in its first
/// line: `# yaml-language-server: $schema=plan.schema.json`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl schema
  deployctl schema > plan.schema.json")]
pub(crate) struct Arguments {}

/// Prints the schema.
#[expect(clippy::unnecessary_wraps, reason = "every command has the same shape")]
pub(crate) fn run(
    _arguments: &Arguments,
    _global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    output.data(&plan::schema());
    Ok(ExitCode::Done)
}
