//! `status`.

use serde_json::Value;

use super::{
    manifests::faulty_deployment,
    platform::{PHASES, platform},
    project::{Project, name},
};

fn states(status: &Value) -> Vec<(String, String)> {
    let objects = status["phases"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|phase| phase["objects"].as_array().unwrap());
    objects
        .map(|object| {
            (
                name(&object["id"]),
                object["verdict"]["state"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

#[test]
fn nothing_deployed_is_said_in_words() {
    let platform = platform("undeployed");
    let outcome = platform.command("status", &[]).run().exited(0);
    assert!(
        outcome.stdout.contains("undeployed.default") && outcome.stdout.contains("deployctl up"),
        "{}",
        outcome.stdout
    );
    let json = platform.status();
    assert_eq!(
        (&json["release"], &json["revision"], &json["phases"]),
        (
            &"undeployed.default".into(),
            &Value::Null,
            &Value::Array(Vec::new())
        )
    );
    platform.command("status", &["--exit-code"]).run().exited(6);
}

#[test]
fn a_plan_whose_variables_have_no_value_here_is_shown() {
    let project = Project::new("without-values")
        .plan("variables: {image_tag: {}}\nphases: {apps: {timeout: 2m}}\n")
        .manifest("apps/settings.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {tag: '${image_tag}'}\n");
    project.up(&["--set", "image_tag=v2"]).run().exited(0);
    let text = project
        .command("status", &["--exit-code"])
        .run()
        .exited(0)
        .stdout;
    assert!(text.contains("/settings"), "{text}");
    let refused = project
        .command("status", &["--set", "image_tga=v2"])
        .run()
        .exited(2);
    assert!(
        refused.stderr.contains("did you mean `image_tag`"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_release_is_shown_by_phase_until_something_is_missing() {
    let platform = platform("shown");
    platform.deploy(&[]);
    let status = platform
        .command("status", &["--exit-code", "-o", "json"])
        .run()
        .exited(0)
        .json();
    let phases: Vec<&str> = status["phases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|phase| phase["name"].as_str().unwrap())
        .collect();
    assert_eq!(phases, PHASES);
    assert_eq!(status["revision"]["outcome"], "succeeded");
    assert_eq!(states(&status).len(), 13);
    assert!(
        states(&status).iter().all(|(_, state)| state == "ready"),
        "{:?}",
        states(&status)
    );
    let yaml = platform
        .command("status", &["-o", "yaml"])
        .run()
        .exited(0)
        .stdout;
    assert!(yaml.contains("release: shown.default\n"), "{yaml}");
    let text = platform.command("status", &[]).run().exited(0).stdout;
    for part in [
        "shown.default",
        "databases",
        "StatefulSet/shown/database",
        "1/1",
        "1Gi standard Bound",
    ] {
        assert!(text.contains(part), "`{part}` is missing:\n{text}");
    }

    platform.kubectl(&["delete", "configmap/web"]);
    platform.kubectl(&["scale", "deployment/prometheus", "--replicas=0"]);
    let status = platform
        .command("status", &["--exit-code", "-o", "json"])
        .run()
        .exited(6)
        .json();
    let missing: Vec<(String, String)> = states(&status)
        .into_iter()
        .filter(|(_, state)| state == "missing")
        .collect();
    assert_eq!(
        missing,
        [("ConfigMap/shown/web".to_owned(), "missing".to_owned())]
    );
    // Without the flag differences are no failure.
    platform.command("status", &[]).run().exited(0);
}

#[test]
fn a_workload_that_fails_after_its_run_is_seen() {
    let platform = platform("fails-later");
    platform.deploy(&[]);
    let faulty = faulty_deployment("web", "image-pull");
    let arguments = [
        "apply",
        "--server-side",
        "--force-conflicts",
        "--namespace",
        "fails-later",
        "-f",
        "-",
    ];
    assert!(
        crate::support::try_kubectl(&arguments, &faulty)
            .status
            .success()
    );
    crate::support::eventually("the workload is not ready", || {
        let outcome = platform
            .command("status", &["--exit-code", "-o", "json"])
            .run();
        let state = |(object, state): &(String, String)| {
            object == "Deployment/fails-later/web" && state == "failed"
        };
        (outcome.status == 6 && states(&outcome.json()).iter().any(state)).then_some(())
    });
    let text = platform.command("status", &[]).run().exited(0).stdout;
    assert!(text.contains("ImagePull"), "{text}");
}

#[test]
fn failing_is_tolerated_as_long_as_the_phase_says() {
    let project = Project::new("status-budget")
        .plan("phases: {apps: {timeout: 1m, failureBudget: {restarts: 0, grace: 1s}}}\n")
        .manifest("apps/web.yaml", &faulty_deployment("web", "image-pull"));
    project.up(&["--no-rollback"]).run().exited(3);
    // By default it would be in progress for 20 s.
    assert!(states(&project.status()).contains(&(
        "Deployment/status-budget/web".to_owned(),
        "failed".to_owned()
    )));
}
