//! `deployctl diff`: what `up` would change, without changing anything.

mod arguments;
mod view;

pub(crate) use arguments::Arguments;
pub(super) use view::shown_outside;

use jiff::Timestamp;

use super::{
    Global,
    approval::{approval_of, save},
    deployment::{Deployment, Files, told_tools},
    git, pager,
    prompter::Prompter,
    session::{Session, block_on},
};
use crate::{
    diff::Approval,
    engine::{DesiredState, Prepared, Rendering, differences, open_keys, read_desired_state},
    error::{CommandError, ExitCode},
    release::{Author, Operation, Store},
    report::{DiffDetail, DiffView, Output, RunFormat},
};
use arguments::DiffFormat;

pub(crate) fn run(
    arguments: &Arguments,
    global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let Files {
        plan,
        selection,
        rendering,
        given,
    } = arguments.deployment.files(output)?;
    let deployment = Deployment {
        arguments: &arguments.deployment,
        plan: &plan,
        selection: &selection,
        given: &given,
        by: &Author::this_process(Operation::Deploy),
        rolls_back: true,
        yes: None,
        looks_only: true,
    };
    let saves = arguments.save.is_some();
    let (view, approval) = block_on(compared(deployment, rendering, (global, saves), output))?;
    if let Some(file) = &arguments.save {
        save(&approval, file)?;
    }
    let detail = if arguments.brief {
        DiffDetail::Brief
    } else {
        DiffDetail::Lines
    };
    show(&view, detail, arguments.output, output);
    Ok(if arguments.exit_code && view.changes_anything() {
        ExitCode::Differences
    } else {
        ExitCode::Done
    })
}

/// `deployctl up --dry-run`: the same view, and always a success.
pub(super) fn dry_run(
    deployment: Deployment<'_>,
    rendering: Option<Rendering>,
    (format, global): (RunFormat, &Global),
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let (view, _) = block_on(compared(deployment, rendering, (global, false), output))?;
    match format {
        RunFormat::Text => show(&view, DiffDetail::Lines, DiffFormat::Text, output),
        RunFormat::Json => show(&view, DiffDetail::Lines, DiffFormat::Json, output),
        RunFormat::JsonLines => output.json_line(&view.json()),
    }
    Ok(ExitCode::Done)
}

fn show(view: &DiffView, detail: DiffDetail, format: DiffFormat, output: &mut Output) {
    match format {
        DiffFormat::Text => {
            let text = view.text(detail, output.stdout_width(), Timestamp::now());
            pager::show(&text, output);
        }
        DiffFormat::Json => output.json(&view.json()),
        DiffFormat::Patch => output.data(&view.patch()),
    }
}

/// What `deployment` would change, and that as somebody may approve it; `saves`: somebody is going to.
async fn compared(
    deployment: Deployment<'_>,
    rendering: Option<Rendering>,
    (global, saves): (&Global, bool),
    output: &mut Output,
) -> Result<(DiffView, Approval), CommandError> {
    let address = Some(&deployment.plan.address);
    let session = Session::open(&deployment.arguments.cluster, address).await?;
    let (plan, rendering) = deployment.settled(rendering, &session, output).await?;
    let deployment = Deployment {
        plan: &plan,
        ..deployment
    };
    let tools = told_tools(&rendering, global.verbose, output);
    let store = session.store(&plan.address);
    let consent = deployment.consent(&session);
    let mut prompter = Prompter::new(&consent, output);
    let prepare = deployment.prepared(rendering, (&session, &store), &mut prompter);
    let prepared = prepare.await?;
    let last = session.unless_interrupted(last(&store, &prepared)).await?;
    let differences = differences(&prepared, last.as_ref(), &open_keys(&prepared));
    let cluster = if saves {
        session.identity().await?
    } else {
        None
    };
    let approval = approval_of(&consent, &prepared, &differences, cluster);
    let to = git::source(&plan, &tools);
    Ok((view::view(&consent, &prepared, differences, &to), approval))
}

/// What the revision wanted that is deployed. Where it cannot be read, nothing is said of what others
/// have changed.
async fn last(store: &Store, prepared: &Prepared) -> Option<DesiredState> {
    let deployed = prepared.history.deployed()?.number;
    let mut heads = prepared.history.heads.iter();
    let head = heads.find(|head| head.revision.number == deployed)?;
    read_desired_state(store, head).await.ok()
}
