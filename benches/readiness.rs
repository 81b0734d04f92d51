//! Measures how soon `deployctl up` knows that a rollout is over, and what it asks the API server
//! for, while many roll out at once.
//!
//! Run by `make bench-readiness`, inside a sandbox: it needs `KUBECONFIG`, and `DEPLOYCTL` with the
//! path of the release build. An independent watch says when each Deployment was ready; the lag is
//! the time from there to the line in which `up` says so. Prints one line for each figure; asserts
//! nothing.

use std::{
    collections::HashMap,
    fs,
    io::{self, BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use futures::{StreamExt as _, TryStreamExt as _};
use http::Request;
use http_body_util::BodyExt as _;
use kube::{Client, Config, client::Body};
use serde_json::{Value, json};
use tokio_util::{
    codec::{FramedRead, LinesCodec},
    io::StreamReader,
};

/// Deployments that roll out at once, of one pod each.
const DEPLOYMENTS: usize = 200;
const NAMESPACE: &str = "bench-readiness";

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// When each Deployment was seen ready, by name and image.
type Ready = Arc<Mutex<HashMap<(String, String), Instant>>>;

fn main() -> Result<()> {
    let deployctl = PathBuf::from(
        std::env::var_os("DEPLOYCTL").ok_or("DEPLOYCTL must name the program to measure")?,
    );
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let ready = Ready::default();
    let client = runtime.block_on(client())?;
    runtime.block_on(make_namespace(&client))?;
    runtime.spawn(watch(client, Arc::clone(&ready)));
    let folder = tempfile::tempdir()?;
    for (what, image) in [
        ("fresh", "registry.example/app:1"),
        ("upgrade", "registry.example/app:2"),
    ] {
        write_plan(folder.path(), image)?;
        let run = up(&deployctl, folder.path(), image)?;
        run.tell(what, &ready)?;
    }
    Ok(())
}

async fn client() -> Result<Client> {
    let mut config = Config::infer().await?;
    config.default_retry = false;
    Ok(Client::try_from(config)?)
}

async fn make_namespace(client: &Client) -> Result<()> {
    let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
    let _: Value = client
        .request(Request::post("/api/v1/namespaces").body(serde_json::to_vec(&body)?)?)
        .await?;
    Ok(())
}

/// Follows all Deployments of the namespace to the end of the program.
async fn watch(client: Client, ready: Ready) -> Result<()> {
    let path = format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments?watch=true");
    let body = client
        .send(Request::get(path).body(Body::empty())?)
        .await?
        .into_body();
    let data = body.into_data_stream().map_err(io::Error::other);
    let mut lines = FramedRead::new(StreamReader::new(data), LinesCodec::new());
    while let Some(line) = lines.next().await {
        let now = Instant::now();
        let event: Value = serde_json::from_str(&line?)?;
        if let Some(key) = rolled_out(&event["object"]) {
            ready
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(key)
                .or_insert(now);
        }
    }
    Ok(())
}

/// Name and image of a Deployment whose rollout is over.
fn rolled_out(deployment: &Value) -> Option<(String, String)> {
    let status = &deployment["status"];
    let all = |field: &str| status[field] == deployment["spec"]["replicas"];
    let over = status["observedGeneration"] == deployment["metadata"]["generation"]
        && [
            "replicas",
            "updatedReplicas",
            "readyReplicas",
            "availableReplicas",
        ]
        .into_iter()
        .all(all);
    let image = deployment
        .pointer("/spec/template/spec/containers/0/image")?
        .as_str()?;
    over.then(|| {
        deployment["metadata"]["name"]
            .as_str()
            .map(|name| (name.to_owned(), image.to_owned()))
    })?
}

/// One run of `up`.
struct Run {
    image: String,
    /// When each Deployment was said to be ready.
    told: HashMap<String, Instant>,
    /// The event `run-finished`.
    finished: Value,
}

fn up(deployctl: &Path, folder: &Path, image: &str) -> Result<Run> {
    let mut child = Command::new(deployctl)
        .args(["up", "--yes", "-o", "jsonl", "--parallel", "32"])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut run = Run {
        image: image.to_owned(),
        told: HashMap::new(),
        finished: Value::Null,
    };
    for line in BufReader::new(child.stdout.take().ok_or("no standard output")?).lines() {
        let (line, now) = (line?, Instant::now());
        let event: Value = serde_json::from_str(&line)?;
        if event["event"] == "verdict-changed"
            && event["object"]["kind"] == "Deployment"
            && event["to"]["state"] == "ready"
        {
            run.told.insert(
                event["object"]["name"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                now,
            );
        }
        if event["event"] == "run-finished" {
            run.finished = event;
        }
    }
    if child.wait()?.success() {
        Ok(run)
    } else {
        Err("up failed".into())
    }
}

impl Run {
    fn tell(&self, what: &str, ready: &Ready) -> Result<()> {
        let ready = ready.lock().unwrap_or_else(PoisonError::into_inner);
        let lag = |(name, told): (&String, &Instant)| {
            let seen = ready.get(&(name.clone(), self.image.clone()))?;
            Some(told.saturating_duration_since(*seen).as_secs_f64() * 1000.0)
        };
        let mut lags: Vec<f64> = self.told.iter().filter_map(lag).collect();
        lags.sort_by(f64::total_cmp);
        let at = |percent: usize| {
            lags.get((lags.len() * percent).div_ceil(100).saturating_sub(1))
                .copied()
                .unwrap_or(f64::NAN)
        };
        let Value::Object(requests) = &self.finished["requests"] else {
            return Err("the run counted no requests".into());
        };
        let requests: Vec<String> = requests
            .iter()
            .filter(|(_, number)| **number != json!(0))
            .map(|(verb, number)| format!("{number} {verb}"))
            .collect();
        print(&format!(
            "{what}: {} of {DEPLOYMENTS} Deployments told ready, {} s in all\n  verdict lag against an independent watch: p50 {:.1} ms, p99 {:.1} ms, at most {:.1} ms\n  \
             verdict lag by the program's own clock: {}\n  requests: {}",
            lags.len(),
            self.finished["took"],
            at(50),
            at(99),
            at(100),
            self.finished["verdicts"],
            requests.join(", "),
        ))
    }
}

fn write_plan(folder: &Path, image: &str) -> Result<()> {
    fs::create_dir_all(folder.join("plans"))?;
    fs::create_dir_all(folder.join("manifests"))?;
    let plan = format!(
        "apiVersion: deployctl.dev/v1\nname: {NAMESPACE}\nsources: [../manifests]\nnamespace: {NAMESPACE}\n"
    );
    fs::write(folder.join("plans/bench.yaml"), plan)?;
    for index in 0..DEPLOYMENTS {
        let name = format!("app-{index}");
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": {
                "metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "app", "image": image}]}}},
        });
        fs::write(
            folder.join(format!("manifests/{index:04}.json")),
            serde_json::to_vec(&deployment)?,
        )?;
    }
    Ok(())
}

fn print(text: &str) -> Result<()> {
    use io::Write as _;
    Ok(writeln!(io::stdout(), "{text}")?)
}
