use crate::{
    cli::Global,
    error::{CommandError, ExitCode},
    report::Output,
};

/// Bring a plan to a cluster, phase by phase
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_arguments: &Arguments, _global: &Global, _output: &mut Output) -> Result<ExitCode, CommandError> {
    Err(CommandError::usage("not built yet"))
}
