//! The sandbox that all tests share, and looking at what is in it.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    api::Api,
    deployctl::{PROGRAM, inherited_environment},
    kinds::ServedKind,
};

/// The control plane that all tests of this run share.
pub(crate) struct Sandbox {
    /// Its kubeconfig; the context is `sandbox`, and `sandbox-restricted` is a user without any
    /// rights.
    pub(crate) kubeconfig: PathBuf,
    /// The requests of users, one JSON event each.
    pub(crate) audit_log: PathBuf,
    /// The kubectl of the same version.
    pub(crate) kubectl: PathBuf,
    /// The sandbox ends when its standard input does, so also when this process is killed.
    _process: Child,
}

/// The shared sandbox, started by the first test that asks for it.
pub(crate) fn sandbox() -> &'static Sandbox {
    static SANDBOX: LazyLock<Sandbox> =
        LazyLock::new(|| Sandbox::start("audit", "cert-manager,prometheus-operator,keda"));
    &SANDBOX
}

/// What Go's programs are told about garbage: the API server would spend a quarter of its time on
/// it (<https://go.dev/doc/gc-guide#GOGC>).
const COLLECT_SELDOM: [(&str, &str); 2] = [("GOGC", "400"), ("GOMEMLIMIT", "2GiB")];

impl Sandbox {
    /// Starts one with these sets of CRDs; its audit log is called `audit`.
    pub(crate) fn start(audit: &str, crds: &str) -> Self {
        let audit_log = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("{audit}-{}.log", std::process::id()));
        let script = "echo \"$KUBECONFIG\"; command -v kubectl; cat; rm -f \"$0\"";
        let mut command = Command::new(PROGRAM);
        command
            .env_clear()
            .envs(inherited_environment())
            .envs(COLLECT_SELDOM);
        command
            // Autoscalers that act would make other replicas than a test has asked for.
            .args(["sandbox", "run", "--no-metrics", "--crds", crds])
            .arg("--audit-log")
            .arg(&audit_log);
        command.args(["--", "sh", "-c", script]).arg(&audit_log);
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the built program can be run");
        let mut lines = BufReader::new(process.stdout.take().expect("its output is piped")).lines();
        let mut line = || {
            PathBuf::from(
                lines
                    .next()
                    .and_then(Result::ok)
                    .expect("the sandbox starts; its error is above"),
            )
        };
        Self {
            kubeconfig: line(),
            kubectl: line(),
            audit_log,
            _process: process,
        }
    }

    /// Runs its kubectl against it, however it ends; `input` is for `-f -`.
    pub(crate) fn try_kubectl(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = Command::new(&self.kubectl);
        command
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("GOGC", "off");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kubectl can be run");
        let _ = child
            .stdin
            .take()
            .expect("its input is piped")
            .write_all(input.as_bytes());
        child.wait_with_output().expect("kubectl ends")
    }

    /// What kubectl wrote; the test fails where it did.
    #[track_caller]
    pub(crate) fn kubectl(&self, arguments: &[&str], input: &str) -> String {
        succeed(arguments, &self.try_kubectl(arguments, input))
    }
}

/// Runs kubectl against the shared sandbox, however it ends; `input` is for `-f -`.
pub(crate) fn try_kubectl(arguments: &[&str], input: &str) -> Output {
    sandbox().try_kubectl(arguments, input)
}

/// Makes sure of the namespace that revisions and locks are kept in, as any earlier run would have.
pub(crate) fn state_namespace() {
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: deployctl-system}\n";
    // Another test may create it at the same time.
    let _ = try_kubectl(&["create", "-f", "-"], namespace);
}

/// Waits until the definition `name` is served. A definition that was just written has no
/// conditions yet, which `kubectl wait` does not bear.
#[track_caller]
pub(crate) fn established(name: &str) {
    eventually("the definition is established", || {
        let definition = get("default", &format!("crd/{name}"));
        let mut conditions = definition["status"]["conditions"].as_array()?.iter();
        conditions
            .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
            .then_some(())
    });
}

/// What kubectl wrote; the test fails where it did.
#[track_caller]
pub(crate) fn kubectl(arguments: &[&str]) -> String {
    succeed(arguments, &try_kubectl(arguments, ""))
}

/// Applies manifests to a namespace.
#[track_caller]
pub(crate) fn apply(namespace: &str, manifests: &str) -> String {
    let arguments = ["apply", "--namespace", namespace, "-f", "-"];
    succeed(&arguments, &try_kubectl(&arguments, manifests))
}

/// Applies manifests to a namespace as the manager `manager`, by server-side apply and without force.
#[track_caller]
pub(crate) fn apply_as(manager: &str, namespace: &str, manifests: &str) -> String {
    let manager = format!("--field-manager={manager}");
    let arguments = [
        "apply",
        "--server-side",
        &manager,
        "-n",
        namespace,
        "-f",
        "-",
    ];
    succeed(&arguments, &try_kubectl(&arguments, manifests))
}

/// Creates manifests in a namespace as the manager `manager`, as `kubectl create` does.
#[track_caller]
pub(crate) fn create_as(manager: &str, namespace: &str, manifests: &str) -> String {
    let manager = format!("--field-manager={manager}");
    let arguments = ["create", &manager, "-n", namespace, "-f", "-"];
    succeed(&arguments, &try_kubectl(&arguments, manifests))
}

/// An object as JSON, for example `get("shop-1", "deployment/web")`, and null where there is none;
/// who manages its fields is left out, as kubectl does.
#[track_caller]
pub(crate) fn get(namespace: &str, object: &str) -> Value {
    let (kind, name) = object.split_once('/').expect("a kind and a name");
    let path = ServedKind::called(kind).collection(Some(namespace));
    let mut object = Api::shared().get(&format!("{path}/{name}"));
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.remove("managedFields");
    }
    object
}

/// The objects of a kind in a namespace, for example `list("shop-1", "pods?labelSelector=app=web")`.
#[track_caller]
pub(crate) fn list(namespace: &str, kind: &str) -> Vec<Value> {
    let (kind, query) = kind.split_once('?').unwrap_or((kind, ""));
    let path = ServedKind::called(kind).collection(Some(namespace));
    let mut list = Api::shared().get(&format!("{path}?{query}"));
    list["items"]
        .as_array_mut()
        .map(std::mem::take)
        .unwrap_or_default()
}

#[track_caller]
fn succeed(arguments: &[&str], output: &Output) -> String {
    assert!(
        output.status.success(),
        "kubectl {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).expect("kubectl writes UTF-8")
}

/// A new namespace in which pods can be created. Its name is of this test alone.
pub(crate) fn namespace(prefix: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let name = format!("{prefix}-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    Api::shared().create("/api/v1/namespaces", &json!({"metadata": {"name": name}}));
    eventually("pods can be created", || {
        (!get(&name, "serviceaccount/default").is_null()).then_some(())
    });
    name
}

/// Asks until there is an answer; the test fails when there is none within 30 seconds.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "it never came about that {what}");
        thread::sleep(Duration::from_millis(50));
    }
}
