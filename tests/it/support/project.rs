//! Small releases to deploy, and what is stored about them.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::Path,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{
    Compression,
    read::{GzDecoder, MultiGzDecoder},
    write::GzEncoder,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Deployctl, get, kubectl, list};

/// A plan with manifests in a folder of its own.
///
/// Its name is also that of its namespace, which does not exist before `up`; no other test uses it.
pub(crate) struct Project {
    folder: TempDir,
    pub(crate) name: String,
    /// The key `sources` of its plan.
    sources: String,
}

impl Project {
    pub(crate) fn new(name: &str) -> Self {
        let project = Self {
            folder: tempfile::tempdir().unwrap(),
            name: name.to_owned(),
            sources: "[../manifests]".to_owned(),
        };
        project.plan("")
    }

    /// A project whose plan has other sources than its folder of manifests.
    pub(crate) fn with_sources(name: &str, sources: &str) -> Self {
        let project = Self {
            sources: sources.to_owned(),
            ..Self::new(name)
        };
        project.plan("")
    }

    fn head(&self) -> String {
        format!(
            "apiVersion: deployctl.dev/v1\nname: {name}\nsources: {sources}\nnamespace: {name}\n",
            name = self.name,
            sources = self.sources
        )
    }

    /// Adds keys to the plan, instead of those that were added before.
    pub(crate) fn plan(self, more: &str) -> Self {
        self.rewrite_plan(more);
        self
    }

    /// [`Project::plan`], of a project that is in use.
    pub(crate) fn rewrite_plan(&self, more: &str) {
        self.write(&format!("plans/{}.yaml", self.name), &(self.head() + more));
    }

    /// Adds or replaces a manifest; the folder says its phase.
    pub(crate) fn manifest(self, path: &str, yaml: &str) -> Self {
        self.rewrite(path, yaml);
        self
    }

    /// Replaces a manifest of a project that is in use.
    pub(crate) fn rewrite(&self, path: &str, yaml: &str) {
        self.write(&format!("manifests/{path}"), yaml);
    }

    /// The folder that it lies in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file of any kind into its folder.
    pub(crate) fn write(&self, path: &str, content: &str) {
        let file = self.folder.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    /// `PLAN.ENV`.
    pub(crate) fn release(&self) -> String {
        format!("{}.default", self.name)
    }

    /// A command of the program about this plan.
    pub(crate) fn command(&self, command: &str, arguments: &[&str]) -> Deployctl {
        Deployctl::in_sandbox()
            .current_dir(self.folder.path())
            .args([command, &self.name])
            .args(arguments.iter().copied())
    }

    /// `up --yes` with further arguments.
    pub(crate) fn up(&self, arguments: &[&str]) -> Deployctl {
        self.command("up", arguments).args(["--yes"])
    }

    /// Runs `up`, which must succeed, and returns its events.
    #[track_caller]
    pub(crate) fn deploy(&self, arguments: &[&str]) -> Vec<Value> {
        self.up(arguments)
            .args(["-o", "jsonl"])
            .run()
            .exited(0)
            .events()
    }

    /// What `status` says.
    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        self.command("status", &["-o", "json"])
            .run()
            .exited(0)
            .json()
    }

    /// An object in the project's namespace; null where there is none.
    #[track_caller]
    pub(crate) fn get(&self, object: &str) -> Value {
        get(&self.name, object)
    }

    /// Runs kubectl in the project's namespace.
    #[track_caller]
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        kubectl(&[&["--namespace", &self.name], arguments].concat())
    }

    /// Puts the ConfigMap `owner` into the `ownerReferences` of `object`, as an operator does that
    /// takes an object over.
    #[track_caller]
    pub(crate) fn hand_over(&self, object: &str, owner: &str) {
        let uid = &self.get(&format!("configmap/{owner}"))["metadata"]["uid"];
        let reference = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": uid, "controller": true});
        let patch = json!({"metadata": {"ownerReferences": [reference]}}).to_string();
        self.kubectl(&["patch", object, "--type=merge", "-p", &patch]);
    }

    /// The stored Secrets of the release's revisions, oldest first.
    #[track_caller]
    pub(crate) fn stored(&self, part: &str) -> Vec<Value> {
        let secrets = format!(
            "secrets?labelSelector=deployctl.dev/release={},deployctl.dev/part={part}",
            self.release()
        );
        let mut stored = list("deployctl-system", &secrets);
        stored.sort_by_key(|secret| secret["metadata"]["creationTimestamp"].to_string());
        stored
    }

    /// The revisions as they are stored, oldest first.
    #[track_caller]
    pub(crate) fn revisions(&self) -> Vec<Value> {
        let mut revisions: Vec<Value> = self
            .stored("head")
            .iter()
            .map(|head| unpacked(head, "head"))
            .collect();
        revisions.sort_by_key(|revision| revision["number"].as_u64());
        revisions
    }

    /// The newest revision.
    #[track_caller]
    pub(crate) fn last_revision(&self) -> Value {
        self.revisions().pop().expect("there is a revision")
    }

    /// The test fails where the namespace or a revision exists.
    #[track_caller]
    pub(crate) fn assert_nothing_was_written(&self) {
        let namespace = get(&self.name, &format!("namespace/{}", self.name));
        assert_eq!(namespace, Value::Null, "the namespace was created");
        self.assert_no_revision();
    }

    /// The test fails where a revision exists.
    #[track_caller]
    pub(crate) fn assert_no_revision(&self) {
        assert_eq!(
            self.stored("head"),
            Vec::<Value>::new(),
            "a revision was stored"
        );
        assert_eq!(
            self.stored("chunk"),
            Vec::<Value>::new(),
            "parts of a revision were stored"
        );
    }
}

/// What a stored Secret holds under `key`: base64 of gzip of JSON.
pub(crate) fn unpacked(secret: &Value, key: &str) -> Value {
    let bytes = STANDARD
        .decode(secret["data"][key].as_str().unwrap())
        .unwrap();
    let mut text = String::new();
    GzDecoder::new(bytes.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    serde_json::from_str(&text).unwrap()
}

/// `value` as a stored Secret holds it.
pub(crate) fn packed(value: &Value) -> String {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(value.to_string().as_bytes()).unwrap();
    STANDARD.encode(packer.finish().unwrap())
}

/// The journal that the head of a revision holds, as it is stored: pieces of JSON one after the
/// other, none before the first write.
pub(crate) fn journal(head: &Value) -> String {
    let mut text = String::new();
    let stored = head["data"]["journal"].as_str().unwrap_or_default();
    if stored.is_empty() {
        return text;
    }
    let bytes = STANDARD.decode(stored).unwrap();
    MultiGzDecoder::new(bytes.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    text
}

/// The events of a name.
pub(crate) fn events<'a>(events: &'a [Value], name: &str) -> Vec<&'a Value> {
    events
        .iter()
        .filter(|event| event["event"] == name)
        .collect()
}

/// The position of the first event of `name` about `phase`; the test fails where there is none.
#[track_caller]
pub(crate) fn position(events: &[Value], name: &str, phase: &str) -> usize {
    let found = events
        .iter()
        .position(|event| event["event"] == name && event["phase"] == phase);
    found.unwrap_or_else(|| panic!("no event {name} about {phase}: {events:#?}"))
}

/// What was written, each as `result KIND/NAMESPACE/NAME`, in alphabetical order.
pub(crate) fn written(events: &[Value]) -> Vec<String> {
    let mut written: Vec<String> = events
        .iter()
        .filter(|event| event["event"] == "object-written")
        .map(|event| {
            format!(
                "{} {}",
                event["result"].as_str().unwrap(),
                name(&event["object"])
            )
        })
        .collect();
    written.sort_unstable();
    written
}

/// `KIND/NAMESPACE/NAME` of an object in an event.
pub(crate) fn name(object: &Value) -> String {
    let parts = ["kind", "namespace", "name"].map(|key| object[key].as_str().unwrap_or_default());
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("/")
}
