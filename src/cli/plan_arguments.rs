//! Arguments that several commands share: the same flag means the same everywhere.

use std::{
    env,
    path::{Path, PathBuf},
};

use super::check_arguments::CheckArguments;
use crate::{
    engine::Rendering,
    error::CommandError,
    plan::{self, Address, Examined, LoadError, Plan, Problem, ReadinessSettings, Selection},
    report::Output,
};

/// Which plan, which environment, with which variables.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct PlanArguments {
    /// Plan: its name or path, or `PLAN.ENV`; need not be given where the nearest `plans/` folder
    /// upwards holds exactly one
    #[arg(env = "DEPLOYCTL_PLAN")]
    pub(crate) plan: Option<String>,
    /// Environment of the plan
    #[arg(short, long, env = "DEPLOYCTL_ENV")]
    pub(crate) env: Option<String>,
    /// Value of a variable, stronger than the environment's
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// Namespace that revisions are recorded in
    #[arg(long, env = "DEPLOYCTL_STATE_NAMESPACE", hide = true)]
    pub(crate) state_namespace: Option<String>,
}

/// Which cluster.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct ClusterArguments {
    /// Context of the kubeconfig; by default its current one
    #[arg(long, env = "DEPLOYCTL_CONTEXT")]
    pub(crate) context: Option<String>,
    /// Path of the kubeconfig, instead of `KUBECONFIG` or `~/.kube/config`
    #[arg(long, env = "DEPLOYCTL_KUBECONFIG", value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
}

impl PlanArguments {
    /// The plan in the chosen environment, without the `checks` that are left out. Warnings go to
    /// `output`; errors (exit 2) say all that is wrong at once.
    pub(crate) fn load(
        &self,
        checks: &CheckArguments,
        output: &mut Output,
    ) -> Result<Plan, CommandError> {
        let folder = current_folder()?;
        let (mut plan, warnings) =
            plan::load(&self.selection(&folder)?).map_err(CommandError::from)?;
        checks.apply(&mut plan);
        for warning in warnings {
            if plan.checks.tells(warning.check) {
                output.note(&warning_line(&warning));
            }
        }
        Ok(plan)
    }

    /// What the plan in the chosen environment says about readiness. Needs no values of variables
    /// that no rule refers to.
    pub(crate) fn readiness(&self) -> Result<ReadinessSettings, CommandError> {
        let folder = current_folder()?;
        plan::readiness(&self.selection(&folder)?).map_err(CommandError::from)
    }

    /// Where the release of the plan in the chosen environment is found. Needs no values of
    /// variables.
    pub(crate) fn address(&self) -> Result<Address, CommandError> {
        let folder = current_folder()?;
        plan::address(&self.selection(&folder)?).map_err(CommandError::from)
    }

    /// Where the release is found, also where there is no plan file of that name. Returned with it
    /// is the error for where the cluster knows no such release either.
    pub(crate) fn address_or_name(&self) -> Result<(Address, Option<CommandError>), CommandError> {
        let folder = current_folder()?;
        let (address, missing) =
            plan::address_or_name(&self.selection(&folder)?).map_err(CommandError::from)?;
        Ok((address, missing.map(CommandError::from)))
    }

    /// A look at the plan in the chosen environment, or in all where none is chosen. Fails (exit 2)
    /// only where the plan cannot be read.
    pub(crate) fn examine(&self) -> Result<Examined, CommandError> {
        let folder = current_folder()?;
        match plan::examine(&self.selection(&folder)?, true) {
            Ok(examined) => Ok(examined),
            Err(LoadError::Problems { file, problems }) => Ok(Examined {
                name: String::new(),
                file,
                environments: Vec::new(),
                plans: Vec::new(),
                problems,
            }),
            Err(error) => Err(error.into()),
        }
    }

    fn selection<'a>(&'a self, folder: &'a Path) -> Result<Selection<'a>, CommandError> {
        let (plan, environment) = self.named(folder)?;
        Ok(Selection {
            plan,
            environment,
            set: &self.set,
            state_namespace: self.state_namespace.as_deref(),
            folder,
            process: &|name| env::var(name).ok(),
        })
    }

    /// The plan and the environment that were given, be it in one word: `shop.prod`, as releases are
    /// shown.
    fn named(&self, folder: &Path) -> Result<(Option<&str>, Option<&str>), CommandError> {
        let (plan, environment) = (self.plan.as_deref(), self.env.as_deref());
        let release = plan
            .filter(|name| !folder.join(name).exists())
            .and_then(release);
        match (release, environment) {
            (None, _) => Ok((plan, environment)),
            (Some((_, named)), Some(given)) if named != given => {
                Err(CommandError::usage(format!(
                    "`{}` names the environment `{named}`, and `--env` or `DEPLOYCTL_ENV` names `{given}`",
                    plan.unwrap_or_default()
                ))
                .hint("give one of them"))
            }
            (Some((plan, named)), _) => Ok((Some(plan), Some(named))),
        }
    }
}

/// Plan and environment of `PLAN.ENV`; neither has a dot in its name, and a path is none.
fn release(name: &str) -> Option<(&str, &str)> {
    let (plan, environment) = name.split_once('.')?;
    let is_file = matches!(environment, "yaml" | "yml") || name.contains(['/', '\\']);
    let is_whole = !plan.is_empty() && !environment.is_empty() && !environment.contains('.');
    (is_whole && !is_file).then_some((plan, environment))
}

fn current_folder() -> Result<PathBuf, CommandError> {
    env::current_dir()
        .map_err(|error| CommandError::usage("the current folder cannot be read").because(&error))
}

/// The objects of `plan` and their phases, without a cluster. Warnings go to `output`.
pub(crate) fn rendered(plan: &Plan, output: &mut Output) -> Result<Rendering, CommandError> {
    let rendering = Rendering::offline(plan)?;
    for warning in rendering.warnings() {
        output.note(&format!("Warning: {warning}"));
    }
    Ok(rendering)
}

/// Refuses names that no phase of the plan has.
pub(crate) fn check_phases(names: &[String], plan: &Plan) -> Result<(), CommandError> {
    let known: Vec<&str> = plan
        .contents
        .phases
        .iter()
        .map(|phase| phase.name.as_str())
        .collect();
    match names.iter().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(unknown) => {
            let error = CommandError::usage(format!(
                "the plan has no phase `{unknown}`; it has `{}`",
                known.join("`, `")
            ));
            Err(match plan::nearest(unknown, known) {
                Some(near) => error.hint(format!("did you mean `--phase {near}`?")),
                None => error,
            })
        }
    }
}

/// A warning as it is shown to people.
fn warning_line(warning: &Problem) -> String {
    format!("Warning: {warning}")
}

impl From<LoadError> for CommandError {
    fn from(error: LoadError) -> Self {
        match &error {
            LoadError::Problems { file, problems } => problems_error(file, problems),
            other => {
                let message = CommandError::usage(other.to_string());
                match std::error::Error::source(other) {
                    Some(source) => message.because(source),
                    None => message,
                }
            }
        }
    }
}

/// The error (exit 2) that shows all errors among `problems`.
fn problems_error(file: &Path, problems: &[Problem]) -> CommandError {
    let errors = problems.iter().filter(|problem| problem.is_error());
    let errors: Vec<String> = errors.map(Problem::to_string).collect();
    let errors: Vec<&str> = errors.iter().map(String::as_str).collect();
    errors_error(file, &errors)
}

/// The error (exit 2) that shows all `errors`, which are about the plan in `file`.
pub(crate) fn errors_error(file: &Path, errors: &[&str]) -> CommandError {
    match errors {
        [error] => CommandError::usage(*error),
        errors => CommandError::usage(format!(
            "{} has {} errors\n{}",
            file.display(),
            errors.len(),
            errors.join("\n")
        )),
    }
}
