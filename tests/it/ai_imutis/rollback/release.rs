use std::{collections::BTreeSet, fs, path::PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use super::edit::Edit;
use crate::{
    kill_points::platform::{Platform, Variant, replaced},
    support::{
        Deployctl, Outcome,
        dump::{Dump, Scope},
        eventually, get, list,
        project::events,
    },
};

/// AI-IMUTIS as a release of one test alone.
pub(super) struct Release {
    platform: Platform,
    name: &'static str,
    plans: TempDir,
}

/// An `up` that fails.
#[derive(Default)]
pub(super) struct Attempt {
    pub(super) phase: &'static str,
    /// Words of what is said about the failure.
    pub(super) because: Vec<String>,
    pub(super) edits: Vec<Edit>,
    /// The phase's time, where nothing else ends it.
    pub(super) timeout: Option<&'static str>,
    pub(super) arguments: Vec<&'static str>,
    /// What is there afterwards and was not before, each as `KIND/NAME`; volumes are named by
    /// chance and are not among them.
    pub(super) kept: Vec<&'static str>,
}

impl Release {
    /// A release that does not exist yet. No other test uses `name`.
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            platform: Platform::ai_imutis(),
            name,
            plans: tempfile::tempdir().unwrap(),
        }
    }

    /// A release that is there and runs.
    pub(super) fn deployed(name: &'static str) -> Self {
        let release = Self::new(name);
        release
            .command("up", Variant::Base, None)
            .args(["--yes"])
            .run()
            .exited(0);
        eventually("the autoscaler has its replicas", || {
            (release.get("deployment/api")["status"]["readyReplicas"] == 3).then_some(())
        });
        release
    }

    pub(super) fn namespace(&self) -> String {
        format!("kill-{}", self.name)
    }

    pub(super) fn get(&self, object: &str) -> Value {
        get(&self.namespace(), object)
    }

    /// `up --yes` of what was there first.
    pub(super) fn up(&self) -> Deployctl {
        self.command("up", Variant::Base, None).args(["--yes"])
    }

    /// A command about one state of the manifests; `timeout`: a phase with the time that it gets.
    fn command(&self, command: &str, variant: Variant, timeout: Option<(&str, &str)>) -> Deployctl {
        let plan = self.plan(variant, timeout);
        Deployctl::in_sandbox()
            .args([command.into(), plan.into_os_string()])
            .env(
                "DEPLOYCTL_SECRET_API_SECRETS__FIREBASE_PROJECT_ID",
                "ai-imutis-dev",
            )
            .env(
                "DEPLOYCTL_SECRET_REGISTRY_CREDENTIALS__PASSWORD",
                "not-a-real-password",
            )
    }

    fn plan(&self, variant: Variant, timeout: Option<(&str, &str)>) -> PathBuf {
        let mut text = self.platform.plan(self.name, variant);
        if let Some((phase, timeout)) = timeout {
            let own = |line: &&str| !line.starts_with(&format!("  {phase}: {{timeout: "));
            text = text.lines().filter(own).collect::<Vec<_>>().join("\n") + "\n";
            text = replaced(
                &text,
                "\nphases:\n",
                &format!("\nphases:\n  {phase}: {{timeout: {timeout}}}\n"),
            );
        }
        let plan = self
            .plans
            .path()
            .join(format!("{}.yaml", self.platform.name));
        fs::write(&plan, text).unwrap();
        plan
    }

    /// A first install that fails, and is taken back.
    #[track_caller]
    pub(super) fn install_fails(&self, attempt: &Attempt) {
        self.fails(Variant::Base, attempt);
    }

    /// An upgrade that fails, and is taken back: what was there before runs.
    #[track_caller]
    pub(super) fn upgrade_fails(&self, attempt: &Attempt) {
        self.fails(Variant::Changed, attempt);
        self.assert_running();
    }

    #[track_caller]
    fn fails(&self, variant: Variant, attempt: &Attempt) {
        let undo: Vec<_> = attempt
            .edits
            .iter()
            .map(|edit| edit.make(&self.platform.manifests(variant)))
            .collect();
        let before = self.dump();
        let timeout = attempt.timeout.map(|timeout| (attempt.phase, timeout));
        let run = self
            .command("up", variant, timeout)
            .args(["--yes", "-o", "jsonl"])
            .args(attempt.arguments.iter().copied());
        let run = run.run().exited(1);
        let after = self.dump();
        undo.into_iter().rev().for_each(|undo| undo());
        assert_explained(&run, attempt);
        let log = run.events();
        let proved = events(&log, "rollback-proved");
        assert_eq!(
            proved.len(),
            1,
            "stdout:\n{}\nstderr:\n{}",
            run.stdout,
            run.stderr
        );
        let proof = &proved[0]["proof"];
        assert_eq!(proof["differences"], Value::Array(Vec::new()), "{proof:#}");
        self.assert_only_kept(&Dump::differences(&before, &after), &attempt.kept);
    }

    /// All that is there of it, but for what is kept about its revisions.
    fn dump(&self) -> Dump {
        Dump::of(
            &Scope::namespaces(&[&self.namespace()])
                .and_cluster_objects(&format!("{}-{}-", self.platform.name, self.name)),
        )
    }

    #[track_caller]
    fn assert_only_kept(&self, differences: &[String], kept: &[&str]) {
        let new = |identity: &str| format!("{identity}: it was not there before");
        let namespace = self.namespace();
        let identity = |kept: &&str| match kept.split_once('/') {
            None => new(&format!("{kept}/{namespace}")),
            Some((kind, name)) => new(&format!("{kind}/{namespace}/{name}")),
        };
        let expected: BTreeSet<String> = kept.iter().map(identity).collect();
        let (volumes, objects): (Vec<&String>, Vec<&String>) = differences
            .iter()
            .partition(|line| line.starts_with("PersistentVolume/"));
        assert_eq!(
            objects.into_iter().cloned().collect::<BTreeSet<_>>(),
            expected
        );
        let claims = kept
            .iter()
            .filter(|kept| kept.starts_with("PersistentVolumeClaim/"));
        let bound = claims.filter_map(|claim| {
            self.get(&claim.to_lowercase())["spec"]["volumeName"]
                .as_str()
                .map(str::to_owned)
        });
        assert_eq!(
            volumes.into_iter().cloned().collect::<BTreeSet<_>>(),
            bound
                .map(|volume| new(&format!("PersistentVolume/{volume}")))
                .collect::<BTreeSet<_>>()
        );
    }

    /// All pods are those of the templates, and are ready.
    #[track_caller]
    fn assert_running(&self) {
        let workloads = ["deployments", "statefulsets"]
            .map(|kind| list(&self.namespace(), kind))
            .concat();
        assert_eq!(workloads.len(), 5);
        for workload in &workloads {
            let (wanted, status) = (&workload["spec"]["replicas"], &workload["status"]);
            let name = &workload["metadata"]["name"];
            assert_eq!(
                status["observedGeneration"], workload["metadata"]["generation"],
                "{name}: {status}"
            );
            for count in ["readyReplicas", "updatedReplicas"] {
                assert_eq!(&status[count], wanted, "{name}: {count}: {status}");
            }
        }
    }
}

/// The failure is of the phase that was to fail, and says why.
#[track_caller]
fn assert_explained(run: &Outcome, attempt: &Attempt) {
    let log = run.events();
    let explained = events(&log, "failure-explained");
    assert_eq!(explained.len(), 1, "{}", run.stderr);
    let diagnosis = &explained[0]["diagnosis"];
    assert_eq!(diagnosis["phase"], attempt.phase, "{diagnosis:#}");
    for text in &attempt.because {
        assert!(
            diagnosis.to_string().contains(text),
            "`{text}` is not said: {diagnosis:#}"
        );
    }
}
