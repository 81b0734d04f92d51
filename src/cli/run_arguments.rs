//! Arguments of every command that writes.

use super::lock_arguments::LockArguments;
use crate::report::RunFormat;

/// How a command that writes is run: what it asks, how much it does at once, under which lock, and
/// how it reports.
#[derive(Debug, clap::Args)]
pub(super) struct RunArguments {
    /// Do not ask. A protected environment takes only its release's name: `--yes=PLAN.ENV`
    #[arg(short, long, value_name = "RELEASE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(super) yes: Option<String>,
    /// Writes that are under way at once
    #[arg(long, value_name = "N", default_value_t = 16, env = "DEPLOYCTL_PARALLEL", value_parser = parallel)]
    pub(super) parallel: usize,
    #[command(flatten)]
    pub(super) lock: LockArguments,
    /// Form of the report on standard output
    #[arg(short, long, value_enum, default_value_t, env = "DEPLOYCTL_OUTPUT")]
    pub(super) output: RunFormat,
}

/// The API server's own limits make more than this pointless.
const MOST_PARALLEL: usize = 256;

/// How many writes may be under way at once.
fn parallel(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (1..=MOST_PARALLEL).contains(&number) => Ok(number),
        _ => Err(format!("a whole number from 1 to {MOST_PARALLEL}")),
    }
}
