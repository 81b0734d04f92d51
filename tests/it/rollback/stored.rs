//! Revisions that an earlier build of the program stored, with a run that was killed among them: the
//! formats of what is kept in the cluster are promises.

use std::{collections::BTreeMap, io::Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    manifests::{config_map, deployment, documents, faulty_deployment},
    project::{Project, written},
};
use crate::support::{get, kubectl, state_namespace, try_kubectl};

/// Revision 1 is deployed; revision 2 changed `settings`, created `new` and `worker`, and was killed
/// while it waited for `worker`. What was compressed is written out, and `UID-OF Kind/name` stands
/// for the uid of an object.
const STORED: &str = include_str!("stored_before.json");

/// The plan that it was stored for: the digests in it hold its name.
const NAME: &str = "stored-before";

#[derive(Deserialize)]
struct Stored {
    name: String,
    labels: Value,
    /// By key: what was compressed one after the other.
    pieces: BTreeMap<String, Vec<Value>>,
}

impl Stored {
    fn secret(&self) -> Value {
        let pack = |pieces: &Vec<Value>| {
            let mut bytes = Vec::new();
            for piece in pieces {
                let mut encoder = GzEncoder::new(&mut bytes, Compression::default());
                encoder.write_all(piece.to_string().as_bytes()).unwrap();
                encoder.finish().unwrap();
            }
            STANDARD.encode(bytes)
        };
        let data: BTreeMap<_, _> = self
            .pieces
            .iter()
            .map(|(key, pieces)| (key, pack(pieces)))
            .collect();
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "deployctl.dev/revision",
            "metadata": {"name": self.name, "namespace": "deployctl-system", "labels": self.labels},
            "data": data,
        })
    }
}

/// Applies `yaml` as the program did, marked with the release.
fn apply_as_released(yaml: &str) {
    let marked = yaml.replace(
        "metadata: {name: ",
        &format!("metadata: {{labels: {{deployctl.dev/{NAME}.default: ''}}, name: "),
    );
    let manager = format!("--field-manager=deployctl.{NAME}.default");
    let applied = try_kubectl(
        &["apply", "--server-side", &manager, "-n", NAME, "-f", "-"],
        &marked,
    );
    assert!(applied.status.success(), "{applied:?}");
}

/// The project as the killed run left the files, the cluster and what is stored.
fn killed_run() -> Project {
    let after = documents(&[config_map("settings", "2"), config_map("new", "2")]);
    let project = Project::new(NAME)
        .plan("phases: {apps: {timeout: 10m}}\n")
        .manifest("databases/settings.yaml", &after)
        .manifest("apps/worker.yaml", &deployment("worker"));
    apply_as_released(&format!(
        "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {NAME}}}\n"
    ));
    apply_as_released(&documents(&[
        config_map("settings", "1"),
        config_map("gone", "1"),
    ]));
    apply_as_released(&documents(&[
        after,
        faulty_deployment("worker", "never-ready"),
    ]));

    let mut text = STORED.to_owned();
    for object in [
        "Namespace/stored-before",
        "ConfigMap/settings",
        "ConfigMap/gone",
        "ConfigMap/new",
        "Deployment/worker",
    ] {
        let uid = project.get(&object.to_lowercase())["metadata"]["uid"].clone();
        let placeholder = format!("UID-OF {object}");
        assert!(text.contains(&placeholder), "{placeholder}");
        text = text.replace(&placeholder, uid.as_str().unwrap());
    }
    let stored: Vec<Stored> = serde_json::from_str(&text).unwrap();
    let secrets: Vec<Value> = stored.iter().map(Stored::secret).collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": secrets});
    let created = try_kubectl(&["create", "-f", "-"], &list.to_string());
    assert!(created.status.success(), "{created:?}");
    project
}

#[track_caller]
fn assert_is_as_revision_1(project: &Project) {
    for name in ["settings", "gone"] {
        let object = project.get(&format!("configmap/{name}"));
        assert_eq!(object["data"]["value"], "1", "{name}");
    }
    for object in ["configmap/new", "deployment/worker"] {
        assert!(project.get(object).is_null(), "{object}");
    }
}

#[test]
fn a_revision_of_an_earlier_build_is_read_gone_on_from_and_rolled_back() {
    state_namespace();
    let project = killed_run();
    let revisions = project
        .command("history", &["-o", "json"])
        .run()
        .exited(0)
        .json();
    let outcomes: Vec<&Value> = revisions["revisions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|revision| &revision["outcome"])
        .collect();
    assert_eq!(outcomes, ["succeeded", "running"], "{revisions:#}");
    assert_eq!(project.status()["standing"], "interrupted");

    project.command("rollback", &["--yes"]).run().exited(0);
    assert_is_as_revision_1(&project);

    project.command("down", &["--yes"]).run().exited(0);
    assert!(get("default", &format!("namespace/{NAME}")).is_null());
    let release = format!("deployctl.dev/release={}", project.release());
    kubectl(&[
        "delete",
        "secrets",
        "-n",
        "deployctl-system",
        "-l",
        &release,
    ]);

    let project = killed_run();
    let log = project.deploy(&[]);
    assert_eq!(
        written(&log),
        [
            "changed Deployment/stored-before/worker",
            "deleted ConfigMap/stored-before/gone"
        ]
    );
    assert_eq!(project.last_revision()["continues"], 2);
    project
        .command("rollback", &["--to", "1", "--yes"])
        .run()
        .exited(0);
    assert_is_as_revision_1(&project);
}
