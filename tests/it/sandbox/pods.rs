use std::{
    io::{BufRead, BufReader, Write as _},
    net::TcpStream,
    process::{Command, Stdio},
};

use crate::support::{apply, eventually, get, kubectl, list, namespace, sandbox, try_kubectl};

const POD: &str = "apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {sandbox.deployctl.dev/http-status: '503', sandbox.deployctl.dev/http-body: '{\"up\":false}'}}
spec:
  initContainers: [{name: prepare, image: busybox}]
  containers: [{name: app, image: nginx, env: [{name: COLOUR, value: blue}], ports: [{containerPort: 3000}]}]
";

/// A namespace with a pod that is ready.
fn ready_pod(prefix: &str) -> String {
    let namespace = namespace(prefix);
    apply(&namespace, POD);
    kubectl(&[
        "wait",
        "-n",
        &namespace,
        "--for=condition=Ready",
        "pod/web",
        "--timeout=30s",
    ]);
    namespace
}

const WORKLOADS: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: app, image: nginx}], initContainers: [{name: prepare, image: busybox}]}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec: {template: {spec: {restartPolicy: OnFailure, containers: [{name: app, image: busybox}]}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec: {selector: {matchLabels: {app: agent}}, template: {metadata: {labels: {app: agent}}, spec: {containers: [{name: app, image: agent}]}}}
";

#[test]
fn workloads_become_ready_and_jobs_complete_by_themselves() {
    let namespace = namespace("workloads");
    apply(&namespace, WORKLOADS);
    for workload in ["deployment/web", "daemonset/agent"] {
        kubectl(&[
            "rollout",
            "status",
            "-n",
            &namespace,
            workload,
            "--timeout=30s",
        ]);
    }
    kubectl(&[
        "wait",
        "-n",
        &namespace,
        "--for=condition=Complete",
        "job/once",
        "--timeout=30s",
    ]);
    let pods = list(&namespace, "pods");
    let web = pods
        .iter()
        .find(|pod| pod["metadata"]["labels"]["app"] == "web")
        .unwrap();
    assert_eq!(
        web["status"]["initContainerStatuses"][0]["state"]["terminated"]["reason"],
        "Completed"
    );

    kubectl(&[
        "delete",
        "-n",
        &namespace,
        "deployment/web",
        "job/once",
        "daemonset/agent",
        "--cascade=foreground",
        "--timeout=30s",
    ]);
    assert_eq!(list(&namespace, "pods"), Vec::<serde_json::Value>::new());
}

#[test]
fn logs_are_json_lines_and_can_be_followed() {
    let namespace = ready_pod("logs");
    let text = kubectl(&["logs", "-n", &namespace, "web", "-c", "app"]);
    let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["address"], "0.0.0.0:3000");
    let output = try_kubectl(
        &["logs", "-n", &namespace, "web", "-c", "app", "--previous"],
        "",
    );
    assert!(
        String::from_utf8_lossy(&output.stderr)
            .contains("previous terminated container \"app\" in pod \"web\" not found")
    );

    let mut follow = Command::new(&sandbox().kubectl)
        .args(["logs", "-f", "-n", &namespace, "web", "-c", "app"])
        .env("KUBECONFIG", &sandbox().kubeconfig)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    assert!(
        lines
            .by_ref()
            .map(Result::unwrap)
            .any(|line| line.contains("request served"))
    );
    kubectl(&["delete", "-n", &namespace, "pod/web", "--timeout=30s"]);
    // The stream ends with the pod.
    assert!(follow.wait().unwrap().success());
}

#[test]
fn exec_passes_input_output_and_exit_status() {
    let namespace = ready_pod("exec");
    let script = "read line; echo \"$line from $POD_NAMESPACE/$POD_NAME is $COLOUR\"; echo trouble >&2; exit 4";
    let output = try_kubectl(
        &[
            "exec", "-i", "-n", &namespace, "web", "-c", "app", "--", "sh", "-c", script,
        ],
        "hello\n",
    );
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        format!("hello from {namespace}/web is blue\n")
    );
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .starts_with("trouble\n")
    );

    let megabyte: String = "0123456789abcdef".repeat(65_536);
    let output = try_kubectl(
        &[
            "exec", "-i", "-n", &namespace, "web", "-c", "app", "--", "cat",
        ],
        &megabyte,
    );
    assert!(output.status.success());
    assert!(output.stdout == megabyte.as_bytes());

    let output = try_kubectl(
        &[
            "exec", "-n", &namespace, "web", "-c", "prepare", "--", "true",
        ],
        "",
    );
    assert!(String::from_utf8_lossy(&output.stderr).contains("container not found (\"prepare\")"));
}

#[test]
fn behind_port_forward_answers_what_the_annotations_say() {
    let namespace = ready_pod("port-forward");
    let mut forward = Command::new(&sandbox().kubectl)
        .args(["port-forward", "-n", &namespace, "pod/web", ":8080"])
        .env("KUBECONFIG", &sandbox().kubeconfig)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    // kubectl writes a line per connection, so its output must stay open.
    let mut output = BufReader::new(forward.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let port: u16 = line
        .split_once("127.0.0.1:")
        .unwrap()
        .1
        .split_once(' ')
        .unwrap()
        .0
        .parse()
        .unwrap();
    let ask = || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream
            .write_all(b"GET /health HTTP/1.1\r\nHost: web\r\n\r\n")
            .unwrap();
        read_answer(BufReader::new(stream))
    };
    let answer = ask();
    assert!(
        answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("\r\n\r\n{\"up\":false}"),
        "{answer}"
    );
    kubectl(&[
        "annotate",
        "-n",
        &namespace,
        "pod/web",
        "sandbox.deployctl.dev/http-status-",
        "sandbox.deployctl.dev/http-body-",
    ]);
    let answer = eventually("the answer changes", || {
        Some(ask()).filter(|answer| answer.starts_with("HTTP/1.1 200 "))
    });
    assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
    forward.kill().unwrap();
    forward.wait().unwrap();
}

/// An answer whose body is as long as its header says; kwok does not tell the client when the
/// server has closed.
fn read_answer(mut reader: impl BufRead) -> String {
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        assert_ne!(
            reader.read_line(&mut text).expect("the answer goes on"),
            0,
            "{text}"
        );
    }
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .expect("the length is known")
        .parse()
        .expect("it is a number");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("the body is whole");
    text + &String::from_utf8(body).expect("it is text")
}

#[tokio::test]
async fn clients_in_rust_forward_ports_too() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let namespace = tokio::task::spawn_blocking(|| ready_pod("port-forward-rust"))
        .await
        .unwrap();
    let config = kube::config::Kubeconfig::read_from(&sandbox().kubeconfig).unwrap();
    let config =
        kube::Config::from_custom_kubeconfig(config, &kube::config::KubeConfigOptions::default())
            .await
            .unwrap();
    let client = kube::Client::try_from(config).unwrap();
    let pods: kube::Api<k8s_openapi::api::core::v1::Pod> =
        kube::Api::namespaced(client, &namespace);
    let mut forward = pods.portforward("web", &[3000]).await.unwrap();
    let mut stream = forward.take_stream(3000).unwrap();
    stream
        .write_all(b"GET /health HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(
        text.starts_with("HTTP/1.1 503 ") && text.ends_with("{\"up\":false}"),
        "{text}"
    );
}

#[test]
fn load_balancers_and_ingresses_get_addresses_unless_told_otherwise() {
    let namespace = namespace("addresses");
    let manifests = "apiVersion: v1
kind: Service
metadata: {name: public}
spec: {type: LoadBalancer, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: never, labels: {sandbox.deployctl.dev/fault: no-address}}
spec: {type: LoadBalancer, ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: front}
spec: {defaultBackend: {service: {name: public, port: {number: 80}}}}
";
    apply(&namespace, manifests);
    for object in ["service/public", "ingress/front"] {
        kubectl(&[
            "wait",
            "-n",
            &namespace,
            "--for=jsonpath={.status.loadBalancer.ingress[0].ip}",
            object,
            "--timeout=30s",
        ]);
    }
    assert_eq!(
        get(&namespace, "service/never")["status"]["loadBalancer"],
        serde_json::json!({})
    );
}
