//! Which revision is gone back to.

use super::{manifests::config_map, project::Project};
use crate::support::{Deployctl, kubectl};

#[test]
fn a_revision_that_is_not_there_is_refused_with_those_that_are() {
    let project = Project::new("back-to-unknown")
        .manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    let refused = project
        .command("rollback", &["--to", "7", "--yes"])
        .run()
        .exited(2);
    assert!(
        refused.stderr.contains("no revision 7") && refused.stderr.contains("1 (succeeded)"),
        "{}",
        refused.stderr
    );
    let refused = project.command("rollback", &["--yes"]).run().exited(2);
    assert!(
        refused.stderr.contains("no earlier revision"),
        "{}",
        refused.stderr
    );
    assert_eq!(project.revisions().len(), 1);
}

#[test]
fn what_is_deployed_needs_nothing() {
    let project = Project::new("back-to-deployed")
        .manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    let done = project
        .command("rollback", &["--to", "1", "--yes"])
        .run()
        .exited(0);
    assert!(done.stderr.contains("no changes"), "{}", done.stderr);
    assert_eq!(project.revisions().len(), 1);
}

#[test]
fn a_revision_that_has_uninstalled_is_gone_back_to_only_by_name() {
    let project =
        Project::new("back-to-down").manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    project.command("down", &["--yes"]).run().exited(0);
    project.rewrite("apps/settings.yaml", &config_map("settings", "2"));
    project.deploy(&[]);
    // What was deployed before.
    project.command("rollback", &["--yes"]).run().exited(0);
    assert_eq!(project.get("configmap/settings")["data"]["value"], "1");
    // Nothing was, and it is not taken for that.
    let refused = project.command("rollback", &["--yes"]).run().exited(2);
    assert!(
        refused.stderr.contains("no earlier revision")
            && refused.stderr.contains("2 (uninstalled)"),
        "{}",
        refused.stderr
    );
    assert_eq!(project.get("configmap/settings")["data"]["value"], "1");
    let named = project.command("rollback", &["--to", "2", "--yes"]).run();
    named.exited(0);
    assert!(project.get("configmap/settings").is_null());
    assert_eq!(project.status()["standing"], "taken-down");
    project.rewrite("apps/settings.yaml", &config_map("settings", "3"));
    project.deploy(&[]);
    // A revision that has gone back to nothing is not gone back to either.
    project.command("rollback", &["--yes"]).run().exited(0);
    assert_eq!(project.get("configmap/settings")["data"]["value"], "1");
}

#[test]
fn a_revision_that_was_rolled_back_cannot_be_gone_back_to() {
    let project =
        Project::new("back-to-bad").manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    let job = super::manifests::job("fails", "job-fails");
    project.rewrite("apps/job.yaml", &job);
    project.up(&[]).run().exited(1);
    let refused = project
        .command("rollback", &["--to", "2", "--yes"])
        .run()
        .exited(2);
    assert!(
        refused.stderr.contains("revision 2") && refused.stderr.contains("2 (rolled back)"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_second_rollback_says_where_one_is() {
    let project =
        Project::new("back-again").manifest("apps/settings.yaml", &config_map("settings", "1"));
    let rollback = |status: i32| {
        let outcome = project.command("rollback", &["--yes"]).run();
        outcome.exited(status).stderr
    };
    let job = super::manifests::job("fails", "job-fails");
    project.rewrite("apps/job.yaml", &job);
    project.up(&[]).run().exited(1);
    let said = rollback(2);
    assert!(
        said.contains("nothing of back-again.default is deployed: revision 1 is rolled back already; there is no earlier revision")
            && said.contains("`deployctl up back-again --env default` deploys it"),
        "{said}"
    );

    project.rewrite("apps/job.yaml", "");
    project.deploy(&[]);
    project.rewrite("apps/job.yaml", &job);
    project.up(&[]).run().exited(1);
    let said = rollback(2);
    assert!(
        said.contains("back-again.default is at revision 2: revision 3 is rolled back already; there is no earlier revision"),
        "{said}"
    );

    project.rewrite("apps/job.yaml", "");
    project.rewrite("apps/settings.yaml", &config_map("settings", "2"));
    project.deploy(&[]);
    let said = rollback(0);
    assert!(
        said.contains("back-again.default is at revision 4\n")
            && said.contains("Rolling back to revision 2 of back-again.default"),
        "{said}"
    );
    let said = rollback(2);
    assert!(
        said.contains("back-again.default is rolled back to revision 2 already, which is revision 5 now; there is no earlier revision")
            && said.contains("`deployctl down back-again --env default`"),
        "{said}"
    );
}

#[test]
fn a_revision_that_cannot_be_read_is_refused_and_the_others_are_named() {
    let project = Project::new("back-to-damaged")
        .manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    for value in ["2", "3"] {
        project.rewrite("apps/settings.yaml", &config_map("settings", value));
        project.deploy(&[]);
    }
    let revisions = project.revisions();
    let wanted = |revision: usize| {
        let phases = revisions[revision]["phases"].as_array().unwrap();
        let apps = phases.iter().find(|phase| phase["name"] == "apps").unwrap();
        apps["wanted"][0].as_str().unwrap().to_owned()
    };
    assert_ne!(wanted(0), wanted(1));
    kubectl(&["delete", "secret", "-n", "deployctl-system", &wanted(1)]);
    let refused = project.command("rollback", &["--yes"]).run().exited(1);
    assert!(
        refused.stderr.contains("cannot be read") && refused.stderr.contains("1 (succeeded)"),
        "{}",
        refused.stderr
    );
    assert_eq!(project.get("configmap/settings")["data"]["value"], "3");
    project
        .command("rollback", &["--to", "1", "--yes"])
        .run()
        .exited(0);
    assert_eq!(project.get("configmap/settings")["data"]["value"], "1");
}

#[test]
fn a_release_that_does_not_exist_is_said_in_words() {
    let elsewhere = tempfile::tempdir().unwrap();
    let run = Deployctl::in_sandbox().current_dir(elsewhere.path()).args([
        "rollback",
        "no-such-release",
        "--env",
        "dev",
        "--yes",
    ]);
    let refused = run.run().exited(2);
    assert!(
        refused
            .stderr
            .contains("no-such-release.dev has no revisions"),
        "{}",
        refused.stderr
    );
}
