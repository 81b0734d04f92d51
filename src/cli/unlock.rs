//! `deployctl unlock`: removes the lock of a release after its name was typed.

use jiff::Timestamp;

use super::{
    Global,
    lock_arguments::lock_error,
    plan_arguments::{ClusterArguments, PlanArguments},
    prompt::TerminalAsk,
    session::{Session, block_on},
};
use crate::{
    error::{CommandError, ExitCode},
    plan::Address,
    release::{Found, Lock, LockRemoval, Presence},
    report::{Output, age},
    secret::{Ask, AskError},
};

/// Remove the lock of a release whose run is certainly dead
///
/// A run that died is noticed by the next one, which takes its lock over. This is for the rest,
/// such as a machine that hangs: a run that is still alive stops writing as soon as it finds its
/// lock removed, and leaves the release half-way.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl unlock
  deployctl unlock shop --env prod
  deployctl unlock shop --env prod --yes=shop.prod")]
#[command(mut_arg("state_namespace", |argument| argument.hide(false)))]
pub(crate) struct Arguments {
    #[command(flatten)]
    plan: PlanArguments,
    #[command(flatten)]
    cluster: ClusterArguments,
    /// Do not ask; takes only the release's name: `--yes=PLAN.ENV`
    #[arg(short, long, value_name = "RELEASE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    yes: Option<String>,
}

pub(crate) fn run(
    arguments: &Arguments,
    _global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let address = arguments.plan.address()?;
    block_on(unlock(arguments, &address, output))
}

async fn unlock(
    arguments: &Arguments,
    address: &Address,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let release = &address.release;
    let session = Session::open(&arguments.cluster, Some(address)).await?;
    let find = Lock::find(
        &session.cluster,
        &session.served,
        &address.state_namespace,
        release,
    );
    let Some(found) = session
        .unless_interrupted(find)
        .await?
        .map_err(|error| lock_error(&error, &session))?
    else {
        output.note(&format!("{release} is not locked"));
        return Ok(ExitCode::Done);
    };
    output.note(&shown(
        &found,
        &release.to_string(),
        session.cluster.context(),
    ));
    confirm(arguments, &release.to_string())?;
    match session
        .unless_interrupted(found.remove())
        .await?
        .map_err(|error| lock_error(&error, &session))?
    {
        LockRemoval::Removed => {
            output.note(&format!("Removed the lock of {release}"));
            Ok(ExitCode::Done)
        }
        LockRemoval::TakenBy(holder) => {
            let message = format!(
                "meanwhile the lock of {release} was taken by {holder}; it was not removed"
            );
            Err(CommandError::new(ExitCode::Locked, message)
                .hint("run the same command again to see it"))
        }
    }
}

/// Who holds the lock, and whether that run is alive, where this machine can tell.
fn shown(found: &Found, release: &str, context: &str) -> String {
    let presence = match (found.presence(), found.last_sign_of_life()) {
        (Presence::Running, _) => {
            "\nThat run is alive: its process is running on this machine.".to_owned()
        }
        (Presence::Gone, _) => {
            "\nThat run is dead: it ran on this machine, and its process is dead.".to_owned()
        }
        (Presence::Unknown, Some(seen)) => format!(
            "\nThat run may be alive: its last sign of life was {}.",
            age(seen, Timestamp::now())
        ),
        (Presence::Unknown, None) => String::new(),
    };
    format!(
        "{release} in context {context} is locked by {}{presence}",
        found.holder()
    )
}

/// Asks for the release's name, whatever the environment: whoever removes the lock of a living run
/// must mean it.
fn confirm(arguments: &Arguments, release: &str) -> Result<(), CommandError> {
    let named = || format!("name the release: `--yes={release}`");
    match arguments.yes.as_deref() {
        Some(given) if given == release => return Ok(()),
        Some("") => {
            return Err(CommandError::usage(
                "a bare `--yes` does not do here; nothing was changed",
            )
            .hint(named()));
        }
        Some(given) => {
            return Err(CommandError::usage(format!(
                "`--yes={given}` names another release: this is `{release}`"
            )));
        }
        None => {}
    }
    let question = format!("Type `{release}` to remove its lock");
    match tokio::task::block_in_place(|| TerminalAsk.typed_name(&question, release)) {
        Ok(true) => Ok(()),
        Ok(false) => Err(CommandError::usage("not confirmed; nothing was changed")),
        Err(AskError::Interrupted) => Err(CommandError::new(
            ExitCode::Interrupted,
            "interrupted; nothing was changed",
        )),
        Err(AskError::NoTerminal) => Err(CommandError::usage(
            "there is no terminal to ask at; nothing was changed",
        )
        .hint(format!("confirm with `--yes={release}`"))),
        Err(error) => Err(CommandError::failed("nothing was changed").because(&error)),
    }
}
