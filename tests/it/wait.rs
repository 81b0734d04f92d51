//! `wait`: the readiness of `up` for scripts.

use std::thread;

use serde_json::Value;

use crate::support::{
    Deployctl, Outcome, apply, eventually, get, kubectl,
    manifests::{config_map, deployment, documents, faulty_deployment},
    namespace,
    proxy::Proxy,
};

fn wait(namespace: &str, arguments: &[&str]) -> Outcome {
    Deployctl::in_sandbox()
        .args(["wait", "--namespace", namespace])
        .args(arguments.iter().copied())
        .run()
}

#[test]
fn what_is_not_there_yet_is_waited_for_and_nothing_is_polled() {
    let namespace = namespace("wait-ready");
    let later = {
        let namespace = namespace.clone();
        thread::spawn(move || {
            apply(
                &namespace,
                &documents(&[
                    config_map("settings", "1"),
                    faulty_deployment("web", "slow"),
                ]),
            )
        })
    };
    let outcome = wait(
        &namespace,
        &["deploy/web", "ConfigMap/settings", "-v", "-o", "json"],
    )
    .exited(0);
    later.join().unwrap();
    let document: Value = outcome.json();
    assert_eq!(document["reached"], true);
    let states: Vec<&Value> = document["objects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["verdict"]["state"])
        .collect();
    assert_eq!(states, ["ready", "ready"]);
    assert!(
        outcome
            .stderr
            .contains(&format!("Deployment/{namespace}/web  in-progress")),
        "{}",
        outcome.stderr
    );
    let requests = outcome
        .stderr
        .lines()
        .find(|line| line.starts_with("Requests:"))
        .expect("requests are counted");
    let numbers: Vec<u32> = requests
        .split(|letter: char| !letter.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect();
    assert!(
        numbers.iter().sum::<u32>() <= 20,
        "ten seconds of waiting: {requests}"
    );
}

#[test]
fn what_fails_ends_the_wait_with_its_cause() {
    let namespace = namespace("wait-fails");
    apply(&namespace, &faulty_deployment("web", "crash-loop"));
    let outcome = wait(&namespace, &["deployment/web", "-o", "json"]).exited(1);
    for part in [
        "CrashLoopBackOff",
        "exited with code 1",
        "kubectl logs",
        " -p",
    ] {
        assert!(
            outcome.stderr.contains(part),
            "`{part}` is missing: {}",
            outcome.stderr
        );
    }
    let document = outcome.json();
    assert_eq!(
        (
            &document["reached"],
            &document["objects"][0]["verdict"]["state"]
        ),
        (&false.into(), &"failed".into())
    );
    assert!(
        document["failure"]["objects"][0]["cause"]
            .to_string()
            .contains("CrashLoopBackOff"),
        "{document:#}"
    );
}

#[test]
fn the_time_is_up_and_what_is_missing_is_named() {
    let namespace = namespace("wait-late");
    apply(&namespace, &deployment("web"));
    let outcome = wait(
        &namespace,
        &[
            "deployment/web",
            "secret/nobody-makes-it",
            "--timeout",
            "2s",
        ],
    )
    .exited(1);
    assert!(
        outcome.stderr.contains("timed out after 2 s"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome
            .stderr
            .contains(&format!("Secret/{namespace}/nobody-makes-it  missing")),
        "{}",
        outcome.stderr
    );
}

#[test]
fn what_goes_is_waited_for() {
    let namespace = namespace("wait-gone");
    let held = config_map("held", "1").replace(
        "{name: held}",
        "{name: held, finalizers: [shop.test/nobody]}",
    );
    apply(&namespace, &held);
    let outcome = wait(&namespace, &["cm/held", "--for", "gone", "--timeout", "1s"]).exited(1);
    assert!(
        outcome
            .stderr
            .contains(&format!("ConfigMap/{namespace}/held")),
        "{}",
        outcome.stderr
    );
    kubectl(&[
        "delete",
        "configmap",
        "held",
        "-n",
        &namespace,
        "--wait=false",
    ]);
    let releases = {
        let namespace = namespace.clone();
        thread::spawn(move || {
            kubectl(&[
                "patch",
                "configmap",
                "held",
                "-n",
                &namespace,
                "--type=merge",
                "-p",
                r#"{"metadata":{"finalizers":null}}"#,
            ])
        })
    };
    wait(
        &namespace,
        &[&format!("configmaps/{namespace}/held"), "--for", "gone"],
    )
    .exited(0);
    releases.join().unwrap();
}

#[test]
fn slips_are_told_before_anything_is_waited_for() {
    for (name, said) in [
        ("web", "`web` names no object"),
        ("deploiment/web", "serves no kind `deploiment`"),
        ("a/b/c/d", "names no object"),
    ] {
        let outcome = wait("default", &[name]).exited(2);
        assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    }
}

#[test]
fn a_plans_rules_are_used_where_it_is_named() {
    let namespace = namespace("wait-rules");
    apply(&namespace, &config_map("settings", "1"));
    let folder = tempfile::tempdir().unwrap();
    let rule = "readiness: [{kind: ConfigMap, name: settings, ready: object.data.value == '2'}]";
    std::fs::write(
        folder.path().join("plan.yaml"),
        format!("apiVersion: deployctl.dev/v1\nname: rules\nsources: [a.yaml]\n{rule}\n"),
    )
    .unwrap();
    std::fs::write(folder.path().join("a.yaml"), config_map("settings", "1")).unwrap();
    let wait = |timeout: &str| {
        let arguments = [
            "wait",
            "cm/settings",
            "--namespace",
            &namespace,
            "--rules",
            "plan.yaml",
            "--timeout",
            timeout,
        ];
        Deployctl::in_sandbox()
            .current_dir(folder.path())
            .args(arguments)
            .run()
    };
    let outcome = wait("1s").exited(1);
    assert!(
        outcome.stderr.contains("object.data.value == '2'"),
        "{}",
        outcome.stderr
    );
    kubectl(&[
        "patch",
        "configmap",
        "settings",
        "-n",
        &namespace,
        "--type=merge",
        "-p",
        r#"{"data":{"value":"2"}}"#,
    ]);
    wait("1m").exited(0);
}

/// As `kubectl wait --for=delete` does.
#[test]
fn what_is_made_again_is_gone_all_the_same() {
    let namespace = namespace("wait-again");
    let account = || get(&namespace, "serviceaccount/default")["metadata"]["uid"].clone();
    let before = eventually("the control plane makes it", || {
        account().is_string().then(&account)
    });
    let hold = r#"{"metadata":{"finalizers":["example.org/hold"]}}"#;
    let patch = |patch: &str| {
        let object = "serviceaccount/default";
        kubectl(&[
            "patch",
            object,
            "-n",
            &namespace,
            "--type=merge",
            "-p",
            patch,
        ]);
    };
    patch(hold);
    kubectl(&[
        "delete",
        "serviceaccount",
        "default",
        "-n",
        &namespace,
        "--wait=false",
    ]);
    let proxy = Proxy::start();
    let gone = [
        "serviceaccount/default",
        "--for",
        "gone",
        "--timeout",
        "30s",
    ];
    let run = Deployctl::in_sandbox().args(["wait", "--namespace", &namespace]);
    let run = proxy.through(run.args(gone));
    thread::scope(|scope| {
        let waiting = scope.spawn(|| run.run());
        // Which one is to be gone is known by then.
        let is_watched = || {
            let requests = proxy.requests();
            let mut requests = requests.iter();
            requests.any(|it| it.is_watch() && it.path.contains("/serviceaccounts"))
        };
        eventually("it is watched", || is_watched().then_some(()));
        patch(r#"{"metadata":{"finalizers":null}}"#);
        let after = eventually("it is made again", || {
            Some(account()).filter(|uid| uid.is_string() && *uid != before)
        });
        assert_ne!(after, before);
        waiting.join().unwrap().exited(0);
    });
}
