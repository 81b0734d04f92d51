//! `deployctl rename`: a release gets another name, with its objects and its history.

use super::{
    Global,
    consent::{Consent, Stakes, Verb},
    lock_arguments::LockArguments,
    plan_arguments::{ClusterArguments, PlanArguments},
    session::{Session, block_on},
};
use crate::{
    engine::{Rename, RenameError, Renamed},
    error::{CommandError, ExitCode},
    plan::{Address, ReleaseId},
    release::{Author, Operation, Revision, Store},
    report::{Output, count},
};

/// Give a release another name, with its objects and its history
///
/// For a plan that has got environments, or another name: what was deployed as `shop.default` goes on
/// as `shop.prod`. Objects are labelled anew and change their field manager; nothing else of them is
/// written, and nothing restarts. The next `up` of the new name finds everything as it was, and
/// `rollback` goes back to the same revisions. Where it is interrupted, the same command completes it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl rename shop.default shop.prod
  deployctl rename store.prod shop.prod --yes=store.prod")]
pub(crate) struct Arguments {
    /// Name that the release has: `PLAN.ENV`
    #[arg(value_name = "OLD", value_parser = ReleaseId::parse_argument)]
    from: ReleaseId,
    /// Name that it is to have: `PLAN.ENV`
    #[arg(value_name = "NEW", value_parser = ReleaseId::parse_argument)]
    to: ReleaseId,
    /// Namespace that revisions are recorded in
    #[arg(long, env = "DEPLOYCTL_STATE_NAMESPACE", value_name = "NAMESPACE")]
    state_namespace: Option<String>,
    #[command(flatten)]
    cluster: ClusterArguments,
    /// Do not ask; a protected environment takes the release's name: `--yes=PLAN.ENV`
    #[arg(short, long, value_name = "RELEASE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    yes: Option<String>,
    #[command(flatten)]
    lock: LockArguments,
}

pub(crate) fn run(
    arguments: &Arguments,
    _global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    if arguments.from == arguments.to {
        return Err(CommandError::usage("both names are the same"));
    }
    block_on(rename(arguments, output))
}

/// Where the release is found: the plan file is one of the new name by now.
fn addresses(arguments: &Arguments) -> Result<(Address, Address), CommandError> {
    let plan = PlanArguments {
        plan: Some(arguments.to.plan.clone()),
        env: Some(arguments.to.environment.clone()),
        state_namespace: arguments.state_namespace.clone(),
        ..PlanArguments::default()
    };
    let known = plan.address_or_name();
    let (to, _) = known.map_err(|error| {
        error.hint("a release gets a name that its plan can have: change the plan first")
    })?;
    let from = Address {
        release: arguments.from.clone(),
        ..to.clone()
    };
    Ok((from, to))
}

async fn rename(arguments: &Arguments, output: &mut Output) -> Result<ExitCode, CommandError> {
    let (from, to) = addresses(arguments)?;
    let session = Session::open(&arguments.cluster, Some(&to)).await?;
    let (store, to_store) = (session.store(&from), session.store(&to));
    let looked = look(&session, (&from, &store), (&to, &to_store), None).await?;
    match looked.newest() {
        Some(newest) => {
            session.check_context(&from.release, &newest.guard.contexts)?;
            confirm(arguments, newest, &looked, &session, output)?;
        }
        None if looked.was_renamed() => {}
        None => return Err(not_recorded(&from, &session)),
    }
    let by = Author::this_process(Operation::Rename);
    let lock = &arguments.lock;
    // Nothing may come in between under either name.
    let work = async |session: Session, to_store: Store, output: &mut Output| {
        let work = async |session: Session, store: Store, output: &mut Output| {
            let renaming = ((&from, &store), (&to, &to_store));
            carry_out(&session, renaming, &looked, output).await
        };
        lock.locked(session, &from, &by, output, work).await
    };
    lock.locked(session, &to, &by, output, work).await
}

async fn carry_out(
    session: &Session,
    ((from, store), (to, to_store)): ((&Address, &Store), (&Address, &Store)),
    before: &Renamed,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let looked = look(session, (from, store), (to, to_store), Some(before)).await?;
    let (from_name, to_name) = (&from.release, &to.release);
    let said = match looked.newest() {
        Some(_) => format!(
            "Renamed {from_name} to {to_name}: {} and {}; nothing was restarted",
            count(looked.objects(), "object"),
            count(looked.revisions(), "revision")
        ),
        None => format!("{from_name} is called {to_name} already: no changes"),
    };
    let rename = naming(session, (from, store), (to, to_store));
    let done = session
        .stops
        .interrupt
        .run_until_cancelled(rename.carry_out(looked));
    let Some(renamed) = done.await else {
        let message = format!("interrupted while {from_name} was being renamed to {to_name}");
        return Err(
            CommandError::new(ExitCode::Interrupted, message).hint(format!(
                "`deployctl rename {from_name} {to_name}` completes it"
            )),
        );
    };
    renamed.map_err(|error| explained(error, session))?;
    output.paragraph(&said);
    Ok(ExitCode::Done)
}

fn naming<'a>(
    session: &'a Session,
    from: (&'a Address, &'a Store),
    to: (&'a Address, &'a Store),
) -> Rename<'a> {
    Rename {
        cluster: &session.cluster,
        served: &session.served,
        from: (&from.0.release, from.1),
        to: (&to.0.release, to.1),
    }
}

async fn look(
    session: &Session,
    from: (&Address, &Store),
    to: (&Address, &Store),
    before: Option<&Renamed>,
) -> Result<Renamed, CommandError> {
    let rename = naming(session, from, to);
    let looked = session.unless_interrupted(rename.look(before)).await?;
    looked.map_err(|error| explained(error, session))
}

/// The error (exit 2) where nothing is recorded under the old name.
fn not_recorded(from: &Address, session: &Session) -> CommandError {
    let (release, namespace) = (&from.release, &from.state_namespace);
    let message = format!(
        "{release} has no revisions in namespace `{namespace}` of context `{}`",
        session.cluster.context()
    );
    CommandError::usage(message)
        .hint("`deployctl list` shows the releases of the cluster; `--state-namespace` names another namespace of revisions")
}

fn confirm(
    arguments: &Arguments,
    newest: &Revision,
    looked: &Renamed,
    session: &Session,
    output: &mut Output,
) -> Result<(), CommandError> {
    let Arguments { from, to, .. } = arguments;
    output.paragraph(&format!(
        "{from} becomes {to}: its labels on {} and {} are written anew",
        count(looked.objects(), "object"),
        count(looked.revisions(), "revision")
    ));
    let yes = arguments.yes.as_deref();
    Consent::new(from, Verb::Rename, newest.guard.protected, yes, session).ask(Stakes::None)
}

/// Says that the release of `newest` is being given another name; nothing where it is not.
pub(super) fn note_renaming(newest: &Revision, output: &mut Output) {
    if let Some((from, to)) = newest.renaming() {
        output.paragraph(&format!(
            "{from} is being renamed to {to}: `deployctl rename {from} {to}` completes it"
        ));
    }
}

fn explained(error: RenameError, session: &Session) -> CommandError {
    match error {
        RenameError::Request { what, source } => session.request_error(what, &source),
        RenameError::Store(source) => session.store_error(&source),
        RenameError::Refused(error) => error,
    }
}
