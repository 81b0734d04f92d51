//! What was taken over, when the release goes back or goes away.

use rustix::process::Signal;

use super::{
    THERE, beside_kubectl, managers,
    manifests::{config_map, documents, workload},
    project::Project,
    running::Running,
};
use crate::support::apply;

/// What was there before the first revision is what `rollback` goes back to; `down` would delete it, so
/// it asks for the name.
#[test]
fn what_was_taken_over_is_given_back_by_rollback_and_named_by_down() {
    let web = workload("apps/v1", "Deployment", "web", "replicas: 1", "");
    let there = documents(&[THERE.to_owned(), web.clone()]);
    let wanted = documents(&[
        config_map("settings", "two"),
        web.replace("web:v1", "web:v2"),
    ]);
    let project = beside_kubectl("adopt-and-back", &there, &wanted)
        .manifest("apps/new.yaml", &config_map("new", "1"));
    let before = (
        project.get("configmap/settings")["data"].clone(),
        managers(&project, "configmap/settings"),
    );
    project.deploy(&[]);

    let refused = project.command("down", &["--yes"]).run().exited(2);
    for part in [
        "it was there before the release",
        "objects that were there before the release would be deleted",
        "--yes=adopt-and-back.default",
    ] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    let yes = format!("--yes={}.default", project.name);
    let asked = project.command("rollback", &["--yes"]).run().exited(2);
    let said = "objects that the release has created would be deleted";
    assert!(asked.stderr.contains(said), "{}", asked.stderr);
    let back = project.command("rollback", &[&yes]).run().exited(0);
    let said = "what was there before revision 1, which took it over";
    assert!(back.stderr.contains(said), "{}", back.stderr);
    assert!(back.stderr.contains("0 differences"), "{}", back.stderr);
    assert_eq!(project.get("configmap/settings")["data"], before.0);
    assert_eq!(managers(&project, "configmap/settings"), before.1);
    let image =
        &project.get("deployment/web")["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(image, "web:v1");
    assert!(project.get("configmap/new").is_null());
    let revision = project.last_revision();
    assert_eq!(
        (&revision["number"], &revision["outcome"]),
        (&1.into(), &"rolled-back".into())
    );

    project.deploy(&[]);
    project.command("down", &[&yes]).run().exited(0);
    assert!(project.get("deployment/web").is_null());
}

/// Whoever kills that rollback half-way goes on with it.
#[test]
fn giving_back_what_was_taken_over_is_gone_on_with_after_a_kill() {
    let web = workload("apps/v1", "Deployment", "web", "replicas: 1", "");
    let there = documents(&[THERE.to_owned(), web.clone()]);
    let wanted = documents(&[
        config_map("settings", "two"),
        web.replace("web:v1", "web:v2"),
    ]);
    let project = beside_kubectl("adopt-killed", &there, &wanted);
    project.deploy(&[]);
    let mut run = Running::start(project.command("rollback", &["--yes"]));
    run.until(|event| event["event"] == "object-written");
    run.signal(Signal::KILL);
    run.end();
    let back = project.command("rollback", &["--yes"]).run().exited(0);
    assert!(back.stderr.contains("0 differences"), "{}", back.stderr);
    assert_eq!(
        project.get("configmap/settings")["data"],
        serde_json::json!({"value": "one", "old": "x"})
    );
}

/// What a later revision took over is not deleted by going back to one that did not have it.
#[test]
fn what_a_later_revision_took_over_is_released_by_going_back() {
    let project = Project::new("adopt-later").manifest("apps/one.yaml", &config_map("one", "1"));
    project.deploy(&[]);
    apply(&project.name, THERE);
    project.rewrite("apps/settings.yaml", &config_map("settings", "two"));
    project.deploy(&[]);
    let back = project.command("rollback", &["--yes"]).run().exited(0);
    let said = "it was there before the release: only the label is removed";
    assert!(back.stderr.contains(said), "{}", back.stderr);
    let settings = project.get("configmap/settings");
    assert_eq!(settings["data"]["value"], "two");
    assert!(settings["metadata"].get("labels").is_none(), "{settings}");
}
