//! What git says about the folder of a plan. Nothing where there is no git, or no repository.

use std::{path::Path, process::Command};

use crate::{plan::Plan, release::PlanSource, source::UsedTool};

/// The plan's file, the commit that it was taken from, the values of its variables, and the `tools`
/// that built its sources.
pub(super) fn source(plan: &Plan, tools: &[UsedTool]) -> PlanSource {
    let commit = git(&plan.paths.folder, &["rev-parse", "HEAD"]).map(|text| text.trim().to_owned());
    // Manifests may lie beside the plan's folder: all of the repository counts.
    let dirty = commit.is_some()
        && git(&plan.paths.folder, &["status", "--porcelain"])
            .is_some_and(|text| !text.trim().is_empty());
    PlanSource {
        file: plan.paths.file.to_string_lossy().into_owned(),
        commit,
        dirty,
        tools: tools.to_vec(),
        variables: Some(plan.variables.values.clone()),
    }
}

fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
