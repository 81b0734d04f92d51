//! `deployctl rollback`: everything that it needs is in the cluster.

mod arguments;
mod earlier;
mod unfinished;

pub(crate) use arguments::Arguments;

use arguments::Rollback;

use super::{
    Global,
    not_deployed::{deployed_environments, naming, no_revisions},
    session::{Session, block_on},
};
use crate::{
    engine::{RollbackTarget, choose_target, is_deployed, standing},
    error::{CommandError, ExitCode},
    plan::Address,
    release::{Author, Operation},
    report::Output,
};

pub(crate) fn run(
    arguments: &Arguments,
    global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let (address, missing) = arguments.plan.address_or_name()?;
    block_on(rollback(arguments, global, &address, missing, output))
}

async fn rollback(
    arguments: &Arguments,
    global: &Global,
    address: &Address,
    missing: Option<CommandError>,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let session = Session::open(&arguments.cluster, Some(address)).await?;
    let store = session.store(address);
    let history = session
        .context(&store)
        .history()
        .await
        .map_err(|error| session.prepare_error(error))?;
    let Some(newest) = history.newest() else {
        return Err(no_revisions(address, missing, &session).await);
    };
    let guard = newest.revision.guard.clone();
    session.check_context(&address.release, &guard.contexts)?;
    let target = match choose_target(&address.release, &history, arguments.to) {
        Ok(target) => target,
        Err(error) if is_deployed(&history.heads) => return Err(error),
        Err(error) => {
            let environments = deployed_environments(address, &session).await?;
            return Err(naming(error, &address.release, &environments));
        }
    };
    let rollback = Rollback {
        arguments,
        global,
        address,
        guard,
        store,
        by: Author::this_process(Operation::Rollback),
    };
    match target {
        RollbackTarget::Deployed(number) => {
            output.note(&format!(
                "{} is at revision {number} already: no changes",
                address.release
            ));
            Ok(ExitCode::Done)
        }
        RollbackTarget::BeforeRun(number) => {
            unfinished::go_back(&rollback, number, session, output).await
        }
        RollbackTarget::Revision(number) => {
            output.note(&standing(&address.release, &history.heads));
            earlier::go_back(&rollback, number, history, session, output).await
        }
    }
}
