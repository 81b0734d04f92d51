//! Arguments that say where values of secrets come from.

use std::{env, io, path::PathBuf};

use crate::{
    engine::GivenSecrets,
    error::CommandError,
    plan::Plan,
    secret::{Rotate, Supplied, SuppliedSources, command_error},
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
        let supplied = Supplied::read(&plan.contents.secrets, &mut sources);
        let rotate = Rotate::parse(&self.rotate, &plan.contents.secrets);
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
