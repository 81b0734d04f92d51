use serde_json::Value;

use crate::support::{apply, eventually, get, kubectl, list, namespace};

/// A pod with a fault and annotations, given as YAML flow pairs.
fn pod(fault: &str, annotations: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: faulty, labels: {{sandbox.deployctl.dev/fault: {fault}}}, annotations: {{{annotations}}}}}\n\
         spec: {{containers: [{{name: app, image: registry.test/app:1}}, {{name: proxy, image: registry.test/proxy:1}}]}}\n"
    )
}

/// The pod, as soon as its first container waits for this reason.
fn waiting(namespace: &str, reason: &str) -> Value {
    eventually(&format!("the container waits: {reason}"), || {
        let pod = get(namespace, "pod/faulty");
        (pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == reason)
            .then_some(pod)
    })
}

fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    let conditions = object["status"]["conditions"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    conditions
        .iter()
        .find(|condition| condition["type"] == kind)
        .unwrap_or(&Value::Null)
}

#[test]
fn crash_loop_restarts_with_its_exit_code_and_last_words() {
    let namespace = namespace("crash-loop");
    apply(
        &namespace,
        &pod(
            "crash-loop",
            r#"sandbox.deployctl.dev/exit-code: "3", sandbox.deployctl.dev/log: "connecting\nno such host""#,
        ),
    );
    let pod = waiting(&namespace, "CrashLoopBackOff");
    let status = &pod["status"]["containerStatuses"][0];
    assert_eq!(status["lastState"]["terminated"]["exitCode"], 3);
    assert_eq!(status["lastState"]["terminated"]["reason"], "Error");
    assert_eq!(pod["status"]["containerStatuses"][1]["ready"], true);
    assert_eq!(condition(&pod, "Ready")["reason"], "ContainersNotReady");
    for previous in ["--previous=false", "--previous=true"] {
        assert_eq!(
            kubectl(&["logs", "-n", &namespace, "faulty", "-c", "app", previous]),
            "connecting\nno such host\n"
        );
    }
    eventually("the restarts are counted", || {
        let pod = get(&namespace, "pod/faulty");
        (pod["status"]["containerStatuses"][0]["restartCount"].as_i64() >= Some(3)).then_some(())
    });
    assert!(kubectl(&["events", "-n", &namespace]).contains("BackOff"));
}

#[test]
fn oom_is_killed_with_137() {
    let namespace = namespace("oom");
    apply(&namespace, &pod("oom", ""));
    let pod = waiting(&namespace, "CrashLoopBackOff");
    let last = &pod["status"]["containerStatuses"][0]["lastState"]["terminated"];
    assert_eq!(
        (&last["exitCode"], &last["reason"]),
        (&137.into(), &"OOMKilled".into())
    );
}

#[test]
fn image_pull_backs_off_and_names_the_image() {
    let namespace = namespace("image-pull");
    apply(
        &namespace,
        &pod("image-pull", "sandbox.deployctl.dev/container: app"),
    );
    let pod = waiting(&namespace, "ImagePullBackOff");
    let message = pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"]
        .as_str()
        .unwrap();
    assert!(message.contains("registry.test/app:1"), "{message}");
    assert_eq!(pod["status"]["phase"], "Pending");
}

#[test]
fn never_ready_runs_and_says_why_it_is_not_ready() {
    let namespace = namespace("never-ready");
    apply(&namespace, &pod("never-ready", ""));
    let pod = eventually("the pod runs", || {
        let pod = get(&namespace, "pod/faulty");
        (pod["status"]["phase"] == "Running").then_some(pod)
    });
    assert_eq!(condition(&pod, "Ready")["status"], "False");
    assert_eq!(
        condition(&pod, "Ready")["message"],
        "containers with unready status: [app]"
    );
    eventually("an event names the probe", || {
        kubectl(&["events", "-n", &namespace])
            .contains("Readiness probe failed: HTTP probe failed with statuscode: 503")
            .then_some(())
    });
}

#[test]
fn unschedulable_is_what_the_scheduler_itself_says() {
    let namespace = namespace("unschedulable");
    apply(&namespace, &pod("unschedulable", ""));
    let condition = eventually("the scheduler says why", || {
        let condition = condition(&get(&namespace, "pod/faulty"), "PodScheduled").clone();
        (condition["reason"] == "Unschedulable").then_some(condition)
    });
    assert!(
        condition["message"]
            .as_str()
            .unwrap()
            .contains("0/3 nodes are available"),
        "{condition}"
    );
}

#[test]
fn slow_takes_the_seconds_it_is_given() {
    let namespace = namespace("slow");
    apply(
        &namespace,
        &pod("slow", r#"sandbox.deployctl.dev/seconds: "2""#),
    );
    kubectl(&[
        "wait",
        "-n",
        &namespace,
        "--for=condition=Ready",
        "pod/faulty",
        "--timeout=30s",
    ]);
    let pod = get(&namespace, "pod/faulty");
    let seconds = |text: &Value| {
        text.as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .unwrap()
            .as_second()
    };
    assert!(
        seconds(&condition(&pod, "Ready")["lastTransitionTime"])
            - seconds(&condition(&pod, "PodScheduled")["lastTransitionTime"])
            >= 2
    );
}

#[test]
fn job_fails_fails_its_job() {
    let namespace = namespace("job-fails");
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: faulty}\nspec:\n  backoffLimit: 0\n  template:\n    metadata:\n      \
               labels: {sandbox.deployctl.dev/fault: job-fails}\n      annotations: {sandbox.deployctl.dev/exit-code: \"7\"}\n    \
               spec: {restartPolicy: Never, containers: [{name: app, image: app}]}\n";
    apply(&namespace, job);
    kubectl(&[
        "wait",
        "-n",
        &namespace,
        "--for=condition=Failed",
        "job/faulty",
        "--timeout=30s",
    ]);
    let job = get(&namespace, "job/faulty");
    assert_eq!(condition(&job, "Failed")["reason"], "BackoffLimitExceeded");
    let pods = list(&namespace, "pods");
    assert_eq!(
        pods[0]["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"],
        7
    );
}

#[test]
fn an_init_container_crashes_and_the_others_wait() {
    let namespace = namespace("init-crash");
    let manifest = pod("init-crash-loop", "").replace(
        "spec: {containers",
        "spec: {initContainers: [{name: migrate, image: registry.test/app:1}], containers",
    );
    apply(&namespace, &manifest);
    let pod = eventually("the init container waits", || {
        let pod = get(&namespace, "pod/faulty");
        (pod["status"]["initContainerStatuses"][0]["state"]["waiting"]["reason"]
            == "CrashLoopBackOff")
            .then_some(pod)
    });
    assert_eq!(condition(&pod, "Initialized")["status"], "False");
    assert_eq!(
        pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"],
        "PodInitializing"
    );
}

#[test]
fn a_container_without_its_configuration_is_not_created() {
    let namespace = namespace("missing-config");
    apply(
        &namespace,
        &pod(
            "missing-config",
            "sandbox.deployctl.dev/message: 'couldn''t find key port in ConfigMap shop/settings'",
        ),
    );
    let pod = waiting(&namespace, "CreateContainerConfigError");
    assert_eq!(
        pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"],
        "couldn't find key port in ConfigMap shop/settings"
    );
}

#[test]
fn a_volume_that_cannot_be_mounted_is_told_by_an_event_alone() {
    let namespace = namespace("mount-fails");
    apply(&namespace, &pod("mount-fails", ""));
    eventually("an event tells", || {
        kubectl(&["events", "-n", &namespace])
            .contains("FailedMount")
            .then_some(())
    });
    assert_eq!(get(&namespace, "pod/faulty")["status"]["phase"], "Pending");
}
