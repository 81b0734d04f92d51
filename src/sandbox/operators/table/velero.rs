//! Velero: backups and restores are completed at once, and hold nothing.
//!
//! See <https://velero.io/docs/main/api-types/>.

use serde_json::{Value, json};

use crate::sandbox::operators::{
    kind::{PlayedKind, played},
    subject::{NOW, Subject},
};

const GROUP: &str = "velero.io";
const OPERATOR: &str = "velero-server";

pub(super) const KINDS: &[PlayedKind] = &[
    played(OPERATOR, (GROUP, "BackupStorageLocation"), storage_location),
    played(OPERATOR, (GROUP, "Schedule"), schedule),
    played(OPERATOR, (GROUP, "Backup"), backup),
    played(OPERATOR, (GROUP, "Restore"), restore),
];

fn storage_location(subject: &Subject<'_>) -> Value {
    match subject.fault {
        None => json!({"phase": "Available", "lastValidationTime": NOW, "lastSyncedTime": NOW}),
        Some(_) => json!({
            "phase": "Unavailable",
            "lastValidationTime": NOW,
            "message": subject.because("BackupStorageLocation is unavailable"),
        }),
    }
}

fn schedule(subject: &Subject<'_>) -> Value {
    match &subject.fault {
        None => json!({"phase": "Enabled"}),
        Some(fault) => json!({"phase": "FailedValidation", "validationErrors": [fault]}),
    }
}

fn backup(subject: &Subject<'_>) -> Value {
    let mut status = run(subject);
    status["version"] = 1.into();
    status["formatVersion"] = "1.1.0".into();
    status["progress"] = json!({"totalItems": 1, "itemsBackedUp": subject.either(1, 0)});
    status
}

fn restore(subject: &Subject<'_>) -> Value {
    let mut status = run(subject);
    status["progress"] = json!({"totalItems": 1, "itemsRestored": subject.either(1, 0)});
    status
}

fn run(subject: &Subject<'_>) -> Value {
    let mut status = json!({
        "phase": subject.either("Completed", "Failed"),
        "startTimestamp": NOW,
        "completionTimestamp": NOW,
    });
    if let Some(fault) = &subject.fault {
        status["failureReason"] = fault.as_str().into();
    }
    status
}
