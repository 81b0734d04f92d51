//! What a plan says of the checks before the first write.

use globset::Glob;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    names::nearest,
    problem::{Document, KeyPath, Problem},
};
use crate::finding::{Check, Skip};

/// What is checked before anything is written.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PreflightDeclaration {
    /// Checks that are left out, by name, as by `--skip-check`.
    #[serde(default)]
    pub(crate) skip: Vec<String>,
    /// What looks like a placeholder and is meant: texts as they stand in the manifests, `*` for
    /// anything.
    #[serde(default)]
    pub(crate) allow_placeholders: Vec<String>,
}

/// What is checked before anything is written.
#[derive(Debug, Clone, Default)]
pub(crate) struct PlanChecks {
    /// Keys of the plan that this version can read but not carry out yet, each as `FILE:LINE: KEY`.
    pub(crate) unsupported: Vec<String>,
    /// What is left out.
    pub(crate) skipped: Vec<Check>,
    /// What looks like a placeholder and is meant, as globs.
    pub(crate) allowed_placeholders: Vec<String>,
}

impl PlanChecks {
    /// Whether what `check` finds is told.
    pub(crate) fn tells(&self, check: Check) -> bool {
        !self.skipped.contains(&check)
    }
}

/// The check called `name`, which can be left out. The error says which are known, or why it
/// cannot.
pub(crate) fn skippable(name: &str) -> Result<Check, String> {
    match name.parse::<Check>() {
        Ok(check) if check.skip() == Skip::ByName => Ok(check),
        Ok(check) => Err(format!(
            "the check `{check}` cannot be left out: {}",
            why_not(check)
        )),
        Err(()) => {
            let all = Check::ALL.iter();
            let known = all.filter(|check| check.skip() == Skip::ByName);
            let names: Vec<&str> = known.map(|check| check.name()).collect();
            Err(match nearest(name, names.iter().copied()) {
                Some(near) => format!("there is no check `{name}`; did you mean `{near}`?"),
                None => format!(
                    "there is no check `{name}`; those that can be left out are `{}`",
                    names.join("`, `")
                ),
            })
        }
    }
}

fn why_not(check: Check) -> &'static str {
    match check {
        Check::Conflict => "take the field over with `--force-conflicts`",
        Check::OtherRelease | Check::UnknownRevision => "share the object with `--adopt`",
        Check::ImmutableField => "let the object be created anew with `--recreate`",
        _ => "nothing could be deployed all the same",
    }
}

/// The checks that `declaration` leaves out.
pub(super) fn skipped(
    document: &Document,
    declaration: &PreflightDeclaration,
    problems: &mut Vec<Problem>,
) -> Vec<Check> {
    let path = KeyPath::top("preflight").key("skip");
    check_globs(document, &declaration.allow_placeholders, problems);
    let mut skipped = Vec::new();
    for (number, name) in declaration.skip.iter().enumerate() {
        match skippable(name) {
            Ok(check) => skipped.push(check),
            Err(message) => problems.push(document.error(&path.item(number), message)),
        }
    }
    skipped
}

fn check_globs(document: &Document, globs: &[String], problems: &mut Vec<Problem>) {
    let path = KeyPath::top("preflight").key("allowPlaceholders");
    for (number, glob) in globs.iter().enumerate() {
        if let Err(error) = Glob::new(glob) {
            let message = format!("`{glob}` is not a glob: {}", error.kind());
            problems.push(document.error(&path.item(number), message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_left_out_is() {
        assert_eq!(skippable("selects-nothing"), Ok(Check::SelectsNothing));
        for (name, said) in [
            (
                "select-nothing",
                "there is no check `select-nothing`; did you mean `selects-nothing`?",
            ),
            (
                "refused",
                "the check `refused` cannot be left out: nothing could be deployed all the same",
            ),
            (
                "conflict",
                "the check `conflict` cannot be left out: take the field over with `--force-conflicts`",
            ),
        ] {
            assert_eq!(skippable(name).unwrap_err(), said);
        }
        let unlike = skippable("x").unwrap_err();
        assert!(
            unlike.contains("`requirement`") && !unlike.contains("`unknown-kind`"),
            "{unlike}"
        );
    }
}
