//! Two runs of one release: one holds the lock, and the other waits, goes away, or takes it over.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::foreign::{Foreign, HOLDER, SHOWN, STATE};
use crate::support::{
    Deployctl,
    audit::Audit,
    eventually, get, kubectl,
    manifests::{config_map, deployment, faulty_deployment},
    namespace,
    project::Project,
    running::Running,
    state_namespace,
    user::User,
};

/// A release whose first phase goes on until its run is ended, or for longer than any test looks at
/// it.
pub(super) fn endless(name: &str) -> Project {
    Project::new(name)
        .plan("phases: {apps: {timeout: 2m}}\n")
        .manifest("apps/web.yaml", &faulty_deployment("web", "never-ready"))
        .manifest("monitoring/later.yaml", &config_map("later", "1"))
}

/// A run of it that holds the lock and has written its first objects.
pub(super) fn under_way(run: Deployctl) -> Running {
    let mut running = Running::start(run);
    running.until(|event| {
        event["event"] == "object-written" && event["object"]["kind"] == "Deployment"
    });
    running
}

/// The lock of `project`; null where there is none.
#[track_caller]
pub(super) fn lock_of(project: &Project) -> Value {
    get(STATE, &format!("lease/deployctl.{}", project.release()))
}

#[test]
fn a_second_run_is_refused_naming_the_first() {
    let project = endless("refused-second");
    let first = under_way(project.up(&[]));
    let lock = lock_of(&project);
    assert_eq!(
        lock["metadata"]["labels"]["deployctl.dev/release"],
        "refused-second.default"
    );
    assert_eq!(lock["spec"]["leaseDurationSeconds"], 15);

    let refused = project.up(&[]).run().exited(4);
    let holder = format!("(pid {}, up), since 20", first.process());
    for text in [
        "refused-second.default is locked by ",
        &holder,
        "`--wait-for-lock 5m`",
        "`deployctl unlock refused-second --env default`",
    ] {
        assert!(
            refused.stderr.contains(text),
            "`{text}` is missing:\n{}",
            refused.stderr
        );
    }
    assert_eq!(
        project.revisions().len(),
        1,
        "the refused run stored a revision"
    );
    let shown = project.command("unlock", &[]).run().exited(2);
    assert!(
        shown.stderr.contains("That run is alive"),
        "{}",
        shown.stderr
    );
}

#[test]
fn a_run_that_ends_leaves_no_lock() {
    let project =
        Project::new("ends-well").manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    assert_eq!(lock_of(&project), Value::Null);
}

#[test]
fn the_lock_makes_the_namespace_that_it_is_kept_in() {
    let state = "state-of-the-lock";
    let project = Project::new("makes-namespace")
        .manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&["--state-namespace", state]);
    assert_eq!(kubectl(&["get", "leases", "-n", state, "-o", "name"]), "");
}

#[test]
fn a_user_who_may_neither_watch_nor_delete_waits_for_it_and_frees_it_all_the_same() {
    let home = namespace("few-rights");
    let user = User::with_verbs(&home, &["get", "list", "create", "update", "patch"]);
    let project = Project::new(&home).manifest("apps/settings.yaml", &config_map("settings", "1"));
    let arguments = [
        "--state-namespace",
        home.as_str(),
        "--wait-for-lock",
        "2m",
        "--no-rollback",
    ];
    let lock = Foreign::lock_in(&home, &project, 600);
    let first = Running::start(user.runs(project.up(&arguments)));
    eventually("the run waits", || {
        first.said().contains("waiting for it").then_some(())
    });
    lock.delete();
    let (status, _, stderr) = first.end();
    assert_eq!(status, Some(0), "{stderr}");
    assert_eq!(lock.get()["spec"]["holderIdentity"], Value::Null);

    project.rewrite("apps/settings.yaml", &config_map("settings", "2"));
    let again = user.runs(project.up(&arguments)).run().exited(0);
    assert!(
        !again.stderr.to_lowercase().contains("lock"),
        "{}",
        again.stderr
    );
}

#[test]
fn the_api_server_is_told_to_give_up_each_write_before_the_lock_could_be_another_runs() {
    let project =
        Project::new("limited-writes").manifest("apps/settings.yaml", &config_map("settings", "1"));
    state_namespace();
    let user = User::administrator();
    let audit = Audit::from_now(&user);
    user.runs(project.up(&["--lock-expiry", "30s"]))
        .run()
        .exited(0);
    let writes = audit.writes();
    let locks = |request: &String| request.contains("/leases");
    assert_eq!(
        writes.iter().filter(|request| locks(request)).count(),
        2,
        "it is taken and freed by one request each: {writes:#?}"
    );
    let unlimited: Vec<&String> = writes
        .iter()
        .filter(|request| !locks(request) && !request.contains("timeout=20000ms"))
        .collect();
    assert_eq!(unlimited, Vec::<&String>::new());
    assert!(
        writes
            .iter()
            .any(|request| request.contains("configmaps/settings")),
        "{writes:#?}"
    );
}

#[test]
fn a_run_that_was_killed_on_this_machine_is_taken_over_at_once() {
    let project = endless("killed-holder");
    let first = under_way(project.up(&["--lock-expiry", "10m"]));
    first.kill();
    project.rewrite("apps/web.yaml", &deployment("web"));
    let second = project.up(&[]).run().exited(0);
    let holder = format!("(pid {}, up)", first.process());
    for text in ["Took the lock over from ", &holder, "its process is dead"] {
        assert!(
            second.stderr.contains(text),
            "`{text}` is missing:\n{}",
            second.stderr
        );
    }
    assert_eq!(lock_of(&project), Value::Null);
}

#[test]
fn a_silent_holder_elsewhere_is_taken_over_after_its_expiry_and_its_longest_write() {
    let project =
        Project::new("silent-holder").manifest("apps/settings.yaml", &config_map("settings", "1"));
    let lock = Foreign::lock(&project, 3);
    let started = Instant::now();
    let outcome = project.up(&[]).run().exited(0);
    assert!(
        started.elapsed() >= Duration::from_secs(5),
        "after {:?} the holder could still have been writing",
        started.elapsed()
    );
    for text in [
        SHOWN,
        "checking whether that run is alive",
        "it has not renewed the lock in time",
    ] {
        assert!(
            outcome.stderr.contains(text),
            "`{text}` is missing:\n{}",
            outcome.stderr
        );
    }
    assert_eq!(lock.get(), Value::Null);
}

#[test]
fn a_living_holder_elsewhere_is_respected() {
    let project =
        Project::new("living-holder").manifest("apps/settings.yaml", &config_map("settings", "1"));
    let lock = Foreign::lock(&project, 6);
    let _alive = lock.kept_alive();
    // The second waits for longer than a silent holder would be left the lock.
    for arguments in [&[][..], &["--wait-for-lock", "11s"]] {
        let refused = project.up(arguments).run().exited(4);
        assert!(
            refused.stderr.contains(SHOWN) && refused.stderr.contains("nothing was changed"),
            "{}",
            refused.stderr
        );
    }
    assert_eq!(lock.get()["spec"]["holderIdentity"], HOLDER);
    project.assert_nothing_was_written();
}

#[test]
fn who_waits_gets_the_lock_when_it_is_free() {
    let project =
        Project::new("waits-for-it").manifest("apps/settings.yaml", &config_map("settings", "1"));
    let lock = Foreign::lock(&project, 600);
    let run = Running::start(project.up(&["--wait-for-lock", "2m"]));
    eventually("the waiting run watches the Lease", || {
        let said = run.said();
        (said.contains("waiting for it") && said.contains(SHOWN)).then_some(())
    });
    lock.delete();
    let (status, _, stderr) = run.end();
    assert_eq!(status, Some(0), "{stderr}");
    assert_eq!(lock.get(), Value::Null);
}

#[test]
fn a_lease_that_nobody_holds_is_free() {
    let project =
        Project::new("cleared-lease").manifest("apps/settings.yaml", &config_map("settings", "1"));
    let lock = Foreign::lock(&project, 600);
    lock.hand_over("");
    let outcome = project.up(&[]).run().exited(0);
    assert!(
        !outcome.stderr.to_lowercase().contains("lock"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn an_expiry_that_leaves_no_time_for_requests_is_refused() {
    let project =
        Project::new("hasty-lock").manifest("apps/settings.yaml", &config_map("settings", "1"));
    let refused = project.up(&["--lock-expiry", "1s"]).run().exited(2);
    assert!(
        refused.stderr.contains("from 2 s to 10 minutes"),
        "{}",
        refused.stderr
    );
}
