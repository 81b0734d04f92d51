//! Where every declared value will come from, before anything is read or asked.

use std::{fmt, path::Path};

use crate::{
    error::CommandError,
    plan::{SecretDeclaration, ValueFormat},
};

use super::{error::SecretError, key_name::KeyName, value::SecretBytes};

/// What is said of a value that stands in the plan, in the open.
pub(crate) const FROM_THE_PLAN: &str = "from the plan";
/// What is said of values that are left open where nothing is written: they would be asked for, or are
/// missing.
pub(crate) const OPEN: [&str; 2] = ["asked for by up", "missing"];

/// Where every value of the declared Secrets will come from, before anything is read or asked.
#[derive(Debug)]
pub(crate) struct Needs {
    pub(super) secrets: Vec<SecretNeeds>,
    /// What stands in the way. All of it is to be shown at once, and nothing is to be asked or
    /// written.
    pub(crate) problems: Vec<SecretError>,
    /// What will be asked for, in the order in which it will be asked.
    pub(crate) to_prompt: Vec<PromptNeed>,
    /// Values that no prompt can supply.
    pub(crate) missing: Vec<MissingNeed>,
    /// What the user may not expect, one line each.
    pub(super) warnings: Vec<String>,
}

/// One declared Secret.
#[derive(Debug)]
pub(super) struct SecretNeeds {
    pub(super) declaration: SecretDeclaration,
    pub(super) namespaces: Vec<String>,
    pub(super) keys: Vec<(KeyName, Origin)>,
}

impl SecretNeeds {
    /// Whether one of its values is left open.
    pub(super) fn has_open(&self) -> bool {
        let is_open = |(_, origin): &(KeyName, Origin)| matches!(origin, Origin::Open(_));
        self.keys.iter().any(is_open)
    }
}

/// Where one value comes from.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// It is in the cluster and stays.
    Kept(SecretBytes),
    /// Handed over; the text says by what.
    Supplied(SecretBytes, String),
    /// `value` of the plan.
    Value,
    /// Composed from other values at every run.
    Template,
    /// Derived from a private key at every run.
    PublicKey,
    /// Newly generated.
    Generate,
    /// Newly generated, with `tls.key`.
    SelfSigned,
    /// Comes with the newly generated certificate.
    WithCertificate,
    /// Asked for.
    Prompt,
    /// Read from a file.
    File,
    /// Printed by a command.
    Command,
    /// Decrypted by sops.
    Sops,
    /// Optional, and not there.
    LeftOut,
    /// It cannot be had.
    Missing,
    /// Nobody is asked for it now, as nothing is written; why.
    Open(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Origin::Kept(_) => "kept",
            Origin::Supplied(_, by) => by,
            Origin::Value => FROM_THE_PLAN,
            Origin::Template => "composed",
            Origin::PublicKey => "derived from the private key",
            Origin::Generate | Origin::SelfSigned | Origin::WithCertificate => "generated",
            Origin::Prompt => "asked for",
            Origin::File => "read from a file",
            Origin::Command => "printed by a command",
            Origin::Sops => "decrypted by sops",
            Origin::LeftOut => "left out",
            Origin::Missing => "missing",
            Origin::Open(why) => why,
        })
    }
}

impl Origin {
    /// Whether the value is made, asked for or fetched, so that it may be another one the next
    /// time.
    pub(super) fn is_drawn(&self) -> bool {
        match self {
            Origin::Generate
            | Origin::SelfSigned
            | Origin::WithCertificate
            | Origin::Prompt
            | Origin::File
            | Origin::Command
            | Origin::Sops
            | Origin::LeftOut
            | Origin::Missing
            | Origin::Open(_) => true,
            Origin::Kept(_)
            | Origin::Supplied(..)
            | Origin::Value
            | Origin::Template
            | Origin::PublicKey => false,
        }
    }

    /// Where the value comes from in a few words, without the names of flags and variables in full.
    fn in_short(&self) -> String {
        match self {
            Origin::Supplied(_, by) if by.starts_with("`--secret ") => "from `--secret`".to_owned(),
            Origin::Supplied(_, by) if by.starts_with("the variable ") => {
                "from a variable".to_owned()
            }
            Origin::Supplied(_, by) => format!("from {by}"),
            origin => origin.to_string(),
        }
    }
}

/// A value that will be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PromptNeed {
    /// Which value.
    pub(crate) name: KeyName,
    /// The text of the plan.
    pub(crate) text: String,
    /// Regular expression that is searched for in it.
    pub(crate) pattern: Option<String>,
    /// What it must be.
    pub(crate) format: Option<ValueFormat>,
    /// May be left empty.
    pub(crate) optional: bool,
    /// Must be typed twice.
    pub(crate) confirm: bool,
    /// Replaces a value that is there, so that nothing typed would take that away.
    pub(crate) rotated: bool,
}

/// A value that no prompt can supply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MissingNeed {
    /// Which value.
    pub(crate) name: KeyName,
    /// What it is, or where it should have been.
    pub(crate) what: String,
}

impl MissingNeed {
    fn line(&self) -> String {
        format!(
            "\n  {} ({}): `--secret {}=@FILE` or the variable `{}`",
            self.name,
            self.what,
            self.name,
            self.name.variable()
        )
    }
}

impl Needs {
    /// Takes up `name` where it has to be asked for or is missing.
    pub(super) fn note(
        &mut self,
        name: &KeyName,
        origin: &Origin,
        declaration: &SecretDeclaration,
        rotated: bool,
    ) {
        let Some(declared) = declaration.data.get(&name.key) else {
            return;
        };
        match origin {
            Origin::Prompt => self.to_prompt.push(PromptNeed {
                name: name.clone(),
                text: declared.prompt.clone().unwrap_or_default(),
                pattern: declared.pattern.clone(),
                format: declared.format,
                optional: declared.optional,
                confirm: declared.confirm,
                rotated,
            }),
            Origin::Missing => {
                let variable = declared.env.as_deref().unwrap_or_default();
                self.missing.push(MissingNeed {
                    name: name.clone(),
                    what: format!("the variable `{variable}` is not set"),
                });
            }
            _ => {}
        }
    }

    /// Counts files of the plan that are not in `folder` among what is missing, so that they are
    /// told together with the rest.
    pub(crate) fn note_absent_files(&mut self, folder: &Path) {
        for secret in &mut self.secrets {
            for (name, origin) in secret
                .keys
                .iter_mut()
                .filter(|(_, origin)| matches!(origin, Origin::File))
            {
                let Some(declared) = secret
                    .declaration
                    .data
                    .get(&name.key)
                    .filter(|declared| !declared.optional)
                else {
                    continue;
                };
                let Some(file) = declared
                    .file
                    .as_deref()
                    .filter(|file| !folder.join(file).exists())
                else {
                    continue;
                };
                self.missing.push(MissingNeed {
                    name: name.clone(),
                    what: format!("there is no file `{}`", folder.join(file).display()),
                });
                *origin = Origin::Missing;
            }
        }
    }

    /// Each key as `NAME/KEY` and where its value comes from, in a few words.
    pub(crate) fn sources(&self) -> Vec<(String, String)> {
        let keys = self.secrets.iter().flat_map(|secret| &secret.keys);
        keys.map(|(name, origin)| (name.to_string(), origin.in_short()))
            .collect()
    }

    /// Takes the values that nobody can be asked for as left out: where there is no terminal, once
    /// nothing is missing.
    pub(crate) fn leave_out_unasked(&mut self) {
        let origins = self
            .secrets
            .iter_mut()
            .flat_map(|secret| &mut secret.keys)
            .map(|(_, origin)| origin);
        origins
            .filter(|origin| matches!(origin, Origin::Prompt))
            .for_each(|origin| *origin = Origin::LeftOut);
        self.to_prompt.clear();
    }

    /// Leaves open what would have to be asked for, or is missing: nothing is going to be written.
    /// What is optional is left out where nobody could be asked.
    pub(crate) fn leave_open(&mut self, is_interactive: bool) {
        let is_left_out = |name: &KeyName| {
            let need = self.to_prompt.iter().find(|need| need.name == *name);
            !is_interactive && need.is_some_and(|need| need.optional && !need.rotated)
        };
        let left_out: Vec<KeyName> = self
            .to_prompt
            .iter()
            .map(|need| need.name.clone())
            .filter(is_left_out)
            .collect();
        let keys = self.secrets.iter_mut().flat_map(|secret| &mut secret.keys);
        for (name, origin) in keys {
            *origin = match origin {
                Origin::Prompt if left_out.contains(name) => Origin::LeftOut,
                Origin::Prompt => Origin::Open(OPEN[0]),
                Origin::Missing => Origin::Open(OPEN[1]),
                _ => continue,
            };
        }
        self.to_prompt.clear();
        self.missing.clear();
    }

    /// Whether the value of `name` is left open.
    pub(super) fn is_open(&self, name: &KeyName) -> bool {
        let mut keys = self.secrets.iter().flat_map(|secret| &secret.keys);
        keys.any(|(key, origin)| key == name && matches!(origin, Origin::Open(_)))
    }

    /// Whether a value is left open, so that what is made of it cannot be checked.
    pub(super) fn has_open(&self) -> bool {
        self.secrets.iter().any(SecretNeeds::has_open)
    }

    /// Lines that say where the values come from, and which will be asked for. None where the plan
    /// declares no secrets.
    pub(crate) fn describe(&self) -> Vec<String> {
        let origins = || {
            self.secrets
                .iter()
                .flat_map(|secret| &secret.keys)
                .map(|(_, origin)| origin)
        };
        let counted = |word: &str, is: fn(&Origin) -> bool| {
            let count = origins().filter(|origin| is(origin)).count();
            (count > 0).then(|| format!("{count} {word}"))
        };
        let parts = [
            counted("kept from the cluster", |origin| {
                matches!(origin, Origin::Kept(_))
            }),
            counted("supplied", |origin| matches!(origin, Origin::Supplied(..))),
            counted("from the plan", |origin| {
                matches!(origin, Origin::Value | Origin::Template | Origin::PublicKey)
            }),
            counted("to be generated", |origin| {
                matches!(
                    origin,
                    Origin::Generate | Origin::SelfSigned | Origin::WithCertificate
                )
            }),
            counted("to be read", |origin| {
                matches!(origin, Origin::File | Origin::Command | Origin::Sops)
            }),
            counted("left out", |origin| matches!(origin, Origin::LeftOut)),
            counted("to be asked for", |origin| matches!(origin, Origin::Prompt)),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            return Vec::new();
        }
        let colon = if self.to_prompt.is_empty() { "" } else { ":" };
        let mut lines = vec![format!("Secret values: {}{colon}", parts.join(", "))];
        lines.extend(self.to_prompt.iter().map(|need| {
            let optional = if need.optional { " (optional)" } else { "" };
            format!("  {}: {}{optional}", need.name, need.text)
        }));
        lines
    }

    /// The error that lists everything that is missing, each with the flag and the variable that
    /// would supply it.
    ///
    /// `None` where nothing is. Without a terminal (`interactive` is false) what would be asked for
    /// is missing too, unless it is optional.
    pub(crate) fn missing_error(&self, interactive: bool) -> Option<CommandError> {
        let unasked = self
            .to_prompt
            .iter()
            .filter(|need| !interactive && (need.rotated || !need.optional));
        let unasked = unasked.map(|need| MissingNeed {
            name: need.name.clone(),
            what: need.text.clone(),
        });
        let missing: Vec<MissingNeed> = self.missing.iter().cloned().chain(unasked).collect();
        if missing.is_empty() {
            return None;
        }
        let count = if missing.len() == 1 {
            "1 secret value is missing".to_owned()
        } else {
            format!("{} secret values are missing", missing.len())
        };
        let terminal = if interactive {
            ""
        } else {
            ", and there is no terminal to ask at"
        };
        let lines: String = missing.iter().map(MissingNeed::line).collect();
        let error = CommandError::usage(format!("{count}{terminal}:{lines}"));
        Some(error.hint("supply each by its flag or variable, or all in one file by `--secrets-file FILE` (YAML: `name: {key: value}`)"))
    }
}
