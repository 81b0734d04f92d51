//! The arguments that supply secret values, and the questions for those that nothing supplies.

use std::{env, io, path::PathBuf};

use serde_json::Value;

use crate::{
    cli::prompt::{TerminalAsk, is_interactive},
    error::CommandError,
    plan::Plan,
    report::Output,
    secret::{
        Known, Needs, Resolved, Rotate, Supplied, SuppliedSources, Surroundings, command_error,
        plan_values, resolve,
    },
};

/// Where secret values come from, beside the plan.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct SecretOptions {
    /// Secret value from a file, or from standard input with `@-`; replaces what the cluster has
    /// (repeatable)
    #[arg(long, value_name = "NAME/KEY=@FILE")]
    pub(crate) secret: Vec<String>,
    /// Secret values from one file: YAML `name: {key: value}` or lines `NAME/KEY=value`
    #[arg(long, value_name = "FILE", env = "DEPLOYCTL_SECRETS_FILE")]
    pub(crate) secrets_file: Option<PathBuf>,
    /// Replace a secret value that the cluster has: generate, read or ask for it again (repeatable)
    #[arg(long, value_name = "NAME/KEY")]
    pub(crate) rotate: Vec<String>,
}

/// Secret values as they were given on the command line and in the environment, checked against the
/// plan.
#[derive(Debug)]
pub(crate) struct GivenSecrets {
    supplied: Supplied,
    rotate: Vec<Rotate>,
}

impl SecretOptions {
    /// Reads what was given. Needs no cluster: call it early, so that a slip is known before
    /// anything else is done.
    pub(crate) fn read(&self, plan: &Plan) -> Result<GivenSecrets, CommandError> {
        let environment = |name: &str| env::var_os(name);
        let mut stdin = io::stdin().lock();
        let mut sources = SuppliedSources {
            flags: &self.secret,
            file: self.secrets_file.as_deref(),
            environment: &environment,
            stdin: &mut stdin,
        };
        let supplied = Supplied::read(&plan.secrets, &mut sources);
        let rotate = Rotate::parse(&self.rotate, &plan.secrets);
        match (supplied, rotate) {
            (Ok(supplied), Ok(rotate)) => Ok(GivenSecrets { supplied, rotate }),
            (supplied, rotate) => {
                let errors: Vec<_> = supplied
                    .err()
                    .into_iter()
                    .chain(rotate.err())
                    .flatten()
                    .collect();
                Err(command_error(&errors))
            }
        }
    }
}

impl GivenSecrets {
    /// Decides where every value comes from, given the Secrets that the cluster holds (by namespace
    /// and name). Asks nothing.
    ///
    /// An error lists everything that is missing or contradictory at once (exit 2).
    pub(crate) fn plan<'a>(
        &self,
        plan: &Plan,
        live: &dyn Fn(&str, &str) -> Option<&'a Value>,
    ) -> Result<Needs, CommandError> {
        let mut needs = self.plan_again(plan, live)?;
        needs.note_absent_files(&plan.folder);
        let interactive = is_interactive();
        if let Some(error) = needs.missing_error(interactive) {
            return Err(error);
        }
        if !interactive {
            needs.leave_out_unasked();
        }
        Ok(needs)
    }

    /// Decides it once more, where every value was resolved before, so that none can be missing.
    pub(crate) fn plan_again<'a>(
        &self,
        plan: &Plan,
        live: &dyn Fn(&str, &str) -> Option<&'a Value>,
    ) -> Result<Needs, CommandError> {
        let needs = plan_values(
            &plan.secrets,
            &plan.namespace,
            live,
            &self.supplied,
            &self.rotate,
        );
        if needs.problems.is_empty() {
            Ok(needs)
        } else {
            Err(command_error(&needs.problems))
        }
    }
}

/// Lists what will be asked, asks for what is not `known`, and returns the Secrets to apply.
/// Warnings go to standard error.
pub(crate) fn ask_and_resolve(
    needs: &Needs,
    known: &Known,
    plan: &Plan,
    output: &mut Output,
) -> Result<Resolved, CommandError> {
    // Where nothing is asked, the changes say where each new value comes from.
    if needs.to_prompt.iter().any(|need| !known.holds(&need.name)) {
        needs
            .describe()
            .iter()
            .for_each(|line| output.paragraph(line));
    }
    let surroundings = Surroundings {
        folder: &plan.folder,
        variables: &plan.variables,
    };
    let resolved = resolve(needs, known, &mut TerminalAsk, &surroundings)
        .map_err(|errors| command_error(&errors))?;
    for warning in &resolved.warnings {
        output.note(&format!("Warning: {warning}"));
    }
    Ok(resolved)
}
