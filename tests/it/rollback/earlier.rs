//! Back to what an earlier revision wanted, as a new revision.

use super::{
    manifests::{config_map, deployment, documents, faulty_deployment},
    project::{Project, written},
};
use crate::support::Deployctl;

/// A release with two revisions: the second has a changed, a new and a renamed object, and one
/// fewer.
#[track_caller]
fn two_revisions(name: &str) -> Project {
    let first = documents(&[
        config_map("settings", "1"),
        config_map("gone", "1"),
        config_map("named-a", "1"),
    ]);
    let project = Project::new(name).manifest("apps/all.yaml", &first);
    project.deploy(&[]);
    project.rewrite(
        "apps/all.yaml",
        &documents(&[
            config_map("settings", "2"),
            config_map("new", "1"),
            config_map("named-b", "1"),
        ]),
    );
    project.deploy(&[]);
    assert!(
        project.get("configmap/gone").is_null(),
        "what is no longer wanted is pruned"
    );
    project
}

#[track_caller]
fn assert_is_first(project: &Project) {
    assert_eq!(project.get("configmap/settings")["data"]["value"], "1");
    assert_eq!(project.get("configmap/gone")["data"]["value"], "1");
    assert_eq!(project.get("configmap/named-a")["data"]["value"], "1");
    assert!(project.get("configmap/new").is_null());
    assert!(project.get("configmap/named-b").is_null());
}

#[test]
fn the_previous_revision_comes_back_as_a_new_one() {
    let project = two_revisions("back-to-previous");
    let events = project
        .command("rollback", &["--yes", "-o", "jsonl"])
        .run()
        .exited(0)
        .events();
    assert_is_first(&project);
    let name = &project.name;
    let expected = [
        format!("changed ConfigMap/{name}/settings"),
        format!("created ConfigMap/{name}/gone"),
        format!("created ConfigMap/{name}/named-a"),
        format!("deleted ConfigMap/{name}/named-b"),
        format!("deleted ConfigMap/{name}/new"),
    ];
    assert_eq!(written(&events), expected);
    let revision = project.last_revision();
    assert_eq!(
        (
            &revision["number"],
            &revision["outcome"],
            &revision["backTo"],
            &revision["by"]["command"]
        ),
        (
            &3.into(),
            &"succeeded".into(),
            &1.into(),
            &"rollback".into()
        )
    );
}

#[test]
fn after_it_up_with_the_earlier_manifests_has_nothing_to_do() {
    let project = two_revisions("back-and-up");
    project.command("rollback", &["--yes"]).run().exited(0);
    let first = documents(&[
        config_map("settings", "1"),
        config_map("gone", "1"),
        config_map("named-a", "1"),
    ]);
    project.rewrite("apps/all.yaml", &first);
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
    assert_eq!(project.revisions().len(), 3);
}

#[test]
fn no_file_is_needed() {
    let project = two_revisions("without-files");
    let elsewhere = tempfile::tempdir().unwrap();
    let rollback = Deployctl::in_sandbox().current_dir(elsewhere.path()).args([
        "rollback",
        "without-files",
        "--yes",
    ]);
    rollback.run().exited(0);
    assert_is_first(&project);
}

#[test]
fn a_named_revision_comes_back_and_a_second_rollback_goes_further_back() {
    let project =
        Project::new("back-to-named").manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    for value in ["2", "3", "4"] {
        project.rewrite("apps/settings.yaml", &config_map("settings", value));
        project.deploy(&[]);
    }
    let value = || {
        project.get("configmap/settings")["data"]["value"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    project
        .command("rollback", &["--to", "2", "--yes"])
        .run()
        .exited(0);
    assert_eq!(
        (value().as_str(), &project.last_revision()["backTo"]),
        ("2", &2.into())
    );
    project.command("rollback", &["--yes"]).run().exited(0);
    assert_eq!(
        (value().as_str(), &project.last_revision()["backTo"]),
        ("1", &1.into())
    );
}

#[test]
fn a_rollback_that_fails_is_rolled_back_itself() {
    let project = Project::new("back-fails")
        .manifest("apps/web.yaml", &deployment("web"))
        .plan("phases: {apps: {timeout: 5s}}\n");
    project.deploy(&[]);
    let faulty = faulty_deployment("web", "never-ready");
    project.rewrite(
        "apps/web.yaml",
        &faulty.replace("sandbox.deployctl.dev/fault: never-ready", "tier: front"),
    );
    project.deploy(&[]);
    let before = project.get("deployment/web")["spec"].clone();
    // From now on nothing that starts becomes ready.
    let policy =
        "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: none}\nspec: {hard: {pods: '1'}}\n";
    crate::support::apply(&project.name, policy);
    project.command("rollback", &["--yes"]).run().exited(1);
    assert_eq!(project.get("deployment/web")["spec"], before);
    assert_eq!(project.last_revision()["outcome"], "rolled-back");
}

#[test]
fn a_protected_environment_takes_only_its_name() {
    let project = Project::new("back-protected")
        .plan("environments: {prod: {protected: true, contexts: [sandbox]}}\n")
        .manifest("apps/settings.yaml", &config_map("settings", "1"));
    let up = || {
        project
            .command("up", &["--env", "prod", "--yes=back-protected.prod"])
            .run()
            .exited(0)
    };
    up();
    project.rewrite("apps/settings.yaml", &config_map("settings", "2"));
    up();
    let elsewhere = tempfile::tempdir().unwrap();
    let rollback = |yes: &str| {
        let run = Deployctl::in_sandbox().current_dir(elsewhere.path()).args([
            "rollback",
            "back-protected",
            "--env",
            "prod",
            yes,
        ]);
        run.run()
    };
    let refused = rollback("--yes").exited(2);
    assert!(
        refused.stderr.contains("--yes=back-protected.prod"),
        "{}",
        refused.stderr
    );
    rollback("--yes=back-protected.prod").exited(0);
    assert_eq!(project.get("configmap/settings")["data"]["value"], "1");
}
