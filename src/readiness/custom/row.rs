//! A row of the table of custom resources: for which kinds, in which steps.

use super::step::{Outcome, Step};

/// What is known about some kinds of an API group.
#[derive(Debug)]
pub(super) struct Row {
    /// The API group; one that starts with `*` stands for all groups with that ending.
    pub(super) group: &'static str,
    /// The kinds; one that starts with `*` stands for all with that ending, none for all of the
    /// group.
    pub(super) kinds: &'static [&'static str],
    /// The API versions; none for all.
    pub(super) versions: &'static [&'static str],
    /// What is looked at, in this order; the first step with an answer decides.
    pub(super) steps: &'static [Step],
    /// The answer as long as no step has one.
    pub(super) silent: Outcome,
}

/// A row whose objects are in progress as long as no step has an answer.
pub(super) const fn row(
    group: &'static str,
    kinds: &'static [&'static str],
    steps: &'static [Step],
) -> Row {
    Row {
        group,
        kinds,
        versions: &[],
        steps,
        silent: Outcome::Busy,
    }
}

impl Row {
    /// The row with another answer for objects about which no step has one.
    pub(super) const fn otherwise(self, silent: Outcome) -> Self {
        Self { silent, ..self }
    }

    /// The row for these API versions only.
    pub(super) const fn of_versions(self, versions: &'static [&'static str]) -> Self {
        Self { versions, ..self }
    }

    /// Whether the row is about `kind` of `group` in `version`.
    pub(super) fn is_about(&self, group: &str, version: &str, kind: &str) -> bool {
        fits(self.group, group)
            && (self.versions.is_empty() || self.versions.contains(&version))
            && (self.kinds.is_empty() || self.kinds.iter().any(|name| fits(name, kind)))
    }

    /// Whether the row knows `kind` by its own name, and not only as one of a family.
    pub(super) fn names(&self, kind: &str) -> bool {
        self.kinds.contains(&kind)
    }
}

/// Whether `name` is the pattern, or ends as it does after its `*`.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(ending) => name.ends_with(ending),
        None => name == pattern,
    }
}
