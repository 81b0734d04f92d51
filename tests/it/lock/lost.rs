//! A run that loses its lock writes nothing any more.

use rustix::process::Signal;
use serde_json::Value;

use super::{
    contest::{endless, lock_of, under_way},
    foreign::STATE,
};
use crate::support::{
    audit::Audit,
    eventually, kubectl,
    manifests::{deployment, faulty_deployment},
    project::Project,
    proxy::{Answer, Fault, Proxy, Requests, Rule},
    user::User,
};

#[test]
fn a_run_that_was_stopped_beyond_its_expiry_writes_nothing_when_it_goes_on() {
    let project = endless("stopped-holder");
    let user = User::administrator();
    let first = under_way(user.runs(project.up(&["--lock-expiry", "2s"])));
    first.stop();
    project.rewrite("apps/web.yaml", &deployment("web"));
    let second = project.up(&[]).run().exited(0);
    assert!(
        second
            .stderr
            .contains("it has not renewed the lock in time"),
        "{}",
        second.stderr
    );

    // Its Deployment is ready now, so the next phase of the stopped run could start.
    let audit = Audit::from_now(&user);
    first.signal(Signal::CONT);
    let (status, _, stderr) = first.end();
    assert_ne!(status, Some(0), "{stderr}");
    assert!(
        stderr.contains("lock") && stderr.contains("lost"),
        "{stderr}"
    );
    assert_eq!(audit.writes(), Vec::<String>::new());
    assert_eq!(lock_of(&project), Value::Null);
}

#[test]
fn a_run_whose_lock_is_removed_stops_and_does_not_take_it_again() {
    let project = endless("unlocked-holder");
    let user = User::administrator();
    let first = under_way(user.runs(project.up(&["--lock-expiry", "3s"])));
    project
        .command("unlock", &["--yes=unlocked-holder.default"])
        .run()
        .exited(0);
    let (status, _, stderr) = first.end();
    assert_ne!(status, Some(0), "{stderr}");
    assert!(
        stderr.contains("lock") && stderr.contains("lost"),
        "{stderr}"
    );
    assert!(stderr.contains("nobody else holds it now"), "{stderr}");
    assert_eq!(lock_of(&project), Value::Null);
    assert_eq!(project.get("configmap/later"), Value::Null);
}

#[test]
fn who_has_lost_the_lock_is_told_who_has_it_now() {
    let project = endless("taken-from-holder");
    let first = under_way(project.up(&["--lock-expiry", "3s"]));
    let name = format!("lease/deployctl.{}", project.release());
    let taken = r#"{"metadata":{"annotations":{"deployctl.dev/lock-token":"theirs","deployctl.dev/boot-id":"theirs"}},"spec":{"holderIdentity":"eve@elsewhere pid 8 rollback"}}"#;
    kubectl(&["patch", &name, "-n", STATE, "--type=merge", "-p", taken]);
    let (status, log, stderr) = first.end();
    assert_eq!(status, Some(3), "{stderr}");
    let told = "the lock of the release was lost; now it is held by eve@elsewhere (pid 8, rollback), since ";
    let explained = log
        .iter()
        .find(|event| event["event"] == "failure-explained")
        .unwrap();
    let summary = explained["diagnosis"]["summary"].as_str().unwrap();
    assert!(summary.contains(told), "{summary}");
    let status = project.command("status", &[]).run().exited(0).stdout;
    assert!(
        status.contains("eve@elsewhere (pid 8, rollback)"),
        "{status}"
    );
    kubectl(&["delete", &name, "-n", STATE]);
}

/// The server asks for more time than the lock has left.
#[test]
fn a_renewal_that_the_server_puts_off_is_asked_for_again_in_time() {
    let project = Project::new("renewal-put-off")
        .plan("phases: {apps: {timeout: 8s}}\n")
        .manifest("apps/web.yaml", &faulty_deployment("web", "never-ready"));
    let proxy = Proxy::start();
    let renewals = Requests::mutating().about("/leases/");
    let put_off = Fault::Answer(Answer::too_many_requests(60));
    proxy.inject([Rule::new(renewals, put_off).times(1)]);
    let run = proxy.run(project.up(&["--lock-expiry", "6s"])).exited(1);
    assert!(!run.stderr.contains("the lock"), "{}", run.stderr);
    let renewed = proxy.mutating();
    let answers = renewed
        .iter()
        .filter(|request| request.path.contains("/leases/"))
        .map(|request| request.status);
    assert_eq!(answers.take(2).collect::<Vec<_>>(), [Some(429), Some(200)]);
    assert_eq!(project.status()["standing"], "rolled-back");
}

#[test]
fn a_lease_that_somebody_annotates_is_kept() {
    let project = endless("annotated-lock");
    let mut first = under_way(project.up(&["--lock-expiry", "2s"]));
    let name = format!("lease/deployctl.{}", project.release());
    kubectl(&["annotate", &name, "-n", STATE, "example.org/note=seen"]);
    let token = || lock_of(&project)["metadata"]["annotations"]["deployctl.dev/lock-token"].clone();
    let (held, renewed) = (token(), lock_of(&project)["spec"]["renewTime"].clone());
    eventually("it is renewed", || {
        (lock_of(&project)["spec"]["renewTime"] != renewed).then_some(())
    });
    assert_eq!(token(), held);
    // It goes on: the next phase is reached.
    project.kubectl(&[
        "patch",
        "deployment/web",
        "--type=json",
        "-p",
        r#"[{"op":"remove","path":"/spec/template/metadata/labels/sandbox.deployctl.dev~1fault"}]"#,
    ]);
    first.until(|event| event["event"] == "object-written" && event["object"]["name"] == "later");
    let (status, _, stderr) = first.end();
    assert_eq!(status, Some(0), "{stderr}");
}
