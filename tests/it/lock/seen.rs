//! What `status` says of whoever holds the lock.

use super::{
    contest::{endless, under_way},
    foreign::{Foreign, SHOWN},
};
use crate::support::{manifests::config_map, project::Project};

#[test]
fn a_run_elsewhere_may_be_running_and_its_last_sign_of_life_is_told() {
    let project =
        Project::new("seen-elsewhere").manifest("apps/settings.yaml", &config_map("settings", "1"));
    let lock = Foreign::lock(&project, 15);
    let told = format!(
        "now:  a run by {SHOWN}, since 2026-11-21 10:00:00 UTC may be running, last sign of life "
    );
    let text = || project.command("status", &[]).run().exited(0).stdout;
    let before = text();
    assert!(
        before.contains("is not deployed") && before.contains(&told),
        "{before}"
    );
    lock.delete();

    project.deploy(&[]);
    let lock = Foreign::lock(&project, 15);
    let after = text();
    assert!(after.contains(&told), "{after}");
    let status = project.status();
    assert_eq!(
        (&status["standing"], &status["lastSignOfLife"]),
        (&"running".into(), &"2026-11-21T10:00:00Z".into())
    );
    lock.delete();
    assert!(project.status().get("lastSignOfLife").is_none());
}

#[test]
fn only_a_process_that_is_certainly_dead_is_called_dead() {
    let project = endless("seen-here");
    let run = under_way(project.up(&[]));
    let standing = || {
        let status = project.status();
        let seen = status.get("lastSignOfLife").is_some();
        (status["standing"].as_str().unwrap().to_owned(), seen)
    };
    assert_eq!(standing(), ("running".to_owned(), false));
    // Stopped, it may go on at any time.
    run.stop();
    assert_eq!(standing(), ("running".to_owned(), true));
    run.kill();
    assert_eq!(standing(), ("interrupted".to_owned(), false));
    project.command("rollback", &["--yes"]).run().exited(0);
}
