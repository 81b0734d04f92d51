//! `deployctl list`: the releases that a cluster holds.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    Global,
    plan_arguments::ClusterArguments,
    rename::note_renaming,
    session::{Session, block_on},
    status::revision_info,
    tabular::{DataFormat, print},
};
use crate::{
    error::{CommandError, ExitCode},
    plan::ReleaseId,
    release::{Revision, Store},
    report::{ListView, ListedRelease, Output, RevisionInfo},
};

/// Show all releases of the cluster
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl list
  deployctl list --context prod -o json")]
pub(crate) struct Arguments {
    #[command(flatten)]
    cluster: ClusterArguments,
    /// Namespace that revisions are recorded in
    #[arg(long, env = "DEPLOYCTL_STATE_NAMESPACE", default_value = crate::plan::STATE_NAMESPACE)]
    state_namespace: String,
    /// Form of the data
    #[arg(short, long, value_enum, default_value_t, env = "DEPLOYCTL_OUTPUT")]
    output: DataFormat,
}

pub(crate) fn run(
    arguments: &Arguments,
    _global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    block_on(list(arguments, output))
}

async fn list(arguments: &Arguments, output: &mut Output) -> Result<ExitCode, CommandError> {
    let session = Session::open(&arguments.cluster, None).await?;
    // The store is asked about all releases; which one it is opened for makes no difference.
    let any = ReleaseId {
        plan: String::new(),
        environment: String::new(),
    };
    let store = Store::new(
        &session.cluster,
        &session.served,
        &arguments.state_namespace,
        &any,
    );
    let heads = session
        .unless_interrupted(store.all_heads())
        .await?
        .map_err(|error| session.store_error(&error))?;
    let mut last: BTreeMap<ReleaseId, Revision> = BTreeMap::new();
    for head in heads {
        last.insert(head.revision.release.clone(), head.revision);
    }
    // It is listed under the name that it still has.
    last.retain(|_, newest| !newest.incomplete);
    for newest in last.values() {
        note_renaming(newest, output);
    }
    let releases = last.into_iter().map(|(release, revision)| ListedRelease {
        release: release.to_string(),
        objects: revision.objects,
        revision: RevisionInfo {
            failure: None,
            ..revision_info(&revision)
        },
    });
    let view = ListView {
        context: session.cluster.context().to_owned(),
        releases: releases.collect(),
    };
    let text = view.text(output.stdout_width(), Timestamp::now());
    print(arguments.output, &view, &text, output);
    Ok(ExitCode::Done)
}
