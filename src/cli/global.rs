//! The flags that every command takes.

use crate::report::ColorWhen;

/// Flags that every command takes.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Global {
    /// When to use colour
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        env = "DEPLOYCTL_COLOR",
        help_heading = "Global options"
    )]
    pub(crate) color: ColorWhen,
    /// Show more: retries and request counts; twice: every request
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    pub(crate) verbose: u8,
    /// Show only errors and data
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub(crate) quiet: bool,
}
