//! A pod starts once everything is there that it reads, and says in a kubelet's words what is not.

use serde_json::{Value, json};

use crate::support::{apply, eventually, get, kubectl, list, namespace, try_kubectl};

/// What is read, what a kubelet says where it is not there, and how it says it.
struct Case {
    name: &'static str,
    spec: &'static str,
    reason: &'static str,
    message: &'static str,
}

const fn case(
    name: &'static str,
    spec: &'static str,
    reason: &'static str,
    message: &'static str,
) -> Case {
    Case {
        name,
        spec,
        reason,
        message,
    }
}

const CONFIG: &str = "CreateContainerConfigError";

/// One pod for each way in which something is read. `NS` stands for the namespace.
const CASES: [Case; 14] = [
    case(
        "env-secret",
        "containers: [{name: main, image: web:1, env: [{name: A, valueFrom: {secretKeyRef: {name: absent, key: k}}}]}]",
        CONFIG,
        r#"secret "absent" not found"#,
    ),
    case(
        "env-secret-key",
        "containers: [{name: main, image: web:1, env: [{name: A, valueFrom: {secretKeyRef: {name: there, key: absent}}}]}]",
        CONFIG,
        "couldn't find key absent in Secret NS/there",
    ),
    case(
        "env-config",
        "containers: [{name: main, image: web:1, env: [{name: A, valueFrom: {configMapKeyRef: {name: absent, key: k}}}]}]",
        CONFIG,
        r#"configmap "absent" not found"#,
    ),
    case(
        "env-config-key",
        "containers: [{name: main, image: web:1, env: [{name: A, valueFrom: {configMapKeyRef: {name: there, key: absent}}}]}]",
        CONFIG,
        "couldn't find key absent in ConfigMap NS/there",
    ),
    case(
        "env-from-secret",
        "containers: [{name: main, image: web:1, envFrom: [{secretRef: {name: absent}}]}]",
        CONFIG,
        r#"secret "absent" not found"#,
    ),
    case(
        "env-from-config",
        "containers: [{name: main, image: web:1, envFrom: [{configMapRef: {name: there}}, {configMapRef: {name: absent}}]}]",
        CONFIG,
        r#"configmap "absent" not found"#,
    ),
    // A key of binary data can be mounted, and is no variable.
    case(
        "env-binary",
        "containers: [{name: main, image: web:1, env: [{name: A, valueFrom: {configMapKeyRef: {name: there, key: binary}}}]}]",
        CONFIG,
        "couldn't find key binary in ConfigMap NS/there",
    ),
    case(
        "init-env",
        "initContainers: [{name: first, image: web:1}, {name: main, image: web:1, envFrom: [{secretRef: {name: absent}}]}, {name: last, image: web:1}]\n  containers: [{name: web, image: web:1}]",
        CONFIG,
        r#"secret "absent" not found"#,
    ),
    case(
        "after-init",
        "initContainers: [{name: first, image: web:1}]\n  containers: [{name: web, image: web:1}, {name: main, image: web:1, envFrom: [{secretRef: {name: absent}}]}]",
        CONFIG,
        r#"secret "absent" not found"#,
    ),
    case(
        "volume-secret",
        "containers: [{name: main, image: web:1}]\n  volumes: [{name: v, secret: {secretName: absent}}]",
        "FailedMount",
        r#"MountVolume.SetUp failed for volume "v" : secret "absent" not found"#,
    ),
    case(
        "volume-secret-key",
        "containers: [{name: main, image: web:1}]\n  volumes: [{name: v, secret: {secretName: there, items: [{key: k, path: k}, {key: absent, path: a}]}}]",
        "FailedMount",
        r#"MountVolume.SetUp failed for volume "v" : references non-existent secret key: absent"#,
    ),
    case(
        "volume-config",
        "containers: [{name: main, image: web:1}]\n  volumes: [{name: v, configMap: {name: absent}}]",
        "FailedMount",
        r#"MountVolume.SetUp failed for volume "v" : configmap "absent" not found"#,
    ),
    case(
        "volume-config-key",
        "containers: [{name: main, image: web:1}]\n  volumes: [{name: v, configMap: {name: there, items: [{key: binary, path: b}, {key: absent, path: a}]}}]",
        "FailedMount",
        r#"MountVolume.SetUp failed for volume "v" : configmap references non-existent config key: absent"#,
    ),
    case(
        "volume-projected",
        "containers: [{name: main, image: web:1}]\n  volumes: [{name: v, projected: {sources: [{secret: {name: absent}}, {configMap: {name: absent}}, {secret: {name: there}}]}}]",
        "FailedMount",
        r#"MountVolume.SetUp failed for volume "v" : [secret "absent" not found, configmap "absent" not found]"#,
    ),
];

/// Pods that lack nothing: what is not there is optional, or is not read.
const FINE: [(&str, &str); 4] = [
    (
        "fine-optional",
        "containers: [{name: main, image: web:1, envFrom: [{secretRef: {name: never, optional: true}}, {configMapRef: {name: never, optional: true}}], env: [{name: A, valueFrom: {secretKeyRef: {name: there, key: never, optional: true}}}, {name: B, valueFrom: {configMapKeyRef: {name: never, key: k, optional: true}}}]}]",
    ),
    (
        "fine-optional-volumes",
        "containers: [{name: main, image: web:1}]\n  volumes: [{name: a, secret: {secretName: never, optional: true}}, {name: b, configMap: {name: there, optional: true, items: [{key: never, path: file}]}}, {name: c, projected: {sources: [{secret: {name: never, optional: true}}]}}]",
    ),
    (
        "fine-there",
        "containers: [{name: main, image: web:1, env: [{name: A, valueFrom: {secretKeyRef: {name: there, key: k}}}, {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}], envFrom: [{configMapRef: {name: there}}]}]\n  volumes: [{name: a, configMap: {name: there, items: [{key: binary, path: b}]}}]",
    ),
    (
        "fine-image",
        "containers: [{name: main, image: \"Registry.test:5000/shop/web__api:V1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}]",
    ),
];

fn pod(name: &str, spec: &str) -> String {
    format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec:\n  {spec}\n---\n")
}

/// The warnings about a pod: reason and message of each, in no order.
fn warnings(namespace: &str, pod: &str) -> Vec<(String, String)> {
    let about = format!("events?fieldSelector=involvedObject.name={pod},type=Warning");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    list(namespace, &about)
        .iter()
        .filter(|event| event["reason"] != "FailedScheduling")
        .map(|event| (text(&event["reason"]), text(&event["message"])))
        .collect()
}

/// Waits until there is this warning about a pod.
#[track_caller]
fn warned(namespace: &str, pod: &str, reason: &str, message: &str) {
    let wanted = (reason.to_owned(), message.to_owned());
    eventually(
        &format!(
            "there is `{reason}: {message}` about {pod}, not {:?}",
            warnings(namespace, pod)
        ),
        || warnings(namespace, pod).contains(&wanted).then_some(()),
    );
}

/// The container called `main` of a pod, as its status says.
fn main_status(pod: &Value) -> Value {
    let lists = ["initContainerStatuses", "containerStatuses"];
    let mut statuses = lists
        .iter()
        .filter_map(|list| pod["status"][*list].as_array())
        .flatten();
    let found = statuses.find(|status| status["name"] == "main");
    found.cloned().unwrap_or_default()
}

#[track_caller]
fn await_ready(namespace: &str, pods: &[&str]) {
    let names: Vec<String> = pods.iter().map(|pod| format!("pod/{pod}")).collect();
    let mut arguments = vec![
        "wait",
        "-n",
        namespace,
        "--for=condition=Ready",
        "--timeout=30s",
    ];
    arguments.extend(names.iter().map(String::as_str));
    kubectl(&arguments);
}

const THERE: &str = "apiVersion: v1
kind: Secret
metadata: {name: there}
stringData: {k: v}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: there}
data: {k: v}
binaryData: {binary: AAEC}
---
";

#[test]
fn a_pod_waits_for_what_it_reads_in_a_kubelets_words() {
    let namespace = namespace("reads");
    let broken: String = CASES.iter().map(|case| pod(case.name, case.spec)).collect();
    let fine: String = FINE.iter().map(|(name, spec)| pod(name, spec)).collect();
    apply(&namespace, &(THERE.to_owned() + &broken + &fine));
    await_ready(&namespace, &FINE.map(|(name, _)| name));
    for case in &CASES {
        says_what_it_lacks(&namespace, case);
    }
    for (name, _) in FINE {
        assert_eq!(warnings(&namespace, name), [], "{name}");
    }
    others_are_as_far_as_they_can_be(&namespace);
    what_comes_is_taken(&namespace);
}

#[track_caller]
fn says_what_it_lacks(namespace: &str, case: &Case) {
    let name = case.name;
    let message = case.message.replace("NS", namespace);
    if case.reason == "FailedMount" {
        warned(namespace, name, "FailedMount", &message);
        let status = main_status(&get(namespace, &format!("pod/{name}")));
        let waiting = json!({"waiting": {"reason": "ContainerCreating"}});
        assert_eq!(status["state"], waiting, "{name}");
        return;
    }
    let waiting = json!({"waiting": {"reason": case.reason, "message": message}});
    eventually(&format!("{name} waits"), || {
        let pod = get(namespace, &format!("pod/{name}"));
        (main_status(&pod)["state"] == waiting).then_some(())
    });
    warned(namespace, name, "Failed", &format!("Error: {message}"));
}

/// What was missing comes: first the objects, then the keys.
fn what_comes_is_taken(namespace: &str) {
    let absent = THERE.replace("name: there", "name: absent");
    apply(namespace, &absent);
    let of_keys = [
        "env-secret-key",
        "env-config-key",
        "volume-secret-key",
        "volume-config-key",
        "env-binary",
    ];
    let whole = CASES.iter().map(|case| case.name);
    let whole: Vec<&str> = whole.filter(|name| !of_keys.contains(name)).collect();
    await_ready(namespace, &whole);
    for name in of_keys {
        let pod = get(namespace, &format!("pod/{name}"));
        assert_eq!(pod["status"]["phase"], "Pending", "{name}");
    }
    apply(namespace, &THERE.replace("{k: v}", "{k: v, absent: v}"));
    await_ready(namespace, &of_keys[..4]);
    // What has started goes on without.
    kubectl(&[
        "delete",
        "-n",
        namespace,
        "secret/absent",
        "configmap/absent",
    ]);
    let pod = get(namespace, "pod/env-secret");
    assert_eq!(main_status(&pod)["ready"], true, "{pod:#}");
}

/// Containers beside one that cannot be created.
fn others_are_as_far_as_they_can_be(namespace: &str) {
    let state = |pod: &Value, list: &str, index: usize| pod["status"][list][index]["state"].clone();
    let pod = get(namespace, "pod/init-env");
    assert_eq!(
        state(&pod, "initContainerStatuses", 0)["terminated"]["reason"],
        "Completed"
    );
    for (list, index) in [("initContainerStatuses", 2), ("containerStatuses", 0)] {
        assert_eq!(
            state(&pod, list, index)["waiting"]["reason"],
            "PodInitializing",
            "{pod:#}"
        );
    }
    let running = eventually("the container beside it runs", || {
        let pod = get(namespace, "pod/after-init");
        (!state(&pod, "containerStatuses", 0)["running"].is_null()).then_some(pod)
    });
    assert_eq!(running["status"]["phase"], "Pending");
    let ready = running["status"]["conditions"].as_array().unwrap().iter();
    let ready: Vec<&Value> = ready
        .filter(|it| it["type"] == "Ready")
        .map(|it| &it["status"])
        .collect();
    assert_eq!(ready, ["False"]);
}

#[test]
fn an_image_that_has_no_name_is_not_pulled() {
    let namespace = namespace("no-name");
    let images = [
        (
            "upper",
            "shop/API:1",
            "invalid reference format: repository name (shop/API) must be lowercase",
        ),
        ("empty", ":1", "invalid reference format"),
        (
            "variable",
            "ghcr.io/shop/${image}:1",
            "invalid reference format",
        ),
    ];
    let pods: String = images
        .iter()
        .map(|(name, image, _)| {
            pod(
                name,
                &format!(
                    "containers: [{{name: main, image: \"{image}\"}}, {{name: side, image: web:1}}]"
                ),
            )
        })
        .collect();
    apply(&namespace, &pods);
    for (name, image, why) in images {
        let message = format!(
            "Failed to apply default image tag \"{image}\": couldn't parse image name \"{image}\": {why}"
        );
        let waiting = json!({"waiting": {"reason": "InvalidImageName", "message": message}});
        eventually("the container waits", || {
            let pod = get(&namespace, &format!("pod/{name}"));
            (main_status(&pod)["state"] == waiting).then_some(())
        });
        warned(&namespace, name, "InspectFailed", &message);
        warned(&namespace, name, "Failed", "Error: InvalidImageName");
    }
    let image = r#"{"spec": {"containers": [{"name": "main", "image": "shop/api:1"}]}}"#;
    kubectl(&["patch", "-n", &namespace, "pod/upper", "-p", image]);
    await_ready(&namespace, &["upper"]);
}

/// A kubelet pulls without secrets that are not there, and says so; it says nothing of those of
/// another type.
/// <https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/credentialprovider/secrets/secrets.go>
#[test]
fn secrets_for_pulling_images_are_told_where_they_are_missing() {
    let namespace = namespace("pull");
    let spec = |name: &str| {
        format!(
            "imagePullSecrets: [{{name: {name}}}]\n  containers: [{{name: main, image: web:1}}]"
        )
    };
    let opaque =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: opaque}\nstringData: {k: v}\n---\n";
    apply(
        &namespace,
        &(opaque.to_owned()
            + &pod("without", &spec("absent"))
            + &pod("other-type", &spec("opaque"))),
    );
    await_ready(&namespace, &["without", "other-type"]);
    let told = "Unable to retrieve some image pull secrets (absent); attempting to pull the image may not succeed.";
    warned(
        &namespace,
        "without",
        "FailedToRetrieveImagePullSecret",
        told,
    );
    assert_eq!(warnings(&namespace, "other-type"), []);
}

#[test]
fn a_claim_or_an_account_that_is_not_there_is_told_by_the_real_servers() {
    let namespace = namespace("claims-absent");
    let pod_with_claim = pod(
        "user",
        "containers: [{name: main, image: web:1}]\n  volumes: [{name: data, persistentVolumeClaim: {claimName: absent}}]",
    );
    let workload = "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: stranger}\nspec:\n  replicas: 1\n  selector: {matchLabels: {app: stranger}}\n  \
                    template: {metadata: {labels: {app: stranger}}, spec: {serviceAccountName: absent, containers: [{name: main, image: web:1}]}}\n";
    apply(&namespace, &(pod_with_claim + workload));
    eventually("the scheduler names the claim", || {
        let pod = get(&namespace, "pod/user");
        let conditions = pod["status"]["conditions"].as_array()?;
        let message = conditions
            .iter()
            .find(|it| it["reason"] == "Unschedulable")?["message"]
            .as_str()?;
        message
            .contains("persistentvolumeclaim \"absent\" not found")
            .then_some(())
    });
    eventually("the controller names the account", || {
        let warnings = warnings(&namespace, "stranger");
        let mut messages = warnings
            .iter()
            .filter(|(reason, _)| reason == "FailedCreate");
        messages
            .any(|(_, message)| message.contains("serviceaccount \"absent\" not found"))
            .then_some(())
    });
    let refused = try_kubectl(
        &[
            "run",
            "-n",
            &namespace,
            "stranger",
            "--image=web:1",
            r#"--overrides={"spec":{"serviceAccountName":"absent"}}"#,
        ],
        "",
    );
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("serviceaccount \"absent\" not found")
    );
}

/// Many pods that start at once with what they read are never told to lack anything.
#[test]
fn what_is_created_right_before_its_pod_is_found() {
    let namespace = namespace("right-before");
    let one = |number: usize| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: s{number}}}\nstringData: {{k: v}}\n---\n"
        ) + &pod(
            &format!("p{number}"),
            &format!(
                "containers: [{{name: main, image: web:1, envFrom: [{{secretRef: {{name: s{number}}}}}]}}]"
            ),
        )
    };
    apply(&namespace, &(1..=40).map(one).collect::<String>());
    kubectl(&[
        "wait",
        "-n",
        &namespace,
        "--for=condition=Ready",
        "pod",
        "--all",
        "--timeout=30s",
    ]);
    let warnings = list(&namespace, "events?fieldSelector=type=Warning");
    assert_eq!(warnings, Vec::<Value>::new());
}
