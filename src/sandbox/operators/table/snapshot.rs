//! The snapshot controller: a snapshot is ready at once, with a content that holds nothing.
//!
//! See <https://kubernetes.io/docs/concepts/storage/volume-snapshots/>.

use serde_json::{Value, json};

use crate::sandbox::{
    bootstrap::PROVISIONER,
    operators::{
        kind::{Absence, PlayedKind, Reference, played},
        subject::{NOW, Subject, namespace, text_or},
    },
};

const GROUP: &str = "snapshot.storage.k8s.io";
const API_VERSION: &str = "snapshot.storage.k8s.io/v1";
const OPERATOR: &str = "snapshot-controller";

pub(super) const KINDS: &[PlayedKind] = &[
    played(OPERATOR, (GROUP, "VolumeSnapshot"), snapshot)
        .making(contents)
        .referring(class_and_claim),
    played("csi-snapshotter", (GROUP, "VolumeSnapshotContent"), content),
];

/// A snapshot of a content that is there already (`volumeSnapshotContentName`) names no claim.
fn class_and_claim(object: &Value) -> Vec<Reference> {
    let spec = &object["spec"];
    let class = spec["volumeSnapshotClassName"].as_str();
    let class = class.map(|class| {
        Reference::to(
            (API_VERSION, "VolumeSnapshotClass"),
            "",
            class,
            Absence::Fails,
        )
    });
    let claim = spec["source"]["persistentVolumeClaimName"].as_str();
    let claim = claim.map(|claim| {
        Reference::to(
            ("v1", "PersistentVolumeClaim"),
            namespace(object),
            claim,
            Absence::Fails,
        )
    });
    claim.into_iter().chain(class).collect()
}

/// The one of what was found that is of this kind.
fn found<'a>(subject: &'a Subject<'_>, kind: &str) -> Option<&'a Value> {
    subject
        .found
        .iter()
        .flatten()
        .find(|found| found["kind"] == kind)
}

fn content_name(subject: &Subject<'_>) -> String {
    let made = format!(
        "snapcontent-{}",
        text_or(&subject.object["metadata"]["uid"], "")
    );
    text_or(
        &subject.spec()["source"]["volumeSnapshotContentName"],
        &made,
    )
    .to_owned()
}

fn snapshot(subject: &Subject<'_>) -> Value {
    if subject.fault.is_some() {
        let message = subject.because("Failed to take snapshot of the volume");
        return json!({"readyToUse": false, "error": {"message": message, "time": NOW}});
    }
    let size = found(subject, "PersistentVolumeClaim")
        .map(|claim| &claim["status"]["capacity"]["storage"]);
    let mut status = json!({
        "boundVolumeSnapshotContentName": content_name(subject),
        "creationTime": NOW,
        "readyToUse": true,
    });
    if let Some(Value::String(size)) = size {
        status["restoreSize"] = size.as_str().into();
    }
    status
}

fn contents(subject: &Subject<'_>) -> Vec<Value> {
    let Some(claim) = found(subject, "PersistentVolumeClaim") else {
        return Vec::new();
    };
    let class = found(subject, "VolumeSnapshotClass").unwrap_or(&Value::Null);
    let mut content = json!({
        "apiVersion": API_VERSION,
        "kind": "VolumeSnapshotContent",
        "metadata": {"name": content_name(subject)},
        "spec": {
            "deletionPolicy": text_or(&class["deletionPolicy"], "Delete"),
            "driver": text_or(&class["driver"], PROVISIONER),
            "source": {"volumeHandle": text_or(&claim["spec"]["volumeName"], "none")},
            "volumeSnapshotRef": {
                "apiVersion": API_VERSION,
                "kind": "VolumeSnapshot",
                "namespace": subject.namespace(),
                "name": subject.name(),
                "uid": subject.object["metadata"]["uid"],
            },
        },
    });
    if let Some(class) = subject.spec()["volumeSnapshotClassName"].as_str() {
        content["spec"]["volumeSnapshotClassName"] = class.into();
    }
    vec![content]
}

fn content(subject: &Subject<'_>) -> Value {
    if subject.fault.is_some() {
        let message = subject.because("Failed to check and update snapshot content");
        return json!({"readyToUse": false, "error": {"message": message, "time": NOW}});
    }
    let handle = &subject.spec()["source"]["snapshotHandle"];
    let made = format!("snapshot-{}", subject.name());
    json!({"readyToUse": true, "snapshotHandle": text_or(handle, &made)})
}
