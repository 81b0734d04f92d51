//! Values that the user hands over beside the plan: by flag, file or variable.

use std::{
    collections::HashMap, ffi::OsString, io::Read, os::unix::ffi::OsStringExt as _, path::Path,
};

use super::{
    error::SecretError,
    file::{read_file, read_limited},
    key_name::KeyName,
    names, secrets_file,
    value::SecretBytes,
};
use crate::plan::SecretDeclaration;

/// Values that the user hands over beside the plan.
#[derive(Debug, Default)]
pub(crate) struct Supplied {
    /// By `--secret` and `--secrets-file`: they replace what the cluster has.
    explicit: HashMap<KeyName, SecretBytes>,
    /// By `DEPLOYCTL_SECRET_…`: they supply what the cluster lacks.
    variables: HashMap<KeyName, SecretBytes>,
    /// Variables that the plan names under `env`.
    environment: HashMap<String, SecretBytes>,
}

/// Where supplied values are looked for.
pub(crate) struct SuppliedSources<'a> {
    /// The arguments of `--secret`.
    pub(crate) flags: &'a [String],
    /// The argument of `--secrets-file`.
    pub(crate) file: Option<&'a Path>,
    /// The process environment.
    pub(crate) environment: &'a dyn Fn(&str) -> Option<OsString>,
    /// Standard input, for `@-`.
    pub(crate) stdin: &'a mut dyn Read,
}

impl Supplied {
    /// Reads all supplied values, or says everything that is wrong with them.
    pub(crate) fn read(
        declarations: &[SecretDeclaration],
        sources: &mut SuppliedSources<'_>,
    ) -> Result<Self, Vec<SecretError>> {
        let mut supplied = Self::default();
        let mut errors = Vec::new();
        if let Some(file) = sources.file {
            match secrets_file::read(file, declarations) {
                Ok(values) => supplied.explicit.extend(values),
                Err(found) => errors.extend(found),
            }
        }
        match from_flags(sources.flags, declarations, sources.stdin) {
            Ok(values) => supplied.explicit.extend(values),
            Err(found) => errors.extend(found),
        }
        supplied.read_environment(declarations, sources.environment);
        if errors.is_empty() {
            Ok(supplied)
        } else {
            Err(errors)
        }
    }

    fn read_environment(
        &mut self,
        declarations: &[SecretDeclaration],
        environment: &dyn Fn(&str) -> Option<OsString>,
    ) {
        // An empty variable counts as unset, as CI systems hand over secrets that do not exist as
        // empty text.
        let value = |variable: &str| {
            environment(variable)
                .map(|text| SecretBytes::new(text.into_vec()))
                .filter(|value| !value.is_empty())
        };
        for declaration in declarations {
            for key in names::keys(declaration) {
                let name = KeyName::new(&declaration.name, key);
                if let Some(found) = value(&name.variable()) {
                    self.variables.insert(name, found);
                }
            }
            for variable in declaration
                .data
                .values()
                .filter_map(|declared| declared.env.as_deref())
            {
                if let Some(found) = value(variable) {
                    self.environment.insert(variable.to_owned(), found);
                }
            }
        }
    }

    /// The value supplied by flag or file.
    pub(super) fn explicit(&self, name: &KeyName) -> Option<&SecretBytes> {
        self.explicit.get(name)
    }

    /// The value supplied by the variable `DEPLOYCTL_SECRET_…`.
    pub(super) fn variable(&self, name: &KeyName) -> Option<&SecretBytes> {
        self.variables.get(name)
    }

    /// The value of a variable that the plan names under `env`.
    pub(super) fn environment(&self, variable: &str) -> Option<&SecretBytes> {
        self.environment.get(variable)
    }
}

type Values = HashMap<KeyName, SecretBytes>;

fn from_flags(
    flags: &[String],
    declarations: &[SecretDeclaration],
    stdin: &mut dyn Read,
) -> Result<Values, Vec<SecretError>> {
    let mut values = Values::new();
    let mut errors = Vec::new();
    let mut stdin = Some(stdin);
    for flag in flags {
        match from_flag(flag, declarations, &mut stdin) {
            Ok((name, _)) if values.contains_key(&name) => {
                errors.push(SecretError::SuppliedTwice { name });
            }
            Ok((name, value)) => drop(values.insert(name, value)),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        Ok(values)
    } else {
        Err(errors)
    }
}

fn from_flag(
    flag: &str,
    declarations: &[SecretDeclaration],
    stdin: &mut Option<&mut dyn Read>,
) -> Result<(KeyName, SecretBytes), SecretError> {
    let (name, source) = flag.split_once('=').ok_or(SecretError::MalformedFlag)?;
    let name = KeyName::parse(name).ok_or(SecretError::MalformedFlag)?;
    names::known(&name, declarations, "--secret")?;
    let file = source.strip_prefix('@').filter(|file| !file.is_empty());
    let file = file.ok_or_else(|| SecretError::LiteralValue { name: name.clone() })?;
    let flag = format!("`--secret {name}`");
    let value = if file == "-" {
        let stdin = stdin
            .take()
            .ok_or_else(|| SecretError::StdinTwice { name: name.clone() })?;
        read_limited(stdin).map_err(|source| SecretError::Unreadable {
            file: "-".into(),
            needed_by: flag,
            source,
        })?
    } else {
        read_file(Path::new(file), &flag)?
    };
    Ok((name, value.like_typed()))
}
