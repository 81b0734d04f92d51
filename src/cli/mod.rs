//! The command line: one file per subcommand. Its arguments' doc comments are the help.

mod approval;
mod change_summary;
mod check_arguments;
mod consent;
mod deployment;
mod diff;
mod down;
mod drift;
mod execution;
mod failure_document;
mod git;
mod global;
mod help;
mod history;
mod list;
mod lock_arguments;
mod not_deployed;
mod pager;
mod plan_arguments;
mod prompt;
mod prompter;
mod prune;
mod readiness;
mod removal;
mod rename;
mod render;
mod rollback;
mod rule_arguments;
mod run_arguments;
mod run_reporter;
mod sandbox;
mod schema;
mod secret_arguments;
mod session;
mod status;
mod tabular;
mod unlock;
mod up;
mod validate;
mod verify;
mod wait;

pub(crate) use global::Global;

use std::process;

use failure_document::FailureForm;

use clap::{CommandFactory as _, FromArgMatches as _, Parser};
use tracing_subscriber::{EnvFilter, fmt::time::uptime};

use crate::{
    error::{CommandError, ExitCode},
    report::Output,
};

/// Deploys a platform's manifests in phases, waits until each is ready, and rolls back what fails
#[derive(Debug, Parser)]
#[command(name = "deployctl", version, propagate_version = true)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Up(up::Arguments),
    Rollback(rollback::Arguments),
    Down(down::Arguments),
    Diff(diff::Arguments),
    Drift(drift::Arguments),
    Status(status::Arguments),
    History(history::Arguments),
    List(list::Arguments),
    Validate(validate::Arguments),
    Render(render::Arguments),
    Schema(schema::Arguments),
    Prune(prune::Arguments),
    Unlock(unlock::Arguments),
    Rename(rename::Arguments),
    Verify(verify::Arguments),
    Wait(wait::Arguments),
    Readiness(readiness::Arguments),
    Sandbox(sandbox::Arguments),
}

/// Runs the command line of this process and returns its exit status.
pub fn main() -> process::ExitCode {
    let matches = help::grouped(Arguments::command()).get_matches();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let failure_form = FailureForm::of(&matches);
    let mut output = Output::new(arguments.global.color, arguments.global.quiet);
    if arguments.global.verbose > 1 {
        show_requests(&output);
    }
    let result = run(arguments, &mut output).and_then(|exit| match output.lost_data() {
        Some(error) if exit == ExitCode::Done => {
            Err(CommandError::failed("cannot write to standard output").because(&error))
        }
        _ => Ok(exit),
    });
    let exit = match result {
        Ok(exit) => exit,
        Err(error) => {
            let document = failure_form.and_then(|form| form.document(&error));
            if let Some(document) = document.filter(|_| output.lost_data().is_none()) {
                output.data(&document);
            }
            output.error(&error);
            error.exit
        }
    };
    process::ExitCode::from(exit.status())
}

/// Writes what our client does to standard error, above the progress bars. The libraries below it
/// stay silent: their messages hold whole answers, and secrets with them.
fn show_requests(output: &Output) {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("off,deployctl=debug"))
        .with_writer(output.log_writer())
        .with_timer(uptime())
        .with_target(false)
        .with_ansi(false)
        .init();
}

fn run(arguments: Arguments, output: &mut Output) -> Result<ExitCode, CommandError> {
    let global = &arguments.global;
    match arguments.command {
        Command::Up(command) => up::run(&command, global, output),
        Command::Rollback(command) => rollback::run(&command, global, output),
        Command::Down(command) => down::run(&command, global, output),
        Command::Diff(command) => diff::run(&command, global, output),
        Command::Drift(command) => drift::run(&command, global, output),
        Command::Status(command) => status::run(&command, global, output),
        Command::History(command) => history::run(&command, global, output),
        Command::List(command) => list::run(&command, global, output),
        Command::Validate(command) => validate::run(&command, global, output),
        Command::Render(command) => render::run(&command, global, output),
        Command::Schema(command) => schema::run(&command, global, output),
        Command::Prune(command) => prune::run(&command, global, output),
        Command::Rename(command) => rename::run(&command, global, output),
        Command::Verify(command) => verify::run(&command, global, output),
        Command::Unlock(command) => unlock::run(&command, global, output),
        Command::Wait(command) => wait::run(&command, global, output),
        Command::Readiness(command) => readiness::run(&command, global, output),
        Command::Sandbox(command) => sandbox::run(command, global, output),
    }
}
