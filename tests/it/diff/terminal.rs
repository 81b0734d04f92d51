//! A diff at a terminal: long ones go through the pager, and the question before a run shows which
//! fields change.

use super::{
    manifests::{config_map, deployment},
    project::Project,
    pty::Pty,
};

/// Marks every line that goes through it.
const PAGER: &str = "sed 's/^/paged: /'";

#[test]
fn a_long_diff_is_paged_on_a_terminal_and_nowhere_else() {
    let project = Project::new("diff-paged").manifest("apps/web.yaml", &deployment("web"));
    let paged = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut run = project.command("diff", arguments).env("PAGER", PAGER);
        for (name, value) in environment {
            run = run.env(name, *value);
        }
        let ended = Pty::run(run, 100).end();
        assert_eq!(ended.status, 0, "{}", ended.transcript);
        ended.transcript.contains("paged: ")
    };
    assert!(paged(&[], &[]));
    assert!(!paged(&["--brief"], &[]), "it fits");
    assert!(!paged(&[], &[("CI", "true")]));
    assert!(!paged(&["-o", "patch"], &[]));
    assert!(!paged(&["-o", "json"], &[]));
    assert!(!paged(&[], &[("PAGER", "")]));
    // A pager that there is not, or that may not be run, is no reason to show nothing.
    project.write("no-program", "");
    for pager in ["no-such-pager", "./no-program"] {
        let plain = project.command("diff", &["--color", "never"]);
        let ended = Pty::run(plain.env("PAGER", pager), 100).end();
        assert!(
            ended.transcript.contains("Total  2 to create"),
            "{}",
            ended.transcript
        );
    }
    let piped = project
        .command("diff", &[])
        .env("PAGER", PAGER)
        .run()
        .exited(0);
    assert!(!piped.stdout.contains("paged: "), "{}", piped.stdout);
}

#[test]
fn the_question_shows_which_fields_change_and_where_all_of_it_is_shown() {
    let project = Project::new("diff-asked-for")
        .manifest("apps/web.yaml", &deployment("web"))
        .manifest("apps/settings.yaml", &config_map("settings", "one"));
    project.deploy(&[]);
    project.rewrite(
        "apps/web.yaml",
        &deployment("web").replace("web:v1", "web:v2"),
    );
    project.rewrite("apps/settings.yaml", &config_map("settings", "two"));
    for columns in [80, 120] {
        let mut terminal = Pty::run(project.command("up", &["--color", "never"]), columns);
        terminal.expect("Deploy diff-asked-for.default");
        terminal.type_line("n");
        let ended = terminal.end();
        assert_eq!(ended.status, 2, "{}", ended.transcript);
        for text in [
            "  ~ ConfigMap/diff-asked-for/settings\r\n    ~ data.value: one → two\r\n",
            "    ~ spec.template.spec.containers[name=\"main\"].image: web:v1 → web:v2\r\n",
            "`deployctl diff diff-asked-for.default` shows every field",
        ] {
            assert!(
                ended.transcript.contains(text),
                "{text}:\n{}",
                ended.transcript
            );
        }
    }
}
