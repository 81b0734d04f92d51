//! `unlock`.

use serde_json::Value;

use super::foreign::{Foreign, HOLDER, SHOWN, STATE};
use crate::support::{Outcome, namespace, project::Project, pty::Pty, try_kubectl, user::User};

#[test]
fn a_release_that_is_not_locked_needs_nothing() {
    let project = Project::new("never-locked");
    try_kubectl(&["create", "namespace", STATE], "");
    for state in [STATE, "not-even-there"] {
        let outcome = project
            .command("unlock", &["--state-namespace", state])
            .run()
            .exited(0);
        assert!(
            outcome
                .stderr
                .contains("never-locked.default is not locked"),
            "{}",
            outcome.stderr
        );
    }
}

#[test]
fn the_holder_is_shown_and_the_release_must_be_named() {
    let project = Project::new("held-elsewhere");
    let lock = Foreign::lock(&project, 15);
    let unlock = |arguments: &[&str]| -> Outcome { project.command("unlock", arguments).run() };

    let asked = unlock(&[]).exited(2);
    for text in [
        SHOWN,
        "since 2026-11-21 10:00:00 UTC",
        "no terminal",
        "`--yes=held-elsewhere.default`",
    ] {
        assert!(
            asked.stderr.contains(text),
            "`{text}` is missing:\n{}",
            asked.stderr
        );
    }
    let bare = unlock(&["--yes"]).exited(2);
    assert!(
        bare.stderr.contains("`--yes=held-elsewhere.default`"),
        "{}",
        bare.stderr
    );
    let other = unlock(&["--yes=other.default"]).exited(2);
    assert!(
        other.stderr.contains("names another release"),
        "{}",
        other.stderr
    );
    assert_eq!(lock.get()["spec"]["holderIdentity"], HOLDER);

    unlock(&["--yes=held-elsewhere.default"]).exited(0);
    assert_eq!(lock.get(), Value::Null);
}

#[test]
fn the_name_is_typed_at_a_terminal() {
    let project = Project::new("typed-name");
    let lock = Foreign::lock(&project, 15);
    let unlock = || {
        let mut pty = Pty::run(project.command("unlock", &[]), 100);
        pty.expect("Type `typed-name.default`");
        pty
    };
    let mut refused = unlock();
    refused.type_line("yes");
    let ended = refused.end();
    assert!(
        ended.status == 2 && ended.transcript.contains("not confirmed"),
        "{}",
        ended.transcript
    );
    assert_eq!(lock.get()["spec"]["holderIdentity"], HOLDER);

    // A living holder changes its Lease all the time.
    let mut confirmed = unlock();
    lock.annotate();
    confirmed.type_line("typed-name.default");
    let ended = confirmed.end();
    assert!(
        ended.status == 0 && ended.transcript.contains("Removed the lock"),
        "{}",
        ended.transcript
    );
    assert_eq!(lock.get(), Value::Null);
}

#[test]
fn a_lock_that_changed_hands_while_the_user_was_asked_is_left_alone() {
    let project = Project::new("changed-hands");
    let lock = Foreign::lock(&project, 15);
    let mut pty = Pty::run(project.command("unlock", &[]), 200);
    pty.expect("Type `changed-hands.default`");
    lock.hand_over("eve@elsewhere pid 8 up");
    pty.type_line("changed-hands.default");
    let ended = pty.end();
    assert!(
        ended.status == 4
            && ended
                .transcript
                .contains("taken by eve@elsewhere (pid 8, up)"),
        "{}",
        ended.transcript
    );
    assert_eq!(
        lock.get()["spec"]["holderIdentity"],
        "eve@elsewhere pid 8 up"
    );
}

#[test]
fn who_may_not_delete_the_lease_takes_its_holder_out() {
    let home = namespace("undeletable");
    let project = Project::new("undeletable");
    Foreign::lock_in(&home, &project, 15);
    let user = User::with_verbs(&home, &["get", "update"]);
    let unlock = || {
        user.runs(project.command(
            "unlock",
            &["--state-namespace", &home, "--yes=undeletable.default"],
        ))
        .run()
    };
    let first = unlock().exited(0);
    assert!(
        first.stderr.contains("Removed the lock"),
        "{}",
        first.stderr
    );
    let second = unlock().exited(0);
    assert!(second.stderr.contains("is not locked"), "{}", second.stderr);
}

#[test]
fn who_may_not_look_is_told_what_to_ask_for() {
    let project = Project::new("unlock-forbidden");
    let user = User::without_rights();
    let outcome = user
        .runs(project.command("unlock", &["--yes=unlock-forbidden.default"]))
        .run()
        .exited(1);
    assert!(
        outcome.stderr.contains("cannot read the lock")
            && outcome.stderr.contains("`--state-namespace"),
        "{}",
        outcome.stderr
    );
}
