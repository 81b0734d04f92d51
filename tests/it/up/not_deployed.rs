//! Commands about an environment of which nothing is deployed name those of which something is.

use super::{manifests::config_map, project::Project};

fn project(name: &str) -> Project {
    Project::new(name)
        .plan(&format!(
            "environments:\n  dev: {{default: true, namespace: {name}-dev}}\n  test: {{namespace: {name}-test}}\n  prod: {{namespace: {name}-prod}}\n"
        ))
        .manifest("apps/settings.yaml", &config_map("settings", "1"))
}

#[test]
fn the_environments_that_are_deployed_are_named() {
    let project = project("elsewhere");
    let down = |arguments: &[&str]| project.command("down", arguments).args(["--yes"]).run();
    // As long as nothing at all is deployed, nothing has to be taken down.
    let outcome = down(&[]).exited(0);
    assert!(
        outcome.stderr.contains("is not deployed"),
        "{}",
        outcome.stderr
    );

    project.up(&["--env", "prod"]).run().exited(0);
    let one = "`elsewhere.prod` is deployed there: name it with `--env prod`";
    let refused = down(&[]).exited(2).stderr;
    assert!(
        refused.contains("elsewhere.dev is not deployed in context sandbox")
            && refused.contains(one),
        "{refused}"
    );
    for command in ["rollback", "history"] {
        let refused = project.command(command, &[]).run().exited(2).stderr;
        assert!(
            refused.contains("elsewhere.dev has no revisions") && refused.contains(one),
            "{refused}"
        );
    }
    let status = project.command("status", &[]).run().exited(0).stdout;
    assert!(
        status.contains("deployed of this plan: elsewhere.prod\n"),
        "{status}"
    );
    assert_eq!(project.status()["deployedEnvironments"][0], "prod");

    project.up(&["--env", "test"]).run().exited(0);
    project.up(&["--env", "dev"]).run().exited(0);
    let status = project.status();
    assert!(status.get("deployedEnvironments").is_none(), "{status}");
    down(&["--env", "dev"]).exited(0);
    let refused = down(&["--env", "dev"]).exited(2).stderr;
    assert!(
        refused.contains(
            "deployed there are `elsewhere.prod`, `elsewhere.test`: name one of them with `--env`"
        ),
        "{refused}"
    );
    let status = project.command("status", &[]).run().exited(0).stdout;
    assert!(
        status.contains("deployed of this plan: elsewhere.prod, elsewhere.test\n"),
        "{status}"
    );

    down(&["--env", "test"]).exited(0);
    down(&["--env", "prod"]).exited(0);
    down(&["--env", "dev"]).exited(0);
}

#[test]
fn a_first_run_that_was_rolled_back_leaves_nothing_to_go_back_to() {
    let project = project("elsewhere-back");
    project.up(&["--env", "prod"]).run().exited(0);
    project.rewrite(
        "apps/job.yaml",
        &super::manifests::job("fails", "job-fails"),
    );
    project.up(&["--env", "dev"]).run().exited(1);
    let refused = project
        .command("rollback", &["--yes"])
        .run()
        .exited(2)
        .stderr;
    assert!(
        refused.contains("`elsewhere-back.prod` is deployed there"),
        "{refused}"
    );
}
