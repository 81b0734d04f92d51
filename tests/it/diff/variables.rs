//! The variables and the commit that a release is taken from and to.

use std::process::Command;

use super::{diff, manifests::config_map, project::Project};

fn project(name: &str) -> Project {
    Project::new(name)
        .plan("variables: {image_tag: {default: v1}, level: {default: 2}}\n")
        .manifest(
            "apps/settings.yaml",
            &config_map("settings", "${image_tag}"),
        )
}

/// The image that a forgotten `--set` takes back is seen.
#[test]
fn every_variable_with_another_value_than_in_the_last_revision_is_named() {
    let project = project("diff-variables");
    project.deploy(&["--set", "image_tag=v2"]);
    let document = diff(&project, &[]);
    assert_eq!(
        document["variables"],
        serde_json::json!({"known": true, "changed": [{"name": "image_tag", "before": "v2", "after": "v1"}]})
    );
    let shown = project.command("diff", &[]).run().exited(0);
    assert!(
        shown.stdout.contains("Variables   image_tag: v2 → v1\n"),
        "{}",
        shown.stdout
    );
    let same = diff(&project, &["--set", "image_tag=v2"]);
    assert_eq!(same["variables"]["changed"], serde_json::json!([]));
}

/// Going back is to the variables of then.
#[test]
fn after_going_back_the_variables_are_those_of_then() {
    let project = project("diff-back");
    project.deploy(&[]);
    project.deploy(&["--set", "image_tag=v2"]);
    let back = project.command("rollback", &["--to", "1", "--yes"]);
    back.run().exited(0);
    let document = diff(&project, &["--set", "image_tag=v2"]);
    assert_eq!(document["revision"]["number"], 3);
    assert_eq!(
        document["variables"]["changed"],
        serde_json::json!([{"name": "image_tag", "before": "v1", "after": "v2"}])
    );
}

#[test]
fn the_commits_from_and_to_are_named() {
    let project = project("diff-commits");
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        let run = Command::new("git")
            .args(identity)
            .args(arguments)
            .current_dir(project.folder())
            .output()
            .unwrap();
        assert!(run.status.success(), "{run:?}");
        String::from_utf8(run.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "one"]);
    let one = git(&["rev-parse", "HEAD"]);
    project.deploy(&[]);
    project.rewrite("apps/settings.yaml", &config_map("settings", "other"));
    let dirty = diff(&project, &[]);
    assert_eq!(dirty["revision"]["commit"]["commit"], one.as_str());
    assert_eq!(dirty["commit"]["dirty"], true);
    git(&["commit", "--quiet", "-a", "-m", "two"]);
    let two = git(&["rev-parse", "HEAD"]);
    let shown = project.command("diff", &[]).run().exited(0);
    let line = format!("Commit      {} → {}\n", &one[..10], &two[..10]);
    assert!(shown.stdout.contains(&line), "{line}:\n{}", shown.stdout);
}
