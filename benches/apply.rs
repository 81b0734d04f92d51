//! Compares `deployctl up` with a bare loop of 16 parallel PATCH requests that send the same
//! objects.
//!
//! Run by `make bench`, inside a sandbox: it needs `KUBECONFIG`, and `DEPLOYCTL` with the path of
//! the release build. Prints one line for each figure; asserts nothing, because a time is a
//! measurement and not a test.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::{Request, header};
use http_body_util::BodyExt as _;
use kube::{Client, Config, client::Body};
use serde_json::{Value, json};

/// Objects that one release holds.
const OBJECTS: usize = 1_000;
/// How many of them are Deployments with a pod each.
const DEPLOYMENTS: usize = 100;
/// Rounds, of which the median counts.
const ROUNDS: usize = 5;
/// Requests that are under way at once.
const PARALLEL: usize = 16;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Result<()> {
    let deployctl = PathBuf::from(
        std::env::var_os("DEPLOYCTL").ok_or("DEPLOYCTL must name the program to measure")?,
    );
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    start_up(&deployctl)?;
    runtime.block_on(apply(&deployctl))
}

/// How long the program takes to print its help.
fn start_up(deployctl: &Path) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..21 {
        let started = Instant::now();
        Command::new(deployctl)
            .arg("--help")
            .stdout(Stdio::null())
            .status()?;
        times.push(started.elapsed());
    }
    print(&format!(
        "deployctl --help: {:.1} ms (median of 21)",
        millis(median(times))
    ))
}

async fn apply(deployctl: &Path) -> Result<()> {
    let mut config = Config::infer().await?;
    config.default_retry = false;
    let client = Client::try_from(config)?;
    let mut figures = Figures::default();
    for round in 0..ROUNDS {
        // Alternating, so that a machine that grows slower or faster meets both alike.
        if round % 2 == 0 {
            bare_round(&client, round, &mut figures).await?;
            deployctl_round(&client, deployctl, round, &mut figures).await?;
        } else {
            deployctl_round(&client, deployctl, round, &mut figures).await?;
            bare_round(&client, round, &mut figures).await?;
        }
        print(&figures.last_round(round))?;
    }
    print(&figures.summary())
}

/// Times in seconds, one for each round.
#[derive(Default)]
struct Figures {
    bare_fresh: Vec<f64>,
    bare_again: Vec<f64>,
    fresh: Vec<f64>,
    fresh_whole: Vec<f64>,
    again: Vec<f64>,
    memory: Vec<u64>,
}

impl Figures {
    fn last_round(&self, round: usize) -> String {
        let last = |times: &[f64]| times.last().copied().unwrap_or_default();
        format!(
            "round {round}: bare {:.2} s and {:.2} s, deployctl {:.2} s ({:.2} s with preflight) and {:.2} s",
            last(&self.bare_fresh),
            last(&self.bare_again),
            last(&self.fresh),
            last(&self.fresh_whole),
            last(&self.again)
        )
    }

    fn summary(&self) -> String {
        let fresh = middle(&self.fresh) / middle(&self.bare_fresh);
        let preflight =
            (middle(&self.fresh_whole) - middle(&self.fresh)) / middle(&self.bare_fresh);
        let again = middle(&self.again) / middle(&self.bare_again);
        format!(
            "{OBJECTS} objects, {DEPLOYMENTS} of them Deployments with a pod each, median of {ROUNDS}:\n\
             fresh, ready, from the first write: {fresh:.2} x bare\n\
             preflight before it: {preflight:.2} x bare\n\
             unchanged, the whole program: {again:.2} x bare\n\
             peak memory of `up`: {} MB",
            self.memory
                .iter()
                .max()
                .copied()
                .unwrap_or_default()
                .div_ceil(1_000_000)
        )
    }
}

async fn bare_round(client: &Client, round: usize, figures: &mut Figures) -> Result<()> {
    let namespace = format!("bare-{round}");
    patch(client, &namespace_body(&namespace)).await?;
    let objects = objects(&namespace);
    let started = Instant::now();
    patch_all(client, &objects).await?;
    figures.bare_fresh.push(started.elapsed().as_secs_f64());
    wait_for_deployments(client, &namespace).await?;
    let started = Instant::now();
    patch_all(client, &objects).await?;
    figures.bare_again.push(started.elapsed().as_secs_f64());
    delete_namespace(client, &namespace).await
}

async fn deployctl_round(
    client: &Client,
    deployctl: &Path,
    round: usize,
    figures: &mut Figures,
) -> Result<()> {
    let namespace = format!("bench-{round}");
    patch(client, &namespace_body(&namespace)).await?;
    let folder = tempfile::tempdir()?;
    write_plan(folder.path(), &namespace)?;
    let first = up(deployctl, folder.path())?;
    figures.fresh.push(first.took);
    figures.fresh_whole.push(first.whole);
    let again = up(deployctl, folder.path())?;
    figures.again.push(again.whole);
    figures.memory.extend([first.memory, again.memory]);
    delete_namespace(client, &namespace).await
}

fn write_plan(folder: &Path, namespace: &str) -> Result<()> {
    fs::create_dir_all(folder.join("plans"))?;
    fs::create_dir_all(folder.join("manifests"))?;
    let plan = format!(
        "apiVersion: deployctl.dev/v1\nname: {namespace}\nsources: [../manifests]\nenvironments: {{bench: {{namespace: {namespace}}}}}\n"
    );
    fs::write(folder.join("plans/bench.yaml"), plan)?;
    for (index, object) in objects(namespace).iter().enumerate() {
        fs::write(
            folder.join(format!("manifests/{index:04}.json")),
            serde_json::to_vec(object)?,
        )?;
    }
    Ok(())
}

/// One run of `up`.
struct Up {
    /// Seconds from the first write to the end.
    took: f64,
    /// Seconds from start to end of the process.
    whole: f64,
    /// Bytes of memory at the peak.
    memory: u64,
}

fn up(deployctl: &Path, folder: &Path) -> Result<Up> {
    let started = Instant::now();
    let mut child = Command::new(deployctl)
        .args(["up", "--yes", "-o", "jsonl"])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdout = child.stdout.take().ok_or("no standard output")?;
    let reader = std::thread::spawn(move || io::read_to_string(&mut stdout));
    let mut memory = 0;
    let status = loop {
        memory = memory.max(peak_memory(child.id()).unwrap_or(0));
        match child.try_wait()? {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let whole = started.elapsed().as_secs_f64();
    let output = reader.join().map_err(|_| "the reader panicked")??;
    if !status.success() {
        return Err(format!(
            "up failed: {}",
            io::read_to_string(child.stderr.take().ok_or("no standard error")?)?
        )
        .into());
    }
    let finished = output
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find(|event| event["event"] == "run-finished");
    Ok(Up {
        took: finished
            .and_then(|event| event["took"].as_f64())
            .unwrap_or(0.0),
        whole,
        memory,
    })
}

/// Peak resident memory of a process that runs, in bytes.
fn peak_memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

async fn patch_all(client: &Client, objects: &[Value]) -> Result<()> {
    stream::iter(objects)
        .map(|object| patch(client, object))
        .buffer_unordered(PARALLEL)
        .try_collect::<Vec<()>>()
        .await
        .map(|_| ())
}

async fn patch(client: &Client, object: &Value) -> Result<()> {
    let path = format!("{}?force=true&fieldManager=bare", path(object));
    let request = Request::patch(path)
        .header(header::CONTENT_TYPE, "application/apply-patch+yaml")
        .body(Body::from(serde_json::to_vec(object)?))?;
    let response = client.send(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    if status.is_success() {
        Ok(())
    } else {
        Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into())
    }
}

async fn wait_for_deployments(client: &Client, namespace: &str) -> Result<()> {
    loop {
        let list: Value = client
            .request(
                Request::get(format!("/apis/apps/v1/namespaces/{namespace}/deployments"))
                    .body(Vec::new())?,
            )
            .await?;
        let items = list["items"].as_array().cloned().unwrap_or_default();
        if items
            .iter()
            .all(|item| item["status"]["availableReplicas"] == 1)
        {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Deletes a namespace and waits until it is gone, so that its pods do not slow the next round
/// down.
async fn delete_namespace(client: &Client, namespace: &str) -> Result<()> {
    let path = format!("/api/v1/namespaces/{namespace}");
    let _: Value = client
        .request(Request::delete(&path).body(Vec::new())?)
        .await?;
    while client
        .request::<Value>(Request::get(&path).body(Vec::new())?)
        .await
        .is_ok()
    {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(())
}

fn path(object: &Value) -> String {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
    match object["kind"].as_str().unwrap_or_default() {
        "Namespace" => format!("/api/v1/namespaces/{name}"),
        "Deployment" => format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}"),
        "Service" => format!("/api/v1/namespaces/{namespace}/services/{name}"),
        "ServiceAccount" => format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}"),
        "Role" => format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles/{name}"),
        _ => format!("/api/v1/namespaces/{namespace}/configmaps/{name}"),
    }
}

fn namespace_body(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

/// The objects of one release: Deployments, and for the rest ConfigMaps, Services,
/// `ServiceAccounts` and Roles in turn.
fn objects(namespace: &str) -> Vec<Value> {
    let deployments = (0..DEPLOYMENTS).map(|index| deployment(namespace, index));
    let others = (DEPLOYMENTS..OBJECTS).map(|index| {
        let metadata = json!({"name": format!("object-{index}"), "namespace": namespace, "labels": {"app.kubernetes.io/part-of": "bench"}});
        match index % 10 {
            0 | 1 => json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"selector": {"app": format!("app-{index}")}, "ports": [{"port": 80}]}}),
            2 => json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}),
            3 => json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}),
            _ => json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"key": "value ".repeat(40), "index": index.to_string()}}),
        }
    });
    deployments.chain(others).collect()
}

fn deployment(namespace: &str, index: usize) -> Value {
    let name = format!("app-{index}");
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{
                    "name": "app", "image": "registry.example/app:1", "ports": [{"containerPort": 8080}],
                    "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"cpu": "10m", "memory": "10Mi"}},
                    "env": [{"name": "INDEX", "value": index.to_string()}],
                }]},
            },
        },
    })
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn middle(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn print(text: &str) -> Result<()> {
    use io::Write as _;
    Ok(writeln!(io::stdout(), "{text}")?)
}
