//! The page that lists all checks, `docs/checks.md`.

use std::fmt::Write as _;

use super::{
    check::{Place, Severity, Skip},
    table::Check,
};

const HEAD: &str = "# Checks

What can be known before the first write is checked before the first write, and told all at once: file and line, object, what is wrong, what to do, and in
brackets the name of the check. An error stops the run (exit code 5; 2 where the plan or a manifest cannot be used) with nothing written; a warning is only
said. This page is made of the table in the program, by `deployctl schema --checks`.

- *Offline* is what `validate` finds without a cluster; `up` finds it too, before it asks the cluster for anything, but for `selects-nothing` and
  `removed-version`, about which the cluster says more. *Cluster* is what `up` finds besides.
- `--skip-check NAME`, of `up` and `validate`, leaves a check out, and so does the plan for good: `preflight: {skip: [NAME]}`. What cannot be left out would
  be refused all the same, or has a flag of its own.
- `validate -o json` lists `findings`, each with `check`, `severity`, `object`, `file`, `line`, `column`, `message` and `remedy` where these are known.

| check | severity | runs | can be left out | finds |
| --- | --- | --- | --- | --- |
";

/// The page as text.
pub(crate) fn page() -> String {
    let mut page = HEAD.to_owned();
    for check in Check::ALL {
        let severity = match check.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let place = match check.place() {
            Place::Offline => "offline",
            Place::Cluster => "cluster",
        };
        let skip = match check.skip() {
            Skip::ByName => "yes",
            Skip::Never => "no",
        };
        let finds = check.finds();
        let _ = writeln!(
            page,
            "| `{check}` | {severity} | {place} | {skip} | {finds} |"
        );
    }
    page
}
