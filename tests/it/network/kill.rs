//! The proxy kills the program at a chosen request, and counts its writes.

use super::release::{SETTINGS, assert_complete, release};
use crate::support::{
    audit::Audit,
    proxy::{Fault, Proxy, Requests, Rule, When},
    user::User,
};

/// Exit status of what was killed.
const KILLED: i32 = 128 + 9;

#[test]
fn a_program_killed_before_a_request_has_not_written_and_after_its_answer_it_has() {
    for (when, name, stored) in [
        (When::Before, "net-killed-before", false),
        (When::After, "net-killed-after", true),
    ] {
        let (project, proxy) = release(name);
        proxy.inject([Rule::new(Requests::mutating().about(SETTINGS), Fault::Kill(when)).only(1)]);
        proxy.run(project.up(&[])).exited(KILLED);
        assert_eq!(
            !project.get("configmap/settings").is_null(),
            stored,
            "{when:?}"
        );
        // The journal is written beside the objects, so that one write of it may be under way at
        // the same time.
        let last = proxy
            .mutating()
            .into_iter()
            .rfind(|write| !write.path.contains("/deployctl-system/"))
            .unwrap();
        assert!(last.path.contains(SETTINGS), "{last} came after the kill");
        assert_eq!(last.status.is_some(), stored, "{last}");
    }
}

#[test]
fn the_writes_that_the_proxy_counts_are_those_of_the_audit_log() {
    let (project, _) = release("net-counted");
    let user = User::administrator();
    let proxy = Proxy::for_kubeconfig(&user.kubeconfig);
    let audit = Audit::from_now(&user);
    proxy.run(project.up(&[])).exited(0);
    let mut counted: Vec<String> = proxy
        .mutating()
        .iter()
        .map(|write| format!("{} {}", write.verb(), write.path))
        .collect();
    let mut audited = audit.writes();
    counted.sort_unstable();
    audited.sort_unstable();
    assert_eq!(counted, audited);
    assert_complete(&project);
}
