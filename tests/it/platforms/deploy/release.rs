//! An environment of a platform, deployed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    super::{
        platform::{Platform, root},
        rendered::{Rendered, is_called, items, set_arguments, text, title, with_programs},
    },
    cluster::cluster,
    table::Row,
    variant,
};
use crate::support::{
    Deployctl,
    audit::Audit,
    dump::{Dump, Scope},
    project::events,
    user::User,
};

/// An environment of a platform as a release, with a user of its own, whom the audit log names.
pub(super) struct Release {
    pub(super) platform: &'static Platform,
    pub(super) rendered: &'static Rendered,
    user: User,
    /// Its kubeconfig, and the values of its secrets.
    folder: TempDir,
    /// What was there before it.
    before: OnceLock<Dump>,
    /// What is there after it.
    after: OnceLock<Dump>,
}

/// The longest that autoscalers and rollouts take to come to rest.
const REST: Duration = Duration::from_secs(90);

impl Release {
    pub(super) fn new(platform: &'static Platform, rendered: &'static Rendered) -> Self {
        let name = format!("{}-{}", platform.name, rendered.environment);
        let user = User::administrator_of(&cluster().sandbox, &cluster().api, &name);
        let release = Self {
            platform,
            rendered,
            user,
            folder: tempfile::tempdir().unwrap(),
            before: OnceLock::new(),
            after: OnceLock::new(),
        };
        release.write_kubeconfig();
        fs::write(
            release.folder.path().join("secrets"),
            release.secrets().to_string(),
        )
        .unwrap();
        release
    }

    /// `PLAN.ENVIRONMENT`.
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.platform.data.plan, self.rendered.environment)
    }

    /// Whether it is the first environment of its platform.
    pub(super) fn is_first(&self) -> bool {
        std::ptr::eq(&raw const self.platform.environments[0], self.rendered)
    }

    /// What the plan says about the environment.
    fn planned(&self) -> &Value {
        &self.platform.plan["environments"][&self.rendered.environment]
    }

    fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// A kubeconfig whose context may be deployed to.
    fn write_kubeconfig(&self) {
        let text = fs::read_to_string(&self.user.kubeconfig).unwrap();
        let mut config: Value = serde_json::from_str(&text).unwrap();
        let glob = items(&self.planned()["contexts"])
            .next()
            .and_then(Value::as_str);
        if let Some(glob) = glob {
            let (old, new) = (
                config["current-context"].clone(),
                Value::from(glob.replace('*', "a")),
            );
            for list in ["contexts", "users"] {
                let named = config[list].as_array_mut().into_iter().flatten();
                named
                    .filter(|item| item["name"] == old)
                    .for_each(|item| item["name"] = new.clone());
            }
            let contexts = config["contexts"].as_array_mut().into_iter().flatten();
            contexts
                .filter(|context| context["context"]["user"] == old)
                .for_each(|context| context["context"]["user"] = new.clone());
            config["current-context"] = new;
        }
        fs::write(self.kubeconfig(), config.to_string()).unwrap();
    }

    /// The values of secrets, as a secrets file has them.
    fn secrets(&self) -> Value {
        let mut secrets = json!({});
        for (name, value) in &self.platform.data.inputs.secrets {
            let (secret, key) = name.split_once('/').expect("a name and a key");
            let value = match value.strip_prefix('@') {
                Some(path) => fs::read_to_string(root().join(path)).unwrap(),
                None => value.clone(),
            };
            secrets[secret][key] = value.into();
        }
        secrets
    }

    /// A command about the plan at `plan`.
    pub(super) fn command(&self, command: &str, plan: &Path, kubeconfig: &Path) -> Deployctl {
        with_programs(Deployctl::new())
            .current_dir(root())
            .env("KUBECONFIG", kubeconfig)
            .args([command.into(), plan.as_os_str().to_owned()])
            .args(["--env", &self.rendered.environment])
    }

    fn plan(&self) -> PathBuf {
        root().join(format!("plans/{}.yaml", self.platform.data.plan))
    }

    /// `up` of the plan at `plan`, with further variables.
    pub(super) fn up_of(&self, plan: &Path, set: &[String]) -> Deployctl {
        self.command("up", plan, &self.kubeconfig())
            .args(set_arguments(
                &self.platform.data,
                &self.rendered.environment,
            ))
            .args(set.iter().flat_map(|set| ["--set", set]))
            .args([
                "--secrets-file".into(),
                self.folder.path().join("secrets").into_os_string(),
            ])
            .args(["-o", "jsonl", &format!("--yes={}", self.name())])
    }

    fn up(&self, set: &[String]) -> Vec<Value> {
        self.up_of(&self.plan(), set).run().exited(0).events()
    }

    /// Comes up, away from contexts that are not its own.
    pub(super) fn comes_up(&self, row: &mut Row) {
        self.before.get_or_init(|| self.dump());
        if let Some(glob) = items(&self.planned()["contexts"]).next() {
            let yes = format!("--yes={}", self.name());
            let up = self
                .command("up", &self.plan(), &self.user.kubeconfig)
                .args([yes]);
            let set = set_arguments(&self.platform.data, &self.rendered.environment);
            let refused = up.args(set).run().exited(2);
            assert!(refused.stderr.contains(text(glob)), "{}", refused.stderr);
        }
        let start = Instant::now();
        let log = self.up(&[]);
        row.seconds = start.elapsed().as_secs_f64();
        row.objects = log
            .iter()
            .filter(|event| event["result"] == "created")
            .count();
        let environment = &self.rendered.environment;
        let expected = variant::rendered(self.platform, environment, &BTreeMap::new());
        let expected = expected.items.len() + expected.declared.len();
        let created = row.objects;
        assert_eq!(created, expected, "objects created, and rendered");
        let status = self.command("status", &self.plan(), &self.kubeconfig());
        status.args(["--exit-code"]).run().exited(0);
    }

    /// A second run writes nothing.
    pub(super) fn stays(&self, row: &mut Row) {
        let audit = Audit::from_now(&self.user);
        let log = self.up(&[]);
        let writes = audit.writes();
        row.writes = Some(writes.len());
        assert_eq!(writes, Vec::<String>::new());
        assert!(events(&log, "object-written").is_empty());
    }

    /// Another image rolls out exactly the workloads that use it.
    pub(super) fn rolls_out_another_image(&self) {
        self.comes_to_rest();
        let image = self.platform.data.expectations.image.as_ref();
        let image = image.expect("the data file has `image`");
        let before = self.templates();
        self.up(&[format!("{}={}", image.variable, image.value)]);
        let after = self.templates();
        let changed = after
            .iter()
            .filter(|(name, template)| before.get(*name) != Some(*template));
        let changed: Vec<Value> = changed.map(|(name, _)| named(name)).collect();
        let listed = |object: &Value| image.workloads.iter().any(|name| is_called(object, name));
        let more: Vec<String> = changed.iter().filter(|it| !listed(it)).map(title).collect();
        let is_there = |name: &&String| self.rendered.named(name).is_ok();
        let rolled = |name: &&String| changed.iter().any(|object| is_called(object, name));
        let less = image
            .workloads
            .iter()
            .filter(|name| is_there(name) && !rolled(name));
        let less: Vec<&String> = less.collect();
        assert!(
            more.is_empty() && less.is_empty(),
            "another image rolls out {more:?} too, and {less:?} not"
        );
    }

    /// Goes, and leaves what the data file says is kept.
    pub(super) fn goes_but_for_its_data(&self) {
        let down = self.command("down", &self.plan(), &self.kubeconfig());
        down.args([format!("--yes={}", self.name())])
            .run()
            .exited(0);
        let mut left = Vec::new();
        let gone = within(|| {
            let after = self.dump();
            left = Dump::differences(&self.before.get().expect("it came up").clone(), &after);
            left.retain(|line| !self.may_stay(line));
            let is_gone = left.is_empty();
            if is_gone {
                let _ = self.after.set(after);
            }
            is_gone
        });
        assert!(gone, "`down` leaves {left:#?}");
    }

    /// Whether a difference to what was there before is what is to be kept, or comes with it.
    fn may_stay(&self, line: &str) -> bool {
        let Some(identity) = line.strip_suffix(": it was not there before") else {
            return false;
        };
        let object = named(identity);
        let namespaces = &self.platform.data.environments[&self.rendered.environment].namespaces;
        let name = text(&object["metadata"]["name"]);
        let comes_with_it = match text(&object["kind"]) {
            // Names of environments begin alike: one that the plan does not make is another's.
            "Namespace" => {
                namespaces.iter().any(|own| own == name)
                    || self.rendered.named(&format!("Namespace/{name}")).is_err()
            }
            "ConfigMap" => name == "kube-root-ca.crt",
            "ServiceAccount" => name == "default",
            "PersistentVolume" => true,
            _ => false,
        };
        let kept = &self.platform.data.expectations.kept;
        comes_with_it || kept.iter().any(|kept| is_called(&object, kept))
    }

    /// The entries of `kept` that stayed.
    pub(super) fn kept(&self) -> BTreeSet<String> {
        let identities = self.after.get().into_iter().flat_map(Dump::identities);
        let left: Vec<Value> = identities.map(named).collect();
        let kept = self.platform.data.expectations.kept.iter();
        kept.filter(|kept| left.iter().any(|object| is_called(object, kept)))
            .cloned()
            .collect()
    }

    /// All that is there of it.
    pub(super) fn dump(&self) -> Dump {
        let namespaces = &self.platform.data.environments[&self.rendered.environment].namespaces;
        // What the cluster brings is not this release's alone.
        let is_own = |name: &&str| !self.rendered.is_given("Namespace", "", name);
        let names: Vec<&str> = namespaces
            .iter()
            .map(String::as_str)
            .filter(is_own)
            .collect();
        let shared = self.rendered.items.iter().filter_map(|item| {
            let namespace = item["metadata"]["namespace"].as_str()?;
            (!names.contains(&namespace)).then(|| (namespace, text(&item["metadata"]["name"])))
        });
        let of_cluster =
            self.rendered.items.iter().filter(|item| {
                item["metadata"]["namespace"].is_null() && item["kind"] != "Namespace"
            });
        let scope = of_cluster.fold(Scope::namespaces(&names), |scope, item| {
            scope.and_cluster_objects(text(&item["metadata"]["name"]))
        });
        let scope = shared.fold(scope, |scope, (namespace, name)| {
            scope.and_objects_in(namespace, name)
        });
        Dump::of(&scope.of(&cluster().api))
    }

    /// Workloads of its namespaces.
    fn workloads(&self) -> Vec<Value> {
        let namespaces = &self.platform.data.environments[&self.rendered.environment].namespaces;
        let mut workloads = Vec::new();
        for namespace in namespaces {
            for (kind, plural) in [
                ("Deployment", "deployments"),
                ("StatefulSet", "statefulsets"),
                ("DaemonSet", "daemonsets"),
            ] {
                let list = cluster()
                    .api
                    .get(&format!("/apis/apps/v1/namespaces/{namespace}/{plural}"));
                workloads.extend(items(&list["items"]).cloned().map(|mut item| {
                    item["kind"] = kind.into();
                    item
                }));
            }
        }
        workloads
    }

    /// The pods' templates of workloads that are rendered, by `KIND/NAMESPACE/NAME`.
    fn templates(&self) -> BTreeMap<String, Value> {
        let workloads = self.workloads().into_iter();
        workloads
            .map(|mut it| (title(&it), it["spec"]["template"].take()))
            .collect()
    }

    /// Waits until autoscalers and rollouts have nothing left to do.
    pub(super) fn comes_to_rest(&self) {
        let mut busy = Vec::new();
        let rests = within(|| {
            busy = self
                .workloads()
                .iter()
                .filter(|it| !self.rests(it))
                .map(title)
                .collect();
            busy.is_empty()
        });
        assert!(rests, "these do not come to rest: {busy:?}");
    }

    fn rests(&self, workload: &Value) -> bool {
        let (spec, status) = (&workload["spec"], &workload["status"]);
        let count = |value: &Value| value.as_u64().unwrap_or(0);
        let wanted = match workload["kind"].as_str() {
            Some("DaemonSet") => count(&status["desiredNumberScheduled"]),
            _ => count(&spec["replicas"]),
        };
        let ready = count(&status["readyReplicas"]).max(count(&status["numberReady"]));
        let updated =
            count(&status["updatedReplicas"]).max(count(&status["updatedNumberScheduled"]));
        let least = self.rendered.find(
            text(&workload["kind"]),
            text(&workload["metadata"]["namespace"]),
            text(&workload["metadata"]["name"]),
        );
        let least = least
            .and_then(super::super::workload::Workload::of)
            .map_or(0, |workload| {
                super::super::autoscaling::lowest(self.rendered, workload)
            });
        status["observedGeneration"] == workload["metadata"]["generation"]
            && ready == wanted
            && updated == wanted
            && (wanted >= least || workload["kind"] == "DaemonSet")
    }
}

/// An object of the name `KIND/NAMESPACE/NAME`, where the kind may have a group.
fn named(identity: &str) -> Value {
    let parts: Vec<&str> = identity.split('/').collect();
    let kind = parts[0].split('.').next().unwrap_or_default();
    let name = parts.last().copied().unwrap_or_default();
    let mut object = json!({"kind": kind, "metadata": {"name": name}});
    if let [_, namespace, _] = parts[..] {
        object["metadata"]["namespace"] = namespace.into();
    }
    object
}

/// Whether something comes true in time.
fn within(mut ask: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + REST;
    while !ask() {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(200));
    }
    true
}
