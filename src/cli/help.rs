//! The help's first page: the commands in groups, which clap has for arguments alone.

use std::fmt::Write as _;

use clap::Command;

/// The groups of commands in the help, in its order. A test compares them with the commands that
/// there are.
const GROUPS: &[(&str, &[&str])] = &[
    ("Deploy", &["up", "down", "rename", "verify"]),
    (
        "Inspect",
        &[
            "diff",
            "drift",
            "status",
            "history",
            "list",
            "wait",
            "readiness",
            "validate",
            "render",
            "schema",
        ],
    ),
    ("Recover", &["rollback", "prune", "unlock"]),
    ("Sandbox", &["sandbox"]),
];

/// `command` with its subcommands in groups, which clap has for arguments alone.
pub(super) fn grouped(command: Command) -> Command {
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{}Options:\n{{options}}\n\nExamples:
  deployctl sandbox run --crds cert-manager -- bash
  deployctl validate
  deployctl up --env dev

`deployctl COMMAND --help` says more about a command.",
        groups(&command)
    );
    command.help_template(template)
}

fn groups(command: &Command) -> String {
    let width = GROUPS
        .iter()
        .flat_map(|(_, names)| *names)
        .map(|name| name.len())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for (heading, names) in GROUPS {
        let _ = writeln!(text, "{heading}:");
        for name in *names {
            let about = command
                .find_subcommand(name)
                .and_then(Command::get_about)
                .map(ToString::to_string)
                .unwrap_or_default();
            let _ = writeln!(text, "  {name:<width$}  {about}");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::{GROUPS, grouped};
    use crate::cli::Arguments;

    #[test]
    fn every_command_is_in_one_group() {
        let command = Arguments::command();
        let mut commands: Vec<&str> = command
            .get_subcommands()
            .map(clap::Command::get_name)
            .collect();
        let mut in_groups: Vec<&str> = GROUPS
            .iter()
            .flat_map(|(_, names)| *names)
            .copied()
            .collect();
        commands.sort_unstable();
        in_groups.sort_unstable();
        assert_eq!(in_groups, commands);
    }

    #[test]
    fn the_help_shows_groups_options_and_examples() {
        let help = grouped(Arguments::command()).render_help().to_string();
        for text in [
            "\nDeploy:\n  up         Deploy a plan to a cluster",
            "\nSandbox:\n  sandbox    ",
            "--color <COLOR>",
            "\nExamples:\n",
        ] {
            assert!(help.contains(text), "`{text}` is missing:\n{help}");
        }
    }

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    fn visible(command: &clap::Command) -> Vec<&clap::Command> {
        let visible = command
            .get_subcommands()
            .filter(|subcommand| !subcommand.is_hide_set());
        visible
            .flat_map(|subcommand| std::iter::once(subcommand).chain(self::visible(subcommand)))
            .collect()
    }

    /// The arguments of `deployctl` in one line of a shell.
    fn arguments(line: &str) -> Vec<&str> {
        let start = line.find("deployctl ").expect("an example calls deployctl");
        let end = line[start..]
            .find(['|', '>', ')'])
            .map_or(line.len(), |end| start + end);
        line[start..end].split_whitespace().collect()
    }

    #[test]
    fn the_help_of_every_command_ends_with_examples_that_are_understood() {
        for command in visible(&Arguments::command()) {
            let after = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            let examples = after
                .strip_prefix("Examples:\n")
                .unwrap_or_else(|| panic!("`{}` has no examples", command.get_name()));
            for example in examples.lines() {
                let parsed = Arguments::command().try_get_matches_from(arguments(example));
                assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
            }
        }
    }
}
