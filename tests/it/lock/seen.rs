//! What `status` says of whoever holds the lock.

use super::{
    contest::{endless, lock_of, under_way},
    foreign::{Foreign, SHOWN},
};
use serde_json::Value;

use crate::support::{
    eventually,
    manifests::config_map,
    project::{Project, written},
    proxy::{Fault, Proxy, Requests, Rule, When},
};

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

#[test]
fn the_lock_of_a_dead_run_goes_although_nothing_is_to_be_written() {
    let project =
        Project::new("seen-dead").manifest("apps/settings.yaml", &config_map("settings", "1"));
    // Killed after all was done, and before the lock was freed.
    let proxy = Proxy::start();
    let freeing = Requests::mutating().about("/leases/deployctl.seen-dead.default");
    proxy.inject([Rule::new(freeing, Fault::Kill(When::Before))]);
    proxy
        .run(project.up(&["--lock-expiry", "2m"]))
        .exited(128 + 9);
    assert_ne!(lock_of(&project), Value::Null);
    let again = project.up(&[]).run().exited(0);
    assert!(
        again
            .stderr
            .contains("Removed the lock of a run that is dead: ")
            && again.stderr.contains("nothing to change"),
        "{}",
        again.stderr
    );
    assert_eq!(lock_of(&project), Value::Null);
    assert_eq!(project.revisions().len(), 1);

    // One of another machine is dead once it was silent for long enough, and not before.
    let lock = Foreign::lock(&project, 600);
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
    assert_ne!(lock.get(), Value::Null);
    lock.delete();
    let lock = Foreign::lock(&project, 1);
    eventually("it has expired", || {
        project.deploy(&[]);
        lock.get().is_null().then_some(())
    });
}
