//! `deployctl rollback`: everything that it needs is in the cluster.

mod arguments;
mod earlier;
mod unfinished;

pub(crate) use arguments::Arguments;

use arguments::Rollback;

use super::{
    Global,
    session::{Session, block_on},
};
use crate::{
    engine::{ReleaseHistory, RollbackTarget, choose_target},
    error::{CommandError, ExitCode},
    plan::Address,
    release::{Author, Store},
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
    let store = Store::new(
        &session.cluster,
        &session.served,
        &address.state_namespace,
        &address.release,
    );
    let before = session
        .unless_interrupted(ReleaseHistory::read(&store))
        .await?
        .map_err(|error| session.store_error(&error))?;
    let Some(newest) = before.newest() else {
        return Err(session.no_revisions(address, missing));
    };
    let guard = newest.revision.guard.clone();
    session.check_context(&address.release, &guard.contexts)?;
    let target = choose_target(&address.release, &before.heads, arguments.to)?;
    let rollback = Rollback {
        arguments,
        global,
        address,
        guard,
        store,
        by: Author::this_process("rollback"),
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
            earlier::go_back(&rollback, number, before, session, output).await
        }
    }
}
