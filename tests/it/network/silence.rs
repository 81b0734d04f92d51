//! A server that takes requests and never answers them.

use std::time::{Duration, Instant};

use super::release::{SETTINGS, assert_complete, release, retries};
use crate::support::proxy::{Fault, Requests, Rule};

#[test]
fn a_silent_server_is_given_up_soon() {
    let (project, proxy) = release("net-silent");
    proxy.inject([Rule::new(Requests::all(), Fault::Silence)]);
    let outcome = proxy.run(project.up(&["-v"])).exited(1);
    assert_eq!(retries(&outcome), Vec::<&str>::new());
    assert!(
        outcome
            .stderr
            .contains("accepted the request but did not answer within 8 s"),
        "{}",
        outcome.stderr
    );
    project.assert_nothing_was_written();
}

#[test]
fn a_silent_write_does_not_outlast_the_time_limit_of_the_run() {
    let (project, proxy) = release("net-mute");
    proxy.inject([Rule::new(
        Requests::mutating().about(SETTINGS),
        Fault::Silence,
    )]);
    let started = Instant::now();
    let outcome = proxy.run(project.up(&["--timeout", "2s"]));
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "it took {:?}",
        started.elapsed()
    );
    assert_ne!(outcome.status, 0);
    let told = "phase databases: the run timed out after 2 s: objects were still being written";
    assert!(outcome.stderr.contains(told), "{}", outcome.stderr);
}

#[test]
fn a_silent_watch_is_opened_again() {
    let (project, proxy) = release("net-blind");
    proxy.inject([Rule::new(Requests::watches(), Fault::Silence).times(1)]);
    proxy.run(project.up(&["--timeout", "1m"])).exited(0);
    assert_complete(&project);
}
